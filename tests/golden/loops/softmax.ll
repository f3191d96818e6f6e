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
  %v22 = add i64 %begin, 2
  %v23 = icmp sle i64 %v22, %end
  br i1 %v23, label %loop21, label %loop21.end
loop21:
  %loop21.i = phi i64 [%begin, %entry], [%v610, %loop526.end]
  %v24 = add i64 %loop21.i, 1
  %v25 = mul i64 %loop21.i, %v16
  %v26 = getelementptr float, ptr %v2, i64 %v25
  %v27 = mul i64 %loop21.i, %v18
  %v28 = getelementptr float, ptr %v4, i64 %v27
  %v29 = mul i64 %loop21.i, %v20
  %v30 = getelementptr float, ptr %v6, i64 %v29
  %v31 = mul i64 %v24, %v16
  %v32 = getelementptr float, ptr %v2, i64 %v31
  %v33 = mul i64 %v24, %v18
  %v34 = getelementptr float, ptr %v4, i64 %v33
  %v35 = mul i64 %v24, %v20
  %v36 = getelementptr float, ptr %v6, i64 %v35
  %v38 = add i64 0, 16
  %v39 = icmp sle i64 %v38, %v8
  br i1 %v39, label %loop37, label %loop37.end
loop37:
  %loop37.i = phi i64 [0, %loop21], [%v65, %loop37]
  %loop37.c0 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v46, %loop37]
  %loop37.c1 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v52, %loop37]
  %loop37.c2 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v58, %loop37]
  %loop37.c3 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v64, %loop37]
  %v40 = add nuw nsw i64 %loop37.i, 8
  %v41 = getelementptr float, ptr %v26, i64 %loop37.i
  %v47 = getelementptr float, ptr %v32, i64 %loop37.i
  %v53 = getelementptr float, ptr %v26, i64 %v40
  %v59 = getelementptr float, ptr %v32, i64 %v40
  %v42 = load <8 x float>, ptr %v41, align 4
  %v48 = load <8 x float>, ptr %v47, align 4
  %v54 = load <8 x float>, ptr %v53, align 4
  %v60 = load <8 x float>, ptr %v59, align 4
  %v43 = fcmp une <8 x float> %v42, %v42
  %v49 = fcmp une <8 x float> %v48, %v48
  %v55 = fcmp une <8 x float> %v54, %v54
  %v61 = fcmp une <8 x float> %v60, %v60
  %v44 = fcmp ogt <8 x float> %v42, %loop37.c0
  %v50 = fcmp ogt <8 x float> %v48, %loop37.c1
  %v56 = fcmp ogt <8 x float> %v54, %loop37.c2
  %v62 = fcmp ogt <8 x float> %v60, %loop37.c3
  %v45 = select <8 x i1> %v44, <8 x float> %v42, <8 x float> %loop37.c0
  %v51 = select <8 x i1> %v50, <8 x float> %v48, <8 x float> %loop37.c1
  %v57 = select <8 x i1> %v56, <8 x float> %v54, <8 x float> %loop37.c2
  %v63 = select <8 x i1> %v62, <8 x float> %v60, <8 x float> %loop37.c3
  %v46 = select <8 x i1> %v43, <8 x float> %v42, <8 x float> %v45
  %v52 = select <8 x i1> %v49, <8 x float> %v48, <8 x float> %v51
  %v58 = select <8 x i1> %v55, <8 x float> %v54, <8 x float> %v57
  %v64 = select <8 x i1> %v61, <8 x float> %v60, <8 x float> %v63
  %v65 = add nuw nsw i64 %loop37.i, 16
  %v66 = add nuw nsw i64 %v65, 16
  %v67 = icmp sle i64 %v66, %v8
  br i1 %v67, label %loop37, label %loop37.end
loop37.end:
  %v68 = phi i64 [0, %loop21], [%v65, %loop37]
  %v69 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v46, %loop37]
  %v70 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v52, %loop37]
  %v71 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v58, %loop37]
  %v72 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop21], [%v64, %loop37]
  %v73 = fcmp une <8 x float> %v71, %v71
  %v74 = fcmp ogt <8 x float> %v71, %v69
  %v75 = select <8 x i1> %v74, <8 x float> %v71, <8 x float> %v69
  %v76 = select <8 x i1> %v73, <8 x float> %v71, <8 x float> %v75
  %v77 = fcmp une <8 x float> %v72, %v72
  %v78 = fcmp ogt <8 x float> %v72, %v70
  %v79 = select <8 x i1> %v78, <8 x float> %v72, <8 x float> %v70
  %v80 = select <8 x i1> %v77, <8 x float> %v72, <8 x float> %v79
  %v81 = add i64 %v8, 7
  %v83 = add i64 %v68, 8
  %v84 = icmp sle i64 %v83, %v81
  br i1 %v84, label %loop82, label %loop82.end
loop82:
  %loop82.i = phi i64 [%v68, %loop37.end], [%v104, %loop82]
  %loop82.c0 = phi <8 x float> [%v76, %loop37.end], [%v96, %loop82]
  %loop82.c1 = phi <8 x float> [%v80, %loop37.end], [%v103, %loop82]
  %v85 = sub i64 %v8, %loop82.i
  %v86 = trunc i64 %v85 to i32
  %v87 = insertelement <8 x i32> poison, i32 %v86, i32 0
  %v88 = shufflevector <8 x i32> %v87, <8 x i32> poison, <8 x i32> zeroinitializer
  %v89 = icmp sgt <8 x i32> %v88, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v90 = getelementptr float, ptr %v26, i64 %loop82.i
  %v97 = getelementptr float, ptr %v32, i64 %loop82.i
  %v91 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v90, <8 x i1> %v89, <8 x float> zeroinitializer)
  %v98 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v97, <8 x i1> %v89, <8 x float> zeroinitializer)
  %v92 = fcmp une <8 x float> %v91, %v91
  %v99 = fcmp une <8 x float> %v98, %v98
  %v93 = fcmp ogt <8 x float> %v91, %loop82.c0
  %v100 = fcmp ogt <8 x float> %v98, %loop82.c1
  %v94 = select <8 x i1> %v93, <8 x float> %v91, <8 x float> %loop82.c0
  %v101 = select <8 x i1> %v100, <8 x float> %v98, <8 x float> %loop82.c1
  %v95 = select <8 x i1> %v92, <8 x float> %v91, <8 x float> %v94
  %v102 = select <8 x i1> %v99, <8 x float> %v98, <8 x float> %v101
  %v96 = select <8 x i1> %v89, <8 x float> %v95, <8 x float> %loop82.c0
  %v103 = select <8 x i1> %v89, <8 x float> %v102, <8 x float> %loop82.c1
  %v104 = add nuw nsw i64 %loop82.i, 8
  %v105 = add nuw nsw i64 %v104, 8
  %v106 = icmp sle i64 %v105, %v81
  br i1 %v106, label %loop82, label %loop82.end
loop82.end:
  %v107 = phi i64 [%v68, %loop37.end], [%v104, %loop82]
  %v108 = phi <8 x float> [%v76, %loop37.end], [%v96, %loop82]
  %v109 = phi <8 x float> [%v80, %loop37.end], [%v103, %loop82]
  %v110 = shufflevector <8 x float> %v108, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v111 = fcmp une <8 x float> %v110, %v110
  %v112 = fcmp ogt <8 x float> %v110, %v108
  %v113 = select <8 x i1> %v112, <8 x float> %v110, <8 x float> %v108
  %v114 = select <8 x i1> %v111, <8 x float> %v110, <8 x float> %v113
  %v115 = shufflevector <8 x float> %v114, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v116 = fcmp une <8 x float> %v115, %v115
  %v117 = fcmp ogt <8 x float> %v115, %v114
  %v118 = select <8 x i1> %v117, <8 x float> %v115, <8 x float> %v114
  %v119 = select <8 x i1> %v116, <8 x float> %v115, <8 x float> %v118
  %v120 = shufflevector <8 x float> %v119, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v121 = fcmp une <8 x float> %v120, %v120
  %v122 = fcmp ogt <8 x float> %v120, %v119
  %v123 = select <8 x i1> %v122, <8 x float> %v120, <8 x float> %v119
  %v124 = select <8 x i1> %v121, <8 x float> %v120, <8 x float> %v123
  %v125 = extractelement <8 x float> %v124, i32 0
  %v126 = shufflevector <8 x float> %v109, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v127 = fcmp une <8 x float> %v126, %v126
  %v128 = fcmp ogt <8 x float> %v126, %v109
  %v129 = select <8 x i1> %v128, <8 x float> %v126, <8 x float> %v109
  %v130 = select <8 x i1> %v127, <8 x float> %v126, <8 x float> %v129
  %v131 = shufflevector <8 x float> %v130, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v132 = fcmp une <8 x float> %v131, %v131
  %v133 = fcmp ogt <8 x float> %v131, %v130
  %v134 = select <8 x i1> %v133, <8 x float> %v131, <8 x float> %v130
  %v135 = select <8 x i1> %v132, <8 x float> %v131, <8 x float> %v134
  %v136 = shufflevector <8 x float> %v135, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v137 = fcmp une <8 x float> %v136, %v136
  %v138 = fcmp ogt <8 x float> %v136, %v135
  %v139 = select <8 x i1> %v138, <8 x float> %v136, <8 x float> %v135
  %v140 = select <8 x i1> %v137, <8 x float> %v136, <8 x float> %v139
  %v141 = extractelement <8 x float> %v140, i32 0
  %v142 = insertelement <8 x float> poison, float %v125, i32 0
  %v143 = shufflevector <8 x float> %v142, <8 x float> poison, <8 x i32> zeroinitializer
  %v144 = insertelement <8 x float> poison, float %v141, i32 0
  %v145 = shufflevector <8 x float> %v144, <8 x float> poison, <8 x i32> zeroinitializer
  %v147 = add i64 0, 16
  %v148 = icmp sle i64 %v147, %v8
  br i1 %v148, label %loop146, label %loop146.end
