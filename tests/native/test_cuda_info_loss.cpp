// The CUDA kernels of info_loss, run on the host, against the CPU op: every dtype, shapes around every edge, strides
// and alignments, in every order of threads and blocks.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>
#include <vector>

#include "check.h"
#include "cpu/info_loss.h"
#include "cuda/info_loss.h"
#include "cuda_cases.h"
#include "cuda_on_host/cuda_runtime.h"
#include "kernel/code_mean.h"
#include "kernel/half.h"

using namespace infogan_fast;
using cuda_cases::Memory;
using cuda_cases::Spec;
using cuda_cases::Table;

namespace {

constexpr int64_t kSeed = 42;
constexpr int64_t kOffset = 1;
constexpr int64_t kRowOffset = 5;
constexpr int64_t kIgnore = -100;
constexpr double kFixedVariance = 0.5;

// How the inputs lie in memory.
struct Placement {
  int64_t past = 0;           // elements from a 16-byte boundary to the head
  int64_t row_padding = 0;    // elements between the head's rows
  int64_t column_stride = 1;  // of the head and of the codes
};

template <typename T>
double eps_of() {
  if constexpr (std::is_same_v<T, Float16>) {
    return 0x1p-10;
  } else if constexpr (std::is_same_v<T, BFloat16>) {
    return 0x1p-7;
  } else {
    return std::numeric_limits<T>::epsilon();
  }
}

// A head and its codes.
template <typename head_t>
struct Problem {
  Spec spec;
  LatentLayout layout;
  Variance variance;
  int64_t batch;
  Placement placement;
  int64_t width;
  int64_t row_stride;
  Memory<head_t> head;
  Memory<int64_t> categorical;  // [B, m] with placement.column_stride
  Memory<float> continuous;     // [B, C] likewise
  std::vector<double> weights;

  Problem(Spec s, Variance v, int64_t rows, Placement p = {})
      : spec(std::move(s)),
        layout(spec.layout()),
        variance(v),
        batch(rows),
        placement(p),
        width(layout.head_dim(v)),
        row_stride(width * p.column_stride + p.row_padding),
        head(width == 0 ? 0 : (rows - 1) * row_stride + (width - 1) * p.column_stride + 1, p.past),
        categorical(rows * layout.categorical * p.column_stride),
        continuous(rows * layout.continuous * p.column_stride) {
    const LatentStream logits = make_latent_stream(1, 0);
    for (int64_t row = 0; row < batch; ++row) {
      for (int64_t block = 0; block * kRealsPerBlock < width; ++block) {
        float values[kRealsPerBlock];
        reals_from_words(draw_block(logits, row, Domain::kNoise, block), Prior::kNormal, values);
        for (int64_t k = 0; k < kRealsPerBlock && block * kRealsPerBlock + k < width; ++k) {
          head[row * row_stride + (block * kRealsPerBlock + k) * p.column_stride] =
              static_cast<head_t>(2.0f * values[k]);
        }
      }
      const uint64_t stream_row = static_cast<uint64_t>(row + kRowOffset);
      for (int64_t code = 0; code < layout.categorical; ++code) {
        const Philox4 random = draw_block(stream(), stream_row, Domain::kCategorical, code / kCategoricalsPerBlock);
        category(row, code) = category_from_words(random, code, spec.cardinalities[code]);
      }
      for (int64_t i = 0; i < layout.continuous; ++i) {
        float values[kRealsPerBlock];
        reals_from_words(
            draw_block(stream(), stream_row, Domain::kContinuous, i / kRealsPerBlock), spec.continuous_prior, values);
        continuous[(row * layout.continuous + i) * p.column_stride] = values[i % kRealsPerBlock];
      }
    }
    for (int64_t code = 0; code < layout.codes(); ++code) {
      weights.push_back(0.25 + static_cast<double>(code % 5));
    }
  }

  static LatentStream stream() { return make_latent_stream(kSeed, kOffset); }

  int64_t& category(int64_t row, int64_t code) {
    return categorical[(row * layout.categorical + code) * placement.column_stride];
  }
};

template <typename head_t>
struct Result {
  using acc_t = accumulate_t<head_t>;
  using gradient_t = cuda::gradient_t<head_t>;

