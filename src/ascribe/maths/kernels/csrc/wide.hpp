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

// The terms of a few inputs at a chunk of samples: tiles, block after block.
template <class T>
class Tiles {
   public:
    Tiles(int rows, bool slopes)
        : rows_(rows),
          values_(size()),
          slopes_(slopes ? size() : 0),
          windows_(Index{together} * chunk<T>),
          has_slopes_(slopes) {}

    Tile<T> operator()(int input, int b) const {
        const Index at = (Index{input} * (chunk<T> / block<T>) + b) * block<T>;
        return {values_ + at * rows_, has_slopes_ ? slopes_ + at * rows_ : nullptr, windows_ + at};
    }

    // Inputs first..last of `count` samples from `row` on.
    void fill(const Layer<T>& layer, const Grids<T>& grids, Index first, Index last, Index row, int count) const {
        alignas(64) T samples[block<T>];
        for (Index i = first; i < last; ++i) {
            for (int b = 0; b * block<T> < count; ++b) {
                const T* x = gather(layer, i, row + b * block<T>, samples);
                const Tile<T> tile = (*this)(static_cast<int>(i - first), b);
                if (has_slopes_)
                    ::ascribe::ASCRIBE_ISA::fill<T, true>(grids[i], x, tile);
                else
                    ::ascribe::ASCRIBE_ISA::fill<T, false>(grids[i], x, tile);
            }
        }
    }

   private:
    Index size() const { return Index{together} * chunk<T> * rows_; }
    int rows_;
    Scratch<T> values_, slopes_;
    Scratch<int> windows_;
    bool has_slopes_;
};

