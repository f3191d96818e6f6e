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
  %loop21.i = phi i64 [%begin, %entry], [%v578, %loop494.end]
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
  %loop146.i = phi i64 [0, %loop82.end], [%v274, %loop146]
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
  %v270 = getelementptr float, ptr %v28, i64 %loop146.i
  store <8 x float> %v178, ptr %v270, align 4
  %v271 = getelementptr float, ptr %v34, i64 %loop146.i
  store <8 x float> %v208, ptr %v271, align 4
  %v272 = getelementptr float, ptr %v28, i64 %v149
  store <8 x float> %v238, ptr %v272, align 4
  %v273 = getelementptr float, ptr %v34, i64 %v149
  store <8 x float> %v268, ptr %v273, align 4
  %v274 = add nuw nsw i64 %loop146.i, 16
  %v275 = add nuw nsw i64 %v274, 16
  %v276 = icmp sle i64 %v275, %v8
  br i1 %v276, label %loop146, label %loop146.end
loop146.end:
  %v277 = phi i64 [0, %loop82.end], [%v274, %loop146]
  %v278 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v179, %loop146]
  %v279 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v209, %loop146]
  %v280 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v239, %loop146]
  %v281 = phi <8 x float> [splat (float 0x0000000000000000), %loop82.end], [%v269, %loop146]
  %v282 = fadd contract <8 x float> %v278, %v280
  %v283 = fadd contract <8 x float> %v279, %v281
  %v285 = add i64 %v277, 8
  %v286 = icmp sle i64 %v285, %v8
  br i1 %v286, label %loop284, label %loop284.end
loop284:
  %loop284.i = phi i64 [%v277, %loop146.end], [%v349, %loop284]
  %loop284.c0 = phi <8 x float> [%v282, %loop146.end], [%v316, %loop284]
  %loop284.c1 = phi <8 x float> [%v283, %loop146.end], [%v346, %loop284]
  %v287 = getelementptr float, ptr %v26, i64 %loop284.i
  %v317 = getelementptr float, ptr %v32, i64 %loop284.i
  %v288 = load <8 x float>, ptr %v287, align 4
  %v318 = load <8 x float>, ptr %v317, align 4
  %v289 = fsub contract <8 x float> %v288, %v143
  %v319 = fsub contract <8 x float> %v318, %v145
  %v290 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v289
  %v320 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v319
  %v291 = select <8 x i1> %v290, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v289
  %v321 = select <8 x i1> %v320, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v319
  %v292 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v291
  %v322 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v321
  %v293 = select <8 x i1> %v292, <8 x float> splat (float 0x4056400000000000), <8 x float> %v291
  %v323 = select <8 x i1> %v322, <8 x float> splat (float 0x4056400000000000), <8 x float> %v321
  %v294 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v293, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v324 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v323, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v295 = fsub <8 x float> %v294, splat (float 0x4168000000000000)
  %v325 = fsub <8 x float> %v324, splat (float 0x4168000000000000)
  %v296 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v295, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v293)
  %v326 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v325, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v323)
  %v297 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v295, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v296)
  %v327 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v325, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v326)
  %v298 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v297, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v328 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v327, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v299 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v298, <8 x float> %v297, <8 x float> splat (float 0x3FA555B5A0000000))
  %v329 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v328, <8 x float> %v327, <8 x float> splat (float 0x3FA555B5A0000000))
  %v300 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v299, <8 x float> %v297, <8 x float> splat (float 0x3FC5554500000000))
  %v330 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v329, <8 x float> %v327, <8 x float> splat (float 0x3FC5554500000000))
  %v301 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v300, <8 x float> %v297, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v331 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v330, <8 x float> %v327, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v302 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v301, <8 x float> %v297, <8 x float> splat (float 0x3FF0000000000000))
  %v332 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v331, <8 x float> %v327, <8 x float> splat (float 0x3FF0000000000000))
  %v303 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v302, <8 x float> %v297, <8 x float> splat (float 0x3FF0000000000000))
  %v333 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v332, <8 x float> %v327, <8 x float> splat (float 0x3FF0000000000000))
  %v304 = bitcast <8 x float> %v294 to <8 x i32>
  %v334 = bitcast <8 x float> %v324 to <8 x i32>
  %v305 = sub <8 x i32> %v304, splat (i32 1262485504)
  %v335 = sub <8 x i32> %v334, splat (i32 1262485504)
  %v306 = ashr <8 x i32> %v305, splat (i32 1)
  %v336 = ashr <8 x i32> %v335, splat (i32 1)
  %v307 = sub <8 x i32> %v305, %v306
  %v337 = sub <8 x i32> %v335, %v336
  %v308 = add <8 x i32> %v306, splat (i32 127)
  %v338 = add <8 x i32> %v336, splat (i32 127)
  %v309 = shl <8 x i32> %v308, splat (i32 23)
  %v339 = shl <8 x i32> %v338, splat (i32 23)
  %v310 = bitcast <8 x i32> %v309 to <8 x float>
  %v340 = bitcast <8 x i32> %v339 to <8 x float>
  %v311 = fmul <8 x float> %v303, %v310
  %v341 = fmul <8 x float> %v333, %v340
  %v312 = add <8 x i32> %v307, splat (i32 127)
  %v342 = add <8 x i32> %v337, splat (i32 127)
  %v313 = shl <8 x i32> %v312, splat (i32 23)
  %v343 = shl <8 x i32> %v342, splat (i32 23)
  %v314 = bitcast <8 x i32> %v313 to <8 x float>
  %v344 = bitcast <8 x i32> %v343 to <8 x float>
  %v315 = fmul <8 x float> %v311, %v314
  %v345 = fmul <8 x float> %v341, %v344
  %v316 = fadd contract <8 x float> %loop284.c0, %v315
  %v346 = fadd contract <8 x float> %loop284.c1, %v345
  %v347 = getelementptr float, ptr %v28, i64 %loop284.i
  store <8 x float> %v315, ptr %v347, align 4
  %v348 = getelementptr float, ptr %v34, i64 %loop284.i
  store <8 x float> %v345, ptr %v348, align 4
  %v349 = add nuw nsw i64 %loop284.i, 8
  %v350 = add nuw nsw i64 %v349, 8
  %v351 = icmp sle i64 %v350, %v8
  br i1 %v351, label %loop284, label %loop284.end
