// The kernels of one instruction set. Compiled once for each, with ASCRIBE_ISA its name: base, avx2 or avx512.
#include "kernels.hpp"

#define ASCRIBE_JOIN_(a, b) a##b
#define ASCRIBE_JOIN(a, b) ASCRIBE_JOIN_(a, b)
#define ASCRIBE_TEXT_(a) #a
#define ASCRIBE_TEXT(a) ASCRIBE_TEXT_(a)

// Everything that is compiled for this instruction set lives in a namespace of its name, templates too: two of one name
// would be merged by the linker, and the wrong one could run on a processor that does not know it.
namespace ascribe::ASCRIBE_ISA {

constexpr Kernels table{ASCRIBE_TEXT(ASCRIBE_ISA)};

}  // namespace ascribe::ASCRIBE_ISA

const ascribe::Kernels& ascribe::ASCRIBE_JOIN(kernels_, ASCRIBE_ISA)() { return ascribe::ASCRIBE_ISA::table; }
