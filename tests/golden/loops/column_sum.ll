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
  %v15 = getelementptr i64, ptr %args, i64 11
  %v16 = load i64, ptr %v15, !invariant.load !1
  %v18 = add i64 %begin, 1
  %v19 = icmp sle i64 %v18, %end
  br i1 %v19, label %loop17, label %loop17.end
loop17:
  %loop17.i = phi i64 [%begin, %entry], [%v158, %loop109.end]
  %v20 = mul i64 %loop17.i, %v10
  %v21 = add i64 %v20, %v10
  %v22 = call i64 @llvm.smin.i64(i64 %v21, i64 %v8)
  %v23 = mul i64 %loop17.i, %v16
  %v24 = getelementptr float, ptr %v4, i64 %v23
  %v26 = add i64 0, 1
  %v27 = icmp sle i64 %v26, %v6
  br i1 %v27, label %loop25, label %loop25.end
loop25:
  %loop25.i = phi i64 [0, %loop17], [%v29, %loop25]
  %v28 = getelementptr float, ptr %v24, i64 %loop25.i
  store float 0x0000000000000000, ptr %v28
  %v29 = add nuw nsw i64 %loop25.i, 1
  %v30 = add nuw nsw i64 %v29, 1
  %v31 = icmp sle i64 %v30, %v6
  br i1 %v31, label %loop25, label %loop25.end
loop25.end:
  %v32 = phi i64 [0, %loop17], [%v29, %loop25]
  %v34 = add i64 %v20, 4
  %v35 = icmp sle i64 %v34, %v22
  br i1 %v35, label %loop33, label %loop33.end
loop33:
  %loop33.i = phi i64 [%v20, %loop25.end], [%v105, %loop74.end]
  %v36 = add i64 %loop33.i, 1
  %v37 = add i64 %loop33.i, 2
  %v38 = add i64 %loop33.i, 3
  %v39 = mul i64 %loop33.i, %v14
  %v40 = getelementptr float, ptr %v2, i64 %v39
  %v41 = mul i64 %v36, %v14
  %v42 = getelementptr float, ptr %v2, i64 %v41
  %v43 = mul i64 %v37, %v14
  %v44 = getelementptr float, ptr %v2, i64 %v43
  %v45 = mul i64 %v38, %v14
  %v46 = getelementptr float, ptr %v2, i64 %v45
  %v48 = add i64 0, 8
  %v49 = icmp sle i64 %v48, %v6
  br i1 %v49, label %loop47, label %loop47.end
loop47:
  %loop47.i = phi i64 [0, %loop33], [%v69, %loop47]
  %v50 = getelementptr float, ptr %v40, i64 %loop47.i
  %v51 = load <8 x float>, ptr %v50, align 4
  %v52 = mul i64 %loop17.i, %v16
  %v53 = getelementptr float, ptr %v4, i64 %v52
  %v54 = getelementptr float, ptr %v53, i64 %loop47.i
  %v55 = load <8 x float>, ptr %v54, align 4
  %v56 = fadd contract <8 x float> %v55, %v51
  %v57 = getelementptr float, ptr %v42, i64 %loop47.i
  %v58 = load <8 x float>, ptr %v57, align 4
  %v59 = fadd contract <8 x float> %v56, %v58
  %v60 = getelementptr float, ptr %v44, i64 %loop47.i
  %v61 = load <8 x float>, ptr %v60, align 4
  %v62 = fadd contract <8 x float> %v59, %v61
  %v63 = getelementptr float, ptr %v46, i64 %loop47.i
  %v64 = load <8 x float>, ptr %v63, align 4
  %v65 = fadd contract <8 x float> %v62, %v64
  %v66 = mul i64 %loop17.i, %v16
  %v67 = getelementptr float, ptr %v4, i64 %v66
  %v68 = getelementptr float, ptr %v67, i64 %loop47.i
  store <8 x float> %v65, ptr %v68, align 4
  %v69 = add nuw nsw i64 %loop47.i, 8
  %v70 = add nuw nsw i64 %v69, 8
  %v71 = icmp sle i64 %v70, %v6
  br i1 %v71, label %loop47, label %loop47.end
loop47.end:
  %v72 = phi i64 [0, %loop33], [%v69, %loop47]
  %v73 = add i64 %v6, 7
  %v75 = add i64 %v72, 8
  %v76 = icmp sle i64 %v75, %v73
  br i1 %v76, label %loop74, label %loop74.end
loop74:
  %loop74.i = phi i64 [%v72, %loop47.end], [%v101, %loop74]
  %v77 = sub i64 %v6, %loop74.i
  %v78 = trunc i64 %v77 to i32
  %v79 = insertelement <8 x i32> poison, i32 %v78, i32 0
  %v80 = shufflevector <8 x i32> %v79, <8 x i32> poison, <8 x i32> zeroinitializer
  %v81 = icmp sgt <8 x i32> %v80, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v82 = getelementptr float, ptr %v40, i64 %loop74.i
  %v83 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v82, <8 x i1> %v81, <8 x float> zeroinitializer)
  %v84 = mul i64 %loop17.i, %v16
  %v85 = getelementptr float, ptr %v4, i64 %v84
  %v86 = getelementptr float, ptr %v85, i64 %loop74.i
  %v87 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v86, <8 x i1> %v81, <8 x float> zeroinitializer)
  %v88 = fadd contract <8 x float> %v87, %v83
  %v89 = getelementptr float, ptr %v42, i64 %loop74.i
  %v90 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v89, <8 x i1> %v81, <8 x float> zeroinitializer)
  %v91 = fadd contract <8 x float> %v88, %v90
  %v92 = getelementptr float, ptr %v44, i64 %loop74.i
  %v93 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v92, <8 x i1> %v81, <8 x float> zeroinitializer)
  %v94 = fadd contract <8 x float> %v91, %v93
  %v95 = getelementptr float, ptr %v46, i64 %loop74.i
  %v96 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v95, <8 x i1> %v81, <8 x float> zeroinitializer)
  %v97 = fadd contract <8 x float> %v94, %v96
  %v98 = mul i64 %loop17.i, %v16
  %v99 = getelementptr float, ptr %v4, i64 %v98
  %v100 = getelementptr float, ptr %v99, i64 %loop74.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v97, ptr %v100, <8 x i1> %v81)
  %v101 = add nuw nsw i64 %loop74.i, 8
  %v102 = add nuw nsw i64 %v101, 8
  %v103 = icmp sle i64 %v102, %v73
  br i1 %v103, label %loop74, label %loop74.end
