"""Puts files where readers look for them."""

import torch


def write(path, content):
    """A new file, not the old one with other content, which a reader may still have mapped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    return path


def assert_images(data):
    """What ``ImageData`` promises."""
    for images, labels in ((data.images, data.labels), (data.heldout_images, data.heldout_labels)):
        if images is None:
            continue
        held = images if isinstance(images, torch.Tensor) else images.read([0, len(images) - 1])
        assert held.dtype == torch.uint8
        assert held.shape[1:] == images.shape[1:]
        assert held.ndim == 4
        assert 0 not in images.shape
        if labels is not None:
            assert labels.dtype == torch.int64
            assert labels.shape == (len(images),)
            assert int(labels.min()) >= 0
    for note in data.notes:
        assert note.isprintable(), f"a note that is not one printable line: {note!r}"
