// The spline operation for Python: memory comes in as addresses and strides (counted in elements), checked by cpu.py.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>

#include <array>

#include "addresses.hpp"
#include "sparsity.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using ascribe::Index;
using ascribe::Matrix;
using ascribe::Address;
using ascribe::at;
using ascribe::operations;
using Strided = std::array<Address, 3>;  // address (0: missing), row stride, column stride
using Coefficients = std::array<Address, 4>;  // the same, and the stride of the last axis
using Sizes = std::array<Index, 7>;  // n, inputs, outputs, order, bases, base, linear

template <class T>
Matrix<T> matrix(const Strided& m) {
    return {at<T>(m[0]), m[1], m[2]};
}

template <class T>
ascribe::Weights<T> weights(const Strided& base, const Coefficients& coef, const Strided& scale) {
    return {matrix<T>(base), {at<T>(coef[0]), coef[1], coef[2]}, coef[3], matrix<T>(scale)};
}

// A layer, in either precision.
struct Layer {
    bool twice;
    Sizes sizes;
    Strided x, base, scale, mask;
    Coefficients coef;
    Address knots;

    template <class T>
    ascribe::Layer<T> as() const {
        return {
            .n = sizes[0],
            .inputs = sizes[1],
            .outputs = sizes[2],
            .order = static_cast<int>(sizes[3]),
            .bases = static_cast<int>(sizes[4]),
            .base = static_cast<ascribe::Base>(sizes[5]),
            .linear = sizes[6] != 0,
            .x = matrix<const T>(x),
            .knots = at<const T>(knots),
            .weights = weights<const T>(base, coef, scale),
            .mask = matrix<const T>(mask),
        };
    }
};

// Calls work with a number of the layer's precision, without Python's lock.
template <class Work>
void in_precision(const Layer& layer, Work work) {
    nb::gil_scoped_release released;
    if (layer.twice)
        work(double{});
    else
        work(float{});
}

void forward(const Layer& layer, const Strided& y, Address mean, Address covariance, int threads) {
    in_precision(layer, [&]<class T>(T) {
        const ascribe::Moments moments{at<double>(mean), at<double>(covariance)};
        operations<T>().forward(layer.as<T>(), matrix<T>(y), mean == 0 ? nullptr : &moments, threads);
    });
}

void backward(
    const Layer& layer, const Strided& gy, const Strided& pull, Address mean, Address covariance, Address drift,
    Address centre, const Strided& gx, const Strided& to_base, const Coefficients& to_coef, const Strided& to_scale,
    int threads
) {
    in_precision(layer, [&]<class T>(T) {
        const ascribe::Pull<T> pulled{
            matrix<const T>(pull), at<const double>(mean), at<const double>(covariance), at<const double>(drift),
            at<const double>(centre)};
        const ascribe::Weights<T> gw = weights<T>(to_base, to_coef, to_scale);
        operations<T>().backward(
            layer.as<T>(), matrix<const T>(gy), pulled, matrix<T>(gx),
            to_base[0] == 0 ? nullptr : &gw, threads);
    });
}

void spreads(const Layer& layer, Address covariance, double smoothing, const Strided& to) {
    in_precision(layer, [&]<class T>(T) {
        operations<T>().spreads(layer.as<T>(), at<const double>(covariance), smoothing, matrix<T>(to));
    });
}

void design(const Layer& layer, int derivative, Address to, int threads) {
    in_precision(layer, [&]<class T>(T) { operations<T>().design(layer.as<T>(), derivative, at<T>(to), threads); });
}

void deviations(bool twice, const Strided& x, Index n, Index columns, Address mean, Address deviation) {
    const auto work = [&]<class T>(T) {
        operations<T>().deviations(matrix<const T>(x), n, columns, at<double>(mean), at<double>(deviation));
    };
    twice ? work(double{}) : work(float{});
}

double sparsity(
    bool twice, const Strided& root, Address deviation, Index inputs, Index outputs, const std::array<double, 4>& by,
    const Strided& pull, const Strided& stiffness, Address to_deviation
) {
    const auto work = [&]<class T>(T) {
        return ascribe::sparsity<T>(
            matrix<const T>(root), at<const double>(deviation), inputs, outputs, {by[0], by[1], by[2], by[3]},
            matrix<T>(pull), matrix<T>(stiffness), at<double>(to_deviation));
    };
    return twice ? work(double{}) : work(float{});
}

}  // namespace

void bind_splines(nb::module_& m) {
    nb::class_<Layer>(m, "Layer", "A layer of edges as plain memory; its owner keeps the memory alive.")
        .def(
            "__init__",
            [](Layer* layer, bool twice, const Sizes& sizes, const Strided& x, Address knots, const Strided& base,
               const Coefficients& coef, const Strided& scale, const Strided& mask) {
                new (layer) Layer{twice, sizes, x, base, scale, mask, coef, knots};
            },
            "twice"_a, "sizes"_a, "x"_a, "knots"_a, "base"_a, "coef"_a, "scale"_a, "mask"_a);
    m.def("forward", forward, "layer"_a, "y"_a, "mean"_a, "covariance"_a, "threads"_a);
    m.def(
        "backward", backward, "layer"_a, "gy"_a, "pull"_a, "mean"_a, "covariance"_a, "drift"_a, "centre"_a, "gx"_a,
        "to_base"_a, "to_coef"_a, "to_scale"_a, "threads"_a);
    m.def("spreads", spreads, "layer"_a, "covariance"_a, "smoothing"_a, "to"_a);
    m.def(
        "deviations", deviations, "twice"_a, "x"_a, "n"_a, "columns"_a, "mean"_a, "deviation"_a);
    m.def(
        "sparsity", sparsity, "twice"_a, "root"_a, "deviation"_a, "inputs"_a, "outputs"_a, "by"_a, "pull"_a,
        "stiffness"_a, "to_deviation"_a);
    m.def("design", design, "layer"_a, "derivative"_a, "to"_a, "threads"_a);
}
