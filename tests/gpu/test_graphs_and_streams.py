"""CUDA graphs, streams, devices, and what a call costs: kernels launched, and no wait for the device."""

import contextlib

import pytest
import torch
from cases import SPECS
from device_cases import (
    DEVICE,
    WIDE_SPECS,
    assert_equal,
    loss_and_gradient,
    random_head,
    seed_on_device,
)
from torch.autograd import DeviceType

import infogan_fast as ig

GRAPH_SPECS = {
    "mnist": SPECS["mnist"],
    "mixed": SPECS["mixed"],
    "K=1300": WIDE_SPECS["K=1300"],
    "many codes": WIDE_SPECS["many codes"],
}
every_graph_spec = pytest.mark.parametrize("spec", GRAPH_SPECS.values(), ids=GRAPH_SPECS.keys())

_SOME_MILLISECONDS = 10_000_000  # cycles


class Step:
    """Sampling, the loss and its backward, on tensors that stay where they are."""

    def __init__(self, spec, batch, drawn=False):
        self.spec, self.batch, self.drawn = spec, batch, drawn
        self.seed = seed_on_device(0)
        self.leaf = random_head(spec, batch).requires_grad_()
        self.scale = torch.rand(spec.num_codes, device=DEVICE)

    def __call__(self):
        latents = ig.sample_latents(self.spec, self.batch, self.seed, offset=1)
        head = self.leaf + latents.input[:, :1]  # stands for G and Q
        codes = ig.LatentSeed(self.seed, 1) if self.drawn else latents
        loss, nll = ig.info_loss(head, codes, self.spec, return_terms=True, weight_scale=self.scale)
        (gradient,) = torch.autograd.grad(loss, self.leaf)
        return latents.input, latents.categorical, loss.detach(), nll, gradient

    def eager(self, value):
        self.seed.fill_(value)
        return [tensor.clone() for tensor in self()]


class Captured:
    """A step in a CUDA graph."""

    def __init__(self, step):
        self.step, self.graph = step, torch.cuda.CUDAGraph()
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(3):
                step()
        torch.cuda.current_stream().wait_stream(side)
        with torch.cuda.graph(self.graph):
            self.results = step()

    def replay(self, value):
        self.step.seed.fill_(value)
        self.graph.replay()
        return [tensor.clone() for tensor in self.results]


@every_graph_spec
@pytest.mark.parametrize("batch", [1, 128, 4097])
@pytest.mark.parametrize("drawn", [False, True], ids=["codes", "seed"])
def test_a_replay_draws_from_the_refilled_seed(spec, batch, drawn):
    step = Step(spec, batch, drawn)
    expected = {value: step.eager(value) for value in (5, 6, 2**40)}
    captured = Captured(step)
    inputs = []
    for value in (5, 6, 2**40, 5):
        ours = captured.replay(value)
        assert_equal(ours, expected[value])
        inputs.append(ours[0])
    if spec.noise:
        assert not torch.equal(inputs[0], inputs[1])
        assert not torch.equal(inputs[1], inputs[2])
    assert torch.equal(inputs[0], inputs[3])


@pytest.mark.parametrize("batch", [128, 4096, 200_000])
def test_graphs_on_two_streams_with_eager_calls_in_between(batch):
    """State shared by launches, such as a counter of a reduction, would be torn here."""
    repeats = 30 if batch < 100_000 else 10
    spec = SPECS["mnist"]
    graphs = [Captured(Step(spec, batch)) for _ in range(2)]
    eager = Step(spec, batch)
    expected = [eager.eager(value) for value in range(repeats)]
    expected_of = [[graph.step.eager(value) for value in range(repeats)] for graph in graphs]
    streams = [torch.cuda.Stream() for _ in range(3)]
    torch.cuda.synchronize()

    # Nothing starts before all is queued, so that the streams do run side by side.
    gate = torch.cuda.Event()
    torch.cuda._sleep(10 * _SOME_MILLISECONDS)
    gate.record()
    results = [[], [], []]
    for stream in streams:
        stream.wait_event(gate)
    for value in range(repeats):
        for call, stream, kept in zip((graphs[0].replay, graphs[1].replay, eager.eager), streams, results, strict=True):
            with torch.cuda.stream(stream):
                kept.append(call(value))
    torch.cuda.synchronize()
    for ours, theirs in zip(results, (*expected_of, expected), strict=True):
        for a, b in zip(ours, theirs, strict=True):
            assert_equal(a, b)


def test_two_losses_captured_in_branches_of_one_graph():
    """Two launches of the loss that the graph may run at the same time."""
    steps = [Step(SPECS["mnist"], 50_000), Step(SPECS["mnist"], 50_000)]
    expected = [step.eager(3) for step in steps]

    def both():
        branch, main = torch.cuda.Stream(), torch.cuda.current_stream()
        assert branch != main
        branch.wait_stream(main)
        with torch.cuda.stream(branch):
            first = steps[0]()
        second = steps[1]()
        main.wait_stream(branch)
        return first, second

    both()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        results = both()
    for _ in range(20):
        graph.replay()
        torch.cuda.synchronize()
        for ours, theirs in zip(results, expected, strict=True):
            assert_equal(ours, theirs)


