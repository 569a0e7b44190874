// Layers of many outputs: outputs lie in the lanes of a register. Included inside the namespace of an instruction set.
//
// Of the terms of a sample only the base function and order + 1 B-splines are not 0, so an edge costs order + 2
// multiplications whatever its grid. Weights of a few inputs and a tile of outputs are folded into the first cache and
// meet a chunk of samples there.

constexpr int chunk_bytes = 2048;
// Samples that share what is folded.
template <class T>
constexpr int chunk = chunk_bytes / static_cast<int>(sizeof(T));
constexpr int together = 8;  // inputs whose weights lie in the first cache
constexpr int most_registers = register_bytes == 64 ? 4 : 2;

// The terms of a few inputs at a chunk of samples.
template <class T>
class Tiles {
   public:
    Tiles(int rows, bool slopes)
        : size_(rows * chunk<T>),
          values_(together * size_),
          slopes_(slopes ? together * size_ : 0),
          windows_(Index{together} * chunk<T>),
          has_slopes_(slopes) {}

    // Of an input, from sample s of the chunk on.
    Tile<T, chunk<T>> operator()(Index input, int s) const {
        const Index at = input * size_ + s;
        return {values_ + at, has_slopes_ ? slopes_ + at : nullptr, windows_ + input * chunk<T> + s};
    }

    // Inputs first..last at `count` samples from `row` on.
    void fill(const Layer<T>& layer, const Grids<T>& grids, Index first, Index last, Index row, int count) const {
        alignas(64) T samples[block<T>];
        for (Index i = first; i < last; ++i) {
            for (int s = 0; s < count; s += block<T>) {
                const T* x = gather(layer, i, row + s, samples);
                if (has_slopes_)
                    ASCRIBE_ISA::fill<T, true>(grids[i], x, (*this)(i - first, s));
                else
                    ASCRIBE_ISA::fill<T, false>(grids[i], x, (*this)(i - first, s));
            }
        }
    }

   private:
    Index size_;
    Scratch<T> values_, slopes_;
    Scratch<int> windows_;
    bool has_slopes_;
};

template <class T, int V, int Order>
void forward_wide(const Layer<T>& layer, Matrix<T> y, const Moments* moments, int threads) {
    constexpr int J = V * lanes<T>;
    const Grids<T> grids(layer);
    const int terms = layer.terms(), order = Order < 0 ? layer.order : Order;
    const Index tiles = (layer.outputs + J - 1) / J;
    const Index share = (layer.n + threads - 1) / threads, fair = (share + block<T> - 1) / block<T> * block<T>;
    const Index rows = fair < chunk<T> ? (fair > 0 ? fair : block<T>) : chunk<T>;
    Parts<TermSums<T>> sums(moments ? threads : 0, layer);
    auto work = [&](Index part, Index first_chunk, Index last_chunk) {
        const bool dense = grids[0].dense();
        const Tiles<T> made(grids[0].rows(), false);
        Scratch<T> total(tiles * rows * J), folded(Index{together} * terms * J);
        for (Index c = first_chunk; c < last_chunk; ++c) {
            const Index row = c * rows;
            const int count = static_cast<int>(layer.n - row < rows ? layer.n - row : rows);
            for (Index k = 0; k < tiles * rows * J; ++k) total[k] = T(0);
            for (Index i = 0; i < layer.inputs; i += together) {
                const Index end = i + together < layer.inputs ? i + together : layer.inputs;
                made.fill(layer, grids, i, end, row, count);
                if (moments)
                    for (Index k = i; k < end; ++k) sums[part].add(k, grids[k], made(k - i, 0), count);
                for (Index tile = 0; tile < tiles; ++tile) {
                    int live[together], lives = 0;
                    for (Index k = i; k < end; ++k)
                        if (fold_tile<T, J>(layer, k, tile * J, folded + lives * terms * J))
                            live[lives++] = static_cast<int>(k - i);
                    if (lives == 0) continue;
                    for (int s = 0; s < count; s += 2) {
                        // Two samples at once (the second may lie beyond the last: its sum is never read).
                        T* to = total + (tile * rows + s) * J;
                        Vec<T> sum[2][V];
                        for (int q = 0; q < 2; ++q)
                            for (int v = 0; v < V; ++v) sum[q][v] = load(to + q * J + v * lanes<T>);
                        for (int k = 0; k < lives; ++k) {
                            for (int q = 0; q < 2; ++q) {
                                const Tile<T, chunk<T>> terms_of = made(live[k], s + q);
                                const int window = *terms_of.window;
                                const T* value = terms_of.values;
                                const T* w = folded + k * terms * J;
                                for (int v = 0; v < V; ++v) sum[q][v] += *value * load(w + v * lanes<T>);
                                value += (dense ? 1 + window : 1) * chunk<T>;
                                w += (1 + window) * J;
                                for (int m = 0; m <= order; ++m, value += chunk<T>, w += J)
                                    for (int v = 0; v < V; ++v) sum[q][v] += *value * load(w + v * lanes<T>);
                            }
                        }
                        for (int q = 0; q < 2; ++q)
                            for (int v = 0; v < V; ++v) store(to + q * J + v * lanes<T>, sum[q][v]);
                    }
                }
            }
            for (Index tile = 0; tile < tiles; ++tile)
                for (int s = 0; s < count; ++s)
                    for (Index j = tile * J; j < layer.outputs && j < (tile + 1) * J; ++j)
                        y(row + s, j) = total[(tile * rows + s) * J + j - tile * J];
        }
    };
    spread_over((layer.n + rows - 1) / rows, threads, work);
    if (moments) sums.finish(layer.n, *moments);
}

