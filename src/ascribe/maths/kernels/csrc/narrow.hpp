// Layers of few outputs: samples lie in the lanes of a register. Included inside the namespace of an instruction set.
//
// A block of samples of one input at a time: its terms are made, multiplied with the weights of its edges, and dropped.

// Folded weights of the edges that are not masked, input by input.
template <class T>
class LiveEdges {
   public:
    explicit LiveEdges(const Layer<T>& layer)
        : outputs_(layer.outputs),
          terms_(layer.terms()),
          folded_(layer.inputs * outputs_ * terms_),
          output_(layer.inputs * outputs_),
          count_(layer.inputs) {
        for (Index i = 0; i < layer.inputs; ++i) {
            count_[i] = 0;
            for (Index j = 0; j < outputs_; ++j)
                if (fold(layer, i, j, folded_ + (i * outputs_ + count_[i]) * terms_, 1))
                    output_[i * outputs_ + count_[i]++] = static_cast<int>(j);
        }
    }

    int count(Index i) const { return count_[i]; }
    int output(Index i, int e) const { return output_[i * outputs_ + e]; }
    const T* weights(Index i, int e) const { return folded_ + (i * outputs_ + e) * terms_; }

   private:
    Index outputs_;
    int terms_;
    Scratch<T> folded_;
    Scratch<int> output_, count_;
};

// The memory of a tile, for values and for slopes.
template <class T>
class TileMemory {
   public:
    TileMemory(int rows, bool slopes) : numbers_(Index{rows} * block<T> * (slopes ? 2 : 1)), windows_(block<T>) {
        tile = {numbers_, slopes ? numbers_ + Index{rows} * block<T> : nullptr, windows_};
    }
    Tile<T> tile;

   private:
    Scratch<T> numbers_;
    Scratch<int> windows_;
};

// to[0..block] += sum_a w[a] rows[a]
template <class T>
inline void accumulate(const T* w, const T* rows, int count, T* to) {
    Vec<T> total[block_registers];
    for (int r = 0; r < block_registers; ++r) total[r] = load(to + r * lanes<T>);
    for (int a = 0; a < count; ++a)
        for (int r = 0; r < block_registers; ++r) total[r] += w[a] * load(rows + a * block<T> + r * lanes<T>);
    for (int r = 0; r < block_registers; ++r) store(to + r * lanes<T>, total[r]);
}

template <class T>
void forward_narrow(const Layer<T>& layer, Matrix<T> y, const Moments* moments, int threads) {
    const Grids<T> grids(layer);
    const LiveEdges<T> edges(layer);
    const Index blocks = (layer.n + block<T> - 1) / block<T>;
    Parts<TermSums<T>> sums(moments ? threads : 0, layer);
    auto work = [&](Index part, Index first, Index last) {
        Scratch<T> total(layer.outputs * block<T>);
        TileMemory<T> memory(grids[0].rows(), false);
        alignas(64) T samples[block<T>];
        for (Index b = first; b < last; ++b) {
            const Index row = b * block<T>;
            const int count = static_cast<int>(layer.n - row < block<T> ? layer.n - row : block<T>);
            for (Index k = 0; k < layer.outputs * block<T>; ++k) total[k] = T(0);
            for (Index i = 0; i < layer.inputs; ++i) {
                if (edges.count(i) == 0 && !moments) continue;
                const Knots<T> t = grids[i];
                const T* x = gather(layer, i, row, samples);
                fill<T, false>(t, x, memory.tile);
                if (moments) sums[part].add(i, t, memory.tile, count);
                for (int e = 0; e < edges.count(i); ++e)
                    accumulate(
                        edges.weights(i, e), memory.tile.values, layer.terms(), total + edges.output(i, e) * block<T>);
            }
            for (Index j = 0; j < layer.outputs; ++j)
                for (int s = 0; s < count; ++s) y(row + s, j) = total[j * block<T> + s];
        }
    };
    spread_over(blocks, threads, work);
    if (moments) sums.finish(layer.n, *moments);
}

