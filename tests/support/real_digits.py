"""A model that is as good as can be on real digits: G shows those of one half, and Q knows the label of each image."""

import torch
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data import ImageData, load

SPEC = ig.LatentSpec(noise=1, categorical=(10,))
SEED = torch.tensor(3)


def digits():
    """The two halves of the training images, as ``(images, labels)`` each."""
    data = load("mnist5k")
    order = torch.randperm(len(data.images), generator=torch.Generator().manual_seed(0))  # they are sorted by label
    return [(data.images[rows], data.labels[rows]) for rows in order.chunk(2)]


def data_of(images, labels=None):
    """Images of which a fifth, with labels, is held out where there are labels."""
    if labels is None:
        return ImageData("digits", images)
    first = len(images) * 4 // 5
    return ImageData("digits", images[:first], labels[:first], images[first:], labels[first:])


class Good:
    """``model`` has networks whose answers may be changed: ``generate`` and ``read`` call the others."""

    def __init__(self):
        (self.shown, self.labels), (real, real_labels) = digits()
        self.direction = torch.randn(784, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        known, order = self.place(torch.cat((self.shown, real)) / 255.0).sort()
        self.known, self.answers = known, torch.cat((self.labels, real_labels))[order]
        self.rows = [torch.nonzero(self.labels == label)[:, 0] for label in range(10)]

    def place(self, x):
        return x.double().flatten(1) @ self.direction

    def generate(self, latents):
        """An image of the category, by the noise."""
        categories, noise = latents[:, 1:].argmax(1), torch.special.ndtr(latents[:, 0])
        pairs = zip(categories.tolist(), noise.tolist(), strict=True)
        chosen = [self.rows[category][int(at * len(self.rows[category]))] for category, at in pairs]
        return self.shown[torch.stack(chosen)] / 255.0

    def read(self, x):
        """Logits by the image whose projection is nearest, which is the same image."""
        right = torch.searchsorted(self.known, self.place(x)).clamp(1, len(self.known) - 1)
        left_is_nearer = (self.place(x) - self.known[right - 1]) < (self.known[right] - self.place(x))
        return 20.0 * torch.nn.functional.one_hot(self.answers[right - left_is_nearer.long()], 10).float()

    def model(self, generate=None, read=None):
        return stand_in(SPEC, generate or self.generate, read or self.read)
