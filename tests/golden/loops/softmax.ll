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
  %v19 = getelementptr i64, ptr %args, i64 13
  %v20 = load i64, ptr %v19, !invariant.load !1
  %v22 = add i64 %begin, 1
  %v23 = icmp sle i64 %v22, %end
  br i1 %v23, label %loop21, label %loop21.end
loop21:
  %loop21.i = phi i64 [%begin, %entry], [%v377, %loop329.end]
  %v24 = mul i64 %loop21.i, %v16
  %v25 = getelementptr float, ptr %v2, i64 %v24
  %v26 = mul i64 %loop21.i, %v18
  %v27 = getelementptr float, ptr %v4, i64 %v26
  %v28 = mul i64 %loop21.i, %v20
  %v29 = getelementptr float, ptr %v6, i64 %v28
  %v31 = add i64 0, 32
  %v32 = icmp sle i64 %v31, %v8
  br i1 %v32, label %loop30, label %loop30.end
loop30:
  %loop30.i = phi i64 [0, %loop21], [%v60, %loop30]
  %loop30.c0 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v41, %loop30]
  %loop30.c1 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v47, %loop30]
  %loop30.c2 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v53, %loop30]
  %loop30.c3 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v59, %loop30]
  %v33 = add nuw nsw i64 %loop30.i, 8
  %v34 = add nuw nsw i64 %loop30.i, 16
  %v35 = add nuw nsw i64 %loop30.i, 24
  %v36 = getelementptr float, ptr %v25, i64 %loop30.i
  %v37 = load <8 x float>, ptr %v36, align 4
  %v38 = fcmp une <8 x float> %loop30.c0, %loop30.c0
  %v39 = fcmp ogt <8 x float> %loop30.c0, %v37
  %v40 = select <8 x i1> %v39, <8 x float> %loop30.c0, <8 x float> %v37
  %v41 = select <8 x i1> %v38, <8 x float> %loop30.c0, <8 x float> %v40
  %v42 = getelementptr float, ptr %v25, i64 %v33
  %v43 = load <8 x float>, ptr %v42, align 4
  %v44 = fcmp une <8 x float> %loop30.c1, %loop30.c1
  %v45 = fcmp ogt <8 x float> %loop30.c1, %v43
  %v46 = select <8 x i1> %v45, <8 x float> %loop30.c1, <8 x float> %v43
  %v47 = select <8 x i1> %v44, <8 x float> %loop30.c1, <8 x float> %v46
  %v48 = getelementptr float, ptr %v25, i64 %v34
  %v49 = load <8 x float>, ptr %v48, align 4
  %v50 = fcmp une <8 x float> %loop30.c2, %loop30.c2
  %v51 = fcmp ogt <8 x float> %loop30.c2, %v49
  %v52 = select <8 x i1> %v51, <8 x float> %loop30.c2, <8 x float> %v49
  %v53 = select <8 x i1> %v50, <8 x float> %loop30.c2, <8 x float> %v52
  %v54 = getelementptr float, ptr %v25, i64 %v35
  %v55 = load <8 x float>, ptr %v54, align 4
  %v56 = fcmp une <8 x float> %loop30.c3, %loop30.c3
  %v57 = fcmp ogt <8 x float> %loop30.c3, %v55
  %v58 = select <8 x i1> %v57, <8 x float> %loop30.c3, <8 x float> %v55
  %v59 = select <8 x i1> %v56, <8 x float> %loop30.c3, <8 x float> %v58
  %v60 = add nuw nsw i64 %loop30.i, 32
  %v61 = add nuw nsw i64 %v60, 32
  %v62 = icmp sle i64 %v61, %v8
  br i1 %v62, label %loop30, label %loop30.end
