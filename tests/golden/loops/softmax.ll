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
  %loop21.i = phi i64 [%begin, %entry], [%v441, %loop393.end]
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
  %v42 = getelementptr float, ptr %v25, i64 %v33
  %v48 = getelementptr float, ptr %v25, i64 %v34
  %v54 = getelementptr float, ptr %v25, i64 %v35
  %v37 = load <8 x float>, ptr %v36, align 4
  %v43 = load <8 x float>, ptr %v42, align 4
  %v49 = load <8 x float>, ptr %v48, align 4
  %v55 = load <8 x float>, ptr %v54, align 4
  %v38 = fcmp une <8 x float> %v37, %v37
  %v44 = fcmp une <8 x float> %v43, %v43
  %v50 = fcmp une <8 x float> %v49, %v49
  %v56 = fcmp une <8 x float> %v55, %v55
  %v39 = fcmp ogt <8 x float> %v37, %loop30.c0
  %v45 = fcmp ogt <8 x float> %v43, %loop30.c1
  %v51 = fcmp ogt <8 x float> %v49, %loop30.c2
  %v57 = fcmp ogt <8 x float> %v55, %loop30.c3
  %v40 = select <8 x i1> %v39, <8 x float> %v37, <8 x float> %loop30.c0
  %v46 = select <8 x i1> %v45, <8 x float> %v43, <8 x float> %loop30.c1
  %v52 = select <8 x i1> %v51, <8 x float> %v49, <8 x float> %loop30.c2
  %v58 = select <8 x i1> %v57, <8 x float> %v55, <8 x float> %loop30.c3
  %v41 = select <8 x i1> %v38, <8 x float> %v37, <8 x float> %v40
  %v47 = select <8 x i1> %v44, <8 x float> %v43, <8 x float> %v46
  %v53 = select <8 x i1> %v50, <8 x float> %v49, <8 x float> %v52
  %v59 = select <8 x i1> %v56, <8 x float> %v55, <8 x float> %v58
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
  %v68 = fcmp une <8 x float> %v65, %v65
  %v69 = fcmp ogt <8 x float> %v65, %v64
  %v70 = select <8 x i1> %v69, <8 x float> %v65, <8 x float> %v64
  %v71 = select <8 x i1> %v68, <8 x float> %v65, <8 x float> %v70
  %v72 = fcmp une <8 x float> %v67, %v67
  %v73 = fcmp ogt <8 x float> %v67, %v66
  %v74 = select <8 x i1> %v73, <8 x float> %v67, <8 x float> %v66
  %v75 = select <8 x i1> %v72, <8 x float> %v67, <8 x float> %v74
  %v76 = fcmp une <8 x float> %v75, %v75
  %v77 = fcmp ogt <8 x float> %v75, %v71
  %v78 = select <8 x i1> %v77, <8 x float> %v75, <8 x float> %v71
  %v79 = select <8 x i1> %v76, <8 x float> %v75, <8 x float> %v78
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
  %v91 = fcmp une <8 x float> %v90, %v90
  %v92 = fcmp ogt <8 x float> %v90, %loop81.c0
  %v93 = select <8 x i1> %v92, <8 x float> %v90, <8 x float> %loop81.c0
  %v94 = select <8 x i1> %v91, <8 x float> %v90, <8 x float> %v93
  %v95 = select <8 x i1> %v88, <8 x float> %v94, <8 x float> %loop81.c0
  %v96 = add nuw nsw i64 %loop81.i, 8
  %v97 = add nuw nsw i64 %v96, 8
  %v98 = icmp sle i64 %v97, %v80
  br i1 %v98, label %loop81, label %loop81.end
