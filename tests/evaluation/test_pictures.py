"""What the grids of the pictures hold, and the files."""

import io

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.evaluation import RealData, why_no_pictures, write_samples, write_traversals
from infogan_fast.evaluation.pictures import caption, curves, points
from infogan_fast.evaluation.pictures.grids import COLUMNS, MAX_ROWS, samples_grid, traversal_grid
from infogan_fast.evaluation.pictures.image_grid import draw_image_grid
from infogan_fast.networks import build_model

SPEC = ig.LatentSpec(noise=5, categorical=(3, 4), continuous=2)
SEED = torch.tensor(3)


def inputs(grid):
    return grid.latents.input.view(grid.rows, grid.columns, -1)


def test_traversal_moves_one_code_and_holds_the_rest():
    grid = traversal_grid(SPEC, SEED, 0, row_code=1, column_code=0)
    assert (grid.rows, grid.columns) == (4, COLUMNS)
    noise, first, second, continuous = inputs(grid).split((5, 3, 4, 2), dim=2)
    assert torch.equal(noise, noise[:1, :1].expand_as(noise))
    assert torch.equal(first, first[:1, :1].expand_as(first))
    assert torch.equal(second, torch.eye(4)[:, None].expand_as(second))
    assert torch.equal(continuous[..., 0], torch.linspace(-2, 2, COLUMNS).expand(4, -1))
    assert not continuous[..., 1].any()
    assert torch.equal(grid.latents.categorical[:, 1], torch.arange(4).repeat_interleave(COLUMNS))
    assert torch.equal(grid.latents.continuous, continuous.flatten(0, 1))


def test_samples_share_everything_but_the_category_along_a_column():
    noise, first, rest = inputs(samples_grid(SPEC, SEED, 0, row_code=0)).split((5, 3, 6), dim=2)
    assert torch.equal(first, torch.eye(3)[:, None].expand_as(first))
    for shared in (noise, rest):
        assert torch.equal(shared, shared[:1].expand_as(shared))
    assert len(noise[0].unique(dim=0)) == COLUMNS


