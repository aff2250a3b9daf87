#include <algorithm>

#include "../kernel/half.h"
#include "../kernel/latent_draw.h"
#include "memory.h"
#include "sample_latents.h"

namespace infogan_fast::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kTileBytes = 16384;
constexpr int64_t kDrawsPerTile = 2 * kThreads;

// Part of G's input that a block puts together in shared memory, to write it in 16-byte pieces: whole rows where one
// fits, else a window of one row's columns.
struct Tiling {
  int rows;         // of a tile
  int columns;      // of a tile, all of them or a multiple of kRealsPerBlock
  int64_t windows;  // tiles that a row is split into
};

int64_t blocks_for(int64_t count, int64_t size) {
  return (count + size - 1) / size;
}

template <typename out_t>
Tiling make_tiling(const LatentLayout& layout) {
  constexpr int64_t kCapacity = kTileBytes / sizeof(out_t);
  const int64_t width = std::max<int64_t>(1, layout.input_dim());
  if (width > kCapacity) {
    return {1, static_cast<int>(kCapacity), blocks_for(width, kCapacity)};
  }
  const int64_t draws = blocks_for(layout.noise, kRealsPerBlock) +
                        blocks_for(layout.categorical, kCategoricalsPerBlock) +
                        blocks_for(layout.continuous, kRealsPerBlock);
  const int64_t rows = std::min(kCapacity / width, kDrawsPerTile / std::max<int64_t>(1, draws));
  return {static_cast<int>(std::max<int64_t>(1, rows)), static_cast<int>(width), 1};
}

__device__ __forceinline__ int draws_for(int64_t count, int64_t per_draw) {
  return static_cast<int>((count + per_draw - 1) / per_draw);
}

// Draws the rows of one tile, a Philox block at a time.
template <typename out_t>
struct TileWriter {
  const SampleLatentsArgs<out_t>& args;
  LatentStream stream;
  out_t* tile;
  int columns;           // of the tile
  int64_t first_row;     // of the tile
  int64_t first_column;  // of the tile

  __device__ __forceinline__ void draw(int row, Domain domain, int64_t block) const {
    const Philox4 random = draw_block(stream, static_cast<uint64_t>(args.row_offset + first_row + row), domain, block);
    if (domain == Domain::kCategorical) {
      place_categories(row, block, random);
    } else {
      place_reals(row, block, random, domain == Domain::kNoise);
    }
  }

 private:
  // The tile with the first columns also writes the codes.
  __device__ __forceinline__ bool writes_codes() const { return first_column == 0; }

  __device__ __forceinline__ void put(int row, int64_t column, float value) const {
    const int64_t in_tile = column - first_column;
    if (in_tile >= 0 && in_tile < columns) {
      tile[row * columns + in_tile] = static_cast<out_t>(value);
    }
  }

  __device__ __forceinline__ void place_categories(int row, int64_t block, const Philox4& random) const {
#pragma unroll
    for (int i = 0; i < kCategoricalsPerBlock; ++i) {
      const int64_t code = block * kCategoricalsPerBlock + i;
      if (code < args.layout.categorical) {
        const int64_t first_logit = args.first_logit.word(code);
        const int64_t category = category_from_words(random, code, args.first_logit.word(code + 1) - first_logit);
        put(row, args.layout.noise + first_logit + category, 1.0f);
        if (writes_codes()) {
          args.categorical[(first_row + row) * args.layout.categorical + code] = category;
        }
      }
    }
  }

  __device__ __forceinline__ void place_reals(int row, int64_t block, const Philox4& random, bool noise) const {
    const LatentLayout& layout = args.layout;
    const int64_t count = noise ? layout.noise : layout.continuous;
    const int64_t column = noise ? 0 : layout.noise + layout.logits;
    float values[kRealsPerBlock];
    reals_from_words(random, noise ? layout.noise_prior : layout.continuous_prior, values);
#pragma unroll
    for (int k = 0; k < kRealsPerBlock; ++k) {
      const int64_t i = block * kRealsPerBlock + k;
      if (i < count) {
        put(row, column + i, values[k]);
        if (!noise && writes_codes()) {
          args.continuous[(first_row + row) * count + i] = values[k];
        }
      }
    }
  }
};

