// Every term of every input, or a derivative of any order. Included inside the namespace of an instruction set.

// The derivative of sigmoid as a polynomial in sigmoid: each step is P' (s - s^2). Coefficients of 1, s, s^2, ...
inline void sigmoid_polynomial(int derivative, double* p) {
    for (int k = 0; k <= derivative + 1; ++k) p[k] = k == 1 ? 1.0 : 0.0;
    for (int d = 0; d < derivative; ++d)
        for (int k = d + 2; k > 0; --k) p[k] = double(k) * p[k] - double(k - 1) * p[k - 1];
}

template <class T>
inline Vec<T> evaluate(const double* p, int degree, Vec<T> s) {
    Vec<T> value = all<T>(T(p[degree]));
    for (int k = degree - 1; k >= 0; --k) value = value * s + T(p[k]);
    return value;
}

template <class T>
inline bool any(Bits<T> mask) {
    bool found = false;
    for (int l = 0; l < lanes<T>; ++l) found |= mask[l] != 0;
    return found;
}

template <class T>
inline Vec<T> base_derivative(Base base, Vec<T> x, int derivative, const double* p, const double* before) {
    if (base == Base::silu) {
        const Vec<T> s = sigmoid<T>(x);
        const Vec<T> value = x * evaluate<T>(p, derivative + 1, s);
        return derivative == 0 ? value : value + T(derivative) * evaluate<T>(before, derivative, s);
    }
    const Vec<T> zero = x * T(0);
    if (base == Base::identity && derivative == 0) return x;
    return base == Base::identity && derivative == 1 ? zero + T(1) : zero;
}

constexpr int highest_derivative = 30;

// The bases at a register of samples; the last `derivative` levels of the recursion take its other form.
template <class T>
inline void differentiate(const Knots<T>& t, Vec<T> x, int derivative, Vec<T>* v) {
    const Vec<T> zero{};
    for (int m = 0; m < t.count; ++m) {
        const Vec<T> from = x >= t.thresholds[m] ? zero + T(1) : zero;
        const Vec<T> to = m + 1 < t.count && !(t.linear && m + 1 > t.bases() - 1)
                              ? (x >= t.thresholds[m + 1] ? zero + T(1) : zero)
                              : zero;
        v[m] = t.linear && m == t.order ? T(1) - to : from - to;
        if (m + 1 == t.count || (t.linear && (m < t.order || m >= t.bases()))) v[m] = zero;
    }
    for (int level = 1; level <= t.order; ++level) {
        const T* lengths = t.lengths(level);
        for (int m = 0; m + 1 + level < t.count; ++m) {
            const Vec<T> here = v[m] * lengths[m], next = v[m + 1] * lengths[m + 1];
            v[m] = level > t.order - derivative ? (here - next) * T(level)
                                                : (x - t.at[m]) * here - (x - t.at[m + level + 1]) * next;
        }
    }
    if (derivative > t.order)
        for (int m = 0; m < t.bases(); ++m) v[m] = x * T(0);
}

// (inputs, terms, n), contiguous.
template <class T>
void design(const Layer<T>& layer, int derivative, T* to, int threads) {
    const Grids<T> grids(layer);
    double p[highest_derivative + 2], before[highest_derivative + 2];
    sigmoid_polynomial(derivative, p);
    sigmoid_polynomial(derivative > 0 ? derivative - 1 : 0, before);
    auto work = [&](Index, Index first, Index last) {
        Scratch<Vec<T>> v(2 * layer.knot_count());
        Vec<T>* slope = v + layer.knot_count();
        for (Index i = first; i < last; ++i) {
            const Knots<T> t = grids[i];
            T* rows = to + i * layer.terms() * layer.n;
            for (Index s = 0; s < layer.n; s += lanes<T>) {
                const int count = static_cast<int>(layer.n - s < lanes<T> ? layer.n - s : lanes<T>);
                Vec<T> x{};
                for (int l = 0; l < count; ++l) x[l] = layer.x(s + l, i);
                const Vec<T> inside = t.linear ? clamp<T>(x, t.low(), t.high()) : x;
                differentiate<T>(t, inside, derivative, v);
                if (t.linear && derivative == 0) {
                    const Vec<T> beyond = x - inside;
                    if (any<T>(beyond != T(0))) {
                        differentiate<T>(t, inside, 1, slope);
                        for (int m = 0; m < t.bases(); ++m) v[m] += beyond * slope[m];
                    }
                } else if (t.linear && derivative > 1) {
                    for (int m = 0; m < t.bases(); ++m) v[m] = x == inside ? v[m] : x * T(0);
                }
                const Vec<T> base = base_derivative<T>(t.base, x, derivative, p, before);
                for (int l = 0; l < count; ++l) {
                    rows[s + l] = base[l];
                    for (int m = 0; m < t.bases(); ++m) rows[(m + 1) * layer.n + s + l] = v[m][l];
                }
            }
        }
    };
    spread_over(layer.inputs, threads, work);
}
