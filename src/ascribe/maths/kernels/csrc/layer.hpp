// A layer of edges as its owner holds it: plain memory with strides, counted in elements. Nothing is copied.
#pragma once

#include <cstdint>

namespace ascribe {

using Index = std::int64_t;

template <class T>
struct Matrix {
    T* at;
    Index row, column;

    T& operator()(Index i, Index j) const { return at[i * row + j * column]; }
    explicit operator bool() const { return at != nullptr; }
};

enum class Base : int { silu, identity, zero };

// Edge (i, j): base(i, j) * b(x) + scale(i, j) * sum_m coef(i, j)[m * step] * B_m(x); scale may be missing.
template <class T>
struct Weights {
    Matrix<T> base, coef;
    Index step;
    Matrix<T> scale;
};

template <class T>
struct Layer {
    Index n, inputs, outputs;
    int order, bases;
    Base base;
    bool linear;  // outside the grid: a straight line, or else fading out
    Matrix<const T> x;
    const T* knots;  // (inputs, bases + order + 1), contiguous
    Weights<const T> weights;
    Matrix<const T> mask;  // may be missing

    int terms() const { return bases + 1; }
    int knot_count() const { return bases + order + 1; }
};

// Of the terms of every input over the rows; contiguous (inputs, terms) and (inputs, terms, terms).
struct Moments {
    double* mean;
    double* covariance;
};

// What gradients in statistics of the layer add to a backward pass, where they are not missing: `pull` is the gradient
// in the spreads of edges over these spreads; `drift` that in the deviation of each input, over (n - 1) deviations.
template <class T>
struct Pull {
    Matrix<const T> pull;
    const double* mean;
    const double* covariance;
    const double* drift;
    const double* centre;  // the mean of each input

    T of_input(Index i, T x) const { return drift ? T(drift[i] * (double(x) - centre[i])) : T(0); }
};

}  // namespace ascribe
