"""What the grids of the pictures hold, and the files."""

import numpy as np
import pytest
import torch
from PIL import Image

import infogan_fast as ig
from infogan_fast.evaluation import write_traversals
from infogan_fast.evaluation.traversal import COLUMNS, MAX_ROWS, samples_grid, traversal_grid, write_picture
from infogan_fast.networks import build_model

SPEC = ig.LatentSpec(noise=5, categorical=(3, 4), continuous=2)
SEED = torch.tensor(3)


def test_traversal_moves_one_code_and_holds_the_rest():
    grid = traversal_grid(SPEC, SEED, 0, row_code=1, column_code=0)
    assert grid.shape == (4, COLUMNS, SPEC.input_dim)
    noise, first, second, continuous = grid.split((5, 3, 4, 2), dim=2)
    assert torch.equal(noise, noise[:1, :1].expand_as(noise))
    assert torch.equal(first, first[:1, :1].expand_as(first))
    assert torch.equal(second, torch.eye(4)[:, None].expand_as(second))
    assert torch.equal(continuous[..., 0], torch.linspace(-2, 2, COLUMNS).expand(4, -1))
    assert not continuous[..., 1].any()


def test_samples_share_everything_but_the_category_along_a_column():
    grid = samples_grid(SPEC, SEED, 0, row_code=0)
    noise, first, rest = grid.split((5, 3, 6), dim=2)
    assert torch.equal(first, torch.eye(3)[:, None].expand_as(first))
    for shared in (noise, rest):
        assert torch.equal(shared, shared[:1].expand_as(shared))
    assert len(noise[0].unique(dim=0)) == COLUMNS


def test_rows_are_noise_without_categorical_codes():
    spec = ig.LatentSpec(noise=5, continuous=1)
    grid = traversal_grid(spec, SEED, 0, row_code=None, column_code=0)
    assert grid.shape == (MAX_ROWS // 2, COLUMNS, 6)
    assert len(grid[:, 0, :5].unique(dim=0)) == MAX_ROWS // 2
    assert torch.equal(grid[:, :1, :5].expand(-1, COLUMNS, -1), grid[..., :5])


def test_many_categories_are_cut():
    assert len(samples_grid(ig.LatentSpec(categorical=(1000,)), SEED, 0, 0)) == MAX_ROWS


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_files(tmp_path, channels, mode):
    nets = build_model(SPEC, (channels, 8, 8), variance=1.0, width=0.02).eval()
    files = write_traversals(nets, SPEC, SEED, 0, tmp_path / "new")
    assert [file.name for file in files] == [
        f"categorical{i}_{columns}.png" for i in (1, 2) for columns in ("samples", "continuous1", "continuous2")
    ]
    with Image.open(files[0]) as picture:
        assert picture.mode == mode
        assert picture.size == (2 * (COLUMNS * 10 + 2), 2 * (3 * 10 + 2))


class Painter(torch.nn.Module):
    """Stands for the networks: an image of 4x4 pixels, all of the value that the input holds."""

    def generator(self, latents):
        return latents[:, :, None, None].expand(-1, 1, 4, 4)


def test_every_image_is_at_its_row_and_column(tmp_path):
    values = torch.arange(6.0).reshape(2, 3, 1) * 40.0
    write_picture(Painter(), values / 255.0, tmp_path / "grid.png")
    with Image.open(tmp_path / "grid.png") as picture:
        pixels = np.asarray(picture)[::2, ::2]  # drawn at twice the size
    assert pixels.shape == (2 * 6 + 2, 3 * 6 + 2)
    for row in range(2):
        for column in range(3):
            top, left = 2 + 6 * row, 2 + 6 * column
            assert (pixels[top : top + 4, left : left + 4] == values[row, column].item()).all()
    assert (pixels[:2] == 0).all()
