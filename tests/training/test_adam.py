"""The optimiser of the step against torch's, bit for bit."""

import copy

import pytest
import torch
from torch import nn

from infogan_fast.training.adam import FusedAdam

BETAS = (0.5, 0.9)


def layers():
    torch.manual_seed(0)
    return nn.ModuleList([nn.Linear(5, 7), nn.Linear(3, 4), nn.Linear(2, 2)])


def optimizers():
    """Ours and torch's, each with the parameters of its own copy of the layers, in two groups."""
    ours, theirs = layers(), layers()
    groups = [[[*net[0].parameters(), *net[1].parameters()], [*net[2].parameters()]] for net in (ours, theirs)]
    common = torch.optim.Adam([{"params": group, "lr": 0.0} for group in groups[1]], betas=BETAS, fused=True)
    return (ours, FusedAdam(groups[0], BETAS, captured=False)), (theirs, common)


def set_rates(optimizer, rates):
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate


def step(net, optimizer, number, without=()):
    generator = torch.Generator().manual_seed(number)
    optimizer.zero_grad()
    for index, parameter in enumerate(net.parameters()):
        gradient = torch.randn(parameter.shape, generator=generator)
        parameter.grad = None if index in without else gradient
    optimizer.step()


def assert_same(ours, theirs):
    (net, optimizer), (other_net, other) = ours, theirs
    for a, b in zip(net.parameters(), other_net.parameters(), strict=True):
        assert torch.equal(a, b)
        state, other_state = optimizer.state[a], other.state[b]
        assert state.keys() == other_state.keys()
        assert all(torch.equal(state[name], other_state[name]) for name in state)


def test_steps_are_those_of_torch():
    ours, theirs = optimizers()
    for number in range(5):
        rates = (1e-2 / (number + 1), 3e-2)
        ours[1].set_rates(*rates)
        set_rates(theirs[1], rates)
        for pair in (ours, theirs):
            step(*pair, number)
        assert_same(ours, theirs)
    assert not torch.equal(ours[0][0].weight, layers()[0].weight)


def test_later_steps_do_not_go_through_torch_step(monkeypatch):
    (net, optimizer), _ = optimizers()
    step(net, optimizer, 0)
    monkeypatch.setattr(torch.optim.Adam, "step", lambda *_: pytest.fail("torch's step was called"))
    step(net, optimizer, 1)


@pytest.mark.parametrize(
    "without", [((), (1,), ()), ((0, 1), (0, 1), ()), ((4, 5), (), (4, 5)), (range(6), (), range(6))], ids=str
)
def test_parameters_may_have_a_gradient_in_some_steps_alone(without):
    ours, theirs = optimizers()
    for optimizer in (ours[1], theirs[1]):
        set_rates(optimizer, (1e-2, 1e-2))
    for number, left_out in enumerate((*without, (), ())):
        for pair in (ours, theirs):
            step(*pair, number, left_out)
        assert_same(ours, theirs)


def test_a_state_that_is_loaded_is_gone_on_with():
    ours, theirs = optimizers()
    for optimizer in (ours[1], theirs[1]):
        set_rates(optimizer, (1e-2, 1e-2))
    for number in range(3):
        for pair in (ours, theirs):
            step(*pair, number)
        if number == 0:
            saved = copy.deepcopy(ours[1].state_dict())
            weights = copy.deepcopy(ours[0].state_dict())
    for net, optimizer in (ours, theirs):
        net.load_state_dict(weights)
        optimizer.load_state_dict(copy.deepcopy(saved))
        step(net, optimizer, 7)
        step(net, optimizer, 8)
    assert_same(ours, theirs)


def test_gradients_that_are_set_to_zero():
    (net, optimizer), _ = optimizers()
    step(net, optimizer, 0)
    kept = net[0].weight.grad
    optimizer.zero_grad(set_to_none=False)
    assert net[0].weight.grad is kept
    assert not kept.any()
    optimizer.zero_grad()
    assert net[0].weight.grad is None


def test_a_closure_is_called():
    (net, optimizer), _ = optimizers()
    optimizer.set_rates(1e-2, 1e-2)
    for _ in range(2):
        optimizer.zero_grad()

        def loss():
            value = sum(p.square().sum() for p in net.parameters())
            value.backward()
            return float(value.detach())

        assert optimizer.step(loss) > 0
