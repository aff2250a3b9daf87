"""What docs/results.md says besides the figures of our runs."""

from benchmarks.generated import bullets, paragraph

INTRODUCTION = "\n\n".join(
    (
        paragraph(
            "Two objectives are trained, and every table names the one that it is of. Neither has seen a label:",
            "labels serve to compute the figures and nothing else.",
        ),
        bullets(
            "**Plain**: the paper's. The code is tied to generated images alone. Preset `mnist5k-plain`.",
            "**With information on real images**: the setting `real_information` adds the mutual information of Q's "
            "categories for two views of a real image (invariant information clustering, "
            "[Ji, Henriques and Vedaldi 2019](https://arxiv.org/abs/1807.06653)), unsupervised. Preset `mnist5k`, the "
            "default.",
        ),
        paragraph(
            "[The recipes](recipe.md) were chosen on the seeds 100 to 105. Reported are others, 0 to 4, and none is",
            "left out. Below the seeds stand their mean and the worst of each figure, which need not all be of one",
            'seed. A figure that the runs did not yet have is "-".',
        ),
    )
)

_LABELLED = "evaluation.md#categorical-codes-on-labelled-images"
_GENERATED = "evaluation.md#what-q-reads-off-generated-images"

FIGURES_SHOW = bullets(
    f"[Accuracy, held-out]({_LABELLED}): how often categories and digits agree, with its 95 % interval for the choice "
    "of the images; seeds differ by more. It cannot show that a code is bad that sorts by something else.",
    f"[Accuracy, training]({_LABELLED}): the same where the matching was fitted. Far above the held-out one it would "
    "be overfitting; alone it says nothing of new images.",
    f"[NMI and ARI]({_LABELLED}): agreement of the groups without a matching. They cannot say which digit a category "
    "stands for.",
    f"[L_I]({_GENERATED}): whether Q can read the code off generated images. It cannot show that the code is what a "
    "person would name: it was near H(c) in good runs and bad ones.",
    f"[R2]({_GENERATED}): how exactly Q reads a continuous code, on generated images. It cannot show what the code "
    "changes.",
    "[Sliced Wasserstein distance](evaluation.md#image-quality): blur, noise, sameness; at its floor generated images "
    "are as close to real ones as other real ones. It cannot show copies of the training images.",
    "Seconds of training: those of this machine, without the closing evaluation and pictures. They cannot be compared "
    "with seconds on another machine.",
    "[FactorVAE, MIG, SAP, DCI, BetaVAE](evaluation.md#disentanglement-on-images-with-known-factors): whether codes "
    "and factors correspond one to one. They cannot show whether images look right, nor compare data sets.",
)

ON_SPRITES = paragraph(
    "[Sprites](sprites.md) are rendered from known factors, so that codes can be scored against them. All five scores",
    "are from 0 to 1, larger is better.",
)

#: The figures of Lin et al. 2020, table 1, by the heads of our own.
PUBLISHED = {
    "InfoGAN, as first reported": {"FactorVAE": "0.59", "DCI": "0.41", "MIG": "0.05"},
    "InfoGAN, modified network with spectral normalisation": {
        "FactorVAE": "0.82",
        "DCI": "0.60",
        "MIG": "0.22",
        "SAP": "0.41",
        "BetaVAE": "0.87",
    },
}

UNLIKE_DSPRITES = paragraph(
    "These are of [Lin et al. 2020](https://arxiv.org/abs/1906.06034), table 1. They are on another data set",
    "(dSprites, 737,280 images, 28 epochs), so they give a scale and no comparison.",
)
