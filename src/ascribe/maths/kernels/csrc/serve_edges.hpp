// The sums over the edges of one layer on a block of samples. Included inside the namespace of an instruction set.
//
// Two ways lead to them. Samples as lanes: the coefficients of an edge lie in registers, and every lane picks those of
// its sample's cell. Outputs as lanes: sample after sample, the coefficients of its cell for a register of outputs are
// loaded together; any number of cells will do. Either way, what is paid is paid for living edges.

template <class T>
class Edges {
   public:
    virtual ~Edges() = default;
    // sums (outputs, block) of the biases and the edges from x (inputs, block); `samples` fill registers.
    virtual void sum(const Cells<T>& cells, const T* x, Index samples, T* sums) const = 0;
};

// The coefficients of a layer, whichever way they are laid out afterwards.
template <class T>
class Coefficients {
   public:
    explicit Coefficients(const ServedLayer<T>& layer) : l_(layer) {}

    T polynomial(Index i, Index cell, int power, Index j) const {
        if (power < 2) return at(i, power * l_.cells + cell, j);
        if (cell == 0 || cell == l_.cells - 1) return T(0);
        return at(i, 2 * l_.cells + (power - 2) * (l_.cells - 2) + cell - 1, j);
    }
    T silu(Index i, Index j) const { return l_.silu ? at(i, l_.terms() - 1, j) : T(0); }

    bool live(Index i, Index j) const {
        for (Index t = 0; t < l_.terms(); ++t)
            if (at(i, t, j) != T(0)) return true;
        return false;
    }

   private:
    T at(Index i, Index term, Index j) const { return l_.weight[(i * l_.terms() + term) * l_.outputs + j]; }

    const ServedLayer<T>& l_;
};

// The living edges, input after input; or registers of `width` outputs with one among them. `to` is the (first) output.
template <class T>
class Living {
   public:
    Living(const ServedLayer<T>& layer, Index width)
        : first(layer.inputs + 1), to(layer.inputs * ((layer.outputs + width - 1) / width)) {
        const Coefficients<T> c(layer);
        Index count = 0;
        for (Index i = 0; i < layer.inputs; ++i) {
            first[i] = count;
            for (Index start = 0; start < layer.outputs; start += width) {
                bool live = false;
                for (Index j = start; j < start + width && j < layer.outputs; ++j) live = live || c.live(i, j);
                if (live) to[count++] = start;
            }
        }
        first[layer.inputs] = count;
    }

    Index count() const { return first[first.size() - 1]; }

    Array<Index> first, to;
};

// Samples as lanes.
template <class T, int Degree, int Pages>
class PickedEdges final : public Edges<T> {
   public:
    explicit PickedEdges(const ServedLayer<T>& layer)
        : inputs_(layer.inputs),
          silu_(layer.silu),
          bias_(layer.bias, layer.outputs),
          living_(layer, 1),
          tables_(living_.count() * size * lanes<T>),
          silus_(living_.count()) {
        const Coefficients<T> c(layer);
        T* to = tables_;
        for (Index i = 0; i < inputs_; ++i)
            for (Index e = living_.first[i]; e < living_.first[i + 1]; ++e) {
                const Index j = living_.to[e];
                for (int p = 0; p <= Degree; ++p)
                    for (Index cell = 0; cell < Pages * lanes<T>; ++cell)
                        *to++ = cell < layer.cells ? c.polynomial(i, cell, p, j) : T(0);
                silus_[e] = c.silu(i, j);
            }
    }

    void sum(const Cells<T>& cells, const T* x, Index samples, T* sums) const override {
        for (Index j = 0; j < bias_.size(); ++j)
            for (Index s = 0; s < samples; ++s) sums[j * block + s] = bias_[j];
        Places<T> at;
        for (Index i = 0; i < inputs_; ++i) {
            Index e = living_.first[i];
            const Index end = living_.first[i + 1];
            if (e == end) continue;
            cells.place(i, x + i * block, samples, at);
            // Two at once share the loads of their places, as far as there are registers for their tables.
            if constexpr (Pages == 1)
                for (; e + 2 <= end; e += 2) together<2>(e, at, samples, sums);
            for (; e < end; ++e) together<1>(e, at, samples, sums);
        }
    }

