// The terms of one input at a block of samples. Included inside the namespace of an instruction set.
//
// With r^p_m = 1 / (t_{m+p} - t_m), or 0 where knots coincide, and C = r^p B^{p-1}:
//   B^p_m = (x - t_m) C_m - (x - t_{m+p+1}) C_{m+1},   d/dx B^p_m = p (C_m - C_{m+1}).
// Few cells: all bases of a register of samples at once. Many cells: only the order + 1 that are not 0, one by one.

constexpr int dense_knots = 64;  // knots up to which all bases are made
constexpr int highest_order = 15;
constexpr int block_registers = 8;
// Samples that are worked on together: as many sums as hide the latency of a multiplication.
template <class T>
constexpr int block = block_registers * lanes<T>;

// What depends on the knots of one input alone.
template <class T>
struct Knots {
    const T* at;
    const T* thresholds;   // a sample has entered cell m when x >= thresholds[m]
    const T* reciprocals;  // (order, count)
    int order, count;
    bool linear;
    Base base;

    int bases() const { return count - order - 1; }
    int cells() const { return bases() - order; }
    T low() const { return at[order]; }
    T high() const { return at[bases()]; }
    bool dense() const { return count <= dense_knots; }
    // Rows of a tile: the base function, and all bases or those that are not 0.
    int rows() const { return 1 + (dense() ? bases() : order + 1); }
    const T* lengths(int level) const { return reciprocals + (level - 1) * count; }
};

// The tables of all inputs of a layer.
template <class T>
class Grids {
   public:
    explicit Grids(const Layer<T>& layer)
        : layer_(layer), stride_(Index{layer.knot_count()} * (layer.order + 1)), memory_(layer.inputs * stride_) {
        const int count = layer.knot_count(), order = layer.order, bases = layer.bases;
        const T infinity = __builtin_huge_valf();
        for (Index i = 0; i < layer.inputs; ++i) {
            const T* t = layer.knots + i * count;
            T* thresholds = memory_ + i * stride_;
            for (int m = 0; m < count; ++m) {
                thresholds[m] = t[m];
                // Clamped samples lie in the grid proper, and its last cell with a width owns the right end.
                if (layer.linear) thresholds[m] = m <= order ? -infinity : m >= bases || t[m] >= t[bases] ? infinity : t[m];
            }
            for (int level = 1; level <= order; ++level) {
                T* lengths = thresholds + level * count;
                for (int m = 0; m < count; ++m) {
                    const T length = m + level < count ? t[m + level] - t[m] : T(0);
                    lengths[m] = length > tiny() ? T(1) / length : T(0);
                }
            }
        }
    }

    Knots<T> operator[](Index i) const {
        const T* thresholds = memory_ + i * stride_;
        const int count = layer_.knot_count();
        return {layer_.knots + i * count, thresholds, thresholds + count, layer_.order, count, layer_.linear, layer_.base};
    }

   private:
    static constexpr T tiny() { return sizeof(T) == 4 ? T(1.17549435e-38) : T(2.2250738585072014e-308); }

    const Layer<T>& layer_;
    Index stride_;
    Scratch<T> memory_;
};

template <class T>
inline Vec<T> clamp(Vec<T> x, T low, T high) {
    x = x < low ? all<T>(low) : x;  // NaN is neither, and stays
    return x > high ? all<T>(high) : x;
}

template <class T>
inline void base_function(Base base, Vec<T> x, Vec<T>& value, Vec<T>& slope) {
    if (base == Base::silu) {
        const Vec<T> s = sigmoid<T>(x);
        value = x * s;
        slope = s + value * (T(1) - s);
    } else {
        const Vec<T> zero = x * T(0);  // NaN stays NaN
        value = base == Base::identity ? x : zero;
        slope = base == Base::identity ? zero + T(1) : zero;
    }
}

