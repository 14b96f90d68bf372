"""The recipes by name: quick, small-data, paper, release, hawkeye and baseline.

A recipe's `sources` say where values come from that the paper's section 4 does not give: the authors' released code,
Hawkeye, or this project if neither gives one.
"""

from __future__ import annotations

from s3n_core.errors import RecipeError
from s3n_core.method.configuration import NetworkChoices
from s3n_core.training.recipe import Phase, Recipe

_FROM_RELEASE = "the released code (the paper does not say)"
_FROM_PROJECT = "default of this program, for a first try on a small machine"
_FROM_FOLDS = "default of this program, by cross-validation on 300 training images (docs/results.md)"
_FROM_RADIUS = (
    "default of this program; with the paper's 0.01 for new parameters a radius leaves its range within an epoch"
)

_PAPER = Recipe(
    name="paper",
    about="Exactly as section 4 of the paper: ResNet-50, 448 pixels, 60 epochs; values that it does not give are "
    "marked.",
    sources={
        "crop_scale": _FROM_RELEASE,
        "flip": _FROM_RELEASE,
        "schedule": _FROM_RELEASE,
        "step_epochs": _FROM_RELEASE,
        "step_factor": _FROM_RELEASE,
        "network.base": _FROM_RELEASE,
        "network.floor": _FROM_RELEASE,
        "network.radius_d": _FROM_RELEASE,
        "network.radius_c": _FROM_RELEASE,
        "network.kernel_fwhm": _FROM_RELEASE,
        "network.map_size": _FROM_RELEASE,
        "network.eval_sampling": "default of this program: the mean of Q under Eq. 4 (the paper does not say)",
        "rate_radius_d": _FROM_RADIUS,
        "rate_radius_c": _FROM_RADIUS,
        "validation": "default of this program (the paper tuned on the test set)",
    },
)

_QUICK = Recipe(
    name="quick",
    about="MobileNetV2 at 224 pixels on a small data set: minutes on two processor cores.",
    network=NetworkChoices(backbone="mobilenet_v2", input_size=224, source_size=448, train_sampling="expected"),
    resize="squash_crop",
    epochs=15,
    rate_backbone=0.001,
    rate_heads=0.003,
    schedule="cosine",
    rate_warm_up=0.5,
    sources=_PAPER.sources
    | {"resize": _FROM_RELEASE}
    | dict.fromkeys(
        (
            "epochs",
            "batch_size",
            "rate_heads",
            "schedule",
            "rate_warm_up",
            "network.backbone",
            "network.input_size",
            "network.source_size",
            "network.train_sampling",
        ),
        _FROM_PROJECT,
    ),
)

RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        _QUICK,
        _QUICK.model_copy(
            update={
                "name": "small-data",
                "about": "For a few hundred images: `quick` with rates, peaks and statistics chosen by cross-validation.",
                "network": _QUICK.network.model_copy(
                    update={"train_sampling": "all", "eval_sampling": "all", "batch_norm": "separate"}
                ),
                "rate_backbone": 0.002,
                "rate_heads": 0.006,
                "recalibrate": True,
                "sources": _QUICK.sources
                | dict.fromkeys(
                    (
                        "rate_backbone",
                        "rate_heads",
                        "recalibrate",
                        "network.train_sampling",
                        "network.eval_sampling",
                        "network.batch_norm",
                    ),
                    _FROM_FOLDS,
                ),
            }
        ),
        _PAPER,
        Recipe(
            name="release",
            about="The authors' released code: convolutions in the branch heads, 21 epochs with all peaks in both "
            "maps.",
            network=NetworkChoices(form="release", eval_sampling="extremes"),
            resize="squash_crop",
            phases=(Phase(epochs=21, sampling="all"),),
            smoothing=0.15,
            rate_radius_d=1e-7,
            rate_radius_c=1e-7,
            rate_kernel=1e-7,
            sources={"validation": "default of this program (the released code chooses on the test set)"},
        ),
        Recipe(
            name="hawkeye",
            about="The settings of the Hawkeye toolbox; two mistakes in them are corrected and marked.",
            network=NetworkChoices(form="release", eval_sampling="extremes", radius_d=0.12),
            resize="keep_crop",
            epochs=100,
            batch_size=8,
            rate_backbone=0.0005,
            rate_heads=0.005,
            rate_radius_d=5e-8,
            rate_radius_c=5e-8,
            rate_kernel=5e-8,
            schedule="cosine",
            rate_floor=1e-6,
            phases=(Phase(epochs=20, sampling="all"),),
            smoothing=0.15,
            sources={
                "momentum": "0.9 as in Hawkeye's configuration; its code uses SGD without momentum",
                "rate_radius_c": "5e-8; Hawkeye's code uses 5e-4, because it is missing from its list of slow parameters",
                "validation": "default of this program (Hawkeye chooses on the test set)",
            },
        ),
        _PAPER.model_copy(
            update={
                "name": "baseline",
                "about": "Only the original branch, on the paper's schedule: the baseline for S3N.",
                "network": NetworkChoices(branches="O"),
            }
        ),
    )
}


def find_recipe(name: str) -> Recipe:
    """Return a recipe by name.

    Raises:
        RecipeError: If there is none of that name.
    """
    if name not in RECIPES:
        raise RecipeError(f"There is no recipe {name!r}; choose one of {', '.join(RECIPES)}.")
    return RECIPES[name]