   private:
    static constexpr int size = (Degree + 1) * Pages;

    template <int Count>
    void together(Index e, const Places<T>& at, Index samples, T* sums) const {
        Vec<T> table[Count * size];
        Vec<T> silu[Count];
        T* to[Count];
        for (int k = 0; k < Count * size; ++k) table[k] = load(tables_ + (e * size + k) * lanes<T>);
        for (int k = 0; k < Count; ++k) {
            silu[k] = all<T>(silus_[e + k]);
            to[k] = sums + living_.to[e + k] * block;
        }
        const bool with_silu = silu_;
        for (Index s = 0; s < samples; s += lanes<T>) {
            const Bits<T> cell = load_cells<T>(at.cell + s);
            const Vec<T> u = load(at.u + s);
            for (int k = 0; k < Count; ++k) {
                const Vec<T>* c = table + k * size;
                Vec<T> value = pick<T, Pages>(c + Degree * Pages, cell);
                for (int p = Degree - 1; p >= 0; --p) value = value * u + pick<T, Pages>(c + p * Pages, cell);
                Vec<T> sum = load(to[k] + s) + value;
                if (with_silu) sum += silu[k] * load(at.silu + s);
                store(to[k] + s, sum);
            }
        }
    }

    Index inputs_;
    bool silu_;
    Array<T> bias_;
    Living<T> living_;
    Scratch<T> tables_, silus_;
};

// Outputs as lanes. Degree 0: of any degree.
template <class T, int Degree>
class LoadedEdges final : public Edges<T> {
   public:
    explicit LoadedEdges(const ServedLayer<T>& layer)
        : inputs_(layer.inputs),
          outputs_(layer.outputs),
          degree_(layer.degree),
          silu_(layer.silu),
          registers_((layer.outputs + lanes<T> - 1) / lanes<T>),
          biases_(registers_ * lanes<T>),
          living_(layer, lanes<T>),
          size_((layer.cells * (degree_ + 1) + 1) * lanes<T>),
          tables_(living_.count() * size_) {
        const Coefficients<T> c(layer);
        for (Index j = 0; j < registers_ * lanes<T>; ++j) biases_[j] = j < outputs_ ? layer.bias[j] : T(0);
        T* to = tables_;
        for (Index i = 0; i < inputs_; ++i)
            for (Index e = living_.first[i]; e < living_.first[i + 1]; ++e) {
                const auto lay = [&](auto number) {
                    for (Index j = living_.to[e]; j < living_.to[e] + lanes<T>; ++j) *to++ = j < outputs_ ? number(j) : T(0);
                };
                lay([&](Index j) { return c.silu(i, j); });
                for (Index cell = 0; cell < layer.cells; ++cell)
                    for (int p = 0; p <= degree_; ++p) lay([&](Index j) { return c.polynomial(i, cell, p, j); });
            }
    }

    void sum(const Cells<T>& cells, const T* x, Index samples, T* sums) const override {
        // Of every register of outputs, sample after sample; turned at the end.
        Scratch<T> turned(registers_ * block * lanes<T>);
        for (Index r = 0; r < registers_; ++r)
            for (Index s = 0; s < samples; ++s)
                store(turned + (r * block + s) * lanes<T>, load(biases_ + r * lanes<T>));
        Places<T> at;
        for (Index i = 0; i < inputs_; ++i) {
            if (living_.first[i] == living_.first[i + 1]) continue;
            cells.place(i, x + i * block, samples, at);
            Index e = living_.first[i];
            const Index end = living_.first[i + 1];
            // Several at once share the loads of their places.
            for (; e + 4 <= end; e += 4) together<4>(e, at, samples, turned);
            for (; e + 2 <= end; e += 2) together<2>(e, at, samples, turned);
            for (; e < end; ++e) together<1>(e, at, samples, turned);
        }
        for (Index j = 0; j < outputs_; j += lanes<T>) {
            const Index count = outputs_ - j < lanes<T> ? outputs_ - j : lanes<T>;
            turn<T>(turned + j * block, lanes<T>, samples, count, sums + j * block, block);
        }
    }