loop284.end:
  %v352 = phi i64 [%v277, %loop146.end], [%v349, %loop284]
  %v353 = phi <8 x float> [%v282, %loop146.end], [%v316, %loop284]
  %v354 = phi <8 x float> [%v283, %loop146.end], [%v346, %loop284]
  %v355 = add i64 %v8, 7
  %v357 = add i64 %v352, 8
  %v358 = icmp sle i64 %v357, %v355
  br i1 %v358, label %loop356, label %loop356.end
loop356:
  %loop356.i = phi i64 [%v352, %loop284.end], [%v428, %loop356]
  %loop356.c0 = phi <8 x float> [%v353, %loop284.end], [%v394, %loop356]
  %loop356.c1 = phi <8 x float> [%v354, %loop284.end], [%v425, %loop356]
  %v359 = sub i64 %v8, %loop356.i
  %v360 = trunc i64 %v359 to i32
  %v361 = insertelement <8 x i32> poison, i32 %v360, i32 0
  %v362 = shufflevector <8 x i32> %v361, <8 x i32> poison, <8 x i32> zeroinitializer
  %v363 = icmp sgt <8 x i32> %v362, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v364 = getelementptr float, ptr %v26, i64 %loop356.i
  %v395 = getelementptr float, ptr %v32, i64 %loop356.i
  %v365 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v364, <8 x i1> %v363, <8 x float> zeroinitializer)
  %v396 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v395, <8 x i1> %v363, <8 x float> zeroinitializer)
  %v366 = fsub contract <8 x float> %v365, %v143
  %v397 = fsub contract <8 x float> %v396, %v145
  %v367 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v366
  %v398 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v397
  %v368 = select <8 x i1> %v367, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v366
  %v399 = select <8 x i1> %v398, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v397
  %v369 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v368
  %v400 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v399
  %v370 = select <8 x i1> %v369, <8 x float> splat (float 0x4056400000000000), <8 x float> %v368
  %v401 = select <8 x i1> %v400, <8 x float> splat (float 0x4056400000000000), <8 x float> %v399
  %v371 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v370, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v402 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v401, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v372 = fsub <8 x float> %v371, splat (float 0x4168000000000000)
  %v403 = fsub <8 x float> %v402, splat (float 0x4168000000000000)
  %v373 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v372, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v370)
  %v404 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v403, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v401)
  %v374 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v372, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v373)
  %v405 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v403, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v404)
  %v375 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v374, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v406 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v405, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v376 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v375, <8 x float> %v374, <8 x float> splat (float 0x3FA555B5A0000000))
  %v407 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v406, <8 x float> %v405, <8 x float> splat (float 0x3FA555B5A0000000))
  %v377 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v376, <8 x float> %v374, <8 x float> splat (float 0x3FC5554500000000))
  %v408 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v407, <8 x float> %v405, <8 x float> splat (float 0x3FC5554500000000))
  %v378 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v377, <8 x float> %v374, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v409 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v408, <8 x float> %v405, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v379 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v378, <8 x float> %v374, <8 x float> splat (float 0x3FF0000000000000))
  %v410 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v409, <8 x float> %v405, <8 x float> splat (float 0x3FF0000000000000))
  %v380 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v379, <8 x float> %v374, <8 x float> splat (float 0x3FF0000000000000))
  %v411 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v410, <8 x float> %v405, <8 x float> splat (float 0x3FF0000000000000))
  %v381 = bitcast <8 x float> %v371 to <8 x i32>
  %v412 = bitcast <8 x float> %v402 to <8 x i32>
  %v382 = sub <8 x i32> %v381, splat (i32 1262485504)
  %v413 = sub <8 x i32> %v412, splat (i32 1262485504)
  %v383 = ashr <8 x i32> %v382, splat (i32 1)
  %v414 = ashr <8 x i32> %v413, splat (i32 1)
  %v384 = sub <8 x i32> %v382, %v383
  %v415 = sub <8 x i32> %v413, %v414
  %v385 = add <8 x i32> %v383, splat (i32 127)
  %v416 = add <8 x i32> %v414, splat (i32 127)
  %v386 = shl <8 x i32> %v385, splat (i32 23)
  %v417 = shl <8 x i32> %v416, splat (i32 23)
  %v387 = bitcast <8 x i32> %v386 to <8 x float>
  %v418 = bitcast <8 x i32> %v417 to <8 x float>
  %v388 = fmul <8 x float> %v380, %v387
  %v419 = fmul <8 x float> %v411, %v418
  %v389 = add <8 x i32> %v384, splat (i32 127)
  %v420 = add <8 x i32> %v415, splat (i32 127)
  %v390 = shl <8 x i32> %v389, splat (i32 23)
  %v421 = shl <8 x i32> %v420, splat (i32 23)
  %v391 = bitcast <8 x i32> %v390 to <8 x float>
  %v422 = bitcast <8 x i32> %v421 to <8 x float>
  %v392 = fmul <8 x float> %v388, %v391
  %v423 = fmul <8 x float> %v419, %v422
  %v393 = fadd contract <8 x float> %loop356.c0, %v392
  %v424 = fadd contract <8 x float> %loop356.c1, %v423
  %v394 = select <8 x i1> %v363, <8 x float> %v393, <8 x float> %loop356.c0
  %v425 = select <8 x i1> %v363, <8 x float> %v424, <8 x float> %loop356.c1
  %v426 = getelementptr float, ptr %v28, i64 %loop356.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v392, ptr %v426, <8 x i1> %v363)
  %v427 = getelementptr float, ptr %v34, i64 %loop356.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v423, ptr %v427, <8 x i1> %v363)
  %v428 = add nuw nsw i64 %loop356.i, 8
  %v429 = add nuw nsw i64 %v428, 8
  %v430 = icmp sle i64 %v429, %v355
  br i1 %v430, label %loop356, label %loop356.end
