"""From tensors to inspections: what a person sees and a file holds, as NumPy arrays and plain values."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from s3n_core.datasets.transforms import source_box
from s3n_core.inspection.geometry import ViewFrame
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.peak_editing import list_peaks
from s3n_core.inspection.stages import Found, Resampled
from s3n_core.method.network import S3NOutput
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_pixels

MOST_MAP_VALUES = 65_536
"""Class maps of all classes are kept up to so many values an image; beyond it those of the likeliest and predicted."""


class Descriptions:
    """Describes what one model sees.

    What the last description brought from the device is not brought again: after a change of peaks the response and the
    class maps are the same objects as before, and when the scores have come, everything else is. Whoever sends inspections
    on can tell from that what is new.

    Args:
        model: The model.
    """

    def __init__(self, model: Model) -> None:
        self._model = model
        self._evidence: _Evidence | None = None
        self._warps: _Warps | None = None

    def of(self, resampled: Resampled, output: S3NOutput | None) -> tuple[Inspection, ...]:
        """Return one inspection an image, without the scores of D, C and joint if ``output`` is None."""
        found = resampled.found
        if self._evidence is None or self._evidence.found is not found:
            self._evidence = _Evidence(found)
        if self._warps is None or self._warps.resampled is not resampled:
            self._warps = _Warps(resampled)
        if output is None:
            output = S3NOutput(None, found.prepared.look.original, None, None)
        joint = {} if output.joint is None else {"joint": output.joint}
        logits = {answer: to_array(values) for answer, values in (joint | output.branches()).items()}
        rows = range(len(found.prepared.names))
        return tuple(self._describe(resampled, {a: values[row] for a, values in logits.items()}, row) for row in rows)

    def _describe(self, resampled: Resampled, logits: dict[str, NDArray[np.float32]], row: int) -> Inspection:
        evidence, warps, model = self._evidence, self._warps, self._model
        assert evidence is not None
        assert warps is not None
        found = resampled.found
        prepared, config = found.prepared, found.sampler.config
        sure = bool(evidence.sure[row])
        image, scale = prepared.shown[row]
        frame = ViewFrame(box=source_box(prepared.sizes[row], model.preprocess), size=model.preprocess.source_size)
        mapped = evidence.mapped_classes(row, logits)
        return Inspection(
            name=prepared.names[row],
            image=image,
            image_scale=scale,
            image_size=prepared.sizes[row],
            source_box=frame.box,
            source_size=frame.size,
            classes=model.classes,
            logits=logits,
            gate_logits=evidence.gate_logits[row],
            entropy=float(evidence.entropy[row]),
            delta=config.entropy_threshold,
            sure=sure,
            merged_classes=tuple(evidence.ranked[row].tolist()[: 1 if sure else None]),
            class_maps=evidence.class_maps(row, mapped),
            mapped_classes=mapped,
            alignment=config.alignment,
            response=evidence.response[row],
            peaks=list_peaks(resampled.counted, row, frame, drawn=found.sampling in ("random", "coin")),
            map_d=warps.map_d[row],
            map_c=warps.map_c[row],
            grid_d=warps.grid_d[row],
            grid_c=warps.grid_c[row],
            images_d=warps.images_d[row],
            images_c=warps.images_c[row],
            beta_1=evidence.betas[0],
            beta_2=evidence.betas[1],
            window=config.window,
            floor=config.floor,
            base=config.base,
            sampling=found.sampling,
            attention=config.attention,
            control=config.control,
            settings=resampled.settings,
            precision=model.precision,
            device=model.device,
            model=model.path.name,
            model_digest=model.digest,
        )


class _Evidence:
    """What was found in a batch, an array an image."""

    def __init__(self, found: Found) -> None:
        self.found = found
        response, config = found.response, found.sampler.config
        self.gate_logits = tuple(to_array(response.logits))
        gate = torch.nan_to_num(response.logits.float())  # ranked as `merge_response_maps` ranks them
        self.ranked = gate.topk(min(config.merged_classes, gate.shape[1]), dim=1).indices.cpu().numpy()
        self.sure, self.entropy = response.sure.cpu().numpy(), to_array(response.entropy)
        self.response = tuple(to_array(response.response))
        self.betas = float(found.sampler.beta_d), float(found.sampler.beta_c)
        self._all_maps = response.maps[0].numel() <= MOST_MAP_VALUES
        self._class_maps: dict[tuple[int, tuple[int, ...]], NDArray[np.float32]] = {}

    def mapped_classes(self, row: int, logits: dict[str, NDArray[np.float32]]) -> tuple[int, ...]:
        """Indices of the classes whose maps are kept: all, or those merged and each answer's five likeliest."""
        if self._all_maps:
            return tuple(range(len(self.gate_logits[row])))
        likeliest = [np.argsort(-values, kind="stable")[:5] for values in logits.values()]
        return tuple(sorted({int(index) for indices in (self.ranked[row], *likeliest) for index in indices}))

    def class_maps(self, row: int, mapped: tuple[int, ...]) -> NDArray[np.float32]:
        """M of some classes, shape (n, h, w)."""
        if (row, mapped) not in self._class_maps:
            self._class_maps[row, mapped] = to_array(self.found.response.maps[row, list(mapped)])
        return self._class_maps[row, mapped]


class _Warps:
    """Maps, grids and warped images of a batch, an array an image."""

    def __init__(self, resampled: Resampled) -> None:
        self.resampled = resampled
        samples = resampled.samples
        self.map_d, self.map_c = tuple(to_array(samples.map_d)), tuple(to_array(samples.map_c))
        self.grid_d, self.grid_c = tuple(to_array(samples.grid_d)), tuple(to_array(samples.grid_c))
        self.images_d, self.images_c = tuple(to_pixels(resampled.images_d)), tuple(to_pixels(resampled.images_c))


def to_array(tensor: Tensor) -> NDArray[np.float32]:
    """Bring a tensor to NumPy, in float32 and in order."""
    array: NDArray[np.float32] = np.ascontiguousarray(tensor.float().cpu().numpy())
    return array