loop30.end:
  %v63 = phi i64 [0, %loop21], [%v60, %loop30]
  %v64 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v41, %loop30]
  %v65 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v47, %loop30]
  %v66 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v53, %loop30]
  %v67 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v59, %loop30]
  %v68 = fcmp une <8 x float> %v64, %v64
  %v69 = fcmp ogt <8 x float> %v64, %v65
  %v70 = select <8 x i1> %v69, <8 x float> %v64, <8 x float> %v65
  %v71 = select <8 x i1> %v68, <8 x float> %v64, <8 x float> %v70
  %v72 = fcmp une <8 x float> %v66, %v66
  %v73 = fcmp ogt <8 x float> %v66, %v67
  %v74 = select <8 x i1> %v73, <8 x float> %v66, <8 x float> %v67
  %v75 = select <8 x i1> %v72, <8 x float> %v66, <8 x float> %v74
  %v76 = fcmp une <8 x float> %v71, %v71
  %v77 = fcmp ogt <8 x float> %v71, %v75
  %v78 = select <8 x i1> %v77, <8 x float> %v71, <8 x float> %v75
  %v79 = select <8 x i1> %v76, <8 x float> %v71, <8 x float> %v78
  %v80 = add i64 %v8, 7
  %v82 = add i64 %v63, 8
  %v83 = icmp sle i64 %v82, %v80
  br i1 %v83, label %loop81, label %loop81.end
loop81:
  %loop81.i = phi i64 [%v63, %loop30.end], [%v96, %loop81]
  %loop81.c0 = phi <8 x float> [%v79, %loop30.end], [%v95, %loop81]
  %v84 = sub i64 %v8, %loop81.i
  %v85 = trunc i64 %v84 to i32
  %v86 = insertelement <8 x i32> poison, i32 %v85, i32 0
  %v87 = shufflevector <8 x i32> %v86, <8 x i32> poison, <8 x i32> zeroinitializer
  %v88 = icmp sgt <8 x i32> %v87, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v89 = getelementptr float, ptr %v25, i64 %loop81.i
  %v90 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v89, <8 x i1> %v88, <8 x float> zeroinitializer)
  %v91 = fcmp une <8 x float> %loop81.c0, %loop81.c0
  %v92 = fcmp ogt <8 x float> %loop81.c0, %v90
  %v93 = select <8 x i1> %v92, <8 x float> %loop81.c0, <8 x float> %v90
  %v94 = select <8 x i1> %v91, <8 x float> %loop81.c0, <8 x float> %v93
  %v95 = select <8 x i1> %v88, <8 x float> %v94, <8 x float> %loop81.c0
  %v96 = add nuw nsw i64 %loop81.i, 8
  %v97 = add nuw nsw i64 %v96, 8
  %v98 = icmp sle i64 %v97, %v80
  br i1 %v98, label %loop81, label %loop81.end
loop81.end:
  %v99 = phi i64 [%v63, %loop30.end], [%v96, %loop81]
  %v100 = phi <8 x float> [%v79, %loop30.end], [%v95, %loop81]
  %v101 = shufflevector <8 x float> %v100, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v102 = fcmp une <8 x float> %v100, %v100
  %v103 = fcmp ogt <8 x float> %v100, %v101
  %v104 = select <8 x i1> %v103, <8 x float> %v100, <8 x float> %v101
  %v105 = select <8 x i1> %v102, <8 x float> %v100, <8 x float> %v104
  %v106 = shufflevector <8 x float> %v105, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v107 = fcmp une <8 x float> %v105, %v105
  %v108 = fcmp ogt <8 x float> %v105, %v106
  %v109 = select <8 x i1> %v108, <8 x float> %v105, <8 x float> %v106
  %v110 = select <8 x i1> %v107, <8 x float> %v105, <8 x float> %v109
  %v111 = shufflevector <8 x float> %v110, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v112 = fcmp une <8 x float> %v110, %v110
  %v113 = fcmp ogt <8 x float> %v110, %v111
  %v114 = select <8 x i1> %v113, <8 x float> %v110, <8 x float> %v111
  %v115 = select <8 x i1> %v112, <8 x float> %v110, <8 x float> %v114
  %v116 = extractelement <8 x float> %v115, i32 0
  %v117 = insertelement <8 x float> poison, float %v116, i32 0
  %v118 = shufflevector <8 x float> %v117, <8 x float> poison, <8 x i32> zeroinitializer
  %v120 = add i64 0, 16
  %v121 = icmp sle i64 %v120, %v8
  br i1 %v121, label %loop119, label %loop119.end
