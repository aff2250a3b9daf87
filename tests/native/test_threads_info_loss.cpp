// info_loss on several threads, each of which takes chunks of rows: the codes are counted, the terms summed, the
// gradient written and scaled as csrc/cpu/info_loss.cpp does it, with the same bits as on one thread.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "check.h"
#include "cpu/info_loss.h"
#include "kernel/half.h"
#include "threads.h"

using namespace infogan_fast;

namespace {

// The sizes of a call, and its tensors.
template <typename head_t, typename gradient_t>
struct Case {
  using acc_t = accumulate_t<head_t>;

  std::vector<int64_t> cardinalities;
  LatentLayout layout;
  Variance variance;
  int64_t batch, width;
  std::vector<head_t> head;
  std::vector<int64_t> categorical;
  std::vector<acc_t> continuous, factor;

  Case(const Case&) = delete;  // the layout points into it
  Case(std::vector<int64_t> k, int64_t c, Variance v, int64_t rows)
      : cardinalities(std::move(k)), variance(v), batch(rows) {
    int64_t logits = 0;
    for (const int64_t cardinality : cardinalities) {
      logits += cardinality;
    }
    const int64_t m = static_cast<int64_t>(cardinalities.size());
    layout = {0, m, c, cardinalities.data(), logits, Prior::kUniform, Prior::kNormal};
    width = layout.head_dim(variance);
    for (int64_t i = 0; i < batch * width; ++i) {
      head.push_back(static_cast<head_t>(std::sin(static_cast<float>(i))));
    }
    for (int64_t i = 0; i < batch * m; ++i) {
      categorical.push_back(i % 11 == 0 ? -100 : i % cardinalities[i % m]);
    }
    for (int64_t i = 0; i < batch * c; ++i) {
      continuous.push_back(static_cast<acc_t>(std::cos(static_cast<float>(i))));
    }
    factor.assign(layout.codes(), acc_t(0.5f));
  }
};

template <typename head_t, typename gradient_t>
struct Result {
  std::vector<int64_t> counts;
  std::vector<int64_t> bad_rows;
  std::vector<double> sums;
  std::vector<gradient_t> gradient;
  std::vector<head_t> scaled;

  bool operator==(const Result& other) const {
    return same_bits(counts, other.counts) && same_bits(bad_rows, other.bad_rows) && same_bits(sums, other.sums) &&
           same_bits(gradient, other.gradient) && same_bits(scaled, other.scaled);
  }
};

template <typename head_t, typename gradient_t>
Result<head_t, gradient_t> run(const Case<head_t, gradient_t>& c, bool drawn, int64_t threads) {
  using acc_t = accumulate_t<head_t>;
  const ParallelFor parallel_for(threads);
  const int64_t rows = info_loss_rows_per_chunk(c.width), chunks = (c.batch + rows - 1) / rows;
  const int64_t codes = c.layout.codes();
  Result<head_t, gradient_t> result{
      std::vector<int64_t>(chunks * c.layout.categorical),
      std::vector<int64_t>(chunks),
      std::vector<double>(chunks * codes),
      std::vector<gradient_t>(c.batch * c.width),
      std::vector<head_t>(c.batch * c.width)};
  const InfoLossArgs<head_t, gradient_t> args{
      c.layout,
      c.variance,
      fixed_variance_as<acc_t>(0.5),
      c.head.data(),
      c.width,
      1,
      drawn,
      drawn ? nullptr : c.categorical.data(),
      drawn ? nullptr : c.continuous.data(),
      -100,
      make_latent_stream(9, 2),
      5,
      c.factor.data(),
      result.gradient.data()};
  if (!drawn) {
    parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
      with_simd([&]() INFOGAN_SIMD {
        for (int64_t chunk = begin; chunk < end; ++chunk) {
          const int64_t last = std::min(c.batch, (chunk + 1) * rows);
          const BadCode bad =
              count_codes(args, chunk * rows, last, result.counts.data() + chunk * c.layout.categorical);
          result.bad_rows[chunk] = bad.row;
        }
      });
    });
  }
  std::vector<CompensatedSum> sums(chunks * codes);
  parallel_for(0, chunks, 1, [&](int64_t begin, int64_t end) {
    InfoLossWorker<head_t, gradient_t> worker(args);
    with_simd([&]() INFOGAN_SIMD {
      for (int64_t chunk = begin; chunk < end; ++chunk) {
        worker.add_rows(chunk * rows, std::min(c.batch, (chunk + 1) * rows), sums.data() + chunk * codes);
      }
    });
  });
  std::transform(sums.begin(), sums.end(), result.sums.begin(), [](const CompensatedSum& sum) { return sum.sum; });
  const std::vector<acc_t> scale(c.width, acc_t(3.0f));
  parallel_for(0, c.batch, rows, [&](int64_t begin, int64_t end) {
    with_simd([&]() INFOGAN_SIMD {
      info_loss_backward_rows(result.gradient.data(), scale.data(), c.width, begin, end, result.scaled.data());
    });
  });
  return result;
}

// On several threads, over several chunks of rows.
template <typename head_t, typename gradient_t>
void check_threads(const Case<head_t, gradient_t>& c) {
  for (const bool drawn : {false, true}) {
    const auto expected = run(c, drawn, 1);
    CHECK(expected.sums[0] > 0.0);
    for (const int64_t threads : {2, 3, 8}) {
      CHECK(run(c, drawn, threads) == expected);
    }
  }
}

template <typename head_t, typename gradient_t>
void check_threads() {
  for (const Variance variance : {Variance::kLearned, Variance::kFixed}) {
    check_threads(Case<head_t, gradient_t>({10, 3}, 2, variance, 2000));  // a row in each lane
    check_threads(Case<head_t, gradient_t>({150, 7}, 3, variance, 250));  // row by row
    check_threads(Case<head_t, gradient_t>({1000}, 0, variance, 30));
  }
}

}  // namespace

TEST(float_heads) {
  check_threads<float, float>();
}

TEST(double_heads) {
  check_threads<double, double>();
}

TEST(half_heads) {
  check_threads<Float16, float>();
  check_threads<BFloat16, BFloat16>();
}

TEST(calls_at_once) {
  const Case<float, float> c({10, 3}, 2, Variance::kLearned, 700);
  const auto expected = run(c, false, 1);
  std::vector<Result<float, float>> results(4);
  all_at_once(4, [&](int64_t call) { results[call] = run(c, false, 1 + call % 2); });
  for (const auto& result : results) {
    CHECK(result == expected);
  }
}
