"""What looking into images leaves between its steps, on the model's device, and each step's part of an inspection in NumPy.

A step's part is brought from the device once: another place of a peak leaves the response and the class maps where they are,
and the scores bring nothing but themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.datasets.transforms import source_box
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.inspection import Response, Scores, Warps
from s3n_core.inspection.peak_editing import CountedPeaks, list_peaks
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.configuration import Sampling
from s3n_core.method.network import Look, S3NOutput
from s3n_core.method.sampler import Response as BatchResponse
from s3n_core.method.sampler import Samples, SelectiveSampler
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_pixels

MOST_MAP_VALUES = 65_536
"""Class maps of all classes are kept up to so many values an image; beyond it those of the likeliest and predicted."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A batch of images and what the original branch makes of them, on the model's device.

    Attributes:
        model: The model.
        names: The images' names, which key the draws.
        shown: Each whole original as it will be shown, uint8 (h, w, 3), and its scale.
        sizes: (width, height) of each original, in pixels.
        look: What the original branch sees in them.
    """

    model: Model
    names: tuple[str, ...]
    shown: tuple[tuple[NDArray[np.uint8], float], ...]
    sizes: tuple[tuple[int, int], ...]
    look: Look

    def frame(self, row: int) -> ViewFrame:
        """Where an image's square lies in its original."""
        preprocess = self.model.preprocess
        return ViewFrame(box=source_box(self.sizes[row], preprocess), size=preprocess.source_size)


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
    response: BatchResponse
    samples: Samples

    def responses(self, scores: tuple[Scores, ...]) -> tuple[Response, ...]:
        """Return what was found in each image; the scores say which class maps are worth keeping where there are many."""
        return tuple(self._response(row, self._mapped(row, of_image)) for row, of_image in enumerate(scores))

    @cached_property
    def _described(self) -> dict[tuple[int, tuple[int, ...]], Response]:
        return {}

    @cached_property
    def _ranked(self) -> NDArray[np.int64]:
        gate = torch.nan_to_num(self.response.logits.float())  # ranked as `merge_response_maps` ranks them
        ranked: NDArray[np.int64] = (
            gate.topk(min(self.sampler.config.merged_classes, gate.shape[1]), dim=1).indices.cpu().numpy()
        )
        return ranked

    def _mapped(self, row: int, scores: Scores) -> tuple[int, ...]:
        """Indices of the classes whose maps are kept: all, or those merged and each branch's five likeliest."""
        maps = self.response.maps[row]
        if maps.numel() <= MOST_MAP_VALUES:
            return tuple(range(len(maps)))
        likeliest = [np.argsort(-values, kind="stable")[:5] for values in scores.logits.values()]
        return tuple(sorted({int(index) for indices in (self._ranked[row], *likeliest) for index in indices}))

    def _response(self, row: int, mapped: tuple[int, ...]) -> Response:
        if (row, mapped) not in self._described:
            prepared, response, config = self.prepared, self.response, self.sampler.config
            model, (image, scale) = prepared.model, prepared.shown[row]
            frame, sure = prepared.frame(row), bool(response.sure[row])
            self._described[row, mapped] = Response(
                name=prepared.names[row],
                image=image,
                image_scale=scale,
                image_size=prepared.sizes[row],
                source_box=frame.box,
                source_size=frame.size,
                classes=model.classes,
                gate_logits=to_array(response.logits[row]),
                entropy=float(response.entropy[row]),
                delta=config.entropy_threshold,
                sure=sure,
                merged_classes=tuple(self._ranked[row].tolist()[: 1 if sure else None]),
                class_maps=to_array(response.maps[row, list(mapped)]),
                mapped_classes=mapped,
                alignment=config.alignment,
                map=to_array(response.response[row]),
                window=config.window,
                floor=config.floor,
                attention=config.attention,
                model=model.path.name,
                model_digest=model.digest,
                precision=model.precision,
                device=model.device,
            )
        return self._described[row, mapped]


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

    @cached_property
    def warps(self) -> tuple[Warps, ...]:
        """Where D and C look in each image."""
        found, samples = self.found, self.samples
        config = found.sampler.config
        images_d, images_c = to_pixels(self.images_d), to_pixels(self.images_c)
        return tuple(
            Warps(
                settings=self.settings,
                sampling=found.sampling,
                control=config.control,
                peaks=list_peaks(
                    self.counted, row, found.prepared.frame(row), drawn=found.sampling in ("random", "coin")
                ),
                base=config.base,
                beta_1=float(found.sampler.beta_d),
                beta_2=float(found.sampler.beta_c),
                map_d=to_array(samples.map_d[row]),
                map_c=to_array(samples.map_c[row]),
                grid_d=to_array(samples.grid_d[row]),
                grid_c=to_array(samples.grid_c[row]),
                image_d=images_d[row],
                image_c=images_c[row],
            )
            for row in range(len(found.prepared.names))
        )


def scores_of(output: S3NOutput) -> tuple[Scores, ...]:
    """Return what the branches say of each image of a batch."""
    joint = {} if output.joint is None else {"joint": output.joint}
    logits = {branch: to_array(values) for branch, values in (joint | output.branches()).items()}
    return tuple(
        Scores(logits={branch: values[row] for branch, values in logits.items()}) for row in range(len(output.original))
    )


def to_array(tensor: Tensor) -> NDArray[np.float32]:
    """Bring a tensor to NumPy, in float32 and in order."""
    array: NDArray[np.float32] = np.ascontiguousarray(tensor.float().cpu().numpy())
    return array
