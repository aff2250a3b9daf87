// info_loss as Python calls it in eager mode: torch.ops would look at fifteen arguments anew in every call, which takes
// longer than the kernel at small batches. The call goes through the dispatcher as any other.

#include "info_loss.h"

#include <ATen/core/dispatch/Dispatcher.h>
#include <pybind11/stl.h>
#include <torch/csrc/Exceptions.h>
#include <torch/csrc/autograd/python_variable.h>

#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace py = pybind11;

namespace infogan_fast {
namespace {

using InfoLoss = std::tuple<at::Tensor, at::Tensor>(
    const at::Tensor&,
    const std::optional<at::Tensor>&,
    const std::optional<at::Tensor>&,
    const std::optional<at::Tensor>&,
    int64_t,
    c10::SymInt,
    at::IntArrayRef,
    int64_t,
    std::string_view,
    at::ArrayRef<double>,
    at::ArrayRef<double>,
    const std::optional<at::Tensor>&,
    std::string_view,
    double,
    int64_t);

// The arguments that stay the same from call to call.
struct InfoLossSettings {
  std::vector<int64_t> cardinalities;
  int64_t continuous_codes;
  std::string continuous_prior;
  std::vector<double> categorical_weight;
  std::vector<double> continuous_weight;
  std::string variance;
  double fixed_variance;
  int64_t ignore_index;
};

bool is_tensor_or_none(py::handle value) {
  return value.is_none() || THPVariable_Check(value.ptr());
}

std::optional<at::Tensor> tensor_or_none(py::handle value) {
  return value.is_none() ? std::nullopt : std::optional<at::Tensor>(THPVariable_Unpack(value.ptr()));
}

// Nothing for what is no int or too large.
std::optional<int64_t> int64_of(py::handle value) {
  if (!PyLong_CheckExact(value.ptr())) {
    return std::nullopt;
  }
  int overflow = 0;
  const int64_t number = PyLong_AsLongLongAndOverflow(value.ptr(), &overflow);
  return overflow == 0 ? std::optional(number) : std::nullopt;
}

// A new reference to (loss, nll), or to NotImplemented; null where a Python error is set.
PyObject* call(
    py::handle head,
    py::handle categorical,
    py::handle continuous,
    py::handle seed,
    py::handle offset,
    py::handle row_offset,
    const InfoLossSettings& settings,
    py::handle weight_scale) {
  HANDLE_TH_ERRORS
  const std::optional<int64_t> first_block = int64_of(offset), first_row = int64_of(row_offset);
  if (!THPVariable_Check(head.ptr()) || !is_tensor_or_none(categorical) || !is_tensor_or_none(continuous) ||
      !is_tensor_or_none(seed) || !is_tensor_or_none(weight_scale) || !first_block || !first_row) {
    return py::reinterpret_borrow<py::object>(Py_NotImplemented).release().ptr();
  }
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("infogan_fast::info_loss", "").typed<InfoLoss>();
  at::Tensor loss, nll;
  {
    const py::gil_scoped_release without_gil;
    std::tie(loss, nll) = op.call(
        THPVariable_Unpack(head.ptr()),
        tensor_or_none(categorical),
        tensor_or_none(continuous),
        tensor_or_none(seed),
        *first_block,
        *first_row,
        settings.cardinalities,
        settings.continuous_codes,
        settings.continuous_prior,
        settings.categorical_weight,
        settings.continuous_weight,
        tensor_or_none(weight_scale),
        settings.variance,
        settings.fixed_variance,
        settings.ignore_index);
  }
  const auto wrapped = [](at::Tensor&& tensor) {
    return py::reinterpret_steal<py::object>(THPVariable_Wrap(std::move(tensor)));
  };
  return py::make_tuple(wrapped(std::move(loss)), wrapped(std::move(nll))).release().ptr();
  END_HANDLE_TH_ERRORS
}

py::object info_loss(
    py::handle head,
    py::handle categorical,
    py::handle continuous,
    py::handle seed,
    py::handle offset,
    py::handle row_offset,
    const InfoLossSettings& settings,
    py::handle weight_scale) {
  PyObject* result = call(head, categorical, continuous, seed, offset, row_offset, settings, weight_scale);
  if (result == nullptr) {
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(result);
}

}  // namespace

void bind_info_loss(py::module_& m) {
  py::class_<InfoLossSettings>(m, "InfoLossSettings")
      .def(
          py::init([](std::vector<int64_t> cardinalities,
                      int64_t continuous_codes,
                      std::string continuous_prior,
                      std::vector<double> categorical_weight,
                      std::vector<double> continuous_weight,
                      std::string variance,
                      double fixed_variance,
                      int64_t ignore_index) {
            return InfoLossSettings{
                std::move(cardinalities),
                continuous_codes,
                std::move(continuous_prior),
                std::move(categorical_weight),
                std::move(continuous_weight),
                std::move(variance),
                fixed_variance,
                ignore_index};
          }));
  m.def("info_loss", &info_loss, "(loss, nll), or NotImplemented where an argument has a type that it does not know");
}

}  // namespace infogan_fast
