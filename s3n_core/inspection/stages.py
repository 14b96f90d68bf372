"""The intermediate states of an inspection, on the model's device, and their conversion to NumPy.

Each part is copied from the device once: moving a peak does not copy the response and the class maps again, and
classifying copies only the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.datasets.transforms import source_box
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.inspection import Response, Scores, Warps, strongest
from s3n_core.inspection.peak import Peak
from s3n_core.inspection.peak_editing import CountedPeaks, list_peaks
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.method.configuration import Sampling
from s3n_core.method.contributions import CellContributions
from s3n_core.method.network import Look, S3NOutput
from s3n_core.method.sampler import Response as BatchResponse
from s3n_core.method.sampler import Samples, SelectiveSampler
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_pixels

MOST_MAP_VALUES = 65_536
"""Up to this many values per image all class maps are kept; beyond it, only those of the most probable classes."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A batch of images and the output of branch O for them, on the model's device.

    Attributes:
        model: The model.
        names: The images' names, the keys of the draws.
        shown: Each original for display, uint8 (h, w, 3), and its scale.
        sizes: (width, height) of each original, in pixels.
        look: The output of branch O.
    """

    model: Model
    names: tuple[str, ...]
    shown: tuple[tuple[NDArray[np.uint8], float], ...]
    sizes: tuple[tuple[int, int], ...]
    look: Look

    def select(self, rows: Sequence[int]) -> Prepared:
        """Return a subset of the images."""
        return Prepared(
            model=self.model,
            names=tuple(self.names[row] for row in rows),
            shown=tuple(self.shown[row] for row in rows) if self.shown else (),
            sizes=tuple(self.sizes[row] for row in rows) if self.sizes else (),
            look=self.look.select(torch.tensor(rows, device=self.look.original.device)),
        )

    def frame(self, row: int) -> ViewFrame:
        """Return the position of an image's square in its original."""
        preprocess = self.model.preprocess
        return ViewFrame(box=source_box(self.sizes[row], preprocess), size=preprocess.source_size)


@dataclass(frozen=True, eq=False)
class Found:
    """The response and peaks under given settings, before any edits of peaks.

    Attributes:
        prepared: The images.
        numbers: The settings, without edits.
        sampler: The sampler with those settings.
        sampling: How the peaks are assigned.
        draws: zeta, shape (B, H, W), if the mode or the control needs draws.
        response: The response as found; in the control with random places, as permuted.
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
        """Return the response of each image; if there are many classes, the scores select the class maps to keep."""
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
        """Return the indices of the classes whose maps are kept: all, or the merged ones and each branch's top five."""
        maps = self.response.maps[row]
        if maps.numel() <= MOST_MAP_VALUES:
            return tuple(range(len(maps)))
        likeliest = [strongest(values, 5) for values in scores.logits.values()]
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
                span=model.network.span,
                map=to_array(response.response[row]),
                window=config.window,
                floor=config.floor,
                attention=config.attention,
                model=model.path.name,
                model_digest=model.digest,
                precision=model.precision,
                device=model.device,
                licence=model.header.network.licence_notice,
            )
        return self._described[row, mapped]


@dataclass(frozen=True, eq=False)
class Resampled:
    """The warped images under given settings, before D and C classify them.

    Attributes:
        found: The response and peaks before edits.
        settings: The settings.
        counted: The peaks after any edits.
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

    @property
    def response(self) -> BatchResponse:
        """The response with the peaks after any edits."""
        return replace(self.found.response, peaks=self.counted.peaks, response=self.counted.response)

    @cached_property
    def peaks(self) -> tuple[tuple[Peak, ...], ...]:
        """Return the peaks of each image after any edits, highest first, including those switched off."""
        found = self.found
        drawn = found.sampling in ("random", "coin")
        rows = range(len(found.prepared.names))
        return tuple(list_peaks(self.counted, row, found.prepared.frame(row), drawn=drawn) for row in rows)

    @cached_property
    def warps(self) -> tuple[Warps, ...]:
        """Return the warps of each image."""
        found, samples = self.found, self.samples
        config = found.sampler.config
        images_d, images_c = to_pixels(self.images_d), to_pixels(self.images_c)
        return tuple(
            Warps(
                settings=self.settings,
                sampling=found.sampling,
                control=config.control,
                peaks=self.peaks[row],
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


def placed_contributions(
    resampled: Resampled, cells: CellContributions, targets: Tensor, versus: Tensor | None
) -> tuple[Contributions, ...]:
    """Convert the contributions of a pass to NumPy and to original pixels, one result per image.

    Args:
        resampled: The pass.
        cells: Its contributions.
        targets: The class of each image, int64, shape (B,).
        versus: The class whose logit is subtracted, alike, or None.
    """
    prepared = resampled.found.prepared
    model = prepared.model
    values = {branch: to_array(of_cells) for branch, of_cells in cells.values.items()}
    places = {branch: to_array(of_cells) for branch, of_cells in cells.places.items()}
    corners = {branch: to_array(of_cells) for branch, of_cells in cells.corners.items()}
    biases, indices = cells.bias.tolist(), targets.tolist()
    others = [None] * len(indices) if versus is None else versus.tolist()
    found = []
    for row, name in enumerate(prepared.names):
        frame = prepared.frame(row)
        found.append(
            Contributions(
                name=name,
                head=cells.head,
                target=indices[row],
                versus=others[row],
                values={branch: of_images[row] for branch, of_images in values.items()},
                places={
                    branch: frame.to_original(of_images[row]).astype(np.float32) for branch, of_images in places.items()
                },
                corners={
                    branch: frame.to_original(of_images[row]).astype(np.float32)
                    for branch, of_images in corners.items()
                },
                bias=biases[row],
                peaks=tuple(peak for peak in resampled.peaks[row] if peak.set != "off"),
                image_size=prepared.sizes[row],
                classes=model.classes,
                model=model.path.name,
                model_digest=model.digest,
                precision=model.precision,
            )
        )
    return tuple(found)


def scores_of(output: S3NOutput) -> tuple[Scores, ...]:
    """Return the branches' scores for each image of a batch."""
    joint = {} if output.joint is None else {"joint": output.joint}
    logits = {branch: to_array(values) for branch, values in (joint | output.branches()).items()}
    return tuple(
        Scores(logits={branch: values[row] for branch, values in logits.items()}) for row in range(len(output.original))
    )


def to_array(tensor: Tensor) -> NDArray[np.float32]:
    """Convert a tensor to a contiguous float32 array."""
    array: NDArray[np.float32] = np.ascontiguousarray(tensor.float().cpu().numpy())
    return array
