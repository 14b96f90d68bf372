"""What was measured of every backbone once (`benchmarks.backbone_sizes`), so that nothing need be built to know it.

Free of torch, for the window.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from s3n_core.system.resources import resource


@dataclass(frozen=True, slots=True)
class BackboneSize:
    """Measures of an architecture, at the size that its weights were trained with.

    Attributes:
        parameters: Number of its weights, without a classifier.
        stride: Input pixels per cell of its map; None: it gives no map of features.
        norm_stride: The same of the coarsest map that BatchNorm reads; 0 where it reads the mean over an image, whatever its
            size; None: there is no BatchNorm.
    """

    parameters: int
    stride: int | None
    norm_stride: int | None


def size_of(backbone: str) -> BackboneSize | None:
    """Return the measures of a backbone, by the name that a recipe calls it; None if they are not known."""
    return _sizes().get(backbone.partition(".")[0])


@cache
def _sizes() -> Mapping[str, BackboneSize]:
    with resource("backbones/sizes.csv").open(encoding="utf-8", newline="") as file:
        return {
            row["backbone"]: BackboneSize(int(row["parameters"]), _number(row["stride"]), _number(row["norm_stride"]))
            for row in csv.DictReader(file)
        }


def _number(text: str) -> int | None:
    return int(text) if text else None
