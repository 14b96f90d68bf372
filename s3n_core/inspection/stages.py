"""What looking into images leaves between its steps: prepared images, and resampled ones. On the model's device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.inspection.peak_editing import CountedPeaks
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.configuration import Sampling
from s3n_core.method.network import Look
from s3n_core.method.sampler import Response, Samples, SelectiveSampler


@dataclass(frozen=True, eq=False)
class Prepared:
    """A batch of images and what the original branch makes of them, on the model's device.

    Attributes:
        names: The images' names, which key the draws.
        shown: Each whole original as it will be shown, uint8 (h, w, 3), and its scale.
        sizes: (width, height) of each original, in pixels.
        look: What the original branch sees in them.
    """

    names: tuple[str, ...]
    shown: tuple[tuple[NDArray[np.uint8], float], ...]
    sizes: tuple[tuple[int, int], ...]
    look: Look


@dataclass(frozen=True, eq=False)
class Found:
    """What the original branch finds under given numbers, before any peak is changed by hand.

    Attributes:
        prepared: The images.
        numbers: What was asked for, without edits.
        sampler: The sampler with those numbers.
        sampling: How the peaks are divided.
        draws: zeta, shape (B, H, W), where the mode or the control draws.
        response: The response as it was found; in the control with random places, as it was scattered.
        samples: Maps and grids.
    """

    prepared: Prepared
    numbers: InspectionSettings
    sampler: SelectiveSampler
    sampling: Sampling
    draws: Tensor | None
    response: Response
    samples: Samples


@dataclass(frozen=True, eq=False)
class Resampled:
    """Where D and C look under given settings, before they are asked what they see.

    Attributes:
        found: What was found, which edits of peaks do not touch.
        settings: What was asked for.
        counted: The peaks as they count, after any edits.
        samples: Maps and grids, after any edits.
        images_d: D's images, shape (B, 3, s, s), normalised.
        images_c: C's images.
    """

    found: Found
    settings: InspectionSettings
    counted: CountedPeaks
    samples: Samples
    images_d: Tensor
    images_c: Tensor
