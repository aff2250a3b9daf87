#pragma once

// What the backward node of info_loss keeps beside the gradient, from which it computes the gradient again in a form
// that can be differentiated.

#include <ATen/core/List.h>
#include <ATen/core/ivalue.h>
#include <c10/util/Exception.h>
#include <c10/util/flat_hash_map.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "info_loss.h"

namespace infogan_fast {

// The arguments of a call, in the saved data of its node: every tensor by its name, all else as one flat list, which is
// cheap to make. The tensors are kept as they are, not as saved variables, which would forbid to write to them once the
// loss is computed: seeds are refilled and heads overwritten. That matters only where a second derivative is asked for,
// and is looked at there.
class SavedInfoLoss {
 public:
  using Data = ska::flat_hash_map<std::string, at::IValue>;

  static void save(const InfoLossArguments& a, Data& data) {
    c10::List<at::IValue> list(c10::AnyType::get());
    data.reserve(kTensors.size() + 2);
    list.reserve(kFirstNumber + 2 * a.cardinalities.size() + a.continuous_weight.size());
    size_t i = 0;
    for (const at::Tensor* given :
         {&a.head, pointer(a.categorical), pointer(a.continuous), pointer(a.seed), pointer(a.weight_scale)}) {
      const char* name = kTensors[i++];
      if (given == nullptr) {
        list.push_back(kAbsent);
        continue;
      }
      // How often an inference tensor is written to is not counted, so it is copied.
      const at::Tensor tensor = given->is_inference() ? given->clone() : *given;
      list.push_back(version_of(tensor));
      data[name] = tensor;
    }
    list.push_back(a.offset);
    list.push_back(position(kPriors, a.continuous_prior));
    list.push_back(position(kVariances, a.variance));
    list.push_back(a.fixed_variance);
    list.push_back(a.ignore_index);
    list.push_back(static_cast<int64_t>(a.cardinalities.size()));
    for (const int64_t cardinality : a.cardinalities) {
      list.push_back(cardinality);
    }
    for (const at::ArrayRef<double>& weights : {a.categorical_weight, a.continuous_weight}) {
      for (const double weight : weights) {
        list.push_back(weight);
      }
    }
    data["arguments"] = std::move(list);
    if (a.row_offset.is_heap_allocated() || a.row_offset != 0) {
      data["row_offset"] = a.row_offset;
    }
  }

  explicit SavedInfoLoss(const Data& data) : data_(data), list_(data.at("arguments").toList()) {}

  at::ScalarType dtype() const { return data_.at("head").toTensor().scalar_type(); }

  std::vector<int64_t> cardinalities() const {
    std::vector<int64_t> values;
    for (int64_t i = 0; i < categorical_codes(); ++i) {
      values.push_back(list_.get(kFirstNumber + i).toInt());
    }
    return values;
  }

  int64_t continuous_codes() const {
    return static_cast<int64_t>(list_.size()) - kFirstNumber - 2 * categorical_codes();
  }

  // d loss / d head times grad_loss, differentiable in both.
  at::Tensor differentiable_gradient(const at::Tensor& grad_loss) const {
    std::array<std::optional<at::Tensor>, kTensors.size()> tensors;
    for (size_t i = 0; i < kTensors.size(); ++i) {
      const int64_t version = list_.get(i).toInt();
      if (version == kAbsent) {
        continue;
      }
      tensors[i] = data_.at(kTensors[i]).toTensor();
      TORCH_CHECK(
          version_of(*tensors[i]) == version,
          "infogan_fast::info_loss: ",
          kTensors[i],
          " was modified in place after the loss was computed, so that its second derivative cannot be computed");
    }
    const auto setting = [&](int64_t i) { return list_.get(kTensors.size() + i); };
    const auto row_offset = data_.find("row_offset");
    const std::vector<int64_t> cardinalities = this->cardinalities();
    std::vector<double> weights;
    for (size_t i = kFirstNumber + cardinalities.size(); i < list_.size(); ++i) {
      weights.push_back(list_.get(i).toDouble());
    }
    return info_loss_gradient_in_aten(
        grad_loss,
        {
            *tensors[0],
            tensors[1],
            tensors[2],
            tensors[3],
            setting(0).toInt(),
            row_offset == data_.end() ? c10::SymInt(0) : row_offset->second.toSymInt(),
            cardinalities,
            continuous_codes(),
            kPriors.at(setting(1).toInt()),
            at::ArrayRef(weights).slice(0, cardinalities.size()),
            at::ArrayRef(weights).slice(cardinalities.size()),
            tensors[4],
            kVariances.at(setting(2).toInt()),
            setting(3).toDouble(),
            setting(4).toInt(),
        });
  }

 private:
  // The list has the versions of the tensors, the settings of the call, the last of which is the number of categorical
  // codes, their cardinalities, and the weights.
  static constexpr std::array<const char*, 5> kTensors{"head", "categorical", "continuous", "seed", "weight_scale"};
  static constexpr int64_t kSettings = 6;
  static constexpr int64_t kFirstNumber = kTensors.size() + kSettings;
  static constexpr int64_t kAbsent = -1;  // instead of a version
  static constexpr std::array<std::string_view, 2> kPriors{"uniform", "normal"};
  static constexpr std::array<std::string_view, 3> kVariances{"learned", "learned_std", "fixed"};

  int64_t categorical_codes() const { return list_.get(kFirstNumber - 1).toInt(); }

  static const at::Tensor* pointer(const std::optional<at::Tensor>& tensor) {
    return tensor.has_value() ? &*tensor : nullptr;
  }

  template <size_t N>
  static int64_t position(const std::array<std::string_view, N>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  }

  // How often a tensor has been written to.
  static int64_t version_of(const at::Tensor& tensor) { return static_cast<int64_t>(tensor._version()); }

  const Data& data_;
  const c10::List<at::IValue> list_;
};

}  // namespace infogan_fast
