// A served network on any number of rows. Included inside the namespace of an instruction set.

template <class T>
class Stage {
   public:
    explicit Stage(const ServedLayer<T>& layer)
        : inputs_(layer.inputs),
          sums_(layer.sums()),
          confined_(layer.confined),
          cells_(layer),
          edges_(edges_of<T>(layer)),
          product_bias_(layer.product_bias, layer.products),
          arity_(layer.arity, layer.products) {}

    // The nodes z above the nodes x, a row of block each; false where an input leaves what confines it.
    bool run(const T* x, Index samples, T* z) const {
        if (confined_)
            for (Index i = 0; i < inputs_; ++i)
                if (cells_.left(i, x + i * block, samples)) return false;
        samples = (samples + lanes<T> - 1) / lanes<T> * lanes<T>;
        edges_->sum(cells_, x, samples, z);
        multiply(z, samples);
        return true;
    }

   private:
    // In the rows of the factors: no product lies beyond its first factor.
    void multiply(T* z, Index samples) const {
        const T* factors = z + sums_ * block;
        for (Index m = 0; m < arity_.size(); ++m) {
            T* product = z + (sums_ + m) * block;
            for (Index s = 0; s < samples; ++s) {
                T value = factors[s];
                for (Index f = 1; f < arity_[m]; ++f) value *= factors[f * block + s];
                product[s] = value + product_bias_[m];
            }
            factors += arity_[m] * block;
        }
    }

    Index inputs_, sums_;
    bool confined_;
    Cells<T> cells_;
    Owner<Edges<T>> edges_;
    Array<T> product_bias_;
    Array<Index> arity_;
};

template <class T>
class Network {
   public:
    Network(const ServedLayer<T>* layers, Index count)
        : inputs_(layers[0].inputs), outputs_(layers[count - 1].nodes()), stages_(count) {
        for (Index l = 0; l < count; ++l) {
            const ServedLayer<T>& layer = layers[l];
            widest_ = layer.inputs > widest_ ? layer.inputs : widest_;
            widest_ = layer.outputs > widest_ ? layer.outputs : widest_;
            work_ += static_cast<double>(layer.inputs) * static_cast<double>(layer.outputs + 8);
            stages_.add(new Stage<T>(layer));
        }
    }

    bool run(Index n, Matrix<const T> x, const Index* columns, T* y, int threads) const {
        const Index blocks = (n + block - 1) / block;
        // An edge takes some twenty nanoseconds a block. A thread is started for a millisecond of work.
        const double worth = 2e-5 * work_ * static_cast<double>(blocks);
        threads = threads < worth ? threads : static_cast<int>(worth);
        bool left = false;
        auto work = [&](Index, Index first, Index last) {
            Scratch<T> here(widest_ * block), there(widest_ * block);
            for (Index b = first; b < last && !__atomic_load_n(&left, __ATOMIC_RELAXED); ++b)
                if (!run_block(n, b * block, x, columns, y, here, there)) __atomic_store_n(&left, true, __ATOMIC_RELAXED);
        };
        spread_over(blocks, threads, work);
        return !left;
    }

   private:
    bool run_block(Index n, Index row, Matrix<const T> x, const Index* columns, T* y, T* here, T* there) const {
        const Index samples = n - row < block ? n - row : block;
        read(x, row, samples, columns, here);
        // The rows of the next block are on their way while this one is worked on.
        for (Index ahead = row + block; ahead < n && ahead < row + 2 * block; ++ahead) __builtin_prefetch(&x(ahead, 0));
        for (Index l = 0; l < stages_.size(); ++l) {
            if (!stages_[l].run(here, samples, there)) return false;
            T* above = there;
            there = here;
            here = above;
        }
        turn<T>(here, block, outputs_, samples, y + row * outputs_, outputs_);
        return true;
    }

    // The columns that are read, each as a row of a block.
    void read(Matrix<const T> x, Index row, Index samples, const Index* columns, T* to) const {
        for (Index i = 0; i < inputs_; ++i)
            for (Index s = samples; s < block; ++s) to[i * block + s] = T(0);  // computed, and not kept
        for (Index i = 0, count; i < inputs_; i += count) {
            const T* from = &x(row, columns[i]);
            count = 1;
            if (x.column == 1)
                while (i + count < inputs_ && columns[i + count] == columns[i] + count) ++count;
            if (count > 1)
                turn<T>(from, x.row, samples, count, to + i * block, block);
            else
                for (Index s = 0; s < samples; ++s) to[i * block + s] = from[s * x.row];
        }
    }

    Index inputs_, outputs_, widest_ = 0;
    double work_ = 0;
    Owners<Stage<T>> stages_;
};

template <class T>
Served<T> serve(const ServedLayer<T>* layers, Index count) {
    return {
        .network = new Network<T>(layers, count),
        .run = [](const void* network, Index n, Matrix<const T> x, const Index* columns, T* y, int threads) {
            return static_cast<const Network<T>*>(network)->run(n, x, columns, y, threads);
        },
        .end = [](void* network) noexcept { delete static_cast<Network<T>*>(network); },
    };
}
