#pragma once

// The checks that every backend of an op makes, and the reading of its arguments. A message says the op, the argument,
// what was got and what is allowed. infogan_fast/fake.py makes the same checks on symbolic shapes.

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernel/latent_layout.h"
#include "types.h"

namespace infogan_fast {

inline Prior parse_prior(const char* op, std::string_view prior) {
  TORCH_CHECK_VALUE(
      prior == "uniform" || prior == "normal",
      op,
      ": prior must be 'uniform' or 'normal', got '",
      std::string(prior),
      "'");
  return prior == "normal" ? Prior::kNormal : Prior::kUniform;
}

inline Variance parse_variance(const char* op, std::string_view variance, double fixed_variance) {
  if (variance == "learned") {
    return Variance::kLearned;
  }
  if (variance == "learned_std") {
    return Variance::kLearnedStd;
  }
  TORCH_CHECK_VALUE(
      variance == "fixed",
      op,
      ": variance must be 'learned', 'learned_std' or 'fixed', got '",
      std::string(variance),
      "'");
  TORCH_CHECK_VALUE(
      std::isfinite(fixed_variance) && fixed_variance > 0.0,
      op,
      ": a fixed variance must be positive and finite, got ",
      fixed_variance);
  return Variance::kFixed;
}

// The dtype that the loss of a head is computed in has to have the precision, 1 / variance.
inline void check_precision(const char* op, Variance variance, double fixed_variance, at::ScalarType head) {
  const at::ScalarType type = accumulate_type(head);
  const double largest = type == at::kDouble ? std::numeric_limits<double>::max() : std::numeric_limits<float>::max();
  TORCH_CHECK_VALUE(
      variance != Variance::kFixed || 1.0 / fixed_variance <= largest,
      op,
      ": a fixed variance must be at least ",
      1.0 / largest,
      " for a head of ",
      dtype_name(head),
      ", got ",
      fixed_variance);
}

// The layout points into cardinalities, which has to outlive it.
inline LatentLayout make_layout(
    const char* op,
    int64_t noise,
    at::IntArrayRef cardinalities,
    int64_t continuous,
    Prior noise_prior,
    Prior continuous_prior) {
  constexpr int64_t kLimit = int64_t(1) << 31;
  TORCH_CHECK_VALUE(noise >= 0 && noise < kLimit, op, ": noise must be in [0, 2**31), got ", noise);
  TORCH_CHECK_VALUE(
      continuous >= 0 && continuous < kLimit,
      op,
      ": the number of continuous codes must be in [0, 2**31), got ",
      continuous);
  int64_t logits = 0;
  for (const int64_t cardinality : cardinalities) {
    TORCH_CHECK_VALUE(
        cardinality >= 1 && cardinality < kLimit, op, ": a cardinality must be in [1, 2**31), got ", cardinality);
    logits += cardinality;
  }
  return {
      noise,
      static_cast<int64_t>(cardinalities.size()),
      continuous,
      cardinalities.data(),
      logits,
      noise_prior,
      continuous_prior,
  };
}

inline void check_stream(const char* op, const at::Tensor& seed, int64_t offset, int64_t row_offset) {
  TORCH_CHECK_TYPE(
      seed.scalar_type() == at::kLong,
      op,
      ": seed must be int64, got ",
      dtype_name(seed.scalar_type()),
      "; see new_seed()");
  TORCH_CHECK_VALUE(seed.numel() == 1, op, ": seed must have one element, got shape ", seed.sizes());
  TORCH_CHECK_VALUE(offset >= 0 && offset < (int64_t(1) << 32), op, ": offset must be in [0, 2**32), got ", offset);
  TORCH_CHECK_VALUE(
      row_offset >= 0 && row_offset <= (int64_t(1) << 62), op, ": row_offset must be in [0, 2**62], got ", row_offset);
}

inline void check_batch_size(const char* op, int64_t batch_size) {
  TORCH_CHECK_VALUE(batch_size >= 0, op, ": batch_size must be >= 0, got ", batch_size);
}

inline void check_floating(const char* op, const char* argument, at::ScalarType type) {
  TORCH_CHECK_TYPE(
      type == at::kFloat || type == at::kDouble || type == at::kBFloat16 || type == at::kHalf,
      op,
      ": ",
      argument,
      " must be float32, float64, bfloat16 or float16, got ",
      dtype_name(type));
}

inline void check_head(const char* op, const at::Tensor& head, const LatentLayout& layout, Variance variance) {
  check_floating(op, "head", head.scalar_type());
  const int64_t width = layout.head_dim(variance);
  const char* formula = variance == Variance::kFixed ? " (sum K + C)" : " (sum K + 2 C)";
  TORCH_CHECK_VALUE(
      head.dim() == 2 && head.size(1) == width, op, ": head must be [B, ", width, "]", formula, ", got ", head.sizes());
  TORCH_CHECK_VALUE(head.size(0) > 0, op, ": the mean over an empty batch is not defined; head is ", head.sizes());
}

inline void check_codes(
    const char* op,
    const at::Tensor& head,
    const at::Tensor& categorical,
    const at::Tensor& continuous,
    const LatentLayout& layout) {
  const int64_t batch = head.size(0);
  TORCH_CHECK_TYPE(
      categorical.scalar_type() == at::kLong,
      op,
      ": categorical must be int64, got ",
      dtype_name(categorical.scalar_type()));
  TORCH_CHECK_VALUE(
      categorical.dim() == 2 && categorical.size(0) == batch && categorical.size(1) == layout.categorical,
      op,
      ": categorical must be [",
      batch,
      ", ",
      layout.categorical,
      "] for head ",
      head.sizes(),
      ", got ",
      categorical.sizes());
  TORCH_CHECK_TYPE(
      continuous.scalar_type() == at::kFloat || continuous.scalar_type() == head.scalar_type(),
      op,
      ": continuous must be float32 or the head's ",
      dtype_name(head.scalar_type()),
      ", got ",
      dtype_name(continuous.scalar_type()));
  TORCH_CHECK_VALUE(
      continuous.dim() == 2 && continuous.size(0) == batch && continuous.size(1) == layout.continuous,
      op,
      ": continuous must be [",
      batch,
      ", ",
      layout.continuous,
      "] for head ",
      head.sizes(),
      ", got ",
      continuous.sizes());
  TORCH_CHECK_VALUE(
      categorical.device() == head.device() && continuous.device() == head.device(),
      op,
      ": head, categorical and continuous must be on one device, got ",
      head.device(),
      ", ",
      categorical.device(),
      " and ",
      continuous.device());
}

// Either both tensors of codes, or a seed to draw them from.
inline void check_code_source(
    const char* op,
    const at::Tensor& head,
    const std::optional<at::Tensor>& categorical,
    const std::optional<at::Tensor>& continuous,
    const std::optional<at::Tensor>& seed,
    int64_t offset,
    int64_t row_offset,
    const LatentLayout& layout) {
  TORCH_CHECK_VALUE(
      categorical.has_value() == continuous.has_value() && seed.has_value() != categorical.has_value(),
      op,
      ": the codes are either categorical and continuous, or a seed");
  if (!seed.has_value()) {
    check_codes(op, head, *categorical, *continuous, layout);
    return;
  }
  check_stream(op, *seed, offset, row_offset);
  TORCH_CHECK_VALUE(
      seed->device() == head.device(),
      op,
      ": head and seed must be on one device, got ",
      head.device(),
      " and ",
      seed->device());
}

// The weight of every code, categorical first.
inline std::vector<double> check_weights(
    const char* op, at::ArrayRef<double> categorical, at::ArrayRef<double> continuous, const LatentLayout& layout) {
  std::vector<double> weights;
  weights.reserve(layout.codes());
  const auto append = [&](const char* argument, at::ArrayRef<double> values, int64_t count) {
    TORCH_CHECK_VALUE(
        static_cast<int64_t>(values.size()) == count,
        op,
        ": ",
        argument,
        " must be a float or one float per code (",
        count,
        "), got ",
        values.size(),
        " of them");
    for (const double weight : values) {
      TORCH_CHECK_VALUE(
          std::isfinite(weight) && weight >= 0.0, op, ": ", argument, " must be finite and >= 0, got ", weight);
      weights.push_back(weight);
    }
  };
  append("categorical_weight", categorical, layout.categorical);
  append("continuous_weight", continuous, layout.continuous);
  return weights;
}

inline void check_weight_scale(
    const char* op, const at::Tensor& weight_scale, const at::Tensor& head, const LatentLayout& layout) {
  TORCH_CHECK_TYPE(
      weight_scale.scalar_type() == at::kFloat,
      op,
      ": weight_scale must be torch.float32, got ",
      dtype_name(weight_scale.scalar_type()));
  TORCH_CHECK_VALUE(
      weight_scale.dim() == 1 && weight_scale.size(0) == layout.codes() && weight_scale.device() == head.device(),
      op,
      ": weight_scale must be [",
      layout.codes(),
      "], one number per code, on ",
      head.device(),
      ", got ",
      weight_scale.sizes(),
      " on ",
      weight_scale.device());
}

inline void check_backward(
    const char* op,
    const at::Tensor& grad_loss,
    const at::Tensor& gradient,
    const at::Tensor& factor,
    const LatentLayout& layout,
    at::ScalarType dtype) {
  const int64_t with_scales = layout.head_dim(Variance::kLearned);
  const int64_t without_scales = layout.head_dim(Variance::kFixed);
  TORCH_CHECK_VALUE(
      gradient.dim() == 2 && (gradient.size(1) == with_scales || gradient.size(1) == without_scales),
      op,
      ": gradient must be [B, ",
      with_scales,
      "] or [B, ",
      without_scales,
      "], got ",
      gradient.sizes());
  TORCH_CHECK_VALUE(
      grad_loss.numel() == 1 && factor.dim() == 1 && factor.size(0) == layout.codes(),
      op,
      ": grad_loss must have one element and factor ",
      layout.codes(),
      ", got ",
      grad_loss.sizes(),
      " and ",
      factor.sizes());
  TORCH_CHECK_VALUE(
      grad_loss.device() == gradient.device() && factor.device() == gradient.device(),
      op,
      ": grad_loss, gradient and factor must be on one device, got ",
      grad_loss.device(),
      ", ",
      gradient.device(),
      " and ",
      factor.device());
  TORCH_CHECK_TYPE(
      gradient.scalar_type() == gradient_type(dtype) && grad_loss.scalar_type() == accumulate_type(dtype) &&
          factor.scalar_type() == accumulate_type(dtype),
      op,
      ": grad_loss and factor must be ",
      dtype_name(accumulate_type(dtype)),
      " and gradient ",
      dtype_name(gradient_type(dtype)),
      " for a head of ",
      dtype_name(dtype),
      ", got ",
      dtype_name(grad_loss.scalar_type()),
      ", ",
      dtype_name(factor.scalar_type()),
      " and ",
      dtype_name(gradient.scalar_type()));
}

}  // namespace infogan_fast
