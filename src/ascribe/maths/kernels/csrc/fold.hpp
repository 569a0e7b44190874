// Weights of edges as the kernels multiply them. Included inside the namespace of an instruction set.

template <class T>
inline T mask_of(const Layer<T>& layer, Index i, Index j) {
    return layer.mask ? layer.mask(i, j) : T(1);
}

template <class T>
inline T scale_of(const Weights<const T>& w, Index i, Index j) {
    return w.scale ? w.scale(i, j) : T(1);
}

// One weight a term of edge (i, j), `step` apart; 0 for outputs beyond the last. Says whether the edge does anything.
template <class T, class To>
inline bool fold(const Layer<T>& layer, Index i, Index j, To* to, int step) {
    const Weights<const T>& w = layer.weights;
    const T mask = j < layer.outputs ? mask_of(layer, i, j) : T(0);
    if (mask == T(0)) {
        for (int t = 0; t < layer.terms(); ++t) to[t * step] = To(0);
        return false;
    }
    const T scale = mask * scale_of(w, i, j);
    const T* coef = &w.coef(i, j);
    to[0] = To(mask * w.base(i, j));
    for (int m = 0; m < layer.bases; ++m) to[(m + 1) * step] = To(scale * coef[m * w.step]);
    return true;
}

// The gradient in the weights of an edge from the one in its folded weights, `step` apart: set, or added.
template <class T>
inline void unfold(
    const Layer<T>& layer, Index i, Index j, const T* gradient, int step, const Weights<T>& to, bool add
) {
    const Weights<const T>& w = layer.weights;
    const T mask = mask_of(layer, i, j), scale = mask * scale_of(w, i, j);
    const T* coef = &w.coef(i, j);
    T* to_coef = &to.coef(i, j);
    T along = 0;
    for (int m = 0; m < layer.bases; ++m) {
        const T g = gradient[(m + 1) * step];
        along += coef[m * w.step] * g;
        to_coef[m * to.step] = (add ? to_coef[m * to.step] : T(0)) + scale * g;
    }
    to.base(i, j) = (add ? to.base(i, j) : T(0)) + mask * gradient[0];
    if (to.scale) to.scale(i, j) = (add ? to.scale(i, j) : T(0)) + mask * along;
}

// A register of neighbours in a row, wherever they lie.
template <class T>
inline Vec<T> load_row(const Matrix<const T>& m, Index i, Index j) {
    if (m.column == 1) return load(&m(i, j));
    Vec<T> v;
    for (int l = 0; l < lanes<T>; ++l) v[l] = m(i, j + l);
    return v;
}

template <class T>
inline void store_row(const Matrix<T>& m, Index i, Index j, Vec<T> v, bool add) {
    if (m.column == 1) {
        T* to = &m(i, j);
        return store(to, add ? load(static_cast<const T*>(to)) + v : v);
    }
    for (int l = 0; l < lanes<T>; ++l) m(i, j + l) = add ? m(i, j + l) + v[l] : v[l];
}

template <class T>
inline Vec<T> mask_row(const Layer<T>& layer, Index i, Index j) {
    return layer.mask ? load_row(layer.mask, i, j) : all<T>(1);
}

template <class T>
inline Vec<T> scale_row(const Layer<T>& layer, Index i, Index j) {
    return layer.weights.scale ? load_row(layer.weights.scale, i, j) : all<T>(1);
}

// Coefficient m of every edge.
template <class T>
inline Matrix<T> coefficient(const Weights<T>& w, int m) {
    return {w.coef.at + m * w.step, w.coef.row, w.coef.column};
}

// The folded weights of an input and a tile of outputs, (terms, J); 0 beyond the last output. Says whether there is an
// edge that is not masked.
template <class T, int J>
inline bool fold_tile(const Layer<T>& layer, Index i, Index first, T* to) {
    const Weights<const T>& w = layer.weights;
    bool live = false;
    if (first + J > layer.outputs) {
        for (int j = 0; j < J; ++j) live |= fold(layer, i, first + j, to + j, J);
        return live;
    }
    for (int j = 0; j < J; j += lanes<T>) {
        const Vec<T> mask = mask_row(layer, i, first + j), scale = mask * scale_row(layer, i, first + j);
        const Bits<T> open = mask != T(0);
        const Vec<T> base = mask * load_row(w.base, i, first + j);
        store(to + j, open ? base : Vec<T>{});
        for (int m = 0; m < layer.bases; ++m) {
            const Vec<T> folded = scale * load_row(coefficient(w, m), i, first + j);
            store(to + (m + 1) * J + j, open ? folded : Vec<T>{});
        }
        live |= sum<T>(open ? all<T>(1) : Vec<T>{}) > T(0);
    }
    return live;
}

// The gradients in the weights of a tile of edges from those in their folded weights: set, or added.
template <class T, int J>
inline void unfold_tile(
    const Layer<T>& layer, Index i, Index first, const T* gradient, const Weights<T>& to, bool add
) {
    const Weights<const T>& w = layer.weights;
    if (first + J > layer.outputs) {
        for (int j = 0; j < J && first + j < layer.outputs; ++j)
            unfold<T>(layer, i, first + j, gradient + j, J, to, add);
        return;
    }
    for (int j = 0; j < J; j += lanes<T>) {
        const Vec<T> mask = mask_row(layer, i, first + j), scale = mask * scale_row(layer, i, first + j);
        Vec<T> along{};
        for (int m = 0; m < layer.bases; ++m) {
            const Vec<T> g = load(gradient + (m + 1) * J + j);
            along += load_row(coefficient(w, m), i, first + j) * g;
            store_row(coefficient(to, m), i, first + j, scale * g, add);
        }
        store_row(to.base, i, first + j, mask * load(gradient + j), add);
        if (to.scale) store_row(to.scale, i, first + j, mask * along, add);
    }
}