// The samples of a chunk by the window they lie in, so that the weights of a window stay in registers; for each input.
template <class T>
class Sorted {
   public:
    explicit Sorted(int windows)
        : windows_(windows), order_(Index{together} * chunk<T>), start_(Index{together} * (windows + 2)) {}

    void sort(Index input, const int* window, int count) const {
        int* start = start_ + input * (windows_ + 2);
        int* order = order_ + input * chunk<T>;
        for (int w = 0; w < windows_ + 2; ++w) start[w] = 0;
        for (int s = 0; s < count; ++s) ++start[window[s] + 2];
        for (int w = 2; w < windows_ + 2; ++w) start[w] += start[w - 1];
        for (int s = 0; s < count; ++s) order[start[window[s] + 1]++] = s;
    }
    const int* begin(Index input, int window) const {
        return order_ + input * chunk<T> + start_[input * (windows_ + 2) + window];
    }
    const int* end(Index input, int window) const { return begin(input, window + 1); }

   private:
    int windows_;
    Scratch<int> order_, start_;
};

// A matrix of n rows in tiles of J columns, tile after tile, with 0 after the last column.
template <class T, int J>
class Tiled {
   public:
    Tiled(Matrix<const T> from, Index n, Index columns) : n_(n), at_((columns + J - 1) / J * J * n) {
        for (Index tile = 0; tile * J < columns; ++tile)
            for (Index r = 0; r < n; ++r) {
                T* to = (*this)(tile, r);
                const Index left = columns - tile * J < J ? columns - tile * J : J;
                for (Index j = 0; j < left; ++j) to[j] = from(r, tile * J + j);
                for (Index j = left; j < J; ++j) to[j] = T(0);
            }
    }
    T* operator()(Index tile, Index row) const { return at_ + (tile * n_ + row) * J; }

   private:
    Index n_;
    Scratch<T> at_;
};

// Samples of one window: their terms times their rows of `pulled`, added to the gradients in the folded weights. Of an
// order that is known when compiling, these stay in registers.
template <class T, int V, int Order>
inline void correlate_window(
    const int* sample, const int* end, const T* base, const T* splines, const T* pulled, int order, T* to_base,
    T* to_splines
) {
    constexpr int J = V * lanes<T>, room = (Order < 0 ? highest_order : Order) + 1;
    const int count = (Order < 0 ? order : Order) + 1;
    Vec<T> base_sum[V], sum[room][V];
    for (int v = 0; v < V; ++v) base_sum[v] = load(to_base + v * lanes<T>);
    for (int m = 0; m < count; ++m)
        for (int v = 0; v < V; ++v) sum[m][v] = load(to_splines + m * J + v * lanes<T>);
    for (; sample < end; ++sample) {
        const Index s = *sample;
        Vec<T> g[V];
        for (int v = 0; v < V; ++v) g[v] = load(pulled + s * J + v * lanes<T>);
        for (int v = 0; v < V; ++v) base_sum[v] += base[s] * g[v];
        for (int m = 0; m < count; ++m)
            for (int v = 0; v < V; ++v) sum[m][v] += splines[m * chunk<T> + s] * g[v];
    }
    for (int v = 0; v < V; ++v) store(to_base + v * lanes<T>, base_sum[v]);
    for (int m = 0; m < count; ++m)
        for (int v = 0; v < V; ++v) store(to_splines + m * J + v * lanes<T>, sum[m][v]);
}

