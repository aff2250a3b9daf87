#include "tickets.h"

#include <c10/cuda/CUDAException.h>
#include <cuda_runtime_api.h>

#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include "info_loss.h"

namespace infogan_fast::cuda {
namespace {

// The number of the capture that the stream takes part in; 0 if there is none.
unsigned long long capture_id(cudaStream_t stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  unsigned long long id = 0;
  C10_CUDA_CHECK(cudaStreamGetCaptureInfo(stream, &status, &id));
  return status == cudaStreamCaptureStatusActive ? id : 0;
}

// cudaStreamPerThread is one handle for a stream in every thread.
size_t thread_of(cudaStream_t stream) {
  return stream == cudaStreamPerThread ? std::hash<std::thread::id>()(std::this_thread::get_id()) : 0;
}

}  // namespace

std::optional<unsigned> take_ticket(c10::cuda::CUDAStream stream) {
  static std::mutex mutex;
  static std::map<std::tuple<c10::DeviceIndex, cudaStream_t, size_t, unsigned long long>, unsigned> tickets;

  const std::tuple key(stream.device_index(), stream.stream(), thread_of(stream), capture_id(stream));
  const std::lock_guard lock(mutex);
  if (const auto found = tickets.find(key); found != tickets.end()) {
    return found->second;
  }
  if (tickets.size() >= kTickets) {
    return std::nullopt;
  }
  return tickets.emplace(key, static_cast<unsigned>(tickets.size())).first->second;
}

}  // namespace infogan_fast::cuda
