#include "sparsity.hpp"

#include <cmath>
#include <vector>

namespace ascribe {

namespace {

// Adds the gradient of the mean entropy of `rows` rows of v, of `columns` entries, and returns that entropy.
template <class Values, class Gradient>
double add_entropy(Index rows, Index columns, double factor, const Values& v, const Gradient& gradient) {
    constexpr double log2_e = 1.4426950408889634;
    double entropy = 0;
    std::vector<double> slope(static_cast<std::size_t>(columns));
    for (Index i = 0; i < rows; ++i) {
        double total = 1;
        for (Index j = 0; j < columns; ++j) total += v(i, j);
        double mean = 0;
        for (Index j = 0; j < columns; ++j) {
            const double p = v(i, j) / total, logarithm = std::log2(p + 1e-4);
            entropy -= p * logarithm;
            slope[static_cast<std::size_t>(j)] = logarithm + log2_e * p / (p + 1e-4);
            mean += slope[static_cast<std::size_t>(j)] * p;
        }
        for (Index j = 0; j < columns; ++j)
            gradient(i, j) -= factor * (slope[static_cast<std::size_t>(j)] - mean) / (total * static_cast<double>(rows));
    }
    return entropy / static_cast<double>(rows);
}

}  // namespace

template <class T>
double sparsity(
    Matrix<const T> root, const double* deviation, Index inputs, Index outputs, const Sparsity& by, Matrix<T> pull,
    Matrix<T> stiffness, double* to_deviation
) {
    const auto size = static_cast<std::size_t>(inputs * outputs);
    std::vector<double> v(size), gradient(size, by.l1);
    double sum = 0;
    for (Index i = 0; i < inputs; ++i)
        for (Index j = 0; j < outputs; ++j) {
            const double value = (static_cast<double>(root(i, j)) - by.smoothing) / (deviation[i] + 0.1);
            v[static_cast<std::size_t>(i * outputs + j)] = value;
            sum += value;
        }
    const Matrix<double> values{v.data(), outputs, 1}, slopes{gradient.data(), outputs, 1};
    const Matrix<double> turned{v.data(), 1, outputs}, turned_slopes{gradient.data(), 1, outputs};
    const double rows = add_entropy(inputs, outputs, by.entropy, values, slopes);
    const double columns = add_entropy(outputs, inputs, by.entropy, turned, turned_slopes);
    for (Index i = 0; i < inputs; ++i) {
        const double scale = by.lamb / (deviation[i] + 0.1);
        double along = 0;
        for (Index j = 0; j < outputs; ++j) {
            const double slope = scale * slopes(i, j), over = slope / static_cast<double>(root(i, j));
            pull(i, j) = static_cast<T>(over);
            stiffness(i, j) = static_cast<T>(over > 0 ? over : 0.0);
            along += slope * values(i, j);
        }
        to_deviation[i] = -along;
    }
    return by.l1 * sum + by.entropy * (rows + columns);
}

template double sparsity(
    Matrix<const float>, const double*, Index, Index, const Sparsity&, Matrix<float>, Matrix<float>, double*);
template double sparsity(
    Matrix<const double>, const double*, Index, Index, const Sparsity&, Matrix<double>, Matrix<double>, double*);

}  // namespace ascribe
