// Memory for Python's callers: it comes in as addresses, and goes to the functions of the instruction set in use.
#pragma once

#include <cstdint>

#include "cpu.hpp"

namespace ascribe {

using Address = std::int64_t;  // 0: missing

template <class T>
T* at(Address address) {
    return reinterpret_cast<T*>(static_cast<std::intptr_t>(address));
}

template <class T>
const Operations<T>& operations();
template <>
inline const Operations<float>& operations() {
    return cpu::kernels().single_precision;
}
template <>
inline const Operations<double>& operations() {
    return cpu::kernels().double_precision;
}

}  // namespace ascribe