loop81.end:
  %v99 = phi i64 [%v63, %loop30.end], [%v96, %loop81]
  %v100 = phi <8 x float> [%v79, %loop30.end], [%v95, %loop81]
  %v101 = shufflevector <8 x float> %v100, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v102 = fcmp une <8 x float> %v101, %v101
  %v103 = fcmp ogt <8 x float> %v101, %v100
  %v104 = select <8 x i1> %v103, <8 x float> %v101, <8 x float> %v100
  %v105 = select <8 x i1> %v102, <8 x float> %v101, <8 x float> %v104
  %v106 = shufflevector <8 x float> %v105, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v107 = fcmp une <8 x float> %v106, %v106
  %v108 = fcmp ogt <8 x float> %v106, %v105
  %v109 = select <8 x i1> %v108, <8 x float> %v106, <8 x float> %v105
  %v110 = select <8 x i1> %v107, <8 x float> %v106, <8 x float> %v109
  %v111 = shufflevector <8 x float> %v110, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v112 = fcmp une <8 x float> %v111, %v111
  %v113 = fcmp ogt <8 x float> %v111, %v110
  %v114 = select <8 x i1> %v113, <8 x float> %v111, <8 x float> %v110
  %v115 = select <8 x i1> %v112, <8 x float> %v111, <8 x float> %v114
  %v116 = extractelement <8 x float> %v115, i32 0
  %v117 = insertelement <8 x float> poison, float %v116, i32 0
  %v118 = shufflevector <8 x float> %v117, <8 x float> poison, <8 x i32> zeroinitializer
  %v120 = add i64 0, 32
  %v121 = icmp sle i64 %v120, %v8
  br i1 %v121, label %loop119, label %loop119.end