loop356.end:
  %v431 = phi i64 [%v352, %loop284.end], [%v428, %loop356]
  %v432 = phi <8 x float> [%v353, %loop284.end], [%v394, %loop356]
  %v433 = phi <8 x float> [%v354, %loop284.end], [%v425, %loop356]
  %v434 = shufflevector <8 x float> %v432, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v435 = fadd contract <8 x float> %v432, %v434
  %v436 = shufflevector <8 x float> %v435, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v437 = fadd contract <8 x float> %v435, %v436
  %v438 = shufflevector <8 x float> %v437, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v439 = fadd contract <8 x float> %v437, %v438
  %v440 = extractelement <8 x float> %v439, i32 0
  %v441 = shufflevector <8 x float> %v433, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v442 = fadd contract <8 x float> %v433, %v441
  %v443 = shufflevector <8 x float> %v442, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v444 = fadd contract <8 x float> %v442, %v443
  %v445 = shufflevector <8 x float> %v444, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v446 = fadd contract <8 x float> %v444, %v445
  %v447 = extractelement <8 x float> %v446, i32 0
  %v448 = fdiv contract float 0x3FF0000000000000, %v440
  %v449 = insertelement <8 x float> poison, float %v448, i32 0
  %v450 = shufflevector <8 x float> %v449, <8 x float> poison, <8 x i32> zeroinitializer
  %v451 = fdiv contract float 0x3FF0000000000000, %v447
  %v452 = insertelement <8 x float> poison, float %v451, i32 0
  %v453 = shufflevector <8 x float> %v452, <8 x float> poison, <8 x i32> zeroinitializer
  %v455 = add i64 0, 16
  %v456 = icmp sle i64 %v455, %v8
  br i1 %v456, label %loop454, label %loop454.end
loop454:
  %loop454.i = phi i64 [0, %loop356.end], [%v474, %loop454]
  %v457 = add nuw nsw i64 %loop454.i, 8
  %v458 = getelementptr float, ptr %v28, i64 %loop454.i
  %v461 = getelementptr float, ptr %v34, i64 %loop454.i
  %v464 = getelementptr float, ptr %v28, i64 %v457
  %v467 = getelementptr float, ptr %v34, i64 %v457
  %v459 = load <8 x float>, ptr %v458, align 4
  %v462 = load <8 x float>, ptr %v461, align 4
  %v465 = load <8 x float>, ptr %v464, align 4
  %v468 = load <8 x float>, ptr %v467, align 4
  %v460 = fmul contract <8 x float> %v459, %v450
  %v463 = fmul contract <8 x float> %v462, %v453
  %v466 = fmul contract <8 x float> %v465, %v450
  %v469 = fmul contract <8 x float> %v468, %v453
  %v470 = getelementptr float, ptr %v28, i64 %loop454.i
  store <8 x float> %v460, ptr %v470, align 4
  %v471 = getelementptr float, ptr %v34, i64 %loop454.i
  store <8 x float> %v463, ptr %v471, align 4
  %v472 = getelementptr float, ptr %v28, i64 %v457
  store <8 x float> %v466, ptr %v472, align 4
  %v473 = getelementptr float, ptr %v34, i64 %v457
  store <8 x float> %v469, ptr %v473, align 4
  %v474 = add nuw nsw i64 %loop454.i, 16
  %v475 = add nuw nsw i64 %v474, 16
  %v476 = icmp sle i64 %v475, %v8
  br i1 %v476, label %loop454, label %loop454.end
loop454.end:
  %v477 = phi i64 [0, %loop356.end], [%v474, %loop454]
  %v479 = add i64 %v477, 8
  %v480 = icmp sle i64 %v479, %v8
  br i1 %v480, label %loop478, label %loop478.end
loop478:
  %loop478.i = phi i64 [%v477, %loop454.end], [%v489, %loop478]
  %v481 = getelementptr float, ptr %v28, i64 %loop478.i
  %v484 = getelementptr float, ptr %v34, i64 %loop478.i
  %v482 = load <8 x float>, ptr %v481, align 4
  %v485 = load <8 x float>, ptr %v484, align 4
  %v483 = fmul contract <8 x float> %v482, %v450
  %v486 = fmul contract <8 x float> %v485, %v453
  %v487 = getelementptr float, ptr %v28, i64 %loop478.i
  store <8 x float> %v483, ptr %v487, align 4
  %v488 = getelementptr float, ptr %v34, i64 %loop478.i
  store <8 x float> %v486, ptr %v488, align 4
  %v489 = add nuw nsw i64 %loop478.i, 8
  %v490 = add nuw nsw i64 %v489, 8
  %v491 = icmp sle i64 %v490, %v8
  br i1 %v491, label %loop478, label %loop478.end
loop478.end:
  %v492 = phi i64 [%v477, %loop454.end], [%v489, %loop478]
  %v493 = add i64 %v8, 7
  %v495 = add i64 %v492, 8
  %v496 = icmp sle i64 %v495, %v493
  br i1 %v496, label %loop494, label %loop494.end
loop494:
  %loop494.i = phi i64 [%v492, %loop478.end], [%v510, %loop494]
  %v497 = sub i64 %v8, %loop494.i
  %v498 = trunc i64 %v497 to i32
  %v499 = insertelement <8 x i32> poison, i32 %v498, i32 0
  %v500 = shufflevector <8 x i32> %v499, <8 x i32> poison, <8 x i32> zeroinitializer
  %v501 = icmp sgt <8 x i32> %v500, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v502 = getelementptr float, ptr %v28, i64 %loop494.i
  %v505 = getelementptr float, ptr %v34, i64 %loop494.i
  %v503 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v502, <8 x i1> %v501, <8 x float> zeroinitializer)
  %v506 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v505, <8 x i1> %v501, <8 x float> zeroinitializer)
  %v504 = fmul contract <8 x float> %v503, %v450
  %v507 = fmul contract <8 x float> %v506, %v453
  %v508 = getelementptr float, ptr %v28, i64 %loop494.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v504, ptr %v508, <8 x i1> %v501)
  %v509 = getelementptr float, ptr %v34, i64 %loop494.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v507, ptr %v509, <8 x i1> %v501)
  %v510 = add nuw nsw i64 %loop494.i, 8
  %v511 = add nuw nsw i64 %v510, 8
  %v512 = icmp sle i64 %v511, %v493
  br i1 %v512, label %loop494, label %loop494.end