loop146:
  %loop146.i = phi i64 [0, %loop82.end], [%v290, %loop146]
  %loop146.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v179, %loop146]
  %loop146.c1 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v209, %loop146]
  %loop146.c2 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v239, %loop146]
  %loop146.c3 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v269, %loop146]
  %v149 = add nuw nsw i64 %loop146.i, 8
  %v150 = getelementptr float, ptr %v26, i64 %loop146.i
  %v180 = getelementptr float, ptr %v32, i64 %loop146.i
  %v210 = getelementptr float, ptr %v26, i64 %v149
  %v240 = getelementptr float, ptr %v32, i64 %v149
  %v151 = load <8 x float>, ptr %v150, align 4
  %v181 = load <8 x float>, ptr %v180, align 4
  %v211 = load <8 x float>, ptr %v210, align 4
  %v241 = load <8 x float>, ptr %v240, align 4
  %v152 = fsub contract <8 x float> %v151, %v143
  %v182 = fsub contract <8 x float> %v181, %v145
  %v212 = fsub contract <8 x float> %v211, %v143
  %v242 = fsub contract <8 x float> %v241, %v145
  %v153 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v152
  %v183 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v182
  %v213 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v212
  %v243 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v242
  %v154 = select <8 x i1> %v153, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v152
  %v184 = select <8 x i1> %v183, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v182
  %v214 = select <8 x i1> %v213, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v212
  %v244 = select <8 x i1> %v243, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v242
  %v155 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v154
  %v185 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v184
  %v215 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v214
  %v245 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v244
  %v156 = select <8 x i1> %v155, <8 x float> splat (float 0x4056400000000000), <8 x float> %v154
  %v186 = select <8 x i1> %v185, <8 x float> splat (float 0x4056400000000000), <8 x float> %v184
  %v216 = select <8 x i1> %v215, <8 x float> splat (float 0x4056400000000000), <8 x float> %v214
  %v246 = select <8 x i1> %v245, <8 x float> splat (float 0x4056400000000000), <8 x float> %v244
  %v157 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v156, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v187 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v186, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v217 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v216, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v247 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v246, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v158 = fsub <8 x float> %v157, splat (float 0x4168000000000000)
  %v188 = fsub <8 x float> %v187, splat (float 0x4168000000000000)
  %v218 = fsub <8 x float> %v217, splat (float 0x4168000000000000)
  %v248 = fsub <8 x float> %v247, splat (float 0x4168000000000000)
  %v159 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v158, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v156)
  %v189 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v188, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v186)
  %v219 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v218, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v216)
  %v249 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v248, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v246)
  %v160 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v158, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v159)
  %v190 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v188, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v189)
  %v220 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v218, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v219)
  %v250 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v248, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v249)
  %v161 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v160, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v191 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v190, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v221 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v220, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v251 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v250, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v162 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v161, <8 x float> %v160, <8 x float> splat (float 0x3FA555B5A0000000))
  %v192 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v191, <8 x float> %v190, <8 x float> splat (float 0x3FA555B5A0000000))
  %v222 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v221, <8 x float> %v220, <8 x float> splat (float 0x3FA555B5A0000000))
  %v252 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v251, <8 x float> %v250, <8 x float> splat (float 0x3FA555B5A0000000))
  %v163 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v162, <8 x float> %v160, <8 x float> splat (float 0x3FC5554500000000))
  %v193 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v192, <8 x float> %v190, <8 x float> splat (float 0x3FC5554500000000))
  %v223 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v222, <8 x float> %v220, <8 x float> splat (float 0x3FC5554500000000))
  %v253 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v252, <8 x float> %v250, <8 x float> splat (float 0x3FC5554500000000))
  %v164 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v163, <8 x float> %v160, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v194 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v193, <8 x float> %v190, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v224 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v223, <8 x float> %v220, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v254 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v253, <8 x float> %v250, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v165 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v164, <8 x float> %v160, <8 x float> splat (float 0x3FF0000000000000))
  %v195 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v194, <8 x float> %v190, <8 x float> splat (float 0x3FF0000000000000))
  %v225 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v224, <8 x float> %v220, <8 x float> splat (float 0x3FF0000000000000))
  %v255 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v254, <8 x float> %v250, <8 x float> splat (float 0x3FF0000000000000))
  %v166 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v165, <8 x float> %v160, <8 x float> splat (float 0x3FF0000000000000))
  %v196 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v195, <8 x float> %v190, <8 x float> splat (float 0x3FF0000000000000))
  %v226 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v225, <8 x float> %v220, <8 x float> splat (float 0x3FF0000000000000))
  %v256 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v255, <8 x float> %v250, <8 x float> splat (float 0x3FF0000000000000))
  %v167 = bitcast <8 x float> %v157 to <8 x i32>
  %v197 = bitcast <8 x float> %v187 to <8 x i32>
  %v227 = bitcast <8 x float> %v217 to <8 x i32>
  %v257 = bitcast <8 x float> %v247 to <8 x i32>
  %v168 = sub <8 x i32> %v167, splat (i32 1262485504)
  %v198 = sub <8 x i32> %v197, splat (i32 1262485504)
  %v228 = sub <8 x i32> %v227, splat (i32 1262485504)
  %v258 = sub <8 x i32> %v257, splat (i32 1262485504)
  %v169 = ashr <8 x i32> %v168, splat (i32 1)
  %v199 = ashr <8 x i32> %v198, splat (i32 1)
  %v229 = ashr <8 x i32> %v228, splat (i32 1)
  %v259 = ashr <8 x i32> %v258, splat (i32 1)
  %v170 = sub <8 x i32> %v168, %v169
  %v200 = sub <8 x i32> %v198, %v199
  %v230 = sub <8 x i32> %v228, %v229
  %v260 = sub <8 x i32> %v258, %v259
  %v171 = add <8 x i32> %v169, splat (i32 127)
  %v201 = add <8 x i32> %v199, splat (i32 127)
  %v231 = add <8 x i32> %v229, splat (i32 127)
  %v261 = add <8 x i32> %v259, splat (i32 127)
  %v172 = shl <8 x i32> %v171, splat (i32 23)
  %v202 = shl <8 x i32> %v201, splat (i32 23)
  %v232 = shl <8 x i32> %v231, splat (i32 23)
  %v262 = shl <8 x i32> %v261, splat (i32 23)
  %v173 = bitcast <8 x i32> %v172 to <8 x float>
  %v203 = bitcast <8 x i32> %v202 to <8 x float>
  %v233 = bitcast <8 x i32> %v232 to <8 x float>
  %v263 = bitcast <8 x i32> %v262 to <8 x float>
  %v174 = fmul <8 x float> %v166, %v173
  %v204 = fmul <8 x float> %v196, %v203
  %v234 = fmul <8 x float> %v226, %v233
  %v264 = fmul <8 x float> %v256, %v263
  %v175 = add <8 x i32> %v170, splat (i32 127)
  %v205 = add <8 x i32> %v200, splat (i32 127)
  %v235 = add <8 x i32> %v230, splat (i32 127)
  %v265 = add <8 x i32> %v260, splat (i32 127)
  %v176 = shl <8 x i32> %v175, splat (i32 23)
  %v206 = shl <8 x i32> %v205, splat (i32 23)
  %v236 = shl <8 x i32> %v235, splat (i32 23)
  %v266 = shl <8 x i32> %v265, splat (i32 23)
  %v177 = bitcast <8 x i32> %v176 to <8 x float>
  %v207 = bitcast <8 x i32> %v206 to <8 x float>
  %v237 = bitcast <8 x i32> %v236 to <8 x float>
  %v267 = bitcast <8 x i32> %v266 to <8 x float>
  %v178 = fmul <8 x float> %v174, %v177
  %v208 = fmul <8 x float> %v204, %v207
  %v238 = fmul <8 x float> %v234, %v237
  %v268 = fmul <8 x float> %v264, %v267
  %v179 = fadd contract <8 x float> %loop146.c0, %v178
  %v209 = fadd contract <8 x float> %loop146.c1, %v208
  %v239 = fadd contract <8 x float> %loop146.c2, %v238
  %v269 = fadd contract <8 x float> %loop146.c3, %v268
  %v270 = shl i64 %v16, 1
  %v271 = add i64 %v270, %loop146.i
  %v272 = getelementptr float, ptr %v26, i64 %v271
  call void @llvm.prefetch.p0(ptr %v272, i32 0, i32 3, i32 1)
  %v273 = getelementptr float, ptr %v32, i64 %v271
  call void @llvm.prefetch.p0(ptr %v273, i32 0, i32 3, i32 1)
  %v274 = shl i64 %v18, 1
  %v275 = add i64 %v274, %loop146.i
  %v276 = getelementptr float, ptr %v28, i64 %v275
  call void @llvm.prefetch.p0(ptr %v276, i32 1, i32 3, i32 1)
  %v277 = getelementptr float, ptr %v34, i64 %v275
  call void @llvm.prefetch.p0(ptr %v277, i32 1, i32 3, i32 1)
  %v278 = shl i64 %v16, 1
  %v279 = add i64 %v278, %v149
  %v280 = getelementptr float, ptr %v26, i64 %v279
  call void @llvm.prefetch.p0(ptr %v280, i32 0, i32 3, i32 1)
  %v281 = getelementptr float, ptr %v32, i64 %v279
  call void @llvm.prefetch.p0(ptr %v281, i32 0, i32 3, i32 1)
  %v282 = shl i64 %v18, 1
  %v283 = add i64 %v282, %v149
  %v284 = getelementptr float, ptr %v28, i64 %v283
  call void @llvm.prefetch.p0(ptr %v284, i32 1, i32 3, i32 1)
  %v285 = getelementptr float, ptr %v34, i64 %v283
  call void @llvm.prefetch.p0(ptr %v285, i32 1, i32 3, i32 1)
  %v286 = getelementptr float, ptr %v28, i64 %loop146.i
  store <8 x float> %v178, ptr %v286, align 4
  %v287 = getelementptr float, ptr %v34, i64 %loop146.i
  store <8 x float> %v208, ptr %v287, align 4
  %v288 = getelementptr float, ptr %v28, i64 %v149
  store <8 x float> %v238, ptr %v288, align 4
  %v289 = getelementptr float, ptr %v34, i64 %v149
  store <8 x float> %v268, ptr %v289, align 4
  %v290 = add nuw nsw i64 %loop146.i, 16
  %v291 = add nuw nsw i64 %v290, 16
  %v292 = icmp sle i64 %v291, %v8
  br i1 %v292, label %loop146, label %loop146.end
