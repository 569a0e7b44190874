// What `fit` minimises, in one call: the squared error of layers whose nodes are plain sums, and the usual regulariser.
//
// The way of kan/fit/objective.py, which is its reference, on the same kernels: forward, loss, statistics, regulariser,
// backward. Memory comes in as addresses of contiguous arrays, checked and kept alive by kan/fit/chain.py.
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "addresses.hpp"
#include "sparsity.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace {

using ascribe::Index;
using ascribe::Matrix;
using ascribe::Address;
using ascribe::at;
using ascribe::operations;

// A layer of edges. Its numbers are (inputs, terms, outputs) from `first` on in the vector; x is (inputs, n).
struct Stage {
    Index first, inputs, outputs, order, bases, base, linear;
    Address knots, mask;  // mask: 0 where there is none
    Address x, mean, covariance;
    Index threads;  // 0: as many as are asked for

    Index terms() const { return bases + 1; }
    Index numbers() const { return inputs * terms() * outputs; }

    // The numbers of the edges in a vector, or in its gradient.
    template <class T>
    ascribe::Weights<T> weights(T* vector) const {
        T* mine = vector + first;
        return {{mine, terms() * outputs, 1}, {mine + outputs, terms() * outputs, 1}, outputs, {}};
    }

    template <class T>
    ascribe::Layer<T> layer(Index n, const T* vector) const {
        return {
            .n = n,
            .inputs = inputs,
            .outputs = outputs,
            .order = static_cast<int>(order),
            .bases = static_cast<int>(bases),
            .base = static_cast<ascribe::Base>(base),
            .linear = linear != 0,
            .x = {at<const T>(x), 1, n},
            .knots = at<const T>(knots),
            .weights = weights<const T>(vector),
            .mask = {at<const T>(mask), outputs, 1},
        };
    }
};

// Of one stage, between the passes.
template <class T>
struct Statistics {
    std::vector<T> root, pull;
    std::vector<double> centre, deviation, drift;

    explicit Statistics(const Stage& stage)
        : root(static_cast<std::size_t>(stage.inputs * stage.outputs)), pull(root.size()),
          centre(static_cast<std::size_t>(stage.inputs)), deviation(centre.size()), drift(centre.size()) {}
};

template <class T>
class Work {
   public:
    Work(std::vector<Stage> stages, Index n, Address output, Address label, Address free, Index count)
        : stages_(std::move(stages)), n_(n), count_(count), output_(at<T>(output)), label_(at<const T>(label)),
          free_(at<const T>(free)) {
        Index widest = stages_.back().outputs;
        for (const Stage& stage : stages_) {
            statistics_.emplace_back(stage);
            widest = std::max(widest, stage.inputs);
        }
        for (std::vector<T>& gradient : towards_) gradient.resize(static_cast<std::size_t>(widest * n_));
    }

    // The loss, and the regulariser without lamb. Writes the gradient, and the stiffness of the edges of all stages.
    std::pair<double, double> evaluate(
        const T* vector, T* gradient, T* stiffness, const ascribe::Sparsity* by, int threads
    ) {
        for (std::size_t l = 0; l < stages_.size(); ++l) {
            const ascribe::Moments moments{at<double>(stages_[l].mean), at<double>(stages_[l].covariance)};
            operations<T>().forward(
                stages_[l].layer(n_, vector), {top(l), 1, n_}, by && !known(l) ? &moments : nullptr, share(l, threads));
        }
        const double loss = compare();
        const double penalty = by ? press(vector, stiffness, *by) : 0.0;
        for (std::size_t l = stages_.size(); l-- > 0;) {
            const Stage& stage = stages_[l];
            const Statistics<T>& seen = statistics_[l];
            ascribe::Pull<T> pull{};
            if (by) {
                pull.pull = {seen.pull.data(), stage.outputs, 1};
                pull.mean = at<const double>(stage.mean);
                pull.covariance = at<const double>(stage.covariance);
                if (l > 0) pull.drift = seen.drift.data(), pull.centre = seen.centre.data();
            }
            // What one stage writes the next one reads: two arrays take turns.
            const Matrix<const T> gy{towards_[l % 2].data(), 1, n_};
            const Matrix<T> gx{l > 0 ? towards_[(l + 1) % 2].data() : nullptr, 1, n_};
            const ascribe::Weights<T> gw = stage.weights(gradient);
            operations<T>().backward(stage.layer(n_, vector), gy, pull, gx, &gw, share(l, threads));
        }
        for (Index k = 0; k < count_; ++k)
            if (free_[k] == T(0)) gradient[k] = T(0);
        known_ = known_ || by;
        return {loss, penalty};
    }

