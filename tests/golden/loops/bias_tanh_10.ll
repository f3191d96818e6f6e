define void @k(ptr noalias %args, i64 %begin, i64 %end) #0 {
entry:
  %v1 = getelementptr i64, ptr %args, i64 4
  %v2 = load ptr, ptr %v1, !invariant.load !1
  %v3 = getelementptr i64, ptr %args, i64 5
  %v4 = load ptr, ptr %v3, !invariant.load !1
  %v5 = getelementptr i64, ptr %args, i64 6
  %v6 = load ptr, ptr %v5, !invariant.load !1
  %v7 = getelementptr i64, ptr %args, i64 7
  %v8 = load i64, ptr %v7, !invariant.load !1
  %v9 = getelementptr i64, ptr %args, i64 8
  %v10 = load i64, ptr %v9, !invariant.load !1
  %v11 = getelementptr i64, ptr %args, i64 9
  %v12 = load i64, ptr %v11, !invariant.load !1
  %v13 = getelementptr i64, ptr %args, i64 10
  %v14 = load i64, ptr %v13, !invariant.load !1
  %v15 = getelementptr i64, ptr %args, i64 11
  %v16 = load i64, ptr %v15, !invariant.load !1
  %v17 = getelementptr i64, ptr %args, i64 12
  %v18 = load i64, ptr %v17, !invariant.load !1
  %v20 = add i64 %begin, 1
  %v21 = icmp sle i64 %v20, %end
  br i1 %v21, label %loop19, label %loop19.end
