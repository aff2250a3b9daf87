#pragma once

// The CPU loop of sample_latents, without torch: built by setup.py into the op, by CMakeLists.txt into native tests.

#include <algorithm>
#include <cstdint>

#include "../kernel/latent_draw.h"
#include "../kernel/latent_layout.h"

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

// Calls store(index, value) for the first `count` real variables of a row.
template <typename Store>
inline void draw_row_reals(
    const LatentStream& stream, int64_t row, Domain domain, Prior prior, int64_t count, const Store& store) {
  for (int64_t begin = 0; begin < count; begin += kRealsPerBlock) {
    float values[kRealsPerBlock];
    draw_reals(stream, row, domain, begin / kRealsPerBlock, prior, values);
    const int64_t end = std::min(count, begin + kRealsPerBlock);
    for (int64_t i = begin; i < end; ++i) {
      store(i, values[i - begin]);
    }
  }
}

// Draws rows [begin, end).
template <typename out_t>
void sample_latents_rows(const SampleLatentsArgs<out_t>& args, int64_t begin, int64_t end) {
  const LatentLayout& layout = args.layout;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t global_row = args.row_offset + row;
    out_t* out = args.input + row * layout.input_dim();
    draw_row_reals(
        args.stream, global_row, Domain::kNoise, layout.noise_prior, layout.noise, [&](int64_t i, float value) {
          out[i] = static_cast<out_t>(value);
        });
    out += layout.noise;
    std::fill(out, out + layout.logits, static_cast<out_t>(0.0f));
    for (int64_t code = 0; code < layout.categorical; ++code) {
      const int64_t category = draw_categorical(args.stream, global_row, code, layout.cardinalities[code]);
      args.categorical[row * layout.categorical + code] = category;
      out[category] = static_cast<out_t>(1.0f);
      out += layout.cardinalities[code];
    }
    float* continuous = args.continuous + row * layout.continuous;
    draw_row_reals(
        args.stream,
        global_row,
        Domain::kContinuous,
        layout.continuous_prior,
        layout.continuous,
        [&](int64_t i, float value) {
          continuous[i] = value;
          out[i] = static_cast<out_t>(value);
        });
  }
}

}  // namespace infogan_fast
