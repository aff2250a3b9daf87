// The loops of the layers on several threads, cut as csrc/cpu cuts them: batch normalisation into blocks of rows and
// channels, convolutions into parts of the batch. The same bits as on one thread.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.h"
#include "cpu/batch_norm_blocks.h"
#include "cpu/image_parts.h"
#include "cpu/patches.h"
#include "threads.h"

using namespace infogan_fast;

namespace {

template <typename T>
std::vector<T> waves(int64_t count, float frequency) {
  std::vector<T> values(count);
  for (int64_t i = 0; i < count; ++i) {
    values[i] = static_cast<T>(std::sin(frequency * static_cast<float>(i)));
  }
  return values;
}

// Everything that the passes of a batch normalisation write.
template <typename T>
using Written = std::vector<std::vector<T>>;

template <typename T>
Written<T> batch_norm(const NormalisedRows& rows, int64_t threads) {
  const ParallelFor parallel_for(threads);
  const int64_t elements = rows.groups * rows.per_group * rows.channels;
  const int64_t statistics = rows.groups * rows.channels;
  const std::vector<T> input = waves<T>(elements, 1.0f), grad = waves<T>(elements, 0.7f);
  const std::vector<T> shift = waves<T>(rows.channels, 0.3f), scale(statistics, T(0.5));
  Written<T> out(4, std::vector<T>(rows.row_blocks() * statistics));
  out.insert(out.end(), 2, std::vector<T>(elements));
  rows.for_each_block(parallel_for, [&](int64_t group, int64_t row_block, const Block& block) INFOGAN_SIMD {
    const int64_t at = (group * rows.row_blocks() + row_block) * rows.channels;
    column_moments(block, rows.origin(input.data(), group), input.data(), out[0].data() + at, out[1].data() + at);
  });
  const auto by = [&](int64_t group) {
    const int64_t at = group * rows.channels;
    return Normalisation<T>{out[0].data() + at, scale.data() + at, shift.data(), T(0.1)};
  };
  rows.for_each_block(parallel_for, [&](int64_t group, int64_t, const Block& block) INFOGAN_SIMD {
    normalise(block, by(group), input.data(), out[4].data());
  });
  rows.for_each_block(parallel_for, [&](int64_t group, int64_t row_block, const Block& block) INFOGAN_SIMD {
    const int64_t at = (group * rows.row_blocks() + row_block) * rows.channels;
    gradient_sums(block, by(group), grad.data(), input.data(), out[2].data() + at, out[3].data() + at);
  });
  rows.for_each_block(parallel_for, [&](int64_t group, int64_t, const Block& block) INFOGAN_SIMD {
    const int64_t at = group * rows.channels;
    gradient_of_input(
        block, by(group), out[2].data() + at, out[3].data() + at, grad.data(), input.data(), out[5].data());
  });
  return out;
}

// The patches of a batch and their way back, with bias and leaky ReLU, and the sums for each part: what a convolution
// does around its matrix products.
template <typename T>
Written<T> patches(const ImageSize& size, int64_t batch, int64_t threads) {
  const int64_t per_image = size.patches() * size.patch_elements();
  const ImageParts cut{batch, per_image * static_cast<int64_t>(sizeof(T))};
  const std::vector<T> images = waves<T>(batch * size.elements(), 1.0f), bias = waves<T>(size.channels, 0.3f);
  std::vector<T> back(images.size()), activated(images.size());
  std::vector<double> sums(cut.parts() * size.channels);
  // A buffer for each range of parts, as there is one for each thread of the pool.
  std::vector<std::vector<T>> buffers(cut.parts(), std::vector<T>(cut.images_per_range() * per_image));
  const ParallelFor parallel_for(threads);
  parallel_for(0, cut.parts(), 1, [&](int64_t first_part, int64_t last_part) {
    T* buffer = buffers[first_part].data();
    cut.for_each_range(first_part, last_part, [&](int64_t part, int64_t begin, int64_t end) {
      with_simd([&]() INFOGAN_SIMD {
        for (int64_t image = begin; image < end; ++image) {
          T* of_image = buffer + (image - begin) * per_image;
          T* result = back.data() + image * size.elements();
          gather_patches(size, images.data() + image * size.elements(), of_image);
          scatter_patches(size, of_image, result);
          add_bias(result, bias.data(), size.height * size.width, size.channels, T(0.1));
          leaky_relu_backward(
              images.data() + image * size.elements(),
              result,
              size.elements(),
              T(0.1),
              activated.data() + image * size.elements());
          add_rows(result, size.height * size.width, size.channels, sums.data() + part * size.channels);
        }
      });
    });
  });
  return {back, activated, std::vector<T>(sums.begin(), sums.end())};
}

template <typename Run>
void check_threads(const Run& run) {
  const auto expected = run(1);
  for (const int64_t threads : {2, 3, 8}) {
    const auto got = run(threads);
    for (size_t i = 0; i < expected.size(); ++i) {
      CHECK(same_bits(got[i], expected[i]));
    }
  }
}

}  // namespace

TEST(batch_norm_blocks) {
  // Blocks of rows, of columns, of both, and groups.
  for (const NormalisedRows& rows : {NormalisedRows{1, 600, 40}, {2, 9, 1100}, {2, 200, 600}, {3, 150, 1}}) {
    check_threads([&](int64_t threads) { return batch_norm<float>(rows, threads); });
    check_threads([&](int64_t threads) { return batch_norm<double>(rows, threads); });
  }
}

TEST(image_parts) {
  CHECK_EQUAL((ImageParts{64, 28 * 28 * 4 * 16}.parts()), 7);
  for (const int64_t batch : {1, 7, 40}) {
    check_threads([&](int64_t threads) { return patches<float>({14, 14, 16}, batch, threads); });
    check_threads([&](int64_t threads) { return patches<double>({8, 8, 33}, batch, threads); });
  }
}

TEST(every_image_is_in_one_range) {
  for (const int64_t batch : {0, 1, 2, 7, 8, 9, 64, 1000}) {
    for (const int64_t bytes : {1, 5000, 300000, 2000000}) {
      const ImageParts cut{batch, bytes};
      int64_t next = 0;
      cut.for_each_range(0, cut.parts(), [&](int64_t part, int64_t begin, int64_t end) {
        CHECK_EQUAL(begin, next);
        CHECK(begin < end && end - begin <= cut.images_per_range());
        CHECK(begin >= cut.part_begin(part) && end <= cut.part_begin(part + 1));
        next = end;
      });
      CHECK_EQUAL(next, batch);
    }
  }
}
