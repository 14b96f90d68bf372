"""The inspection of one image: all intermediates and results as NumPy arrays and plain values, in original pixels.

Does not import torch, so the window, figures and files share this type. `inspector.inspect` computes it in one call,
`Inspector` step by step, for interactive use. It has one part per step, so a later step leaves the earlier parts
unchanged: moving a peak makes new warps and scores for the same response.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.geometry import (
    Place,
    ViewFrame,
    magnification,
    magnification_at,
    through_grid,
    through_inverse,
)
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.inspection.view import PlaceAccuracy, place_accuracy, view_text
from s3n_core.method.alignment import cell_to_feature, reading_matrix
from s3n_core.method.configuration import Alignment, Attention, Control, Sampling

MOST_IMAGE_SIDE = 2048
"""Largest side of the stored original, in pixels; larger images are downscaled."""

NOT_FINITE = "the model's prediction is not a finite number; try the precision float32"
"""Why an image has no prediction although it can be read (`Scores.is_finite`)."""

Warped = Literal["D", "C"]
"""The branches that see a warped image."""

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def is_same(one: object, other: object) -> bool:
    """Return whether two values are equal; arrays are compared bitwise, mappings by content."""
    if one is other:  # only a shortcut
        return True
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return (
            isinstance(one, np.ndarray)
            and isinstance(other, np.ndarray)
            and (one.dtype, one.shape) == (other.dtype, other.shape)
            and np.array_equal(_bytes(one), _bytes(other))
        )
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    return bool(one == other)


def _bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


@dataclass(frozen=True, eq=False)
class ByValue:
    """Mixin for equality by all fields, including arrays."""

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return self is other or all(
            is_same(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays have none


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A class and its probability according to a branch.

    Attributes:
        index: The class's index.
        name: Its name.
        probability: In [0, 1].
    """

    index: int
    name: str
    probability: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Response(ByValue):
    """The result of branch O for an image; does not depend on edits of peaks. Symbols as in the paper.

    Attributes:
        name: The image's name, the key of its draws.
        image: The whole upright original, RGB uint8, shape (h, w, 3), downscaled by ``image_scale`` if it is huge.
        image_scale: Pixels of ``image`` per pixel of the original, at most 1.
        image_size: (width, height) of the original, in pixels.
        source_box: (x0, y0, x1, y1): the region of the original that the network sees, in original pixels.
        source_size: Side of the square that the warps sample, in pixels.
        classes: Class names, by index.
        gate_logits: Scores that ranked the classes and determined H, float32 (C,); O's logits in the paper's form.
        entropy: H of Eq. 2, in nats.
        delta: The threshold of Eq. 3, in nats.
        sure: Whether H <= delta, so that R is the map of the top-1 class alone.
        merged_classes: Indices of the classes whose maps R averages, most probable first.
        class_maps: Class response maps M of some classes, float32 (n, h, w), at feature resolution.
        mapped_classes: Indices of those classes: all if the maps are small, else the most probable and the predicted.
        alignment: How R aligns with the features: "origins", "centres" or "corners" (`configuration.Alignment`).
        map: R, float32 (H, W), in [0, 1].
        window: Side of a peak's window, in cells.
        floor: Minimum response of a peak.
        attention: "sparse" (the method), or the kind of dense map, which does not use the peaks.
        model: The model file's name.
        model_digest: First 16 hexadecimal digits of its SHA-256.
        precision: Precision of the network's layers.
        device: The device that computed it.
        licence: What must be said of the licence of the weights that the model began with (`NetworkConfig.licence_notice`); "" if
            nothing.
        span: How many cells of the class maps wide the network's input is (`alignment.cell_to_feature`); None: as many as they
            have, as in inspections of earlier versions.
    """

    name: str
    image: NDArray[np.uint8]
    image_scale: float
    image_size: tuple[int, int]
    source_box: tuple[float, float, float, float]
    source_size: int
    classes: tuple[str, ...]
    gate_logits: NDArray[np.float32]
    entropy: float
    delta: float
    sure: bool
    merged_classes: tuple[int, ...]
    class_maps: NDArray[np.float32]
    mapped_classes: tuple[int, ...]
    alignment: Alignment
    map: NDArray[np.float32]
    window: int
    floor: Literal["mean", "none"] | float
    attention: Attention
    model: str
    model_digest: str
    precision: str
    device: str
    licence: str = ""
    span: float | None = None

    @property
    def rule(self) -> str:
        """One sentence that says which rule of Eq. 3 applied, and why, as in data: with the class's own name and "delta"."""
        return self._rule(self.classes[self.merged_classes[0]], "delta")

    @property
    def shown_rule(self) -> str:
        """The same sentence for people: with the class's display name and "δ"."""
        return self._rule(displayed_class(self.classes[self.merged_classes[0]]), "δ")

    def _rule(self, first: str, symbol: str) -> str:
        if self.attention == "saliency":
            return "R is the channel mean of the features (saliency); it does not depend on the prediction."
        digits = 2 if f"{self.entropy:.2f}" != f"{self.delta:.2f}" else 5
        numbers = f"H = {self.entropy:.{digits}f} {'≤' if self.sure else '>'} {symbol} = {self.delta:g}"
        if self.sure:
            return f"Branch O is certain ({numbers}), so R is the map of the most probable class, {first}."
        count = len(self.merged_classes)
        if count == 1:
            return (
                f"Branch O is uncertain ({numbers}), but with so few classes R is the map of the most probable class, "
                f"{first}."
            )
        number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
        return f"Branch O is uncertain ({numbers}), so R averages the maps of its {number} most probable classes."

    @property
    def rule_name(self) -> str:
        """The name of the rule in tables: "top-1", "top-5" (or as many classes as it averages), or "saliency"."""
        return "saliency" if self.attention == "saliency" else f"top-{len(self.merged_classes)}"

    # What the network sees

    @property
    def view_share(self) -> float:
        """The share of the image's area that the network sees, in (0, 1]; the region is ``source_box``."""
        return self.frame.share_of(self.image_size)

    @property
    def sees_all(self) -> bool:
        """Whether the network sees the whole image."""
        return self.view_share >= 1

    @property
    def view_text(self) -> str:
        """One sentence that names what the network sees: "The network sees this crop: 56 % of the image."."""
        return view_text(self.view_share)

    @property
    def place_accuracy(self) -> PlaceAccuracy:
        """How fine the places of peaks and maps are."""
        return place_accuracy(min(self.map.shape), min(self.class_maps.shape[1:]), cropped=not self.sees_all)

    # Class maps

    def class_map(self, index: int) -> NDArray[np.float32] | None:
        """Return M of a class at feature resolution, shape (h, w), or None if it was not kept."""
        if index not in self.mapped_classes:
            return None
        kept: NDArray[np.float32] = self.class_maps[self.mapped_classes.index(index)]
        return kept

    def class_support(self, index: int) -> NDArray[np.float64] | None:
        """Return M of a class at the cells of R, shape (H, W), on the scale that all classes of the image share.

        Its mean is about the class's logit, so a stronger class has larger values; None if its map was not kept.
        """
        kept = self.class_map(index)
        if kept is None:
            return None
        rows, columns = (
            reading_matrix(cell_to_feature(np.arange(cells), cells, n, self.alignment, self.span), np.arange(n))
            for n, cells in zip(kept.shape, self.map.shape, strict=True)
        )
        read: NDArray[np.float64] = rows @ kept.astype(np.float64) @ columns.T
        return read

    # Coordinates

    @property
    def frame(self) -> ViewFrame:
        """The position of the network's square in the original."""
        return ViewFrame(box=self.source_box, size=self.source_size)

    def cell_to_original(self, row: float, column: float) -> Place:
        """Convert a cell of R, Q_d or Q_c to original pixels."""
        return self.frame.cell_to_original(row, column, self.map.shape)

    def original_to_cell(self, x: float, y: float) -> tuple[float, float] | None:
        """Convert original pixels to a fractional (row, column); None outside the region that the network sees."""
        return self.frame.original_to_cell((x, y), self.map.shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class Warps(ByValue):
    """The peaks, sampling maps, grids and warped images of D and C.

    Attributes:
        settings: The settings of the inspection.
        sampling: How the peaks were assigned.
        control: What replaces the warps in a control experiment; "none" for the method itself.
        peaks: T after any edits, highest first; includes peaks that are switched off.
        base: Constant added to Q.
        beta_1: Radius of Eq. 5 in D, in cells.
        beta_2: Radius of Eq. 5 in C, in cells.
        map_d: Q_d, float32 (H, W).
        map_c: Q_c, float32 (H, W).
        grid_d: f and g for Q_d at each cell, float32 (H, W, 2), (x, y) in [-1, 1] over the square, aligned corners.
        grid_c: The same for Q_c.
        image_d: The discriminative image, RGB uint8, shape (s, s, 3).
        image_c: The complementary image.
    """

    settings: InspectionSettings
    sampling: Sampling
    control: Control
    peaks: tuple[Peak, ...]
    base: float
    beta_1: float
    beta_2: float
    map_d: NDArray[np.float32]
    map_c: NDArray[np.float32]
    grid_d: NDArray[np.float32]
    grid_c: NDArray[np.float32]
    image_d: NDArray[np.uint8]
    image_c: NDArray[np.uint8]

    def grid(self, branch: Warped) -> NDArray[np.float32]:
        """Return the grid of D or C, shape (H, W, 2)."""
        return self.grid_d if branch == "D" else self.grid_c

    def image(self, branch: Warped) -> NDArray[np.uint8]:
        """Return the image of D or C, shape (s, s, 3)."""
        return self.image_d if branch == "D" else self.image_c

    def magnification(self, branch: Warped) -> NDArray[np.float64]:
        """Return the magnification of each grid square, shape (H - 1, W - 1); see `geometry.magnification`."""
        return magnification(self.grid(branch).astype(np.float64))


def strongest(values: NDArray[np.floating[Any]], count: int) -> NDArray[np.int64]:
    """Return the indices of the ``count`` largest values, the largest first; ties in order of index, NaN last.

    Sorts only those: with 10,000 classes, sorting all of them takes six times as long.
    """
    lowered = -values
    if count < len(lowered):
        limit = np.partition(lowered, count - 1)[count - 1]
        kept = np.flatnonzero(~(lowered > limit))  # with all that tie with the last one, and NaN
    else:
        kept = np.arange(len(lowered))
    return kept[np.argsort(lowered[kept], kind="stable")[:count]].astype(np.int64, copy=False)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scores(ByValue):
    """The logits of the network's branches for an image.

    Attributes:
        logits: float32 (C,) by branch, "joint", "O", "D", "C"; those of D, C and joint are missing until computed.
    """

    logits: Mapping[str, NDArray[np.float32]]

    @property
    def answer(self) -> str:
        """The branch of the network's prediction: "joint", or "O" if there are no joint logits (yet)."""
        return "joint" if "joint" in self.logits else "O"

    @property
    def predicted(self) -> int:
        """The class of the network's prediction; of several with the same logit the first."""
        return int(np.nan_to_num(self.logits[self.answer], nan=-np.inf).argmax())

    def probabilities(self, branch: str) -> NDArray[np.float64]:
        """Return the softmax of a branch's logits, shape (C,)."""
        logits = self.logits[branch].astype(np.float64)
        powers = np.exp(logits - logits.max())
        shares: NDArray[np.float64] = powers / powers.sum()
        return shares

    def rival(self, index: int, branch: str | None = None) -> int | None:
        """Return the strongest other class of a branch (None: of the network's prediction); None if there is none."""
        logits = np.nan_to_num(self.logits[branch or self.answer].astype(np.float64), nan=-np.inf)
        if len(logits) < 2:
            return None
        logits[index] = -np.inf
        return int(logits.argmax())

    def margin(self, target: int, versus: int | None, branch: str | None = None) -> float:
        """Return a branch's logit of a class less that of another one (None: the logit itself)."""
        logits = self.logits[branch or self.answer].astype(np.float64)
        return float(logits[target] - (0.0 if versus is None else logits[versus]))

    @property
    def is_finite(self) -> bool:
        """Whether all logits are finite; otherwise there is no valid prediction."""
        return all(bool(np.isfinite(logits).all()) for logits in self.logits.values())


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """All intermediates and results for one image. Compared by value.

    Attributes:
        response: The result of branch O: the image, R, the class maps.
        warps: Peaks, sampling maps, grids and warped images of D and C.
        scores: The branches' logits.
    """

    response: Response
    warps: Warps
    scores: Scores

    def top(self, branch: str | None = None, count: int = 5) -> tuple[Score, ...]:
        """Return the most probable classes of a branch (None: of the network's prediction); ties in order of index."""
        shares = self.scores.probabilities(branch or self.scores.answer)
        order = strongest(shares, count).tolist()
        return tuple(Score(index=i, name=self.response.classes[i], probability=float(shares[i])) for i in order)

    @property
    def prediction(self) -> Score:
        """The predicted class."""
        return self.top(count=1)[0]

    # Coordinates

    def original_to_warped(self, branch: Warped, x: float, y: float) -> Place | None:
        """Convert original pixels to pixels of the image of D or C; None where it does not show the point."""
        frame = self.response.frame
        if not frame.shows((x, y)):
            return None
        place = np.clip(frame.from_original(np.array([x, y])), -1, 1)
        return through_inverse(self.warps.grid(branch), (place[0], place[1]), len(self.warps.image(branch)))

    def warped_to_original(self, branch: Warped, x: float, y: float) -> Place:
        """Convert pixels of the image of D or C to original pixels."""
        place = through_grid(self.warps.grid(branch), (x, y), len(self.warps.image(branch)))
        original = self.response.frame.to_original(np.array(place))
        return float(original[0]), float(original[1])

    def magnification_at(self, branch: Warped, x: float, y: float) -> float | None:
        """Return the magnification (a ratio of areas) at a point of the original; None if D or C does not show it."""
        frame = self.response.frame
        if not frame.shows((x, y)):
            return None
        place = np.clip(frame.from_original(np.array([x, y])), -1, 1)
        return magnification_at(self.warps.grid(branch), (place[0], place[1]))

    def grid_in_original(self, branch: Warped) -> NDArray[np.float64]:
        """Return the nodes of the deformed grid in original pixels, shape (H, W, 2), (x, y), as drawn in Figure 1."""
        return self.response.frame.to_original(self.warps.grid(branch))
