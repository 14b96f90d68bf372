"""Dividing contributions among peaks, parts and the rest. Does not import torch.

Contributions are first splatted, then divided once: whatever the table, each share of each cell has exactly one owner,
so every table sums to the logit or the margin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import Box
from s3n_core.inspection.geometry import Place, squares_at_all

NEAR_PEAK = 0.10
"""A peak owns what lies within this fraction of the image's longer side, and nearer to it than to any other peak."""

RowKind = Literal["peak", "part", "elsewhere", "outside", "bias"]


@dataclass(frozen=True, eq=False)
class Splat:
    """Contributions spread over a raster of the original: the cells' shares in pixels, as parallel arrays of length n.

    Attributes:
        size: (width, height) of the raster.
        image_size: (width, height) of the original, in pixels.
        shares: The share of its cell's contribution that falls on the pixel, in logits, by branch.
        pixels: The pixel, row-major, by branch.
        cells: The cell, row-major, by branch.
    """

    size: tuple[int, int]
    image_size: tuple[int, int]
    shares: Mapping[str, NDArray[np.float64]]
    pixels: Mapping[str, NDArray[np.intp]]
    cells: Mapping[str, NDArray[np.intp]]

    def picture(self) -> NDArray[np.float64]:
        """Return the sum over all branches in each pixel, shape (height, width)."""
        width, height = self.size
        flat = np.zeros(width * height)
        for branch, shares in self.shares.items():
            flat += np.bincount(self.pixels[branch], shares, width * height)
        return flat.reshape(height, width)

    @property
    def pixel_places(self) -> NDArray[np.float64]:
        """The centres of all pixels, row-major, (x, y) in original pixels, shape (width * height, 2)."""
        x, y = np.meshgrid(*_centres(self.size, self.image_size))
        return np.stack([x, y], axis=-1).reshape(-1, 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionRow:
    """One row of a table of contributions.

    Attributes:
        kind: "peak", "part", "elsewhere" (at no peak or part), "outside" (the same, outside the object), or "bias".
        index: Which peak or part, from 0; None for the rest.
        place: (x, y) of the peak in original pixels, or None.
        total: The contribution, in logits, signed.
        branches: The same by branch; empty for the bias.
        outside: The share of ``total`` that is read outside the object, in logits; None if its box is not known.
        share: ``total`` as a fraction of the sum of all rows' absolute totals, signed.
    """

    kind: RowKind
    index: int | None = None
    place: Place | None = None
    total: float
    branches: Mapping[str, float]
    outside: float | None = None
    share: float

    @property
    def label(self) -> str:
        """The row's name: "peak 1", "part 3", "elsewhere (on the object)", "outside the object", "bias"."""
        if self.index is not None:
            return f"{self.kind} {self.index + 1}"
        if self.kind == "elsewhere":
            return "elsewhere" if self.outside is None else "elsewhere on the object"
        return "outside the object" if self.kind == "outside" else self.kind

    def to_dict(self) -> dict[str, Any]:
        """Return the row as JSON values, in logits, without the share."""
        x, y = self.place or (None, None)
        return {
            "kind": self.kind,
            "index": self.index,
            "x": x,
            "y": y,
            "contribution": self.total,
            "branches": dict(self.branches),
            "outside": self.outside,
        }


def splat_of(
    values: Mapping[str, NDArray[np.float32]],
    places: Mapping[str, NDArray[np.float32]],
    corners: Mapping[str, NDArray[np.float32]],
    image_size: tuple[int, int],
    size: tuple[int, int],
) -> Splat:
    """Spread every cell evenly over the pixels whose centres lie in its quadrilateral, and at least over one pixel.

    Args:
        values: Contributions by branch, shape (h, w).
        places: The cells' places in original pixels, shape (h, w, 2).
        corners: The cells' corners in original pixels, shape (h + 1, w + 1, 2).
        image_size: (width, height) of the original, in pixels.
        size: (width, height) of the raster.

    Returns:
        The shares, which sum to the values.
    """
    xs, ys = _centres(size, image_size)
    shares, pixels, cells = {}, {}, {}
    for branch, of_cells in values.items():
        owners = squares_at_all(corners[branch], xs, ys).reshape(-1)
        pixel = np.flatnonzero(owners >= 0)
        cell = owners[pixel]
        # A cell between the centres of all pixels, or without area where the grid is clamped, has the pixel of its place.
        missed = np.flatnonzero(np.bincount(cell, minlength=of_cells.size) == 0)
        x, y = (places[branch].reshape(-1, 2)[missed] * np.divide(size, image_size)).astype(np.intp).T
        x, y = np.clip(x, 0, size[0] - 1), np.clip(y, 0, size[1] - 1)
        pixel, cell = np.concatenate([pixel, y * size[0] + x]), np.concatenate([cell, missed])
        count = np.bincount(cell, minlength=of_cells.size)
        shares[branch] = of_cells.reshape(-1).astype(np.float64)[cell] / count[cell]
        pixels[branch], cells[branch] = pixel, cell
    return Splat(size, image_size, shares, pixels, cells)


def contribution_rows(
    splat: Splat,
    bias: float,
    *,
    peaks: Sequence[Place] = (),
    parts: Mapping[str, NDArray[np.integer[Any]]] | None = None,
    box: Box | None = None,
) -> tuple[ContributionRow, ...]:
    """Divide contributions among peaks, parts and the rest: the only function that makes such rows.

    A part owns its cells. Of what belongs to no part, a peak owns what lies within `NEAR_PEAK` of the image's longer
    side and nearer to it than to any other peak. The rest is read elsewhere or, if the object's box is known, elsewhere
    in the box or outside the object.

    Args:
        splat: The contributions on a raster of the original.
        bias: The bias, which has a row of its own.
        peaks: Places of the peaks, (x, y) in original pixels.
        parts: The part of every cell by branch, shape (h, w), negative for none.
        box: The object's bounding box.

    Returns:
        The rows of the peaks, of the parts in increasing order, of the rest, and of the bias. They sum to the logit.
    """
    places = splat.pixel_places
    outside = np.zeros(len(places), dtype=bool)
    if box is not None:
        x, y = places.T
        outside = (x < box.x) | (x > box.x + box.width) | (y < box.y) | (y > box.y + box.height)
    numbers = sorted({int(part) for of_cells in (parts or {}).values() for part in np.unique(of_cells) if part >= 0})
    kinds: list[tuple[RowKind, int | None, Place | None]] = [
        *(("peak", index, place) for index, place in enumerate(peaks)),
        *(("part", number, None) for number in numbers),
        ("elsewhere", None, None),
    ]
    if box is not None:
        kinds.append(("outside", None, None))
    rest = len(peaks) + len(numbers)
    owners = np.where(outside, rest + 1, rest)  # of pixels
    if len(peaks):
        distances = np.linalg.norm(places[:, None] - np.array(peaks), axis=-1)
        near = distances.min(axis=1) <= NEAR_PEAK * max(splat.image_size)
        owners = np.where(near, distances.argmin(axis=1), owners)

    totals: dict[str, NDArray[np.float64]] = {}
    beyond = np.zeros(len(kinds))
    for branch, shares in splat.shares.items():
        pixels = splat.pixels[branch]
        owner = owners[pixels]
        if parts is not None:
            part = parts[branch].reshape(-1)[splat.cells[branch]]
            owner = np.where(part >= 0, len(peaks) + np.searchsorted(numbers, part), owner)
        totals[branch] = np.bincount(owner, weights=shares, minlength=len(kinds)).astype(np.float64)
        beyond += np.bincount(owner, shares * outside[pixels], len(kinds))
    sums = np.sum(list(totals.values()), axis=0)
    whole = float(np.abs(sums).sum() + abs(bias)) or 1.0
    rows = [
        ContributionRow(
            kind=kind,
            index=index,
            place=place,
            total=float(sums[row]),
            branches={branch: float(total[row]) for branch, total in totals.items()},
            outside=None if box is None else float(beyond[row]),
            share=float(sums[row]) / whole,
        )
        for row, (kind, index, place) in enumerate(kinds)
    ]
    return (*rows, ContributionRow(kind="bias", total=bias, branches={}, share=bias / whole))


def _centres(size: tuple[int, int], image_size: tuple[int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the x of a raster's columns and the y of its rows, in original pixels."""

    def along(pixels: int, side: int) -> NDArray[np.float64]:
        return np.arange(0.5, pixels, dtype=np.float64) * (side / pixels)

    return along(size[0], image_size[0]), along(size[1], image_size[1])
