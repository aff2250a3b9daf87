#pragma once

// How a batch of images is cut into parts for threads, and a part into ranges whose patches are held at a time.

#include <algorithm>
#include <cstdint>

namespace infogan_fast {

// What is summed over the batch has a sum for each part, and these are added in order. The cut depends on the sizes
// alone, so that only the matrix products, whose order of additions is the BLAS library's, have other bits for another
// number of threads.
struct ImageParts {
  // Patches held at a time: they should stay in the second-level cache, and be enough for an efficient product.
  static constexpr int64_t kBytesAtATime = 800 << 10;
  static constexpr int64_t kBytesPerPart = 400 << 10;
  static constexpr int64_t kMostParts = 8;

  int64_t batch;
  int64_t bytes_per_image;  // of its patches

  int64_t parts() const {
    const int64_t most = std::min(kMostParts, batch);
    return std::max<int64_t>(1, std::min(most, batch * bytes_per_image / kBytesPerPart));
  }
  int64_t part_begin(int64_t part) const { return batch * part / parts(); }

  // The most images that are held at a time: ranges are nearly equal.
  int64_t images_per_range() const {
    const int64_t part_images = (batch + parts() - 1) / parts();
    const int64_t fit = std::max<int64_t>(1, kBytesAtATime / std::max<int64_t>(1, bytes_per_image));
    const int64_t ranges = std::max<int64_t>(1, (part_images + fit - 1) / fit);
    return (part_images + ranges - 1) / ranges;
  }

  // Calls body(part, begin, end) for the ranges of images of parts [first_part, last_part), in order.
  template <typename Body>
  void for_each_range(int64_t first_part, int64_t last_part, const Body& body) const {
    const int64_t most = images_per_range();
    for (int64_t part = first_part; part < last_part; ++part) {
      const int64_t part_end = part_begin(part + 1);
      for (int64_t begin = part_begin(part); begin < part_end; begin += most) {
        body(part, begin, std::min(part_end, begin + most));
      }
    }
  }
};

}  // namespace infogan_fast