loop146.end:
  %v293 = phi i64 [0, %loop82.end], [%v290, %loop146]
  %v294 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v179, %loop146]
  %v295 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v209, %loop146]
  %v296 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v239, %loop146]
  %v297 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v269, %loop146]
  %v298 = fadd contract <8 x float> %v294, %v296
  %v299 = fadd contract <8 x float> %v295, %v297
  %v301 = add i64 %v293, 8
  %v302 = icmp sle i64 %v301, %v8
  br i1 %v302, label %loop300, label %loop300.end
loop300:
  %loop300.i = phi i64 [%v293, %loop146.end], [%v373, %loop300]
  %loop300.c0 = phi <8 x float> [%v298, %loop146.end], [%v332, %loop300]
  %loop300.c1 = phi <8 x float> [%v299, %loop146.end], [%v362, %loop300]
  %v303 = getelementptr float, ptr %v26, i64 %loop300.i
  %v333 = getelementptr float, ptr %v32, i64 %loop300.i
  %v304 = load <8 x float>, ptr %v303, align 4
  %v334 = load <8 x float>, ptr %v333, align 4
  %v305 = fsub contract <8 x float> %v304, %v143
  %v335 = fsub contract <8 x float> %v334, %v145
  %v306 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v305
  %v336 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v335
  %v307 = select <8 x i1> %v306, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v305
  %v337 = select <8 x i1> %v336, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v335
  %v308 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v307
  %v338 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v337
  %v309 = select <8 x i1> %v308, <8 x float> splat (float 0x4056400000000000), <8 x float> %v307
  %v339 = select <8 x i1> %v338, <8 x float> splat (float 0x4056400000000000), <8 x float> %v337
  %v310 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v309, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v340 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v339, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v311 = fsub <8 x float> %v310, splat (float 0x4168000000000000)
  %v341 = fsub <8 x float> %v340, splat (float 0x4168000000000000)
  %v312 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v311, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v309)
  %v342 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v341, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v339)
  %v313 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v311, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v312)
  %v343 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v341, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v342)
  %v314 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v313, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v344 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v343, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v315 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v314, <8 x float> %v313, <8 x float> splat (float 0x3FA555B5A0000000))
  %v345 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v344, <8 x float> %v343, <8 x float> splat (float 0x3FA555B5A0000000))
  %v316 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v315, <8 x float> %v313, <8 x float> splat (float 0x3FC5554500000000))
  %v346 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v345, <8 x float> %v343, <8 x float> splat (float 0x3FC5554500000000))
  %v317 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v316, <8 x float> %v313, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v347 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v346, <8 x float> %v343, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v318 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v317, <8 x float> %v313, <8 x float> splat (float 0x3FF0000000000000))
  %v348 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v347, <8 x float> %v343, <8 x float> splat (float 0x3FF0000000000000))
  %v319 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v318, <8 x float> %v313, <8 x float> splat (float 0x3FF0000000000000))
  %v349 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v348, <8 x float> %v343, <8 x float> splat (float 0x3FF0000000000000))
  %v320 = bitcast <8 x float> %v310 to <8 x i32>
  %v350 = bitcast <8 x float> %v340 to <8 x i32>
  %v321 = sub <8 x i32> %v320, splat (i32 1262485504)
  %v351 = sub <8 x i32> %v350, splat (i32 1262485504)
  %v322 = ashr <8 x i32> %v321, splat (i32 1)
  %v352 = ashr <8 x i32> %v351, splat (i32 1)
  %v323 = sub <8 x i32> %v321, %v322
  %v353 = sub <8 x i32> %v351, %v352
  %v324 = add <8 x i32> %v322, splat (i32 127)
  %v354 = add <8 x i32> %v352, splat (i32 127)
  %v325 = shl <8 x i32> %v324, splat (i32 23)
  %v355 = shl <8 x i32> %v354, splat (i32 23)
  %v326 = bitcast <8 x i32> %v325 to <8 x float>
  %v356 = bitcast <8 x i32> %v355 to <8 x float>
  %v327 = fmul <8 x float> %v319, %v326
  %v357 = fmul <8 x float> %v349, %v356
  %v328 = add <8 x i32> %v323, splat (i32 127)
  %v358 = add <8 x i32> %v353, splat (i32 127)
  %v329 = shl <8 x i32> %v328, splat (i32 23)
  %v359 = shl <8 x i32> %v358, splat (i32 23)
  %v330 = bitcast <8 x i32> %v329 to <8 x float>
  %v360 = bitcast <8 x i32> %v359 to <8 x float>
  %v331 = fmul <8 x float> %v327, %v330
  %v361 = fmul <8 x float> %v357, %v360
  %v332 = fadd contract <8 x float> %loop300.c0, %v331
  %v362 = fadd contract <8 x float> %loop300.c1, %v361
  %v363 = shl i64 %v16, 1
  %v364 = add i64 %v363, %loop300.i
  %v365 = getelementptr float, ptr %v26, i64 %v364
  call void @llvm.prefetch.p0(ptr %v365, i32 0, i32 3, i32 1)
  %v366 = getelementptr float, ptr %v32, i64 %v364
  call void @llvm.prefetch.p0(ptr %v366, i32 0, i32 3, i32 1)
  %v367 = shl i64 %v18, 1
  %v368 = add i64 %v367, %loop300.i
  %v369 = getelementptr float, ptr %v28, i64 %v368
  call void @llvm.prefetch.p0(ptr %v369, i32 1, i32 3, i32 1)
  %v370 = getelementptr float, ptr %v34, i64 %v368
  call void @llvm.prefetch.p0(ptr %v370, i32 1, i32 3, i32 1)
  %v371 = getelementptr float, ptr %v28, i64 %loop300.i
  store <8 x float> %v331, ptr %v371, align 4
  %v372 = getelementptr float, ptr %v34, i64 %loop300.i
  store <8 x float> %v361, ptr %v372, align 4
  %v373 = add nuw nsw i64 %loop300.i, 8
  %v374 = add nuw nsw i64 %v373, 8
  %v375 = icmp sle i64 %v374, %v8
  br i1 %v375, label %loop300, label %loop300.end