// Samples of one window: the slopes of their edges times their rows of `pulled`, added to `to` lane by lane.
template <class T, int V, int Order>
inline void climb_window(
    const int* sample, const int* end, const T* base, const T* splines, const T* pulled, int order,
    const T* base_weights, const T* weights, T* to
) {
    constexpr int J = V * lanes<T>, room = (Order < 0 ? highest_order : Order) + 1;
    const int count = (Order < 0 ? order : Order) + 1;
    Vec<T> base_weight[V], weight[room][V];
    for (int v = 0; v < V; ++v) base_weight[v] = load(base_weights + v * lanes<T>);
    for (int m = 0; m < count; ++m)
        for (int v = 0; v < V; ++v) weight[m][v] = load(weights + m * J + v * lanes<T>);
    for (; sample < end; ++sample) {
        const Index s = *sample;
        Vec<T> slope[V];
        for (int v = 0; v < V; ++v) slope[v] = base[s] * base_weight[v];
        for (int m = 0; m < count; ++m)
            for (int v = 0; v < V; ++v) slope[v] += splines[m * chunk<T> + s] * weight[m][v];
        Vec<T> total = load(to + s * lanes<T>);
        for (int v = 0; v < V; ++v) total += slope[v] * load(pulled + s * J + v * lanes<T>);
        store(to + s * lanes<T>, total);
    }
}

template <class T, int V, int Order>
void backward_wide(
    const Layer<T>& layer, Matrix<const T> gy, const Pull<T>& pull, Matrix<T> gx, const Weights<T>* gw, int threads
) {
    constexpr int J = V * lanes<T>;
    const Grids<T> grids(layer);
    const Tiled<T, J> pulled(gy, layer.n, layer.outputs);
    const int terms = layer.terms(), order = layer.order;
    const Index tiles = (layer.outputs + J - 1) / J;
    auto work = [&](Index, Index first_task, Index last_task) {
        const bool dense = grids[0].dense();
        const int windows = grids[0].cells();
        const Tiles<T> made(grids[0].rows(), bool(gx));
        const Sorted<T> sorted(windows);
        Scratch<T> folded(terms * J), gradient(terms * J);
        Scratch<T> to_x(gx ? Index{together} * chunk<T> * lanes<T> : 0);
        Scratch<double> mixed(terms * terms + terms), scratch(terms * lanes<double>);
        for (Index task = first_task; task < last_task; ++task) {
            const Index first = task * together;
            const Index last = first + together < layer.inputs ? first + together : layer.inputs;
            // At least once, so that gradients of no rows are 0.
            for (Index row = 0; row < layer.n || row == 0; row += chunk<T>) {
                const int count = static_cast<int>(layer.n - row < chunk<T> ? layer.n - row : chunk<T>);
                made.fill(layer, grids, first, last, row, count);
                for (Index i = first; i < last; ++i) sorted.sort(i - first, made(i - first, 0).window, count);
                if (gx)
                    for (Index k = 0; k < Index{together} * chunk<T> * lanes<T>; ++k) to_x[k] = T(0);
                for (Index tile = 0; tile < tiles; ++tile) {
                    const T* g = pulled(tile, row);
                    for (Index i = first; i < last; ++i) {
                        const Tile<T, chunk<T>> of_input = made(i - first, 0);
                        const bool live = fold_tile<T, J>(layer, i, tile * J, folded);
                        if (!live && row > 0) continue;
                        for (int k = 0; k < terms * J; ++k) gradient[k] = T(0);
                        for (int window = 0; window < windows && live; ++window) {
                            const int* sample = sorted.begin(i - first, window);
                            const int* end = sorted.end(i - first, window);
                            if (sample == end) continue;
                            const Index skip = (dense ? 1 + window : 1) * chunk<T>, splines = (1 + window) * J;
                            if (gw)
                                correlate_window<T, V, Order>(
                                    sample, end, of_input.values, of_input.values + skip, g, order, gradient,
                                    gradient + splines);
                            if (gx)
                                climb_window<T, V, Order>(
                                    sample, end, of_input.slopes, of_input.slopes + skip, g, order, folded,
                                    folded + splines, to_x + (i - first) * chunk<T> * lanes<T>);
                        }
                        if (gw && live && pull.pull && row == 0)
                            pull_weights<T, V>(layer, i, tile * J, pull, folded, scratch, gradient);
                        if (gw) unfold_tile<T, J>(layer, i, tile * J, gradient, *gw, row > 0);
                    }
                }
                for (Index i = first; i < last && gx; ++i) {
                    if (pull.pull) mixing(layer, i, pull, mixed);
                    for (int s = 0; s < count; s += block<T>) {
                        alignas(64) T found[block<T>];
                        for (int k = 0; k < block<T>; ++k)
                            found[k] = sum<T>(load(to_x + ((i - first) * chunk<T> + s + k) * lanes<T>));
                        if (pull.pull) pull_samples(grids[i], mixed, made(i - first, s), found);
                        for (int k = 0; k < block<T> && s + k < count; ++k)
                            gx(row + s + k, i) = found[k] + pull.of_input(i, layer.x(row + s + k, i));
                    }
                }
            }
        }
    };
    spread_over((layer.inputs + together - 1) / together, threads, work);
}