   private:
    T* top(std::size_t l) const { return l + 1 < stages_.size() ? at<T>(stages_[l + 1].x) : output_; }
    bool known(std::size_t l) const { return l == 0 && known_; }  // the rows are the same every time
    int share(std::size_t l, int threads) const {
        return stages_[l].threads ? static_cast<int>(stages_[l].threads) : threads;
    }

    // The mean squared error; its gradient goes to where the last stage reads it.
    double compare() {
        const Index size = stages_.back().outputs * n_;
        T* gradient = towards_[(stages_.size() - 1) % 2].data();
        const double scale = 1.0 / static_cast<double>(std::max<Index>(1, size));
        double total[8] = {};
        for (Index k = 0; k < size; ++k) {
            const T difference = output_[k] - label_[k];
            total[k % 8] += static_cast<double>(difference) * static_cast<double>(difference);
            gradient[k] = difference * static_cast<T>(2 * scale);
        }
        for (int k = 1; k < 8; ++k) total[0] += total[k];
        return total[0] * scale;
    }

    double press(const T* vector, T* stiffness, const ascribe::Sparsity& by) {
        double penalty = 0;
        for (std::size_t l = 0; l < stages_.size(); ++l) {
            const Stage& stage = stages_[l];
            Statistics<T>& seen = statistics_[l];
            const Index outputs = stage.outputs;
            if (!known(l))
                operations<T>().deviations(
                    {at<const T>(stage.x), 1, n_}, n_, stage.inputs, seen.centre.data(), seen.deviation.data());
            operations<T>().spreads(
                stage.layer(n_, vector), at<const double>(stage.covariance), by.smoothing,
                {seen.root.data(), outputs, 1});
            penalty += ascribe::sparsity<T>(
                {seen.root.data(), outputs, 1}, seen.deviation.data(), stage.inputs, outputs, by,
                {seen.pull.data(), outputs, 1}, {stiffness, outputs, 1}, seen.drift.data());
            stiffness += stage.inputs * outputs;
            const double rows = static_cast<double>(std::max<Index>(1, n_ - 1));
            for (std::size_t i = 0; i < seen.drift.size(); ++i)
                seen.drift[i] = seen.deviation[i] > 0 ? seen.drift[i] / (rows * seen.deviation[i]) : 0.0;
        }
        return penalty;
    }

    std::vector<Stage> stages_;
    std::vector<Statistics<T>> statistics_;
    std::vector<T> towards_[2];
    Index n_, count_;
    T* output_;
    const T* label_;
    const T* free_;
    bool known_ = false;
};

using Spelt = std::array<Address, 13>;  // a Stage, entry by entry
using Factors = std::array<double, 4>;  // l1, entropy, lamb, smoothing

template <class T>
void bind(nb::module_& m, const char* name) {
    nb::class_<Work<T>>(m, name, "The objective on memory that its owner keeps alive.")
        .def(
            "__init__",
            [](Work<T>* work, const std::vector<Spelt>& spelt, Index n, Address output, Address label, Address free,
               Index count) {
                std::vector<Stage> stages;
                for (const Spelt& s : spelt)
                    stages.push_back(
                        {s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12]});
                new (work) Work<T>(std::move(stages), n, output, label, free, count);
            },
            "stages"_a, "n"_a, "output"_a, "label"_a, "free"_a, "count"_a)
        .def(
            "evaluate",
            [](Work<T>& work, Address vector, Address gradient, Address stiffness, const Factors& by, bool penalised,
               int threads) {
                nb::gil_scoped_release released;
                const ascribe::Sparsity factors{by[0], by[1], by[2], by[3]};
                return work.evaluate(
                    at<const T>(vector), at<T>(gradient), at<T>(stiffness), penalised ? &factors : nullptr, threads);
            },
            "vector"_a, "gradient"_a, "stiffness"_a, "by"_a, "penalised"_a, "threads"_a);
}

}  // namespace

void bind_objective(nb::module_& m) {
    bind<float>(m, "Objective32");
    bind<double>(m, "Objective64");
}
