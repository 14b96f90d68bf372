"""Inspecting images: prepare once, then resample and classify under changing settings.

`prepare` is `S3N.look`, which does not depend on settings. `resample` assigns the peaks and warps without a forward
pass, so that a dragged peak updates at once; `classify` then runs D and C on the warped images. With default settings,
the three steps compute exactly what `S3N.forward` does, which a test checks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.records import Box
from s3n_core.datasets.transforms import test_view
from s3n_core.inspection.contribution_view import ContributionView, contribution_view
from s3n_core.inspection.displayed_image import displayed_image
from s3n_core.inspection.inspection import MOST_IMAGE_SIDE, Inspection, Scores
from s3n_core.inspection.peak_editing import CountedPeaks, edit_peaks
from s3n_core.inspection.placed_contributions import Contributions
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.inspection.stages import Found, Prepared, Resampled, placed_contributions, scores_of, to_array
from s3n_core.method.contributions import contributions, head_named
from s3n_core.method.network import S3NOutput
from s3n_core.method.sampler import SelectiveSampler
from s3n_core.method.sparse_attention import beta_from_radius
from s3n_core.models.batches import within_memory
from s3n_core.models.devices import autocast
from s3n_core.models.network_outputs import draws_for
from s3n_core.models.opening import Model
from s3n_core.models.preprocessing import to_input


class Inspector:
    """Inspects images with one model.

    Args:
        model: An opened model; its network must be in evaluation mode.

    Raises:
        ValueError: If the network is in training mode, in which inspecting would change its BatchNorm statistics.
    """

    def __init__(self, model: Model) -> None:
        if model.network.training:
            raise ValueError("put the network into evaluation mode before you inspect images")
        self.model = model
        self._found: Found | None = None

    def prepare(self, image: Image.Image, name: str = "") -> Prepared:
        """Run branch O on an upright RGB image."""
        return self.prepare_batch([image], [name])

    def prepare_batch(
        self, images: Sequence[Image.Image], names: Sequence[str], *, views: NDArray[np.uint8] | None = None
    ) -> Prepared:
        """Run branch O on several upright RGB images at once.

        Args:
            images: Decoded images of any sizes, at least one.
            names: One name per image.
            views: The model's view of each (`test_view`), shape (B, S, S, 3), if already computed.
        """
        model = self.model
        if views is None:
            views = np.stack([test_view(image, model.preprocess) for image in images])
        return replace(
            self.prepare_views(views, names, [image.size for image in images]),
            shown=tuple(displayed_image(image, MOST_IMAGE_SIDE) for image in images),
        )

    def prepare_views(
        self, views: NDArray[np.uint8], names: Sequence[str], sizes: Sequence[tuple[int, int]] = ()
    ) -> Prepared:
        """Run branch O on views without their originals, for what shows no image.

        Args:
            views: The model's view of each image (`test_view`), shape (B, S, S, 3).
            names: One name per image.
            sizes: (width, height) of each original, in pixels, where places in it are needed.
        """
        model = self.model
        with torch.inference_mode(), model.autocast():
            look = model.network.look(to_input(views, model.device))
        return Prepared(model=model, names=tuple(names), shown=(), sizes=tuple(sizes), look=look)

    def look_again(self, prepared: Prepared) -> None:
        """Run branch O on prepared images again, for what watches its layers."""
        with torch.inference_mode(), self.model.autocast():
            self.model.network.look(prepared.look.images)

    def resample(self, prepared: Prepared, settings: InspectionSettings | None = None) -> Resampled:
        """Assign the peaks and warp the images, without a forward pass.

        Args:
            prepared: The result of `prepare`.
            settings: What to change; None changes nothing.

        Raises:
            ValueError: If the settings edit peaks and there is more than one image.
        """
        settings = settings or InspectionSettings()
        if settings.edits and len(prepared.names) != 1:
            raise ValueError("peaks can be edited in one image at a time")
        network = self.model.network
        with torch.inference_mode(), self.model.autocast():
            found = self._find(prepared, replace(settings, edits=()))
            response, draws, samples, sampler = found.response, found.draws, found.samples, found.sampler
            counted = CountedPeaks(response.peaks, response.response, draws, samples.weight_d, samples.weight_c)
            if settings.edits and sampler.config.attention == "sparse":
                with autocast(self.model.device, "float32"):
                    counted = edit_peaks(
                        response.peaks, response.response, draws, settings.edits, sampler, found.sampling
                    )
                    identity = found.sampling == "identity"
                    samples = sampler.sample(counted.response, counted.weight_d, counted.weight_c, identity=identity)
            images_d, images_c = network.resample(prepared.look.images, samples.grid_d, samples.grid_c)
        return Resampled(found, settings, counted, samples, images_d, images_c)

    def classify(self, resampled: Resampled) -> S3NOutput:
        """Run D, C and the joint head, as far as the network has them; the output has a trace."""
        warped = {"D": resampled.images_d, "C": resampled.images_c}
        sampled = (resampled.response, resampled.samples)
        with torch.inference_mode(), self.model.autocast():
            return self.model.network.classify(resampled.found.prepared.look, warped, sampled=sampled)

    def describe(self, resampled: Resampled, output: S3NOutput | None = None) -> tuple[Inspection, ...]:
        """Convert everything to NumPy: one inspection per image, with only O's scores if ``output`` is None."""
        found = resampled.found
        with torch.inference_mode():
            scores = scores_of(output or S3NOutput(None, found.prepared.look.original, None, None))
            parts = zip(found.responses(scores), resampled.warps, scores, strict=True)
            return tuple(Inspection(response=response, warps=warps, scores=said) for response, warps, said in parts)

    def contributions(
        self,
        resampled: Resampled,
        output: S3NOutput | None,
        target: int | Sequence[int],
        versus: int | Sequence[int] | None = None,
        *,
        head: str | None = None,
        warped: bool = True,
    ) -> tuple[Contributions, ...]:
        """Return what every cell contributes to a logit or a margin, without a forward pass.

        Args:
            resampled: The result of `resample`; the contributions are those of its pass, with its edits of peaks.
            output: The result of `classify` for it; may be None for O's head.
            target: Index of the class; one for all images, or one per image.
            versus: Index of the class whose logit is subtracted, alike; `OTHERS`: the mean of all other classes; None: the
                logit itself.
            head: "joint", "O", "D" or "C"; None: that of the network's prediction.
            warped: False places the cells of D and C as if their images were not warped (`method.contributions`).

        Returns:
            One result per image.

        Raises:
            NoSingleHead: The head is a mean.
            ValueError: The network lacks the head, or ``output`` is None for another head than O's.
        """
        if output is None and head_named(self.model.network, head) != "O":
            raise ValueError("only O's contributions are known before the other branches have run")
        look = resampled.found.prepared.look

        def index(wanted: int | Sequence[int]) -> torch.Tensor:
            return torch.as_tensor(wanted, device=look.original.device).expand(len(look.original))

        targets, others = index(target), None if versus is None else index(versus)
        with torch.inference_mode():
            cells = contributions(self.model.network, look, targets, others, output=output, head=head, warped=warped)
            return placed_contributions(resampled, cells, targets, others)

    def inspect(self, prepared: Prepared, settings: InspectionSettings | None = None) -> Inspection:
        """Inspect one prepared image: `resample`, `classify` and `describe`."""
        (inspection,) = self._inspect(prepared, settings)
        return inspection

    def inspect_batch(
        self,
        images: Sequence[Image.Image],
        names: Sequence[str],
        settings: InspectionSettings | None = None,
        *,
        views: NDArray[np.uint8] | None = None,
    ) -> tuple[Inspection, ...]:
        """Inspect several images in shared forward passes.

        Args:
            images: Decoded upright RGB images of any sizes, at least one.
            names: One name per image, the key of its draws.
            settings: What to change, without edits of peaks.
            views: As in `prepare_batch`.

        Returns:
            One inspection per image, in order.
        """
        return self._inspect(self.prepare_batch(images, names, views=views), settings)

    def explain_batch(
        self,
        images: Sequence[Image.Image],
        names: Sequence[str],
        ask: Callable[[Scores], tuple[int, int | None]],
        *,
        boxes: Sequence[Box | None] = (),
        views: NDArray[np.uint8] | None = None,
    ) -> tuple[tuple[Inspection, ContributionView | None], ...]:
        """Inspect several images, and show what contributes to a logit or margin, from the same forward passes.

        Args:
            images: As in `inspect_batch`.
            names: As in `inspect_batch`.
            ask: Chooses the class and the class to subtract from an image's scores; None for all images or for none.
            boxes: The object's bounding box in each image, if known.
            views: As in `prepare_batch`.

        Returns:
            For each image its inspection, and its contributions if its scores are finite.
        """
        resampled = self.resample(self.prepare_batch(images, names, views=views))
        output = self.classify(resampled)
        inspections = self.describe(resampled, output)
        targets, others = zip(*(ask(inspection.scores) for inspection in inspections), strict=True)
        versus = None if None in others else others
        found = self.contributions(resampled, output, targets, versus)
        return tuple(
            (inspection, contribution_view(of_image, box) if inspection.scores.is_finite else None)
            for inspection, of_image, box in zip(inspections, found, boxes or [None] * len(found), strict=True)
        )

    def scores(
        self, views: NDArray[np.uint8], names: Sequence[str], settings: InspectionSettings | None = None
    ) -> tuple[Scores, ...]:
        """Classify views with all branches, without keeping anything else of the inspection.

        Args:
            views: The model's view of each image (`test_view`), shape (B, S, S, 3).
            names: One name per image, the key of its draws.
            settings: What to change, without edits of peaks.
        """
        prepared = self.prepare_views(views, names)
        return scores_of(self.classify(self.resample(prepared, settings)))

    def class_map(self, prepared: Prepared, index: int) -> NDArray[np.float32]:
        """Return M of any class for one prepared image, shape (h, w)."""
        with torch.inference_mode():
            weight = self.model.network.mapping_head.classifier.weight[index]
            return to_array(torch.einsum("dhw,d->hw", prepared.look.mapped[0].float(), weight.float()))

    def _inspect(self, prepared: Prepared, settings: InspectionSettings | None) -> tuple[Inspection, ...]:
        resampled = self.resample(prepared, settings)
        return self.describe(resampled, self.classify(resampled))

    def _find(self, prepared: Prepared, numbers: InspectionSettings) -> Found:
        """Find the peaks; the last result is cached, because edits of peaks do not change it."""
        last = self._found
        if last is not None and last.prepared is prepared and last.numbers == numbers:
            return last
        mode = numbers.sampling or self.model.sampling
        network, look = self.model.network, prepared.look
        draws = draws_for(network.config, mode, prepared.names, self.model.device, seed=numbers.seed)
        sampler, response = self._sampler(numbers), look.response
        if sampler is not network.sampler:
            response = network.respond(sampler, look.mapped, look.original)
        response, samples = sampler(response, mode, draws)
        self._found = Found(prepared, numbers, sampler, mode, draws, response, samples)
        return self._found

    def _sampler(self, settings: InspectionSettings) -> SelectiveSampler:
        """Return the network's sampler, or a variant with the changed settings."""
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
        cells = float(beta_from_radius(torch.ones(()), own.config.map_size))  # beta for a radius of 1
        sampler.radius_d = _radius(own.radius_d, settings.beta_1, cells)
        sampler.radius_c = _radius(own.radius_c, settings.beta_2, cells)
        sampler.kernel = own.kernel
        return sampler


def inspect(
    model: Model,
    image: Path | Image.Image | NDArray[np.uint8],
    *,
    name: str | None = None,
    settings: InspectionSettings | None = None,
) -> Inspection:
    """Inspect one image.

    Args:
        model: An opened model.
        image: An image file, a decoded RGB image, or RGB pixels, uint8, shape (h, w, 3).
        name: The image's name, the key of the draws; None uses the file's.
        settings: What to change; None changes nothing.

    Returns:
        The inspection, with all scores.

    Raises:
        UnreadableImage: If the file cannot be decoded.
        OutOfMemory: The device has too little memory for one image.
    """
    if isinstance(image, Path):
        name = image.name if name is None else name
        image = read_image(image, banner=banner_of(image), ranges=model.preprocess.ranges)
    elif not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    inspector, pixels = Inspector(model), image
    return within_memory(lambda: inspector.inspect(inspector.prepare(pixels, name or ""), settings))


def _radius(own: nn.Parameter, beta: float | None, cells: float) -> nn.Parameter:
    """Return the network's own radius, or the radius for a beta of ``beta`` cells."""
    return own if beta is None else nn.Parameter(torch.tensor(beta / cells, device=own.device), requires_grad=False)