  double loss = 0.0;
  std::vector<double> nll;
  std::vector<double> factor;
  Memory<gradient_t> gradient;
};

template <typename head_t>
Result<head_t> run_on_cpu(Problem<head_t>& p, const std::vector<float>& scale = {}) {
  using acc_t = accumulate_t<head_t>;
  Result<head_t> result{0.0, {}, {}, Memory<cuda::gradient_t<head_t>>(p.batch * p.width)};
  std::vector<int64_t> categorical(p.batch * p.layout.categorical);
  std::vector<acc_t> continuous(p.batch * p.layout.continuous);
  for (size_t i = 0; i < categorical.size(); ++i) {
    categorical[i] = p.categorical[i * p.placement.column_stride];
  }
  for (size_t i = 0; i < continuous.size(); ++i) {
    continuous[i] = static_cast<acc_t>(p.continuous[i * p.placement.column_stride]);
  }
  // The kernel leaves the factor to the backward pass.
  const std::vector<acc_t> ones(p.layout.codes(), acc_t(1));
  const InfoLossArgs<head_t, cuda::gradient_t<head_t>> args{
      p.layout,
      p.variance,
      fixed_variance_as<acc_t>(kFixedVariance),
      p.head.data(),
      p.row_stride,
      p.placement.column_stride,
      false,
      categorical.data(),
      continuous.data(),
      kIgnore,
      {},
      0,
      ones.data(),
      result.gradient.data()};
  std::vector<CompensatedSum> sums(p.layout.codes());
  std::vector<int64_t> counts(p.layout.codes(), 0);
  std::fill(counts.begin() + p.layout.categorical, counts.end(), p.batch);
  BadCode bad;
  InfoLossWorker<head_t, cuda::gradient_t<head_t>> worker(args);
  with_simd([&]() INFOGAN_SIMD {
    bad = count_codes(args, 0, p.batch, counts.data());
    worker.add_rows(0, p.batch, sums.data());
  });
  CHECK_EQUAL(bad.row, -1);
  for (int64_t code = 0; code < p.layout.codes(); ++code) {
    const double weight = p.weights[code] * (scale.empty() ? 1.0 : scale[code]);
    const CodeMean mean = code_mean(sums[code].sum, static_cast<double>(counts[code]), weight);
    result.nll.push_back(mean.nll);
    result.factor.push_back(code_factor(static_cast<double>(counts[code]), weight));
    result.loss += mean.weighted;
  }
  return result;
}

struct Run {
  bool drawn = false;
  bool compute_gradient = true;
  bool double_codes = false;  // continuous codes of the head's dtype, where that is double
  int64_t blocks = 0;         // at most so many, if not 0
  int lanes = 0;              // to a row, if not 0
  std::vector<float> scale = {};
  bool own_counter = false;  // in memory, instead of a ticket
};

template <typename head_t>
Result<head_t> run_kernel(Problem<head_t>& p, const Run& run = {}) {
  using acc_t = accumulate_t<head_t>;
  using gradient_t = cuda::gradient_t<head_t>;
  Result<head_t> result{0.0, {}, {}, Memory<gradient_t>(run.compute_gradient ? p.batch * p.width : 0)};
  std::vector<int64_t> words = p.spec.first_columns();
  for (const double weight : p.weights) {
    int64_t bits;
    std::memcpy(&bits, &weight, sizeof(bits));
    words.push_back(bits);
  }
  const Table table(words);
  Memory<int64_t> seed(1);
  seed[0] = kSeed;
  Memory<head_t> head_codes(run.double_codes ? p.continuous.size() : 0);
  for (int64_t i = 0; i < head_codes.size(); i += p.placement.column_stride) {
    head_codes[i] = static_cast<head_t>(p.continuous[i]);
  }
  cuda::InfoLossPlan plan = cuda::plan_info_loss(p.layout, p.variance, p.batch, sizeof(acc_t));
  if (run.lanes > 0) {
    plan.lanes_per_row = run.lanes;
    plan.blocks = static_cast<int>((p.batch * run.lanes + plan.threads - 1) / plan.threads);
  }
  if (run.blocks > 0) {
    plan.blocks = static_cast<int>(std::min<int64_t>(plan.blocks, run.blocks));
  }
  Memory<double> workspace(cuda::info_loss_workspace(plan, p.layout));
  Memory<acc_t> loss(1);
  Memory<acc_t> nll(p.layout.codes());
  Memory<acc_t> factor(p.layout.codes());

  cuda::InfoLossArgs<head_t> args{};
  args.layout = p.spec.device_layout();
  args.table = table.words();
  args.variance = p.variance;
  args.fixed = fixed_variance_as<acc_t>(kFixedVariance);
  args.batch = p.batch;
  args.head = p.head.data();
  args.head_row_stride = p.row_stride;
  args.head_column_stride = p.placement.column_stride;
  if (run.drawn) {
    args.seed = seed.data();
    args.offset = kOffset;
    args.row_offset = kRowOffset;
  } else {
    args.categorical = p.categorical.data();
    args.categorical_row_stride = p.layout.categorical * p.placement.column_stride;
    args.categorical_column_stride = p.placement.column_stride;
    args.continuous = run.double_codes ? static_cast<const void*>(head_codes.data()) : p.continuous.data();
    args.continuous_is_float = !run.double_codes;
    args.continuous_row_stride = p.layout.continuous * p.placement.column_stride;
    args.continuous_column_stride = p.placement.column_stride;
    args.ignore_index = kIgnore;
  }
  if (!run.scale.empty()) {
    args.weight_scale = run.scale.data();
    args.weight_scale_stride = 1;
  }
  args.gradient = run.compute_gradient ? result.gradient.data() : nullptr;
  args.loss = loss.data();
  args.nll = nll.data();
  args.factor = factor.data();
  args.workspace = workspace.data();
  args.ticket = 7;
  unsigned counter = 0;
  args.counter = run.own_counter ? &counter : nullptr;
  cuda_on_host::reset_launches();
  CHECK_EQUAL(cuda::launch_info_loss(args, plan, nullptr), cudaSuccess);
  CHECK_EQUAL(cuda_on_host::launches().size(), 1u);
  CHECK_EQUAL(counter, 0u);  // as the next launch needs it
  result.loss = loss[0];
  for (int64_t code = 0; code < p.layout.codes(); ++code) {
    result.nll.push_back(nll[code]);
    result.factor.push_back(factor[code]);
  }
  return result;
}

// Both are rounded to acc_t, and their exponentials and logarithms differ in the last place or two.
template <typename head_t>
void check_same(const Result<head_t>& got, const Result<head_t>& expected, bool with_gradient = true) {
  const double eps = std::numeric_limits<accumulate_t<head_t>>::epsilon();
  double largest = 1.0;
  for (size_t code = 0; code < expected.nll.size(); ++code) {
    largest = std::max({largest, std::fabs(expected.nll[code]), std::fabs(expected.loss)});
    CHECK_NEAR(got.nll[code], expected.nll[code], 8 * eps * (1 + std::fabs(expected.nll[code])));
    CHECK_NEAR(got.factor[code], expected.factor[code], eps * std::fabs(expected.factor[code]));
  }
  CHECK_NEAR(got.loss, expected.loss, 16 * eps * largest);
  if (!with_gradient) {
    return;
  }
  CHECK_EQUAL(got.gradient.size(), expected.gradient.size());
  const double rounding = std::max(eps * 16, 1.01 * eps_of<cuda::gradient_t<head_t>>());
  for (int64_t i = 0; i < expected.gradient.size(); ++i) {
    const double wanted = static_cast<accumulate_t<head_t>>(expected.gradient[i]);
    const double value = static_cast<accumulate_t<head_t>>(got.gradient[i]);
    CHECK_NEAR(value, wanted, 16 * eps + rounding * std::fabs(wanted));
  }
}

template <typename head_t>
void check_problem(Problem<head_t>& problem, const Run& run = {}) {
  check_same(run_kernel(problem, run), run_on_cpu(problem, run.scale), run.compute_gradient);
}

const std::vector<Spec> kNarrow = {
    {{10}, 2},
    {{20, 20, 20}, 1, 0, Prior::kNormal, Prior::kNormal},
    {{2, 7, 1, 33}, 5},
    {{}, 3},
    {{3, 4}, 0},
    {{1}, 0},
    {{31}, 0},
    {{32}, 0},
    {{33}, 0},
    {{}, 17},
};
const std::vector<Variance> kVariances = {Variance::kLearned, Variance::kLearnedStd, Variance::kFixed};

}  // namespace

