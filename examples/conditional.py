"""Images of a chosen category from a trained run, what Q reads off them, and the way from one image to another.

Shows ig.load, model.sample, model.encode and model.interpolate. Without --run it trains the default preset first, on
digits; a run of the command line will do as well.

    python examples/conditional.py --run runs/mnist5k --out digits.png
"""

import argparse

import torch
from PIL import Image

import infogan_fast as ig


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", help="run folder; default: a new one in runs/")
    parser.add_argument("--steps", type=int, default=1000, help="training steps of a new run (%(default)s)")
    parser.add_argument("--out", default="samples.png", help="image grid (%(default)s)")
    options = parser.parse_args()

    folder = options.run or ig.train(steps=options.steps, progress=print).folder
    model = ig.load(folder).model
    categories, *others = model.spec.categorical

    rows = []
    for category in range(categories):
        images = model.sample(8, categorical=(category, *[None] * len(others)), seed=0)  # None: drawn
        read = model.encode(images).categorical[0].argmax(dim=1)
        print(f"category {category}: Q reads {read.tolist()}")
        rows.append(images)

    first, last = (ig.make_latents(model.spec, 1, categorical=number, seed=number) for number in (0, 1))
    rows.append(model.interpolate(first, last, steps=8))

    grid = torch.cat([torch.cat(list(row), dim=2) for row in rows], dim=1)  # [C, rows * H, 8 * W]
    pixels = grid.mul(255).byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(options.out)
    print(f"image grid: {options.out}")


if __name__ == "__main__":
    main()