// The folded weights of an input and a tile of outputs, (terms, J). Says whether there is an edge that is not masked.
template <class T, int J>
inline bool fold_tile(const Layer<T>& layer, Index i, Index first, T* to) {
    bool live = false;
    for (int j = 0; j < J; ++j) live |= fold(layer, i, first + j, to + j, J);
    return live;
}

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
                    for (Index k = i; k < end; ++k)
                        for (int b = 0; b * block<T> < count; ++b) {
                            const int left = count - b * block<T>;
                            sums[part].add(
                                k, grids[k], made(static_cast<int>(k - i), b), left < block<T> ? left : block<T>);
                        }
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
                            const Tile<T> terms_of = made(live[k], s / block<T>);
                            for (int q = 0; q < 2; ++q) {
                                const int at = s % block<T> + q, window = terms_of.window[at];
                                const T* value = terms_of.values + at;
                                const T* w = folded + k * terms * J;
                                for (int v = 0; v < V; ++v) sum[q][v] += *value * load(w + v * lanes<T>);
                                value += (dense ? 1 + window : 1) * block<T>;
                                w += (1 + window) * J;
                                for (int m = 0; m <= order; ++m, value += block<T>, w += J)
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

// The samples of a chunk by the window they lie in, so that the weights of a window stay in registers.
template <class T>
class Sorted {
   public:
    explicit Sorted(int cells) : cells_(cells), order_(chunk<T>), start_(cells + 2) {}

    void sort(const Tiles<T>& made, int input, int count) const {
        for (int w = 0; w <= cells_ + 1; ++w) start_[w] = 0;
        for (int s = 0; s < count; ++s) ++start_[window(made, input, s) + 2];
        for (int w = 2; w <= cells_ + 1; ++w) start_[w] += start_[w - 1];
        for (int s = 0; s < count; ++s) order_[start_[window(made, input, s) + 1]++] = s;
    }
    int begin(int window) const { return start_[window]; }
    int end(int window) const { return start_[window + 1]; }
    int operator[](int k) const { return order_[k]; }

   private:
    static int window(const Tiles<T>& made, int input, int s) {
        return made(input, s / block<T>).window[s % block<T>];
    }
    int cells_;
    Scratch<int> order_, start_;
};

template <class T, int V, int Order>
void backward_wide(
    const Layer<T>& layer, Matrix<const T> gy, const Pull<T>& pull, Matrix<T> gx, const Weights<T>* gw, int threads
) {
    constexpr int J = V * lanes<T>;
    // Of an order known when compiling, the sums of a window stay in registers.
    constexpr int room = (Order < 0 ? highest_order : Order) + 2;
    const Grids<T> grids(layer);
    const int terms = layer.terms(), order = Order < 0 ? layer.order : Order;
    const Index tiles = (layer.outputs + J - 1) / J;
    auto work = [&](Index, Index first_task, Index last_task) {
        const bool dense = grids[0].dense();
        const int cells = grids[0].cells();
        const Tiles<T> made(grids[0].rows(), bool(gx));
        const Sorted<T> sorted(cells);
        Scratch<T> pulled(Index{chunk<T>} * J), folded(terms * J), gradient(terms * J);
        Scratch<T> to_x(gx ? Index{together} * chunk<T> * lanes<T> : 0);
        Scratch<double> mixed(terms * terms + terms);
        for (Index task = first_task; task < last_task; ++task) {
            const Index first = task * together;
            const Index last = first + together < layer.inputs ? first + together : layer.inputs;
            for (Index row = 0; row < layer.n || row == 0; row += chunk<T>) {
                const int count = static_cast<int>(layer.n - row < chunk<T> ? layer.n - row : chunk<T>);
                made.fill(layer, grids, first, last, row, count);
                if (gx)
                    for (Index k = 0; k < Index{together} * chunk<T> * lanes<T>; ++k) to_x[k] = T(0);
                for (Index tile = 0; tile < tiles; ++tile) {
                    for (int s = 0; s < count; ++s)
                        for (int j = 0; j < J; ++j)
                            pulled[s * J + j] = tile * J + j < layer.outputs ? gy(row + s, tile * J + j) : T(0);
                    for (Index i = first; i < last; ++i) {
                        const int input = static_cast<int>(i - first);
                        const bool live = fold_tile<T, J>(layer, i, tile * J, folded);
                        if (!live && row > 0) continue;
                        for (int k = 0; k < terms * J; ++k) gradient[k] = T(0);
                        if (live) sorted.sort(made, input, count);
                        for (int window = 0; window < cells && live; ++window) {
                            const int begin = sorted.begin(window), end = sorted.end(window);
                            if (begin == end) continue;
                            const int skip = dense ? 1 + window : 1;
                            // Row 0 is the base function's; row m + 1 that of basis window + m.
                            const auto at = [&](T* rows, int m, int v) {
                                return rows + (m == 0 ? 0 : window + m) * J + v * lanes<T>;
                            };
                            const auto term = [&](const T* rows, int m) {
                                return rows[(m == 0 ? 0 : skip + m - 1) * block<T>];
                            };
                            if (gw) {
                                Vec<T> total[room][V];
                                for (int m = 0; m < order + 2; ++m)
                                    for (int v = 0; v < V; ++v) total[m][v] = load(at(gradient, m, v));
                                for (int k = begin; k < end; ++k) {
                                    const int s = sorted[k];
                                    const T* value = made(input, s / block<T>).values + s % block<T>;
                                    Vec<T> g[V];
                                    for (int v = 0; v < V; ++v) g[v] = load(pulled + s * J + v * lanes<T>);
                                    for (int m = 0; m < order + 2; ++m)
                                        for (int v = 0; v < V; ++v) total[m][v] += term(value, m) * g[v];
                                }
                                for (int m = 0; m < order + 2; ++m)
                                    for (int v = 0; v < V; ++v) store(at(gradient, m, v), total[m][v]);
                            }
                            if (gx) {
                                Vec<T> w[room][V];
                                for (int m = 0; m < order + 2; ++m)
                                    for (int v = 0; v < V; ++v) w[m][v] = load(at(folded, m, v));
                                for (int k = begin; k < end; ++k) {
                                    const int s = sorted[k];
                                    const T* slope = made(input, s / block<T>).slopes + s % block<T>;
                                    T* to = to_x + (input * chunk<T> + s) * lanes<T>;
                                    Vec<T> total = load(to);
                                    for (int v = 0; v < V; ++v) {
                                        Vec<T> edge = term(slope, 0) * w[0][v];
                                        for (int m = 1; m < order + 2; ++m) edge += term(slope, m) * w[m][v];
                                        total += edge * load(pulled + s * J + v * lanes<T>);
                                    }
                                    store(to, total);
                                }
                            }
                        }
                        if (gw)
                            for (int j = 0; j < J && tile * J + j < layer.outputs; ++j)
                                unfold<T>(layer, i, tile * J + j, gradient + j, J, *gw, row > 0);
                    }
                }
                for (Index i = first; i < last && gx; ++i) {
                    const int input = static_cast<int>(i - first);
                    if (pull.pull) mixing(layer, i, pull, mixed);
                    for (int b = 0; b * block<T> < count; ++b) {
                        alignas(64) T found[block<T>];
                        for (int s = 0; s < block<T>; ++s)
                            found[s] = sum<T>(load(to_x + (input * chunk<T> + b * block<T> + s) * lanes<T>));
                        if (pull.pull) pull_samples(grids[i], mixed, made(input, b), found);
                        for (int s = 0; s < block<T> && b * block<T> + s < count; ++s)
                            gx(row + b * block<T> + s, i) = found[s] + pull.of_input(i, layer.x(row + b * block<T> + s, i));
                    }
                }
            }
            for (Index i = first; i < last && gw && pull.pull; ++i) pull_weights(layer, i, pull, *gw);
        }
    };
    spread_over((layer.inputs + together - 1) / together, threads, work);
}
