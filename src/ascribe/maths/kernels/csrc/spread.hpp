// The spread of every edge and what it adds to gradients. Included inside the namespace of an instruction set.
//
// Edges of one input lie side by side in registers of float64: C w of a register of edges is one multiplication each.

// Calls take(a, w_a, (C w)_a), term by term, with a register of edges of one input: column l of `w`, (terms, J).
template <int J, class T, class Take>
inline void multiply(const double* covariance, int terms, const T* w, int l, double* scratch, Take take) {
    for (int a = 0; a < terms; ++a) store(scratch + a * lanes<double>, widen(w + a * J + l));
    for (int a = 0; a < terms; ++a) {
        Vec<double> even{}, odd{};
        int b = 0;
        for (; b + 1 < terms; b += 2) {
            even += covariance[a * terms + b] * load(scratch + b * lanes<double>);
            odd += covariance[a * terms + b + 1] * load(scratch + (b + 1) * lanes<double>);
        }
        if (b < terms) even += covariance[a * terms + b] * load(scratch + b * lanes<double>);
        take(a, load(scratch + a * lanes<double>), even + odd);
    }
}

// sqrt(w C w + smoothing^2) of every edge.
template <class T>
void spreads(const Layer<T>& layer, const double* covariance, double smoothing, Matrix<T> to) {
    constexpr int J = lanes<T>;
    const int terms = layer.terms();
    Scratch<T> w(terms * J);
    Scratch<double> scratch(terms * lanes<double>);
    for (Index i = 0; i < layer.inputs; ++i) {
        for (Index j = 0; j < layer.outputs; j += J) {
            alignas(64) double spread[J] = {};
            if (fold_tile<T, J>(layer, i, j, w))
                for (int l = 0; l < J; l += lanes<double>) {
                    Vec<double> variance{};
                    multiply<J>(
                        covariance + i * terms * terms, terms, static_cast<const T*>(w), l, scratch,
                        [&](int, Vec<double> weight, Vec<double> towards) { variance += weight * towards; });
                    store(spread + l, variance);
                }
            for (int l = 0; l < J; ++l)
                spread[l] = __builtin_sqrt((spread[l] > 0 ? spread[l] : 0) + smoothing * smoothing);
            for (int l = 0; l < J && j + l < layer.outputs; ++l) to(i, j + l) = T(spread[l]);
        }
    }
}

// Adds pull * C w to the gradient in the folded weights w of V registers of edges of input i, from output j on.
template <class T, int V>
inline void pull_weights(
    const Layer<T>& layer, Index i, Index j, const Pull<T>& pull, const T* w, double* scratch, T* gradient
) {
    constexpr int J = V * lanes<T>;
    const int terms = layer.terms();
    alignas(64) double by[J], pulled[lanes<double>];
    for (int l = 0; l < J; ++l) by[l] = j + l < layer.outputs ? double(pull.pull(i, j + l)) : 0.0;
    for (int l = 0; l < J; l += lanes<double>)
        multiply<J>(
            pull.covariance + i * terms * terms, terms, w, l, scratch, [&](int a, Vec<double>, Vec<double> towards) {
                store(pulled, load(by + l) * towards);
                for (int k = 0; k < lanes<double>; ++k) gradient[a * J + l + k] += T(pulled[k]);
            });
}

// The same for one edge.
template <class T>
inline void pull_weights(const Layer<T>& layer, Index i, Index j, const Pull<T>& pull, const T* w, T* gradient) {
    const int terms = layer.terms();
    const double* covariance = pull.covariance + i * terms * terms;
    for (int a = 0; a < terms; ++a) {
        double towards = 0;
        for (int b = 0; b < terms; ++b) towards += covariance[a * terms + b] * double(w[b]);
        gradient[a] += T(double(pull.pull(i, j)) * towards);
    }
}

// With M = sum_j pull_j w_j w_j' / (n - 1): (terms, terms) of M and then the terms of M times the mean.
template <class T>
void mixing(const Layer<T>& layer, Index i, const Pull<T>& pull, double* m) {
    const int terms = layer.terms();
    Scratch<double> w(terms);
    for (int k = 0; k < terms * terms + terms; ++k) m[k] = 0;
    for (Index j = 0; j < layer.outputs; ++j) {
        if (!fold<T, double>(layer, i, j, w, 1)) continue;
        const double share = double(pull.pull(i, j)) / double(layer.n > 1 ? layer.n - 1 : 1);
        for (int a = 0; a < terms; ++a) {
            const double weight = share * w[a];
            for (int b = 0; b < terms; ++b) m[a * terms + b] += weight * w[b];
        }
    }
    for (int a = 0; a < terms; ++a)
        for (int b = 0; b < terms; ++b) m[terms * terms + a] += m[a * terms + b] * pull.mean[i * terms + b];
}

// Adds sum_a slope_a (M (value - mean))_a at a block of samples to their gradient.
template <class T, int Stride>
void pull_samples(const Knots<T>& t, const double* m, const Tile<T, Stride>& tile, T* gradient) {
    const int terms = t.bases() + 1;
    const double* offset = m + terms * terms;
    if (t.dense()) {
        for (int a = 0; a < terms; ++a) {
            Vec<T> mixed[block_registers];
            for (int r = 0; r < block_registers; ++r) mixed[r] = all<T>(T(-offset[a]));
            for (int b = 0; b < terms; ++b) {
                const T weight = T(m[a * terms + b]);
                for (int r = 0; r < block_registers; ++r)
                    mixed[r] += weight * load(tile.values + b * Stride + r * lanes<T>);
            }
            for (int r = 0; r < block_registers; ++r) {
                T* at = gradient + r * lanes<T>;
                store(at, load(at) + mixed[r] * load(tile.slopes + a * Stride + r * lanes<T>));
            }
        }
        return;
    }
    for (int s = 0; s < block<T>; ++s) {
        const int window = tile.window[s];
        double total = 0;
        for (int a = 0; a <= t.order + 1; ++a) {
            const double* row = m + (a == 0 ? 0 : window + a) * terms;
            double mixed = row[0] * tile.values[s] - offset[a == 0 ? 0 : window + a];
            for (int b = 0; b <= t.order; ++b) mixed += row[1 + window + b] * double(tile.values[(b + 1) * Stride + s]);
            total += mixed * double(tile.slopes[a * Stride + s]);
        }
        gradient[s] += T(total);
    }
}
