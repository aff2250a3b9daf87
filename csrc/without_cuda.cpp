// Compiled in place of cuda/ where there are no CUDA kernels: torch's own message for a missing one is forty lines of
// backends.

#include <torch/library.h>

namespace infogan_fast {
namespace {

void no_cuda_kernels(const c10::OperatorHandle& op, torch::jit::Stack*) {
  TORCH_CHECK_NOT_IMPLEMENTED(
      false,
      op.schema().name(),
      ": a tensor is on a CUDA device, but this build of infogan_fast has no CUDA kernels; rebuild it with a CUDA "
      "toolkit at hand, in an environment with a CUDA build of torch: INFOGAN_FAST_CUDA=1 pip install "
      "--no-build-isolation --force-reinstall --no-deps .");
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CUDA, m) {
  for (const char* op : {"sample_latents", "info_loss_forward", "info_loss_backward"}) {
    m.impl(op, torch::CppFunction::makeFromBoxedFunction<&no_cuda_kernels>());
  }
}

}  // namespace infogan_fast
