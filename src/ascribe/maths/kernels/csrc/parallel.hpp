// Threads and scratch memory. Compiled once, without special instructions, so that every processor can run it.
#pragma once

#include <cstddef>

#include "layer.hpp"

namespace ascribe {

// Calls work(context, part, first, last) on consecutive ranges of 0..tasks, at most one a thread.
void parallel(Index tasks, int threads, void (*work)(void* context, Index part, Index first, Index last), void* context);

// Memory aligned for any register, not initialised. Throws std::bad_alloc.
void* acquire(std::size_t bytes);
void release(void* memory) noexcept;

}  // namespace ascribe