def test_a_side_stream():
    """Inputs that a side stream has yet to write are only read after it has."""
    spec = SPECS["mnist"]
    latents, head = ig.sample_latents(spec, 500, seed_on_device(1)), random_head(spec, 500)
    expected = loss_and_gradient(ig.info_loss, head, latents, spec)
    late_head, late_seed = torch.full_like(head, 9.0), seed_on_device(0)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        torch.cuda._sleep(_SOME_MILLISECONDS)
        late_head.copy_(head)
        late_seed.fill_(1)
        late_latents = ig.sample_latents(spec, 500, late_seed)
        ours = loss_and_gradient(ig.info_loss, late_head, late_latents, spec)
    side.synchronize()
    assert_equal(late_latents, latents)
    assert_equal(ours, expected)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is no second GPU")
def test_a_device_that_is_not_the_current_one():
    spec = SPECS["mnist"]
    latents, head = ig.sample_latents(spec, 500, seed_on_device(1)), random_head(spec, 500)
    expected = loss_and_gradient(ig.info_loss, head, latents, spec)
    other = torch.device("cuda", 1)
    assert torch.cuda.current_device() == 0
    there = ig.sample_latents(spec, 500, torch.tensor(1, device=other))
    assert there.input.device == other
    assert_equal([t.to(DEVICE) for t in there], latents)
    ours = loss_and_gradient(ig.info_loss, head.to(other), there, spec)
    assert ours[2].device == other
    assert_equal([t.to(DEVICE) for t in ours], expected)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is no second GPU")
def test_devices_of_the_same_kind_must_agree():
    spec = SPECS["mnist"]
    latents, head = ig.sample_latents(spec, 4, torch.tensor(1, device="cuda:1")), random_head(spec, 4)
    with pytest.raises(ValueError, match="must be on one device, got cuda:0, cuda:1 and cuda:1"):
        ig.info_loss(head, latents, spec)


@contextlib.contextmanager
def waiting_is_an_error():
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


@every_graph_spec
@pytest.mark.parametrize("drawn", [False, True], ids=["codes", "seed"])
def test_the_host_never_waits(spec, drawn):
    step = Step(spec, 512, drawn)
    m, c = len(spec.categorical), spec.continuous
    step()  # what is set up once
    with waiting_is_an_error():
        step.seed.fill_(1)
        latents = step()[1]
        ig.info_loss(step.leaf, ig.LatentSeed(step.seed), spec, (0.5,) * m, (0.25,) * c)
    assert latents.is_cuda


def device_activity(function):
    """Names of all that a call does on the device, copies and fills included."""
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    for _ in range(2):  # the profiler's own first use
        function()
        torch.cuda.synchronize()
        with torch.profiler.profile(activities=activities) as profile:
            function()
            torch.cuda.synchronize()
    events = [event for event in profile.events() if event.device_type == DeviceType.CUDA]
    names = [event.name for event in events if not getattr(event, "is_user_annotation", False)]
    return [name for name in names if "Sync" not in name]


@pytest.mark.parametrize(
    "spec",
    [SPECS["mnist"], SPECS["mixed"], SPECS["wide"], WIDE_SPECS["K=40000"]],
    ids=["mnist", "mixed", "wide", "K=40000"],
)
@pytest.mark.parametrize("batch", [1, 128, 8192])
def test_each_op_is_one_launch(spec, batch):
    seed = seed_on_device(0)
    latents, head = ig.sample_latents(spec, batch, seed), random_head(spec, batch).requires_grad_()
    one = torch.ones((), device=DEVICE)
    loss = ig.info_loss(head, latents, spec)
    calls = {
        "sample_latents": lambda: ig.sample_latents(spec, batch, seed),
        "info_loss with its gradient": lambda: ig.info_loss(head, latents, spec),
        "info_loss without": lambda: ig.info_loss(head.detach(), latents, spec),
        "backward": lambda: torch.autograd.grad(loss, head, one, retain_graph=True),
    }
    for name, call in calls.items():
        launched = device_activity(call)
        assert len(launched) == 1, f"{name}: {launched}"


@pytest.mark.parametrize("batch", [128, 8192, 100_003])
@every_graph_spec
def test_the_same_bits_every_time(spec, batch):
    """Whatever else the device does at the same time, and in whichever order its blocks finish."""
    if batch * spec.head_dim() > 2**25:
        pytest.skip("a head of more than 32 M elements")
    step = Step(spec, batch)
    expected = step.eager(1)
    other, matrix = torch.cuda.Stream(), torch.randn(2048, 2048, device=DEVICE)
    other.wait_stream(torch.cuda.current_stream())
    for _ in range(100):
        with torch.cuda.stream(other):
            matrix = (matrix @ matrix).clamp_(-1.0, 1.0)
        assert_equal(step.eager(1), expected)
    torch.cuda.synchronize()


def test_a_graph_captured_many_times_over():
    """What a capture takes for good must not run out in a long process that captures again and again."""
    step = Step(SPECS["mnist"], 64)
    expected = step.eager(3)
    step.seed.fill_(3)
    for _ in range(300):
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            results = step()
        graph.replay()
    assert_equal(results, expected)
