#include "sample_latents.h"

#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>
#include <torch/library.h>

#include <tuple>

#include "../checks.h"
#include "../types.h"
#include "kernel_types.h"
#include "tables.h"

namespace infogan_fast::cuda {
namespace {

constexpr const char* kOp = "infogan_fast::sample_latents";

std::tuple<at::Tensor, at::Tensor, at::Tensor> sample_latents(
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

  const c10::cuda::CUDAGuard guard(seed.device());
  const c10::cuda::CUDAStream stream = c10::cuda::getCurrentCUDAStream();
  const at::TensorOptions options = at::TensorOptions().device(seed.device());
  at::Tensor input = at::empty({batch_size, layout.input_dim()}, options.dtype(dtype));
  at::Tensor categorical = at::empty({batch_size, layout.categorical}, options.dtype(at::kLong));
  at::Tensor continuous = at::empty({batch_size, layout.continuous}, options.dtype(at::kFloat));
  const DeviceTable table = make_table(first_columns(cardinalities), seed.device(), stream);
  dispatch_floating(dtype, [&](auto tag) {
    using out_t = kernel_type<typename decltype(tag)::type>;
    const SampleLatentsArgs<out_t> args{
        on_device(layout),
        table.words,
        batch_size,
        seed.const_data_ptr<int64_t>(),
        offset,
        row_offset,
        mutable_data<out_t>(input),
        categorical.mutable_data_ptr<int64_t>(),
        continuous.mutable_data_ptr<float>(),
    };
    C10_CUDA_CHECK(launch_sample_latents(args, stream));
  });
  return {input, categorical, continuous};
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CUDA, m) {
  m.impl("sample_latents", &sample_latents);
}

}  // namespace infogan_fast::cuda