loop119:
  %loop119.i = phi i64 [0, %loop81.end], [%v187, %loop119]
  %loop119.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v153, %loop119]
  %loop119.c1 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v184, %loop119]
  %v122 = add nuw nsw i64 %loop119.i, 8
  %v123 = getelementptr float, ptr %v25, i64 %loop119.i
  %v124 = load <8 x float>, ptr %v123, align 4
  %v125 = fsub contract <8 x float> %v124, %v118
  %v126 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v125
  %v127 = select <8 x i1> %v126, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v125
  %v128 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v127
  %v129 = select <8 x i1> %v128, <8 x float> splat (float 0x4056400000000000), <8 x float> %v127
  %v130 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v129, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v131 = fsub <8 x float> %v130, splat (float 0x4168000000000000)
  %v132 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v131, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v129)
  %v133 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v131, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v132)
  %v134 = bitcast <8 x float> %v130 to <8 x i32>
  %v135 = sub <8 x i32> %v134, splat (i32 1262485504)
  %v136 = ashr <8 x i32> %v135, splat (i32 1)
  %v137 = shl <8 x i32> %v136, splat (i32 23)
  %v138 = add <8 x i32> %v137, splat (i32 1065353216)
  %v139 = bitcast <8 x i32> %v138 to <8 x float>
  %v140 = sub <8 x i32> %v135, %v136
  %v141 = shl <8 x i32> %v140, splat (i32 23)
  %v142 = add <8 x i32> %v141, splat (i32 1065353216)
  %v143 = bitcast <8 x i32> %v142 to <8 x float>
  %v144 = fmul <8 x float> %v133, %v133
  %v145 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v133, <8 x float> splat (float 0x3F8125EDC0000000), <8 x float> splat (float 0x3FA555B5A0000000))
  %v146 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v144, <8 x float> splat (float 0x3F56940000000000), <8 x float> %v145)
  %v147 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v133, <8 x float> splat (float 0x3FC5554500000000), <8 x float> splat (float 0x3FDFFFFF60000000))
  %v148 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v144, <8 x float> %v146, <8 x float> %v147)
  %v149 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v133, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x3FF0000000000000))
  %v150 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v148, <8 x float> %v144, <8 x float> %v149)
  %v151 = fmul <8 x float> %v150, %v139
  %v152 = fmul <8 x float> %v151, %v143
  %v153 = fadd contract <8 x float> %loop119.c0, %v152
  %v154 = getelementptr float, ptr %v25, i64 %v122
  %v155 = load <8 x float>, ptr %v154, align 4
  %v156 = fsub contract <8 x float> %v155, %v118
  %v157 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v156
  %v158 = select <8 x i1> %v157, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v156
  %v159 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v158
  %v160 = select <8 x i1> %v159, <8 x float> splat (float 0x4056400000000000), <8 x float> %v158
  %v161 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v160, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v162 = fsub <8 x float> %v161, splat (float 0x4168000000000000)
  %v163 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v162, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v160)
  %v164 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v162, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v163)
  %v165 = bitcast <8 x float> %v161 to <8 x i32>
  %v166 = sub <8 x i32> %v165, splat (i32 1262485504)
  %v167 = ashr <8 x i32> %v166, splat (i32 1)
  %v168 = shl <8 x i32> %v167, splat (i32 23)
  %v169 = add <8 x i32> %v168, splat (i32 1065353216)
  %v170 = bitcast <8 x i32> %v169 to <8 x float>
  %v171 = sub <8 x i32> %v166, %v167
  %v172 = shl <8 x i32> %v171, splat (i32 23)
  %v173 = add <8 x i32> %v172, splat (i32 1065353216)
  %v174 = bitcast <8 x i32> %v173 to <8 x float>
  %v175 = fmul <8 x float> %v164, %v164
  %v176 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v164, <8 x float> splat (float 0x3F8125EDC0000000), <8 x float> splat (float 0x3FA555B5A0000000))
  %v177 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v175, <8 x float> splat (float 0x3F56940000000000), <8 x float> %v176)
  %v178 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v164, <8 x float> splat (float 0x3FC5554500000000), <8 x float> splat (float 0x3FDFFFFF60000000))
  %v179 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v175, <8 x float> %v177, <8 x float> %v178)
  %v180 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v164, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x3FF0000000000000))
  %v181 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v179, <8 x float> %v175, <8 x float> %v180)
  %v182 = fmul <8 x float> %v181, %v170
  %v183 = fmul <8 x float> %v182, %v174
  %v184 = fadd contract <8 x float> %loop119.c1, %v183
  %v185 = getelementptr float, ptr %v27, i64 %loop119.i
  store <8 x float> %v152, ptr %v185, align 4
  %v186 = getelementptr float, ptr %v27, i64 %v122
  store <8 x float> %v183, ptr %v186, align 4
  %v187 = add nuw nsw i64 %loop119.i, 16
  %v188 = add nuw nsw i64 %v187, 16
  %v189 = icmp sle i64 %v188, %v8
  br i1 %v189, label %loop119, label %loop119.end