TEST(every_narrow_head_in_every_order) {
  cuda_on_host::under_every_schedule([&] {
    for (const Spec& spec : kNarrow) {
      Problem<float> problem(spec, Variance::kLearned, 33);
      check_problem(problem);
      check_problem(problem, {.drawn = true});
    }
  });
}

TEST(every_variance_dtype_and_placement) {
  const std::vector<Placement> placements = {{}, {1, 0, 1}, {3, 5, 1}, {0, 2, 3}};
  const auto check = [&]<typename head_t>(const Spec& spec, Variance variance, const Placement& placement, head_t) {
    Problem<head_t> problem(spec, variance, 5, placement);
    check_problem(problem);
  };
  for (const Spec& spec : kNarrow) {
    for (const Variance variance : kVariances) {
      for (const Placement& placement : placements) {
        check(spec, variance, placement, float());
        check(spec, variance, placement, double());
        check(spec, variance, placement, Float16());
        check(spec, variance, placement, BFloat16());
      }
    }
  }
}

TEST(batches_around_every_edge) {
  for (const int64_t batch : {1, 2, 15, 16, 17, 31, 32, 33, 127, 128, 129}) {
    Problem<float> problem(kNarrow[0], Variance::kLearned, batch, {1, 0, 1});
    check_problem(problem);
    Problem<BFloat16> half(kNarrow[2], Variance::kLearnedStd, batch);
    check_problem(half, {.drawn = true});
  }
}