loop494.end:
  %v513 = phi i64 [%v492, %loop478.end], [%v510, %loop494]
  %v514 = fcmp olt float %v440, 0x3810000000000000
  %v515 = fmul float %v440, 0x4160000000000000
  %v516 = select i1 %v514, float %v515, float %v440
  %v517 = bitcast float %v516 to i32
  %v518 = sub i32 %v517, 1059760811
  %v519 = and i32 %v518, -8388608
  %v520 = sub i32 %v517, %v519
  %v521 = bitcast i32 %v520 to float
  %v522 = fsub float %v521, 0x3FF0000000000000
  %v523 = sitofp i32 %v519 to float
  %v524 = select i1 %v514, float 0xC037000000000000, float 0x0000000000000000
  %v525 = call float @llvm.fma.f32(float %v523, float 0x3E80000000000000, float %v524)
  %v526 = fmul float %v522, %v522
  %v527 = call float @llvm.fma.f32(float %v526, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v528 = call float @llvm.fma.f32(float %v527, float %v526, float 0xBFC55B36C0000000)
  %v529 = call float @llvm.fma.f32(float %v528, float %v526, float 0xBFCFFFE020000000)
  %v530 = call float @llvm.fma.f32(float %v526, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v531 = call float @llvm.fma.f32(float %v530, float %v526, float 0x3FC99D8B20000000)
  %v532 = call float @llvm.fma.f32(float %v531, float %v522, float %v529)
  %v533 = call float @llvm.fma.f32(float %v522, float %v532, float 0x3FD5554FA0000000)
  %v534 = call float @llvm.fma.f32(float %v533, float %v522, float 0xBFE0000000000000)
  %v535 = call float @llvm.fma.f32(float %v534, float %v526, float %v522)
  %v536 = call float @llvm.fma.f32(float %v525, float 0x3FE62E4300000000, float %v535)
  %v537 = fcmp oeq float %v440, 0x0000000000000000
  %v538 = select i1 %v537, float 0xFFF0000000000000, float %v536
  %v539 = fcmp olt float %v440, 0x0000000000000000
  %v540 = select i1 %v539, float 0x7FF8000000000000, float %v538
  %v541 = fcmp oeq float %v440, 0x7FF0000000000000
  %v542 = fcmp une float %v440, %v440
  %v543 = or i1 %v541, %v542
  %v544 = select i1 %v543, float %v440, float %v540
  %v545 = fadd contract float %v544, %v125
  store float %v545, ptr %v30
  %v546 = fcmp olt float %v447, 0x3810000000000000
  %v547 = fmul float %v447, 0x4160000000000000
  %v548 = select i1 %v546, float %v547, float %v447
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
  %v569 = fcmp oeq float %v447, 0x0000000000000000
  %v570 = select i1 %v569, float 0xFFF0000000000000, float %v568
  %v571 = fcmp olt float %v447, 0x0000000000000000
  %v572 = select i1 %v571, float 0x7FF8000000000000, float %v570
  %v573 = fcmp oeq float %v447, 0x7FF0000000000000
  %v574 = fcmp une float %v447, %v447
  %v575 = or i1 %v573, %v574
  %v576 = select i1 %v575, float %v447, float %v572
  %v577 = fadd contract float %v576, %v141
  store float %v577, ptr %v36
  %v578 = add nuw nsw i64 %loop21.i, 2
  %v579 = add nuw nsw i64 %v578, 2
  %v580 = icmp sle i64 %v579, %end
  br i1 %v580, label %loop21, label %loop21.end
loop21.end:
  %v581 = phi i64 [%begin, %entry], [%v578, %loop494.end]
  %v583 = add i64 %v581, 1
  %v584 = icmp sle i64 %v583, %end
  br i1 %v584, label %loop582, label %loop582.end
loop582:
  %loop582.i = phi i64 [%v581, %loop21.end], [%v900, %loop852.end]
  %v585 = mul i64 %loop582.i, %v16
  %v586 = getelementptr float, ptr %v2, i64 %v585
  %v587 = mul i64 %loop582.i, %v18
  %v588 = getelementptr float, ptr %v4, i64 %v587
  %v589 = mul i64 %loop582.i, %v20
  %v590 = getelementptr float, ptr %v6, i64 %v589
  %v592 = add i64 0, 16
  %v593 = icmp sle i64 %v592, %v8
  br i1 %v593, label %loop591, label %loop591.end
loop591:
  %loop591.i = phi i64 [0, %loop582], [%v607, %loop591]
  %loop591.c0 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop582], [%v600, %loop591]
  %loop591.c1 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop582], [%v606, %loop591]
  %v594 = add nuw nsw i64 %loop591.i, 8
  %v595 = getelementptr float, ptr %v586, i64 %loop591.i
  %v601 = getelementptr float, ptr %v586, i64 %v594
  %v596 = load <8 x float>, ptr %v595, align 4
  %v602 = load <8 x float>, ptr %v601, align 4
  %v597 = fcmp une <8 x float> %v596, %v596
  %v603 = fcmp une <8 x float> %v602, %v602
  %v598 = fcmp ogt <8 x float> %v596, %loop591.c0
  %v604 = fcmp ogt <8 x float> %v602, %loop591.c1
  %v599 = select <8 x i1> %v598, <8 x float> %v596, <8 x float> %loop591.c0
  %v605 = select <8 x i1> %v604, <8 x float> %v602, <8 x float> %loop591.c1
  %v600 = select <8 x i1> %v597, <8 x float> %v596, <8 x float> %v599
  %v606 = select <8 x i1> %v603, <8 x float> %v602, <8 x float> %v605
  %v607 = add nuw nsw i64 %loop591.i, 16
  %v608 = add nuw nsw i64 %v607, 16
  %v609 = icmp sle i64 %v608, %v8
  br i1 %v609, label %loop591, label %loop591.end