loop119.end:
  %v190 = phi i64 [0, %loop81.end], [%v187, %loop119]
  %v191 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v153, %loop119]
  %v192 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v184, %loop119]
  %v193 = fadd contract <8 x float> %v191, %v192
  %v195 = add i64 %v190, 8
  %v196 = icmp sle i64 %v195, %v8
  br i1 %v196, label %loop194, label %loop194.end
loop194:
  %loop194.i = phi i64 [%v190, %loop119.end], [%v229, %loop194]
  %loop194.c0 = phi <8 x float> [%v193, %loop119.end], [%v227, %loop194]
  %v197 = getelementptr float, ptr %v25, i64 %loop194.i
  %v198 = load <8 x float>, ptr %v197, align 4
  %v199 = fsub contract <8 x float> %v198, %v118
  %v200 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v199
  %v201 = select <8 x i1> %v200, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v199
  %v202 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v201
  %v203 = select <8 x i1> %v202, <8 x float> splat (float 0x4056400000000000), <8 x float> %v201
  %v204 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v203, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v205 = fsub <8 x float> %v204, splat (float 0x4168000000000000)
  %v206 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v205, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v203)
  %v207 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v205, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v206)
  %v208 = bitcast <8 x float> %v204 to <8 x i32>
  %v209 = sub <8 x i32> %v208, splat (i32 1262485504)
  %v210 = ashr <8 x i32> %v209, splat (i32 1)
  %v211 = shl <8 x i32> %v210, splat (i32 23)
  %v212 = add <8 x i32> %v211, splat (i32 1065353216)
  %v213 = bitcast <8 x i32> %v212 to <8 x float>
  %v214 = sub <8 x i32> %v209, %v210
  %v215 = shl <8 x i32> %v214, splat (i32 23)
  %v216 = add <8 x i32> %v215, splat (i32 1065353216)
  %v217 = bitcast <8 x i32> %v216 to <8 x float>
  %v218 = fmul <8 x float> %v207, %v207
  %v219 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v207, <8 x float> splat (float 0x3F8125EDC0000000), <8 x float> splat (float 0x3FA555B5A0000000))
  %v220 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v218, <8 x float> splat (float 0x3F56940000000000), <8 x float> %v219)
  %v221 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v207, <8 x float> splat (float 0x3FC5554500000000), <8 x float> splat (float 0x3FDFFFFF60000000))
  %v222 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v218, <8 x float> %v220, <8 x float> %v221)
  %v223 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v207, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x3FF0000000000000))
  %v224 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v222, <8 x float> %v218, <8 x float> %v223)
  %v225 = fmul <8 x float> %v224, %v213
  %v226 = fmul <8 x float> %v225, %v217
  %v227 = fadd contract <8 x float> %loop194.c0, %v226
  %v228 = getelementptr float, ptr %v27, i64 %loop194.i
  store <8 x float> %v226, ptr %v228, align 4
  %v229 = add nuw nsw i64 %loop194.i, 8
  %v230 = add nuw nsw i64 %v229, 8
  %v231 = icmp sle i64 %v230, %v8
  br i1 %v231, label %loop194, label %loop194.end
