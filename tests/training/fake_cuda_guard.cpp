// Lets a torch without CUDA pass tensors of device "cuda" around under FakeTensorMode: the guard that switches devices
// does nothing. torch installs the same one by itself where it was built with CUDA and there is no GPU.

#include <c10/core/impl/DeviceGuardImplInterface.h>

namespace c10::impl {

C10_REGISTER_GUARD_IMPL(CUDA, NoOpDeviceGuardImpl<DeviceType::CUDA>)

}  // namespace c10::impl
