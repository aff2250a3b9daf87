#include "tickets.h"

#include <c10/cuda/CUDAGraphsC10Utils.h>
#include <c10/util/Exception.h>

#include <map>
#include <mutex>
#include <utility>

#include "info_loss.h"

namespace infogan_fast::cuda {

unsigned take_ticket(const char* op, c10::cuda::CUDAStream stream) {
  static std::mutex mutex;
  static std::map<std::pair<c10::DeviceIndex, cudaStream_t>, unsigned> ticket_of_stream;
  static unsigned taken = 0;

  const bool capturing = c10::cuda::currentStreamCaptureStatusMayInitCtx() != c10::cuda::CaptureStatus::None;
  const std::pair key(stream.device_index(), stream.stream());
  const std::lock_guard lock(mutex);
  if (!capturing) {
    if (const auto found = ticket_of_stream.find(key); found != ticket_of_stream.end()) {
      return found->second;
    }
  }
  TORCH_CHECK(
      taken < kTickets,
      op,
      ": this process has captured it ",
      kTickets,
      " times in CUDA graphs or run it on as many streams, which is the most: capture once and replay");
  const unsigned ticket = taken++;
  if (!capturing) {
    ticket_of_stream.emplace(key, ticket);
  }
  return ticket;
}

}  // namespace infogan_fast::cuda
