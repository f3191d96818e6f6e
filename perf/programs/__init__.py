"""One program per framework, in the framework's own fastest forms. None of them times anything.

A program `with_<framework>.py` defines

    variants(workload)                names of its ways to run a training workload; [] if none
    training_step(workload, variant)  step(x, y) -> loss, with fresh weights; float(loss) waits
    phases(workload)                  seconds of a step's parts: trace, compile, plan, first, call
    cases(workload)                   the workloads that are no training steps, as `timing.Case`;
                                      these stand in `kernels_<framework>.py`, those of images
                                      in `images_<framework>.py`
    attention_call(name)              a call of a size of attention, with all gradients

and imports its framework at the top, so that a fresh process can time that import.
"""
