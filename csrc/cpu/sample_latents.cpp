#include "sample_latents.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/library.h>

#include <tuple>

#include "../checks.h"
#include "../types.h"

namespace infogan_fast {
namespace {

constexpr const char* kOp = "infogan_fast::sample_latents";
constexpr int64_t kColumnsPerTask = 16384;  // rows are handed to threads in tasks of at least this many draws

std::tuple<at::Tensor, at::Tensor, at::Tensor> sample_latents_cpu(
    const at::Tensor& seed,
    int64_t batch_size,
    int64_t noise,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    std::string_view noise_prior,
    std::string_view continuous_prior,
    int64_t offset,
    int64_t row_offset,
    at::ScalarType dtype) {
  const LatentLayout layout = make_layout(
      kOp, noise, cardinalities, continuous_codes, parse_prior(kOp, noise_prior), parse_prior(kOp, continuous_prior));
  check_stream(kOp, seed, offset, row_offset);
  check_batch_size(kOp, batch_size);
  check_floating(kOp, "dtype", dtype);

  at::Tensor input = at::empty({batch_size, layout.input_dim()}, dtype);
  at::Tensor categorical = at::empty({batch_size, layout.categorical}, at::kLong);
  at::Tensor continuous = at::empty({batch_size, layout.continuous}, at::kFloat);
  dispatch_floating(dtype, [&](auto tag) {
    using out_t = typename decltype(tag)::type;
    const SampleLatentsArgs<out_t> args{
        layout,
        make_latent_stream(*seed.const_data_ptr<int64_t>(), offset),
        row_offset,
        input.mutable_data_ptr<out_t>(),
        categorical.mutable_data_ptr<int64_t>(),
        continuous.mutable_data_ptr<float>(),
    };
    const int64_t grain = std::max<int64_t>(1, kColumnsPerTask / std::max<int64_t>(1, layout.input_dim()));
    at::parallel_for(0, batch_size, grain, [&](int64_t begin, int64_t end) {
      with_simd([&]() INFOGAN_SIMD { sample_latents_rows(args, begin, end); });
    });
  });
  return {input, categorical, continuous};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CPU, m) {
  m.impl("sample_latents", &sample_latents_cpu);
}

}  // namespace infogan_fast
