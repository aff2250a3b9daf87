#include "info_loss.h"

#include <ATen/EmptyTensor.h>
#include <ATen/Parallel.h>
#include <torch/library.h>

#include <optional>
#include <tuple>
#include <vector>

#include "../checks.h"
#include "../kernel/code_mean.h"
#include "../types.h"

namespace infogan_fast {
namespace {

constexpr const char* kOp = "infogan_fast::info_loss";

// The rows that count in each code, [m + C].
template <typename head_t, typename gradient_t>
std::vector<int64_t> count_rows(const InfoLossArgs<head_t, gradient_t>& args, int64_t batch, int64_t width) {
  const LatentLayout& layout = args.layout;
  std::vector<int64_t> counts(layout.codes(), batch);
  if (args.drawn || layout.categorical == 0) {
    return counts;
  }
  const int64_t rows = info_loss_rows_per_chunk(width);
  const int64_t chunks = (batch + rows - 1) / rows;
  std::vector<int64_t> chunk_counts(chunks * layout.categorical, 0);
  std::vector<BadCode> bad_codes(chunks);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        bad_codes[chunk] = count_codes(
            args, chunk * rows, std::min(batch, (chunk + 1) * rows), chunk_counts.data() + chunk * layout.categorical);
      }
    });
  });
  std::fill(counts.begin(), counts.begin() + layout.categorical, 0);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const BadCode& bad = bad_codes[chunk];
    TORCH_CHECK_INDEX(
        bad.row < 0,
        kOp,
        ": categorical[",
        bad.row,
        ", ",
        bad.code,
        "] must be in [0, ",
        bad.row < 0 ? 0 : layout.cardinalities[bad.code],
        ") or ignore_index (",
        args.ignore_index,
        "), got ",
        bad.value);
    for (int64_t code = 0; code < layout.categorical; ++code) {
      counts[code] += chunk_counts[chunk * layout.categorical + code];
    }
  }
  return counts;
}

// The sum of the terms of each code, [m + C].
template <typename head_t, typename gradient_t>
std::vector<CompensatedSum> sum_rows(const InfoLossArgs<head_t, gradient_t>& args, int64_t batch, int64_t width) {
  const int64_t codes = args.layout.codes();
  const int64_t rows = info_loss_rows_per_chunk(width);
  const int64_t chunks = (batch + rows - 1) / rows;
  std::vector<CompensatedSum> chunk_sums(chunks * codes);
  at::parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    InfoLossWorker<head_t, gradient_t> worker(args);
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        worker.add_rows(chunk * rows, std::min(batch, (chunk + 1) * rows), chunk_sums.data() + chunk * codes);
      }
    });
  });
  std::vector<CompensatedSum> sums(codes);
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    for (int64_t code = 0; code < codes; ++code) {
      sums[code].add(chunk_sums[chunk * codes + code].sum);
    }
  }
  return sums;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor, at::Tensor> info_loss_forward_cpu(
    const at::Tensor& head,
    const std::optional<at::Tensor>& categorical,
    const std::optional<at::Tensor>& continuous,
    const std::optional<at::Tensor>& seed,
    int64_t offset,
    int64_t row_offset,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    std::string_view continuous_prior,
    at::ArrayRef<double> categorical_weight,
    at::ArrayRef<double> continuous_weight,
    const std::optional<at::Tensor>& weight_scale,
    std::string_view variance,
    double fixed_variance,
    int64_t ignore_index,
    bool compute_gradient) {
  const Variance mode = parse_variance(kOp, variance, fixed_variance);
  const LatentLayout layout =
      make_layout(kOp, 0, cardinalities, continuous_codes, Prior::kNormal, parse_prior(kOp, continuous_prior));
  check_head(kOp, head, layout, mode);
  check_precision(kOp, mode, fixed_variance, head.scalar_type());
  check_code_source(kOp, head, categorical, continuous, seed, offset, row_offset, layout);
  std::vector<double> weights = check_weights(kOp, categorical_weight, continuous_weight, layout);
  if (weight_scale.has_value()) {
    check_weight_scale(kOp, *weight_scale, head, layout);
    for (int64_t code = 0; code < layout.codes(); ++code) {
      weights[code] *= weight_scale->const_data_ptr<float>()[code * weight_scale->stride(0)];
    }
  }

  const int64_t batch = head.size(0);
  const int64_t width = layout.head_dim(mode);
  const at::ScalarType head_type = head.scalar_type();
  const at::ScalarType acc_type = accumulate_type(head_type);
  at::Tensor loss = at::detail::empty_cpu({}, acc_type);
  at::Tensor nll = at::detail::empty_cpu({layout.codes()}, acc_type);
  at::Tensor factor = at::detail::empty_cpu({layout.codes()}, acc_type);
  at::Tensor gradient = at::detail::empty_cpu({compute_gradient ? batch : 0, width}, gradient_type(head_type));
  const bool drawn = seed.has_value();
  const at::Tensor categorical_codes = drawn ? at::Tensor() : categorical->contiguous();
  const at::Tensor continuous_codes_acc = drawn ? at::Tensor() : continuous->to(acc_type).contiguous();

  dispatch_floating(head_type, [&](auto tag) {
    using head_t = typename decltype(tag)::type;
    using acc_t = accumulate_t<head_t>;
    using gradient_t = gradient_of<head_t>;
    InfoLossArgs<head_t, gradient_t> args{
        layout,
        mode,
        fixed_variance_as<acc_t>(fixed_variance),
        head.const_data_ptr<head_t>(),
        head.stride(0),
        head.stride(1),
        drawn,
        drawn ? nullptr : categorical_codes.const_data_ptr<int64_t>(),
        drawn ? nullptr : continuous_codes_acc.const_data_ptr<acc_t>(),
        ignore_index,
        drawn ? make_latent_stream(*seed->const_data_ptr<int64_t>(), offset) : LatentStream{},
        row_offset,
        nullptr,
        compute_gradient ? gradient.mutable_data_ptr<gradient_t>() : nullptr,
    };
    const std::vector<int64_t> counts = count_rows(args, batch, width);
    std::vector<acc_t> factors;
    for (int64_t code = 0; code < layout.codes(); ++code) {
      factors.push_back(static_cast<acc_t>(code_factor(static_cast<double>(counts[code]), weights[code])));
    }
    args.factor = factors.data();
    const std::vector<CompensatedSum> sums = sum_rows(args, batch, width);
    CompensatedSum weighted;
    for (int64_t code = 0; code < layout.codes(); ++code) {
      const CodeMean mean = code_mean(sums[code].sum, static_cast<double>(counts[code]), weights[code]);
      nll.mutable_data_ptr<acc_t>()[code] = static_cast<acc_t>(mean.nll);
      factor.mutable_data_ptr<acc_t>()[code] = acc_t(1);  // the gradient has it already
      weighted.add(mean.weighted);
    }
    *loss.mutable_data_ptr<acc_t>() = static_cast<acc_t>(weighted.sum);
  });
  return {loss, nll, gradient, factor};
}