// The terms of one input at a block of samples, row after row: what is made, used and forgotten.
template <class T, int Stride = block<T>>
struct Tile {
    T* values;   // rows, Stride apart
    T* slopes;   // the same, or null
    int* window; // of each sample, the first basis that is not 0
};

// All bases of a register of samples, one after the other, and the cells that the samples have entered.
//
// A basis of degree p needs two of degree p - 1, so all degrees can be raised together while the knots go by: of each
// degree only the last basis is remembered, in registers. As (t_{m+p+1} - x) C_{m+1} = B^{p-1}_{m+1} - (x - t_{m+1})
// C_{m+1}, each basis takes one product. Samples at `beyond` from the grid go on along the slope at its end.
template <class T, int Stride, int Order, bool Slopes, bool Outside>
inline Vec<T> recur(const Knots<T>& t, Vec<T> x, Vec<T> beyond, T* values, T* slopes) {
    constexpr int room = Order < 0 ? highest_order + 1 : Order + 1;
    const int order = Order < 0 ? t.order : Order;
    const Vec<T> zero{};
    Vec<T> rising[room] = {}, distance[room] = {}, scaled = zero;
    const int first = t.linear ? order : 0, end = t.linear ? t.bases() : t.count - 1;
    // Where all knots coincide there is no cell to be in.
    Vec<T> before = t.linear ? all<T>(t.high() > t.low() ? T(1) : T(0)) : x >= t.thresholds[0] ? zero + T(1) : zero;
    Vec<T> entered = before;
    if (t.linear)
        for (int level = 0; level < order; ++level) distance[level] = x - t.at[order - 1 - level];
    for (int m = first; m < t.bases() + order; ++m) {
        Vec<T> basis = zero;
        if (m < end) {
            const Vec<T> after = x >= t.thresholds[m + 1] ? zero + T(1) : zero;
            basis = before - after;
            entered += after;
            before = after;
        }
        for (int level = order; level > 0; --level) distance[level] = distance[level - 1];
        distance[0] = x - t.at[m];
        Vec<T> slope = x * T(0);
        for (int level = 1; level <= order; ++level) {
            const int k = m - level + 1;  // of the basis that is raised
            if (k < 0) break;
            const Vec<T> share = basis * t.lengths(level)[k], falling = distance[level - 1] * share;
            if (level == order) {
                if constexpr (Slopes || Outside) slope = (scaled - share) * T(level);
                scaled = share;
            }
            basis = rising[level] + (basis - falling);
            rising[level] = falling;
        }
        if (m < order) continue;
        if constexpr (Outside) basis += beyond * slope;
        store(values + (m - order) * Stride, basis);
        if constexpr (Slopes) store(slopes + (m - order) * Stride, slope);
    }
    return entered;
}

template <class T, int Stride, int Order, bool Slopes, bool Outside>
inline void fill_dense(const Knots<T>& t, const T* x, const Tile<T, Stride>& tile) {
    const T last = T(t.cells() - 1), offset = T(t.linear ? 1 : t.order + 1);
    for (int s = 0; s < block<T>; s += lanes<T>) {
        const Vec<T> at = load(x + s);
        Vec<T> value, slope;
        base_function<T>(t.base, at, value, slope);
        store(tile.values + s, value);
        if constexpr (Slopes) store(tile.slopes + s, slope);
        const Vec<T> inside = Outside ? clamp<T>(at, t.low(), t.high()) : at;
        const Vec<T> entered = recur<T, Stride, Order, Slopes, Outside>(
            t, inside, at - inside, tile.values + Stride + s, Slopes ? tile.slopes + Stride + s : nullptr);
        const auto window = __builtin_convertvector(clamp<T>(entered - offset, T(0), last), typename Register<T>::Integers);
        __builtin_memcpy(tile.window + s, &window, sizeof window);
    }
}