loop119:
  %loop119.i = phi i64 [0, %loop81.end], [%v249, %loop119]
  %loop119.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v154, %loop119]
  %loop119.c1 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v184, %loop119]
  %loop119.c2 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v214, %loop119]
  %loop119.c3 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v244, %loop119]
  %v122 = add nuw nsw i64 %loop119.i, 8
  %v123 = add nuw nsw i64 %loop119.i, 16
  %v124 = add nuw nsw i64 %loop119.i, 24
  %v125 = getelementptr float, ptr %v25, i64 %loop119.i
  %v155 = getelementptr float, ptr %v25, i64 %v122
  %v185 = getelementptr float, ptr %v25, i64 %v123
  %v215 = getelementptr float, ptr %v25, i64 %v124
  %v126 = load <8 x float>, ptr %v125, align 4
  %v156 = load <8 x float>, ptr %v155, align 4
  %v186 = load <8 x float>, ptr %v185, align 4
  %v216 = load <8 x float>, ptr %v215, align 4
  %v127 = fsub contract <8 x float> %v126, %v118
  %v157 = fsub contract <8 x float> %v156, %v118
  %v187 = fsub contract <8 x float> %v186, %v118
  %v217 = fsub contract <8 x float> %v216, %v118
  %v128 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v127
  %v158 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v157
  %v188 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v187
  %v218 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v217
  %v129 = select <8 x i1> %v128, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v127
  %v159 = select <8 x i1> %v158, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v157
  %v189 = select <8 x i1> %v188, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v187
  %v219 = select <8 x i1> %v218, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v217
  %v130 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v129
  %v160 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v159
  %v190 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v189
  %v220 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v219
  %v131 = select <8 x i1> %v130, <8 x float> splat (float 0x4056400000000000), <8 x float> %v129
  %v161 = select <8 x i1> %v160, <8 x float> splat (float 0x4056400000000000), <8 x float> %v159
  %v191 = select <8 x i1> %v190, <8 x float> splat (float 0x4056400000000000), <8 x float> %v189
  %v221 = select <8 x i1> %v220, <8 x float> splat (float 0x4056400000000000), <8 x float> %v219
  %v132 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v131, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v162 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v161, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v192 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v191, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v222 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v221, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v133 = fsub <8 x float> %v132, splat (float 0x4168000000000000)
  %v163 = fsub <8 x float> %v162, splat (float 0x4168000000000000)
  %v193 = fsub <8 x float> %v192, splat (float 0x4168000000000000)
  %v223 = fsub <8 x float> %v222, splat (float 0x4168000000000000)
  %v134 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v133, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v131)
  %v164 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v163, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v161)
  %v194 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v193, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v191)
  %v224 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v223, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v221)
  %v135 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v133, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v134)
  %v165 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v163, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v164)
  %v195 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v193, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v194)
  %v225 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v223, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v224)
  %v136 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v135, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v166 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v165, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v196 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v195, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v226 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v225, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v137 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v136, <8 x float> %v135, <8 x float> splat (float 0x3FA555B5A0000000))
  %v167 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v166, <8 x float> %v165, <8 x float> splat (float 0x3FA555B5A0000000))
  %v197 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v196, <8 x float> %v195, <8 x float> splat (float 0x3FA555B5A0000000))
  %v227 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v226, <8 x float> %v225, <8 x float> splat (float 0x3FA555B5A0000000))
  %v138 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v137, <8 x float> %v135, <8 x float> splat (float 0x3FC5554500000000))
  %v168 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v167, <8 x float> %v165, <8 x float> splat (float 0x3FC5554500000000))
  %v198 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v197, <8 x float> %v195, <8 x float> splat (float 0x3FC5554500000000))
  %v228 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v227, <8 x float> %v225, <8 x float> splat (float 0x3FC5554500000000))
  %v139 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v138, <8 x float> %v135, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v169 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v168, <8 x float> %v165, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v199 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v198, <8 x float> %v195, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v229 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v228, <8 x float> %v225, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v140 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v139, <8 x float> %v135, <8 x float> splat (float 0x3FF0000000000000))
  %v170 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v169, <8 x float> %v165, <8 x float> splat (float 0x3FF0000000000000))
  %v200 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v199, <8 x float> %v195, <8 x float> splat (float 0x3FF0000000000000))
  %v230 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v229, <8 x float> %v225, <8 x float> splat (float 0x3FF0000000000000))
  %v141 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v140, <8 x float> %v135, <8 x float> splat (float 0x3FF0000000000000))
  %v171 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v170, <8 x float> %v165, <8 x float> splat (float 0x3FF0000000000000))
  %v201 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v200, <8 x float> %v195, <8 x float> splat (float 0x3FF0000000000000))
  %v231 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v230, <8 x float> %v225, <8 x float> splat (float 0x3FF0000000000000))
  %v142 = bitcast <8 x float> %v132 to <8 x i32>
  %v172 = bitcast <8 x float> %v162 to <8 x i32>
  %v202 = bitcast <8 x float> %v192 to <8 x i32>
  %v232 = bitcast <8 x float> %v222 to <8 x i32>
  %v143 = sub <8 x i32> %v142, splat (i32 1262485504)
  %v173 = sub <8 x i32> %v172, splat (i32 1262485504)
  %v203 = sub <8 x i32> %v202, splat (i32 1262485504)
  %v233 = sub <8 x i32> %v232, splat (i32 1262485504)
  %v144 = ashr <8 x i32> %v143, splat (i32 1)
  %v174 = ashr <8 x i32> %v173, splat (i32 1)
  %v204 = ashr <8 x i32> %v203, splat (i32 1)
  %v234 = ashr <8 x i32> %v233, splat (i32 1)
  %v145 = sub <8 x i32> %v143, %v144
  %v175 = sub <8 x i32> %v173, %v174
  %v205 = sub <8 x i32> %v203, %v204
  %v235 = sub <8 x i32> %v233, %v234
  %v146 = add <8 x i32> %v144, splat (i32 127)
  %v176 = add <8 x i32> %v174, splat (i32 127)
  %v206 = add <8 x i32> %v204, splat (i32 127)
  %v236 = add <8 x i32> %v234, splat (i32 127)
  %v147 = shl <8 x i32> %v146, splat (i32 23)
  %v177 = shl <8 x i32> %v176, splat (i32 23)
  %v207 = shl <8 x i32> %v206, splat (i32 23)
  %v237 = shl <8 x i32> %v236, splat (i32 23)
  %v148 = bitcast <8 x i32> %v147 to <8 x float>
  %v178 = bitcast <8 x i32> %v177 to <8 x float>
  %v208 = bitcast <8 x i32> %v207 to <8 x float>
  %v238 = bitcast <8 x i32> %v237 to <8 x float>
  %v149 = fmul <8 x float> %v141, %v148
  %v179 = fmul <8 x float> %v171, %v178
  %v209 = fmul <8 x float> %v201, %v208
  %v239 = fmul <8 x float> %v231, %v238
  %v150 = add <8 x i32> %v145, splat (i32 127)
  %v180 = add <8 x i32> %v175, splat (i32 127)
  %v210 = add <8 x i32> %v205, splat (i32 127)
  %v240 = add <8 x i32> %v235, splat (i32 127)
  %v151 = shl <8 x i32> %v150, splat (i32 23)
  %v181 = shl <8 x i32> %v180, splat (i32 23)
  %v211 = shl <8 x i32> %v210, splat (i32 23)
  %v241 = shl <8 x i32> %v240, splat (i32 23)
  %v152 = bitcast <8 x i32> %v151 to <8 x float>
  %v182 = bitcast <8 x i32> %v181 to <8 x float>
  %v212 = bitcast <8 x i32> %v211 to <8 x float>
  %v242 = bitcast <8 x i32> %v241 to <8 x float>
  %v153 = fmul <8 x float> %v149, %v152
  %v183 = fmul <8 x float> %v179, %v182
  %v213 = fmul <8 x float> %v209, %v212
  %v243 = fmul <8 x float> %v239, %v242
  %v154 = fadd contract <8 x float> %loop119.c0, %v153
  %v184 = fadd contract <8 x float> %loop119.c1, %v183
  %v214 = fadd contract <8 x float> %loop119.c2, %v213
  %v244 = fadd contract <8 x float> %loop119.c3, %v243
  %v245 = getelementptr float, ptr %v27, i64 %loop119.i
  store <8 x float> %v153, ptr %v245, align 4
  %v246 = getelementptr float, ptr %v27, i64 %v122
  store <8 x float> %v183, ptr %v246, align 4
  %v247 = getelementptr float, ptr %v27, i64 %v123
  store <8 x float> %v213, ptr %v247, align 4
  %v248 = getelementptr float, ptr %v27, i64 %v124
  store <8 x float> %v243, ptr %v248, align 4
  %v249 = add nuw nsw i64 %loop119.i, 32
  %v250 = add nuw nsw i64 %v249, 32
  %v251 = icmp sle i64 %v250, %v8
  br i1 %v251, label %loop119, label %loop119.end
