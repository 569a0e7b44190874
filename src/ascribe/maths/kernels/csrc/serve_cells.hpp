// Where the samples of an input lie. Included inside the namespace of an instruction set.

template <class T>
using Whole = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;

// A block of samples of one input: the cell, the local coordinate and the base function of each.
template <class T>
struct Places {
    alignas(register_bytes) Whole<T> cell[block];
    alignas(register_bytes) T u[block];
    alignas(register_bytes) T silu[block];
};

template <class T>
inline Bits<T> load_cells(const Whole<T>* from) {
    Bits<T> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

// Registers that tables of so many numbers take, as far as lanes can pick from them; 0 beyond.
template <class T>
inline int pages_of(Index numbers) {
    for (int pages = 1; pages <= most_pages<T>; pages *= 2)
        if (numbers <= pages * lanes<T>) return pages;
    return 0;
}

template <class T>
class Cells {
   public:
    explicit Cells(const ServedLayer<T>& layer)
        : cells_(layer.cells),
          step_(first_step(layer.cells - 1)),
          pages_(pages_of<T>(layer.cells)),
          size_(pages_ > 0 ? pages_ * lanes<T> : 2 * step_ + 1),
          silu_(layer.silu),
          memory_(layer.inputs * 3 * size_) {
        for (Index i = 0; i < layer.inputs; ++i) {
            T* to = memory_ + i * 3 * size_;
            for (Index c = 0; c < size_; ++c) {
                const bool is = c < cells_;
                to[c] = c < cells_ - 1 ? layer.breaks[i * (cells_ - 1) + c] : __builtin_huge_valf();
                to[c + size_] = is ? layer.starts[i * cells_ + c] : T(0);
                to[c + 2 * size_] = is ? layer.inverses[i * cells_ + c] : T(0);
            }
        }
    }

    void place(Index i, const T* x, Index samples, Places<T>& at) const {
        const T* table = memory_ + i * 3 * size_;
        if constexpr (most_pages<T> >= 1) {
            if (cells_ <= lanes<T> / 2) return pick_places<1, lanes<T> / 4>(table, x, samples, at);
            if (pages_ == 1) return pick_places<1, lanes<T> / 2>(table, x, samples, at);
        }
        if constexpr (most_pages<T> >= 2)
            if (pages_ == 2) return pick_places<2, lanes<T>>(table, x, samples, at);
        if constexpr (most_pages<T> >= 4)
            if (pages_ == 4) return pick_places<4, 2 * lanes<T>>(table, x, samples, at);
        if (cells_ <= few)
            compare_places(table, x, samples, at);
        else
            find_places(table, x, samples, at);
        for (Index s = 0; silu_ && s < samples; s += lanes<T>) store(at.silu + s, silu<T>(load(x + s)));
    }

    // Whether a sample lies beyond the first or the last break.
    bool left(Index i, const T* x, Index samples) const {
        const T *breaks = memory_ + i * 3 * size_, low = breaks[0], high = breaks[cells_ - 2];
        bool found = false;
        for (Index s = 0; s < samples; ++s) found |= x[s] < low || x[s] > high;
        return found;
    }

   private:
    // The cell is found by halving: so many breaks are passed, or not, at once.
    static int first_step(Index breaks) {
        int step = 1;
        while (2 * step <= breaks) step *= 2;
        return step;
    }

    // What is not a number passes no break: it lies in the first cell, and stays what it is. All in one loop, in which
    // the picks of some samples and the exponentials of others go on side by side.
    template <int Pages, int First>
    void pick_places(const T* table, const T* x, Index samples, Places<T>& at) const {
        Vec<T> breaks[Pages], starts[Pages], inverses[Pages];
        for (int p = 0; p < Pages; ++p) {
            breaks[p] = load(table + p * lanes<T>);
            starts[p] = load(table + size_ + p * lanes<T>);
            inverses[p] = load(table + 2 * size_ + p * lanes<T>);
        }
        const bool with_silu = silu_;
        for (Index s = 0; s < samples; s += lanes<T>) {
            const Vec<T> v = load(x + s);
            Bits<T> passed{};
            for (int step = First; step > 0; step /= 2) {
                const Bits<T> further = passed + step;
                passed = v >= pick<T, Pages>(breaks, further - 1) ? further : passed;
            }
            __builtin_memcpy(at.cell + s, &passed, sizeof passed);
            store(at.u + s, (v - pick<T, Pages>(starts, passed)) * pick<T, Pages>(inverses, passed));
            if (with_silu) store(at.silu + s, silu<T>(v));
        }
    }

    // Without such instructions, up to so many cells: every break is looked at.
    static constexpr Index few = 12;

    void compare_places(const T* table, const T* x, Index samples, Places<T>& at) const {
        const T *starts = table + size_, *inverses = starts + size_;
        for (Index s = 0; s < samples; s += lanes<T>) {
            const Vec<T> v = load(x + s);
            Bits<T> passed{};
            Vec<T> start = all<T>(starts[0]), inverse = all<T>(inverses[0]);
            for (Index c = 1; c < cells_; ++c) {
                const Bits<T> is = v >= table[c - 1];
                passed -= is;
                start = is ? all<T>(starts[c]) : start;
                inverse = is ? all<T>(inverses[c]) : inverse;
            }
            __builtin_memcpy(at.cell + s, &passed, sizeof passed);
            store(at.u + s, (v - start) * inverse);
        }
    }

    void find_places(const T* table, const T* x, Index samples, Places<T>& at) const {
        const T *starts = table + size_, *inverses = starts + size_;
        for (Index s = 0; s < samples; ++s) at.cell[s] = 0;
        for (int step = step_; step > 0; step /= 2)
            for (Index s = 0; s < samples; ++s) {
                const Whole<T> further = at.cell[s] + step;
                at.cell[s] = x[s] >= table[further - 1] ? further : at.cell[s];
            }
        for (Index s = 0; s < samples; ++s) at.u[s] = (x[s] - starts[at.cell[s]]) * inverses[at.cell[s]];
    }

    Index cells_;
    int step_, pages_;
    Index size_;  // of the tables of an input: breaks (infinite beyond the last), starts, inverses
    bool silu_;
    Scratch<T> memory_;
};
