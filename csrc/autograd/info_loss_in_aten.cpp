// info_loss and its gradient in ATen operations. The formulas are those of kernel/categorical.h and kernel/gaussian.h.

#include <ATen/TensorOperators.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <cstdint>
#include <tuple>
#include <utility>
#include <vector>

#include "../checks.h"
#include "../kernel/precision.h"
#include "info_loss.h"

namespace infogan_fast {
namespace {

constexpr const char* kOp = "infogan_fast::info_loss";
constexpr double kLog2Pi = 1.8378770664093454836;

std::pair<at::Tensor, at::Tensor> draw_codes(const InfoLossArguments& a) {
  using SampleLatents = std::tuple<at::Tensor, at::Tensor, at::Tensor>(
      const at::Tensor&,
      c10::SymInt,
      int64_t,
      at::IntArrayRef,
      int64_t,
      std::string_view,
      std::string_view,
      int64_t,
      c10::SymInt,
      at::ScalarType);
  static const auto op =
      c10::Dispatcher::singleton().findSchemaOrThrow("infogan_fast::sample_latents", "").typed<SampleLatents>();
  auto [input, categorical, continuous] = op.call(
      *a.seed,
      a.head.sym_size(0),
      /*noise=*/0,
      a.cardinalities,
      a.continuous_codes,
      "normal",
      a.continuous_prior,
      a.offset,
      a.row_offset,
      at::kFloat);
  return {std::move(categorical), std::move(continuous)};
}

// The head in the dtype that it is computed in, taken apart, with the codes, after the checks that the kernels make.
class Problem {
 public:
  explicit Problem(const InfoLossArguments& arguments)
      : arguments_(arguments),
        variance_(parse_variance(kOp, arguments.variance, arguments.fixed_variance)),
        head_(arguments.head) {
    const LatentLayout layout = make_layout(
        kOp,
        0,
        arguments.cardinalities,
        arguments.continuous_codes,
        Prior::kNormal,
        parse_prior(kOp, arguments.continuous_prior));
    check_head(kOp, arguments.head, layout, variance_);
    check_precision(kOp, variance_, arguments.fixed_variance, arguments.head.scalar_type());
    const int64_t row_offset = arguments.row_offset.maybe_as_int().value_or(0);
    check_code_source(
        kOp,
        arguments.head,
        arguments.categorical,
        arguments.continuous,
        arguments.seed,
        arguments.offset,
        row_offset,
        layout);
    weights_ = check_weights(kOp, arguments.categorical_weight, arguments.continuous_weight, layout);
    if (arguments.weight_scale.has_value()) {
      check_weight_scale(kOp, *arguments.weight_scale, arguments.head, layout);
    }
    head_ = arguments.head.to(accumulate_type(arguments.head.scalar_type()));
    if (arguments.seed.has_value()) {
      std::tie(categorical_, continuous_) = draw_codes(arguments);
    } else {
      categorical_ = arguments.categorical->detach();
      continuous_ = arguments.continuous->detach();
    }
    continuous_ = continuous_.to(head_.scalar_type());
  }

  int64_t categorical_codes() const { return static_cast<int64_t>(arguments_.cardinalities.size()); }
  int64_t continuous_codes() const { return arguments_.continuous_codes; }
  bool learned() const { return variance_ != Variance::kFixed; }

  // term, [], times the weight of a code.
  at::Tensor weighted(const at::Tensor& term, int64_t code) const {
    const at::Tensor product = term * weights_[code];
    return arguments_.weight_scale.has_value() ? product * arguments_.weight_scale->detach().select(0, code) : product;
  }

  struct Categorical {
    at::Tensor logits;   // [B, K], 0 in rows that are ignored, which so get a gradient of exactly 0
    at::Tensor counted;  // [B] whether the row is not ignored
    at::Tensor valid;    // [B] 1 where the code is in [0, K) or ignored, else NaN, in the dtype of the logits
    at::Tensor target;   // [B] the code, 0 where it is not in [0, K)
    at::Tensor count;    // [] rows that count, in the dtype of the logits
  };

  Categorical categorical(int64_t code) const {
    const int64_t cardinality = arguments_.cardinalities[code];
    const at::Tensor target = categorical_.select(1, code);
    // Codes that are drawn are never ignored.
    const at::Tensor counted =
        arguments_.seed.has_value() ? at::ones_like(target, at::kBool) : target.ne(arguments_.ignore_index);
    const at::Tensor in_range = target.ge(0).logical_and(target.lt(cardinality));
    const at::Tensor logits = head_.narrow(1, first_column(code), cardinality);
    at::Tensor count = counted.sum().to(head_.scalar_type());
    return {
        at::where(counted.unsqueeze(1), logits, at::zeros_like(logits)),
        counted,
        at::where(in_range.logical_or(counted.logical_not()), 1.0, kNaN<double>).to(head_.scalar_type()),
        at::where(in_range, target, at::zeros_like(target)),
        std::move(count),
    };
  }