loop119.end:
  %v252 = phi i64 [0, %loop81.end], [%v249, %loop119]
  %v253 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v154, %loop119]
  %v254 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v184, %loop119]
  %v255 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v214, %loop119]
  %v256 = phi <8 x float> [splat (float 0x0000000000000000), %loop81.end], [%v244, %loop119]
  %v257 = fadd contract <8 x float> %v253, %v254
  %v258 = fadd contract <8 x float> %v255, %v256
  %v259 = fadd contract <8 x float> %v257, %v258
  %v261 = add i64 %v252, 8
  %v262 = icmp sle i64 %v261, %v8
  br i1 %v262, label %loop260, label %loop260.end
loop260:
  %loop260.i = phi i64 [%v252, %loop119.end], [%v294, %loop260]
  %loop260.c0 = phi <8 x float> [%v259, %loop119.end], [%v292, %loop260]
  %v263 = getelementptr float, ptr %v25, i64 %loop260.i
  %v264 = load <8 x float>, ptr %v263, align 4
  %v265 = fsub contract <8 x float> %v264, %v118
  %v266 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v265
  %v267 = select <8 x i1> %v266, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v265
  %v268 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v267
  %v269 = select <8 x i1> %v268, <8 x float> splat (float 0x4056400000000000), <8 x float> %v267
  %v270 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v269, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v271 = fsub <8 x float> %v270, splat (float 0x4168000000000000)
  %v272 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v271, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v269)
  %v273 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v271, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v272)
  %v274 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v273, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v275 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v274, <8 x float> %v273, <8 x float> splat (float 0x3FA555B5A0000000))
  %v276 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v275, <8 x float> %v273, <8 x float> splat (float 0x3FC5554500000000))
  %v277 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v276, <8 x float> %v273, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v278 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v277, <8 x float> %v273, <8 x float> splat (float 0x3FF0000000000000))
  %v279 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v278, <8 x float> %v273, <8 x float> splat (float 0x3FF0000000000000))
  %v280 = bitcast <8 x float> %v270 to <8 x i32>
  %v281 = sub <8 x i32> %v280, splat (i32 1262485504)
  %v282 = ashr <8 x i32> %v281, splat (i32 1)
  %v283 = sub <8 x i32> %v281, %v282
  %v284 = add <8 x i32> %v282, splat (i32 127)
  %v285 = shl <8 x i32> %v284, splat (i32 23)
  %v286 = bitcast <8 x i32> %v285 to <8 x float>
  %v287 = fmul <8 x float> %v279, %v286
  %v288 = add <8 x i32> %v283, splat (i32 127)
  %v289 = shl <8 x i32> %v288, splat (i32 23)
  %v290 = bitcast <8 x i32> %v289 to <8 x float>
  %v291 = fmul <8 x float> %v287, %v290
  %v292 = fadd contract <8 x float> %loop260.c0, %v291
  %v293 = getelementptr float, ptr %v27, i64 %loop260.i
  store <8 x float> %v291, ptr %v293, align 4
  %v294 = add nuw nsw i64 %loop260.i, 8
  %v295 = add nuw nsw i64 %v294, 8
  %v296 = icmp sle i64 %v295, %v8
  br i1 %v296, label %loop260, label %loop260.end
