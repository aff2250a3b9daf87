#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>
#include <vector>

#include "word_table.h"

namespace infogan_fast::cuda {

// A WordTable and the device memory that it may need, to be kept until the kernel is launched.
struct DeviceTable {
  WordTable words{};
  at::Tensor memory;
};

inline DeviceTable make_table(const std::vector<int64_t>& words, at::Device device, c10::cuda::CUDAStream stream) {
  DeviceTable table;
  if (words.size() <= kInlineWords) {
    std::copy(words.begin(), words.end(), table.words.inline_words);
    return table;
  }
  const auto count = static_cast<int64_t>(words.size());
  table.memory = at::empty({count}, at::TensorOptions(at::kLong).device(device));
  C10_CUDA_CHECK(write_words(words.data(), count, table.memory.mutable_data_ptr<int64_t>(), stream));
  table.words.far_words = table.memory.const_data_ptr<int64_t>();
  return table;
}

// [m + 1] the column at which each categorical code begins, and where the last one ends.
inline std::vector<int64_t> first_columns(at::IntArrayRef cardinalities) {
  std::vector<int64_t> columns = {0};
  columns.reserve(cardinalities.size() + 1);
  for (const int64_t cardinality : cardinalities) {
    columns.push_back(columns.back() + cardinality);
  }
  return columns;
}

}  // namespace infogan_fast::cuda
