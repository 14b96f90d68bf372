"""Looking into images: prepare once, ask often.

`prepare` runs the original branch, which no setting changes. `resample` divides the peaks and warps, without any pass of the
network, so that a dragged peak shows at once; `classify` then runs D and C on what came out. Together, with nothing changed,
they are `S3N.forward` step for step, and a test holds them to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from s3n_core.analysis.input_tensors import to_input, to_pixels
from s3n_core.analysis.inspection import MOST_IMAGE_SIDE, Inspection, InspectionSettings, Warped
from s3n_core.analysis.loaded_model import Model
from s3n_core.analysis.peak_editing import CountedPeaks, edit_peaks, list_peaks
from s3n_core.analysis.places import ViewFrame
from s3n_core.datasets.transforms import source_box, test_view
from s3n_core.devices import autocast
from s3n_core.method.configuration import Sampling
from s3n_core.method.network import S3NOutput
from s3n_core.method.resampling import invert_grid, resize_grid
from s3n_core.method.sampler import Response, Samples, SelectiveSampler
from s3n_core.method.sparse_attention import beta_from_radius
from s3n_core.seeding import peak_draws

MOST_MAP_VALUES = 65_536
"""Class maps of all classes are kept up to so many values an image; beyond it those of the likeliest and predicted."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A batch of images and what the original branch makes of them, on the model's device.

    Attributes:
        names: The images' names, which key the draws.
        shown: Each whole original as it will be shown, uint8 (h, w, 3), and its scale.
        sizes: (width, height) of each original, in pixels.
        images: Network input, shape (B, 3, S, S), normalised.
        features: S of the original branch, shape (B, D, h, w).
        pooled: F_O, shape (B, D).
        original: O's logits, shape (B, C).
    """

    names: tuple[str, ...]
    shown: tuple[tuple[NDArray[np.uint8], float], ...]
    sizes: tuple[tuple[int, int], ...]
    images: Tensor
    features: Tensor
    pooled: Tensor
    original: Tensor


@dataclass(frozen=True, eq=False)
class Resampled:
    """Where D and C look under given settings, before they are asked what they see.

    Attributes:
        prepared: The images.
        settings: What was asked for.
        sampler: The sampler with those settings.
        sampling: How the peaks are divided.
        response: The response as it was found; in the control with random places, as it was scattered.
        counted: The peaks as they count, after any edits.
        samples: Maps and grids.
        images_d: D's images, shape (B, 3, s, s), normalised.
        images_c: C's images.
    """

    prepared: Prepared
    settings: InspectionSettings
    sampler: SelectiveSampler
    sampling: Sampling
    response: Response
    counted: CountedPeaks
    samples: Samples
    images_d: Tensor
    images_c: Tensor


class Inspector:
    """Looks into images with one model.

    Args:
        model: An opened model; its network must be in evaluation mode.

    Raises:
        ValueError: If the network is in training mode: looking would change its statistics.
    """

    def __init__(self, model: Model) -> None:
        if model.network.training:
            raise ValueError("put the network into evaluation mode before looking into images with it")
        self.model = model

    def prepare(self, image: Image.Image, name: str = "") -> Prepared:
        """Run the original branch on an upright RGB image."""
        return self.prepare_batch([image], [name])

    def prepare_batch(self, images: Sequence[Image.Image], names: Sequence[str]) -> Prepared:
        """Run the original branch on several upright RGB images at once.

        Args:
            images: Decoded images of any sizes, at least one.
            names: A name each.
        """
        model, network = self.model, self.model.network
        views = np.stack([test_view(image, model.preprocess) for image in images])
        with torch.inference_mode(), model.autocast():
            tensor = to_input(views, model.device)
            features = network.features(network.network_view(tensor), "O")
            pooled, original = network.head("O")(features)
        return Prepared(
            names=tuple(names),
            shown=tuple(_shown(image) for image in images),
            sizes=tuple(image.size for image in images),
            images=tensor,
            features=features,
            pooled=pooled,
            original=original,
        )

    def resample(self, prepared: Prepared, settings: InspectionSettings | None = None) -> Resampled:
        """Divide the peaks and warp, without a pass of the network.

        Args:
            prepared: What `prepare` returned.
            settings: What to change; None changes nothing.

        Raises:
            ValueError: If peaks of more than one image are to be edited.
        """
        settings = settings or InspectionSettings()
        if settings.edits and len(prepared.names) != 1:
            raise ValueError("peaks can be edited in one image at a time")
        network = self.model.network
        mode = settings.sampling or self.model.sampling
        head = network.head("O").classifier
        with torch.inference_mode(), self.model.autocast():
            sampler = self._sampler(settings)
            draws = self._draws(prepared, settings, mode)
            response = sampler.respond(prepared.features, head.weight, head.bias, prepared.original)
            response, samples = sampler(response, mode, draws)
            counted = CountedPeaks(response.peaks, response.response, draws, samples.weight_d, samples.weight_c)
            if settings.edits and sampler.config.attention == "sparse":
                with autocast(self.model.device, "float32"):
                    counted = edit_peaks(response.peaks, response.response, draws, settings.edits, sampler, mode)
                    samples = sampler.sample(
                        counted.response, counted.weight_d, counted.weight_c, identity=mode == "identity"
                    )
            images_d = network.resample(prepared.images, samples.grid_d)
            images_c = network.resample(prepared.images, samples.grid_c)
        return Resampled(prepared, settings, sampler, mode, response, counted, samples, images_d, images_c)

    def classify(self, resampled: Resampled) -> S3NOutput:
        """Ask D, C and the joint head, as far as the network has them."""
        prepared = resampled.prepared
        with torch.inference_mode(), self.model.autocast():
            return self.model.network.classify_resampled(
                prepared.pooled, prepared.original, resampled.images_d, resampled.images_c
            )

    def describe(self, resampled: Resampled, output: S3NOutput | None = None) -> tuple[Inspection, ...]:
        """Bring everything to NumPy: one inspection an image, without the scores of D, C and joint if ``output`` is None."""
        if output is None:
            output = S3NOutput(None, resampled.prepared.original, None, None)
        with torch.inference_mode():
            arrays = _Arrays(resampled, output)
            return tuple(self._inspection(resampled, arrays, row) for row in range(len(resampled.prepared.names)))

    def inspect(self, prepared: Prepared, settings: InspectionSettings | None = None) -> Inspection:
        """Look into one prepared image: `resample`, `classify` and `describe`."""
        resampled = self.resample(prepared, settings)
        (inspection,) = self.describe(resampled, self.classify(resampled))
        return inspection

    def class_map(self, prepared: Prepared, index: int) -> NDArray[np.float32]:
        """Return M of any class for one prepared image, shape (h, w)."""
        with torch.inference_mode():
            weight = self.model.network.head("O").classifier.weight[index]
            return _array(torch.einsum("dhw,d->hw", prepared.features[0].float(), weight.float()))

    def _sampler(self, settings: InspectionSettings) -> SelectiveSampler:
        """Return the network's sampler, or one that differs in what the settings change."""
        own = self.model.network.sampler
        changes: dict[str, object] = {
            "entropy_threshold": settings.delta,
            "top_k": settings.top_k,
            "window": settings.window,
            "floor": settings.floor,
            "base": settings.base,
        }
        changes = {field: value for field, value in changes.items() if value is not None}
        if not changes and settings.beta_1 is None and settings.beta_2 is None:
            return own
        sampler = SelectiveSampler(own.config.model_copy(update=changes))
        cells = float(beta_from_radius(torch.ones(()), own.config.map_size))  # beta of the radius 1
        sampler.radius_d = _radius(own.radius_d, settings.beta_1, cells)
        sampler.radius_c = _radius(own.radius_c, settings.beta_2, cells)
        sampler.kernel = own.kernel
        return sampler

    def _draws(self, prepared: Prepared, settings: InspectionSettings, mode: str) -> Tensor | None:
        config = self.model.network.config
        if mode not in ("random", "coin") and config.control != "random_places":
            return None
        draws = peak_draws(settings.seed, 0, prepared.names, config.map_size)
        return torch.from_numpy(draws).to(self.model.device)

    def _inspection(self, resampled: Resampled, arrays: _Arrays, row: int) -> Inspection:
        prepared, model, config = resampled.prepared, self.model, resampled.sampler.config
        sure = bool(arrays.sure[row])
        image, scale = prepared.shown[row]
        frame = ViewFrame(box=source_box(prepared.sizes[row], model.preprocess), size=model.preprocess.source_size)
        mapped = arrays.mapped_classes(row)
        return Inspection(
            name=prepared.names[row],
            image=image,
            image_scale=scale,
            image_size=prepared.sizes[row],
            source_box=frame.box,
            source_size=frame.size,
            classes=model.classes,
            logits={answer: values[row] for answer, values in arrays.logits.items()},
            gate_logits=arrays.gate_logits[row],
            entropy=float(arrays.entropy[row]),
            delta=config.entropy_threshold,
            sure=sure,
            merged_classes=tuple(arrays.ranked[row].tolist()[: 1 if sure else None]),
            class_maps=_array(resampled.response.maps[row, list(mapped)]),
            mapped_classes=mapped,
            alignment=config.alignment,
            response=arrays.response[row],
            peaks=list_peaks(resampled.counted, row, frame, drawn=resampled.sampling in ("random", "coin")),
            map_d=arrays.map_d[row],
            map_c=arrays.map_c[row],
            grid_d=arrays.grid_d[row],
            grid_c=arrays.grid_c[row],
            images_d=arrays.images_d[row],
            images_c=arrays.images_c[row],
            beta_1=arrays.betas[0],
            beta_2=arrays.betas[1],
            window=config.window,
            floor=config.floor,
            base=config.base,
            sampling=resampled.sampling,
            attention=config.attention,
            control=config.control,
            settings=resampled.settings,
            precision=model.precision,
            device=model.device,
            model=model.path.name,
            model_digest=model.digest,
        )


