define void @k(ptr noalias %args, i64 %begin, i64 %end) #0 {
entry:
  %v1 = getelementptr i64, ptr %args, i64 4
  %v2 = load ptr, ptr %v1, !invariant.load !1
  %v3 = getelementptr i64, ptr %args, i64 5
  %v4 = load ptr, ptr %v3, !invariant.load !1
  %v5 = getelementptr i64, ptr %args, i64 6
  %v6 = load ptr, ptr %v5, !invariant.load !1
  %v7 = getelementptr i64, ptr %args, i64 7
  %v8 = load ptr, ptr %v7, !invariant.load !1
  %v9 = getelementptr i64, ptr %args, i64 8
  %v10 = load i64, ptr %v9, !invariant.load !1
  %v11 = getelementptr i64, ptr %args, i64 9
  %v12 = load i64, ptr %v11, !invariant.load !1
  %v13 = getelementptr i64, ptr %args, i64 10
  %v14 = load i64, ptr %v13, !invariant.load !1
  %v15 = getelementptr i64, ptr %args, i64 11
  %v16 = load i64, ptr %v15, !invariant.load !1
  %v18 = add i64 %begin, 32
  %v19 = icmp sle i64 %v18, %end
  br i1 %v19, label %loop17, label %loop17.end
loop17:
  %loop17.i = phi i64 [%begin, %entry], [%v67, %loop17]
  %v20 = add nuw nsw i64 %loop17.i, 8
  %v21 = add nuw nsw i64 %loop17.i, 16
  %v22 = add nuw nsw i64 %loop17.i, 24
  %v23 = getelementptr float, ptr %v2, i64 %loop17.i
  %v33 = getelementptr float, ptr %v2, i64 %v20
  %v43 = getelementptr float, ptr %v2, i64 %v21
  %v53 = getelementptr float, ptr %v2, i64 %v22
  %v24 = load <8 x float>, ptr %v23, align 4
  %v34 = load <8 x float>, ptr %v33, align 4
  %v44 = load <8 x float>, ptr %v43, align 4
  %v54 = load <8 x float>, ptr %v53, align 4
  %v25 = getelementptr float, ptr %v4, i64 %loop17.i
  %v35 = getelementptr float, ptr %v4, i64 %v20
  %v45 = getelementptr float, ptr %v4, i64 %v21
  %v55 = getelementptr float, ptr %v4, i64 %v22
  %v26 = load <8 x float>, ptr %v25, align 4
  %v36 = load <8 x float>, ptr %v35, align 4
  %v46 = load <8 x float>, ptr %v45, align 4
  %v56 = load <8 x float>, ptr %v55, align 4
  %v27 = fmul contract <8 x float> %v24, %v26
  %v37 = fmul contract <8 x float> %v34, %v36
  %v47 = fmul contract <8 x float> %v44, %v46
  %v57 = fmul contract <8 x float> %v54, %v56
  %v28 = getelementptr float, ptr %v6, i64 %loop17.i
  %v38 = getelementptr float, ptr %v6, i64 %v20
  %v48 = getelementptr float, ptr %v6, i64 %v21
  %v58 = getelementptr float, ptr %v6, i64 %v22
  %v29 = load <8 x float>, ptr %v28, align 4
  %v39 = load <8 x float>, ptr %v38, align 4
  %v49 = load <8 x float>, ptr %v48, align 4
  %v59 = load <8 x float>, ptr %v58, align 4
  %v30 = fadd contract <8 x float> %v27, %v29
  %v40 = fadd contract <8 x float> %v37, %v39
  %v50 = fadd contract <8 x float> %v47, %v49
  %v60 = fadd contract <8 x float> %v57, %v59
  %v31 = fcmp ole <8 x float> %v30, splat (float 0x0000000000000000)
  %v41 = fcmp ole <8 x float> %v40, splat (float 0x0000000000000000)
  %v51 = fcmp ole <8 x float> %v50, splat (float 0x0000000000000000)
  %v61 = fcmp ole <8 x float> %v60, splat (float 0x0000000000000000)
  %v32 = select <8 x i1> %v31, <8 x float> splat (float 0x0000000000000000), <8 x float> %v30
  %v42 = select <8 x i1> %v41, <8 x float> splat (float 0x0000000000000000), <8 x float> %v40
  %v52 = select <8 x i1> %v51, <8 x float> splat (float 0x0000000000000000), <8 x float> %v50
  %v62 = select <8 x i1> %v61, <8 x float> splat (float 0x0000000000000000), <8 x float> %v60
  %v63 = getelementptr float, ptr %v8, i64 %loop17.i
  store <8 x float> %v32, ptr %v63, align 4
  %v64 = getelementptr float, ptr %v8, i64 %v20
  store <8 x float> %v42, ptr %v64, align 4
  %v65 = getelementptr float, ptr %v8, i64 %v21
  store <8 x float> %v52, ptr %v65, align 4
  %v66 = getelementptr float, ptr %v8, i64 %v22
  store <8 x float> %v62, ptr %v66, align 4
  %v67 = add nuw nsw i64 %loop17.i, 32
  %v68 = add nuw nsw i64 %v67, 32
  %v69 = icmp sle i64 %v68, %end
  br i1 %v69, label %loop17, label %loop17.end
