// Every op of the package: its schema, in one place. Implementations register themselves in cpu/, cuda/ and autograd/;
// fake kernels in infogan_fast/fake.py and fake_layers.py.

#include <torch/library.h>

TORCH_LIBRARY(infogan_fast, m) {
  // Draws latent variables from their priors; a pure function of its arguments.
  m.def(
      "sample_latents(Tensor seed, SymInt batch_size, int noise, int[] cardinalities, int continuous, "
      "str noise_prior, str continuous_prior, int offset, SymInt row_offset, ScalarType dtype) "
      "-> (Tensor input, Tensor categorical, Tensor continuous)",
      {at::Tag::pt2_compliant_tag});

  // sum_i weight_i * nll_i, and nll: [m + C] mean negative log-likelihood per code, in nats.
  // The codes are (categorical, continuous), or drawn again from (seed, offset, row_offset). weight_scale, [m + C],
  // multiplies the weights: a schedule that a compiled or captured step reads afresh.
  m.def(
      "info_loss(Tensor head, Tensor? categorical, Tensor? continuous, Tensor? seed, int offset, SymInt row_offset, "
      "int[] cardinalities, int continuous_codes, str continuous_prior, float[] categorical_weight, "
      "float[] continuous_weight, Tensor? weight_scale, str variance, float fixed_variance, int ignore_index) "
      "-> (Tensor loss, Tensor nll)",
      {at::Tag::pt2_compliant_tag});

  // What info_loss computes, with what its backward needs if compute_gradient: a gradient (float32 for a float16 head,
  // whose range it would leave, else in the head's dtype) and a factor per code, such that d loss / d head is the one
  // times the other. On CUDA the gradient is that of every element's own negative log-likelihood and the factor
  // weight_i / count_i, since the rows that count are known only at the end; on the CPU they are counted first, the
  // gradient has everything, and the factor is 1.
  m.def(
      "info_loss_forward(Tensor head, Tensor? categorical, Tensor? continuous, Tensor? seed, int offset, "
      "SymInt row_offset, int[] cardinalities, int continuous_codes, str continuous_prior, "
      "float[] categorical_weight, float[] continuous_weight, Tensor? weight_scale, str variance, "
      "float fixed_variance, int ignore_index, "
      "bool compute_gradient) -> (Tensor loss, Tensor nll, Tensor gradient, Tensor factor)",
      {at::Tag::pt2_compliant_tag});

  // d loss / d head = grad_loss * factor[code of the column] * gradient, in the head's dtype.
  m.def(
      "info_loss_backward(Tensor grad_loss, Tensor gradient, Tensor factor, int[] cardinalities, "
      "int continuous_codes, ScalarType dtype) -> Tensor",
      {at::Tag::pt2_compliant_tag});

  // The layers below serve the training step on the CPU, in float32, float64 and bfloat16; parameters of bfloat16
  // layers, their gradients and statistics are float32. Images are in channels-last order. onednn: products of matrices
  // are computed by oneDNN in the place of torch's mm, where they are large enough for it.

  // Convolution with a 4x4 kernel, stride 2 and padding 1, then leaky ReLU; a negative_slope of 1 leaves that out, and
  // its backward needs the output only where there is one. Gradients that are not wanted are None.
  m.def(
      "downsample_conv2d(Tensor input, Tensor weight, Tensor? bias, float negative_slope, bool onednn=False) -> Tensor",
      {at::Tag::pt2_compliant_tag});
  m.def(
      "downsample_conv2d_backward(Tensor grad, Tensor input, Tensor weight, Tensor? output, float negative_slope, "
      "bool[3] wanted, bool onednn=False) -> (Tensor, Tensor, Tensor)",
      {at::Tag::pt2_compliant_tag});

  // Its transpose: images of twice the size.
  m.def(
      "upsample_conv2d(Tensor input, Tensor weight, Tensor? bias, bool onednn=False) -> Tensor",
      {at::Tag::pt2_compliant_tag});
  m.def(
      "upsample_conv2d_backward(Tensor grad, Tensor input, Tensor weight, bool[3] wanted, bool onednn=False) "
      "-> (Tensor, Tensor, Tensor)",
      {at::Tag::pt2_compliant_tag});

  // input weight^T + bias for rows [B, in] and weights [out, in].
  m.def("linear(Tensor input, Tensor weight, Tensor? bias, bool onednn=False) -> Tensor", {at::Tag::pt2_compliant_tag});
  m.def(
      "linear_backward(Tensor grad, Tensor input, Tensor weight, bool[3] wanted, bool onednn=False) "
      "-> (Tensor, Tensor, Tensor)",
      {at::Tag::pt2_compliant_tag});

  // Batch normalisation by the statistics of each of the groups that the batch consists of, then leaky ReLU. Updates
  // the running statistics once for each group, in order.
  m.def(
      "group_batch_norm(Tensor input, Tensor weight, Tensor bias, Tensor(a!) running_mean, Tensor(b!) running_var, "
      "int groups, float momentum, float eps, float negative_slope) -> (Tensor output, Tensor mean, Tensor rstd)",
      {at::Tag::pt2_compliant_tag});
  m.def(
      "group_batch_norm_backward(Tensor grad, Tensor input, Tensor weight, Tensor bias, Tensor mean, Tensor rstd, "
      "float negative_slope) -> (Tensor, Tensor, Tensor)",
      {at::Tag::pt2_compliant_tag});
}
