"""How long a run will take, and which settings make it shorter, in words."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from infogan_fast.text import duration, short_duration
from infogan_fast.training.settings import OWN_DATA, OWN_NETWORKS, TrainConfig

#: Seconds of a run above which settings are named that make it shorter.
LONG = 3600.0

# Below them the result is another one altogether.
_LEAST_WIDTH, _LEAST_BATCH, _SMALLER_SIDES = 0.1, 16, (128, 64, 32)

# Seconds of a step below which most of it is calls and kernel launches, which smaller networks or images do not save.
_LEAST_STEP = 0.01


def estimate_lines(
    config: TrainConfig, shape: Sequence[int], done: int, step_seconds: float, *, first_alone: bool = False
) -> list[str]:
    """How long a run takes, in one line, and, where that is above an hour, lines on what makes it shorter.

    Args:
        config: the settings, with device and width resolved.
        shape: of one item of the data.
        done: training steps that were done before, in a run that is resumed; fewer than ``config.steps``. The time is
            that of the others. What a resumed run may not change is not named.
        step_seconds: that a step takes, > 0.
        first_alone: whether that is known of a single step, the first.
    """
    steps = config.steps - done
    seconds = steps * step_seconds
    a_step = short_duration(step_seconds)
    how = f"as the first took {a_step}" if first_alone else f"{a_step} a step"
    the_steps = f"{'the remaining ' if done else ''}{steps:,} step{'' if steps == 1 else 's'}"
    lines = [f"about {duration(seconds)} for {the_steps} ({how}), training alone"]
    if seconds <= LONG:
        return lines
    advice = [] if done else list(_shorter(config, shape, step_seconds))
    if advice:
        lines.append("for an hour or less, one of these, each with another result:")
        column = max(len(setting) for setting, _ in advice)
        lines += [f"  {setting:<{column}}  {effect}" for setting, effect in advice]
    if config.device == "cpu":
        lines.append(f"{'or' if advice else 'faster:'} a machine with a GPU, which takes a small part of the time")
    return lines


def _shorter(config: TrainConfig, shape: Sequence[int], step_seconds: float) -> Iterator[tuple[str, str]]:
    """Settings that bring a new run to an hour at the most, and what they do to it.

    The time of a step is nearly proportional to the batch and to the number of pixels. With the width it falls between
    linearly and quadratically: convolutions between hidden channels have its square, the other layers have it once.
    """
    seconds = step_seconds * config.steps
    ratio = LONG / seconds
    if step_seconds <= LONG:
        steps = _two_digits(LONG / step_seconds)
        yield f"--steps {steps:.0f}", f"less training, {duration(steps * step_seconds)}"
    if step_seconds * ratio < _LEAST_STEP:
        return
    if config.networks != OWN_NETWORKS and config.width is not None and config.width * ratio >= _LEAST_WIDTH:
        width = _two_digits(config.width * ratio)
        share = width / config.width
        between = f"between {duration(seconds * share**2)} and {duration(seconds * share)}"
        yield f"--set width={width:g}", f"smaller networks, {between}"
    if config.networks != OWN_NETWORKS and config.data != OWN_DATA:
        shares = {side: (side / min(shape[-2:])) ** 2 for side in _SMALLER_SIDES}
        side = next((side for side, share in shares.items() if share <= ratio), None)
        if side is not None:
            yield f"--set image_size={side}", f"smaller images, about {duration(seconds * shares[side])}"
    batch = math.floor(config.batch_size * ratio)
    if batch >= _LEAST_BATCH:
        yield f"--set batch_size={batch}", f"noisier gradients, about {duration(seconds * batch / config.batch_size)}"


def _two_digits(value: float) -> float:
    """A positive number rounded down to two significant digits."""
    exponent = math.floor(math.log10(value)) - 1
    return float(f"{math.floor(value / 10.0**exponent + 1e-9)}e{exponent}")