loop300.end:
  %v376 = phi i64 [%v293, %loop146.end], [%v373, %loop300]
  %v377 = phi <8 x float> [%v298, %loop146.end], [%v332, %loop300]
  %v378 = phi <8 x float> [%v299, %loop146.end], [%v362, %loop300]
  %v379 = add i64 %v8, 7
  %v381 = add i64 %v376, 8
  %v382 = icmp sle i64 %v381, %v379
  br i1 %v382, label %loop380, label %loop380.end
loop380:
  %loop380.i = phi i64 [%v376, %loop300.end], [%v460, %loop380]
  %loop380.c0 = phi <8 x float> [%v377, %loop300.end], [%v418, %loop380]
  %loop380.c1 = phi <8 x float> [%v378, %loop300.end], [%v449, %loop380]
  %v383 = sub i64 %v8, %loop380.i
  %v384 = trunc i64 %v383 to i32
  %v385 = insertelement <8 x i32> poison, i32 %v384, i32 0
  %v386 = shufflevector <8 x i32> %v385, <8 x i32> poison, <8 x i32> zeroinitializer
  %v387 = icmp sgt <8 x i32> %v386, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v388 = getelementptr float, ptr %v26, i64 %loop380.i
  %v419 = getelementptr float, ptr %v32, i64 %loop380.i
  %v389 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v388, <8 x i1> %v387, <8 x float> zeroinitializer)
  %v420 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v419, <8 x i1> %v387, <8 x float> zeroinitializer)
  %v390 = fsub contract <8 x float> %v389, %v143
  %v421 = fsub contract <8 x float> %v420, %v145
  %v391 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v390
  %v422 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v421
  %v392 = select <8 x i1> %v391, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v390
  %v423 = select <8 x i1> %v422, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v421
  %v393 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v392
  %v424 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v423
  %v394 = select <8 x i1> %v393, <8 x float> splat (float 0x4056400000000000), <8 x float> %v392
  %v425 = select <8 x i1> %v424, <8 x float> splat (float 0x4056400000000000), <8 x float> %v423
  %v395 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v394, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v426 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v425, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v396 = fsub <8 x float> %v395, splat (float 0x4168000000000000)
  %v427 = fsub <8 x float> %v426, splat (float 0x4168000000000000)
  %v397 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v396, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v394)
  %v428 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v427, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v425)
  %v398 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v396, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v397)
  %v429 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v427, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v428)
  %v399 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v398, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v430 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v429, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v400 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v399, <8 x float> %v398, <8 x float> splat (float 0x3FA555B5A0000000))
  %v431 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v430, <8 x float> %v429, <8 x float> splat (float 0x3FA555B5A0000000))
  %v401 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v400, <8 x float> %v398, <8 x float> splat (float 0x3FC5554500000000))
  %v432 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v431, <8 x float> %v429, <8 x float> splat (float 0x3FC5554500000000))
  %v402 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v401, <8 x float> %v398, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v433 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v432, <8 x float> %v429, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v403 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v402, <8 x float> %v398, <8 x float> splat (float 0x3FF0000000000000))
  %v434 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v433, <8 x float> %v429, <8 x float> splat (float 0x3FF0000000000000))
  %v404 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v403, <8 x float> %v398, <8 x float> splat (float 0x3FF0000000000000))
  %v435 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v434, <8 x float> %v429, <8 x float> splat (float 0x3FF0000000000000))
  %v405 = bitcast <8 x float> %v395 to <8 x i32>
  %v436 = bitcast <8 x float> %v426 to <8 x i32>
  %v406 = sub <8 x i32> %v405, splat (i32 1262485504)
  %v437 = sub <8 x i32> %v436, splat (i32 1262485504)
  %v407 = ashr <8 x i32> %v406, splat (i32 1)
  %v438 = ashr <8 x i32> %v437, splat (i32 1)
  %v408 = sub <8 x i32> %v406, %v407
  %v439 = sub <8 x i32> %v437, %v438
  %v409 = add <8 x i32> %v407, splat (i32 127)
  %v440 = add <8 x i32> %v438, splat (i32 127)
  %v410 = shl <8 x i32> %v409, splat (i32 23)
  %v441 = shl <8 x i32> %v440, splat (i32 23)
  %v411 = bitcast <8 x i32> %v410 to <8 x float>
  %v442 = bitcast <8 x i32> %v441 to <8 x float>
  %v412 = fmul <8 x float> %v404, %v411
  %v443 = fmul <8 x float> %v435, %v442
  %v413 = add <8 x i32> %v408, splat (i32 127)
  %v444 = add <8 x i32> %v439, splat (i32 127)
  %v414 = shl <8 x i32> %v413, splat (i32 23)
  %v445 = shl <8 x i32> %v444, splat (i32 23)
  %v415 = bitcast <8 x i32> %v414 to <8 x float>
  %v446 = bitcast <8 x i32> %v445 to <8 x float>
  %v416 = fmul <8 x float> %v412, %v415
  %v447 = fmul <8 x float> %v443, %v446
  %v417 = fadd contract <8 x float> %loop380.c0, %v416
  %v448 = fadd contract <8 x float> %loop380.c1, %v447
  %v418 = select <8 x i1> %v387, <8 x float> %v417, <8 x float> %loop380.c0
  %v449 = select <8 x i1> %v387, <8 x float> %v448, <8 x float> %loop380.c1
  %v450 = shl i64 %v16, 1
  %v451 = add i64 %v450, %loop380.i
  %v452 = getelementptr float, ptr %v26, i64 %v451
  call void @llvm.prefetch.p0(ptr %v452, i32 0, i32 3, i32 1)
  %v453 = getelementptr float, ptr %v32, i64 %v451
  call void @llvm.prefetch.p0(ptr %v453, i32 0, i32 3, i32 1)
  %v454 = shl i64 %v18, 1
  %v455 = add i64 %v454, %loop380.i
  %v456 = getelementptr float, ptr %v28, i64 %v455
  call void @llvm.prefetch.p0(ptr %v456, i32 1, i32 3, i32 1)
  %v457 = getelementptr float, ptr %v34, i64 %v455
  call void @llvm.prefetch.p0(ptr %v457, i32 1, i32 3, i32 1)
  %v458 = getelementptr float, ptr %v28, i64 %loop380.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v416, ptr %v458, <8 x i1> %v387)
  %v459 = getelementptr float, ptr %v34, i64 %loop380.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v447, ptr %v459, <8 x i1> %v387)
  %v460 = add nuw nsw i64 %loop380.i, 8
  %v461 = add nuw nsw i64 %v460, 8
  %v462 = icmp sle i64 %v461, %v379
  br i1 %v462, label %loop380, label %loop380.end
loop380.end:
  %v463 = phi i64 [%v376, %loop300.end], [%v460, %loop380]
  %v464 = phi <8 x float> [%v377, %loop300.end], [%v418, %loop380]
  %v465 = phi <8 x float> [%v378, %loop300.end], [%v449, %loop380]
  %v466 = shufflevector <8 x float> %v464, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v467 = fadd contract <8 x float> %v464, %v466
  %v468 = shufflevector <8 x float> %v467, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v469 = fadd contract <8 x float> %v467, %v468
  %v470 = shufflevector <8 x float> %v469, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v471 = fadd contract <8 x float> %v469, %v470
  %v472 = extractelement <8 x float> %v471, i32 0
  %v473 = shufflevector <8 x float> %v465, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v474 = fadd contract <8 x float> %v465, %v473
  %v475 = shufflevector <8 x float> %v474, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v476 = fadd contract <8 x float> %v474, %v475
  %v477 = shufflevector <8 x float> %v476, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v478 = fadd contract <8 x float> %v476, %v477
  %v479 = extractelement <8 x float> %v478, i32 0
  %v480 = fdiv contract float 0x3FF0000000000000, %v472
  %v481 = insertelement <8 x float> poison, float %v480, i32 0
  %v482 = shufflevector <8 x float> %v481, <8 x float> poison, <8 x i32> zeroinitializer
  %v483 = fdiv contract float 0x3FF0000000000000, %v479
  %v484 = insertelement <8 x float> poison, float %v483, i32 0
  %v485 = shufflevector <8 x float> %v484, <8 x float> poison, <8 x i32> zeroinitializer
  %v487 = add i64 0, 16
  %v488 = icmp sle i64 %v487, %v8
  br i1 %v488, label %loop486, label %loop486.end
