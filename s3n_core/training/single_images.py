"""Batches of one image, of which BatchNorm cannot learn: what a training does about them, said before it begins.

BatchNorm subtracts the mean over the images at hand and divides by their deviation. Of one image whose features are a single cell
there is none, and torch refuses; of one image with more cells there is one, but it says little about other images.

The rule: a last batch of one image is left out (each epoch another image, since each has an order of its own), and so is a single
image at the end of a batch where BatchNorm has no variance of it. Where that would leave nothing to learn from, the training does
not begin. Free of torch, for the form of a new training.
"""

from __future__ import annotations

from collections.abc import Iterator

from s3n_core.errors import RecipeError
from s3n_core.method.backbone_sizes import size_of
from s3n_core.method.configuration import NetworkChoices
from s3n_core.training.recipe import Recipe

_PUBLISHED_STRIDE = 32  # of torchvision's networks, and of those that are not in the table


def learns_batch_norm(network: NetworkChoices, *, frozen: bool = False) -> bool:
    """Say whether a network has BatchNorm layers whose statistics follow the training images.

    Args:
        network: The network.
        frozen: Whether its backbone is frozen.
    """
    return bool(_coarsest(network, frozen))


def least_images(network: NetworkChoices, *, frozen: bool = False) -> int:
    """Return the fewest images at once: two where BatchNorm learns and reads one cell of each, else one.

    Args:
        network: The network.
        frozen: Whether its backbone is frozen.
    """
    return 2 if any(stride == 0 or network.input_size <= stride for stride in _coarsest(network, frozen)) else 1


def _coarsest(network: NetworkChoices, frozen: bool) -> list[int]:
    """Return the strides of the coarsest maps that learning BatchNorm layers read, of backbone and heads; 0: one cell always."""
    size = size_of(network.backbone)
    stride = (size and size.stride) or _PUBLISHED_STRIDE
    norm_stride = stride if size is None else size.norm_stride
    halved = 2 if network.last_stride == 1 else 1
    found = []
    if norm_stride is not None and network.batch_norm != "frozen" and not frozen:
        found.append(norm_stride // halved)
    if network.form == "release":  # its branch heads halve the features once more, with layers that are never frozen
        found.append(2 * stride // halved)
    return found


def require_batches(recipe: Recipe, images: int, processes: int = 1) -> None:
    """Make sure that BatchNorm can learn from the batches of a training.

    Args:
        recipe: The recipe.
        images: Number of training images.
        processes: How many processes share each batch.

    Raises:
        RecipeError: There is no batch that it can learn from.
    """
    if _largest_piece(recipe, images, processes) < _least(recipe):
        where = (
            f"some of {recipe.network.backbone}'s layers read the mean over the image"
            if _reads_means(recipe)
            else f"at an input_size of {recipe.network.input_size} pixels the features of an image are a single cell"
        )
        raise RecipeError(
            f"With {_cause(recipe)} BatchNorm gets one image at a time, and {where}: there is no variance to learn from, so "
            f"nothing would be trained. {_remedy(recipe)}"
        )


def single_image_notes(recipe: Recipe, images: int, processes: int = 1) -> tuple[str, ...]:
    """Return what is to be said of batches of one image before a training begins, as sentences with what to do.

    Args:
        recipe: The recipe.
        images: Number of training images.
        processes: How many processes share each batch.
    """
    return tuple(_notes(recipe, images, processes))


def _notes(recipe: Recipe, images: int, processes: int) -> Iterator[str]:
    batch, piece = min(recipe.batch_size, images), _largest_piece(recipe, images, processes)
    learned = learns_batch_norm(recipe.network, frozen=recipe.freeze_backbone)
    if learned and piece == 1:
        yield (
            f"With {_cause(recipe)} BatchNorm takes its statistics from one image at a time, which usually costs much "
            f"accuracy. {_remedy(recipe)}"
        )
        return
    last = images % batch
    if last == 1:
        why = ", because BatchNorm cannot learn from a single image" if learned else ""
        yield (
            f"{images} training images in batches of {batch} leave a last batch of one. It is left out{why}: each "
            f"epoch learns from {images - 1} images and leaves out a different one. Nothing needs to be done; another "
            "batch_size avoids it."
        )
    if learned and 1 in (batch % piece, last % piece if last > 1 else 0):
        done = (
            "is left out, because BatchNorm has no variance of it"
            if _least(recipe) > 1
            else "goes through BatchNorm alone, with the statistics of that image"
        )
        share = f"{processes} processes with micro-batches" if processes > 1 else "Micro-batches"
        yield (
            f"{share} of {piece // processes} images leave a single image at the end of a batch. It {done}. Another "
            "batch_size or micro_batch avoids it."
        )


def _least(recipe: Recipe) -> int:
    return least_images(recipe.network, frozen=recipe.freeze_backbone)


def _reads_means(recipe: Recipe) -> bool:
    """Whether BatchNorm has one value of an image whatever its size."""
    return 0 in _coarsest(recipe.network, recipe.freeze_backbone)


def _largest_piece(recipe: Recipe, images: int, processes: int) -> int:
    """Return the most images that BatchNorm sees at once: those of all processes together."""
    batch = min(recipe.batch_size, images)
    return min((recipe.micro_batch or batch) * processes, batch)


def _cause(recipe: Recipe) -> str:
    return "a batch_size of 1" if recipe.batch_size == 1 else "a micro_batch of 1"


def _remedy(recipe: Recipe) -> str:
    name = "batch_size" if recipe.batch_size == 1 else "micro_batch"
    ways = [f"a {name} of at least 2 (8 or more is usual)"]
    if _least(recipe) > 1 and not _reads_means(recipe):
        ways.append("a larger network.input_size")
    if recipe.network.form != "release":
        ways.append("network.batch_norm=frozen")
    first, last = ", ".join(ways[:-1]), ways[-1]
    return f"Use {first}, or {last}." if first else f"Use {last}."
