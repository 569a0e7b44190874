// A network as it is served: every edge a table of polynomials. What the bindings know of it; serving.cpp does the work.
#pragma once

#include "layer.hpp"

namespace ascribe {

// x lies in cell c of input i when it has passed c of its breaks; there u = (x - starts(i, c)) * inverses(i, c).
// weight (inputs, terms, outputs) holds the coefficients of 1 in all cells, of u in all cells, of u^2 in all but the
// first and the last, ..., and then those of silu(x). All contiguous, and copied by whoever builds from it.
template <class T>
struct ServedLayer {
    Index inputs, outputs, cells;
    int degree;
    bool silu, confined;  // confined: no input may leave its breaks
    const T *breaks, *starts, *inverses, *weight, *bias, *product_bias;
    Index products;
    const Index* arity;  // of each product

    Index terms() const { return cells * (degree + 1) - 2 * (degree - 1) + silu; }
    Index sums() const {
        Index factors = 0;
        for (Index m = 0; m < products; ++m) factors += arity[m];
        return outputs - factors;
    }
    Index nodes() const { return sums() + products; }
};

// What is made of the layers of a network, and how to run it and to end it.
template <class T>
struct Served {
    void* network;
    // y (n, outputs), contiguous; the result does not depend on the number of threads.
    // False where an input has left its breaks and may not; y is then of no use.
    bool (*run)(const void* network, Index n, Matrix<const T> x, const Index* columns, T* y, int threads);
    void (*end)(void* network) noexcept;
};

// The makers of one instruction set.
struct Servers {
    Served<float> (*single_precision)(const ServedLayer<float>* layers, Index count);
    Served<double> (*double_precision)(const ServedLayer<double>* layers, Index count);
};

const Servers& servers_base();
const Servers& servers_avx2();
const Servers& servers_avx512();

}  // namespace ascribe