loop486:
  %loop486.i = phi i64 [0, %loop380.end], [%v506, %loop486]
  %v489 = add nuw nsw i64 %loop486.i, 8
  %v490 = getelementptr float, ptr %v28, i64 %loop486.i
  %v493 = getelementptr float, ptr %v34, i64 %loop486.i
  %v496 = getelementptr float, ptr %v28, i64 %v489
  %v499 = getelementptr float, ptr %v34, i64 %v489
  %v491 = load <8 x float>, ptr %v490, align 4
  %v494 = load <8 x float>, ptr %v493, align 4
  %v497 = load <8 x float>, ptr %v496, align 4
  %v500 = load <8 x float>, ptr %v499, align 4
  %v492 = fmul contract <8 x float> %v491, %v482
  %v495 = fmul contract <8 x float> %v494, %v485
  %v498 = fmul contract <8 x float> %v497, %v482
  %v501 = fmul contract <8 x float> %v500, %v485
  %v502 = getelementptr float, ptr %v28, i64 %loop486.i
  store <8 x float> %v492, ptr %v502, align 4
  %v503 = getelementptr float, ptr %v34, i64 %loop486.i
  store <8 x float> %v495, ptr %v503, align 4
  %v504 = getelementptr float, ptr %v28, i64 %v489
  store <8 x float> %v498, ptr %v504, align 4
  %v505 = getelementptr float, ptr %v34, i64 %v489
  store <8 x float> %v501, ptr %v505, align 4
  %v506 = add nuw nsw i64 %loop486.i, 16
  %v507 = add nuw nsw i64 %v506, 16
  %v508 = icmp sle i64 %v507, %v8
  br i1 %v508, label %loop486, label %loop486.end
loop486.end:
  %v509 = phi i64 [0, %loop380.end], [%v506, %loop486]
  %v511 = add i64 %v509, 8
  %v512 = icmp sle i64 %v511, %v8
  br i1 %v512, label %loop510, label %loop510.end
loop510:
  %loop510.i = phi i64 [%v509, %loop486.end], [%v521, %loop510]
  %v513 = getelementptr float, ptr %v28, i64 %loop510.i
  %v516 = getelementptr float, ptr %v34, i64 %loop510.i
  %v514 = load <8 x float>, ptr %v513, align 4
  %v517 = load <8 x float>, ptr %v516, align 4
  %v515 = fmul contract <8 x float> %v514, %v482
  %v518 = fmul contract <8 x float> %v517, %v485
  %v519 = getelementptr float, ptr %v28, i64 %loop510.i
  store <8 x float> %v515, ptr %v519, align 4
  %v520 = getelementptr float, ptr %v34, i64 %loop510.i
  store <8 x float> %v518, ptr %v520, align 4
  %v521 = add nuw nsw i64 %loop510.i, 8
  %v522 = add nuw nsw i64 %v521, 8
  %v523 = icmp sle i64 %v522, %v8
  br i1 %v523, label %loop510, label %loop510.end
loop510.end:
  %v524 = phi i64 [%v509, %loop486.end], [%v521, %loop510]
  %v525 = add i64 %v8, 7
  %v527 = add i64 %v524, 8
  %v528 = icmp sle i64 %v527, %v525
  br i1 %v528, label %loop526, label %loop526.end
loop526:
  %loop526.i = phi i64 [%v524, %loop510.end], [%v542, %loop526]
  %v529 = sub i64 %v8, %loop526.i
  %v530 = trunc i64 %v529 to i32
  %v531 = insertelement <8 x i32> poison, i32 %v530, i32 0
  %v532 = shufflevector <8 x i32> %v531, <8 x i32> poison, <8 x i32> zeroinitializer
  %v533 = icmp sgt <8 x i32> %v532, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v534 = getelementptr float, ptr %v28, i64 %loop526.i
  %v537 = getelementptr float, ptr %v34, i64 %loop526.i
  %v535 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v534, <8 x i1> %v533, <8 x float> zeroinitializer)
  %v538 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v537, <8 x i1> %v533, <8 x float> zeroinitializer)
  %v536 = fmul contract <8 x float> %v535, %v482
  %v539 = fmul contract <8 x float> %v538, %v485
  %v540 = getelementptr float, ptr %v28, i64 %loop526.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v536, ptr %v540, <8 x i1> %v533)
  %v541 = getelementptr float, ptr %v34, i64 %loop526.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v539, ptr %v541, <8 x i1> %v533)
  %v542 = add nuw nsw i64 %loop526.i, 8
  %v543 = add nuw nsw i64 %v542, 8
  %v544 = icmp sle i64 %v543, %v525
  br i1 %v544, label %loop526, label %loop526.end
