// Which of the compiled instruction sets this processor has, and which one is in use.
#pragma once

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels.hpp"

#if defined(_MSC_VER) && defined(_M_X64)
#include <immintrin.h>
#include <intrin.h>  // clang-cl has no runtime library for __builtin_cpu_supports
#endif

namespace ascribe::cpu {

#if defined(_MSC_VER) && defined(_M_X64)

// Bits of cpuid: (leaf 1).ecx, (leaf 7).ebx and the states that the operating system saves (xgetbv).
__attribute__((target("xsave"))) inline bool has(unsigned leaf1_ecx, unsigned leaf7_ebx, unsigned long long saved) {
    int leaf[4];
    __cpuid(leaf, 0);
    if (leaf[0] < 7) return false;
    __cpuid(leaf, 1);
    if ((static_cast<unsigned>(leaf[2]) & leaf1_ecx) != leaf1_ecx) return false;
    if ((_xgetbv(0) & saved) != saved) return false;
    __cpuidex(leaf, 7, 0);
    return (static_cast<unsigned>(leaf[1]) & leaf7_ebx) == leaf7_ebx;
}

constexpr unsigned fma_xsave_avx = 1u << 12 | 1u << 27 | 1u << 28;
constexpr unsigned bmi_avx2 = 1u << 3 | 1u << 5 | 1u << 8;
constexpr unsigned avx512_f_dq_cd_bw_vl = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;

inline bool has_base() { return true; }
inline bool has_avx2() { return has(fma_xsave_avx, bmi_avx2, 0x6); }
inline bool has_avx512() { return has(fma_xsave_avx, bmi_avx2 | avx512_f_dq_cd_bw_vl, 0xe6); }

#elif defined(__x86_64__)

// The compiler's test includes the operating system's: whether it saves the wide registers.
inline bool has_base() { return __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt"); }
inline bool has_avx2() {
    return has_base() && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
           __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
inline bool has_avx512() {
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}

#else

inline bool has_base() { return true; }

#endif

// The tables that this processor can run, the slowest first.
inline const std::vector<const Kernels*>& available() {
    static const std::vector<const Kernels*> tables = [] {
        std::vector<const Kernels*> found;
        if (has_base()) found.push_back(&kernels_base());
#ifdef ASCRIBE_AVX2
        if (has_avx2()) found.push_back(&kernels_avx2());
#endif
#ifdef ASCRIBE_AVX512
        if (has_avx512()) found.push_back(&kernels_avx512());
#endif
        if (found.empty()) throw std::runtime_error("this processor has none of the instruction sets built in");
        return found;
    }();
    return tables;
}

inline std::atomic<const Kernels*>& chosen() {
    static std::atomic<const Kernels*> table{available().back()};
    return table;
}

// The table in use: every binding calls its functions through it.
inline const Kernels& kernels() { return *chosen().load(std::memory_order_relaxed); }

// Take another table from now on. Throws std::invalid_argument for a name that this processor cannot run.
inline void use(const std::string& isa) {
    std::string names;
    for (const Kernels* table : available()) {
        if (isa == table->isa) {
            chosen().store(table, std::memory_order_relaxed);
            return;
        }
        names += (names.empty() ? "" : ", ") + std::string(table->isa);
    }
    throw std::invalid_argument("the instruction set '" + isa + "' cannot be used here; pass one of " + names + ".");
}

}  // namespace ascribe::cpu
