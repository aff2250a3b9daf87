#pragma once

// What the tests of the CUDA kernels share: specs, and memory that ends where its last element does, beginning at a
// chosen distance from a 16-byte boundary.

#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <vector>

#include "cuda/word_table.h"
#include "kernel/latent_layout.h"

namespace cuda_cases {

using infogan_fast::LatentLayout;
using infogan_fast::Prior;

// Owns the cardinalities that its layout points to.
struct Spec {
  std::vector<int64_t> cardinalities;
  int64_t continuous;
  int64_t noise = 0;
  Prior noise_prior = Prior::kNormal;
  Prior continuous_prior = Prior::kUniform;

  LatentLayout layout() const {
    return {
        noise,
        static_cast<int64_t>(cardinalities.size()),
        continuous,
        cardinalities.data(),
        std::accumulate(cardinalities.begin(), cardinalities.end(), int64_t(0)),
        noise_prior,
        continuous_prior,
    };
  }

  // What the kernels get: no pointers to host memory.
  LatentLayout device_layout() const {
    LatentLayout device = layout();
    device.cardinalities = nullptr;
    return device;
  }

  // [m + 1] the column at which each categorical code begins, and where the last one ends.
  std::vector<int64_t> first_columns() const {
    std::vector<int64_t> columns = {0};
    for (const int64_t cardinality : cardinalities) {
      columns.push_back(columns.back() + cardinality);
    }
    return columns;
  }
};

// A table as the ops make it: inline if it fits, else in memory that write_words has filled.
class Table {
 public:
  explicit Table(const std::vector<int64_t>& words) {
    if (words.size() <= infogan_fast::cuda::kInlineWords) {
      std::copy(words.begin(), words.end(), table_.inline_words);
      return;
    }
    far_.resize(words.size());
    infogan_fast::cuda::write_words(words.data(), static_cast<int64_t>(words.size()), far_.data(), nullptr);
    table_.far_words = far_.data();
  }

  const infogan_fast::cuda::WordTable& words() const { return table_; }

 private:
  infogan_fast::cuda::WordTable table_{};
  std::vector<int64_t> far_;
};

// count elements, `past` elements after a 16-byte boundary, with nothing after the last; poisoned with NaN.
template <typename T>
class Memory {
 public:
  explicit Memory(int64_t count, int64_t past = 0)
      : count_(count), bytes_(new unsigned char[(past + count) * sizeof(T)]), data_(past) {
    std::memset(bytes_.get(), 0xFF, (past + count) * sizeof(T));
  }

  T* data() { return reinterpret_cast<T*>(bytes_.get()) + data_; }
  const T* data() const { return reinterpret_cast<const T*>(bytes_.get()) + data_; }
  T& operator[](int64_t i) { return data()[i]; }
  const T& operator[](int64_t i) const { return data()[i]; }
  int64_t size() const { return count_; }

 private:
  int64_t count_;
  std::unique_ptr<unsigned char[]> bytes_;  // new[] gives memory on a 16-byte boundary
  int64_t data_;
};

}  // namespace cuda_cases