// grad_loss * factor of the code that each column of the head belongs to.
template <typename acc_t>
std::vector<acc_t> scale_per_column(
    acc_t grad_loss, const acc_t* factor, at::IntArrayRef cardinalities, int64_t continuous, int64_t width) {
  std::vector<acc_t> scale;
  scale.reserve(width);
  for (const int64_t cardinality : cardinalities) {
    scale.insert(scale.end(), cardinality, grad_loss * *factor++);
  }
  while (static_cast<int64_t>(scale.size()) < width) {  // the means, then the scales if there are any
    for (int64_t i = 0; i < continuous; ++i) {
      scale.push_back(grad_loss * factor[i]);
    }
  }
  return scale;
}

at::Tensor info_loss_backward_cpu(
    const at::Tensor& grad_loss,
    const at::Tensor& gradient,
    const at::Tensor& factor,
    at::IntArrayRef cardinalities,
    int64_t continuous_codes,
    at::ScalarType dtype) {
  constexpr const char* kBackward = "infogan_fast::info_loss_backward";
  const LatentLayout layout =
      make_layout(kBackward, 0, cardinalities, continuous_codes, Prior::kNormal, Prior::kNormal);
  check_floating(kBackward, "dtype", dtype);
  check_backward(kBackward, grad_loss, gradient, factor, layout, dtype);
  const int64_t batch = gradient.size(0);
  const int64_t width = gradient.size(1);
  at::Tensor out = at::detail::empty_cpu({batch, width}, dtype);
  const at::Tensor gradient_rows = gradient.contiguous();
  const at::Tensor factors = factor.contiguous();

  dispatch_floating(dtype, [&](auto tag) {
    using head_t = typename decltype(tag)::type;
    using acc_t = accumulate_t<head_t>;
    using gradient_t = gradient_of<head_t>;
    const acc_t upstream = *grad_loss.const_data_ptr<acc_t>();
    const std::vector<acc_t> column_scale =
        scale_per_column(upstream, factors.const_data_ptr<acc_t>(), cardinalities, continuous_codes, width);
    const gradient_t* source = gradient_rows.const_data_ptr<gradient_t>();
    head_t* target = out.mutable_data_ptr<head_t>();
    at::parallel_for(0, batch, info_loss_rows_per_chunk(width), [&](int64_t begin, int64_t end) {
      with_simd([&]()
                    INFOGAN_SIMD { info_loss_backward_rows(source, column_scale.data(), width, begin, end, target); });
    });
  });
  return out;
}

}  // namespace

TORCH_LIBRARY_IMPL(infogan_fast, CPU, m) {
  m.impl("info_loss_forward", &info_loss_forward_cpu);
  m.impl("info_loss_backward", &info_loss_backward_cpu);
}

}  // namespace infogan_fast
