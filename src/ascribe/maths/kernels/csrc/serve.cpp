// Served networks for Python: memory comes in as addresses and strides (counted in elements), checked by kan/compiled.py.
#include "serve.hpp"

#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "addresses.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using ascribe::Index;
using ascribe::Served;
using ascribe::ServedLayer;
using ascribe::Address;
using ascribe::at;

// The makers for the instruction set in use.
const ascribe::Servers& servers() {
    [[maybe_unused]] const std::string isa = ascribe::cpu::kernels().isa;
#ifdef ASCRIBE_AVX2
    if (isa == "avx2") return ascribe::servers_avx2();
#endif
#ifdef ASCRIBE_AVX512
    if (isa == "avx512") return ascribe::servers_avx512();
#endif
    return ascribe::servers_base();
}

struct Table {
    std::array<Index, 6> sizes;        // inputs, outputs, cells, degree, silu, confined
    std::array<Address, 6> addresses;  // breaks, starts, inverses, weight, bias, product_bias
    std::vector<Index> arity;

    template <class T>
    ServedLayer<T> as() const {
        return {
            .inputs = sizes[0],
            .outputs = sizes[1],
            .cells = sizes[2],
            .degree = static_cast<int>(sizes[3]),
            .silu = sizes[4] != 0,
            .confined = sizes[5] != 0,
            .breaks = at<const T>(addresses[0]),
            .starts = at<const T>(addresses[1]),
            .inverses = at<const T>(addresses[2]),
            .weight = at<const T>(addresses[3]),
            .bias = at<const T>(addresses[4]),
            .product_bias = at<const T>(addresses[5]),
            .products = static_cast<Index>(arity.size()),
            .arity = arity.data(),
        };
    }
};

template <class T>
class Owned {
   public:
    explicit Owned(Served<T> served) : served_(served) {}
    ~Owned() { served_.end(served_.network); }
    Owned(const Owned&) = delete;
    Owned& operator=(const Owned&) = delete;
    const Served<T>& operator*() const { return served_; }

   private:
    Served<T> served_;
};

template <class T, class Maker>
std::unique_ptr<Owned<T>> made(Maker maker, const std::vector<Table>& tables) {
    std::vector<ServedLayer<T>> layers;
    for (const Table& table : tables) layers.push_back(table.as<T>());
    return std::make_unique<Owned<T>>(maker(layers.data(), static_cast<Index>(layers.size())));
}

class Network {
   public:
    Network(bool twice, const std::vector<Table>& tables, std::vector<Index> columns) : columns_(std::move(columns)) {
        if (twice)
            served_ = made<double>(servers().double_precision, tables);
        else
            served_ = made<float>(servers().single_precision, tables);
    }

    bool run(Index n, std::array<Address, 3> x, Address y, int threads) const {
        nb::gil_scoped_release released;
        return std::visit(
            [&]<class T>(const std::unique_ptr<Owned<T>>& served) {
                const Served<T>& s = **served;
                return s.run(s.network, n, {at<const T>(x[0]), x[1], x[2]}, columns_.data(), at<T>(y), threads);
            },
            served_);
    }

   private:
    std::vector<Index> columns_;
    std::variant<std::unique_ptr<Owned<float>>, std::unique_ptr<Owned<double>>> served_;
};

}  // namespace

void bind_serving(nb::module_& m) {
    nb::class_<Table>(m, "Table")
        .def(nb::init<std::array<Index, 6>, std::array<Address, 6>, std::vector<Index>>(), "sizes"_a, "addresses"_a, "arity"_a);
    nb::class_<Network>(m, "Network")
        .def(nb::init<bool, const std::vector<Table>&, std::vector<Index>>(), "twice"_a, "tables"_a, "columns"_a)
        .def("run", &Network::run, "n"_a, "x"_a, "y"_a, "threads"_a);
}
