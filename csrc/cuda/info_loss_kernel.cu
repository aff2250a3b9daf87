#include "info_loss.h"
#include "info_loss_tile.h"
#include "info_loss_wide.h"

namespace infogan_fast::cuda {

template <typename head_t>
cudaError_t launch_info_loss(const InfoLossArgs<head_t>& args, const InfoLossPlan& plan, cudaStream_t stream) {
  if (plan.lanes_per_row > 0) {
    INFOGAN_LAUNCH((info_loss_tile_kernel<head_t>), plan.blocks, plan.threads, stream, args, plan);
  } else {
    INFOGAN_LAUNCH((info_loss_wide_kernel<head_t>), plan.blocks, plan.threads, stream, args, plan);
  }
  return cudaGetLastError();
}

template cudaError_t launch_info_loss(const InfoLossArgs<float>&, const InfoLossPlan&, cudaStream_t);
template cudaError_t launch_info_loss(const InfoLossArgs<double>&, const InfoLossPlan&, cudaStream_t);
template cudaError_t launch_info_loss(const InfoLossArgs<Float16>&, const InfoLossPlan&, cudaStream_t);
template cudaError_t launch_info_loss(const InfoLossArgs<BFloat16>&, const InfoLossPlan&, cudaStream_t);

}  // namespace infogan_fast::cuda
