// The base function of a register of samples. Included inside the namespace of an instruction set.

// x / (1 + exp(-x)), to rounding of what it is added to; what is not a number stays so.
template <class T>
inline Vec<T> silu(Vec<T> x) {
    return x / (T(1) + exponential<T>(-x));
}

#if defined(__AVX512F__)
// Nearest to 2^r for |r| <= 1/2 in the relative error, which is 2e-9.
constexpr float two_to_the[] = {1.0f,           0.6931472f,     0.24022646f,   0.055503286f,
                                0.009618489f, 0.0013399931f, 0.00015345812f};

// With exp(-x) = 2^k 2^r, by the instructions that round and that scale, which knows 0 and infinity.
template <>
inline Vec<float> silu<float>(Vec<float> x) {
    constexpr __mmask16 every = 0xffff;
    const __m512 v = _mm512_maskz_range_ps(every, (__m512)x, _mm512_set1_ps(128), 2);  // no further from 0 than 128
    const __m512 by = _mm512_set1_ps(-1.44269504f);
    const __m512 k = _mm512_maskz_roundscale_ps(every, _mm512_mul_ps(v, by), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const Vec<float> r = (Vec<float>)_mm512_fmsub_ps(v, by, k);
    Vec<float> p = all<float>(two_to_the[6]);
    for (int d = 5; d >= 0; --d) p = p * r + two_to_the[d];
    return x / (1 + (Vec<float>)_mm512_maskz_scalef_ps(every, (__m512)p, k));
}
#endif
