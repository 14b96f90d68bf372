"""The weights that a run begins with: their file on this machine, and where they come from."""

from __future__ import annotations

from pathlib import Path

from s3n_core.errors import ModelNotFound
from s3n_core.method.backbones import imagenet_place
from s3n_core.method.weight_files import require_weights
from s3n_core.method.weight_origins import weights_origin
from s3n_core.runs.job_weights import JobWeights
from s3n_core.training.recipe import Recipe


def initial_origin(recipe: Recipe, brought: JobWeights | None) -> dict[str, str]:
    """Return where the weights come from, as `weights_origin` does.

    Args:
        recipe: The run's recipe.
        brought: The weights that came with the run from another machine, which may know more of them; None: those that the
            recipe names.
    """
    backbone = recipe.network.backbone
    if brought is None:
        return weights_origin(backbone, recipe.weights)
    if brought.origin:
        return dict(brought.origin)
    return weights_origin(backbone, str(brought.file), pretrained=recipe.weights == "imagenet")


def initial_file(recipe: Recipe, brought: JobWeights | None) -> Path | None:
    """Return their file; None if they are random.

    Raises:
        ModelNotFound: It is not on this machine.
        ModelFileError: The weights that came with the run are damaged.
    """
    if brought is not None:
        brought.check()
        return brought.file
    if recipe.weights == "none":
        return None
    file: Path | None = Path(recipe.weights)
    if recipe.weights == "imagenet":
        require_weights(recipe.network.backbone)
        _, file = imagenet_place(recipe.network.backbone)
    assert file is not None
    if not file.is_file():
        raise ModelNotFound(
            f"There is no weight file {file}, which the run would begin with; copy it there, or start a new run with others.",
            path=file,
        )
    return file