loop260.end:
  %v297 = phi i64 [%v252, %loop119.end], [%v294, %loop260]
  %v298 = phi <8 x float> [%v259, %loop119.end], [%v292, %loop260]
  %v299 = add i64 %v8, 7
  %v301 = add i64 %v297, 8
  %v302 = icmp sle i64 %v301, %v299
  br i1 %v302, label %loop300, label %loop300.end
loop300:
  %loop300.i = phi i64 [%v297, %loop260.end], [%v340, %loop300]
  %loop300.c0 = phi <8 x float> [%v298, %loop260.end], [%v338, %loop300]
  %v303 = sub i64 %v8, %loop300.i
  %v304 = trunc i64 %v303 to i32
  %v305 = insertelement <8 x i32> poison, i32 %v304, i32 0
  %v306 = shufflevector <8 x i32> %v305, <8 x i32> poison, <8 x i32> zeroinitializer
  %v307 = icmp sgt <8 x i32> %v306, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v308 = getelementptr float, ptr %v25, i64 %loop300.i
  %v309 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v308, <8 x i1> %v307, <8 x float> zeroinitializer)
  %v310 = fsub contract <8 x float> %v309, %v118
  %v311 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v310
  %v312 = select <8 x i1> %v311, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v310
  %v313 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v312
  %v314 = select <8 x i1> %v313, <8 x float> splat (float 0x4056400000000000), <8 x float> %v312
  %v315 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v314, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v316 = fsub <8 x float> %v315, splat (float 0x4168000000000000)
  %v317 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v316, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v314)
  %v318 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v316, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v317)
  %v319 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v318, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v320 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v319, <8 x float> %v318, <8 x float> splat (float 0x3FA555B5A0000000))
  %v321 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v320, <8 x float> %v318, <8 x float> splat (float 0x3FC5554500000000))
  %v322 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v321, <8 x float> %v318, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v323 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v322, <8 x float> %v318, <8 x float> splat (float 0x3FF0000000000000))
  %v324 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v323, <8 x float> %v318, <8 x float> splat (float 0x3FF0000000000000))
  %v325 = bitcast <8 x float> %v315 to <8 x i32>
  %v326 = sub <8 x i32> %v325, splat (i32 1262485504)
  %v327 = ashr <8 x i32> %v326, splat (i32 1)
  %v328 = sub <8 x i32> %v326, %v327
  %v329 = add <8 x i32> %v327, splat (i32 127)
  %v330 = shl <8 x i32> %v329, splat (i32 23)
  %v331 = bitcast <8 x i32> %v330 to <8 x float>
  %v332 = fmul <8 x float> %v324, %v331
  %v333 = add <8 x i32> %v328, splat (i32 127)
  %v334 = shl <8 x i32> %v333, splat (i32 23)
  %v335 = bitcast <8 x i32> %v334 to <8 x float>
  %v336 = fmul <8 x float> %v332, %v335
  %v337 = fadd contract <8 x float> %loop300.c0, %v336
  %v338 = select <8 x i1> %v307, <8 x float> %v337, <8 x float> %loop300.c0
  %v339 = getelementptr float, ptr %v27, i64 %loop300.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v336, ptr %v339, <8 x i1> %v307)
  %v340 = add nuw nsw i64 %loop300.i, 8
  %v341 = add nuw nsw i64 %v340, 8
  %v342 = icmp sle i64 %v341, %v299
  br i1 %v342, label %loop300, label %loop300.end
