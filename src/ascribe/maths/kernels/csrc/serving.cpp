// Served networks with one instruction set. Compiled once for each, as kernels.cpp is.
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "parallel.hpp"
#include "serve.hpp"

#define ASCRIBE_JOIN_(a, b) a##b
#define ASCRIBE_JOIN(a, b) ASCRIBE_JOIN_(a, b)

namespace ascribe::ASCRIBE_ISA {

#include "simd.hpp"

namespace serving {

// Samples that are worked on together: the tables of an edge are loaded once for them, and their nodes stay in the cache.
constexpr Index block = 256;

#include "serve_own.hpp"
#include "serve_turn.hpp"
#include "serve_pick.hpp"
#include "serve_silu.hpp"
#include "serve_cells.hpp"
#include "serve_edges.hpp"
#include "serve_network.hpp"

constexpr Servers servers{serve<float>, serve<double>};

}  // namespace serving
}  // namespace ascribe::ASCRIBE_ISA

const ascribe::Servers& ascribe::ASCRIBE_JOIN(servers_, ASCRIBE_ISA)() { return ascribe::ASCRIBE_ISA::serving::servers; }