loop591.end:
  %v610 = phi i64 [0, %loop582], [%v607, %loop591]
  %v611 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop582], [%v600, %loop591]
  %v612 = phi <8 x float> [splat (float 0xFFF0000000000000), %loop582], [%v606, %loop591]
  %v613 = fcmp une <8 x float> %v612, %v612
  %v614 = fcmp ogt <8 x float> %v612, %v611
  %v615 = select <8 x i1> %v614, <8 x float> %v612, <8 x float> %v611
  %v616 = select <8 x i1> %v613, <8 x float> %v612, <8 x float> %v615
  %v617 = add i64 %v8, 7
  %v619 = add i64 %v610, 8
  %v620 = icmp sle i64 %v619, %v617
  br i1 %v620, label %loop618, label %loop618.end
loop618:
  %loop618.i = phi i64 [%v610, %loop591.end], [%v633, %loop618]
  %loop618.c0 = phi <8 x float> [%v616, %loop591.end], [%v632, %loop618]
  %v621 = sub i64 %v8, %loop618.i
  %v622 = trunc i64 %v621 to i32
  %v623 = insertelement <8 x i32> poison, i32 %v622, i32 0
  %v624 = shufflevector <8 x i32> %v623, <8 x i32> poison, <8 x i32> zeroinitializer
  %v625 = icmp sgt <8 x i32> %v624, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v626 = getelementptr float, ptr %v586, i64 %loop618.i
  %v627 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v626, <8 x i1> %v625, <8 x float> zeroinitializer)
  %v628 = fcmp une <8 x float> %v627, %v627
  %v629 = fcmp ogt <8 x float> %v627, %loop618.c0
  %v630 = select <8 x i1> %v629, <8 x float> %v627, <8 x float> %loop618.c0
  %v631 = select <8 x i1> %v628, <8 x float> %v627, <8 x float> %v630
  %v632 = select <8 x i1> %v625, <8 x float> %v631, <8 x float> %loop618.c0
  %v633 = add nuw nsw i64 %loop618.i, 8
  %v634 = add nuw nsw i64 %v633, 8
  %v635 = icmp sle i64 %v634, %v617
  br i1 %v635, label %loop618, label %loop618.end
loop618.end:
  %v636 = phi i64 [%v610, %loop591.end], [%v633, %loop618]
  %v637 = phi <8 x float> [%v616, %loop591.end], [%v632, %loop618]
  %v638 = shufflevector <8 x float> %v637, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v639 = fcmp une <8 x float> %v638, %v638
  %v640 = fcmp ogt <8 x float> %v638, %v637
  %v641 = select <8 x i1> %v640, <8 x float> %v638, <8 x float> %v637
  %v642 = select <8 x i1> %v639, <8 x float> %v638, <8 x float> %v641
  %v643 = shufflevector <8 x float> %v642, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v644 = fcmp une <8 x float> %v643, %v643
  %v645 = fcmp ogt <8 x float> %v643, %v642
  %v646 = select <8 x i1> %v645, <8 x float> %v643, <8 x float> %v642
  %v647 = select <8 x i1> %v644, <8 x float> %v643, <8 x float> %v646
  %v648 = shufflevector <8 x float> %v647, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v649 = fcmp une <8 x float> %v648, %v648
  %v650 = fcmp ogt <8 x float> %v648, %v647
  %v651 = select <8 x i1> %v650, <8 x float> %v648, <8 x float> %v647
  %v652 = select <8 x i1> %v649, <8 x float> %v648, <8 x float> %v651
  %v653 = extractelement <8 x float> %v652, i32 0
  %v654 = insertelement <8 x float> poison, float %v653, i32 0
  %v655 = shufflevector <8 x float> %v654, <8 x float> poison, <8 x i32> zeroinitializer
  %v657 = add i64 0, 16
  %v658 = icmp sle i64 %v657, %v8
  br i1 %v658, label %loop656, label %loop656.end