TEST(lanes_to_a_row) {
  const auto lanes = [](int64_t batch, int64_t width, size_t bytes) {
    const Spec spec{{width}, 0};
    return cuda::plan_info_loss(spec.layout(), Variance::kFixed, batch, bytes).lanes_per_row;
  };
  // Large batches: as few as let a tile of 20 KiB hold the rows of 128 threads; none if it does not hold four.
  for (const auto& [width, expected] : std::vector<std::pair<int64_t, int>>{
           {39, 1},
           {40, 2},
           {79, 2},
           {80, 4},
           {159, 4},
           {160, 8},
           {319, 8},
           {320, 16},
           {639, 16},
           {640, 32},
           {1279, 32},
           {1280, 0}}) {
    CHECK_EQUAL(lanes(1 << 20, width, sizeof(float)), expected);
  }
  CHECK_EQUAL(lanes(1 << 20, 639, sizeof(double)), 32);
  CHECK_EQUAL(lanes(1 << 20, 640, sizeof(double)), 0);
  CHECK_EQUAL(lanes(128, 14, sizeof(float)), 8);
  const auto blocks = [](const Spec& spec) {
    return cuda::plan_info_loss(spec.layout(), Variance::kLearned, 1 << 20, sizeof(float)).blocks;
  };
  CHECK_EQUAL(blocks({{10}, 2}), 1024);
  CHECK_EQUAL(blocks({std::vector<int64_t>(100, 3), 56}), 256);  // 256 sums
  CHECK_EQUAL(blocks({std::vector<int64_t>(1000, 2), 0}), 64);
}

TEST(widths_around_every_change_of_plan) {
  for (const int64_t width : {2, 3, 13, 14, 15, 39, 40, 41, 79, 80, 159, 160, 319, 320, 639, 640, 1279, 1280}) {
    Problem<float> problem({{width}, 0}, Variance::kFixed, 3);
    check_problem(problem);
  }
  for (const int64_t width : {639, 640, 641}) {
    Problem<double> problem({{width}, 0}, Variance::kFixed, 3);
    check_problem(problem);
  }
}

