"""The metrics of a run one by one, each with a sentence on what it can and cannot show; docs/evaluation.md has more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

#: The meaning of every interval.
INTERVALS = (
    "An interval (±) is for the choice of the samples that the metric is from: another seed of training changes L_I "
    "by more."
)

#: The meaning of H(c) of continuous codes.
DIFFERENTIAL = "H(c) of a continuous code is a differential entropy: it is no upper limit of its L_I."

BOUND = (
    "L_I shows whether a code changes what is generated in a way that Q can read, not whether a person would name that "
    "change; as a lower bound it may be low through the fault of G or of Q."
)
R2 = (
    "R2 is the fraction of a continuous code's variance that Q's mean explains, 0 being as good as a constant; it says "
    "that the code can be read off what is generated, not what it stands for."
)
RECOVERED = (
    "Read back is the fraction of generated images of which Q's most probable category is the one that they were made "
    "from."
)
ACCURACY = (
    "Fraction of held-out images whose category was matched to their class on the training images: it shows whether "
    "the categories are the classes that people use; a low one does not show that the code is bad, which may sort by "
    "something else that is real."
)
ACCURACY_TRAIN = "On the images that the matching was fitted to, so it may flatter, most where images are few."
NMI = (
    "Normalised mutual information of categories and classes, 0 to 1, fair without a matching where there are more or "
    "fewer categories than classes; above 0 by chance where images are few."
)
ARI = (
    "Adjusted Rand index, 1 if categories and classes are the same groups and 0 by chance; like NMI it cannot show "
    "whether groups other than the classes are real."
)
SWD = "It shows blur, noise and sameness, not copies of training images."
DISENTANGLEMENT = "They compare codes on the same images, not across data sets."

SCORES = {"factor_vae": "FactorVAE", "mig": "MIG", "sap": "SAP", "dci": "DCI", "beta_vae": "BetaVAE"}


@dataclass(frozen=True)
class Headline:
    """One metric."""

    title: str
    value: str
    """The number with its unit."""
    beside: str
    """What to hold it against: its interval, its floor or what chance gives; may be empty."""
    meaning: str
    """A sentence on what it can and cannot show."""


@dataclass(frozen=True)
class CodeMetrics:
    """What Q recovers of one code, as text; a metric that the code does not have is empty."""

    name: str
    bound: str
    interval: str
    entropy: str
    r2: str
    recovered: str


def accuracy_headlines(summary: dict[str, Any]) -> list[Headline]:
    """The accuracies on held-out and on training images, of the code that is best on the latter, where there are any.

    Args:
        summary: as ``Evaluation.to_json`` gives it and ``summary.json`` holds it.
    """
    found = []
    for best in summary["accuracy_per_code"][:1]:
        if best["accuracy"] is not None:
            low, high = best["accuracy_ci"]
            interval = f"95 % interval {low:.1%} to {high:.1%}"
            title = f"Accuracy, held-out{_which_code(summary)}"
            found.append(Headline(title, f"{best['accuracy']:.1%}", interval, ACCURACY))
        title = f"Accuracy, training{_which_code(summary)}"
        found.append(Headline(title, f"{best['accuracy_train']:.1%}", "", ACCURACY_TRAIN))
    return found


def other_headlines(summary: dict[str, Any]) -> list[Headline]:
    """NMI, ARI, image quality and disentanglement, where there are any.

    Args:
        summary: as ``Evaluation.to_json`` gives it and ``summary.json`` holds it.
    """
    return [*_of_groups(summary), *_of_quality(summary), *_of_disentanglement(summary)]


def code_metrics(summary: dict[str, Any]) -> list[CodeMetrics]:
    """The metrics of each code, categorical codes first.

    Args:
        summary: as ``Evaluation.to_json`` gives it and ``summary.json`` holds it.
    """
    recovered = [f"{fraction:.1%}" for fraction in summary["categories_recovered"]]
    r2 = [f"{value:.3f}" for value in summary["r2"]]
    columns = (
        summary["code_names"],
        [f"{bound:.3f}" for bound in summary["mi_bound_nats"]],
        [f"{low:.3f} to {high:.3f}" for low, high in summary["mi_bound_ci_nats"]],
        [f"{entropy:.3f}" for entropy in summary["entropy_nats"]],
        [""] * (len(summary["code_names"]) - len(r2)) + r2,
        recovered + [""] * (len(summary["code_names"]) - len(recovered)),
    )
    return [CodeMetrics(*row) for row in zip(*columns, strict=True)]


def why_no_accuracy(summary: dict[str, Any]) -> str | None:
    """A sentence where there is no accuracy on held-out images; None where there is one."""
    if summary["accuracy"] is not None:
        return None
    if summary["accuracy_train"] is not None:
        return "No held-out labels, so no accuracy on images that the matching has not seen."
    if len(summary["mi_bound_nats"]) > len(summary["r2"]):
        return "No accuracy: the training images have no labels to match the categories to."
    return "No accuracy: there is no categorical code to classify images with."


def why_no_image_quality(summary: dict[str, Any]) -> str | None:
    """A sentence where there is no distance to real images; None where there is one."""
    quality = summary["image_quality"]
    if quality is None:
        return "No image quality: the data are not images."
    return "No image quality: it takes two real images." if quality["swd"] is None else None


def _which_code(summary: dict[str, Any]) -> str:
    """What follows the name of a metric to say which of several categorical codes it is of."""
    entries = summary["accuracy_per_code"]
    return f", categorical code {entries[0]['categorical_code']}" if len(entries) > 1 else ""


def _of_groups(summary: dict[str, Any]) -> list[Headline]:
    found = []
    for best in summary["accuracy_per_code"][:1]:
        found.append(Headline(f"NMI{_which_code(summary)}", f"{best['nmi']:.3f}", "", NMI))
        found.append(Headline(f"ARI{_which_code(summary)}", f"{best['ari']:.3f}", "by chance 0", ARI))
    return found


def _of_quality(summary: dict[str, Any]) -> list[Headline]:
    quality = summary["image_quality"]
    found = []
    if quality is not None and quality["swd"] is not None:
        floor = f"between real images {quality['swd_floor']:.3f}"
        meaning = f"Sliced Wasserstein distance of generated to real images, in their standard deviations. {SWD}"
        found.append(Headline("Image quality", f"{quality['swd']:.3f}", floor, meaning))
    if quality is not None and quality["fid"] is not None:
        floor = f"between real images {quality['fid_floor']:.1f}"
        found.append(Headline("FID", f"{quality['fid']:.1f}", floor, fid_meaning(quality["images"])))
    return found


def _of_disentanglement(summary: dict[str, Any]) -> list[Headline]:
    scores = summary["disentanglement"]
    if scores is None:
        return []
    chance = {"factor_vae": 1 / len(scores["factors"]), "beta_vae": 1 / len(scores["factors"])}
    about = (
        f"Whether codes and the factors {', '.join(scores['factors'])} correspond one to one, not whether images look "
        f"right. {DISENTANGLEMENT}"
    )
    return [
        Headline(f"Disentanglement, {name}", f"{scores[key]:.3f}", f"by chance {chance.get(key, 0.0):.2f}", about)
        for key, name in SCORES.items()
    ]


def fid_meaning(images: int) -> str:
    """What an FID of that many images can and cannot show."""
    return f"It compares only with others of {images} images, and says little of images unlike photographs."