loop656:
  %loop656.i = phi i64 [0, %loop618.end], [%v722, %loop656]
  %loop656.c0 = phi <8 x float> [splat (float 0x0000000000000000), %loop618.end], [%v689, %loop656]
  %loop656.c1 = phi <8 x float> [splat (float 0x0000000000000000), %loop618.end], [%v719, %loop656]
  %v659 = add nuw nsw i64 %loop656.i, 8
  %v660 = getelementptr float, ptr %v586, i64 %loop656.i
  %v690 = getelementptr float, ptr %v586, i64 %v659
  %v661 = load <8 x float>, ptr %v660, align 4
  %v691 = load <8 x float>, ptr %v690, align 4
  %v662 = fsub contract <8 x float> %v661, %v655
  %v692 = fsub contract <8 x float> %v691, %v655
  %v663 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v662
  %v693 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v692
  %v664 = select <8 x i1> %v663, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v662
  %v694 = select <8 x i1> %v693, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v692
  %v665 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v664
  %v695 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v694
  %v666 = select <8 x i1> %v665, <8 x float> splat (float 0x4056400000000000), <8 x float> %v664
  %v696 = select <8 x i1> %v695, <8 x float> splat (float 0x4056400000000000), <8 x float> %v694
  %v667 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v666, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v697 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v696, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v668 = fsub <8 x float> %v667, splat (float 0x4168000000000000)
  %v698 = fsub <8 x float> %v697, splat (float 0x4168000000000000)
  %v669 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v668, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v666)
  %v699 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v698, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v696)
  %v670 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v668, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v669)
  %v700 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v698, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v699)
  %v671 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v670, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v701 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v700, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v672 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v671, <8 x float> %v670, <8 x float> splat (float 0x3FA555B5A0000000))
  %v702 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v701, <8 x float> %v700, <8 x float> splat (float 0x3FA555B5A0000000))
  %v673 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v672, <8 x float> %v670, <8 x float> splat (float 0x3FC5554500000000))
  %v703 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v702, <8 x float> %v700, <8 x float> splat (float 0x3FC5554500000000))
  %v674 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v673, <8 x float> %v670, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v704 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v703, <8 x float> %v700, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v675 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v674, <8 x float> %v670, <8 x float> splat (float 0x3FF0000000000000))
  %v705 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v704, <8 x float> %v700, <8 x float> splat (float 0x3FF0000000000000))
  %v676 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v675, <8 x float> %v670, <8 x float> splat (float 0x3FF0000000000000))
  %v706 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v705, <8 x float> %v700, <8 x float> splat (float 0x3FF0000000000000))
  %v677 = bitcast <8 x float> %v667 to <8 x i32>
  %v707 = bitcast <8 x float> %v697 to <8 x i32>
  %v678 = sub <8 x i32> %v677, splat (i32 1262485504)
  %v708 = sub <8 x i32> %v707, splat (i32 1262485504)
  %v679 = ashr <8 x i32> %v678, splat (i32 1)
  %v709 = ashr <8 x i32> %v708, splat (i32 1)
  %v680 = sub <8 x i32> %v678, %v679
  %v710 = sub <8 x i32> %v708, %v709
  %v681 = add <8 x i32> %v679, splat (i32 127)
  %v711 = add <8 x i32> %v709, splat (i32 127)
  %v682 = shl <8 x i32> %v681, splat (i32 23)
  %v712 = shl <8 x i32> %v711, splat (i32 23)
  %v683 = bitcast <8 x i32> %v682 to <8 x float>
  %v713 = bitcast <8 x i32> %v712 to <8 x float>
  %v684 = fmul <8 x float> %v676, %v683
  %v714 = fmul <8 x float> %v706, %v713
  %v685 = add <8 x i32> %v680, splat (i32 127)
  %v715 = add <8 x i32> %v710, splat (i32 127)
  %v686 = shl <8 x i32> %v685, splat (i32 23)
  %v716 = shl <8 x i32> %v715, splat (i32 23)
  %v687 = bitcast <8 x i32> %v686 to <8 x float>
  %v717 = bitcast <8 x i32> %v716 to <8 x float>
  %v688 = fmul <8 x float> %v684, %v687
  %v718 = fmul <8 x float> %v714, %v717
  %v689 = fadd contract <8 x float> %loop656.c0, %v688
  %v719 = fadd contract <8 x float> %loop656.c1, %v718
  %v720 = getelementptr float, ptr %v588, i64 %loop656.i
  store <8 x float> %v688, ptr %v720, align 4
  %v721 = getelementptr float, ptr %v588, i64 %v659
  store <8 x float> %v718, ptr %v721, align 4
  %v722 = add nuw nsw i64 %loop656.i, 16
  %v723 = add nuw nsw i64 %v722, 16
  %v724 = icmp sle i64 %v723, %v8
  br i1 %v724, label %loop656, label %loop656.end
loop656.end:
  %v725 = phi i64 [0, %loop618.end], [%v722, %loop656]
  %v726 = phi <8 x float> [splat (float 0x0000000000000000), %loop618.end], [%v689, %loop656]
  %v727 = phi <8 x float> [splat (float 0x0000000000000000), %loop618.end], [%v719, %loop656]
  %v728 = fadd contract <8 x float> %v726, %v727
  %v730 = add i64 %v725, 8
  %v731 = icmp sle i64 %v730, %v8
  br i1 %v731, label %loop729, label %loop729.end
loop729:
  %loop729.i = phi i64 [%v725, %loop656.end], [%v763, %loop729]
  %loop729.c0 = phi <8 x float> [%v728, %loop656.end], [%v761, %loop729]
  %v732 = getelementptr float, ptr %v586, i64 %loop729.i
  %v733 = load <8 x float>, ptr %v732, align 4
  %v734 = fsub contract <8 x float> %v733, %v655
  %v735 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v734
  %v736 = select <8 x i1> %v735, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v734
  %v737 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v736
  %v738 = select <8 x i1> %v737, <8 x float> splat (float 0x4056400000000000), <8 x float> %v736
  %v739 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v738, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v740 = fsub <8 x float> %v739, splat (float 0x4168000000000000)
  %v741 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v740, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v738)
  %v742 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v740, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v741)
  %v743 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v742, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v744 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v743, <8 x float> %v742, <8 x float> splat (float 0x3FA555B5A0000000))
  %v745 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v744, <8 x float> %v742, <8 x float> splat (float 0x3FC5554500000000))
  %v746 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v745, <8 x float> %v742, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v747 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v746, <8 x float> %v742, <8 x float> splat (float 0x3FF0000000000000))
  %v748 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v747, <8 x float> %v742, <8 x float> splat (float 0x3FF0000000000000))
  %v749 = bitcast <8 x float> %v739 to <8 x i32>
  %v750 = sub <8 x i32> %v749, splat (i32 1262485504)
  %v751 = ashr <8 x i32> %v750, splat (i32 1)
  %v752 = sub <8 x i32> %v750, %v751
  %v753 = add <8 x i32> %v751, splat (i32 127)
  %v754 = shl <8 x i32> %v753, splat (i32 23)
  %v755 = bitcast <8 x i32> %v754 to <8 x float>
  %v756 = fmul <8 x float> %v748, %v755
  %v757 = add <8 x i32> %v752, splat (i32 127)
  %v758 = shl <8 x i32> %v757, splat (i32 23)
  %v759 = bitcast <8 x i32> %v758 to <8 x float>
  %v760 = fmul <8 x float> %v756, %v759
  %v761 = fadd contract <8 x float> %loop729.c0, %v760
  %v762 = getelementptr float, ptr %v588, i64 %loop729.i
  store <8 x float> %v760, ptr %v762, align 4
  %v763 = add nuw nsw i64 %loop729.i, 8
  %v764 = add nuw nsw i64 %v763, 8
  %v765 = icmp sle i64 %v764, %v8
  br i1 %v765, label %loop729, label %loop729.end
loop729.end:
  %v766 = phi i64 [%v725, %loop656.end], [%v763, %loop729]
  %v767 = phi <8 x float> [%v728, %loop656.end], [%v761, %loop729]
  %v768 = add i64 %v8, 7
  %v770 = add i64 %v766, 8
  %v771 = icmp sle i64 %v770, %v768
  br i1 %v771, label %loop769, label %loop769.end