TEST(every_number_of_lanes_to_a_row) {
  for (const int64_t width : {8, 30, 100, 400}) {
    Problem<float> problem({{width / 2, width / 3}, 5}, Variance::kLearned, 70);
    for (int lanes = 1; lanes <= 32; lanes *= 2) {
      if (cuda::kTileThreads / lanes * cuda::tile_pitch(problem.width) * sizeof(float) <= cuda::kTileBytes) {
        check_problem(problem, {.lanes = lanes});
        check_problem(problem, {.drawn = true, .lanes = lanes});
      }
    }
  }
}

TEST(wide_heads_in_every_order) {
  cuda_on_host::under_every_schedule([&] {
    Problem<float> problem({{1500, 3, 2100, 33}, 6}, Variance::kLearned, 3, {1, 0, 1});
    check_problem(problem);
    check_problem(problem, {.drawn = true});
  });
}

TEST(wide_heads_of_every_dtype_and_placement) {
  const std::vector<Placement> placements = {{}, {1, 0, 1}, {3, 5, 1}, {0, 2, 3}};
  const auto check = [&]<typename head_t>(const Spec& spec, const Placement& placement, head_t) {
    Problem<head_t> problem(spec, Variance::kLearnedStd, 2, placement);
    check_problem(problem);
  };
  // Around the edges between a warp's codes and a block's, around a chunk held in registers, and several chunks.
  const std::vector<Spec> specs = {
      {{255, 256, 257, 900}, 2},
      {{3, 3, 3, 3, 3, 3, 2047, 2048, 2049}, 2},
      {{4095}, 1},
      {{4096}, 0},
      {{4097}, 0},
      {{12289, 5}, 3},
      {{3}, 1400},
  };
  for (const Spec& spec : specs) {
    for (const Placement& placement : placements) {
      check(spec, placement, float());
      check(spec, placement, double());
      check(spec, placement, Float16());
      check(spec, placement, BFloat16());
    }
  }
}

TEST(a_counter_in_memory) {
  Problem<float> problem(kNarrow[0], Variance::kLearned, 40);
  check_problem(problem, {.own_counter = true});
}

TEST(a_million_categories) {
  Problem<float> problem({{1000000}, 1}, Variance::kLearned, 1);
  check_problem(problem);
}

TEST(more_rows_than_one_pass_over_the_grid) {
  Problem<float> narrow(kNarrow[0], Variance::kLearned, 200);
  check_problem(narrow, {.blocks = 3});
  check_problem(narrow, {.compute_gradient = false, .blocks = 3});
  Problem<float> wide({{1300, 40}, 2}, Variance::kLearned, 7);
  check_problem(wide, {.blocks = 3});
  check_problem(wide, {.compute_gradient = false, .blocks = 3});
}

TEST(more_codes_than_fit_in_shared_memory_and_parameters) {
  for (const int64_t categorical : {31, 32, 33, 130}) {
    Problem<float> narrow({std::vector<int64_t>(categorical, 3), 5}, Variance::kLearned, 9);
    check_problem(narrow);
    check_problem(narrow, {.blocks = 1});
    Problem<float> wide({std::vector<int64_t>(categorical, 50), 5}, Variance::kLearned, 9);
    check_problem(wide, {.blocks = 2});
  }
  Problem<float> continuous({{2}, 200}, Variance::kLearned, 9);
  check_problem(continuous);
}

TEST(weights_and_their_scale) {
  Problem<float> problem(kNarrow[2], Variance::kLearned, 20);
  check_problem(problem, {.scale = {0.5f, 0.0f, 2.0f, 3.0f, 1.0f, 0.0f, 0.25f, 1.5f, 7.0f}});
}

TEST(continuous_codes_of_the_heads_dtype) {
  Problem<double> problem(kNarrow[2], Variance::kLearned, 20, {0, 0, 2});
  check_problem(problem, {.double_codes = true});
}

TEST(without_a_gradient_the_sums_are_the_same) {
  for (const Spec& spec : {kNarrow[0], Spec{{1500}, 2}}) {
    Problem<float> problem(spec, Variance::kLearned, 9);
    const Result<float> with = run_kernel(problem);
    const Result<float> without = run_kernel(problem, {.compute_gradient = false});
    CHECK_EQUAL(with.loss, without.loss);
    CHECK(with.nll == without.nll);
  }
}