loop526.end:
  %v545 = phi i64 [%v524, %loop510.end], [%v542, %loop526]
  %v546 = fcmp olt float %v472, 0x3810000000000000
  %v547 = fmul float %v472, 0x4160000000000000
  %v548 = select i1 %v546, float %v547, float %v472
  %v549 = bitcast float %v548 to i32
  %v550 = sub i32 %v549, 1059760811
  %v551 = and i32 %v550, -8388608
  %v552 = sub i32 %v549, %v551
  %v553 = bitcast i32 %v552 to float
  %v554 = fsub float %v553, 0x3FF0000000000000
  %v555 = sitofp i32 %v551 to float
  %v556 = select i1 %v546, float 0xC037000000000000, float 0x0000000000000000
  %v557 = call float @llvm.fma.f32(float %v555, float 0x3E80000000000000, float %v556)
  %v558 = fmul float %v554, %v554
  %v559 = call float @llvm.fma.f32(float %v558, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v560 = call float @llvm.fma.f32(float %v559, float %v558, float 0xBFC55B36C0000000)
  %v561 = call float @llvm.fma.f32(float %v560, float %v558, float 0xBFCFFFE020000000)
  %v562 = call float @llvm.fma.f32(float %v558, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v563 = call float @llvm.fma.f32(float %v562, float %v558, float 0x3FC99D8B20000000)
  %v564 = call float @llvm.fma.f32(float %v563, float %v554, float %v561)
  %v565 = call float @llvm.fma.f32(float %v554, float %v564, float 0x3FD5554FA0000000)
  %v566 = call float @llvm.fma.f32(float %v565, float %v554, float 0xBFE0000000000000)
  %v567 = call float @llvm.fma.f32(float %v566, float %v558, float %v554)
  %v568 = call float @llvm.fma.f32(float %v557, float 0x3FE62E4300000000, float %v567)
  %v569 = fcmp oeq float %v472, 0x0000000000000000
  %v570 = select i1 %v569, float 0xFFF0000000000000, float %v568
  %v571 = fcmp olt float %v472, 0x0000000000000000
  %v572 = select i1 %v571, float 0x7FF8000000000000, float %v570
  %v573 = fcmp oeq float %v472, 0x7FF0000000000000
  %v574 = fcmp une float %v472, %v472
  %v575 = or i1 %v573, %v574
  %v576 = select i1 %v575, float %v472, float %v572
  %v577 = fadd contract float %v576, %v125
  store float %v577, ptr %v30
  %v578 = fcmp olt float %v479, 0x3810000000000000
  %v579 = fmul float %v479, 0x4160000000000000
  %v580 = select i1 %v578, float %v579, float %v479
  %v581 = bitcast float %v580 to i32
  %v582 = sub i32 %v581, 1059760811
  %v583 = and i32 %v582, -8388608
  %v584 = sub i32 %v581, %v583
  %v585 = bitcast i32 %v584 to float
  %v586 = fsub float %v585, 0x3FF0000000000000
  %v587 = sitofp i32 %v583 to float
  %v588 = select i1 %v578, float 0xC037000000000000, float 0x0000000000000000
  %v589 = call float @llvm.fma.f32(float %v587, float 0x3E80000000000000, float %v588)
  %v590 = fmul float %v586, %v586
  %v591 = call float @llvm.fma.f32(float %v590, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v592 = call float @llvm.fma.f32(float %v591, float %v590, float 0xBFC55B36C0000000)
  %v593 = call float @llvm.fma.f32(float %v592, float %v590, float 0xBFCFFFE020000000)
  %v594 = call float @llvm.fma.f32(float %v590, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v595 = call float @llvm.fma.f32(float %v594, float %v590, float 0x3FC99D8B20000000)
  %v596 = call float @llvm.fma.f32(float %v595, float %v586, float %v593)
  %v597 = call float @llvm.fma.f32(float %v586, float %v596, float 0x3FD5554FA0000000)
  %v598 = call float @llvm.fma.f32(float %v597, float %v586, float 0xBFE0000000000000)
  %v599 = call float @llvm.fma.f32(float %v598, float %v590, float %v586)
  %v600 = call float @llvm.fma.f32(float %v589, float 0x3FE62E4300000000, float %v599)
  %v601 = fcmp oeq float %v479, 0x0000000000000000
  %v602 = select i1 %v601, float 0xFFF0000000000000, float %v600
  %v603 = fcmp olt float %v479, 0x0000000000000000
  %v604 = select i1 %v603, float 0x7FF8000000000000, float %v602
  %v605 = fcmp oeq float %v479, 0x7FF0000000000000
  %v606 = fcmp une float %v479, %v479
  %v607 = or i1 %v605, %v606
  %v608 = select i1 %v607, float %v479, float %v604
  %v609 = fadd contract float %v608, %v141
  store float %v609, ptr %v36
  %v610 = add nuw nsw i64 %loop21.i, 2
  %v611 = add nuw nsw i64 %v610, 2
  %v612 = icmp sle i64 %v611, %end
  br i1 %v612, label %loop21, label %loop21.end
loop21.end:
  %v613 = phi i64 [%begin, %entry], [%v610, %loop526.end]
  %v615 = add i64 %v613, 1
  %v616 = icmp sle i64 %v615, %end
  br i1 %v616, label %loop614, label %loop614.end
loop614:
  %loop614.i = phi i64 [%v613, %loop21.end], [%v932, %loop884.end]
  %v617 = mul i64 %loop614.i, %v16
  %v618 = getelementptr float, ptr %v2, i64 %v617
  %v619 = mul i64 %loop614.i, %v18
  %v620 = getelementptr float, ptr %v4, i64 %v619
  %v621 = mul i64 %loop614.i, %v20
  %v622 = getelementptr float, ptr %v6, i64 %v621
  %v624 = add i64 0, 16
  %v625 = icmp sle i64 %v624, %v8
  br i1 %v625, label %loop623, label %loop623.end
loop623:
  %loop623.i = phi i64 [0, %loop614], [%v639, %loop623]
  %loop623.c0 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop614], [%v632, %loop623]
  %loop623.c1 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop614], [%v638, %loop623]
  %v626 = add nuw nsw i64 %loop623.i, 8
  %v627 = getelementptr float, ptr %v618, i64 %loop623.i
  %v633 = getelementptr float, ptr %v618, i64 %v626
  %v628 = load <8 x float>, ptr %v627, align 4
  %v634 = load <8 x float>, ptr %v633, align 4
  %v629 = fcmp une <8 x float> %v628, %v628
  %v635 = fcmp une <8 x float> %v634, %v634
  %v630 = fcmp ogt <8 x float> %v628, %loop623.c0
  %v636 = fcmp ogt <8 x float> %v634, %loop623.c1
  %v631 = select <8 x i1> %v630, <8 x float> %v628, <8 x float> %loop623.c0
  %v637 = select <8 x i1> %v636, <8 x float> %v634, <8 x float> %loop623.c1
  %v632 = select <8 x i1> %v629, <8 x float> %v628, <8 x float> %v631
  %v638 = select <8 x i1> %v635, <8 x float> %v634, <8 x float> %v637
  %v639 = add nuw nsw i64 %loop623.i, 16
  %v640 = add nuw nsw i64 %v639, 16
  %v641 = icmp sle i64 %v640, %v8
  br i1 %v641, label %loop623, label %loop623.end
loop623.end:
  %v642 = phi i64 [0, %loop614], [%v639, %loop623]
  %v643 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop614], [%v632, %loop623]
  %v644 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop614], [%v638, %loop623]
  %v645 = fcmp une <8 x float> %v644, %v644
  %v646 = fcmp ogt <8 x float> %v644, %v643
  %v647 = select <8 x i1> %v646, <8 x float> %v644, <8 x float> %v643
  %v648 = select <8 x i1> %v645, <8 x float> %v644, <8 x float> %v647
  %v649 = add i64 %v8, 7
  %v651 = add i64 %v642, 8
  %v652 = icmp sle i64 %v651, %v649
  br i1 %v652, label %loop650, label %loop650.end
loop650:
  %loop650.i = phi i64 [%v642, %loop623.end], [%v665, %loop650]
  %loop650.c0 = phi <8 x float> [%v648, %loop623.end], [%v664, %loop650]
  %v653 = sub i64 %v8, %loop650.i
  %v654 = trunc i64 %v653 to i32
  %v655 = insertelement <8 x i32> poison, i32 %v654, i32 0
  %v656 = shufflevector <8 x i32> %v655, <8 x i32> poison, <8 x i32> zeroinitializer
  %v657 = icmp sgt <8 x i32> %v656, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v658 = getelementptr float, ptr %v618, i64 %loop650.i
  %v659 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v658, <8 x i1> %v657, <8 x float> zeroinitializer)
  %v660 = fcmp une <8 x float> %v659, %v659
  %v661 = fcmp ogt <8 x float> %v659, %loop650.c0
  %v662 = select <8 x i1> %v661, <8 x float> %v659, <8 x float> %loop650.c0
  %v663 = select <8 x i1> %v660, <8 x float> %v659, <8 x float> %v662
  %v664 = select <8 x i1> %v657, <8 x float> %v663, <8 x float> %loop650.c0
  %v665 = add nuw nsw i64 %loop650.i, 8
  %v666 = add nuw nsw i64 %v665, 8
  %v667 = icmp sle i64 %v666, %v649
  br i1 %v667, label %loop650, label %loop650.end
loop650.end:
  %v668 = phi i64 [%v642, %loop623.end], [%v665, %loop650]
  %v669 = phi <8 x float> [%v648, %loop623.end], [%v664, %loop650]
  %v670 = shufflevector <8 x float> %v669, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v671 = fcmp une <8 x float> %v670, %v670
  %v672 = fcmp ogt <8 x float> %v670, %v669
  %v673 = select <8 x i1> %v672, <8 x float> %v670, <8 x float> %v669
  %v674 = select <8 x i1> %v671, <8 x float> %v670, <8 x float> %v673
  %v675 = shufflevector <8 x float> %v674, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v676 = fcmp une <8 x float> %v675, %v675
  %v677 = fcmp ogt <8 x float> %v675, %v674
  %v678 = select <8 x i1> %v677, <8 x float> %v675, <8 x float> %v674
  %v679 = select <8 x i1> %v676, <8 x float> %v675, <8 x float> %v678
  %v680 = shufflevector <8 x float> %v679, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v681 = fcmp une <8 x float> %v680, %v680
  %v682 = fcmp ogt <8 x float> %v680, %v679
  %v683 = select <8 x i1> %v682, <8 x float> %v680, <8 x float> %v679
  %v684 = select <8 x i1> %v681, <8 x float> %v680, <8 x float> %v683
  %v685 = extractelement <8 x float> %v684, i32 0
  %v686 = insertelement <8 x float> poison, float %v685, i32 0
  %v687 = shufflevector <8 x float> %v686, <8 x float> poison, <8 x i32> zeroinitializer
  %v689 = add i64 0, 16
  %v690 = icmp sle i64 %v689, %v8
  br i1 %v690, label %loop688, label %loop688.end