template <class T, bool Slopes, int Stride>
inline void fill_dense(const Knots<T>& t, const T* x, const Tile<T, Stride>& tile) {
    int outside = 0;
    for (int s = 0; s < block<T>; ++s) outside |= (x[s] < t.low()) | (x[s] > t.high());
    const auto of_order = [&]<int Order>() {
        if (outside && t.linear)
            fill_dense<T, Stride, Order, Slopes, true>(t, x, tile);
        else
            fill_dense<T, Stride, Order, Slopes, false>(t, x, tile);
    };
    if (t.order == 3)
        of_order.template operator()<3>();
    else
        of_order.template operator()<-1>();
}

// The bases that are not 0 at one sample, of which there are order + 1 at most.
template <class T, int Stride, bool Slopes>
inline void fill_local(const Knots<T>& t, T at, T* values, T* slopes, int* window) {
    const int order = t.order;
    const T low = t.low(), high = t.high();
    const T x = !t.linear ? at : at < low ? low : at > high ? high : at;
    int first = 0, after = t.count;  // thresholds[first] <= x < thresholds[after], as far as there are any
    while (after - first > 1) {
        const int middle = (first + after) / 2;
        (x >= t.thresholds[middle] ? first : after) = middle;
    }
    const int cell = t.linear && first < order ? order : first;
    const bool in = t.linear || (x >= t.thresholds[0] && first < t.count - 1);
    const int start = cell - order < 0 ? 0 : cell - order > t.cells() - 1 ? t.cells() - 1 : cell - order;
    *window = start;
    // v[j] is basis cell - order + j of the level reached; those before the first knot or after the last are 0.
    T v[highest_order + 2] = {}, slope[highest_order + 2] = {};
    v[order] = in || x != x ? T(1) : T(0);
    for (int level = 1; level <= order; ++level) {
        const T* lengths = t.lengths(level);
        T here = 0;
        for (int j = order - level; j <= order; ++j) {
            const int m = cell - order + j;
            if (j == order - level) here = 0;
            const bool next_is = m + 1 >= 0 && m + 1 + level < t.count && j < order;
            const T next = next_is ? v[j + 1] * lengths[m + 1] : T(0);
            const bool is = m >= 0 && m + level + 1 < t.count;
            v[j] = is ? (x - t.at[m]) * here - (x - t.at[m + level + 1]) * next : T(0);
            slope[j] = is ? (here - next) * T(level) : T(0);
            here = next;
        }
    }
    const T beyond = at - x;
    const int shift = start - (cell - order);
    for (int j = 0; j <= order; ++j) {
        const int from = j + shift;
        const bool is = from >= 0 && from <= order;
        const T d = is && order > 0 ? slope[from] : x * T(0);
        values[(j + 1) * Stride] = (is ? v[from] : T(0)) + (beyond != T(0) ? beyond * d : T(0));
        if constexpr (Slopes) slopes[(j + 1) * Stride] = d;
    }
}

template <class T, bool Slopes, int Stride>
inline void fill(const Knots<T>& t, const T* x, const Tile<T, Stride>& tile) {
    if (t.dense()) return fill_dense<T, Slopes>(t, x, tile);
    for (int s = 0; s < block<T>; s += lanes<T>) {
        Vec<T> value, slope;
        base_function<T>(t.base, load(x + s), value, slope);
        store(tile.values + s, value);
        if constexpr (Slopes) store(tile.slopes + s, slope);
    }
    for (int s = 0; s < block<T>; ++s)
        fill_local<T, Stride, Slopes>(t, x[s], tile.values + s, Slopes ? tile.slopes + s : nullptr, tile.window + s);
}

// One input's samples from `row` on, contiguous: where they lie, or in `memory` with 0 after the last.
template <class T>
inline const T* gather(const Layer<T>& layer, Index i, Index row, T* memory) {
    if (layer.x.row == 1 && layer.n - row >= block<T>) return &layer.x(row, i);
    const Index count = layer.n - row < block<T> ? layer.n - row : block<T>;
    for (Index s = 0; s < count; ++s) memory[s] = layer.x(row + s, i);
    for (Index s = count; s < block<T>; ++s) memory[s] = T(0);
    return memory;
}