TEST(ignored_codes_are_left_out) {
  for (const Spec& spec : {Spec{{4, 3}, 2}, Spec{{2500, 3}, 2}}) {
    Problem<double> problem(spec, Variance::kLearned, 9);
    for (int64_t row = 0; row < 9; row += 2) {
      problem.category(row, 0) = kIgnore;
    }
    check_problem(problem);
    for (int64_t row = 0; row < 9; ++row) {
      problem.category(row, 1) = kIgnore;
    }
    const Result<double> result = run_kernel(problem);
    CHECK(std::isnan(result.nll[1]));
    CHECK_EQUAL(result.factor[1], 0.0);
    CHECK(std::isfinite(result.loss));
    for (int64_t row = 0; row < 9; ++row) {
      CHECK_EQUAL(result.gradient[row * problem.width + spec.cardinalities[0]], 0.0);
    }
  }
}

TEST(codes_out_of_range_make_their_term_and_gradient_nan) {
  for (const Spec& spec : {Spec{{4, 3}, 2}, Spec{{3000, 3}, 2}, Spec{{3, 3000}, 2}}) {
    for (const int64_t value : {int64_t(-1), int64_t(5000), int64_t(-101), int64_t(1) << 40}) {
      Problem<float> problem(spec, Variance::kLearned, 6);
      const Result<float> expected = run_kernel(problem);
      problem.category(4, 0) = value;
      const Result<float> result = run_kernel(problem);
      CHECK(std::isnan(result.loss) && std::isnan(result.nll[0]));
      CHECK_EQUAL(result.nll[1], expected.nll[1]);
      for (int64_t i = 0; i < result.gradient.size(); ++i) {
        const bool of_the_code = i / problem.width == 4 && i % problem.width < spec.cardinalities[0];
        CHECK(std::isnan(result.gradient[i]) == of_the_code);
        CHECK(of_the_code || result.gradient[i] == expected.gradient[i]);
      }
    }
  }
}

TEST(infinite_and_large_logits) {
  for (const Spec& spec : {Spec{{10}, 0}, Spec{{3000}, 0}}) {
    Problem<float> problem(spec, Variance::kFixed, 4);
    const auto logit = [&](int64_t row, int64_t j) -> float& { return problem.head[row * problem.row_stride + j]; };
    for (int64_t j = 0; j < problem.width; ++j) {
      logit(0, j) = j == problem.category(0, 0) ? 3.0f : -INFINITY;  // certain and right: no loss
      logit(1, j) = j % 2 == 0 ? 1e30f : -1e30f;
      logit(2, j) = -INFINITY;
      logit(3, j) = j == 1 ? NAN : 0.0f;
    }
    problem.category(1, 0) = 0;
    const Result<float> result = run_kernel(problem);
    CHECK(std::isnan(result.loss));
    for (int64_t j = 0; j < problem.width; ++j) {
      CHECK_EQUAL(result.gradient[j], 0.0f);
      const float softmax = j % 2 == 0 ? 2.0f / static_cast<float>(problem.width) : 0.0f;
      CHECK_NEAR(result.gradient[problem.width + j], softmax - (j == 0 ? 1.0f : 0.0f), 1e-6);
      CHECK(std::isnan(result.gradient[2 * problem.width + j]));
      CHECK(std::isnan(result.gradient[3 * problem.width + j]));
    }
  }
}

TEST(the_result_is_the_same_to_the_bit_in_every_order) {
  for (const Spec& spec : {kNarrow[2], Spec{{3000, 40}, 3}}) {
    Problem<float> problem(spec, Variance::kLearned, 50);
    const Result<float> first = run_kernel(problem);
    cuda_on_host::under_every_schedule([&] {
      const Result<float> again = run_kernel(problem);
      CHECK_EQUAL(again.loss, first.loss);
      CHECK(again.nll == first.nll);
      CHECK(std::memcmp(again.gradient.data(), first.gradient.data(), first.gradient.size() * sizeof(float)) == 0);
    });
  }
}

TEST(an_empty_head_costs_nothing) {
  Problem<float> problem({{}, 0}, Variance::kLearned, 3);
  CHECK_EQUAL(run_kernel(problem).loss, 0.0);
}
