"""The options of the commands of ``infogan-fast``, and their help."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from infogan_fast import data as datasets
from infogan_fast.runs.checkpoint import Which
from infogan_fast.training.overrides import shortened
from infogan_fast.training.presets import DEFAULT_PRESET, PRESETS
from infogan_fast.training.settings import LARGEST_WHOLE

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")


def non_empty(allowed: str) -> Callable[[str], str]:
    """A check that there is something in a text but spaces."""

    def check(value: str) -> str:
        if not value.strip():
            raise typer.BadParameter(f"got {value!r}, allowed: {allowed}")
        return value

    return check


def folder(value: str) -> Path:
    """A path that is not empty."""
    return Path(non_empty("the path of a folder; . is the current one")(value))


def whole(value: str) -> int:
    """An integer in the digits 0 to 9; Python takes also those of other scripts, and underscores."""
    if not _WHOLE.fullmatch(value):
        raise typer.BadParameter(f"got {shortened(value)}, allowed: an integer in at most 20 digits")
    return int(value)


def _noise_seed(value: str) -> int:
    seed = whole(value)
    if not 0 <= seed <= LARGEST_WHOLE:
        raise typer.BadParameter(f"got {shortened(value)}, allowed: an integer from 0 to {LARGEST_WHOLE}")
    return seed


DATA_TEXT = non_empty(f"a name ({', '.join(datasets.NAMES)}) or a path; . is the current folder")
_DEVICE_TEXT = non_empty("auto, cpu, cuda")


def _checkpoint(value: str) -> Which:
    if value in ("last", "best"):
        return value
    if not _WHOLE.fullmatch(value):
        raise typer.BadParameter(f"got {shortened(value)}, allowed: last, best, or a number of training steps")
    return int(value)


def _default_of(setting: str) -> str:
    """The defaults of a setting that depends on the preset, for the help."""
    return "the preset's (" + ", ".join(f"{name}: {getattr(PRESETS[name], setting)}" for name in PRESETS) + ")"


Out = Annotated[
    Path | None,
    typer.Option(
        parser=folder,
        metavar="DIR",
        help="Folder of the run. Default: runs/NAME of the preset, with a number if it is taken.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option(
        parser=whole,
        metavar="N",
        help="0 to 2147483647. On a CPU, the same seed on the same machine with as many threads gives the same "
        "weights, bit for bit. Default: 0.",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        parser=DATA_TEXT,
        metavar="NAME_OR_PATH",
        help=f"A data set by name ({', '.join(datasets.NAMES)}, or sprites:N, colour-sprites:N and shapes:N for N "
        "training images; mnist and fashion-mnist are downloaded unless their files are on this machine); or the path "
        "of a folder of images in PNG, JPEG, WebP, GIF, BMP, TIFF, PPM or TGA (32x32, or as --set image_size=64 says), "
        "of a folder of IDX files, plain or .gz, or of one IDX, .npy or .npz file. Default: mnist5k, 5,000 digits.",
    ),
]
Strict = Annotated[
    bool | None,
    typer.Option(
        "--strict/--no-strict",
        help="In a folder of images, take a file that cannot be read as an error. Default: skip it and say so.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        "--preset", metavar="NAME", help=f"Settings to start from: {', '.join(PRESETS)}. Default: {DEFAULT_PRESET}."
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one setting; repeat it for more. --settings lists them."),
]
Steps = Annotated[
    int | None,
    typer.Option(
        parser=whole,
        metavar="N",
        help="Length of the run in training steps, each one update of D and one of G. "
        f"Default: {_default_of('steps')}.",
    ),
]
Device = Annotated[
    str | None,
    typer.Option(
        parser=_DEVICE_TEXT,
        metavar="auto|cpu|cuda",
        help="auto is cuda if there is a GPU and the CUDA kernels were built, else cpu. Default: auto.",
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume",
        help="Resume the run in --out, from its last checkpoint if it has one. It is an error if no run is there.",
    ),
]
ResumeOrStart = Annotated[
    bool,
    typer.Option(
        "--resume-or-start",
        help="Resume the run in --out, or start it if none is there: for a command that is repeated after whatever "
        "ended it.",
    ),
]
Compile = Annotated[
    bool | None,
    typer.Option(
        "--compile/--no-compile",
        help="Compile the step with torch.compile, which takes a minute or more at the start. Default: on a GPU only, "
        "as it is slower on a CPU.",
    ),
]
TensorBoard = Annotated[
    bool | None,
    typer.Option(
        "--tensorboard/--no-tensorboard",
        help="Also write metrics and image grids for TensorBoard, to the folder tensorboard of the run. Default: no.",
    ),
]
Settings = Annotated[
    bool,
    typer.Option(
        "--settings",
        help="List every setting with its value, unit and allowed values, and exit. The values are those of --preset, "
        "with those that --set and the other options give.",
    ),
]
# Of the commands that look at a run.
Run = Annotated[Path, typer.Argument(parser=folder, metavar="RUN", help="Folder of a run that `train` made.")]
OtherData = Annotated[
    str | None,
    typer.Option(
        parser=DATA_TEXT,
        metavar="NAME_OR_PATH",
        help="Images other than the run's own, by name or path. Default: the run's.",
    ),
]
Checkpoint = Annotated[
    str,
    typer.Option(
        "--checkpoint",
        parser=_checkpoint,
        metavar="last|best|STEP",
        help="best is by the run's setting best_by: the sum of L_I over the codes, or accuracy on training images. "
        "STEP: after so many training steps.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the metrics as JSON, under the names of summary.json.")]
Report = Annotated[
    bool,
    typer.Option(
        "--report",
        help="Also write them, with image grids of the same checkpoint, to RUN/report-last.html or "
        "RUN/report-best.html, or with --data to RUN/report-last-on-NAME.html. The run's own report.html stays as it "
        "is.",
    ),
]
Fid = Annotated[
    bool,
    typer.Option(
        "--fid",
        help="Also the FID, which takes minutes on a CPU. It needs torchmetrics and torch-fidelity and their weights "
        "on this machine: nothing is downloaded.",
    ),
]
OtherDevice = Annotated[
    str | None, typer.Option(parser=_DEVICE_TEXT, metavar="auto|cpu|cuda", help="Default: the run's.")
]
GridsFolder = Annotated[
    Path | None,
    typer.Option(
        parser=folder,
        metavar="DIR",
        help="Folder for the image grids. Default: RUN/traversals, or RUN/traversals-seedN with a --seed N other than "
        "the run's, with -best after it for the best checkpoint.",
    ),
]
NoiseSeed = Annotated[
    int | None,
    typer.Option(
        parser=_noise_seed, metavar="N", help="Of the noise and the samples, 0 to 2147483647. Default: the run's."
    ),
]
