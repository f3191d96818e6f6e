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
  %loop17.i = phi i64 [%begin, %entry], [%v186, %loop137.end]
  %v20 = mul i64 %loop17.i, %v10
  %v21 = add i64 %v20, %v10
  %v22 = call i64 @llvm.smin.i64(i64 %v21, i64 %v8)
  %v23 = mul i64 %loop17.i, %v16
  %v24 = getelementptr float, ptr %v4, i64 %v23
  %v26 = add i64 0, 8
  %v27 = icmp sle i64 %v26, %v6
  br i1 %v27, label %loop25, label %loop25.end
loop25:
  %loop25.i = phi i64 [0, %loop17], [%v29, %loop25]
  %v28 = getelementptr float, ptr %v24, i64 %loop25.i
  store <8 x float> splat (float 0x0000000000000000), ptr %v28, align 4
  %v29 = add nuw nsw i64 %loop25.i, 8
  %v30 = add nuw nsw i64 %v29, 8
  %v31 = icmp sle i64 %v30, %v6
  br i1 %v31, label %loop25, label %loop25.end
loop25.end:
  %v32 = phi i64 [0, %loop17], [%v29, %loop25]
  %v34 = add i64 %v32, 1
  %v35 = icmp sle i64 %v34, %v6
  br i1 %v35, label %loop33, label %loop33.end
loop33:
  %loop33.i = phi i64 [%v32, %loop25.end], [%v37, %loop33]
  %v36 = getelementptr float, ptr %v24, i64 %loop33.i
  store float 0x0000000000000000, ptr %v36
  %v37 = add nuw nsw i64 %loop33.i, 1
  %v38 = add nuw nsw i64 %v37, 1
  %v39 = icmp sle i64 %v38, %v6
  br i1 %v39, label %loop33, label %loop33.end
loop33.end:
  %v40 = phi i64 [%v32, %loop25.end], [%v37, %loop33]
  %v42 = add i64 %v20, 4
  %v43 = icmp sle i64 %v42, %v22
  br i1 %v43, label %loop41, label %loop41.end
loop41:
  %loop41.i = phi i64 [%v20, %loop33.end], [%v133, %loop102.end]
  %v44 = add i64 %loop41.i, 1
  %v45 = add i64 %loop41.i, 2
  %v46 = add i64 %loop41.i, 3
  %v47 = mul i64 %loop41.i, %v14
  %v48 = getelementptr float, ptr %v2, i64 %v47
  %v49 = mul i64 %v44, %v14
  %v50 = getelementptr float, ptr %v2, i64 %v49
  %v51 = mul i64 %v45, %v14
  %v52 = getelementptr float, ptr %v2, i64 %v51
  %v53 = mul i64 %v46, %v14
  %v54 = getelementptr float, ptr %v2, i64 %v53
  %v56 = add i64 0, 16
  %v57 = icmp sle i64 %v56, %v6
  br i1 %v57, label %loop55, label %loop55.end
