#include "parallel.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <thread>
#include <vector>

namespace ascribe {

// Threads are started for each call: that costs some ten microseconds each, is paid only by work of many times that
// (the caller decides), and leaves no idle threads that would wait beside torch's own.
void parallel(Index tasks, int threads, void (*work)(void*, Index, Index, Index), void* context) {
    const Index parts = std::max<Index>(1, std::min<Index>(threads, tasks));
    std::vector<std::thread> others;
    std::vector<std::exception_ptr> failures(static_cast<std::size_t>(parts));
    const auto part = [&](Index p) {
        try {
            work(context, p, tasks * p / parts, tasks * (p + 1) / parts);
        } catch (...) {
            failures[static_cast<std::size_t>(p)] = std::current_exception();
        }
    };
    others.reserve(static_cast<std::size_t>(parts));
    Index started = 0;
    try {
        for (; started + 1 < parts; ++started) others.emplace_back(part, started);
    } catch (const std::system_error&) {
        // No more threads are to be had: this one does the rest.
    }
    for (Index p = started; p < parts; ++p) part(p);
    for (std::thread& other : others) other.join();
    for (const std::exception_ptr& failure : failures)
        if (failure) std::rethrow_exception(failure);
}

constexpr std::align_val_t alignment{64};

void* acquire(std::size_t bytes) { return ::operator new(bytes, alignment); }

void release(void* memory) noexcept { ::operator delete(memory, alignment); }

}  // namespace ascribe