template <typename out_t>
__global__ void __launch_bounds__(kThreads)
    sample_latents_kernel(const __grid_constant__ SampleLatentsArgs<out_t> args, const Tiling tiling) {
  INFOGAN_SHARED(out_t, tile, kTileBytes / sizeof(out_t));
  const LatentLayout& layout = args.layout;
  const int64_t width = layout.input_dim();
  const int64_t first_row = blockIdx.x / tiling.windows * tiling.rows;
  const int64_t first_column = blockIdx.x % tiling.windows * tiling.columns;
  const int rows = static_cast<int>(min(static_cast<int64_t>(tiling.rows), args.batch - first_row));
  const int columns = static_cast<int>(min(static_cast<int64_t>(tiling.columns), width - first_column));
  const int threads = static_cast<int>(blockDim.x);

  for (int i = threadIdx.x; i < rows * columns; i += threads) {
    tile[i] = static_cast<out_t>(0.0f);
  }
  __syncthreads();

  const TileWriter<out_t> writer{
      args, make_latent_stream(*args.seed, args.offset), tile, columns, first_row, first_column};
  // A tile is as wide as a row, or begins at a whole Philox block of the noise.
  const int64_t first_noise = min(first_column, layout.noise) / kRealsPerBlock;
  const int noise_draws =
      draws_for(min(first_column + columns, layout.noise) - first_noise * kRealsPerBlock, kRealsPerBlock);
  const int categorical_draws = draws_for(layout.categorical, kCategoricalsPerBlock);
  const int draws = noise_draws + categorical_draws + draws_for(layout.continuous, kRealsPerBlock);
  for (int i = threadIdx.x; i < rows * draws; i += threads) {
    const int row = i / draws;
    const int draw = i % draws;
    // What differs between the domains is chosen before the draw, so that the lanes of a warp go through it together.
    Domain domain = Domain::kNoise;
    int64_t block = first_noise + draw;
    if (draw >= noise_draws + categorical_draws) {
      domain = Domain::kContinuous;
      block = draw - noise_draws - categorical_draws;
    } else if (draw >= noise_draws) {
      domain = Domain::kCategorical;
      block = draw - noise_draws;
    }
    writer.draw(row, domain, block);
  }
  __syncthreads();

  // Whole rows, or part of one: contiguous in either case.
  store_run(args.input + first_row * width + first_column, rows * columns, [&](int i) { return tile[i]; });
}

}  // namespace

template <typename out_t>
cudaError_t launch_sample_latents(const SampleLatentsArgs<out_t>& args, cudaStream_t stream) {
  if (args.batch == 0) {
    return cudaSuccess;
  }
  const Tiling tiling = make_tiling<out_t>(args.layout);
  const int64_t blocks = blocks_for(args.batch, tiling.rows) * tiling.windows;
  if (blocks > INT32_MAX) {
    return cudaErrorInvalidConfiguration;
  }
  INFOGAN_LAUNCH((sample_latents_kernel<out_t>), static_cast<unsigned>(blocks), kThreads, stream, args, tiling);
  return cudaGetLastError();
}

template cudaError_t launch_sample_latents(const SampleLatentsArgs<float>&, cudaStream_t);
template cudaError_t launch_sample_latents(const SampleLatentsArgs<double>&, cudaStream_t);
template cudaError_t launch_sample_latents(const SampleLatentsArgs<Float16>&, cudaStream_t);
template cudaError_t launch_sample_latents(const SampleLatentsArgs<BFloat16>&, cudaStream_t);

}  // namespace infogan_fast::cuda