loop17.end:
  %v70 = phi i64 [%begin, %entry], [%v67, %loop17]
  %v72 = add i64 %v70, 8
  %v73 = icmp sle i64 %v72, %end
  br i1 %v73, label %loop71, label %loop71.end
loop71:
  %loop71.i = phi i64 [%v70, %loop17.end], [%v85, %loop71]
  %v74 = getelementptr float, ptr %v2, i64 %loop71.i
  %v75 = load <8 x float>, ptr %v74, align 4
  %v76 = getelementptr float, ptr %v4, i64 %loop71.i
  %v77 = load <8 x float>, ptr %v76, align 4
  %v78 = fmul contract <8 x float> %v75, %v77
  %v79 = getelementptr float, ptr %v6, i64 %loop71.i
  %v80 = load <8 x float>, ptr %v79, align 4
  %v81 = fadd contract <8 x float> %v78, %v80
  %v82 = fcmp ole <8 x float> %v81, splat (float 0x0000000000000000)
  %v83 = select <8 x i1> %v82, <8 x float> splat (float 0x0000000000000000), <8 x float> %v81
  %v84 = getelementptr float, ptr %v8, i64 %loop71.i
  store <8 x float> %v83, ptr %v84, align 4
  %v85 = add nuw nsw i64 %loop71.i, 8
  %v86 = add nuw nsw i64 %v85, 8
  %v87 = icmp sle i64 %v86, %end
  br i1 %v87, label %loop71, label %loop71.end
loop71.end:
  %v88 = phi i64 [%v70, %loop17.end], [%v85, %loop71]
  %v89 = add i64 %end, 7
  %v91 = add i64 %v88, 8
  %v92 = icmp sle i64 %v91, %v89
  br i1 %v92, label %loop90, label %loop90.end
loop90:
  %loop90.i = phi i64 [%v88, %loop71.end], [%v109, %loop90]
  %v93 = sub i64 %end, %loop90.i
  %v94 = trunc i64 %v93 to i32
  %v95 = insertelement <8 x i32> poison, i32 %v94, i32 0
  %v96 = shufflevector <8 x i32> %v95, <8 x i32> poison, <8 x i32> zeroinitializer
  %v97 = icmp sgt <8 x i32> %v96, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v98 = getelementptr float, ptr %v2, i64 %loop90.i
  %v99 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v98, <8 x i1> %v97, <8 x float> zeroinitializer)
  %v100 = getelementptr float, ptr %v4, i64 %loop90.i
  %v101 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v100, <8 x i1> %v97, <8 x float> zeroinitializer)
  %v102 = fmul contract <8 x float> %v99, %v101
  %v103 = getelementptr float, ptr %v6, i64 %loop90.i
  %v104 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v103, <8 x i1> %v97, <8 x float> zeroinitializer)
  %v105 = fadd contract <8 x float> %v102, %v104
  %v106 = fcmp ole <8 x float> %v105, splat (float 0x0000000000000000)
  %v107 = select <8 x i1> %v106, <8 x float> splat (float 0x0000000000000000), <8 x float> %v105
  %v108 = getelementptr float, ptr %v8, i64 %loop90.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v107, ptr %v108, <8 x i1> %v97)
  %v109 = add nuw nsw i64 %loop90.i, 8
  %v110 = add nuw nsw i64 %v109, 8
  %v111 = icmp sle i64 %v110, %v89
  br i1 %v111, label %loop90, label %loop90.end
loop90.end:
  %v112 = phi i64 [%v88, %loop71.end], [%v109, %loop90]
  ret void
}
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