def inspect_batch(
    model: Model, images: Sequence[Image.Image], names: Sequence[str], settings: InspectionSettings | None = None
) -> tuple[Inspection, ...]:
    """Look into several images in shared passes of the network, as exports and snapshots do.

    Args:
        model: An opened model, or one made around a network in training, in evaluation mode.
        images: Decoded upright RGB images of any sizes.
        names: A name each, which keys its draws.
        settings: What to change, without edits of peaks.

    Returns:
        An inspection each, in order.
    """
    if not images:
        return ()
    inspector = Inspector(model)
    resampled = inspector.resample(inspector.prepare_batch(images, names), settings)
    return inspector.describe(resampled, inspector.classify(resampled))


def invert(inspection: Inspection, branch: Warped, size: int = 224) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Invert a whole grid, as for bringing a map of D or C home to the original; one place is cheaper by
    `Inspection.original_to_warped`.

    Args:
        inspection: Whose grid.
        branch: "D" or "C".
        size: Side of the result; the time grows with its square (0.3 s at 224).

    Returns:
        For each place of the network's square its place in the warped image, float32 (size, size, 2), (x, y) in [-1, 1]
        with aligned corners; and a bool mask (size, size), false where the warp has left the place out.
    """
    grid = resize_grid(torch.from_numpy(inspection.grid(branch))[None], size)
    inverse, valid = invert_grid(grid)
    return _array(inverse[0]), valid[0].numpy()


class _Arrays:
    """A batch's results as NumPy arrays, each brought from the device once; first axis (B,)."""

    def __init__(self, resampled: Resampled, output: S3NOutput) -> None:
        response, samples, sampler = resampled.response, resampled.samples, resampled.sampler
        joint = {} if output.joint is None else {"joint": output.joint}
        self.logits = {answer: _array(values) for answer, values in (joint | output.branches()).items()}
        self.gate_logits = _array(response.logits)
        gate = torch.nan_to_num(response.logits.float())  # ranked as `merge_response_maps` ranks them
        self.ranked = gate.topk(min(sampler.config.merged_classes, gate.shape[1]), dim=1).indices.cpu().numpy()
        self.sure, self.entropy = response.sure.cpu().numpy(), _array(response.entropy)
        self.response = _array(response.response)
        self.map_d, self.map_c = _array(samples.map_d), _array(samples.map_c)
        self.grid_d, self.grid_c = _array(samples.grid_d), _array(samples.grid_c)
        self.images_d, self.images_c = to_pixels(resampled.images_d), to_pixels(resampled.images_c)
        self.betas = float(sampler.beta_d), float(sampler.beta_c)
        self._all_maps = response.maps[0].numel() <= MOST_MAP_VALUES

    def mapped_classes(self, row: int) -> tuple[int, ...]:
        """Indices of the classes whose maps are kept: all, or those merged and each answer's five likeliest."""
        if self._all_maps:
            return tuple(range(self.gate_logits.shape[1]))
        likeliest = [np.argsort(-values[row], kind="stable")[:5] for values in self.logits.values()]
        return tuple(sorted({int(index) for indices in (self.ranked[row], *likeliest) for index in indices}))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = np.ascontiguousarray(tensor.float().cpu().numpy())
    return array


def _radius(own: nn.Parameter, beta: float | None, cells: float) -> nn.Parameter:
    """The network's own radius, or the one whose beta is ``beta`` cells."""
    return own if beta is None else nn.Parameter(torch.tensor(beta / cells, device=own.device), requires_grad=False)


def _shown(image: Image.Image) -> tuple[NDArray[np.uint8], float]:
    """Return the whole original for the eye, at most `MOST_IMAGE_SIDE` pixels a side, and its scale."""
    scale = min(1.0, MOST_IMAGE_SIDE / max(image.size))
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.array(image, dtype=np.uint8), scale
