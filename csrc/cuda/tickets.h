#pragma once

#include <c10/cuda/CUDAStream.h>

#include <optional>

namespace infogan_fast::cuda {

// The counter with which the next reduction on the stream finds its last block; see InfoLossArgs::ticket. Launches of
// one stream follow one another and share a counter, and so do the launches that one capture records on one stream; a
// captured graph may run on any stream, beside anything, and has counters of its own. Null if all are taken.
std::optional<unsigned> take_ticket(c10::cuda::CUDAStream stream);

}  // namespace infogan_fast::cuda
