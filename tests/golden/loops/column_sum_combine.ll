define void @k(ptr noalias %args, i64 %begin, i64 %end) #0 {
entry:
  %v1 = getelementptr i64, ptr %args, i64 4
  %v2 = load ptr, ptr %v1, !invariant.load !1
  %v3 = getelementptr i64, ptr %args, i64 5
  %v4 = load ptr, ptr %v3, !invariant.load !1
  %v5 = getelementptr i64, ptr %args, i64 6
  %v6 = load i64, ptr %v5, !invariant.load !1
  %v7 = getelementptr i64, ptr %args, i64 7
  %v8 = load i64, ptr %v7, !invariant.load !1
  %v9 = getelementptr i64, ptr %args, i64 8
  %v10 = load i64, ptr %v9, !invariant.load !1
  %v11 = getelementptr i64, ptr %args, i64 9
  %v12 = load i64, ptr %v11, !invariant.load !1
  %v13 = getelementptr i64, ptr %args, i64 10
  %v14 = load i64, ptr %v13, !invariant.load !1
  %v16 = add i64 %begin, 16
  %v17 = icmp sle i64 %v16, %end
  br i1 %v17, label %loop15, label %loop15.end
loop15:
  %loop15.i = phi i64 [%begin, %entry], [%v38, %loop19.end]
  %v18 = add i64 %loop15.i, 8
  %v20 = add i64 0, 1
  %v21 = icmp sle i64 %v20, %v12
  br i1 %v21, label %loop19, label %loop19.end
loop19:
  %loop19.i = phi i64 [0, %loop15], [%v30, %loop19]
  %loop19.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop15], [%v26, %loop19]
  %loop19.c1 = phi <8 x float> [splat (float 0x0000000000000000), %loop15], [%v29, %loop19]
  %v22 = mul i64 %loop19.i, %v14
  %v23 = getelementptr float, ptr %v2, i64 %v22
  %v24 = getelementptr float, ptr %v23, i64 %loop15.i
  %v25 = load <8 x float>, ptr %v24, align 4
  %v26 = fadd contract <8 x float> %loop19.c0, %v25
  %v27 = getelementptr float, ptr %v23, i64 %v18
  %v28 = load <8 x float>, ptr %v27, align 4
  %v29 = fadd contract <8 x float> %loop19.c1, %v28
  %v30 = add nuw nsw i64 %loop19.i, 1
  %v31 = add nuw nsw i64 %v30, 1
  %v32 = icmp sle i64 %v31, %v12
  br i1 %v32, label %loop19, label %loop19.end
loop19.end:
  %v33 = phi i64 [0, %loop15], [%v30, %loop19]
  %v34 = phi <8 x float> [splat (float 0x0000000000000000), %loop15], [%v26, %loop19]
  %v35 = phi <8 x float> [splat (float 0x0000000000000000), %loop15], [%v29, %loop19]
  %v36 = getelementptr float, ptr %v4, i64 %loop15.i
  store <8 x float> %v34, ptr %v36, align 4
  %v37 = getelementptr float, ptr %v4, i64 %v18
  store <8 x float> %v35, ptr %v37, align 4
  %v38 = add nuw nsw i64 %loop15.i, 16
  %v39 = add nuw nsw i64 %v38, 16
  %v40 = icmp sle i64 %v39, %end
  br i1 %v40, label %loop15, label %loop15.end
loop15.end:
  %v41 = phi i64 [%begin, %entry], [%v38, %loop19.end]
  %v43 = add i64 %v41, 8
  %v44 = icmp sle i64 %v43, %end
  br i1 %v44, label %loop42, label %loop42.end
loop42:
  %loop42.i = phi i64 [%v41, %loop15.end], [%v59, %loop45.end]
  %v46 = add i64 0, 1
  %v47 = icmp sle i64 %v46, %v12
  br i1 %v47, label %loop45, label %loop45.end
loop45:
  %loop45.i = phi i64 [0, %loop42], [%v53, %loop45]
  %loop45.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop42], [%v52, %loop45]
  %v48 = mul i64 %loop45.i, %v14
  %v49 = getelementptr float, ptr %v2, i64 %v48
  %v50 = getelementptr float, ptr %v49, i64 %loop42.i
  %v51 = load <8 x float>, ptr %v50, align 4
  %v52 = fadd contract <8 x float> %loop45.c0, %v51
  %v53 = add nuw nsw i64 %loop45.i, 1
  %v54 = add nuw nsw i64 %v53, 1
  %v55 = icmp sle i64 %v54, %v12
  br i1 %v55, label %loop45, label %loop45.end
loop45.end:
  %v56 = phi i64 [0, %loop42], [%v53, %loop45]
  %v57 = phi <8 x float> [splat (float 0x0000000000000000), %loop42], [%v52, %loop45]
  %v58 = getelementptr float, ptr %v4, i64 %loop42.i
  store <8 x float> %v57, ptr %v58, align 4
  %v59 = add nuw nsw i64 %loop42.i, 8
  %v60 = add nuw nsw i64 %v59, 8
  %v61 = icmp sle i64 %v60, %end
  br i1 %v61, label %loop42, label %loop42.end
loop42.end:
  %v62 = phi i64 [%v41, %loop15.end], [%v59, %loop45.end]
  %v63 = add i64 %end, 7
  %v65 = add i64 %v62, 8
  %v66 = icmp sle i64 %v65, %v63
  br i1 %v66, label %loop64, label %loop64.end
loop64:
  %loop64.i = phi i64 [%v62, %loop42.end], [%v86, %loop72.end]
  %v67 = sub i64 %end, %loop64.i
  %v68 = trunc i64 %v67 to i32
  %v69 = insertelement <8 x i32> poison, i32 %v68, i32 0
  %v70 = shufflevector <8 x i32> %v69, <8 x i32> poison, <8 x i32> zeroinitializer
  %v71 = icmp sgt <8 x i32> %v70, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v73 = add i64 0, 1
  %v74 = icmp sle i64 %v73, %v12
  br i1 %v74, label %loop72, label %loop72.end
loop72:
  %loop72.i = phi i64 [0, %loop64], [%v80, %loop72]
  %loop72.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop64], [%v79, %loop72]
  %v75 = mul i64 %loop72.i, %v14
  %v76 = getelementptr float, ptr %v2, i64 %v75
  %v77 = getelementptr float, ptr %v76, i64 %loop64.i
  %v78 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v77, <8 x i1> %v71, <8 x float> zeroinitializer)
  %v79 = fadd contract <8 x float> %loop72.c0, %v78
  %v80 = add nuw nsw i64 %loop72.i, 1
  %v81 = add nuw nsw i64 %v80, 1
  %v82 = icmp sle i64 %v81, %v12
  br i1 %v82, label %loop72, label %loop72.end
loop72.end:
  %v83 = phi i64 [0, %loop64], [%v80, %loop72]
  %v84 = phi <8 x float> [splat (float 0x0000000000000000), %loop64], [%v79, %loop72]
  %v85 = getelementptr float, ptr %v4, i64 %loop64.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v84, ptr %v85, <8 x i1> %v71)
  %v86 = add nuw nsw i64 %loop64.i, 8
  %v87 = add nuw nsw i64 %v86, 8
  %v88 = icmp sle i64 %v87, %v63
  br i1 %v88, label %loop64, label %loop64.end
loop64.end:
  %v89 = phi i64 [%v62, %loop42.end], [%v86, %loop72.end]
  ret void
}
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
