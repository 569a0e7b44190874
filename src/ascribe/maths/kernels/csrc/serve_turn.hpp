// Rows to columns. Included inside the namespace of an instruction set.

template <class T>
struct Quad;
template <>
struct Quad<float> {
    typedef float Numbers __attribute__((vector_size(16)));
    typedef std::int32_t Bits __attribute__((vector_size(16)));
};
template <>
struct Quad<double> {
    typedef double Numbers __attribute__((vector_size(32)));
    typedef std::int64_t Bits __attribute__((vector_size(32)));
};

#if defined(__clang__)
#define ASCRIBE_MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define ASCRIBE_MIX(a, b, ...) __builtin_shuffle(a, b, (typename Quad<T>::Bits){__VA_ARGS__})
#endif

// to(c, r) = from(r, c) for four rows of four.
template <class T>
inline void turn_quads(const T* from, Index row, T* to, Index to_row) {
    typename Quad<T>::Numbers a, b, c, d;
    __builtin_memcpy(&a, from, sizeof a);
    __builtin_memcpy(&b, from + row, sizeof b);
    __builtin_memcpy(&c, from + 2 * row, sizeof c);
    __builtin_memcpy(&d, from + 3 * row, sizeof d);
    const auto ab = ASCRIBE_MIX(a, b, 0, 4, 1, 5), cd = ASCRIBE_MIX(c, d, 0, 4, 1, 5);
    const auto low = ASCRIBE_MIX(ab, cd, 0, 1, 4, 5), next = ASCRIBE_MIX(ab, cd, 2, 3, 6, 7);
    __builtin_memcpy(to, &low, sizeof low);
    __builtin_memcpy(to + to_row, &next, sizeof next);
    const auto ab_high = ASCRIBE_MIX(a, b, 2, 6, 3, 7), cd_high = ASCRIBE_MIX(c, d, 2, 6, 3, 7);
    const auto third = ASCRIBE_MIX(ab_high, cd_high, 0, 1, 4, 5), last = ASCRIBE_MIX(ab_high, cd_high, 2, 3, 6, 7);
    __builtin_memcpy(to + 2 * to_row, &third, sizeof third);
    __builtin_memcpy(to + 3 * to_row, &last, sizeof last);
}

// to(c, r) = from(r, c); rows of both are contiguous.
template <class T>
inline void turn(const T* from, Index row, Index rows, Index columns, T* to, Index to_row) {
    Index r = 0;
    for (; r + 4 <= rows; r += 4) {
        Index c = 0;
        for (; c + 4 <= columns; c += 4) turn_quads(from + r * row + c, row, to + c * to_row + r, to_row);
        for (; c < columns; ++c)
            for (Index k = r; k < r + 4; ++k) to[c * to_row + k] = from[k * row + c];
    }
    for (; r < rows; ++r)
        for (Index c = 0; c < columns; ++c) to[c * to_row + r] = from[r * row + c];
}

#undef ASCRIBE_MIX