   private:
    template <int Count>
    void together(Index e, const Places<T>& at, Index samples, T* turned) const {
        const int degree = Degree == 0 ? degree_ : Degree;
        const bool with_silu = silu_;
        const T* table[Count];
        Vec<T> silu[Count];
        T* to[Count];
        for (int k = 0; k < Count; ++k) {
            silu[k] = load(tables_ + (e + k) * size_);
            table[k] = tables_ + (e + k) * size_ + lanes<T>;
            to[k] = turned + living_.to[e + k] * block;
        }
        for (Index s = 0; s < samples; ++s) {
            const Index cell = at.cell[s] * (degree + 1) * lanes<T>;
            const Vec<T> u = all<T>(at.u[s]), base = all<T>(at.silu[s]);
            for (int k = 0; k < Count; ++k) {
                const T* c = table[k] + cell;
                Vec<T> value = load(c + degree * lanes<T>);
                for (int p = degree - 1; p >= 0; --p) value = value * u + load(c + p * lanes<T>);
                Vec<T> sum = load(to[k] + s * lanes<T>) + value;
                if (with_silu) sum += silu[k] * base;
                store(to[k] + s * lanes<T>, sum);
            }
        }
    }

    Index inputs_, outputs_;
    int degree_;
    bool silu_;
    Index registers_;  // of outputs
    Scratch<T> biases_;
    Living<T> living_;
    Index size_;  // of the table of an input and a register of outputs
    Scratch<T> tables_;
};

// Whether samples are the better lanes: measured. In the cache they are, unless a pick takes several instructions and
// registers of outputs would be full; beyond it, the smaller table is.
template <class T>
inline bool picks(const ServedLayer<T>& layer, int pages) {
    const Index edges = Living<T>(layer, 1).count(), registers = Living<T>(layer, lanes<T>).count();
    const Index coefficients = (layer.degree + 1) * lanes<T>;
    const Index picked = edges * pages * coefficients, loaded = registers * layer.cells * coefficients;
    constexpr Index cached = (1 << 19) / static_cast<Index>(sizeof(T));
    if (picked <= cached) return pages <= 2 || 2 * edges <= registers * lanes<T>;
    return 5 * picked <= 6 * loaded;
}

template <class T, int Degree>
inline Edges<T>* edges_of_degree(const ServedLayer<T>& layer) {
    [[maybe_unused]] const int pages = pages_of<T>(layer.cells);
    if constexpr (Degree > 0 && most_pages<T> > 0)
        if (pages > 0 && picks(layer, pages)) {
            if (pages == 1) return new PickedEdges<T, Degree, 1>(layer);
            if constexpr (most_pages<T> >= 2)
                if (pages == 2) return new PickedEdges<T, Degree, 2>(layer);
            if constexpr (most_pages<T> >= 4)
                if (pages == 4) return new PickedEdges<T, Degree, 4>(layer);
        }
    return new LoadedEdges<T, Degree>(layer);
}

template <class T>
inline Edges<T>* edges_of(const ServedLayer<T>& layer) {
    switch (layer.degree) {
        case 1: return edges_of_degree<T, 1>(layer);
        case 2: return edges_of_degree<T, 2>(layer);
        case 3: return edges_of_degree<T, 3>(layer);
        case 4: return edges_of_degree<T, 4>(layer);
        case 5: return edges_of_degree<T, 5>(layer);
        default: return edges_of_degree<T, 0>(layer);
    }
}
