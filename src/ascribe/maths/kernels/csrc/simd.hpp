// Registers of numbers, by the vector types of GCC and Clang. Included inside the namespace of an instruction set.

#if defined(__AVX512F__)
constexpr int register_bytes = 64;
#elif defined(__AVX2__)
constexpr int register_bytes = 32;
#else
constexpr int register_bytes = 16;
#endif

template <class T>
struct Register;
template <>
struct Register<float> {
    typedef float Numbers __attribute__((vector_size(register_bytes)));
    typedef std::int32_t Bits __attribute__((vector_size(register_bytes)));
    typedef std::int32_t Integers __attribute__((vector_size(register_bytes)));
};
template <>
struct Register<double> {
    typedef double Numbers __attribute__((vector_size(register_bytes)));
    typedef std::int64_t Bits __attribute__((vector_size(register_bytes)));
    typedef std::int32_t Integers __attribute__((vector_size(register_bytes / 2)));
};

template <class T>
using Vec = typename Register<T>::Numbers;
template <class T>
using Bits = typename Register<T>::Bits;
template <class T>
constexpr int lanes = register_bytes / static_cast<int>(sizeof(T));

template <class T>
inline Vec<T> load(const T* from) {
    Vec<T> v;
    __builtin_memcpy(&v, from, sizeof v);
    return v;
}

template <class T>
inline void store(T* to, Vec<T> v) {
    __builtin_memcpy(to, &v, sizeof v);
}

// As many numbers as a register of float64 holds, in float64.
inline Vec<double> widen(const double* from) { return load(from); }
inline Vec<double> widen(const float* from) {
    // Spelt out: GCC makes one instruction of this, and several of __builtin_convertvector.
#if defined(__AVX512F__)
    return Vec<double>{from[0], from[1], from[2], from[3], from[4], from[5], from[6], from[7]};
#elif defined(__AVX2__)
    return Vec<double>{from[0], from[1], from[2], from[3]};
#else
    return Vec<double>{from[0], from[1]};
#endif
}

template <class T>
inline Vec<T> all(T value) {
    return Vec<T>{} + value;
}

// A fixed order of additions, so that the same numbers always give the same sum.
template <class T>
inline T sum(Vec<T> v) {
    T part[lanes<T>];
    store(part, v);
    for (int half = lanes<T> / 2; half > 0; half /= 2)
        for (int l = 0; l < half; ++l) part[l] += part[l + half];
    return part[0];
}

template <class T>
struct Exponential;
template <>
struct Exponential<float> {
    static constexpr float low = -87.0f, high = 88.0f;
    static constexpr float magic = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
    static constexpr float ln2_high = 0.693359375f, ln2_low = -2.12194440e-4f;
    static constexpr int shift = 23, degree = 7;
};
template <>
struct Exponential<double> {
    static constexpr double low = -708.0, high = 709.0;
    static constexpr double magic = 6755399441055744.0;  // 1.5 * 2^52
    static constexpr double ln2_high = 6.93147180369123816490e-01, ln2_low = 1.90821492927058770002e-10;
    static constexpr int shift = 52, degree = 13;
};

constexpr double inverse_factorials[] = {
    1.0,       1.0,        1.0 / 2,      1.0 / 6,       1.0 / 24,       1.0 / 120,       1.0 / 720,
    1.0 / 5040, 1.0 / 40320, 1.0 / 362880, 1.0 / 3628800, 1.0 / 39916800, 1.0 / 479001600, 1.0 / 6227020800.0,
};

// exp(x) = 2^k exp(r) with |r| <= ln(2) / 2 and the Taylor polynomial of exp(r), exact to rounding; NaN stays NaN.
template <class T>
inline Vec<T> exponential(Vec<T> x) {
    using E = Exponential<T>;
    x = x < E::low ? all<T>(E::low) : x;
    x = x > E::high ? all<T>(E::high) : x;
    const Vec<T> shifted = x * T(1.4426950408889634) + E::magic;
    const Vec<T> k = shifted - E::magic;
    const Vec<T> r = (x - k * E::ln2_high) - k * E::ln2_low;
    Vec<T> p = all<T>(T(inverse_factorials[E::degree]));
    for (int d = E::degree - 1; d >= 0; --d) p = p * r + T(inverse_factorials[d]);
    const Bits<T> power = (Bits<T>)shifted - (Bits<T>)all<T>(E::magic);
    return (Vec<T>)((Bits<T>)p + (power << E::shift));
}

template <class T>
inline Vec<T> sigmoid(Vec<T> x) {
    return T(1) / (T(1) + exponential<T>(-x));
}

// Scratch memory that is given back at the end of its scope.
template <class T>
class Scratch {
   public:
    explicit Scratch(Index count) : at_(static_cast<T*>(acquire(static_cast<std::size_t>(count + 1) * sizeof(T)))) {}
    ~Scratch() { release(at_); }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    operator T*() const { return at_; }

   private:
    T* at_;
};

// Ranges of tasks for a lambda on (part, first, last); threads only where the work pays for starting them.
template <class Work>
inline void spread_over(Index tasks, int threads, Work& work) {
    parallel(
        tasks, threads, [](void* context, Index part, Index first, Index last) { (*static_cast<Work*>(context))(part, first, last); }, &work);
}