def test_rows_are_noise_without_categorical_codes():
    spec = ig.LatentSpec(noise=5, continuous=1)
    grid = inputs(traversal_grid(spec, SEED, 0, row_code=None, column_code=0))
    assert grid.shape == (MAX_ROWS // 2, COLUMNS, 6)
    assert len(grid[:, 0, :5].unique(dim=0)) == MAX_ROWS // 2
    assert torch.equal(grid[:, :1, :5].expand(-1, COLUMNS, -1), grid[..., :5])


def test_several_paths_of_each_category():
    grid = inputs(traversal_grid(SPEC, SEED, 0, row_code=0, column_code=1, samples=4))
    noise, first, _ = grid.split((5, 3, 6), dim=2)
    assert torch.equal(first, torch.eye(3).repeat_interleave(4, 0)[:, None].expand_as(first))
    assert torch.equal(noise[:4], noise[4:8])
    assert len(noise[:, 0].unique(dim=0)) == 4


def test_many_categories_are_cut():
    assert samples_grid(ig.LatentSpec(categorical=(1000,)), SEED, 0, 0).rows == MAX_ROWS


NAMES = [f"categorical{i}_{columns}.png" for i in (1, 2) for columns in ("samples", "continuous1", "continuous2")]


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_files_of_images(tmp_path, channels, mode):
    model = build_model(SPEC, (channels, 8, 8), variance=1.0, width=0.02)
    files = write_traversals(model, SEED, 0, tmp_path / "new")
    assert [file.name for file in files] == NAMES
    with Image.open(files[0]) as picture:
        assert picture.mode == mode
        assert picture.size == (2 * (COLUMNS * 10 + 2), 2 * (3 * 10 + 2))
    assert write_samples(model, SEED, 0, tmp_path / "step.png")
    assert (tmp_path / "step.png").read_bytes() == files[0].read_bytes()


def test_every_image_is_at_its_row_and_column():
    values = torch.arange(6, dtype=torch.uint8).view(2, 3) * 40
    content = draw_image_grid(values.view(6, 1, 1, 1).expand(-1, 1, 4, 4), 3)
    with Image.open(io.BytesIO(content)) as picture:
        pixels = np.asarray(picture)[::2, ::2]  # drawn at twice the size
    assert pixels.shape == (2 * 6 + 2, 3 * 6 + 2)
    for row in range(2):
        for column in range(3):
            top, left = 2 + 6 * row, 2 + 6 * column
            assert (pixels[top : top + 4, left : left + 4] == values[row, column].item()).all()
    assert (pixels[:2] == 0).all()


@pytest.mark.parametrize(
    ("dtype", "low", "high"), [(torch.uint8, 0.0, 1.0), (torch.float32, -1.0, 1.0), (torch.float64, 5.0, 9.0)]
)
def test_black_and_white_are_the_ends_of_the_real_range(tmp_path, dtype, low, high):
    """Categories 0, 1, 2 give the least of the real values, their middle and beyond the largest."""
    spec = ig.LatentSpec(categorical=(3,))
    stretch = torch.tensor([0.0, 0.5, 2.0])
    model = stand_in(spec, lambda codes: (low + (codes @ stretch) * (high - low)).view(-1, 1, 1, 1))
    real = torch.tensor([[0, 255]] if dtype == torch.uint8 else [[low, high]], dtype=dtype).view(2, 1, 1, 1)
    write_samples(model, SEED, 0, tmp_path / "x.png", RealData.of(ImageData("x", real)))
    with Image.open(tmp_path / "x.png") as picture:
        assert [picture.getpixel((5, 5 + 6 * row)) for row in range(3)] == [0, 128, 255]


def drawn_by(shape):
    """A model of which noise, categories and codes are all to be seen, and real data of its shape."""
    spec = ig.LatentSpec(noise=2, categorical=(3,), continuous=2)
    size = int(torch.Size(shape).numel())
    weight = torch.linspace(-1, 1, 7 * size).view(7, size).sin()
    model = stand_in(spec, lambda codes: (codes @ weight).unflatten(1, shape))
    return model, ImageData("x", torch.randn(50, *shape, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("shape", [(1, 20), (2,)])
def test_the_same_bytes_whatever_the_style_of_matplotlib(tmp_path, shape):
    model, data = drawn_by(shape)
    files = write_traversals(model, SEED, 0, tmp_path, RealData.of(data))
    assert [file.name for file in files] == NAMES[:3]
    contents = [file.read_bytes() for file in files]
    assert len(set(contents)) == 3
    with matplotlib.rc_context({"lines.linewidth": 9.0, "font.size": 30.0}):
        write_samples(model, SEED, 0, tmp_path / "again.png", RealData.of(data))
        assert matplotlib.rcParams["font.size"] == 30.0
    assert (tmp_path / "again.png").read_bytes() == contents[0]


def figures_of(monkeypatch, shape, folder):
    """The model, and the figures that are written of it."""
    figures = []
    for module in (curves, points):
        monkeypatch.setattr(module, "png", lambda figure: figures.append(figure) or b"")
    model, data = drawn_by(shape)
    write_traversals(model, SEED, 0, folder, RealData.of(data))
    return model, figures


@pytest.mark.parametrize(("shape", "panels"), [((1, 40), 3), ((6, 5), 3 * curves.MAX_CHANNELS), ((9,), 3), ((1,), 3)])
def test_panels_of_waveforms_and_vectors(monkeypatch, tmp_path, shape, panels):
    _, (samples, first, _) = figures_of(monkeypatch, shape, tmp_path)
    assert len(samples.axes) == panels
    assert len(first.axes) == panels + 1  # the colour bar
    for axes in samples.axes:
        assert len(axes.lines) == COLUMNS
        assert (axes.lines[0].get_marker() == ".") == (shape[-1] < 30)


def test_waveforms_are_drawn_as_curves_in_the_colours_of_the_code(monkeypatch, tmp_path):
    model, (samples, first, _) = figures_of(monkeypatch, (2, 12), tmp_path)
    grid = traversal_grid(model.spec, SEED, 0, 0, 0)
    wanted = model.generate(grid.latents.input).view(3, COLUMNS, 2, 12)
    *panels, bar = first.axes
    assert [axes.get_title() for axes in panels[:3]] == [
        "category 0, channel 0 of 2",
        "category 0, channel 1 of 2",
        "category 1, channel 0 of 2",
    ]
    for index, axes in enumerate(panels):
        heights = np.stack([line.get_ydata() for line in axes.lines])
        np.testing.assert_array_equal(heights, wanted[index // 2, :, index % 2].numpy())
        assert len({tuple(line.get_color()) for line in axes.lines}) == COLUMNS
    assert bar.get_ylabel() == "continuous 1"
    assert (bar.get_ylim(), first.get_suptitle().split(",")[0]) == ((-2.0, 2.0), "continuous 1 from -2 to 2")
    assert (first.get_supxlabel(), first.get_supylabel()) == ("index", "value")
    assert len(samples.axes) == 6


def test_vectors_of_two_numbers_are_drawn_as_points(monkeypatch, tmp_path):
    model, (samples, first, _) = figures_of(monkeypatch, (2,), tmp_path)
    real, *categories = samples.axes[0].collections
    names = ["real data", "category 0", "category 1", "category 2"]
    assert [entry.get_text() for entry in samples.legends[0].texts] == names
    assert len(real.get_offsets()) == 50
    wanted = model.generate(samples_grid(model.spec, SEED, 0, 0, 100).latents.input).view(3, 100, 2)
    np.testing.assert_array_equal(np.stack([found.get_offsets() for found in categories]), wanted.numpy())
    axes, bar = first.axes
    _, *paths = axes.collections
    assert len(paths) == 3 * 5
    assert all(len(path.get_offsets()) == COLUMNS for path in paths)
    assert (axes.get_aspect(), axes.get_xlabel(), axes.get_ylabel()) == (1.0, "x[0]", "x[1]")
    assert bar.get_ylabel() == "continuous 1"


def test_at_most_2000_real_points():
    data = ImageData("x", torch.randn(2500, 2, generator=torch.Generator().manual_seed(0)))
    shown = RealData.of(data).points
    assert shown.shape == (2000, 2)
    assert len(torch.cat((shown, data.images)).unique(dim=0)) == 2500


def test_other_shapes_have_no_pictures(tmp_path):
    model, data = drawn_by((2, 3, 3))
    assert write_traversals(model, SEED, 0, tmp_path / "none", RealData.of(data)) == []
    assert not write_samples(model, SEED, 0, tmp_path / "none" / "step.png")
    assert not (tmp_path / "none").exists()
    assert "one x is 2x3x3, and images of 1 or 3 channels" in why_no_pictures(data.shape)
    assert why_no_pictures((3, 3, 3)) is why_no_pictures((2, 3)) is why_no_pictures((2,)) is None


@pytest.mark.parametrize(
    ("name", "shape", "wanted"),
    [
        ("categorical2_samples.png", (1, 8, 8), "Rows: the categories of categorical code 2. Columns: samples of"),
        ("noise_continuous1.png", (3, 8, 8), "Rows: samples of the noise. Columns: continuous code 1 from -2 to 2"),
        ("noise_samples.png", (2,), "Samples of the noise and of all codes."),
        ("categorical1_samples.png", (1, 64), "Panels: the categories of categorical code 1, each with the same"),
        ("categorical1_samples.png", (2,), "Colours: the categories of categorical code 1, each with the same"),
        ("categorical1_continuous3.png", (64,), "Panels: the categories of categorical code 1. Colours: continuous"),
        ("noise_continuous3.png", (2,), "Paths: samples of the noise. Colours: continuous code 3 from -2 to 2"),
        ("mine.png", (2,), "mine.png"),
    ],
)
def test_captions(name, shape, wanted):
    assert caption(name, shape).startswith(wanted)
