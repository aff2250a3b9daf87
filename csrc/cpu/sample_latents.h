#pragma once

// The CPU loop of sample_latents, without torch: built by setup.py into the op, by CMakeLists.txt into native tests.

#include <algorithm>
#include <cstdint>

#include "../kernel/latent_draw.h"
#include "../kernel/latent_layout.h"
#include "draw_rows.h"
#include "simd.h"

namespace infogan_fast {

template <typename out_t>
struct SampleLatentsArgs {
  LatentLayout layout;
  LatentStream stream;
  int64_t row_offset;    // global number of row 0
  out_t* input;          // [B, input_dim]
  int64_t* categorical;  // [B, m]
  float* continuous;     // [B, C]
};

// Draws rows [begin, end).
template <typename out_t>
INFOGAN_SIMD inline void sample_latents_rows(const SampleLatentsArgs<out_t>& args, int64_t begin, int64_t end) {
  const LatentLayout& layout = args.layout;
  const int64_t first_row = args.row_offset + begin;
  const int64_t rows = end - begin;
  const int64_t width = layout.input_dim();
  out_t* noise = args.input + begin * width;
  out_t* one_hot = noise + layout.noise;
  out_t* continuous = one_hot + layout.logits;

  draw_real_rows(
      args.stream,
      first_row,
      rows,
      Domain::kNoise,
      layout.noise_prior,
      layout.noise,
      [&](const RealBlock& block) INFOGAN_SIMD { block.store(noise + block.row * width + block.column, width); });

  for (int64_t row = 0; row < rows; ++row) {
    std::fill(one_hot + row * width, one_hot + row * width + layout.logits, static_cast<out_t>(0.0f));
  }
  int64_t* categorical = args.categorical + begin * layout.categorical;
  draw_categorical_rows(
      args.stream, first_row, rows, layout, [&](int64_t row, int64_t code, int64_t category) INFOGAN_SIMD {
        categorical[row * layout.categorical + code] = category;
      });
  for (int64_t row = 0; row < rows; ++row) {
    int64_t column = 0;
    for (int64_t code = 0; code < layout.categorical; ++code) {
      one_hot[row * width + column + categorical[row * layout.categorical + code]] = static_cast<out_t>(1.0f);
      column += layout.cardinalities[code];
    }
  }

  float* values = args.continuous + begin * layout.continuous;
  draw_real_rows(
      args.stream,
      first_row,
      rows,
      Domain::kContinuous,
      layout.continuous_prior,
      layout.continuous,
      [&](const RealBlock& block) INFOGAN_SIMD {
        block.store(values + block.row * layout.continuous + block.column, layout.continuous);
        block.store(continuous + block.row * width + block.column, width);
      });
}

}  // namespace infogan_fast