loop300.end:
  %v343 = phi i64 [%v297, %loop260.end], [%v340, %loop300]
  %v344 = phi <8 x float> [%v298, %loop260.end], [%v338, %loop300]
  %v345 = shufflevector <8 x float> %v344, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v346 = fadd contract <8 x float> %v344, %v345
  %v347 = shufflevector <8 x float> %v346, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v348 = fadd contract <8 x float> %v346, %v347
  %v349 = shufflevector <8 x float> %v348, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v350 = fadd contract <8 x float> %v348, %v349
  %v351 = extractelement <8 x float> %v350, i32 0
  %v352 = fdiv contract float 0x3FF0000000000000, %v351
  %v353 = insertelement <8 x float> poison, float %v352, i32 0
  %v354 = shufflevector <8 x float> %v353, <8 x float> poison, <8 x i32> zeroinitializer
  %v356 = add i64 0, 32
  %v357 = icmp sle i64 %v356, %v8
  br i1 %v357, label %loop355, label %loop355.end
loop355:
  %loop355.i = phi i64 [0, %loop300.end], [%v377, %loop355]
  %v358 = add nuw nsw i64 %loop355.i, 8
  %v359 = add nuw nsw i64 %loop355.i, 16
  %v360 = add nuw nsw i64 %loop355.i, 24
  %v361 = getelementptr float, ptr %v27, i64 %loop355.i
  %v364 = getelementptr float, ptr %v27, i64 %v358
  %v367 = getelementptr float, ptr %v27, i64 %v359
  %v370 = getelementptr float, ptr %v27, i64 %v360
  %v362 = load <8 x float>, ptr %v361, align 4
  %v365 = load <8 x float>, ptr %v364, align 4
  %v368 = load <8 x float>, ptr %v367, align 4
  %v371 = load <8 x float>, ptr %v370, align 4
  %v363 = fmul contract <8 x float> %v362, %v354
  %v366 = fmul contract <8 x float> %v365, %v354
  %v369 = fmul contract <8 x float> %v368, %v354
  %v372 = fmul contract <8 x float> %v371, %v354
  %v373 = getelementptr float, ptr %v27, i64 %loop355.i
  store <8 x float> %v363, ptr %v373, align 4
  %v374 = getelementptr float, ptr %v27, i64 %v358
  store <8 x float> %v366, ptr %v374, align 4
  %v375 = getelementptr float, ptr %v27, i64 %v359
  store <8 x float> %v369, ptr %v375, align 4
  %v376 = getelementptr float, ptr %v27, i64 %v360
  store <8 x float> %v372, ptr %v376, align 4
  %v377 = add nuw nsw i64 %loop355.i, 32
  %v378 = add nuw nsw i64 %v377, 32
  %v379 = icmp sle i64 %v378, %v8
  br i1 %v379, label %loop355, label %loop355.end
loop355.end:
  %v380 = phi i64 [0, %loop300.end], [%v377, %loop355]
  %v382 = add i64 %v380, 8
  %v383 = icmp sle i64 %v382, %v8
  br i1 %v383, label %loop381, label %loop381.end
loop381:
  %loop381.i = phi i64 [%v380, %loop355.end], [%v388, %loop381]
  %v384 = getelementptr float, ptr %v27, i64 %loop381.i
  %v385 = load <8 x float>, ptr %v384, align 4
  %v386 = fmul contract <8 x float> %v385, %v354
  %v387 = getelementptr float, ptr %v27, i64 %loop381.i
  store <8 x float> %v386, ptr %v387, align 4
  %v388 = add nuw nsw i64 %loop381.i, 8
  %v389 = add nuw nsw i64 %v388, 8
  %v390 = icmp sle i64 %v389, %v8
  br i1 %v390, label %loop381, label %loop381.end
