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

// A tile of J outputs whose coefficients are neighbours in memory, as a KANLayer keeps them: in whole registers.
template <class T, int J>
struct Whole {
    alignas(64) T mask[J], scale[J];

    static bool is(const Weights<const T>& w, Index first, Index outputs) {
        return w.coef.column == 1 && first + J <= outputs;
    }
    Whole(const Layer<T>& layer, Index i, Index first) {
        for (int j = 0; j < J; ++j) {
            mask[j] = mask_of(layer, i, first + j);
            scale[j] = mask[j] * scale_of(layer.weights, i, first + j);
        }
    }
};

// The folded weights of an input and a tile of outputs, (terms, J); 0 beyond the last output. Says whether there is an
// edge that is not masked.
template <class T, int J>
inline bool fold_tile(const Layer<T>& layer, Index i, Index first, T* to) {
    const Weights<const T>& w = layer.weights;
    bool live = false;
    if (!Whole<T, J>::is(w, first, layer.outputs)) {
        for (int j = 0; j < J; ++j) live |= fold(layer, i, first + j, to + j, J);
        return live;
    }
    const Whole<T, J> by(layer, i, first);
    for (int j = 0; j < J; ++j) {
        live |= by.mask[j] != T(0);
        to[j] = by.mask[j] != T(0) ? by.mask[j] * w.base(i, first + j) : T(0);
    }
    const T* coef = &w.coef(i, first);
    for (int j = 0; j < J && live; j += lanes<T>) {
        const Vec<T> scale = load(by.scale + j);
        const Bits<T> open = load(by.mask + j) != T(0);
        for (int m = 0; m < layer.bases; ++m) {
            const Vec<T> folded = scale * load(coef + m * w.step + j);
            store(to + (m + 1) * J + j, open ? folded : Vec<T>{});
        }
    }
    return live;
}

// The gradients in the weights of a tile of edges from those in their folded weights: set, or added.
template <class T, int J>
inline void unfold_tile(
    const Layer<T>& layer, Index i, Index first, const T* gradient, const Weights<T>& to, bool add
) {
    const Weights<const T>& w = layer.weights;
    if (!Whole<T, J>::is(w, first, layer.outputs) || to.coef.column != 1) {
        for (int j = 0; j < J && first + j < layer.outputs; ++j)
            unfold<T>(layer, i, first + j, gradient + j, J, to, add);
        return;
    }
    const Whole<T, J> by(layer, i, first);
    const T* coef = &w.coef(i, first);
    T* to_coef = &to.coef(i, first);
    alignas(64) T along[J];
    for (int j = 0; j < J; j += lanes<T>) {
        const Vec<T> scale = load(by.scale + j);
        Vec<T> total{};
        for (int m = 0; m < layer.bases; ++m) {
            const Vec<T> g = load(gradient + (m + 1) * J + j);
            T* at = to_coef + m * to.step + j;
            total += load(coef + m * w.step + j) * g;
            store(at, add ? load(at) + scale * g : scale * g);
        }
        store(along + j, total);
    }
    for (int j = 0; j < J; ++j) {
        to.base(i, first + j) = (add ? to.base(i, first + j) : T(0)) + by.mask[j] * gradient[j];
        if (to.scale) to.scale(i, first + j) = (add ? to.scale(i, first + j) : T(0)) + by.mask[j] * along[j];
    }
}