// The gradient in the folded weights of an edge from a block: to[a] collects, lane by lane, g times the terms.
template <class T>
inline void correlate(const T* g, const T* rows, int count, T* to) {
    Vec<T> gradient[block_registers];
    for (int r = 0; r < block_registers; ++r) gradient[r] = load(g + r * lanes<T>);
    for (int a = 0; a < count; ++a) {
        Vec<T> even = load(to + a * lanes<T>), odd{};
        for (int r = 0; r < block_registers; r += 2) {
            even += gradient[r] * load(rows + a * block<T> + r * lanes<T>);
            odd += gradient[r + 1] * load(rows + a * block<T> + (r + 1) * lanes<T>);
        }
        store(to + a * lanes<T>, even + odd);
    }
}

template <class T>
void backward_narrow(
    const Layer<T>& layer, Matrix<const T> gy, const Pull<T>& pull, Matrix<T> gx, const Weights<T>* gw, int threads
) {
    const Grids<T> grids(layer);
    const LiveEdges<T> edges(layer);
    const int terms = layer.terms();
    const Index blocks = (layer.n + block<T> - 1) / block<T>, padded = blocks * block<T>;
    Scratch<T> pulled(layer.outputs * padded);  // gy, output after output, with zeros after the last sample
    for (Index j = 0; j < layer.outputs; ++j) {
        for (Index s = 0; s < layer.n; ++s) pulled[j * padded + s] = gy(s, j);
        for (Index s = layer.n; s < padded; ++s) pulled[j * padded + s] = T(0);
    }
    auto work = [&](Index, Index first, Index last) {
        Scratch<T> gradients(layer.outputs * terms * lanes<T>), gradient(terms);
        Scratch<double> mixed(terms * terms + terms);
        TileMemory<T> memory(grids[0].rows(), bool(gx));
        const Tile<T>& tile = memory.tile;
        alignas(64) T samples[block<T>], to_x[block<T>];
        for (Index i = first; i < last; ++i) {
            const Knots<T> t = grids[i];
            const int live = edges.count(i);
            for (Index k = 0; k < Index{live} * terms * lanes<T>; ++k) gradients[k] = T(0);
            if (gx && pull.pull) mixing(layer, i, pull, mixed);
            for (Index b = 0; b < blocks; ++b) {
                const Index row = b * block<T>;
                if (live > 0) {
                    const T* x = gather(layer, i, row, samples);
                    if (gx)
                        fill<T, true>(t, x, tile);
                    else
                        fill<T, false>(t, x, tile);
                }
                if (gw)
                    for (int e = 0; e < live; ++e)
                        correlate(
                            pulled + edges.output(i, e) * padded + row, tile.values, terms,
                            gradients + Index{e} * terms * lanes<T>);
                if (!gx) continue;
                for (int s = 0; s < block<T>; ++s) to_x[s] = T(0);
                for (int a = 0; a < terms && live > 0; ++a) {
                    Vec<T> total[block_registers] = {};
                    for (int e = 0; e < live; ++e) {
                        const T w = edges.weights(i, e)[a];
                        const T* g = pulled + edges.output(i, e) * padded + row;
                        for (int r = 0; r < block_registers; ++r) total[r] += w * load(g + r * lanes<T>);
                    }
                    for (int r = 0; r < block_registers; ++r) {
                        T* at = to_x + r * lanes<T>;
                        store(at, load(at) + total[r] * load(tile.slopes + a * block<T> + r * lanes<T>));
                    }
                }
                if (pull.pull && live > 0) pull_samples(t, mixed, tile, to_x);
                for (Index s = 0; s < block<T> && row + s < layer.n; ++s) gx(row + s, i) = to_x[s] + pull.of_input(i, layer.x(row + s, i));
            }
            if (!gw) continue;
            for (Index j = 0, e = 0; j < layer.outputs; ++j) {
                const bool is_live = e < live && edges.output(i, static_cast<int>(e)) == j;
                for (int a = 0; a < terms; ++a)
                    gradient[a] = is_live ? sum<T>(load(gradients + (e * terms + a) * lanes<T>)) : T(0);
                if (is_live && pull.pull)
                    pull_weights<T>(layer, i, j, pull, edges.weights(i, static_cast<int>(e)), gradient);
                unfold<T>(layer, i, j, gradient, 1, *gw, false);
                e += is_live;
            }
        }
    };
    spread_over(layer.inputs, threads, work);
}