loop55:
  %loop55.i = phi i64 [0, %loop41], [%v97, %loop55]
  %v58 = add nuw nsw i64 %loop55.i, 8
  %v59 = getelementptr float, ptr %v48, i64 %loop55.i
  %v60 = load <8 x float>, ptr %v59, align 4
  %v61 = mul i64 %loop17.i, %v16
  %v62 = getelementptr float, ptr %v4, i64 %v61
  %v63 = getelementptr float, ptr %v62, i64 %loop55.i
  %v64 = load <8 x float>, ptr %v63, align 4
  %v65 = fadd contract <8 x float> %v64, %v60
  %v66 = getelementptr float, ptr %v50, i64 %loop55.i
  %v67 = load <8 x float>, ptr %v66, align 4
  %v68 = fadd contract <8 x float> %v65, %v67
  %v69 = getelementptr float, ptr %v52, i64 %loop55.i
  %v70 = load <8 x float>, ptr %v69, align 4
  %v71 = fadd contract <8 x float> %v68, %v70
  %v72 = getelementptr float, ptr %v54, i64 %loop55.i
  %v73 = load <8 x float>, ptr %v72, align 4
  %v74 = fadd contract <8 x float> %v71, %v73
  %v75 = getelementptr float, ptr %v48, i64 %v58
  %v76 = load <8 x float>, ptr %v75, align 4
  %v77 = mul i64 %loop17.i, %v16
  %v78 = getelementptr float, ptr %v4, i64 %v77
  %v79 = getelementptr float, ptr %v78, i64 %v58
  %v80 = load <8 x float>, ptr %v79, align 4
  %v81 = fadd contract <8 x float> %v80, %v76
  %v82 = getelementptr float, ptr %v50, i64 %v58
  %v83 = load <8 x float>, ptr %v82, align 4
  %v84 = fadd contract <8 x float> %v81, %v83
  %v85 = getelementptr float, ptr %v52, i64 %v58
  %v86 = load <8 x float>, ptr %v85, align 4
  %v87 = fadd contract <8 x float> %v84, %v86
  %v88 = getelementptr float, ptr %v54, i64 %v58
  %v89 = load <8 x float>, ptr %v88, align 4
  %v90 = fadd contract <8 x float> %v87, %v89
  %v91 = mul i64 %loop17.i, %v16
  %v92 = getelementptr float, ptr %v4, i64 %v91
  %v93 = mul i64 %loop17.i, %v16
  %v94 = getelementptr float, ptr %v4, i64 %v93
  %v95 = getelementptr float, ptr %v92, i64 %loop55.i
  store <8 x float> %v74, ptr %v95, align 4
  %v96 = getelementptr float, ptr %v94, i64 %v58
  store <8 x float> %v90, ptr %v96, align 4
  %v97 = add nuw nsw i64 %loop55.i, 16
  %v98 = add nuw nsw i64 %v97, 16
  %v99 = icmp sle i64 %v98, %v6
  br i1 %v99, label %loop55, label %loop55.end
loop55.end:
  %v100 = phi i64 [0, %loop41], [%v97, %loop55]
  %v101 = add i64 %v6, 7
  %v103 = add i64 %v100, 8
  %v104 = icmp sle i64 %v103, %v101
  br i1 %v104, label %loop102, label %loop102.end
loop102:
  %loop102.i = phi i64 [%v100, %loop55.end], [%v129, %loop102]
  %v105 = sub i64 %v6, %loop102.i
  %v106 = trunc i64 %v105 to i32
  %v107 = insertelement <8 x i32> poison, i32 %v106, i32 0
  %v108 = shufflevector <8 x i32> %v107, <8 x i32> poison, <8 x i32> zeroinitializer
  %v109 = icmp sgt <8 x i32> %v108, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v110 = getelementptr float, ptr %v48, i64 %loop102.i
  %v111 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v110, <8 x i1> %v109, <8 x float> zeroinitializer)
  %v112 = mul i64 %loop17.i, %v16
  %v113 = getelementptr float, ptr %v4, i64 %v112
  %v114 = getelementptr float, ptr %v113, i64 %loop102.i
  %v115 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v114, <8 x i1> %v109, <8 x float> zeroinitializer)
  %v116 = fadd contract <8 x float> %v115, %v111
  %v117 = getelementptr float, ptr %v50, i64 %loop102.i
  %v118 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v117, <8 x i1> %v109, <8 x float> zeroinitializer)
  %v119 = fadd contract <8 x float> %v116, %v118
  %v120 = getelementptr float, ptr %v52, i64 %loop102.i
  %v121 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v120, <8 x i1> %v109, <8 x float> zeroinitializer)
  %v122 = fadd contract <8 x float> %v119, %v121
  %v123 = getelementptr float, ptr %v54, i64 %loop102.i
  %v124 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v123, <8 x i1> %v109, <8 x float> zeroinitializer)
  %v125 = fadd contract <8 x float> %v122, %v124
  %v126 = mul i64 %loop17.i, %v16
  %v127 = getelementptr float, ptr %v4, i64 %v126
  %v128 = getelementptr float, ptr %v127, i64 %loop102.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v125, ptr %v128, <8 x i1> %v109)
  %v129 = add nuw nsw i64 %loop102.i, 8
  %v130 = add nuw nsw i64 %v129, 8
  %v131 = icmp sle i64 %v130, %v101
  br i1 %v131, label %loop102, label %loop102.end
loop102.end:
  %v132 = phi i64 [%v100, %loop55.end], [%v129, %loop102]
  %v133 = add nuw nsw i64 %loop41.i, 4
  %v134 = add nuw nsw i64 %v133, 4
  %v135 = icmp sle i64 %v134, %v22
  br i1 %v135, label %loop41, label %loop41.end