loop74.end:
  %v104 = phi i64 [%v72, %loop47.end], [%v101, %loop74]
  %v105 = add nuw nsw i64 %loop33.i, 4
  %v106 = add nuw nsw i64 %v105, 4
  %v107 = icmp sle i64 %v106, %v22
  br i1 %v107, label %loop33, label %loop33.end
loop33.end:
  %v108 = phi i64 [%v20, %loop25.end], [%v105, %loop74.end]
  %v110 = add i64 %v108, 1
  %v111 = icmp sle i64 %v110, %v22
  br i1 %v111, label %loop109, label %loop109.end
loop109:
  %loop109.i = phi i64 [%v108, %loop33.end], [%v154, %loop132.end]
  %v112 = mul i64 %loop109.i, %v14
  %v113 = getelementptr float, ptr %v2, i64 %v112
  %v115 = add i64 0, 8
  %v116 = icmp sle i64 %v115, %v6
  br i1 %v116, label %loop114, label %loop114.end
loop114:
  %loop114.i = phi i64 [0, %loop109], [%v127, %loop114]
  %v117 = getelementptr float, ptr %v113, i64 %loop114.i
  %v118 = load <8 x float>, ptr %v117, align 4
  %v119 = mul i64 %loop17.i, %v16
  %v120 = getelementptr float, ptr %v4, i64 %v119
  %v121 = getelementptr float, ptr %v120, i64 %loop114.i
  %v122 = load <8 x float>, ptr %v121, align 4
  %v123 = fadd contract <8 x float> %v122, %v118
  %v124 = mul i64 %loop17.i, %v16
  %v125 = getelementptr float, ptr %v4, i64 %v124
  %v126 = getelementptr float, ptr %v125, i64 %loop114.i
  store <8 x float> %v123, ptr %v126, align 4
  %v127 = add nuw nsw i64 %loop114.i, 8
  %v128 = add nuw nsw i64 %v127, 8
  %v129 = icmp sle i64 %v128, %v6
  br i1 %v129, label %loop114, label %loop114.end
loop114.end:
  %v130 = phi i64 [0, %loop109], [%v127, %loop114]
  %v131 = add i64 %v6, 7
  %v133 = add i64 %v130, 8
  %v134 = icmp sle i64 %v133, %v131
  br i1 %v134, label %loop132, label %loop132.end
loop132:
  %loop132.i = phi i64 [%v130, %loop114.end], [%v150, %loop132]
  %v135 = sub i64 %v6, %loop132.i
  %v136 = trunc i64 %v135 to i32
  %v137 = insertelement <8 x i32> poison, i32 %v136, i32 0
  %v138 = shufflevector <8 x i32> %v137, <8 x i32> poison, <8 x i32> zeroinitializer
  %v139 = icmp sgt <8 x i32> %v138, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v140 = getelementptr float, ptr %v113, i64 %loop132.i
  %v141 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v140, <8 x i1> %v139, <8 x float> zeroinitializer)
  %v142 = mul i64 %loop17.i, %v16
  %v143 = getelementptr float, ptr %v4, i64 %v142
  %v144 = getelementptr float, ptr %v143, i64 %loop132.i
  %v145 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v144, <8 x i1> %v139, <8 x float> zeroinitializer)
  %v146 = fadd contract <8 x float> %v145, %v141
  %v147 = mul i64 %loop17.i, %v16
  %v148 = getelementptr float, ptr %v4, i64 %v147
  %v149 = getelementptr float, ptr %v148, i64 %loop132.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v146, ptr %v149, <8 x i1> %v139)
  %v150 = add nuw nsw i64 %loop132.i, 8
  %v151 = add nuw nsw i64 %v150, 8
  %v152 = icmp sle i64 %v151, %v131
  br i1 %v152, label %loop132, label %loop132.end
loop132.end:
  %v153 = phi i64 [%v130, %loop114.end], [%v150, %loop132]
  %v154 = add nuw nsw i64 %loop109.i, 1
  %v155 = add nuw nsw i64 %v154, 1
  %v156 = icmp sle i64 %v155, %v22
  br i1 %v156, label %loop109, label %loop109.end
loop109.end:
  %v157 = phi i64 [%v108, %loop33.end], [%v154, %loop132.end]
  %v158 = add nuw nsw i64 %loop17.i, 1
  %v159 = add nuw nsw i64 %v158, 1
  %v160 = icmp sle i64 %v159, %end
  br i1 %v160, label %loop17, label %loop17.end
loop17.end:
  %v161 = phi i64 [%begin, %entry], [%v158, %loop109.end]
  ret void
}
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
