#pragma once

#include <cstdint>

#include "device.h"

namespace infogan_fast::cuda {

constexpr int kInlineWords = 128;

// A short list of numbers that a kernel reads, decided on the host. Up to kInlineWords travel in the kernel's
// parameters; more lie in device memory, where write_words puts them. Either way a CUDA graph captures them by value,
// and no host synchronisation is needed.
struct WordTable {
  int64_t inline_words[kInlineWords];
  const int64_t* far_words;  // null if they are inline

  __device__ __forceinline__ int64_t word(int64_t i) const {
    return far_words != nullptr ? far_words[i] : inline_words[i];
  }
};

// Writes count words to device memory, in launches of up to kInlineWords each.
cudaError_t write_words(const int64_t* words, int64_t count, int64_t* target, cudaStream_t stream);

}  // namespace infogan_fast::cuda
