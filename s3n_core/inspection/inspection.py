"""Everything that a network saw in one image, as NumPy arrays and plain values, with places in original pixels.

Free of torch: the window, the figures and a file on disk hold the same type. `inspect` fills it in one call;
`analysis.inspector` does so in steps, for those who ask often.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.inspection import summary
from s3n_core.inspection.geometry import (
    Place,
    ViewFrame,
    cell_places,
    magnification_map,
    reading_matrix,
    through_grid,
    through_inverse,
)
from s3n_core.inspection.peak import Peak as Peak
from s3n_core.inspection.peak import PeakSet as PeakSet
from s3n_core.inspection.peak import Score as Score
from s3n_core.inspection.peak import Warped as Warped
from s3n_core.inspection.settings import Cell as Cell
from s3n_core.inspection.settings import InspectionSettings as InspectionSettings
from s3n_core.inspection.settings import PeakEdit as PeakEdit
from s3n_core.method.configuration import Alignment, Attention, Control, Sampling

if TYPE_CHECKING:
    from s3n_core.models.opening import Model

MOST_IMAGE_SIDE = 2048
"""Largest side of the original that an inspection keeps, in pixels; a larger one is kept scaled down."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Inspection:
    """Every intermediate of one image; symbols as in the paper.

    Attributes:
        name: The image's name; it keys the draws.
        image: The whole upright original, RGB uint8, shape (h, w, 3), scaled down by ``image_scale`` if it is huge.
        image_scale: Pixels of ``image`` a pixel of the original, at most 1.
        image_size: (width, height) of the original, in pixels.
        source_box: (x0, y0, x1, y1): the part of the original that the network sees, in original pixels.
        source_size: Side of the square that the warps sample, in pixels.
        classes: Class names, by index.
        logits: By answer, "joint", "O", "D", "C", float32 (C,); those of D, C and joint are missing until they are computed.
        gate_logits: Scores that ranked the classes and decided the rule, float32 (C,): O's logits in the paper's form.
        entropy: H of Eq. 2, in nats.
        delta: The threshold of Eq. 3, in nats.
        sure: H <= delta: R is the map of the likeliest class alone.
        merged_classes: Indices of the classes whose maps R averages, the likeliest first.
        class_maps: Class response maps M of some classes, float32 (n, h, w), at the features' own size.
        mapped_classes: Indices of those classes: all of them if they are small, else the likeliest and the predicted.
        alignment: How R reads the features: "origins", "centres" or "corners" (`configuration.Alignment`).
        response: R, float32 (H, W), in [0, 1].
        peaks: T, the highest first.
        map_d: Q_d, float32 (H, W).
        map_c: Q_c, float32 (H, W).
        grid_d: f and g of Q_d a cell, float32 (H, W, 2), (x, y) in [-1, 1] of the square, aligned corners.
        grid_c: The same of Q_c.
        images_d: The discriminative image, RGB uint8, shape (s, s, 3).
        images_c: The complementary image.
        beta_1: Radius of Eq. 5 in D, in cells.
        beta_2: Radius of Eq. 5 in C, in cells.
        window: Side of a peak's window, in cells.
        floor: Least response of a peak.
        base: Constant that Q starts from.
        sampling: How the peaks were divided.
        attention: "sparse" (peaks make the maps) or a dense map, under which the peaks are only shown.
        control: What stands in for the warps in a control experiment, "none" in the method.
        settings: What was asked for.
        precision: Of the network's layers.
        device: Where it was computed.
        model: The model file's name.
        model_digest: First 16 hexadecimal digits of its SHA-256.
    """

    name: str
    image: NDArray[np.uint8]
    image_scale: float
    image_size: tuple[int, int]
    source_box: tuple[float, float, float, float]
    source_size: int
    classes: tuple[str, ...]
    logits: Mapping[str, NDArray[np.float32]]
    gate_logits: NDArray[np.float32]
    entropy: float
    delta: float
    sure: bool
    merged_classes: tuple[int, ...]
    class_maps: NDArray[np.float32]
    mapped_classes: tuple[int, ...]
    alignment: Alignment
    response: NDArray[np.float32]
    peaks: tuple[Peak, ...]
    map_d: NDArray[np.float32]
    map_c: NDArray[np.float32]
    grid_d: NDArray[np.float32]
    grid_c: NDArray[np.float32]
    images_d: NDArray[np.uint8]
    images_c: NDArray[np.uint8]
    beta_1: float
    beta_2: float
    window: int
    floor: Literal["mean", "none"] | float
    base: float
    sampling: Sampling
    attention: Attention
    control: Control
    settings: InspectionSettings
    precision: str
    device: str
    model: str
    model_digest: str

    # What the network says

    @property
    def answer(self) -> str:
        """Whose answer is the network's: "joint", or "O" where there is no joint head or it has not been computed yet."""
        return "joint" if "joint" in self.logits else "O"

    def probabilities(self, answer: str) -> NDArray[np.float64]:
        """Return the softmax of an answer's logits, shape (C,)."""
        logits = self.logits[answer].astype(np.float64)
        powers = np.exp(logits - logits.max())
        shares: NDArray[np.float64] = powers / powers.sum()
        return shares

    def top(self, answer: str | None = None, count: int = 5) -> tuple[Score, ...]:
        """Return the likeliest classes of "joint", "O", "D" or "C", None: of the network's answer; ties in order of index."""
        shares = self.probabilities(answer or self.answer)
        order = np.argsort(-shares, kind="stable")[:count].tolist()
        return tuple(Score(index=i, name=self.classes[i], probability=float(shares[i])) for i in order)

    @property
    def prediction(self) -> Score:
        """The network's likeliest class."""
        return self.top(count=1)[0]

    @property
    def is_finite(self) -> bool:
        """Whether all logits are finite numbers; the network has answered nothing otherwise."""
        return all(bool(np.isfinite(logits).all()) for logits in self.logits.values())

    @property
    def rule(self) -> str:
        """One sentence on which rule of Eq. 3 applied, and why."""
        return summary.rule_sentence(self)

    # Maps

    def class_map(self, index: int) -> NDArray[np.float32] | None:
        """Return M of a class at the features' own size, shape (h, w), or None if it was not kept."""
        if index not in self.mapped_classes:
            return None
        kept: NDArray[np.float32] = self.class_maps[self.mapped_classes.index(index)]
        return kept

    def class_response(self, index: int) -> NDArray[np.float64] | None:
        """Return a class's map as R would show it, shape (H, W), in [0, 1], or None if it was not kept."""
        kept = self.class_map(index)
        if kept is None:
            return None
        rows, columns = (
            _reading(n, cells, self.alignment) for n, cells in zip(kept.shape, self.response.shape, strict=True)
        )
        read = rows @ kept.astype(np.float64) @ columns.T
        low, span = read.min(), read.max() - read.min()
        shown: NDArray[np.float64] = (read - low) / span if span > 1e-6 * np.abs(read).max() else np.zeros_like(read)
        return shown

    def magnification(self, branch: Warped) -> NDArray[np.float64]:
        """Return how much each grid square is magnified, as an area ratio, shape (H - 1, W - 1); infinite where clamped."""
        return magnification_map(self.grid(branch))

    def grid(self, branch: Warped) -> NDArray[np.float32]:
        """Return the grid of D or C, shape (H, W, 2)."""
        return self.grid_d if branch == "D" else self.grid_c

    def warped_image(self, branch: Warped) -> NDArray[np.uint8]:
        """Return the image of D or C, shape (s, s, 3)."""
        return self.images_d if branch == "D" else self.images_c

    # Places

    @property
    def frame(self) -> ViewFrame:
        """Where the network's square lies in the original."""
        return ViewFrame(box=self.source_box, size=self.source_size)

    def cell_to_original(self, row: float, column: float) -> Place:
        """Return the place of a cell of R, Q_d or Q_c in original pixels."""
        rows, columns = self.response.shape
        x, y = self.frame.to_original(np.array([column / (columns - 1), row / (rows - 1)]) * 2 - 1)
        return float(x), float(y)

    def original_to_cell(self, x: float, y: float) -> tuple[float, float] | None:
        """Return the (row, column), with fractions, of a place of the original; None outside what the network sees."""
        if not self.frame.shows((x, y)):
            return None
        rows, columns = self.response.shape
        column, row = (np.clip(self.frame.from_original(np.array([x, y])), -1, 1) + 1) / 2 * (columns - 1, rows - 1)
        return float(row), float(column)

    def original_to_warped(self, branch: Warped, x: float, y: float) -> Place | None:
        """Return where a place of the original lies in the image of D or C, in its pixels; None where it is not shown."""
        if not self.frame.shows((x, y)):
            return None
        place = np.clip(self.frame.from_original(np.array([x, y])), -1, 1)
        return through_inverse(self.grid(branch), (place[0], place[1]), len(self.warped_image(branch)))

    def warped_to_original(self, branch: Warped, x: float, y: float) -> Place:
        """Return where in the original a place of the image of D or C was taken from."""
        place = through_grid(self.grid(branch), (x, y), len(self.warped_image(branch)))
        original = self.frame.to_original(np.array(place))
        return float(original[0]), float(original[1])

    def grid_in_original(self, branch: Warped) -> NDArray[np.float64]:
        """Return the deformed grid's nodes in original pixels, shape (H, W, 2), (x, y): the lines of Figure 1."""
        return self.frame.to_original(self.grid(branch))

    def cells_in_original(self) -> NDArray[np.float64]:
        """Return the places of R's cells in original pixels, shape (H, W, 2), (x, y)."""
        return self.frame.to_original(cell_places(*self.response.shape))

    # For files

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return every array by name, as for an .npz file; peaks as columns, highest first (zeta NaN where none is drawn)."""
        return summary.arrays_of(self)

    def to_dict(self) -> dict[str, Any]:
        """Return a summary that JSON holds: everything but the arrays, and the five likeliest classes an answer."""
        return summary.summary_of(self)


def inspect(
    model: Model,
    image: Path | Image.Image | NDArray[np.uint8],
    *,
    name: str | None = None,
    settings: InspectionSettings | None = None,
) -> Inspection:
    """Look into one image.

    Args:
        model: An opened model.
        image: An image file, a decoded RGB image, or RGB pixels, uint8, shape (h, w, 3).
        name: The image's name, which keys the draws; None takes the file's.
        settings: What to change; None changes nothing.

    Returns:
        The inspection, with all scores.

    Raises:
        UnreadableImage: If the file cannot be decoded.
    """
    from s3n_core.datasets.decoding import read_image
    from s3n_core.inspection.inspector import Inspector

    if isinstance(image, Path):
        name = image.name if name is None else name
        image = read_image(image)
    elif not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    inspector = Inspector(model)
    return inspector.inspect(inspector.prepare(image, name or ""), settings)


def _reading(source: int, cells: int, alignment: Alignment) -> NDArray[np.float64]:
    """Return the (cells, source) matrix with which R reads a feature map along one axis (`method.response_maps`)."""
    cell = np.arange(cells)
    if alignment == "corners":
        place = cell * (source - 1) / (cells - 1)
    else:
        place = np.clip(cell * source / (cells - 1) - (0.5 if alignment == "centres" else 0.0), 0, source - 1)
    return reading_matrix(place, source)
