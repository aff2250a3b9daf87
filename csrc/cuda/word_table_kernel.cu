#include <algorithm>

#include "word_table.h"

namespace infogan_fast::cuda {
namespace {

__global__ void write_words_kernel(const __grid_constant__ WordTable table, int count, int64_t* target) {
  const int i = static_cast<int>(threadIdx.x);
  if (i < count) {
    target[i] = table.word(i);
  }
}

}  // namespace

cudaError_t write_words(const int64_t* words, int64_t count, int64_t* target, cudaStream_t stream) {
  for (int64_t begin = 0; begin < count; begin += kInlineWords) {
    const int64_t chunk = std::min<int64_t>(kInlineWords, count - begin);
    WordTable table{};
    std::copy(words + begin, words + begin + chunk, table.inline_words);
    INFOGAN_LAUNCH(write_words_kernel, 1, kInlineWords, stream, table, static_cast<int>(chunk), target + begin);
    if (const cudaError_t error = cudaGetLastError(); error != cudaSuccess) {
      return error;
    }
  }
  return cudaSuccess;
}

}  // namespace infogan_fast::cuda
