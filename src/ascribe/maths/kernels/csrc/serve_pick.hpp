// A number for every lane, out of a table that registers hold. Included inside the namespace of an instruction set.

#if defined(__AVX512F__)
template <class T>
constexpr int most_pages = 4;
#elif defined(__AVX2__)
// Without an instruction for doubles.
template <class T>
constexpr int most_pages = sizeof(T) == 4 ? 2 : 0;
#else
template <class T>
constexpr int most_pages = 0;
#endif

// table[at], and the same of two registers. GCC knows the instructions by a function of its own, Clang by their names.
#if !defined(__clang__)
template <class T>
inline Vec<T> permute(Vec<T> table, Bits<T> at) {
    return __builtin_shuffle(table, at);
}
template <class T>
inline Vec<T> permute(Vec<T> low, Vec<T> high, Bits<T> at) {
    return __builtin_shuffle(low, high, at);
}
#elif defined(__AVX512F__)
template <class T>
inline Vec<T> permute(Vec<T> table, Bits<T> at) {
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_permutexvar_ps((__m512i)at, (__m512)table);
    else return (Vec<T>)_mm512_permutexvar_pd((__m512i)at, (__m512d)table);
}
template <class T>
inline Vec<T> permute(Vec<T> low, Vec<T> high, Bits<T> at) {
    if constexpr (sizeof(T) == 4) return (Vec<T>)_mm512_permutex2var_ps((__m512)low, (__m512i)at, (__m512)high);
    else return (Vec<T>)_mm512_permutex2var_pd((__m512d)low, (__m512i)at, (__m512d)high);
}
#elif defined(__AVX2__)
template <class T>
inline Vec<T> permute(Vec<T> table, Bits<T> at) {
    return (Vec<T>)_mm256_permutevar8x32_ps((__m256)table, (__m256i)at);
}
template <class T>
inline Vec<T> permute(Vec<T> low, Vec<T> high, Bits<T> at) {
    return at >= lanes<T> ? permute<T>(high, at) : permute<T>(low, at);
}
#endif

template <class T, int Pages>
inline Vec<T> pick(const Vec<T>* table, Bits<T> at) {
    static_assert(Pages <= most_pages<T>);
    if constexpr (Pages == 1) return permute<T>(table[0], at);
    if constexpr (Pages == 2) return permute<T>(table[0], table[1], at);
    if constexpr (Pages == 4)
        return at >= 2 * lanes<T> ? permute<T>(table[2], table[3], at) : permute<T>(table[0], table[1], at);
}
