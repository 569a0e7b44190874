// What the kernels offer to the bindings: one table of functions for each instruction set.
#pragma once

namespace ascribe {

struct Kernels {
    const char* isa;
};

const Kernels& kernels_base();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();

}  // namespace ascribe