loop194.end:
  %v232 = phi i64 [%v190, %loop119.end], [%v229, %loop194]
  %v233 = phi <8 x float> [%v193, %loop119.end], [%v227, %loop194]
  %v234 = add i64 %v8, 7
  %v236 = add i64 %v232, 8
  %v237 = icmp sle i64 %v236, %v234
  br i1 %v237, label %loop235, label %loop235.end
loop235:
  %loop235.i = phi i64 [%v232, %loop194.end], [%v276, %loop235]
  %loop235.c0 = phi <8 x float> [%v233, %loop194.end], [%v274, %loop235]
  %v238 = sub i64 %v8, %loop235.i
  %v239 = trunc i64 %v238 to i32
  %v240 = insertelement <8 x i32> poison, i32 %v239, i32 0
  %v241 = shufflevector <8 x i32> %v240, <8 x i32> poison, <8 x i32> zeroinitializer
  %v242 = icmp sgt <8 x i32> %v241, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v243 = getelementptr float, ptr %v25, i64 %loop235.i
  %v244 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v243, <8 x i1> %v242, <8 x float> zeroinitializer)
  %v245 = fsub contract <8 x float> %v244, %v118
  %v246 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v245
  %v247 = select <8 x i1> %v246, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v245
  %v248 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v247
  %v249 = select <8 x i1> %v248, <8 x float> splat (float 0x4056400000000000), <8 x float> %v247
  %v250 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v249, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v251 = fsub <8 x float> %v250, splat (float 0x4168000000000000)
  %v252 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v251, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v249)
  %v253 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v251, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v252)
  %v254 = bitcast <8 x float> %v250 to <8 x i32>
  %v255 = sub <8 x i32> %v254, splat (i32 1262485504)
  %v256 = ashr <8 x i32> %v255, splat (i32 1)
  %v257 = shl <8 x i32> %v256, splat (i32 23)
  %v258 = add <8 x i32> %v257, splat (i32 1065353216)
  %v259 = bitcast <8 x i32> %v258 to <8 x float>
  %v260 = sub <8 x i32> %v255, %v256
  %v261 = shl <8 x i32> %v260, splat (i32 23)
  %v262 = add <8 x i32> %v261, splat (i32 1065353216)
  %v263 = bitcast <8 x i32> %v262 to <8 x float>
  %v264 = fmul <8 x float> %v253, %v253
  %v265 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v253, <8 x float> splat (float 0x3F8125EDC0000000), <8 x float> splat (float 0x3FA555B5A0000000))
  %v266 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v264, <8 x float> splat (float 0x3F56940000000000), <8 x float> %v265)
  %v267 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v253, <8 x float> splat (float 0x3FC5554500000000), <8 x float> splat (float 0x3FDFFFFF60000000))
  %v268 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v264, <8 x float> %v266, <8 x float> %v267)
  %v269 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v253, <8 x float> splat (float 0x3FF0000000000000), <8 x float> splat (float 0x3FF0000000000000))
  %v270 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v268, <8 x float> %v264, <8 x float> %v269)
  %v271 = fmul <8 x float> %v270, %v259
  %v272 = fmul <8 x float> %v271, %v263
  %v273 = fadd contract <8 x float> %loop235.c0, %v272
  %v274 = select <8 x i1> %v242, <8 x float> %v273, <8 x float> %loop235.c0
  %v275 = getelementptr float, ptr %v27, i64 %loop235.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v272, ptr %v275, <8 x i1> %v242)
  %v276 = add nuw nsw i64 %loop235.i, 8
  %v277 = add nuw nsw i64 %v276, 8
  %v278 = icmp sle i64 %v277, %v234
  br i1 %v278, label %loop235, label %loop235.end