loop688:
  %loop688.i = phi i64 [0, %loop650.end], [%v754, %loop688]
  %loop688.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop650.end], [%v721, %loop688]
  %loop688.c1 = phi <8 x float> [splat (float 0x0000000000000000), %loop650.end], [%v751, %loop688]
  %v691 = add nuw nsw i64 %loop688.i, 8
  %v692 = getelementptr float, ptr %v618, i64 %loop688.i
  %v722 = getelementptr float, ptr %v618, i64 %v691
  %v693 = load <8 x float>, ptr %v692, align 4
  %v723 = load <8 x float>, ptr %v722, align 4
  %v694 = fsub contract <8 x float> %v693, %v687
  %v724 = fsub contract <8 x float> %v723, %v687
  %v695 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v694
  %v725 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v724
  %v696 = select <8 x i1> %v695, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v694
  %v726 = select <8 x i1> %v725, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v724
  %v697 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v696
  %v727 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v726
  %v698 = select <8 x i1> %v697, <8 x float> splat (float 0x4056400000000000), <8 x float> %v696
  %v728 = select <8 x i1> %v727, <8 x float> splat (float 0x4056400000000000), <8 x float> %v726
  %v699 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v698, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v729 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v728, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v700 = fsub <8 x float> %v699, splat (float 0x4168000000000000)
  %v730 = fsub <8 x float> %v729, splat (float 0x4168000000000000)
  %v701 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v700, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v698)
  %v731 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v730, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v728)
  %v702 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v700, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v701)
  %v732 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v730, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v731)
  %v703 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v702, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v733 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v732, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v704 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v703, <8 x float> %v702, <8 x float> splat (float 0x3FA555B5A0000000))
  %v734 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v733, <8 x float> %v732, <8 x float> splat (float 0x3FA555B5A0000000))
  %v705 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v704, <8 x float> %v702, <8 x float> splat (float 0x3FC5554500000000))
  %v735 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v734, <8 x float> %v732, <8 x float> splat (float 0x3FC5554500000000))
  %v706 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v705, <8 x float> %v702, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v736 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v735, <8 x float> %v732, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v707 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v706, <8 x float> %v702, <8 x float> splat (float 0x3FF0000000000000))
  %v737 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v736, <8 x float> %v732, <8 x float> splat (float 0x3FF0000000000000))
  %v708 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v707, <8 x float> %v702, <8 x float> splat (float 0x3FF0000000000000))
  %v738 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v737, <8 x float> %v732, <8 x float> splat (float 0x3FF0000000000000))
  %v709 = bitcast <8 x float> %v699 to <8 x i32>
  %v739 = bitcast <8 x float> %v729 to <8 x i32>
  %v710 = sub <8 x i32> %v709, splat (i32 1262485504)
  %v740 = sub <8 x i32> %v739, splat (i32 1262485504)
  %v711 = ashr <8 x i32> %v710, splat (i32 1)
  %v741 = ashr <8 x i32> %v740, splat (i32 1)
  %v712 = sub <8 x i32> %v710, %v711
  %v742 = sub <8 x i32> %v740, %v741
  %v713 = add <8 x i32> %v711, splat (i32 127)
  %v743 = add <8 x i32> %v741, splat (i32 127)
  %v714 = shl <8 x i32> %v713, splat (i32 23)
  %v744 = shl <8 x i32> %v743, splat (i32 23)
  %v715 = bitcast <8 x i32> %v714 to <8 x float>
  %v745 = bitcast <8 x i32> %v744 to <8 x float>
  %v716 = fmul <8 x float> %v708, %v715
  %v746 = fmul <8 x float> %v738, %v745
  %v717 = add <8 x i32> %v712, splat (i32 127)
  %v747 = add <8 x i32> %v742, splat (i32 127)
  %v718 = shl <8 x i32> %v717, splat (i32 23)
  %v748 = shl <8 x i32> %v747, splat (i32 23)
  %v719 = bitcast <8 x i32> %v718 to <8 x float>
  %v749 = bitcast <8 x i32> %v748 to <8 x float>
  %v720 = fmul <8 x float> %v716, %v719
  %v750 = fmul <8 x float> %v746, %v749
  %v721 = fadd contract <8 x float> %loop688.c0, %v720
  %v751 = fadd contract <8 x float> %loop688.c1, %v750
  %v752 = getelementptr float, ptr %v620, i64 %loop688.i
  store <8 x float> %v720, ptr %v752, align 4
  %v753 = getelementptr float, ptr %v620, i64 %v691
  store <8 x float> %v750, ptr %v753, align 4
  %v754 = add nuw nsw i64 %loop688.i, 16
  %v755 = add nuw nsw i64 %v754, 16
  %v756 = icmp sle i64 %v755, %v8
  br i1 %v756, label %loop688, label %loop688.end
loop688.end:
  %v757 = phi i64 [0, %loop650.end], [%v754, %loop688]
  %v758 = phi <8 x float> [splat (float 0x0000000000000000), %loop650.end], [%v721, %loop688]
  %v759 = phi <8 x float> [splat (float 0x0000000000000000), %loop650.end], [%v751, %loop688]
  %v760 = fadd contract <8 x float> %v758, %v759
  %v762 = add i64 %v757, 8
  %v763 = icmp sle i64 %v762, %v8
  br i1 %v763, label %loop761, label %loop761.end
loop761:
  %loop761.i = phi i64 [%v757, %loop688.end], [%v795, %loop761]
  %loop761.c0 = phi <8 x float> [%v760, %loop688.end], [%v793, %loop761]
  %v764 = getelementptr float, ptr %v618, i64 %loop761.i
  %v765 = load <8 x float>, ptr %v764, align 4
  %v766 = fsub contract <8 x float> %v765, %v687
  %v767 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v766
  %v768 = select <8 x i1> %v767, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v766
  %v769 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v768
  %v770 = select <8 x i1> %v769, <8 x float> splat (float 0x4056400000000000), <8 x float> %v768
  %v771 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v770, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v772 = fsub <8 x float> %v771, splat (float 0x4168000000000000)
  %v773 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v772, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v770)
  %v774 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v772, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v773)
  %v775 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v774, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v776 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v775, <8 x float> %v774, <8 x float> splat (float 0x3FA555B5A0000000))
  %v777 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v776, <8 x float> %v774, <8 x float> splat (float 0x3FC5554500000000))
  %v778 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v777, <8 x float> %v774, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v779 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v778, <8 x float> %v774, <8 x float> splat (float 0x3FF0000000000000))
  %v780 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v779, <8 x float> %v774, <8 x float> splat (float 0x3FF0000000000000))
  %v781 = bitcast <8 x float> %v771 to <8 x i32>
  %v782 = sub <8 x i32> %v781, splat (i32 1262485504)
  %v783 = ashr <8 x i32> %v782, splat (i32 1)
  %v784 = sub <8 x i32> %v782, %v783
  %v785 = add <8 x i32> %v783, splat (i32 127)
  %v786 = shl <8 x i32> %v785, splat (i32 23)
  %v787 = bitcast <8 x i32> %v786 to <8 x float>
  %v788 = fmul <8 x float> %v780, %v787
  %v789 = add <8 x i32> %v784, splat (i32 127)
  %v790 = shl <8 x i32> %v789, splat (i32 23)
  %v791 = bitcast <8 x i32> %v790 to <8 x float>
  %v792 = fmul <8 x float> %v788, %v791
  %v793 = fadd contract <8 x float> %loop761.c0, %v792
  %v794 = getelementptr float, ptr %v620, i64 %loop761.i
  store <8 x float> %v792, ptr %v794, align 4
  %v795 = add nuw nsw i64 %loop761.i, 8
  %v796 = add nuw nsw i64 %v795, 8
  %v797 = icmp sle i64 %v796, %v8
  br i1 %v797, label %loop761, label %loop761.end
loop761.end:
  %v798 = phi i64 [%v757, %loop688.end], [%v795, %loop761]
  %v799 = phi <8 x float> [%v760, %loop688.end], [%v793, %loop761]
  %v800 = add i64 %v8, 7
  %v802 = add i64 %v798, 8
  %v803 = icmp sle i64 %v802, %v800
  br i1 %v803, label %loop801, label %loop801.end
loop801:
  %loop801.i = phi i64 [%v798, %loop761.end], [%v841, %loop801]
  %loop801.c0 = phi <8 x float> [%v799, %loop761.end], [%v839, %loop801]
  %v804 = sub i64 %v8, %loop801.i
  %v805 = trunc i64 %v804 to i32
  %v806 = insertelement <8 x i32> poison, i32 %v805, i32 0
  %v807 = shufflevector <8 x i32> %v806, <8 x i32> poison, <8 x i32> zeroinitializer
  %v808 = icmp sgt <8 x i32> %v807, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v809 = getelementptr float, ptr %v618, i64 %loop801.i
  %v810 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v809, <8 x i1> %v808, <8 x float> zeroinitializer)
  %v811 = fsub contract <8 x float> %v810, %v687
  %v812 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v811
  %v813 = select <8 x i1> %v812, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v811
  %v814 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v813
  %v815 = select <8 x i1> %v814, <8 x float> splat (float 0x4056400000000000), <8 x float> %v813
  %v816 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v815, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v817 = fsub <8 x float> %v816, splat (float 0x4168000000000000)
  %v818 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v817, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v815)
  %v819 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v817, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v818)
  %v820 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v819, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v821 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v820, <8 x float> %v819, <8 x float> splat (float 0x3FA555B5A0000000))
  %v822 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v821, <8 x float> %v819, <8 x float> splat (float 0x3FC5554500000000))
  %v823 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v822, <8 x float> %v819, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v824 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v823, <8 x float> %v819, <8 x float> splat (float 0x3FF0000000000000))
  %v825 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v824, <8 x float> %v819, <8 x float> splat (float 0x3FF0000000000000))
  %v826 = bitcast <8 x float> %v816 to <8 x i32>
  %v827 = sub <8 x i32> %v826, splat (i32 1262485504)
  %v828 = ashr <8 x i32> %v827, splat (i32 1)
  %v829 = sub <8 x i32> %v827, %v828
  %v830 = add <8 x i32> %v828, splat (i32 127)
  %v831 = shl <8 x i32> %v830, splat (i32 23)
  %v832 = bitcast <8 x i32> %v831 to <8 x float>
  %v833 = fmul <8 x float> %v825, %v832
  %v834 = add <8 x i32> %v829, splat (i32 127)
  %v835 = shl <8 x i32> %v834, splat (i32 23)
  %v836 = bitcast <8 x i32> %v835 to <8 x float>
  %v837 = fmul <8 x float> %v833, %v836
  %v838 = fadd contract <8 x float> %loop801.c0, %v837
  %v839 = select <8 x i1> %v808, <8 x float> %v838, <8 x float> %loop801.c0
  %v840 = getelementptr float, ptr %v620, i64 %loop801.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v837, ptr %v840, <8 x i1> %v808)
  %v841 = add nuw nsw i64 %loop801.i, 8
  %v842 = add nuw nsw i64 %v841, 8
  %v843 = icmp sle i64 %v842, %v800
  br i1 %v843, label %loop801, label %loop801.end
