// What the kernels offer to the bindings: one table of functions for each instruction set.
#pragma once

#include "layer.hpp"

namespace ascribe {

template <class T>
struct Operations {
    // The sums over the edges and, unless null, the moments of the terms.
    void (*forward)(const Layer<T>&, Matrix<T> y, const Moments*, int threads);
    // The gradients in x and in the weights, each unless null, of gy and of the statistics.
    void (*backward)(
        const Layer<T>&, Matrix<const T> gy, const Pull<T>&, Matrix<T> gx, const Weights<T>* gw, int threads);
    // The spread of every edge; x is not looked at.
    void (*spreads)(const Layer<T>&, const double* covariance, double smoothing, Matrix<T> to);
    // A derivative of every term, (inputs, terms, n); the weights are not looked at.
    void (*design)(const Layer<T>&, int derivative, T* to, int threads);
    // Mean and deviation (unbiased; 0 below two rows) of every column of x.
    void (*deviations)(Matrix<const T> x, Index n, Index columns, double* mean, double* deviation);
};

struct Kernels {
    const char* isa;
    Operations<float> single_precision;
    Operations<double> double_precision;
};

const Kernels& kernels_base();
const Kernels& kernels_avx2();
const Kernels& kernels_avx512();

}  // namespace ascribe
