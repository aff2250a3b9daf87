#pragma once

#include <pybind11/pybind11.h>

namespace infogan_fast {

// Adds InfoLossSettings and info_loss to the module.
void bind_info_loss(pybind11::module_& m);

}  // namespace infogan_fast
