// The regulariser of a layer and its gradient, from the spreads of its edges.
#pragma once

#include "layer.hpp"

namespace ascribe {

// What the regulariser multiplies its parts by, and what keeps the square root of a spread smooth.
struct Sparsity {
    double l1, entropy, lamb, smoothing;
};

// With s = root - smoothing, v_ij = s_ij / (deviation_i + 0.1) and p = v / (sum v + 1) along rows or columns:
// returns l1 sum v + entropy (H_rows + H_columns), H the mean over rows (columns) of -sum p log2(p + 1e-4). Writes, all
// times lamb, the gradient in s over root (pull), its positive part (stiffness), and the gradient in the deviations.
template <class T>
double sparsity(
    Matrix<const T> root, const double* deviation, Index inputs, Index outputs, const Sparsity& by, Matrix<T> pull,
    Matrix<T> stiffness, double* to_deviation);

}  // namespace ascribe
