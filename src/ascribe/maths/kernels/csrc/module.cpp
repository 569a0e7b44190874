// The Python module ascribe.maths.kernels._native: what is bound, and nothing else. Its types are in _native.pyi.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <string>
#include <vector>

#include "cpu.hpp"

namespace nb = nanobind;
using namespace nb::literals;

void bind_splines(nb::module_& m);
void bind_serving(nb::module_& m);
void bind_objective(nb::module_& m);

namespace {

std::string isa() { return ascribe::cpu::kernels().isa; }

std::vector<std::string> available() {
    std::vector<std::string> names;
    for (const ascribe::Kernels* table : ascribe::cpu::available()) names.emplace_back(table->isa);
    return names;
}

}  // namespace

NB_MODULE(_native, m) {
    ascribe::cpu::available();  // fails the import, with its reason, where nothing can run
    m.def("isa", isa, "The instruction set in use.");
    m.def("available", available, "The instruction sets that this processor can run, the slowest first.");
    m.def("use", ascribe::cpu::use, "isa"_a, "Take another instruction set from now on; ValueError where it cannot run.");
    bind_splines(m);
    bind_serving(m);
    bind_objective(m);
}
