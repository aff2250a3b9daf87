"""Any one wrong argument is named, in any call, by the real kernels and by the fake ones that tracing uses."""

import logging
import math

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import Case, calls, cases

import infogan_fast as ig

ERRORS = (TypeError, ValueError, IndexError, NotImplementedError)
NOT_FLOATING = (torch.int64, torch.int32, torch.uint8, torch.bool, torch.complex64, torch.float8_e4m3fn)
NOT_INT64 = (torch.int32, torch.uint8, torch.bool, torch.float32, torch.float16)
NOT_A_WEIGHT = st.sampled_from((-1.0, -5e-324, math.nan, math.inf, -math.inf))


@pytest.fixture(autouse=True)
def _quiet():
    """Torch logs every error of a fake kernel with its traceback."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@st.composite
def other_shapes(draw: st.DrawFn, tensor: torch.Tensor) -> torch.Tensor:
    """A tensor with one row or column more or less, or with another number of dimensions."""
    rows, columns = tensor.shape
    shapes = [(rows + 1, columns), (rows, columns + 1), (columns,), (1, rows, columns), ()]
    shapes += [(rows - 1, columns)] + [(rows, columns - 1)] * (columns > 0)
    return torch.ones(draw(st.sampled_from(shapes)), dtype=tensor.dtype)


@st.composite
def wrong_tensors(
    draw: st.DrawFn, tensor: torch.Tensor, dtypes: tuple[torch.dtype, ...]
) -> tuple[torch.Tensor, type[Exception]]:
    """The tensor with another dtype, shape or device, and the error that this is."""
    kind = draw(st.sampled_from(("dtype", "shape", "device")))
    if kind == "dtype":
        return tensor.to(draw(st.sampled_from(dtypes))), TypeError
    return (tensor.to("meta") if kind == "device" else draw(other_shapes(tensor))), ValueError


@st.composite
def wrong_heads(draw: st.DrawFn, case: Case) -> tuple[dict[str, object], type[Exception]]:
    rows, columns = case.head.shape
    shape = draw(st.sampled_from(((0, columns), (rows, columns + 1), (columns,), (1, rows, columns), ())))
    wrong = (torch.ones(shape, dtype=case.head.dtype), ValueError)
    if draw(st.booleans()):
        wrong = (case.head.to(draw(st.sampled_from(NOT_FLOATING))), TypeError)
    return {"head": wrong[0]}, wrong[1]


@st.composite
def wrong_categoricals(draw: st.DrawFn, case: Case) -> tuple[dict[str, object], type[Exception]]:
    categorical, continuous = case.codes
    if categorical.numel() and draw(st.booleans()):
        row, code = (draw(st.integers(0, size - 1)) for size in categorical.shape)
        cardinality = case.spec.categorical[code]
        categorical = categorical.clone()
        categorical[row, code] = draw(st.sampled_from((cardinality, -7, 2**31, -(2**63), 2**63 - 1)))
        return {"latents": (categorical, continuous)}, IndexError
    wrong, error = draw(wrong_tensors(categorical, NOT_INT64))
    return {"latents": (wrong, continuous)}, error


@st.composite
def wrong_continuous(draw: st.DrawFn, case: Case) -> tuple[dict[str, object], type[Exception]]:
    categorical, continuous = case.codes
    others = {torch.float64, torch.float16, torch.bfloat16, torch.int64} - {case.head.dtype}
    wrong, error = draw(wrong_tensors(continuous, tuple(sorted(others, key=str))))
    return {"latents": (categorical, wrong)}, error


@st.composite
def wrong_weights(draw: st.DrawFn, name: str, count: int) -> tuple[dict[str, object], type[Exception]]:
    kind = draw(st.sampled_from(("value", "one value", "number", "type")))
    if kind == "type":
        return {name: draw(st.sampled_from((None, "1.0", True, torch.tensor(1.0), 1j)))}, TypeError
    weights = [1.0] * count
    if kind == "number":
        weights = [1.0] * draw(st.integers(0, 12).filter(lambda other: other != count))
    elif count == 0:
        weights = [1.0]
    elif kind == "one value":
        weights[draw(st.integers(0, count - 1))] = draw(NOT_A_WEIGHT)
    else:
        return {name: draw(NOT_A_WEIGHT)}, ValueError
    return {name: draw(st.sampled_from((tuple, list)))(weights)}, ValueError


@st.composite
def wrong_streams(draw: st.DrawFn) -> tuple[str, object, type[Exception]]:
    """An argument of the counter: its name, a value that is not allowed, and the error that this is."""
    name = draw(st.sampled_from(("seed", "offset", "row_offset")))
    if name != "seed":
        most = 2**32 - 1 if name == "offset" else 2**62
        too_large = st.integers(most + 1, 2**63 - 1)
        return name, draw(st.one_of(st.integers(-(2**63), -1), too_large)), ValueError
    if draw(st.booleans()):
        return name, torch.ones((), dtype=draw(st.sampled_from(NOT_INT64))), TypeError
    return name, torch.ones(draw(st.sampled_from(((0,), (2,), (1, 3)))), dtype=torch.int64), ValueError


@st.composite
def mistakes(draw: st.DrawFn) -> tuple[Case, str, dict[str, object], type[Exception]]:
    """A call of info_loss, the argument that is wrong, what it is changed to, and the error that this is."""
    case = draw(cases())
    spec, codes = case.spec, case.spec.num_codes
    names = ("head", "categorical", "continuous", "categorical_weight", "continuous_weight", "weight_scale")
    name = draw(st.sampled_from((*names, "variance", "stream", "latents")))
    if name == "head":
        return case, name, *draw(wrong_heads(case))
    if name == "categorical":
        return case, name, *draw(wrong_categoricals(case))
    if name == "continuous":
        return case, name, *draw(wrong_continuous(case))
    if name == "stream":
        name, value, error = draw(wrong_streams())
        return case, name, {"latents": ig.LatentSeed(torch.tensor(3))._replace(**{name: value})}, error
    if name == "latents":
        return case, name, {name: draw(st.sampled_from((None, 3, "codes", case.head, (case.head,), {})))}, TypeError
    if name == "variance":
        values = (0.0, -1.0, math.nan, math.inf, "std", "fixed", None, True, (1.0,), torch.tensor(1.0))
        return case, name, {name: draw(st.sampled_from(values))}, ValueError
    if name == "weight_scale":
        wrong = st.sampled_from(
            ((torch.ones(codes, device="meta"), ValueError), (torch.ones(codes).double(), TypeError))
        )
        shape = st.sampled_from(((codes + 1,), (codes, 1), ())).map(lambda shape: (torch.ones(shape), ValueError))
        value, error = draw(wrong | shape)
        return case, name, {name: value}, error
    count = len(spec.categorical) if name == "categorical_weight" else spec.continuous
    return case, name, *draw(wrong_weights(name, count))


def error_of(function, *arguments, **settings):
    try:
        function(*arguments, **settings)
    except ERRORS as error:
        return error
    return None


def as_fake(value, mode):
    """The value with a fake tensor in place of each tensor."""
    if isinstance(value, torch.Tensor):
        return mode.from_tensor(value)
    if isinstance(value, tuple):
        parts = [as_fake(part, mode) for part in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


@given(mistakes())
def test_a_wrong_argument_of_info_loss_is_named(mistake):
    case, name, changes, expected = mistake
    arguments = {"head": case.head, "latents": case.latents, "spec": case.spec, **case.settings, **changes}
    error = error_of(ig.info_loss, **arguments)
    assert type(error) is expected
    assert name in str(error)
    if expected is IndexError:
        return  # only the real kernels know the values
    with torch._subclasses.FakeTensorMode() as mode:
        fake = error_of(ig.info_loss, **{key: as_fake(value, mode) for key, value in arguments.items()})
    assert type(fake) is expected
    assert name in str(fake)


@given(calls(), wrong_streams() | st.integers(-(2**63), -1) | st.sampled_from(NOT_FLOATING))
def test_a_wrong_argument_of_sample_latents_is_named(call, wrong):
    if isinstance(wrong, int):
        name, value, expected = "batch_size", wrong, ValueError
    elif isinstance(wrong, torch.dtype):
        name, value, expected = "dtype", wrong, TypeError
    else:
        name, value, expected = wrong
    arguments = {**call, name: value}
    error = error_of(ig.sample_latents, **arguments)
    assert type(error) is expected
    assert name in str(error)
    with torch._subclasses.FakeTensorMode() as mode:
        arguments["seed"] = as_fake(arguments["seed"], mode)
        assert type(error_of(ig.sample_latents, **arguments)) is expected


@given(
    st.sampled_from(("noise", "continuous", "categorical", "noise_prior", "continuous_prior")),
    st.one_of(
        st.integers(max_value=-1),
        st.integers(2**31),
        st.floats(),
        st.booleans(),
        st.text(max_size=8),
        st.none(),
        st.lists(st.one_of(st.integers(max_value=0), st.integers(2**31), st.floats(), st.none()), min_size=1),
    ),
)
def test_a_wrong_size_or_prior_of_a_spec_is_named(name, value):
    assume(value not in ig.spec.PRIORS)
    error = error_of(ig.LatentSpec, **{name: value})
    assert isinstance(error, (TypeError, ValueError))
    assert name in str(error)


@given(cases())
def test_the_fake_kernels_give_the_shapes_and_dtypes_of_the_real_ones(case):
    arguments = {"head": case.head.clone().requires_grad_(), "latents": case.latents, "spec": case.spec}
    arguments.update(case.settings, return_terms=True)
    loss, nll = ig.info_loss(**arguments)
    with torch._subclasses.FakeTensorMode() as mode:
        fakes = {key: as_fake(value, mode) for key, value in arguments.items()}
        fake_loss, fake_nll = ig.info_loss(**fakes)
        (fake_gradient,) = torch.autograd.grad(fake_loss, fakes["head"])
    (gradient,) = torch.autograd.grad(loss, arguments["head"])
    for real, fake in ((loss, fake_loss), (nll, fake_nll), (gradient, fake_gradient)):
        assert (real.shape, real.dtype, real.stride()) == (fake.shape, fake.dtype, fake.stride())