loop801.end:
  %v844 = phi i64 [%v798, %loop761.end], [%v841, %loop801]
  %v845 = phi <8 x float> [%v799, %loop761.end], [%v839, %loop801]
  %v846 = shufflevector <8 x float> %v845, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v847 = fadd contract <8 x float> %v845, %v846
  %v848 = shufflevector <8 x float> %v847, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v849 = fadd contract <8 x float> %v847, %v848
  %v850 = shufflevector <8 x float> %v849, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v851 = fadd contract <8 x float> %v849, %v850
  %v852 = extractelement <8 x float> %v851, i32 0
  %v853 = fdiv contract float 0x3FF0000000000000, %v852
  %v854 = insertelement <8 x float> poison, float %v853, i32 0
  %v855 = shufflevector <8 x float> %v854, <8 x float> poison, <8 x i32> zeroinitializer
  %v857 = add i64 0, 16
  %v858 = icmp sle i64 %v857, %v8
  br i1 %v858, label %loop856, label %loop856.end
loop856:
  %loop856.i = phi i64 [0, %loop801.end], [%v868, %loop856]
  %v859 = add nuw nsw i64 %loop856.i, 8
  %v860 = getelementptr float, ptr %v620, i64 %loop856.i
  %v863 = getelementptr float, ptr %v620, i64 %v859
  %v861 = load <8 x float>, ptr %v860, align 4
  %v864 = load <8 x float>, ptr %v863, align 4
  %v862 = fmul contract <8 x float> %v861, %v855
  %v865 = fmul contract <8 x float> %v864, %v855
  %v866 = getelementptr float, ptr %v620, i64 %loop856.i
  store <8 x float> %v862, ptr %v866, align 4
  %v867 = getelementptr float, ptr %v620, i64 %v859
  store <8 x float> %v865, ptr %v867, align 4
  %v868 = add nuw nsw i64 %loop856.i, 16
  %v869 = add nuw nsw i64 %v868, 16
  %v870 = icmp sle i64 %v869, %v8
  br i1 %v870, label %loop856, label %loop856.end
loop856.end:
  %v871 = phi i64 [0, %loop801.end], [%v868, %loop856]
  %v873 = add i64 %v871, 8
  %v874 = icmp sle i64 %v873, %v8
  br i1 %v874, label %loop872, label %loop872.end
loop872:
  %loop872.i = phi i64 [%v871, %loop856.end], [%v879, %loop872]
  %v875 = getelementptr float, ptr %v620, i64 %loop872.i
  %v876 = load <8 x float>, ptr %v875, align 4
  %v877 = fmul contract <8 x float> %v876, %v855
  %v878 = getelementptr float, ptr %v620, i64 %loop872.i
  store <8 x float> %v877, ptr %v878, align 4
  %v879 = add nuw nsw i64 %loop872.i, 8
  %v880 = add nuw nsw i64 %v879, 8
  %v881 = icmp sle i64 %v880, %v8
  br i1 %v881, label %loop872, label %loop872.end
loop872.end:
  %v882 = phi i64 [%v871, %loop856.end], [%v879, %loop872]
  %v883 = add i64 %v8, 7
  %v885 = add i64 %v882, 8
  %v886 = icmp sle i64 %v885, %v883
  br i1 %v886, label %loop884, label %loop884.end
loop884:
  %loop884.i = phi i64 [%v882, %loop872.end], [%v896, %loop884]
  %v887 = sub i64 %v8, %loop884.i
  %v888 = trunc i64 %v887 to i32
  %v889 = insertelement <8 x i32> poison, i32 %v888, i32 0
  %v890 = shufflevector <8 x i32> %v889, <8 x i32> poison, <8 x i32> zeroinitializer
  %v891 = icmp sgt <8 x i32> %v890, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v892 = getelementptr float, ptr %v620, i64 %loop884.i
  %v893 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v892, <8 x i1> %v891, <8 x float> zeroinitializer)
  %v894 = fmul contract <8 x float> %v893, %v855
  %v895 = getelementptr float, ptr %v620, i64 %loop884.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v894, ptr %v895, <8 x i1> %v891)
  %v896 = add nuw nsw i64 %loop884.i, 8
  %v897 = add nuw nsw i64 %v896, 8
  %v898 = icmp sle i64 %v897, %v883
  br i1 %v898, label %loop884, label %loop884.end
loop884.end:
  %v899 = phi i64 [%v882, %loop872.end], [%v896, %loop884]
  %v900 = fcmp olt float %v852, 0x3810000000000000
  %v901 = fmul float %v852, 0x4160000000000000
  %v902 = select i1 %v900, float %v901, float %v852
  %v903 = bitcast float %v902 to i32
  %v904 = sub i32 %v903, 1059760811
  %v905 = and i32 %v904, -8388608
  %v906 = sub i32 %v903, %v905
  %v907 = bitcast i32 %v906 to float
  %v908 = fsub float %v907, 0x3FF0000000000000
  %v909 = sitofp i32 %v905 to float
  %v910 = select i1 %v900, float 0xC037000000000000, float 0x0000000000000000
  %v911 = call float @llvm.fma.f32(float %v909, float 0x3E80000000000000, float %v910)
  %v912 = fmul float %v908, %v908
  %v913 = call float @llvm.fma.f32(float %v912, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v914 = call float @llvm.fma.f32(float %v913, float %v912, float 0xBFC55B36C0000000)
  %v915 = call float @llvm.fma.f32(float %v914, float %v912, float 0xBFCFFFE020000000)
  %v916 = call float @llvm.fma.f32(float %v912, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v917 = call float @llvm.fma.f32(float %v916, float %v912, float 0x3FC99D8B20000000)
  %v918 = call float @llvm.fma.f32(float %v917, float %v908, float %v915)
  %v919 = call float @llvm.fma.f32(float %v908, float %v918, float 0x3FD5554FA0000000)
  %v920 = call float @llvm.fma.f32(float %v919, float %v908, float 0xBFE0000000000000)
  %v921 = call float @llvm.fma.f32(float %v920, float %v912, float %v908)
  %v922 = call float @llvm.fma.f32(float %v911, float 0x3FE62E4300000000, float %v921)
  %v923 = fcmp oeq float %v852, 0x0000000000000000
  %v924 = select i1 %v923, float 0xFFF0000000000000, float %v922
  %v925 = fcmp olt float %v852, 0x0000000000000000
  %v926 = select i1 %v925, float 0x7FF8000000000000, float %v924
  %v927 = fcmp oeq float %v852, 0x7FF0000000000000
  %v928 = fcmp une float %v852, %v852
  %v929 = or i1 %v927, %v928
  %v930 = select i1 %v929, float %v852, float %v926
  %v931 = fadd contract float %v930, %v685
  store float %v931, ptr %v622
  %v932 = add nuw nsw i64 %loop614.i, 1
  %v933 = add nuw nsw i64 %v932, 1
  %v934 = icmp sle i64 %v933, %end
  br i1 %v934, label %loop614, label %loop614.end
loop614.end:
  %v935 = phi i64 [%v613, %loop21.end], [%v932, %loop884.end]
  ret void
}
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare float @llvm.fma.f32(float, float, float)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
declare void @llvm.prefetch.p0(ptr, i32, i32, i32)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
