#pragma once

#include <c10/cuda/CUDAStream.h>

namespace infogan_fast::cuda {

// The counter with which the next reduction on the stream finds its last block; see InfoLossArgs::ticket. Launches of
// one stream follow one another and share a counter; a captured launch may run on any stream, beside anything, and has
// one of its own.
unsigned take_ticket(const char* op, c10::cuda::CUDAStream stream);

}  // namespace infogan_fast::cuda
