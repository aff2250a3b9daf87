"""Checkpoints: round trip, how many are kept, damage, and that nothing is unpickled."""

import pytest
import safetensors.torch
import torch
from hostile import SCALARS, small_tensors
from torch import nn

from infogan_fast.runs.checkpoint import (
    Best,
    CheckpointError,
    checkpoints,
    find_checkpoint,
    load_checkpoint,
    load_networks,
    load_optimizer,
    optimizer_tensors,
    save_checkpoint,
    step_of,
)

CPU = torch.device("cpu")
TENSORS = small_tensors()


def test_round_trip(tmp_path):
    path = save_checkpoint(tmp_path / "new", 12, TENSORS, SCALARS)
    tensors, scalars = load_checkpoint(path, CPU)
    assert scalars["step"] == 12
    assert scalars["seconds"] == 1.5
    assert tensors.keys() == TENSORS.keys()
    for name, tensor in TENSORS.items():
        assert torch.equal(tensors[name], tensor)
        assert tensors[name].dtype == tensor.dtype


def test_keeps_the_last_two_and_leaves_no_temporary_file(tmp_path):
    for step in (5, 10, 100, 1000):
        save_checkpoint(tmp_path, step, TENSORS, {}, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step_00000100.safetensors",
        "step_00001000.safetensors",
    ]


def test_keeps_the_best_one_as_well(tmp_path):
    for step, best in ((5, 5), (10, 10), (15, 10), (20, 10), (25, 25), (30, 25)):
        save_checkpoint(tmp_path, step, TENSORS, SCALARS, keep=1, best=Best(best, 0.5))
        assert {step_of(path) for path in checkpoints(tmp_path)} == {step, best}
        assert step_of(find_checkpoint(tmp_path, "last")) == step
        assert step_of(find_checkpoint(tmp_path, "best")) == best


def test_the_best_one_is_named_where_it_is_missing(tmp_path):
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        find_checkpoint(tmp_path, "best")
    save_checkpoint(tmp_path, 5, TENSORS, SCALARS)
    with pytest.raises(CheckpointError, match="none of its checkpoints is the best yet"):
        find_checkpoint(tmp_path, "best")
    save_checkpoint(tmp_path, 6, TENSORS, SCALARS, best=Best(3, 0.5))
    with pytest.raises(
        CheckpointError, match=r"step_00000003.safetensors: the best .*, by step_00000006.*, is missing"
    ):
        find_checkpoint(tmp_path, "best")


def test_a_file_cut_off_while_written_is_not_a_checkpoint(tmp_path):
    path = save_checkpoint(tmp_path, 5, TENSORS, {})
    (tmp_path / "step_00000006.safetensors.tmp").write_bytes(path.read_bytes()[:50])
    assert checkpoints(tmp_path) == [path]


@pytest.mark.parametrize("content", [b"", b"garbage" * 20, "half"])
def test_damaged(tmp_path, content):
    path = save_checkpoint(tmp_path, 5, TENSORS, {})
    path.write_bytes(path.read_bytes()[:-10] if content == "half" else content)
    with pytest.raises(CheckpointError, match=r"step_00000005.safetensors: not a readable checkpoint"):
        load_checkpoint(path, CPU)


def test_a_pickle_is_not_opened(tmp_path):
    path = tmp_path / "step_00000005.safetensors"
    torch.save(TENSORS, path)
    with pytest.raises(CheckpointError):
        load_checkpoint(path, CPU)


def test_another_safetensors_file(tmp_path):
    path = tmp_path / "step_00000005.safetensors"
    safetensors.torch.save_file(TENSORS, path)
    with pytest.raises(CheckpointError, match="not a checkpoint of infogan-fast"):
        load_checkpoint(path, CPU)


def test_optimizer_round_trip():
    def trained():
        torch.manual_seed(0)
        net = nn.Linear(3, 2)
        optimizer = torch.optim.Adam(net.parameters(), lr=0.1, fused=True)
        return net, optimizer

    def update(net, optimizer):
        optimizer.zero_grad()
        net(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()

    net, optimizer = trained()
    update(net, optimizer)
    tensors = optimizer_tensors(optimizer, "adam")
    assert len(tensors) == 6
    tensors = {name: tensor.clone() for name, tensor in tensors.items()}
    other, continued = trained()
    other.load_state_dict(net.state_dict())
    load_optimizer(continued, "adam", tensors, "p")
    update(net, optimizer)
    update(other, continued)
    assert torch.equal(net.weight, other.weight)


def test_moments_lie_in_memory_as_their_weights_do(tmp_path):
    """Adam's fused kernels take elements as they lie in memory."""

    def trained():
        torch.manual_seed(0)
        net = nn.Conv2d(3, 5, 2).to(memory_format=torch.channels_last)
        return net, torch.optim.Adam(net.parameters(), lr=0.1, fused=True)

    def update(net, optimizer):
        optimizer.zero_grad()
        net(torch.linspace(-1.0, 1.0, 48).view(1, 3, 4, 4)).square().sum().backward()
        optimizer.step()

    net, optimizer = trained()
    update(net, optimizer)
    tensors = optimizer_tensors(optimizer, "adam") | {"w": net.weight, "b": net.bias}
    file = save_checkpoint(tmp_path, 4, tensors, SCALARS)
    tensors, _ = load_checkpoint(file, torch.device("cpu"))
    other, continued = trained()
    with torch.no_grad():
        other.weight.copy_(tensors["w"])
        other.bias.copy_(tensors["b"])
    load_optimizer(continued, "adam", tensors, file)
    assert continued.state[other.weight]["exp_avg"].stride() == other.weight.stride()
    update(net, optimizer)
    update(other, continued)
    assert torch.equal(net.weight, other.weight)


def test_other_networks(tmp_path):
    net = nn.Linear(3, 2)
    with pytest.raises(CheckpointError, match=r"p: its weights are not those of the configured networks"):
        load_networks(net, "model", {"model.weight": torch.zeros(5, 3), "model.bias": torch.zeros(2)}, "p")


def test_optimizer_of_another_shape():
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(2))])
    tensors = {"adam.0.step": torch.tensor(1.0), "adam.0.exp_avg": torch.zeros(3), "adam.0.exp_avg_sq": torch.zeros(2)}
    with pytest.raises(CheckpointError, match=r"p: adam.0.exp_avg: got float32 \[3\], allowed: float32 \[2\]$"):
        load_optimizer(optimizer, "adam", tensors, "p")