loop41.end:
  %v136 = phi i64 [%v20, %loop33.end], [%v133, %loop102.end]
  %v138 = add i64 %v136, 1
  %v139 = icmp sle i64 %v138, %v22
  br i1 %v139, label %loop137, label %loop137.end
loop137:
  %loop137.i = phi i64 [%v136, %loop41.end], [%v182, %loop160.end]
  %v140 = mul i64 %loop137.i, %v14
  %v141 = getelementptr float, ptr %v2, i64 %v140
  %v143 = add i64 0, 8
  %v144 = icmp sle i64 %v143, %v6
  br i1 %v144, label %loop142, label %loop142.end
loop142:
  %loop142.i = phi i64 [0, %loop137], [%v155, %loop142]
  %v145 = getelementptr float, ptr %v141, i64 %loop142.i
  %v146 = load <8 x float>, ptr %v145, align 4
  %v147 = mul i64 %loop17.i, %v16
  %v148 = getelementptr float, ptr %v4, i64 %v147
  %v149 = getelementptr float, ptr %v148, i64 %loop142.i
  %v150 = load <8 x float>, ptr %v149, align 4
  %v151 = fadd contract <8 x float> %v150, %v146
  %v152 = mul i64 %loop17.i, %v16
  %v153 = getelementptr float, ptr %v4, i64 %v152
  %v154 = getelementptr float, ptr %v153, i64 %loop142.i
  store <8 x float> %v151, ptr %v154, align 4
  %v155 = add nuw nsw i64 %loop142.i, 8
  %v156 = add nuw nsw i64 %v155, 8
  %v157 = icmp sle i64 %v156, %v6
  br i1 %v157, label %loop142, label %loop142.end
loop142.end:
  %v158 = phi i64 [0, %loop137], [%v155, %loop142]
  %v159 = add i64 %v6, 7
  %v161 = add i64 %v158, 8
  %v162 = icmp sle i64 %v161, %v159
  br i1 %v162, label %loop160, label %loop160.end
loop160:
  %loop160.i = phi i64 [%v158, %loop142.end], [%v178, %loop160]
  %v163 = sub i64 %v6, %loop160.i
  %v164 = trunc i64 %v163 to i32
  %v165 = insertelement <8 x i32> poison, i32 %v164, i32 0
  %v166 = shufflevector <8 x i32> %v165, <8 x i32> poison, <8 x i32> zeroinitializer
  %v167 = icmp sgt <8 x i32> %v166, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v168 = getelementptr float, ptr %v141, i64 %loop160.i
  %v169 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v168, <8 x i1> %v167, <8 x float> zeroinitializer)
  %v170 = mul i64 %loop17.i, %v16
  %v171 = getelementptr float, ptr %v4, i64 %v170
  %v172 = getelementptr float, ptr %v171, i64 %loop160.i
  %v173 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v172, <8 x i1> %v167, <8 x float> zeroinitializer)
  %v174 = fadd contract <8 x float> %v173, %v169
  %v175 = mul i64 %loop17.i, %v16
  %v176 = getelementptr float, ptr %v4, i64 %v175
  %v177 = getelementptr float, ptr %v176, i64 %loop160.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v174, ptr %v177, <8 x i1> %v167)
  %v178 = add nuw nsw i64 %loop160.i, 8
  %v179 = add nuw nsw i64 %v178, 8
  %v180 = icmp sle i64 %v179, %v159
  br i1 %v180, label %loop160, label %loop160.end
loop160.end:
  %v181 = phi i64 [%v158, %loop142.end], [%v178, %loop160]
  %v182 = add nuw nsw i64 %loop137.i, 1
  %v183 = add nuw nsw i64 %v182, 1
  %v184 = icmp sle i64 %v183, %v22
  br i1 %v184, label %loop137, label %loop137.end
loop137.end:
  %v185 = phi i64 [%v136, %loop41.end], [%v182, %loop160.end]
  %v186 = add nuw nsw i64 %loop17.i, 1
  %v187 = add nuw nsw i64 %v186, 1
  %v188 = icmp sle i64 %v187, %end
  br i1 %v188, label %loop17, label %loop17.end
loop17.end:
  %v189 = phi i64 [%begin, %entry], [%v186, %loop137.end]
  ret void
}
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare i64 @llvm.smin.i64(i64, i64)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
