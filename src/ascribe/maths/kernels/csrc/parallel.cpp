#include "parallel.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <dlfcn.h>
#endif

namespace ascribe {

namespace {

using Part = void (*)(void* context);

// OpenMP's functions, as compilers call them. torch brings its own OpenMP under a name of its own, so it is looked up
// in the process and not linked: two of them would keep the processors busy waiting for each other.
struct OpenMP {
    void (*parallel)(Part, void* context, unsigned threads, unsigned flags) = nullptr;
    int (*thread)() = nullptr;
    int (*threads)() = nullptr;

    OpenMP() {
#if defined(__linux__)
        parallel = reinterpret_cast<decltype(parallel)>(dlsym(RTLD_DEFAULT, "GOMP_parallel"));
        thread = reinterpret_cast<decltype(thread)>(dlsym(RTLD_DEFAULT, "omp_get_thread_num"));
        threads = reinterpret_cast<decltype(threads)>(dlsym(RTLD_DEFAULT, "omp_get_num_threads"));
#endif
    }
    explicit operator bool() const { return parallel && thread && threads; }
};

const OpenMP& openmp() {
    static const OpenMP found;
    return found;
}

// The ranges of one call; which thread does which makes no difference.
struct Ranges {
    Index tasks, parts;
    void (*work)(void*, Index, Index, Index);
    void* context;
    std::vector<std::exception_ptr> failures;

    void run(Index part) {
        try {
            work(context, part, tasks * part / parts, tasks * (part + 1) / parts);
        } catch (...) {
            failures[static_cast<std::size_t>(part)] = std::current_exception();
        }
    }
};

void run_on_openmp(void* context) {
    Ranges& ranges = *static_cast<Ranges*>(context);
    // There may be fewer threads than were asked for, as inside another parallel region.
    for (Index part = openmp().thread(); part < ranges.parts; part += openmp().threads()) ranges.run(part);
}

// Where torch's threads are not to be found: some of our own, started for the call. The caller asks for threads only
// where the work takes many times as long as starting them.
void run_on_new_threads(Ranges& ranges) {
    std::vector<std::thread> others;
    others.reserve(static_cast<std::size_t>(ranges.parts));
    Index started = 0;
    try {
        for (; started + 1 < ranges.parts; ++started) others.emplace_back([&ranges, started] { ranges.run(started); });
    } catch (const std::system_error&) {
        // No more threads are to be had: this one does the rest.
    }
    for (Index part = started; part < ranges.parts; ++part) ranges.run(part);
    for (std::thread& other : others) other.join();
}

}  // namespace

void parallel(Index tasks, int threads, void (*work)(void*, Index, Index, Index), void* context) {
    const Index parts = std::max<Index>(1, std::min<Index>(threads, tasks));
    Ranges ranges{tasks, parts, work, context, std::vector<std::exception_ptr>(static_cast<std::size_t>(parts))};
    if (parts == 1)
        ranges.run(0);
    else if (openmp())
        openmp().parallel(run_on_openmp, &ranges, static_cast<unsigned>(parts), 0);
    else
        run_on_new_threads(ranges);
    for (const std::exception_ptr& failure : ranges.failures)
        if (failure) std::rethrow_exception(failure);
}

constexpr std::align_val_t alignment{64};

void* acquire(std::size_t bytes) { return ::operator new(bytes, alignment); }

void release(void* memory) noexcept { ::operator delete(memory, alignment); }

}  // namespace ascribe