loop381.end:
  %v391 = phi i64 [%v380, %loop355.end], [%v388, %loop381]
  %v392 = add i64 %v8, 7
  %v394 = add i64 %v391, 8
  %v395 = icmp sle i64 %v394, %v392
  br i1 %v395, label %loop393, label %loop393.end
loop393:
  %loop393.i = phi i64 [%v391, %loop381.end], [%v405, %loop393]
  %v396 = sub i64 %v8, %loop393.i
  %v397 = trunc i64 %v396 to i32
  %v398 = insertelement <8 x i32> poison, i32 %v397, i32 0
  %v399 = shufflevector <8 x i32> %v398, <8 x i32> poison, <8 x i32> zeroinitializer
  %v400 = icmp sgt <8 x i32> %v399, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v401 = getelementptr float, ptr %v27, i64 %loop393.i
  %v402 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v401, <8 x i1> %v400, <8 x float> zeroinitializer)
  %v403 = fmul contract <8 x float> %v402, %v354
  %v404 = getelementptr float, ptr %v27, i64 %loop393.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v403, ptr %v404, <8 x i1> %v400)
  %v405 = add nuw nsw i64 %loop393.i, 8
  %v406 = add nuw nsw i64 %v405, 8
  %v407 = icmp sle i64 %v406, %v392
  br i1 %v407, label %loop393, label %loop393.end
loop393.end:
  %v408 = phi i64 [%v391, %loop381.end], [%v405, %loop393]
  %v409 = fcmp olt float %v351, 0x3810000000000000
  %v410 = fmul float %v351, 0x4160000000000000
  %v411 = select i1 %v409, float %v410, float %v351
  %v412 = bitcast float %v411 to i32
  %v413 = sub i32 %v412, 1059760811
  %v414 = and i32 %v413, -8388608
  %v415 = sub i32 %v412, %v414
  %v416 = bitcast i32 %v415 to float
  %v417 = fsub float %v416, 0x3FF0000000000000
  %v418 = sitofp i32 %v414 to float
  %v419 = select i1 %v409, float 0xC037000000000000, float 0x0000000000000000
  %v420 = call float @llvm.fma.f32(float %v418, float 0x3E80000000000000, float %v419)
  %v421 = fmul float %v417, %v417
  %v422 = call float @llvm.fma.f32(float %v421, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v423 = call float @llvm.fma.f32(float %v422, float %v421, float 0xBFC55B36C0000000)
  %v424 = call float @llvm.fma.f32(float %v423, float %v421, float 0xBFCFFFE020000000)
  %v425 = call float @llvm.fma.f32(float %v421, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v426 = call float @llvm.fma.f32(float %v425, float %v421, float 0x3FC99D8B20000000)
  %v427 = call float @llvm.fma.f32(float %v426, float %v417, float %v424)
  %v428 = call float @llvm.fma.f32(float %v417, float %v427, float 0x3FD5554FA0000000)
  %v429 = call float @llvm.fma.f32(float %v428, float %v417, float 0xBFE0000000000000)
  %v430 = call float @llvm.fma.f32(float %v429, float %v421, float %v417)
  %v431 = call float @llvm.fma.f32(float %v420, float 0x3FE62E4300000000, float %v430)
  %v432 = fcmp oeq float %v351, 0x0000000000000000
  %v433 = select i1 %v432, float 0xFFF0000000000000, float %v431
  %v434 = fcmp olt float %v351, 0x0000000000000000
  %v435 = select i1 %v434, float 0x7FF8000000000000, float %v433
  %v436 = fcmp oeq float %v351, 0x7FF0000000000000
  %v437 = fcmp une float %v351, %v351
  %v438 = or i1 %v436, %v437
  %v439 = select i1 %v438, float %v351, float %v435
  %v440 = fadd contract float %v439, %v116
  store float %v440, ptr %v29
  %v441 = add nuw nsw i64 %loop21.i, 1
  %v442 = add nuw nsw i64 %v441, 1
  %v443 = icmp sle i64 %v442, %end
  br i1 %v443, label %loop21, label %loop21.end
loop21.end:
  %v444 = phi i64 [%begin, %entry], [%v441, %loop393.end]
  ret void
}
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare float @llvm.fma.f32(float, float, float)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
