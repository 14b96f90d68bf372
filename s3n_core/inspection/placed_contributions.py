"""Contributions of one image in original pixels: the shares of a logit, or of a margin, and where they are read.

Does not import torch, so that the window and files share this type; `Inspector.contributions` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import Box
from s3n_core.inspection.contribution_rows import ContributionRow, Splat, contribution_rows, splat_of
from s3n_core.inspection.inspection import ByValue
from s3n_core.inspection.peak import Peak

RASTER = 192
"""Longer side of the picture that contributions are divided on, in pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Contributions(ByValue):
    """What every cell of an image contributes to a logit, or to the margin of one class over another.

    The contributions of one head in one view. They are where a logit is read, which is not yet what it relies on.
    Mappings are by branch, "O", "D", "C": those of the head.

    Attributes:
        name: The image's name.
        head: The head: "joint", "O", "D" or "C".
        target: Index of the class.
        versus: Index of the class whose logit is subtracted; -1: the mean of all other classes; None: the logit itself.
        values: Signed shares of the logit, float32 (h, w), in logits.
        places: Where the cells are centred, float32 (h, w, 2), (x, y) in original pixels; those of D and C through
            their grids.
        corners: The corners of the cells' quadrilaterals, float32 (h + 1, w + 1, 2), in original pixels.
        bias: The bias (or the difference of two), which is read nowhere.
        peaks: The peaks of this pass, after any edits, without those switched off; strongest first.
        image_size: (width, height) of the original, in pixels.
        classes: Class names, by index.
        model: The model file's name.
        model_digest: First 16 hexadecimal digits of its SHA-256.
        precision: Precision of the network's layers; contributions are float32.
    """

    name: str
    head: str
    target: int
    versus: int | None
    values: Mapping[str, NDArray[np.float32]]
    places: Mapping[str, NDArray[np.float32]]
    corners: Mapping[str, NDArray[np.float32]]
    bias: float
    peaks: tuple[Peak, ...]
    image_size: tuple[int, int]
    classes: tuple[str, ...]
    model: str
    model_digest: str
    precision: str

    @property
    def total(self) -> float:
        """The logit, or the margin: the bias and the sum over all cells."""
        return self.bias + sum(self.by_branch.values())

    @property
    def by_branch(self) -> Mapping[str, float]:
        """The sum over the cells of each branch."""
        return {branch: float(values.sum(dtype=np.float64)) for branch, values in self.values.items()}

    def splat(self, width: int, height: int) -> Splat:
        """Spread every cell's contribution evenly over its quadrilateral on a raster of the whole original."""
        return splat_of(self.values, self.places, self.corners, self.image_size, (width, height))

    def picture(self, size: int | tuple[int, int] | None = None) -> NDArray[np.float64]:
        """Paint the contributions of all branches over the whole original.

        Args:
            size: (width, height) of the result, or its longer side; None: that of the original.

        Returns:
            Logits per pixel, shape (height, width). They sum to ``total - bias``: to the margin without its bias.
        """
        width, height = scaled(self.image_size, size) if isinstance(size, int) else size or self.image_size
        return self.splat(width, height).picture()

    def rows(
        self, *, parts: Mapping[str, NDArray[np.integer[Any]]] | None = None, box: Box | None = None
    ) -> tuple[ContributionRow, ...]:
        """Divide the total among the peaks, or among given parts, and the rest; the rows sum to ``total``.

        Args:
            parts: The part of every cell by branch, shape (h, w), negative for none; None divides among the peaks.
            box: The object's bounding box, if known.
        """
        splat = self.splat(*scaled(self.image_size, RASTER))
        peaks = [(peak.x, peak.y) for peak in self.peaks] if parts is None else []
        return contribution_rows(splat, self.bias, peaks=peaks, parts=parts, box=box)

    def to_dict(self, *, box: Box | None = None, rows: Sequence[ContributionRow] | None = None) -> dict[str, Any]:
        """Return everything except the arrays as JSON values, in logits; the rows are those of the peaks (None) or given."""
        return {
            "name": self.name,
            "head": self.head,
            "target": self._class(self.target),
            "versus": None if self.versus is None else self._class(self.versus),
            "total": self.total,
            "bias": self.bias,
            "branches": dict(self.by_branch),
            "rows": [row.to_dict() for row in (self.rows(box=box) if rows is None else rows)],
            "model": self.model,
            "model_digest": self.model_digest,
            "precision": self.precision,
        }

    def _class(self, index: int) -> dict[str, Any]:
        return {"index": index, "class": self.classes[index] if index >= 0 else None}


def class_index(classes: tuple[str, ...], wanted: str | int) -> int:
    """Return the index of a class that is given by name or by index.

    Raises:
        ValueError: The model has no such class; the message gives the nearest name.
    """
    if isinstance(wanted, str):
        if wanted in classes:
            return classes.index(wanted)
        near = get_close_matches(wanted, classes, n=1)
        raise ValueError(f"the model has no class {wanted!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    if not 0 <= wanted < len(classes):
        raise ValueError(f"the model has no class {wanted}: its classes are 0 to {len(classes) - 1}")
    return int(wanted)


def scaled(size: tuple[int, int], longer: int) -> tuple[int, int]:
    """Return (width, height) with the proportions of ``size`` and a longer side of ``longer``, at least 1 each."""
    scale = longer / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
