#include <algorithm>
#include <cstdint>

#include "info_loss.h"
#include "memory.h"

namespace infogan_fast::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kMostPasses = 8;           // pieces that a thread takes one after the other
constexpr int64_t kBlocksWanted = 1024;  // before a thread takes more than one
constexpr int kSharedColumns = 2048;     // widths up to this have their scales in shared memory

// How many elements a thread takes at a time: 16 bytes of the narrower of the two tensors.
template <typename head_t>
constexpr int kPiece = kPacket<head_t> > kPacket<gradient_t<head_t>> ? kPacket<head_t> : kPacket<gradient_t<head_t>>;

// A piece whose first element lies on a 16-byte boundary.
template <int kCount, typename T>
__device__ __forceinline__ void load_piece(const T* source, T (&piece)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i += kPacket<T>) {
    const Packet<T> packet = load_packet(source + i);
#pragma unroll
    for (int k = 0; k < kPacket<T>; ++k) {
      piece[i + k] = packet.value[k];
    }
  }
}

template <int kCount, typename T>
__device__ __forceinline__ void store_piece(T* target, const T (&piece)[kCount]) {
#pragma unroll
  for (int i = 0; i < kCount; i += kPacket<T>) {
    Packet<T> packet;
#pragma unroll
    for (int k = 0; k < kPacket<T>; ++k) {
      packet.value[k] = piece[i + k];
    }
    store_packet(target + i, packet);
  }
}

// grad_loss * factor of the code that a column of the head belongs to.
template <typename head_t>
struct ColumnScale {
  using acc_t = accumulate_t<head_t>;

  const InfoLossBackwardArgs<head_t>& args;
  acc_t grad_loss;

  __device__ __forceinline__ acc_t operator()(int64_t column) const { return grad_loss * args.factor[code_of(column)]; }

 private:
  __device__ __forceinline__ int64_t code_of(int64_t column) const {
    const LatentLayout& layout = args.layout;
    if (column >= layout.logits) {  // the means, then the scales if there are any
      const int64_t i = column - layout.logits;
      return layout.categorical + (i < layout.continuous ? i : i - layout.continuous);
    }
    int64_t low = 0;  // the last code that begins at or before the column
    int64_t high = layout.categorical;
    while (high - low > 1) {
      const int64_t middle = (low + high) / 2;
      if (args.first_column.word(middle) <= column) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }
};

// A block takes per_block consecutive elements of the head, across rows.
template <typename head_t>
__global__ void __launch_bounds__(kThreads)
    info_loss_backward_kernel(const __grid_constant__ InfoLossBackwardArgs<head_t> args, int per_block) {
  using acc_t = accumulate_t<head_t>;
  constexpr int kCount = kPiece<head_t>;
  INFOGAN_SHARED(acc_t, shared_scale, kSharedColumns);
  const ColumnScale<head_t> column_scale{args, *args.grad_loss};
  const bool narrow = args.width <= kSharedColumns;
  if (narrow) {
    for (int column = threadIdx.x; column < args.width; column += kThreads) {
      shared_scale[column] = column_scale(column);
    }
    __syncthreads();
  }

  const int64_t first = static_cast<int64_t>(blockIdx.x) * per_block;
  const int64_t left = args.batch * args.width - first;
  const int count = static_cast<int>(min(static_cast<int64_t>(per_block), left));
  const int64_t first_column = first % args.width;
  const bool aligned = on_boundary(args.gradient) && on_boundary(args.out);
  for (int begin = static_cast<int>(threadIdx.x) * kCount; begin < count; begin += kThreads * kCount) {
    const bool whole = aligned && begin + kCount <= count;
    const gradient_t<head_t>* source = args.gradient + first + begin;
    head_t* target = args.out + first + begin;
    gradient_t<head_t> gradient[kCount];
    if (whole) {
      load_piece(source, gradient);
    } else {
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        gradient[k] = begin + k < count ? source[k] : static_cast<gradient_t<head_t>>(0.0f);
      }
    }

    int64_t column = first_column + begin;
    if (column >= args.width) {  // at most once, unless the row is shorter than what the block takes
      column = args.width >= per_block ? column - args.width
                                       : static_cast<uint32_t>(column) % static_cast<uint32_t>(args.width);
    }
    head_t out[kCount];
#pragma unroll
    for (int k = 0; k < kCount; ++k) {
      const acc_t scale = narrow ? shared_scale[column] : column_scale(column);
      out[k] = static_cast<head_t>(static_cast<acc_t>(gradient[k]) * scale);
      column = column + 1 == args.width ? 0 : column + 1;
    }
    if (whole) {
      store_piece(target, out);
    } else {
#pragma unroll
      for (int k = 0; k < kCount; ++k) {
        if (begin + k < count) {
          target[k] = out[k];
        }
      }
    }
  }
}

}  // namespace

template <typename head_t>
cudaError_t launch_info_loss_backward(const InfoLossBackwardArgs<head_t>& args, cudaStream_t stream) {
  const int64_t elements = args.batch * args.width;
  if (elements == 0) {
    return cudaSuccess;
  }
  constexpr int kPerPass = kThreads * kPiece<head_t>;
  const int passes = static_cast<int>(std::clamp<int64_t>(elements / (kPerPass * kBlocksWanted), 1, kMostPasses));
  const int64_t blocks = (elements + passes * kPerPass - 1) / (passes * kPerPass);
  if (blocks > INT32_MAX) {
    return cudaErrorInvalidConfiguration;
  }
  INFOGAN_LAUNCH(
      (info_loss_backward_kernel<head_t>), static_cast<unsigned>(blocks), kThreads, stream, args, passes * kPerPass);
  return cudaGetLastError();
}

template cudaError_t launch_info_loss_backward(const InfoLossBackwardArgs<float>&, cudaStream_t);
template cudaError_t launch_info_loss_backward(const InfoLossBackwardArgs<double>&, cudaStream_t);
template cudaError_t launch_info_loss_backward(const InfoLossBackwardArgs<Float16>&, cudaStream_t);
template cudaError_t launch_info_loss_backward(const InfoLossBackwardArgs<BFloat16>&, cudaStream_t);

}  // namespace infogan_fast::cuda
