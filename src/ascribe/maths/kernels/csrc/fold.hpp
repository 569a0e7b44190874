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