loop235.end:
  %v279 = phi i64 [%v232, %loop194.end], [%v276, %loop235]
  %v280 = phi <8 x float> [%v233, %loop194.end], [%v274, %loop235]
  %v281 = shufflevector <8 x float> %v280, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v282 = fadd contract <8 x float> %v280, %v281
  %v283 = shufflevector <8 x float> %v282, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v284 = fadd contract <8 x float> %v282, %v283
  %v285 = shufflevector <8 x float> %v284, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v286 = fadd contract <8 x float> %v284, %v285
  %v287 = extractelement <8 x float> %v286, i32 0
  %v288 = fdiv contract float 0x3FF0000000000000, %v287
  %v289 = insertelement <8 x float> poison, float %v288, i32 0
  %v290 = shufflevector <8 x float> %v289, <8 x float> poison, <8 x i32> zeroinitializer
  %v292 = add i64 0, 32
  %v293 = icmp sle i64 %v292, %v8
  br i1 %v293, label %loop291, label %loop291.end
loop291:
  %loop291.i = phi i64 [0, %loop235.end], [%v313, %loop291]
  %v294 = add nuw nsw i64 %loop291.i, 8
  %v295 = add nuw nsw i64 %loop291.i, 16
  %v296 = add nuw nsw i64 %loop291.i, 24
  %v297 = getelementptr float, ptr %v27, i64 %loop291.i
  %v298 = load <8 x float>, ptr %v297, align 4
  %v299 = fmul contract <8 x float> %v298, %v290
  %v300 = getelementptr float, ptr %v27, i64 %v294
  %v301 = load <8 x float>, ptr %v300, align 4
  %v302 = fmul contract <8 x float> %v301, %v290
  %v303 = getelementptr float, ptr %v27, i64 %v295
  %v304 = load <8 x float>, ptr %v303, align 4
  %v305 = fmul contract <8 x float> %v304, %v290
  %v306 = getelementptr float, ptr %v27, i64 %v296
  %v307 = load <8 x float>, ptr %v306, align 4
  %v308 = fmul contract <8 x float> %v307, %v290
  %v309 = getelementptr float, ptr %v27, i64 %loop291.i
  store <8 x float> %v299, ptr %v309, align 4
  %v310 = getelementptr float, ptr %v27, i64 %v294
  store <8 x float> %v302, ptr %v310, align 4
  %v311 = getelementptr float, ptr %v27, i64 %v295
  store <8 x float> %v305, ptr %v311, align 4
  %v312 = getelementptr float, ptr %v27, i64 %v296
  store <8 x float> %v308, ptr %v312, align 4
  %v313 = add nuw nsw i64 %loop291.i, 32
  %v314 = add nuw nsw i64 %v313, 32
  %v315 = icmp sle i64 %v314, %v8
  br i1 %v315, label %loop291, label %loop291.end
loop291.end:
  %v316 = phi i64 [0, %loop235.end], [%v313, %loop291]
  %v318 = add i64 %v316, 8
  %v319 = icmp sle i64 %v318, %v8
  br i1 %v319, label %loop317, label %loop317.end
loop317:
  %loop317.i = phi i64 [%v316, %loop291.end], [%v324, %loop317]
  %v320 = getelementptr float, ptr %v27, i64 %loop317.i
  %v321 = load <8 x float>, ptr %v320, align 4
  %v322 = fmul contract <8 x float> %v321, %v290
  %v323 = getelementptr float, ptr %v27, i64 %loop317.i
  store <8 x float> %v322, ptr %v323, align 4
  %v324 = add nuw nsw i64 %loop317.i, 8
  %v325 = add nuw nsw i64 %v324, 8
  %v326 = icmp sle i64 %v325, %v8
  br i1 %v326, label %loop317, label %loop317.end
loop317.end:
  %v327 = phi i64 [%v316, %loop291.end], [%v324, %loop317]
  %v328 = add i64 %v8, 7
  %v330 = add i64 %v327, 8
  %v331 = icmp sle i64 %v330, %v328
  br i1 %v331, label %loop329, label %loop329.end