loop19:
  %loop19.i = phi i64 [%begin, %entry], [%v87, %loop19]
  %v22 = mul i64 %loop19.i, %v16
  %v23 = getelementptr float, ptr %v2, i64 %v22
  %v24 = mul i64 %loop19.i, %v18
  %v25 = getelementptr float, ptr %v6, i64 %v24
  %v26 = getelementptr float, ptr %v23, i64 0
  %v27 = load <8 x float>, ptr %v26, align 4
  %v28 = getelementptr float, ptr %v4, i64 0
  %v29 = load <8 x float>, ptr %v28, align 4
  %v30 = fadd contract <8 x float> %v27, %v29
  %v31 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v30)
  %v32 = fcmp olt <8 x float> splat (float 0x4022333340000000), %v31
  %v33 = select <8 x i1> %v32, <8 x float> splat (float 0x4022333340000000), <8 x float> %v31
  %v34 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v33, <8 x float> splat (float 0x4007154760000000), <8 x float> splat (float 0x4168000000000000))
  %v35 = fsub <8 x float> %v34, splat (float 0x4168000000000000)
  %v36 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v35, <8 x float> splat (float 0xBFD62E4300000000), <8 x float> %v33)
  %v37 = fmul <8 x float> %v36, %v36
  %v38 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v36, <8 x float> splat (float 0x3F8A125F60000000), <8 x float> splat (float 0x3FA6D444A0000000))
  %v39 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v36, <8 x float> splat (float 0x3FC1110E00000000), <8 x float> splat (float 0x3FD5554E80000000))
  %v40 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v37, <8 x float> %v38, <8 x float> %v39)
  %v41 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v36, <8 x float> splat (float 0x3FE5555560000000), <8 x float> splat (float 0x3FF0000000000000))
  %v42 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v37, <8 x float> %v40, <8 x float> %v41)
  %v43 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v42, <8 x float> %v37, <8 x float> %v36)
  %v44 = bitcast <8 x float> %v34 to <8 x i32>
  %v45 = shl <8 x i32> %v44, splat (i32 23)
  %v46 = add <8 x i32> %v45, splat (i32 1065353216)
  %v47 = bitcast <8 x i32> %v46 to <8 x float>
  %v48 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v47, <8 x float> splat (float 0x3FE0000000000000), <8 x float> splat (float 0xBFE0000000000000))
  %v49 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v43, <8 x float> %v47, <8 x float> %v48)
  %v50 = fadd <8 x float> %v49, splat (float 0x3FF0000000000000)
  %v51 = call <8 x float> @llvm.arithmetic.fence.v8f32(<8 x float> %v50)
  %v52 = fdiv <8 x float> %v49, %v51
  %v53 = call <8 x float> @llvm.copysign.v8f32(<8 x float> %v52, <8 x float> %v30)
  %v54 = getelementptr float, ptr %v25, i64 0
  store <8 x float> %v53, ptr %v54, align 4
  %v55 = getelementptr float, ptr %v23, i64 8
  %v56 = load <2 x float>, ptr %v55, align 4
  %v57 = shufflevector <2 x float> %v56, <2 x float> zeroinitializer, <8 x i32> <i32 0, i32 1, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %v58 = getelementptr float, ptr %v4, i64 8
  %v59 = load <2 x float>, ptr %v58, align 4
  %v60 = shufflevector <2 x float> %v59, <2 x float> zeroinitializer, <8 x i32> <i32 0, i32 1, i32 2, i32 2, i32 2, i32 2, i32 2, i32 2>
  %v61 = fadd contract <8 x float> %v57, %v60
  %v62 = call <8 x float> @llvm.fabs.v8f32(<8 x float> %v61)
  %v63 = fcmp olt <8 x float> splat (float 0x4022333340000000), %v62
  %v64 = select <8 x i1> %v63, <8 x float> splat (float 0x4022333340000000), <8 x float> %v62
  %v65 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v64, <8 x float> splat (float 0x4007154760000000), <8 x float> splat (float 0x4168000000000000))
  %v66 = fsub <8 x float> %v65, splat (float 0x4168000000000000)
  %v67 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v66, <8 x float> splat (float 0xBFD62E4300000000), <8 x float> %v64)
  %v68 = fmul <8 x float> %v67, %v67
  %v69 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v67, <8 x float> splat (float 0x3F8A125F60000000), <8 x float> splat (float 0x3FA6D444A0000000))
  %v70 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v67, <8 x float> splat (float 0x3FC1110E00000000), <8 x float> splat (float 0x3FD5554E80000000))
  %v71 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v68, <8 x float> %v69, <8 x float> %v70)
  %v72 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v67, <8 x float> splat (float 0x3FE5555560000000), <8 x float> splat (float 0x3FF0000000000000))
  %v73 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v68, <8 x float> %v71, <8 x float> %v72)
  %v74 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v73, <8 x float> %v68, <8 x float> %v67)
  %v75 = bitcast <8 x float> %v65 to <8 x i32>
  %v76 = shl <8 x i32> %v75, splat (i32 23)
  %v77 = add <8 x i32> %v76, splat (i32 1065353216)
  %v78 = bitcast <8 x i32> %v77 to <8 x float>
  %v79 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v78, <8 x float> splat (float 0x3FE0000000000000), <8 x float> splat (float 0xBFE0000000000000))
  %v80 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v74, <8 x float> %v78, <8 x float> %v79)
  %v81 = fadd <8 x float> %v80, splat (float 0x3FF0000000000000)
  %v82 = call <8 x float> @llvm.arithmetic.fence.v8f32(<8 x float> %v81)
  %v83 = fdiv <8 x float> %v80, %v82
  %v84 = call <8 x float> @llvm.copysign.v8f32(<8 x float> %v83, <8 x float> %v61)
  %v85 = shufflevector <8 x float> %v84, <8 x float> poison, <2 x i32> <i32 0, i32 1>
  %v86 = getelementptr float, ptr %v25, i64 8
  store <2 x float> %v85, ptr %v86, align 4
  %v87 = add nuw nsw i64 %loop19.i, 1
  %v88 = add nuw nsw i64 %v87, 1
  %v89 = icmp sle i64 %v88, %end
  br i1 %v89, label %loop19, label %loop19.end
loop19.end:
  %v90 = phi i64 [%begin, %entry], [%v87, %loop19]
  ret void
}
declare <8 x float> @llvm.arithmetic.fence.v8f32(<8 x float>)
declare <8 x float> @llvm.copysign.v8f32(<8 x float>, <8 x float>)
declare <8 x float> @llvm.fabs.v8f32(<8 x float>)
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
