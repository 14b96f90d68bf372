"""What was measured of every backbone once (`benchmarks.backbone_sizes`), so that nothing need be built to know it.

Free of torch, for the window.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from s3n_core.method.configuration import TIMM
from s3n_core.system.resources import resource

TOKENS = "yes"
"""In the table's column ``tokens``; empty for other maps."""

PATCH_TOKENS = (
    "Pooling and linear heads apply to patch tokens as to any map, but each has seen the whole image and says less about its own "
    "place than a cell of a convolutional network."
)
"""What a list says below backbones whose cells are patch tokens."""


@dataclass(frozen=True, slots=True)
class BackboneSize:
    """Measures of an architecture, at the size that its weights were trained with.

    Attributes:
        parameters: Number of its weights, without a classifier.
        stride: Input pixels per cell of its map; None: it gives no map of features.
        norm_stride: The same of the coarsest map that BatchNorm reads; 0 where it reads the mean over an image, whatever its
            size; None: there is no BatchNorm.
        tokens: Whether its map is made of patch tokens (`tokens_sentence`).
    """

    parameters: int
    stride: int | None
    norm_stride: int | None
    tokens: bool


def tokens_sentence(backbone: str) -> str:
    """Return what must be known of a backbone whose map is made of patch tokens, wherever one chooses or trains it."""
    return f"The cells of {backbone.removeprefix(TIMM).partition('.')[0]} are patch tokens. {PATCH_TOKENS}"


def size_of(backbone: str) -> BackboneSize | None:
    """Return the measures of a backbone, by the name that a recipe calls it; None if they are not known."""
    return _sizes().get(backbone.partition(".")[0])


@cache
def _sizes() -> Mapping[str, BackboneSize]:
    with resource("backbones/sizes.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["backbone"]: BackboneSize(
                parameters=int(row["parameters"]),
                stride=_number(row["stride"]),
                norm_stride=_number(row["norm_stride"]),
                tokens=row["tokens"] == TOKENS,
            )
            for row in csv.DictReader(file)
        }


def _number(text: str) -> int | None:
    return int(text) if text else None