  struct Gaussian {
    at::Tensor difference;    // [B, C] mean - code
    at::Tensor log_variance;  // [B, C]
    at::Tensor precision;     // [B, C] exp(-log_variance)
  };

  Gaussian gaussian() const {
    const int64_t first = first_column(categorical_codes());
    const at::Tensor difference = head_.narrow(1, first, continuous_codes()) - continuous_;
    if (!learned()) {
      return {
          difference,
          at::full_like(difference, std::log(arguments_.fixed_variance)),
          at::full_like(difference, 1.0 / arguments_.fixed_variance),
      };
    }
    const at::Tensor scale = head_.narrow(1, first + continuous_codes(), continuous_codes());
    const at::Tensor log_variance = variance_ == Variance::kLearnedStd ? scale * 2.0 : scale;
    return {difference, log_variance, log_variance.neg().exp()};
  }

  // d log-variance / d the head's column.
  double scale_slope() const { return variance_ == Variance::kLearnedStd ? 2.0 : 1.0; }
  double batch() const { return static_cast<double>(head_.size(0)); }
  const at::Tensor& head() const { return head_; }

 private:
  int64_t first_column(int64_t code) const {
    int64_t column = 0;
    for (int64_t i = 0; i < code; ++i) {
      column += arguments_.cardinalities[i];
    }
    return column;
  }

  const InfoLossArguments& arguments_;
  const Variance variance_;
  at::Tensor head_;         // [B, P]
  at::Tensor categorical_;  // [B, m]
  at::Tensor continuous_;   // [B, C]
  std::vector<double> weights_;
};

}  // namespace

std::tuple<at::Tensor, at::Tensor> info_loss_in_aten(const InfoLossArguments& arguments) {
  const Problem problem(arguments);
  at::Tensor loss = problem.head().new_zeros({});
  std::vector<at::Tensor> nll;
  for (int64_t code = 0; code < problem.categorical_codes(); ++code) {
    const auto [logits, counted, valid, target, count] = problem.categorical(code);
    const at::Tensor term = -logits.log_softmax(1).gather(1, target.unsqueeze(1)).squeeze(1);
    const at::Tensor mean = at::where(counted, term * valid, at::zeros_like(term)).sum() / count.clamp_min(1.0);
    loss = loss + problem.weighted(mean, code);
    nll.push_back(at::where(count.eq(0.0), kNaN<double>, mean));
  }
  if (problem.continuous_codes() > 0) {
    const auto [difference, log_variance, precision] = problem.gaussian();
    const at::Tensor squared = difference.square() * precision;
    const at::Tensor means = ((log_variance + squared + kLog2Pi) * 0.5).mean(0);
    for (int64_t code = 0; code < problem.continuous_codes(); ++code) {
      nll.push_back(means.select(0, code));
      loss = loss + problem.weighted(nll.back(), problem.categorical_codes() + code);
    }
  }
  return {loss, nll.empty() ? problem.head().new_zeros({0}) : at::stack(nll).detach()};
}

at::Tensor info_loss_gradient_in_aten(const at::Tensor& grad_loss, const InfoLossArguments& arguments) {
  const Problem problem(arguments);
  const at::Tensor upstream = grad_loss.reshape({}).to(problem.head().scalar_type());
  std::vector<at::Tensor> columns;
  for (int64_t code = 0; code < problem.categorical_codes(); ++code) {
    const auto [logits, counted, valid, target, count] = problem.categorical(code);
    const at::Tensor categories = at::arange(arguments.cardinalities[code], target.options());
    const at::Tensor one_hot = target.unsqueeze(1).eq(categories).to(logits.scalar_type());
    const at::Tensor row = (logits.softmax(1) - one_hot) * valid.unsqueeze(1);
    const at::Tensor factor = problem.weighted(upstream, code) / count.clamp_min(1.0);
    columns.push_back(at::where(counted.unsqueeze(1), row * factor, at::zeros_like(row)));
  }
  if (problem.continuous_codes() > 0) {
    const auto [difference, log_variance, precision] = problem.gaussian();
    std::vector<at::Tensor> factors;
    for (int64_t code = 0; code < problem.continuous_codes(); ++code) {
      factors.push_back(problem.weighted(upstream, problem.categorical_codes() + code));
    }
    const at::Tensor factor = at::stack(factors) / problem.batch();
    columns.push_back(difference * precision * factor);
    if (problem.learned()) {
      columns.push_back((1.0 - difference.square() * precision) * (0.5 * problem.scale_slope()) * factor);
    }
  }
  const at::Tensor gradient = columns.empty() ? at::zeros_like(problem.head()) : at::cat(columns, 1);
  return gradient.to(arguments.head.scalar_type());
}

}  // namespace infogan_fast