loop769:
  %loop769.i = phi i64 [%v766, %loop729.end], [%v809, %loop769]
  %loop769.c0 = phi <8 x float> [%v767, %loop729.end], [%v807, %loop769]
  %v772 = sub i64 %v8, %loop769.i
  %v773 = trunc i64 %v772 to i32
  %v774 = insertelement <8 x i32> poison, i32 %v773, i32 0
  %v775 = shufflevector <8 x i32> %v774, <8 x i32> poison, <8 x i32> zeroinitializer
  %v776 = icmp sgt <8 x i32> %v775, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v777 = getelementptr float, ptr %v586, i64 %loop769.i
  %v778 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v777, <8 x i1> %v776, <8 x float> zeroinitializer)
  %v779 = fsub contract <8 x float> %v778, %v655
  %v780 = fcmp ogt <8 x float> splat (float 0xC05A000000000000), %v779
  %v781 = select <8 x i1> %v780, <8 x float> splat (float 0xC05A000000000000), <8 x float> %v779
  %v782 = fcmp olt <8 x float> splat (float 0x4056400000000000), %v781
  %v783 = select <8 x i1> %v782, <8 x float> splat (float 0x4056400000000000), <8 x float> %v781
  %v784 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v783, <8 x float> splat (float 0x3FF7154760000000), <8 x float> splat (float 0x4168000000000000))
  %v785 = fsub <8 x float> %v784, splat (float 0x4168000000000000)
  %v786 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v785, <8 x float> splat (float 0xBFE62E4000000000), <8 x float> %v783)
  %v787 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v785, <8 x float> splat (float 0xBEB7F7D1C0000000), <8 x float> %v786)
  %v788 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v787, <8 x float> splat (float 0x3F56940000000000), <8 x float> splat (float 0x3F8125EDC0000000))
  %v789 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v788, <8 x float> %v787, <8 x float> splat (float 0x3FA555B5A0000000))
  %v790 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v789, <8 x float> %v787, <8 x float> splat (float 0x3FC5554500000000))
  %v791 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v790, <8 x float> %v787, <8 x float> splat (float 0x3FDFFFFF60000000))
  %v792 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v791, <8 x float> %v787, <8 x float> splat (float 0x3FF0000000000000))
  %v793 = call <8 x float> @llvm.fma.v8f32(<8 x float> %v792, <8 x float> %v787, <8 x float> splat (float 0x3FF0000000000000))
  %v794 = bitcast <8 x float> %v784 to <8 x i32>
  %v795 = sub <8 x i32> %v794, splat (i32 1262485504)
  %v796 = ashr <8 x i32> %v795, splat (i32 1)
  %v797 = sub <8 x i32> %v795, %v796
  %v798 = add <8 x i32> %v796, splat (i32 127)
  %v799 = shl <8 x i32> %v798, splat (i32 23)
  %v800 = bitcast <8 x i32> %v799 to <8 x float>
  %v801 = fmul <8 x float> %v793, %v800
  %v802 = add <8 x i32> %v797, splat (i32 127)
  %v803 = shl <8 x i32> %v802, splat (i32 23)
  %v804 = bitcast <8 x i32> %v803 to <8 x float>
  %v805 = fmul <8 x float> %v801, %v804
  %v806 = fadd contract <8 x float> %loop769.c0, %v805
  %v807 = select <8 x i1> %v776, <8 x float> %v806, <8 x float> %loop769.c0
  %v808 = getelementptr float, ptr %v588, i64 %loop769.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v805, ptr %v808, <8 x i1> %v776)
  %v809 = add nuw nsw i64 %loop769.i, 8
  %v810 = add nuw nsw i64 %v809, 8
  %v811 = icmp sle i64 %v810, %v768
  br i1 %v811, label %loop769, label %loop769.end
loop769.end:
  %v812 = phi i64 [%v766, %loop729.end], [%v809, %loop769]
  %v813 = phi <8 x float> [%v767, %loop729.end], [%v807, %loop769]
  %v814 = shufflevector <8 x float> %v813, <8 x float> poison, <8 x i32> <i32 4, i32 5, i32 6, i32 7, i32 0, i32 1, i32 2, i32 3>
  %v815 = fadd contract <8 x float> %v813, %v814
  %v816 = shufflevector <8 x float> %v815, <8 x float> poison, <8 x i32> <i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0, i32 1>
  %v817 = fadd contract <8 x float> %v815, %v816
  %v818 = shufflevector <8 x float> %v817, <8 x float> poison, <8 x i32> <i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7, i32 0>
  %v819 = fadd contract <8 x float> %v817, %v818
  %v820 = extractelement <8 x float> %v819, i32 0
  %v821 = fdiv contract float 0x3FF0000000000000, %v820
  %v822 = insertelement <8 x float> poison, float %v821, i32 0
  %v823 = shufflevector <8 x float> %v822, <8 x float> poison, <8 x i32> zeroinitializer
  %v825 = add i64 0, 16
  %v826 = icmp sle i64 %v825, %v8
  br i1 %v826, label %loop824, label %loop824.end
loop824:
  %loop824.i = phi i64 [0, %loop769.end], [%v836, %loop824]
  %v827 = add nuw nsw i64 %loop824.i, 8
  %v828 = getelementptr float, ptr %v588, i64 %loop824.i
  %v831 = getelementptr float, ptr %v588, i64 %v827
  %v829 = load <8 x float>, ptr %v828, align 4
  %v832 = load <8 x float>, ptr %v831, align 4
  %v830 = fmul contract <8 x float> %v829, %v823
  %v833 = fmul contract <8 x float> %v832, %v823
  %v834 = getelementptr float, ptr %v588, i64 %loop824.i
  store <8 x float> %v830, ptr %v834, align 4
  %v835 = getelementptr float, ptr %v588, i64 %v827
  store <8 x float> %v833, ptr %v835, align 4
  %v836 = add nuw nsw i64 %loop824.i, 16
  %v837 = add nuw nsw i64 %v836, 16
  %v838 = icmp sle i64 %v837, %v8
  br i1 %v838, label %loop824, label %loop824.end
