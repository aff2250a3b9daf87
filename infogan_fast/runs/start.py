"""The beginning of a run: the data, the networks, the folder with the settings."""

from __future__ import annotations

from collections.abc import Sequence

from infogan_fast import data as datasets
from infogan_fast.model import InfoGAN
from infogan_fast.objectives import Term
from infogan_fast.runs.about import about_run
from infogan_fast.runs.data import check_data, load_data, own_data
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.load import needs_networks
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.memory import check_memory
from infogan_fast.training.networks import NO_NETWORKS
from infogan_fast.training.settings import OWN_NETWORKS, ConfigError, TrainConfig


def start(
    config: TrainConfig,
    folder: RunFolder,
    progress: datasets.Progress | None = None,
    *,
    data: datasets.ImageData | None = None,
    model: InfoGAN | None = None,
    terms: Sequence[Term] = (),
) -> Trainer:
    """A trainer at its first step, or at the last checkpoint of the folder, which is held from then on.

    ``finish`` lets go of the folder, as does ``folder.release()`` and the end of the process.

    Args:
        config: the settings, with device and width resolved (``device.resolve``). They are written to the folder.
        folder: of the run.
        progress: told how far a download of the images is.
        data: of the user's own, in the place of those that ``config.data`` names.
        model: networks of the user's own, which are trained in place; None for the built-in ones.
        terms: of the user's own, beside those of the settings.

    Raises:
        DataError, ConfigError, CheckpointError, WriteError: as their messages say.
        RunFolderError: another process holds the folder, it cannot be written, or has no room for the checkpoints.
        NonFiniteError: the checkpoint's weights are not finite.
    """
    was_held = folder.is_held
    folder.hold()
    try:
        if config.networks == OWN_NETWORKS and model is None:
            raise ConfigError(needs_networks(folder) if folder.is_run else NO_NETWORKS)
        folder.prepare()
        data = load_data(config, progress) if data is None else own_data(data, config)
        check_data(data, config)
        if model is None:
            check_memory(config, data.image_shape)
        trainer = Trainer(config, data, folder, model, terms)
        folder.check_room(trainer.room_needed())
        folder.write_config(config, about_run(trainer.model, terms))
    except BaseException:
        if not was_held:
            folder.release()
        raise
    return trainer
