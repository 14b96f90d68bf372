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
from s3n_core.method.configuration import NetworkChoices
from s3n_core.training.recipe import Recipe

_WITHOUT_BATCH_NORM = ("vgg", "convnext", "timm:convnext", "timm:vit", "timm:swin", "timm:deit", "timm:nfnet")


def learns_batch_norm(network: NetworkChoices) -> bool:
    """Say whether a network has BatchNorm layers whose statistics follow the training images."""
    in_backbone = network.batch_norm != "frozen" and not network.backbone.startswith(_WITHOUT_BATCH_NORM)
    return in_backbone or network.form == "release"  # its branch heads have layers of their own, which are never frozen


def least_images(network: NetworkChoices) -> int:
    """Return the fewest images at once: two where BatchNorm learns and features are one cell, else one."""
    stride = 32 if network.last_stride == 2 else 16
    cells = 2 if network.form == "release" else 1  # its branch heads halve the features once more
    return 2 if learns_batch_norm(network) and network.input_size <= stride * cells else 1


def require_batches(recipe: Recipe, images: int, processes: int = 1) -> None:
    """Make sure that BatchNorm can learn from the batches of a training.

    Args:
        recipe: The recipe.
        images: Number of training images.
        processes: How many processes share each batch.

    Raises:
        RecipeError: There is no batch that it can learn from.
    """
    if _largest_piece(recipe, images, processes) < least_images(recipe.network):
        raise RecipeError(
            f"With {_cause(recipe)} BatchNorm gets one image at a time, and at an input_size of "
            f"{recipe.network.input_size} pixels the features of an image are a single cell: there is no variance to "
            f"learn from, so nothing would be trained. {_remedy(recipe)}"
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
    learned = learns_batch_norm(recipe.network)
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
            if least_images(recipe.network) > 1
            else "goes through BatchNorm alone, with the statistics of that image"
        )
        share = f"{processes} processes with micro-batches" if processes > 1 else "Micro-batches"
        yield (
            f"{share} of {piece // processes} images leave a single image at the end of a batch. It {done}. Another "
            "batch_size or micro_batch avoids it."
        )


def _largest_piece(recipe: Recipe, images: int, processes: int) -> int:
    """Return the most images that BatchNorm sees at once: those of all processes together."""
    batch = min(recipe.batch_size, images)
    return min((recipe.micro_batch or batch) * processes, batch)


def _cause(recipe: Recipe) -> str:
    return "a batch_size of 1" if recipe.batch_size == 1 else "a micro_batch of 1"


def _remedy(recipe: Recipe) -> str:
    name = "batch_size" if recipe.batch_size == 1 else "micro_batch"
    ways = [f"a {name} of at least 2 (8 or more is usual)"]
    if least_images(recipe.network) > 1:
        ways.append("a larger network.input_size")
    if recipe.network.form != "release":
        ways.append("network.batch_norm=frozen")
    first, last = ", ".join(ways[:-1]), ways[-1]
    return f"Use {first}, or {last}." if first else f"Use {last}."
