// Means and covariances of the terms of inputs. Included inside the namespace of an instruction set.
//
// Sums of terms and of their products in float64; the base function, which may be far from 0, about its value at the
// first sample. Of B-splines only those overlap that are at most `order` apart: all other products are 0.

template <class T>
class TermSums {
   public:
    explicit TermSums(const Layer<T>& layer)
        : inputs_(layer.inputs),
          terms_(layer.terms()),
          order_(layer.order),
          memory_(inputs_ * size()),
          part_(Index{terms_} * longest) {
        for (Index i = 0; i < inputs_; ++i) {
            double* of_input = memory_ + i * size();
            for (Index k = 0; k < size(); ++k) of_input[k] = 0;
            if (layer.n == 0) continue;
            Vec<T> value, slope;
            base_function<T>(layer.base, all<T>(layer.x(0, i)), value, slope);
            of_input[0] = value[0];
        }
    }

    // Take in the first `count` samples of a tile of input i.
    template <int Stride>
    void add(Index i, const Knots<T>& t, const Tile<T, Stride>& tile, int count) {
        const double centre = memory_[i * size()];
        double* total = memory_ + i * size() + 1;
        if (t.dense())
            add_dense(centre, total, total + terms_, tile, count);
        else
            add_local(centre, total, total + terms_, tile, count);
    }

    void add(const TermSums& other) {
        for (Index i = 0; i < inputs_; ++i)
            for (Index k = 1; k < size(); ++k) memory_[i * size() + k] += other.memory_[i * size() + k];
    }

    void finish(Index n, const Moments& to) const {
        for (Index i = 0; i < inputs_; ++i) {
            const double* total = memory_ + i * size() + 1;
            const double* product = total + terms_;
            double* mean = to.mean + i * terms_;
            double* covariance = to.covariance + i * terms_ * terms_;
            for (int a = 0; a < terms_; ++a) mean[a] = n > 0 ? total[a] / double(n) : 0.0;
            for (int a = 0; a < terms_; ++a)
                for (int b = a; b < terms_; ++b)
                    covariance[a * terms_ + b] = covariance[b * terms_ + a] =
                        n > 1 ? (product[a * terms_ + b] - total[a] * mean[b]) / double(n - 1) : 0.0;
            mean[0] += total[-1];
        }
    }

   private:
    Index size() const { return 1 + terms_ + terms_ * terms_; }

    template <int Stride>
    void add_dense(double centre, double* total, double* product, const Tile<T, Stride>& tile, int count) const {
        static_assert(Stride <= longest && Stride % (2 * lanes<double>) == 0);
        constexpr int wide = lanes<double>;
        const int end = (count + 2 * wide - 1) / (2 * wide) * (2 * wide);
        for (int a = 0; a < terms_; ++a) {
            const double about = a == 0 ? centre : 0.0;
            double* row = part_ + a * longest;
            for (int s = 0; s < end; s += wide) store(row + s, widen(tile.values + a * Stride + s) - about);
            for (int s = count; s < end; ++s) row[s] = 0.0;
            Vec<double> even{}, odd{};
            for (int s = 0; s < end; s += 2 * wide) {
                even += load(row + s);
                odd += load(row + s + wide);
            }
            total[a] += sum<double>(even + odd);
        }
        for (int a = 0; a < terms_; ++a) {
            const double* first = part_ + a * longest;
            const int last = a == 0 || a + order_ >= terms_ ? terms_ : a + order_ + 1;
            int b = a;
            for (; b + 3 < last; b += 4) correlate<4>(first, part_ + b * longest, end, product + a * terms_ + b);
            for (; b < last; ++b) correlate<1>(first, part_ + b * longest, end, product + a * terms_ + b);
        }
    }

    // to[k] += the product of a row with the k-th of several, `end` samples each.
    template <int Rows>
    static void correlate(const double* first, const double* others, int end, double* to) {
        constexpr int wide = lanes<double>;
        Vec<double> even[Rows] = {}, odd[Rows] = {};
        for (int s = 0; s < end; s += 2 * wide) {
            const Vec<double> v = load(first + s), w = load(first + s + wide);
            for (int k = 0; k < Rows; ++k) {
                even[k] += v * load(others + k * longest + s);
                odd[k] += w * load(others + k * longest + s + wide);
            }
        }
        for (int k = 0; k < Rows; ++k) to[k] += sum<double>(even[k] + odd[k]);
    }

    template <int Stride>
    void add_local(double centre, double* total, double* product, const Tile<T, Stride>& tile, int count) const {
        for (int s = 0; s < count; ++s) {
            const int window = tile.window[s];
            const double base = double(tile.values[s]) - centre;
            total[0] += base;
            product[0] += base * base;
            for (int a = 0; a <= order_; ++a) {
                const double value = tile.values[(a + 1) * Stride + s];
                double* row = product + (1 + window + a) * terms_ + 1 + window;
                total[1 + window + a] += value;
                product[1 + window + a] += base * value;
                for (int b = a; b <= order_; ++b) row[b] += value * double(tile.values[(b + 1) * Stride + s]);
            }
        }
    }

    static constexpr int longest = 512;  // samples of a tile
    Index inputs_;
    int terms_, order_;
    Scratch<double> memory_, part_;
};

// One object a thread, added up in the order of the threads.
template <class Of>
class Parts {
   public:
    template <class From>
    Parts(int count, const From& from) : count_(count), at_(static_cast<Of*>(acquire(sizeof(Of) * std::size_t(count + 1)))) {
        for (; made_ < count_; ++made_) new (at_ + made_) Of(from);
    }
    ~Parts() {
        while (made_ > 0) at_[--made_].~Of();
        release(at_);
    }
    Parts(const Parts&) = delete;
    Parts& operator=(const Parts&) = delete;
    Of& operator[](Index part) { return at_[part]; }

    template <class... To>
    void finish(const To&... to) {
        for (int part = 1; part < count_; ++part) at_[0].add(at_[part]);
        at_[0].finish(to...);
    }

   private:
    int count_, made_ = 0;
    Of* at_;
};
