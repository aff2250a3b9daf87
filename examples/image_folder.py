"""Train on a folder of images from Python, with a residual network of one's own, batch normalisation inside.

A folder that is not there is made, of horizontal and vertical bars, which the categorical code should tell apart.

    python examples/image_folder.py --images FOLDER --steps 5000 --out runs/folder
"""

import argparse
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import nn

import infogan_fast as ig


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        first, second = ((nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1)) for _ in range(2))
        self.main = nn.Sequential(*first, *second)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.main(x)


def make_images(folder: Path) -> None:
    for number in range(400):
        place, direction = 1 + number % 12, ("horizontal", "vertical")[number // 200]
        image = Image.new("L", (16, 16))
        ImageDraw.Draw(image).rectangle((0, place, 15, place + 2), fill=255)
        (folder / direction).mkdir(parents=True, exist_ok=True)
        image.rotate(90 if direction == "vertical" else 0).save(folder / direction / f"{number}.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default="runs/bars", help="folder of image files (%(default)s)")
    parser.add_argument("--steps", type=int, default=1000, help="training steps (%(default)s)")
    parser.add_argument("--out", help="run folder; default: a new one in runs/")
    options = parser.parse_args()
    if not options.images.exists():
        make_images(options.images)
    torch.manual_seed(0)  # of the initial weights
    spec = ig.LatentSpec(noise=16, categorical=(2,), continuous=1)
    start = nn.Sequential(nn.Linear(spec.input_dim, 256), nn.Unflatten(1, (16, 4, 4)))
    end = nn.Sequential(nn.BatchNorm2d(16), nn.ReLU(), nn.ConvTranspose2d(16, 1, 4, 2, 1), nn.Sigmoid())
    generator = nn.Sequential(start, nn.Upsample(scale_factor=2), Residual(), Residual(), end)
    trunk = nn.Sequential(nn.Conv2d(1, 16, 4, 2, 1), Residual(), nn.AvgPool2d(2), Residual(), nn.Flatten())
    D, Q = nn.Linear(256, 1), nn.Linear(256, spec.head_dim())
    model = ig.InfoGAN(spec, generator=generator, trunk=trunk, discriminator_head=D, q_head=Q)
    settings = {"image_size": 16, "channels": 1, "instance_noise": 0.3, "learning_rate_generator": 2e-3}
    run = ig.train(data=options.images, model=model, out=options.out, steps=options.steps, progress=print, **settings)
    print(f"report: {run.folder / 'report.html'}")


if __name__ == "__main__":
    main()
