"""From a decoded image to the network's square input, and from that square back to image coordinates.

Each view is one antialiased resample of a box of the original (Pillow's ``resize(box=...)``). The result equals
resizing the whole image and then cropping, at less cost, and the box is exactly the visible region.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.value_ranges import ValueRanges
from s3n_core.system.json_values import to_json

Resize = Literal["squash", "squash_crop", "keep_crop"]
Interpolation = Literal["bilinear", "bicubic"]
PixelBox = tuple[float, float, float, float]
"""(x0, y0, x1, y1) in pixels of the original; (0, 0) is the upper left corner of the first pixel."""

_TRIES = 10  # as torchvision's RandomResizedCrop


@dataclass(frozen=True, slots=True, kw_only=True)
class Preprocess:
    """How an image becomes a network's input; stored in every model file.

    Attributes:
        input_size: Side of the backbone's square input, in pixels.
        source_size: Side of the square view, at least ``input_size``, in pixels: the warped branches sample from it.
        resize: ``squash``: the whole image, ignoring its aspect ratio (the paper). ``squash_crop``: the same, but
            ``resize_ratio`` times larger and then centre-cropped (the authors' release). ``keep_crop``: the short side
            is resized and the centre is cropped, which keeps the aspect ratio.
        resize_ratio: Side of the squashed image over the side of its centre crop, at least 1; ``squash_crop`` only.
        interpolation: How pixels are interpolated; always antialiased.
        integer_range: The values that become black and white in images of more than 8 bits of whole numbers; None: there was no
            such training image.
        float_range: The same for images of floating point numbers.
    """

    input_size: int = 448
    source_size: int = 448
    resize: Resize = "squash"
    resize_ratio: float = 600 / 448
    interpolation: Interpolation = "bilinear"
    integer_range: tuple[float, float] | None = None
    float_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.input_size <= self.source_size:
            raise ValueError(
                f"input_size {self.input_size} must be at least 1 and at most source_size {self.source_size}"
            )
        if self.resize not in get_args(Resize):
            raise ValueError(f"resize must be one of {', '.join(get_args(Resize))}, not {self.resize!r}")
        if not (math.isfinite(self.resize_ratio) and self.resize_ratio >= 1):
            raise ValueError(f"resize_ratio must be a number of at least 1, not {self.resize_ratio}")
        if self.interpolation not in get_args(Interpolation):
            raise ValueError(
                f"interpolation must be one of {', '.join(get_args(Interpolation))}, not {self.interpolation!r}"
            )
        ValueRanges(self.integer_range, self.float_range)  # says what is wrong with them

    @property
    def ranges(self) -> ValueRanges:
        """The ranges of values of more than 8 bits, which whoever decodes an image for this model hands to the decoder."""
        return ValueRanges(self.integer_range, self.float_range)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a model file holds them: without those of later versions where they say nothing."""
        fields = {field.name: to_json(getattr(self, field.name)) for field in dataclasses.fields(self)}
        if self.interpolation == "bilinear":
            del fields["interpolation"]
        return {name: value for name, value in fields.items() if value is not None}

    @property
    def view_share(self) -> float | None:
        """The share of an image's area that the test view shows, in (0, 1]; None if it depends on the image's shape."""
        match self.resize:
            case "squash":
                return 1.0
            case "squash_crop":
                return self.resize_ratio**-2
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmentation:
    """Random changes of a training view.

    Attributes:
        crop_scale: Smallest and largest area of a random crop, as a share of the image's area; None: no random crop,
            but the box of the test view.
        crop_ratio: Smallest and largest aspect ratio (width over height) of the crop, before it becomes a square.
        flip: Flip views horizontally with probability 0.5.
    """

    crop_scale: tuple[float, float] | None = None
    crop_ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: bool = True

    def __post_init__(self) -> None:
        if self.crop_scale is not None and not 0 < self.crop_scale[0] <= self.crop_scale[1]:
            raise ValueError(f"crop_scale must be two rising positive numbers, not {self.crop_scale}")
        if not 0 < self.crop_ratio[0] <= self.crop_ratio[1]:
            raise ValueError(f"crop_ratio must be two rising positive numbers, not {self.crop_ratio}")


def source_box(image_size: tuple[int, int], preprocess: Preprocess) -> PixelBox:
    """Return the region of the original that the test view shows.

    A point (u, v) of the square, 0 to 1 along each side, is the point (x0 + u (x1 - x0), y0 + v (y1 - y0)) of the
    original. The box is exactly centred and does not depend on the square's size.

    Args:
        image_size: (width, height) of the upright original.
        preprocess: The model's preprocessing.
    """
    width, height = image_size
    match preprocess.resize:
        case "squash":
            shown_width, shown_height = float(width), float(height)
        case "squash_crop":
            shown_width, shown_height = width / preprocess.resize_ratio, height / preprocess.resize_ratio
        case "keep_crop":
            shown_width = shown_height = float(min(width, height))
    x0, y0 = (width - shown_width) / 2, (height - shown_height) / 2
    return (x0, y0, x0 + shown_width, y0 + shown_height)


def test_view(image: Image.Image, preprocess: Preprocess) -> NDArray[np.uint8]:
    """Return the deterministic view of an RGB image: uint8, shape (S, S, 3) with S = ``source_size``."""
    return _resampled(image, source_box(image.size, preprocess), preprocess)


# Because of its name, pytest would collect it in every test module that imports it.
test_view.__test__ = False  # type: ignore[attr-defined]


def train_view(
    image: Image.Image, preprocess: Preprocess, augmentation: Augmentation, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return an augmented view of an RGB image: uint8, shape (S, S, 3) with S = ``source_size``.

    Args:
        image: The decoded image.
        preprocess: The model's preprocessing.
        augmentation: The random changes.
        rng: The sample's own generator, keyed by (seed, epoch, sample).
    """
    box, mirrored = training_box(image.size, preprocess, augmentation, rng)
    view = _resampled(image, box, preprocess)
    return np.ascontiguousarray(view[:, ::-1]) if mirrored else view


def training_box(
    image_size: tuple[int, int], preprocess: Preprocess, augmentation: Augmentation, rng: np.random.Generator
) -> tuple[PixelBox, bool]:
    """Draw what an augmented view shows: the region of the original, and whether the view is its mirror image.

    Args:
        image_size: (width, height) of the upright original.
        preprocess: The model's preprocessing.
        augmentation: The random changes.
        rng: The sample's own generator, as in `train_view`.
    """
    mirrored = is_mirrored(augmentation, rng)  # drawn first: the crop uses a varying number of draws
    if augmentation.crop_scale is None:
        return source_box(image_size, preprocess), mirrored
    return random_crop_box(image_size, augmentation.crop_scale, augmentation.crop_ratio, rng), mirrored


def is_mirrored(augmentation: Augmentation, rng: np.random.Generator) -> bool:
    """Draw whether an augmented view is a mirror image; ``rng`` is the sample's own generator, at its beginning."""
    return augmentation.flip and rng.random() < 0.5


def random_crop_box(
    image_size: tuple[int, int],
    scale: tuple[float, float],
    ratio: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[int, int, int, int]:
    """Draw a crop as torchvision's ``RandomResizedCrop`` does.

    Ten attempts, with the area uniform in ``scale`` and the aspect ratio log-uniform in ``ratio``. If none fits into
    the image, the largest centred crop whose aspect ratio is within ``ratio``.

    Args:
        image_size: (width, height) of the image.
        scale: Smallest and largest area, as a share of the image's area.
        ratio: Smallest and largest aspect ratio (width over height).
        rng: The generator to draw from.

    Returns:
        (x0, y0, x1, y1) in whole pixels, inside the image.
    """
    width, height = image_size
    low, high = math.log(ratio[0]), math.log(ratio[1])
    for _ in range(_TRIES):
        area = width * height * rng.uniform(scale[0], scale[1])
        proportion = math.exp(rng.uniform(low, high))
        w, h = round(math.sqrt(area * proportion)), round(math.sqrt(area / proportion))
        if 0 < w <= width and 0 < h <= height:
            y0 = int(rng.integers(0, height - h + 1))
            x0 = int(rng.integers(0, width - w + 1))
            return (x0, y0, x0 + w, y0 + h)
    w, h = width, height
    if width / height < ratio[0]:
        h = max(1, round(width / ratio[0]))
    elif width / height > ratio[1]:
        w = max(1, round(height * ratio[1]))
    x0, y0 = (width - w) // 2, (height - h) // 2
    return (x0, y0, x0 + w, y0 + h)


def _resampled(image: Image.Image, box: PixelBox, preprocess: Preprocess) -> NDArray[np.uint8]:
    side, kind = preprocess.source_size, Image.Resampling[preprocess.interpolation.upper()]
    # reducing_gap=None: one exact pass, so a view does not depend on the scale factor.
    square = image.resize((side, side), kind, box=box, reducing_gap=None)
    return np.array(square, dtype=np.uint8)  # a copy, because asarray would be read-only
