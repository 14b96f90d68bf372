"""The parts of all classes at a glance: what each part contributes in each class, and how often it is found. Without torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.parts.atlas.atlas import Atlas


@dataclass(frozen=True, eq=False, kw_only=True)
class ClassMatrix:
    """Classes by parts; C classes that have images, P parts that lists show (`Atlas.listed`).

    Attributes:
        classes: Names of the classes, (C,), in the order of the model.
        parts: Numbers of the parts, (P,), the one with most peaks first.
        images: Number of images of each class, int64 (C,).
        found: In how many of them a part has a peak, int64 (C, P).
        contributions: What its peaks contribute to the margin of the class over the strongest rival, in logits, as the mean over
            all images of the class, float64 (C, P).
        rest: What is read elsewhere, hidden parts and the difference of the biases included, float64 (C,): with the
            contributions it sums to the mean margin.
    """

    classes: tuple[str, ...]
    parts: tuple[int, ...]
    images: NDArray[np.int64]
    found: NDArray[np.int64]
    contributions: NDArray[np.float64]
    rest: NDArray[np.float64]

    @property
    def shares(self) -> NDArray[np.float64]:
        """Each part's share of the sum of absolute contributions of its class, the rest included, (C, P), in [0, 1]."""
        found: NDArray[np.float64] = np.abs(self.contributions) / self._sums[:, None]
        return found

    @property
    def rest_shares(self) -> NDArray[np.float64]:
        """The share of what is read elsewhere, (C,): with those of the parts it sums to 1."""
        found: NDArray[np.float64] = np.abs(self.rest) / self._sums
        return found

    def titles(self, atlas: Atlas) -> list[str]:
        """Return the names of the parts in its atlas, those of background marked as such."""
        background = atlas.background
        return [atlas.parts.name(part) + (" (background)" if part in background else "") for part in self.parts]

    def contribution_text(self, row: int, column: int) -> str:
        """Return a contribution for a table; empty where the part is found in no image of the class."""
        return f"{self.contributions[row, column]:+.2f}" if self.found[row, column] else ""

    @property
    def _sums(self) -> NDArray[np.float64]:
        sums: NDArray[np.float64] = np.abs(self.contributions).sum(axis=1) + np.abs(self.rest)
        return np.maximum(sums, 1e-12)


def class_matrix(atlas: Atlas) -> ClassMatrix:
    """Return what each part contributes in each class, and how often it is found, from the peaks of an atlas.

    Images count for their class only if the model knows it.
    """
    index = {name: number for number, name in enumerate(atlas.classes)}
    label_of = np.full(len(atlas.images), -1)
    margins = np.zeros(len(atlas.images))
    for number, image in enumerate(atlas.images):
        if not image.error and image.label in index:
            label_of[number], margins[number] = index[image.label], image.margin
    totals = np.bincount(label_of[label_of >= 0], minlength=len(index))
    classes = np.flatnonzero(totals)
    row_of = np.full(len(index) + 1, -1)
    row_of[classes] = np.arange(len(classes))

    at_peaks = ~np.asarray(atlas.places["background"])
    part_of, image_of = atlas.part_of[at_peaks], np.asarray(atlas.places["image"][at_peaks])
    strengths = np.asarray(atlas.places["contribution"][at_peaks], dtype=np.float64)
    shown = atlas.listed
    column_of = np.full(max(atlas.parts.numbers) + 1, -1)
    column_of[list(shown)] = np.arange(len(shown))

    rows, columns = row_of[label_of[image_of]], column_of[part_of]
    used = (rows >= 0) & (columns >= 0)
    shape = len(classes), len(shown)
    sums = np.zeros(shape)
    np.add.at(sums, (rows[used], columns[used]), strengths[used])
    once = np.unique(np.stack([image_of[used], columns[used]], axis=1), axis=0)
    found = np.zeros(shape, dtype=np.int64)
    np.add.at(found, (row_of[label_of[once[:, 0]]], once[:, 1]), 1)
    images = totals[classes]
    contributions = sums / np.maximum(images, 1)[:, None]
    whole = np.bincount(label_of[label_of >= 0], weights=margins[label_of >= 0], minlength=len(index))[classes] / images
    return ClassMatrix(
        classes=tuple(atlas.classes[number] for number in classes),
        parts=shown,
        images=images,
        found=found,
        contributions=contributions,
        rest=whole - contributions.sum(axis=1),
    )