loop329:
  %loop329.i = phi i64 [%v327, %loop317.end], [%v341, %loop329]
  %v332 = sub i64 %v8, %loop329.i
  %v333 = trunc i64 %v332 to i32
  %v334 = insertelement <8 x i32> poison, i32 %v333, i32 0
  %v335 = shufflevector <8 x i32> %v334, <8 x i32> poison, <8 x i32> zeroinitializer
  %v336 = icmp sgt <8 x i32> %v335, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v337 = getelementptr float, ptr %v27, i64 %loop329.i
  %v338 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v337, <8 x i1> %v336, <8 x float> zeroinitializer)
  %v339 = fmul contract <8 x float> %v338, %v290
  %v340 = getelementptr float, ptr %v27, i64 %loop329.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v339, ptr %v340, <8 x i1> %v336)
  %v341 = add nuw nsw i64 %loop329.i, 8
  %v342 = add nuw nsw i64 %v341, 8
  %v343 = icmp sle i64 %v342, %v328
  br i1 %v343, label %loop329, label %loop329.end
loop329.end:
  %v344 = phi i64 [%v327, %loop317.end], [%v341, %loop329]
  %v345 = fcmp olt float %v287, 0x3810000000000000
  %v346 = fmul float %v287, 0x4160000000000000
  %v347 = select i1 %v345, float %v346, float %v287
  %v348 = bitcast float %v347 to i32
  %v349 = sub i32 %v348, 1059760811
  %v350 = and i32 %v349, -8388608
  %v351 = sub i32 %v348, %v350
  %v352 = bitcast i32 %v351 to float
  %v353 = fsub float %v352, 0x3FF0000000000000
  %v354 = sitofp i32 %v350 to float
  %v355 = select i1 %v345, float 0xC037000000000000, float 0x0000000000000000
  %v356 = call float @llvm.fma.f32(float %v354, float 0x3E80000000000000, float %v355)
  %v357 = fmul float %v353, %v353
  %v358 = call float @llvm.fma.f32(float %v357, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v359 = call float @llvm.fma.f32(float %v358, float %v357, float 0xBFC55B36C0000000)
  %v360 = call float @llvm.fma.f32(float %v359, float %v357, float 0xBFCFFFE020000000)
  %v361 = call float @llvm.fma.f32(float %v357, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v362 = call float @llvm.fma.f32(float %v361, float %v357, float 0x3FC99D8B20000000)
  %v363 = call float @llvm.fma.f32(float %v362, float %v353, float %v360)
  %v364 = call float @llvm.fma.f32(float %v353, float %v363, float 0x3FD5554FA0000000)
  %v365 = call float @llvm.fma.f32(float %v364, float %v353, float 0xBFE0000000000000)
  %v366 = call float @llvm.fma.f32(float %v365, float %v357, float %v353)
  %v367 = call float @llvm.fma.f32(float %v356, float 0x3FE62E4300000000, float %v366)
  %v368 = fcmp oeq float %v287, 0x0000000000000000
  %v369 = select i1 %v368, float 0xFFF0000000000000, float %v367
  %v370 = fcmp olt float %v287, 0x0000000000000000
  %v371 = select i1 %v370, float 0x7FF8000000000000, float %v369
  %v372 = fcmp oeq float %v287, 0x7FF0000000000000
  %v373 = fcmp une float %v287, %v287
  %v374 = or i1 %v372, %v373
  %v375 = select i1 %v374, float %v287, float %v371
  %v376 = fadd contract float %v375, %v116
  store float %v376, ptr %v29
  %v377 = add nuw nsw i64 %loop21.i, 1
  %v378 = add nuw nsw i64 %v377, 1
  %v379 = icmp sle i64 %v378, %end
  br i1 %v379, label %loop21, label %loop21.end
loop21.end:
  %v380 = phi i64 [%begin, %entry], [%v377, %loop329.end]
  ret void
}
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare float @llvm.fma.f32(float, float, float)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
