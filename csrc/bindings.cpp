// The Python module infogan_fast._C: importing it registers the ops; build_info() says how they were built.

#include <pybind11/pybind11.h>
#include <torch/version.h>

#include "cpu/matrix_product.h"
#include "cpu/simd.h"
#include "eager/info_loss.h"

namespace py = pybind11;

namespace {

py::dict build_info() {
  py::dict info;
  info["version"] = INFOGAN_FAST_VERSION;
  info["torch"] = TORCH_VERSION;
  info["compiler"] = __VERSION__;
#if defined(INFOGAN_FAST_CUDA)
  info["cuda"] = INFOGAN_FAST_CUDA;
  info["cuda_architectures"] = py::str(INFOGAN_FAST_CUDA_ARCHITECTURES).attr("split")();
  info["cuda_kernels"] = true;
#else
  info["cuda"] = py::none();
  info["cuda_architectures"] = py::list();
  info["cuda_kernels"] = false;
#endif
  py::list levels;
  for (const infogan_fast::Simd level : infogan_fast::simd_levels()) {
    levels.append(infogan_fast::simd_name(level));
  }
  info["cpu_simd"] = levels;
  info["cpu_simd_used"] = infogan_fast::simd_name(infogan_fast::simd_level());
  info["cpu_vendor"] = infogan_fast::processor_vendor();
  info["cpu_bfloat16"] = infogan_fast::has_bfloat16_instructions();
  info["onednn"] = infogan_fast::has_onednn_product();
  return info;
}

}  // namespace

PYBIND11_MODULE(_C, m) {
  m.def("build_info", &build_info);
  infogan_fast::bind_info_loss(m);
}