loop824.end:
  %v839 = phi i64 [0, %loop769.end], [%v836, %loop824]
  %v841 = add i64 %v839, 8
  %v842 = icmp sle i64 %v841, %v8
  br i1 %v842, label %loop840, label %loop840.end
loop840:
  %loop840.i = phi i64 [%v839, %loop824.end], [%v847, %loop840]
  %v843 = getelementptr float, ptr %v588, i64 %loop840.i
  %v844 = load <8 x float>, ptr %v843, align 4
  %v845 = fmul contract <8 x float> %v844, %v823
  %v846 = getelementptr float, ptr %v588, i64 %loop840.i
  store <8 x float> %v845, ptr %v846, align 4
  %v847 = add nuw nsw i64 %loop840.i, 8
  %v848 = add nuw nsw i64 %v847, 8
  %v849 = icmp sle i64 %v848, %v8
  br i1 %v849, label %loop840, label %loop840.end
loop840.end:
  %v850 = phi i64 [%v839, %loop824.end], [%v847, %loop840]
  %v851 = add i64 %v8, 7
  %v853 = add i64 %v850, 8
  %v854 = icmp sle i64 %v853, %v851
  br i1 %v854, label %loop852, label %loop852.end
loop852:
  %loop852.i = phi i64 [%v850, %loop840.end], [%v864, %loop852]
  %v855 = sub i64 %v8, %loop852.i
  %v856 = trunc i64 %v855 to i32
  %v857 = insertelement <8 x i32> poison, i32 %v856, i32 0
  %v858 = shufflevector <8 x i32> %v857, <8 x i32> poison, <8 x i32> zeroinitializer
  %v859 = icmp sgt <8 x i32> %v858, <i32 0, i32 1, i32 2, i32 3, i32 4, i32 5, i32 6, i32 7>
  %v860 = getelementptr float, ptr %v588, i64 %loop852.i
  %v861 = call <8 x float> @llvm.masked.load.v8f32.p0(ptr %v860, <8 x i1> %v859, <8 x float> zeroinitializer)
  %v862 = fmul contract <8 x float> %v861, %v823
  %v863 = getelementptr float, ptr %v588, i64 %loop852.i
  call void @llvm.masked.store.v8f32.p0(<8 x float> %v862, ptr %v863, <8 x i1> %v859)
  %v864 = add nuw nsw i64 %loop852.i, 8
  %v865 = add nuw nsw i64 %v864, 8
  %v866 = icmp sle i64 %v865, %v851
  br i1 %v866, label %loop852, label %loop852.end
loop852.end:
  %v867 = phi i64 [%v850, %loop840.end], [%v864, %loop852]
  %v868 = fcmp olt float %v820, 0x3810000000000000
  %v869 = fmul float %v820, 0x4160000000000000
  %v870 = select i1 %v868, float %v869, float %v820
  %v871 = bitcast float %v870 to i32
  %v872 = sub i32 %v871, 1059760811
  %v873 = and i32 %v872, -8388608
  %v874 = sub i32 %v871, %v873
  %v875 = bitcast i32 %v874 to float
  %v876 = fsub float %v875, 0x3FF0000000000000
  %v877 = sitofp i32 %v873 to float
  %v878 = select i1 %v868, float 0xC037000000000000, float 0x0000000000000000
  %v879 = call float @llvm.fma.f32(float %v877, float 0x3E80000000000000, float %v878)
  %v880 = fmul float %v876, %v876
  %v881 = call float @llvm.fma.f32(float %v880, float 0xBFC0AE0000000000, float 0xBFBF198B20000000)
  %v882 = call float @llvm.fma.f32(float %v881, float %v880, float 0xBFC55B36C0000000)
  %v883 = call float @llvm.fma.f32(float %v882, float %v880, float 0xBFCFFFE020000000)
  %v884 = call float @llvm.fma.f32(float %v880, float 0x3FC2080000000000, float 0x3FC1E57400000000)
  %v885 = call float @llvm.fma.f32(float %v884, float %v880, float 0x3FC99D8B20000000)
  %v886 = call float @llvm.fma.f32(float %v885, float %v876, float %v883)
  %v887 = call float @llvm.fma.f32(float %v876, float %v886, float 0x3FD5554FA0000000)
  %v888 = call float @llvm.fma.f32(float %v887, float %v876, float 0xBFE0000000000000)
  %v889 = call float @llvm.fma.f32(float %v888, float %v880, float %v876)
  %v890 = call float @llvm.fma.f32(float %v879, float 0x3FE62E4300000000, float %v889)
  %v891 = fcmp oeq float %v820, 0x0000000000000000
  %v892 = select i1 %v891, float 0xFFF0000000000000, float %v890
  %v893 = fcmp olt float %v820, 0x0000000000000000
  %v894 = select i1 %v893, float 0x7FF8000000000000, float %v892
  %v895 = fcmp oeq float %v820, 0x7FF0000000000000
  %v896 = fcmp une float %v820, %v820
  %v897 = or i1 %v895, %v896
  %v898 = select i1 %v897, float %v820, float %v894
  %v899 = fadd contract float %v898, %v653
  store float %v899, ptr %v590
  %v900 = add nuw nsw i64 %loop582.i, 1
  %v901 = add nuw nsw i64 %v900, 1
  %v902 = icmp sle i64 %v901, %end
  br i1 %v902, label %loop582, label %loop582.end
loop582.end:
  %v903 = phi i64 [%v581, %loop21.end], [%v900, %loop852.end]
  ret void
}
declare <8 x float> @llvm.fma.v8f32(<8 x float>, <8 x float>, <8 x float>)
declare <8 x float> @llvm.masked.load.v8f32.p0(ptr, <8 x i1>, <8 x float>)
declare float @llvm.fma.f32(float, float, float)
declare void @llvm.masked.store.v8f32.p0(<8 x float>, ptr, <8 x i1>)
attributes #0 = { nounwind "prefer-vector-width"="256" "min-legal-vector-width"="256" }
!0 = !{i32 1}
!1 = !{}
