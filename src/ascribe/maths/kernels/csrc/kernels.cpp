// The kernels of one instruction set. Compiled once for each, with ASCRIBE_ISA its name: base, avx2 or avx512.
#include "kernels.hpp"

#include <cstddef>
#include <new>

#include "parallel.hpp"

#define ASCRIBE_JOIN_(a, b) a##b
#define ASCRIBE_JOIN(a, b) ASCRIBE_JOIN_(a, b)
#define ASCRIBE_TEXT_(a) #a
#define ASCRIBE_TEXT(a) ASCRIBE_TEXT_(a)

// Everything that is compiled for this instruction set lives in a namespace of its name, templates too: two of one name
// would be merged by the linker, and the wrong one could run on a processor that does not know it.
namespace ascribe::ASCRIBE_ISA {

#include "simd.hpp"
#include "basis.hpp"
#include "fold.hpp"
#include "moments.hpp"
#include "spread.hpp"
#include "narrow.hpp"
#include "wide.hpp"
#include "design.hpp"
#include "deviations.hpp"

// Samples in the lanes cost all terms of an edge, outputs in the lanes a fixed number of scattered loads a sample:
// measured, the first wins up to some sixteen registers of weights an input.
template <class T>
bool is_narrow(const Layer<T>& layer) {
    return layer.knot_count() <= dense_knots && layer.terms() * layer.outputs <= 16 * lanes<T>;
}

// A tile as wide as the outputs, up to what fits the registers; cubic splines, the usual ones, with their own code.
template <class T, class Narrow, class Wide>
void choose(const Layer<T>& layer, Narrow narrow, Wide wide) {
    if (is_narrow(layer)) return narrow();
    const Index registers = (layer.outputs + lanes<T> - 1) / lanes<T>;
    const auto of_order = [&]<int V>() {
        if (layer.order == 3)
            wide.template operator()<V, 3>();
        else
            wide.template operator()<V, -1>();
    };
    if (registers <= 1)
        of_order.template operator()<1>();
    else if (registers <= 2 || most_registers == 2)
        of_order.template operator()<2>();
    else
        of_order.template operator()<most_registers>();
}

template <class T>
void forward(const Layer<T>& layer, Matrix<T> y, const Moments* moments, int threads) {
    choose(
        layer, [&] { forward_narrow(layer, y, moments, threads); },
        [&]<int V, int Order>() { forward_wide<T, V, Order>(layer, y, moments, threads); });
}

template <class T>
void backward(
    const Layer<T>& layer, Matrix<const T> gy, const Pull<T>& pull, Matrix<T> gx, const Weights<T>* gw, int threads
) {
    choose(
        layer, [&] { backward_narrow(layer, gy, pull, gx, gw, threads); },
        [&]<int V, int Order>() { backward_wide<T, V, Order>(layer, gy, pull, gx, gw, threads); });
}

template <class T>
constexpr Operations<T> operations{forward<T>, backward<T>, spreads<T>, design<T>, deviations<T>};

constexpr Kernels table{ASCRIBE_TEXT(ASCRIBE_ISA), operations<float>, operations<double>};

}  // namespace ascribe::ASCRIBE_ISA

const ascribe::Kernels& ascribe::ASCRIBE_JOIN(kernels_, ASCRIBE_ISA)() { return ascribe::ASCRIBE_ISA::table; }
