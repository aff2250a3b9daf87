#pragma once

// sample_latents on the GPU, without torch: one launch.

#include <cstdint>

#include "../kernel/latent_layout.h"
#include "word_table.h"

namespace infogan_fast::cuda {

template <typename out_t>
struct SampleLatentsArgs {
  LatentLayout layout;    // without cardinalities: the table has them
  WordTable first_logit;  // [m + 1] column of a code's first category, counted from the first code's

  int64_t batch;
  const int64_t* seed;  // one element, on the device
  int64_t offset;
  int64_t row_offset;    // global number of row 0
  out_t* input;          // [B, input_dim]
  int64_t* categorical;  // [B, m]
  float* continuous;     // [B, C]
};

// out_t: float, double, Float16 or BFloat16. Does nothing for an empty batch.
template <typename out_t>
cudaError_t launch_sample_latents(const SampleLatentsArgs<out_t>& args, cudaStream_t stream);

}  // namespace infogan_fast::cuda
