#pragma once

// A batch of images and their patches, a few images at a time: so few that their patches stay in the processor's cache.

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zero.h>

#include <type_traits>
#include <vector>

#include "../types.h"
#include "image_parts.h"
#include "matrix_product.h"
#include "patches.h"

namespace infogan_fast {

// Images [B, C, H, W] in channels-last order, whose patches are the rows of a matrix [B * H/2 * W/2, 16 C].
struct PatchBatch {
  int64_t batch;
  ImageSize size;
  at::ScalarType dtype;

  ImageParts cut() const {
    return {batch, size.patches() * size.patch_elements() * static_cast<int64_t>(c10::elementSize(dtype))};
  }
  int64_t parts() const { return cut().parts(); }

  // Calls body(range, patches) for ranges of images that cover the batch, those of a part in order, with an
  // uninitialised matrix for their patches.
  template <typename Body>
  void for_each_range(const Body& body) const;
};

// Some of the images.
struct ImageRange {
  const PatchBatch& of;
  int64_t part, begin, end;

  bool begins_part() const { return begin == of.cut().part_begin(part); }

  // Of a matrix with a row for each patch of the batch, those of the range.
  at::Tensor rows(const at::Tensor& matrix) const {
    return matrix.narrow(0, begin * of.size.patches(), (end - begin) * of.size.patches());
  }

  template <typename T>
  void gather(const at::Tensor& images, const at::Tensor& patches) const {
    const T* source = images.const_data_ptr<T>() + begin * of.size.elements();
    T* target = patches.mutable_data_ptr<T>();
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t image = begin; image < end; ++image) {
        gather_patches(of.size, source, target);
        source += of.size.elements();
        target += of.size.patches() * of.size.patch_elements();
      }
    });
  }

  // Sums the patches to images, and adds a bias, [C] or null, to every pixel.
  template <typename T>
  void scatter(const at::Tensor& patches, const accumulate_t<T>* bias, const at::Tensor& images) const {
    using Sum = accumulate_t<T>;
    const T* source = patches.const_data_ptr<T>();
    T* target = images.mutable_data_ptr<T>() + begin * of.size.elements();
    std::vector<Sum> rounded_later(std::is_same_v<T, Sum> ? 0 : of.size.elements());
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t image = begin; image < end; ++image) {
        Sum* sum = rounded_later.data();
        if constexpr (std::is_same_v<T, Sum>) {
          sum = target;
        }
        scatter_patches(of.size, source, sum);
        add_bias(sum, bias, of.size.height * of.size.width, of.size.channels, Sum(1));
        for (size_t i = 0; i < rounded_later.size(); ++i) {
          target[i] = static_cast<T>(rounded_later[i]);
        }
        source += of.size.patches() * of.size.patch_elements();
        target += of.size.elements();
      }
    });
  }
};

// For each thread a matrix with a row for every patch of a range, which stays in its cache from range to range. Made
// outside of the loop over ranges, since what the pool's threads allocate goes back to the system at the end of it.
class RangeBuffers {
 public:
  RangeBuffers(const PatchBatch& batch, int64_t columns)
      : buffers_(
            at::empty(
                {at::get_num_threads(), batch.cut().images_per_range() * batch.size.patches(), columns}, batch.dtype)) {
  }

  // The calling thread's, uninitialised.
  at::Tensor of_range(const ImageRange& range) const {
    return buffers_.select(0, at::get_thread_num()).narrow(0, 0, (range.end - range.begin) * range.of.size.patches());
  }

 private:
  at::Tensor buffers_;
};

template <typename Body>
void PatchBatch::for_each_range(const Body& body) const {
  const ImageParts parts = cut();
  const RangeBuffers buffers(*this, size.patch_elements());
  at::parallel_for(0, parts.parts(), 1, [&](int64_t first_part, int64_t last_part) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;  // threads of the pool do not inherit it
    parts.for_each_range(first_part, last_part, [&](int64_t part, int64_t begin, int64_t end) {
      const ImageRange range{*this, part, begin, end};
      body(range, buffers.of_range(range));
    });
  });
}

// rows^T patches of the whole batch, [N, 16 C]: the gradient of a matrix of weights, in accumulate_type's dtype.
class WeightSum {
 public:
  WeightSum(const PatchBatch& batch, int64_t rows_width, MatrixProduct product)
      : product_(product),
        parts_(at::empty({batch.parts(), rows_width, batch.size.patch_elements()}, accumulate_type(batch.dtype))) {
    if (batch.batch == 0) {
      parts_.zero_();
    }
  }

  void add(const ImageRange& range, const at::Tensor& rows, const at::Tensor& patches) const {
    const at::Tensor sum = parts_.select(0, range.part);
    if (range.begins_part()) {
      product_(rows.t(), patches, sum);
    } else {
      product_.add(rows.t(), patches, sum);
    }
  }

  at::Tensor total() const { return parts_.sum(0); }

 private:
  MatrixProduct product_;
  at::Tensor parts_;
};

}  // namespace infogan_fast
