#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

#include "block.h"

// CUDA's functions in which threads wait for one another. The last two parameters, which no caller gives, tell where
// the call stands in the source.

#define CUDA_ON_HOST_CALLER const char *file = __builtin_FILE(), int line = __builtin_LINE()

namespace cuda_on_host {

template <typename T>
concept Exchangeable = std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8);

template <Exchangeable T>
uint64_t to_word(T value) {
  uint64_t word = 0;
  std::memcpy(&word, &value, sizeof(value));
  return word;
}

template <Exchangeable T>
T from_word(uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof(value));
  return value;
}

// source(lane, first): the lane to read from, where first is the first one of the group of `width` lanes. The value of
// a lane that is not in the mask is undefined in CUDA, and 0xFF... here.
template <Exchangeable T, typename Source>
T shuffle(const Site& site, uint32_t mask, T value, int width, const Source& source) {
  if (width < 1 || width > warpSize || !std::has_single_bit(static_cast<unsigned>(width))) {
    the_block.fail(to_string(site) + " has width " + std::to_string(width) + ", which must be a power of two to 32");
  }
  const int lane = the_block.lane();
  const uint64_t result = the_block.warp_collective(
      site, mask, to_word(value), source(lane, lane & ~(width - 1)), [mask](Block::Lane* lanes) {
        for (uint32_t all = mask; all != 0; all &= all - 1) {
          Block::Lane& reader = lanes[std::countr_zero(all)];
          reader.result = (mask >> reader.source & 1u) != 0 ? lanes[reader.source].value : ~uint64_t{0};
        }
      });
  return from_word<T>(result);
}

// combine(word, word) over the lanes in the mask, in every one of them.
template <typename Combine>
uint64_t warp_reduce(const Site& site, uint32_t mask, uint64_t value, const Combine& combine) {
  return the_block.warp_collective(site, mask, value, 0, [&](Block::Lane* lanes) {
    uint64_t total = lanes[std::countr_zero(mask)].value;
    for (uint32_t rest = mask & (mask - 1); rest != 0; rest &= rest - 1) {
      total = combine(total, lanes[std::countr_zero(rest)].value);
    }
    for (uint32_t all = mask; all != 0; all &= all - 1) {
      lanes[std::countr_zero(all)].result = total;
    }
  });
}

inline uint32_t ballot(const Site& site, uint32_t mask, bool predicate) {
  const uint64_t vote = uint64_t{predicate} << the_block.lane() % warpSize;
  return static_cast<uint32_t>(warp_reduce(site, mask, vote, [](uint64_t a, uint64_t b) { return a | b; }));
}

template <typename T>
concept Reducible = std::is_same_v<T, int> || std::is_same_v<T, unsigned>;

template <Reducible T, typename Combine>
T reduce(const Site& site, uint32_t mask, T value, const Combine& combine) {
  return from_word<T>(warp_reduce(site, mask, to_word(value), [&](uint64_t a, uint64_t b) {
    return to_word<T>(combine(from_word<T>(a), from_word<T>(b)));
  }));
}

}  // namespace cuda_on_host

inline void __syncthreads(CUDA_ON_HOST_CALLER) {
  cuda_on_host::the_block.barrier({"__syncthreads", file, line}, false);
}
inline int __syncthreads_count(int predicate, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::the_block.barrier({"__syncthreads_count", file, line}, predicate != 0);
}
inline int __syncthreads_and(int predicate, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::the_block.barrier({"__syncthreads_and", file, line}, predicate == 0) == 0;
}
inline int __syncthreads_or(int predicate, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::the_block.barrier({"__syncthreads_or", file, line}, predicate != 0) != 0;
}

inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, CUDA_ON_HOST_CALLER) {
  cuda_on_host::ballot({"__syncwarp", file, line}, mask, false);
}

// As PTX has it, only the low five bits of lane, delta and lane_mask count.
template <cuda_on_host::Exchangeable T>
T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::shuffle(
      {"__shfl_sync", file, line}, mask, value, width, [=](int, int first) { return first + (lane & (width - 1)); });
}
template <cuda_on_host::Exchangeable T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = warpSize, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::shuffle({"__shfl_up_sync", file, line}, mask, value, width, [=](int self, int first) {
    const int source = self - static_cast<int>(delta % warpSize);
    return source < first ? self : source;
  });
}
template <cuda_on_host::Exchangeable T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = warpSize, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::shuffle({"__shfl_down_sync", file, line}, mask, value, width, [=](int self, int first) {
    const int source = self + static_cast<int>(delta % warpSize);
    return source >= first + width ? self : source;
  });
}
// A group of `width` lanes may read from those before it, but not after.
template <cuda_on_host::Exchangeable T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = warpSize, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::shuffle({"__shfl_xor_sync", file, line}, mask, value, width, [=](int self, int first) {
    const int source = self ^ (lane_mask & (warpSize - 1));
    return source >= first + width ? self : source;
  });
}

inline unsigned __ballot_sync(unsigned mask, int predicate, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::ballot({"__ballot_sync", file, line}, mask, predicate != 0);
}
inline int __any_sync(unsigned mask, int predicate, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::ballot({"__any_sync", file, line}, mask, predicate != 0) != 0;
}
inline int __all_sync(unsigned mask, int predicate, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::ballot({"__all_sync", file, line}, mask, predicate != 0) == mask;
}

template <cuda_on_host::Reducible T>
T __reduce_add_sync(unsigned mask, T value, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::reduce({"__reduce_add_sync", file, line}, mask, value, [](T a, T b) {
    return static_cast<T>(static_cast<unsigned>(a) + static_cast<unsigned>(b));
  });
}
template <cuda_on_host::Reducible T>
T __reduce_min_sync(unsigned mask, T value, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::reduce({"__reduce_min_sync", file, line}, mask, value, [](T a, T b) { return b < a ? b : a; });
}
template <cuda_on_host::Reducible T>
T __reduce_max_sync(unsigned mask, T value, CUDA_ON_HOST_CALLER) {
  return cuda_on_host::reduce({"__reduce_max_sync", file, line}, mask, value, [](T a, T b) { return a < b ? b : a; });
}

// The device stops at once.
[[noreturn]] inline void __trap(CUDA_ON_HOST_CALLER) {
  cuda_on_host::the_block.fail(
      "thread " + std::to_string(cuda_on_host::the_block.thread()) + " called " +
      to_string(cuda_on_host::Site{"__trap", file, line}));
}

#undef CUDA_ON_HOST_CALLER
