"""Hit rates: how well peaks and localisation match annotated boxes and key points, compared with chance baselines.

Measured on whole images resized to a square, since a crop would cut objects. The network is never trained on boxes or
key points.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.loading import Batch, SampleReader, Samples
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import DataSetError, UnreadableImage
from s3n_core.evaluation.evaluate import class_indices
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.evaluation.localization import joined_maps, largest_box, overlap
from s3n_core.evaluation.other_images import other_images
from s3n_core.method.alignment import cell_to_grid, grid_to_share
from s3n_core.models.model_images import over_model_images
from s3n_core.models.network_outputs import network_inputs
from s3n_core.models.opening import Model
from s3n_core.system.seeding import keyed_generator

NEAR = 0.1
"""A peak hits a key point within this fraction of the box's longer side, measured in original pixels."""

CENTRAL = (0.15, 0.15, 0.85, 0.85)
"""The fixed central box that serves as the baseline for localisation; (x0, y0, x1, y1), fractions of the sides."""

_RANDOM_POINTS = 200
_CENTRE = np.array([[0.5, 0.5]])


@dataclass(frozen=True, slots=True)
class PlaceMeasures:
    """Hit rates, as fractions in [0, 1]; None if the data set lacks the annotations.

    Attributes:
        images: Number of measured images, all with a box.
        peaks: Mean number of peaks per image.
        peaks_in_box: Fraction of all peaks that lie in the object's box.
        hit_rate: Mean over images of the fraction of an image's peaks in the box (Table 1); images without peaks do not count.
        strongest_in_box: Fraction of images whose strongest peak lies in the box.
        others_in_box: Baseline (control b2): fraction of the peaks of other images (`other_images`) that lie in the box.
        centre_in_box: Baseline (control b3): fraction of images whose centre lies in the box.
        random_in_box: Baseline for random points: the mean fraction of the image that the box covers.
        peaks_on_parts: Fraction of all peaks near a visible key point (``NEAR``).
        parts_covered: Fraction of visible key points with a peak near them.
        others_on_parts: Baseline (control b2): fraction of the peaks of other images that are near a visible key point.
        centre_on_parts: Baseline (control b3): fraction of images whose centre is near a visible key point.
        random_on_parts: Baseline: fraction of random points in the box that are near a visible key point.
        labelled: Number of the measured images that have a label.
        localized: Fraction of the labelled images with the correct class and an IoU of at least 0.5 with the object's box; None
            without labels.
        localized_any_class: Fraction of all images with such an IoU, regardless of the class.
        central_box: Baseline: fraction of images for which ``CENTRAL`` has an IoU of at least 0.5 with the box.
    """

    images: int
    peaks: float
    peaks_in_box: float
    hit_rate: float
    strongest_in_box: float
    others_in_box: float
    centre_in_box: float
    random_in_box: float
    peaks_on_parts: float | None
    parts_covered: float | None
    others_on_parts: float | None
    centre_on_parts: float | None
    random_on_parts: float | None
    labelled: int
    localized: float | None
    localized_any_class: float
    central_box: float

    def text(self) -> str:
        """Return the figures as lines for a terminal."""
        lines = [
            f"Where the model looks, on {self.images} images with boxes (image resized to the input without keeping "
            "proportions)",
            f"Peaks in the box     {self.peaks_in_box:.1%} of all peaks, {self.strongest_in_box:.1%} of the strongest "
            f"(another image's peaks {self.others_in_box:.1%}, centre of the image {self.centre_in_box:.1%}, random points "
            f"{self.random_in_box:.1%})",
        ]
        if self.peaks_on_parts is not None:
            lines.append(
                f"Peaks on key points  {self.peaks_on_parts:.1%} (another image's peaks {self.others_on_parts:.1%}, centre of "
                f"the image {self.centre_on_parts:.1%}, random points in the box {self.random_on_parts:.1%}); "
                f"{self.parts_covered:.1%} of the visible key points have a peak near them"
            )
        lines.append(
            f"Localisation         {accuracy_share_text(self.localized, self.labelled)} with the right class, "
            f"{accuracy_share_text(self.localized_any_class, self.images)} of any class "
            f"(central box {self.central_box:.1%})"
        )
        return "\n".join(lines)


def boxed_records(records: Sequence[ImageRecord]) -> list[ImageRecord]:
    """Return the images with a box, on which places can be measured.

    Raises:
        DataSetError: No image has a box.
    """
    boxed = [record for record in records if record.box is not None]
    if not boxed:
        raise DataSetError("None of these images has a box, so where the network looks cannot be measured.")
    return boxed


@dataclass(frozen=True, slots=True)
class PlacesInImage:
    """Where a network looks in one image with a box.

    Attributes:
        name: The image.
        peaks: Positions (x, y) in original pixels and R of each peak.
        hit_rate: Fraction of its peaks in the box; None without peaks.
        others: Baseline: fraction of another image's peaks in the box; None without.
        centre: Baseline: 1 if the image's centre lies in the box, else 0.
        random: Baseline: fraction of the image that the box covers.
        localized: 1 if the class is right and the found box has an IoU of at least 0.5, else 0; None without a label.
        central_box: Baseline: 1 if ``CENTRAL`` has an IoU of at least 0.5, else 0.
        counts: Counts by name, to be summed over images (`summary_of`).
    """

    name: str
    peaks: tuple[tuple[float, float, float], ...]
    hit_rate: float | None
    others: float | None
    centre: float
    random: float
    localized: float | None
    central_box: float
    counts: Mapping[str, float]


def measure_places(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    batch_size: int = 16,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PlaceMeasures:
    """Measure a model's hit rates on images with boxes.

    Args:
        model: The model.
        records: Images; those without a box, or that cannot be read, are skipped.
        classes: Names of the records' labels (``DataSet.classes``); matched with the model's by name.
        batch_size: Images per batch; halved if the device's memory is too small.
        workers: Loading threads; see ``load_batches``.
        progress: Called after every batch with the number of images done and the total.

    Returns:
        The hit rates.

    Raises:
        DataSetError: No image has a box, no image with a box could be read, or the model does not know some of their
            classes.
        OutOfMemory: The device has too little memory for one image.
    """
    return summary_of(
        places_in_images(model, records, classes, batch_size=batch_size, workers=workers, progress=progress)
    )


def places_in_images(
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    *,
    batch_size: int = 16,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[PlacesInImage]:
    """Return where a model looks in each image with a box that can be read; arguments and errors as `measure_places`."""
    boxed = boxed_records(records)
    indices = class_indices(model, classes, {record.label for record in boxed if record.label is not None})
    whole = dataclasses.replace(model.preprocess, resize="squash")

    def measure(batch: Batch) -> Sequence[_Seen]:
        seen = []
        views = _found_in(model, batch)
        for at, (width, height), (peaks, strength, found, predicted) in zip(
            batch.positions.tolist(), batch.sizes.tolist(), views, strict=True
        ):
            record = boxed[at]
            right = record.label is not None and indices[record.label] == predicted
            seen.append(_Seen(record, width, height, peaks, strength, found, right))
        return seen

    samples = Samples(boxed)
    loop = over_model_images(
        model,
        samples,
        measure,
        view=lambda image, _: test_view(image, whole),
        batch_size=batch_size,
        workers=workers,
        read=SampleReader(model.preprocess.ranges, watched=False),
    )
    seen: list[_Seen] = []
    done = 0
    with closing(loop) as batches:
        for results in batches:
            seen += [result for _, result in results if not isinstance(result, UnreadableImage)]
            done += len(results)
            if progress is not None:
                progress(done, len(samples))
    if not seen:
        raise DataSetError(f"None of the {len(samples)} images with boxes could be read.")
    others = [seen[partner].peaks for partner in other_images(len(seen))]
    if len(seen) == 1:  # as in the control: a single image gets its own peaks, mirrored
        others = [np.array([1.0, 0.0]) + seen[0].peaks * np.array([-1.0, 1.0])]
    return [_places_in(one, other) for one, other in zip(seen, others, strict=True)]


def _places_in(seen: _Seen, others: NDArray[np.float64]) -> PlacesInImage:
    counts = _count(seen, others)
    pixels = seen.peaks * (seen.width, seen.height)
    return PlacesInImage(
        name=seen.record.name,
        peaks=tuple((float(x), float(y), float(r)) for (x, y), r in zip(pixels, seen.strength, strict=True)),
        hit_rate=counts["hit_rate"] if counts["with_peaks"] else None,
        others=counts["others_in_box"] / counts["others"] if counts["others"] else None,
        centre=counts["centre"],
        random=counts["area"],
        localized=counts.get("localized"),
        central_box=counts["central"],
        counts=counts,
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the network found in an image.

    Attributes:
        record: The image, with its box.
        width: Its width, in pixels.
        height: Its height, in pixels.
        peaks: Positions (x, y) as fractions of the sides, shape (n, 2).
        strength: R at the peaks, shape (n,).
        found: The box of its localisation; (x0, y0, x1, y1), fractions of the sides.
        right: Whether the prediction is correct.
    """

    record: ImageRecord
    width: int
    height: int
    peaks: NDArray[np.float64]
    strength: NDArray[np.float64]
    found: tuple[float, float, float, float]
    right: bool


def _found_in(
    model: Model, batch: Batch
) -> list[tuple[NDArray[np.float64], NDArray[np.float64], tuple[float, float, float, float], int]]:
    """Return, per image, the peaks' positions (n, 2) as fractions of the sides, their R, the box and the class."""
    network = model.network
    images, draws = network_inputs(model, batch)
    output = network(images, sampling=model.sampling, draws=draws, trace=True)
    assert output.trace is not None
    predicted = output.prediction.argmax(dim=1)
    joined = joined_maps(network, images, output.trace, predicted).float().cpu().numpy()
    peaks = output.trace.response.peaks.cpu().numpy()
    response = output.trace.response.response.float().cpu().numpy()
    cells, side = network.config.map_size, network.config.source_size
    results = []
    for index in range(len(batch)):
        rows, columns = np.nonzero(peaks[index])
        places = grid_to_share(cell_to_grid(np.stack([columns, rows], axis=-1).astype(np.float64), cells), side)
        found = largest_box(joined[index])
        results.append((places, response[index][rows, columns].astype(np.float64), found, int(predicted[index])))
    return results


def _count(seen: _Seen, others: NDArray[np.float64]) -> dict[str, float]:
    """Return the counts of one image, by name, to be summed over images; ``others``: the peaks of another image."""
    record, peaks, width, height = seen.record, seen.peaks, seen.width, seen.height
    box = record.box
    assert box is not None
    # A box may reach beyond the image, where nothing can be found.
    left, right = np.clip([box.x / width, (box.x + box.width) / width], 0, 1).tolist()
    top, bottom = np.clip([box.y / height, (box.y + box.height) / height], 0, 1).tolist()
    edges = (left, top, right, bottom)
    inside = _inside(peaks, edges)
    counts = {
        "peaks": float(len(peaks)),
        "in_box": float(inside.sum()),
        "hit_rate": float(inside.mean()) if len(peaks) else 0.0,
        "with_peaks": float(bool(len(peaks))),
        "strongest": float(bool(len(peaks)) and bool(inside[seen.strength.argmax()])),
        "others": float(len(others)),
        "others_in_box": float(_inside(others, edges).sum()),
        "centre": float(_inside(_CENTRE, edges)[0]),
        "area": max(edges[2] - edges[0], 0.0) * max(edges[3] - edges[1], 0.0),
        "found": float(overlap(seen.found, edges) >= 0.5),
        "central": float(overlap(CENTRAL, edges) >= 0.5),
        "parts": float(len(record.parts)),
    }
    if record.label is not None:
        counts["labelled"] = 1.0
        counts["localized"] = counts["found"] * seen.right
    if record.parts:
        parts = np.array([(part.x, part.y) for part in record.parts])
        reach = NEAR * max(box.width, box.height)
        generator = keyed_generator(0, "random points", record.name)
        random = generator.random((_RANDOM_POINTS, 2)) * (box.width, box.height) + (box.x, box.y)
        near = _near(peaks * (width, height), parts, reach)
        counts["measured_peaks"] = float(len(peaks))
        counts["on_parts"] = float(near.any(axis=1).sum())
        counts["covered"] = float(near.any(axis=0).sum())
        counts["measured_others"] = float(len(others))
        counts["others_on_parts"] = float(_near(others * (width, height), parts, reach).any(axis=1).sum())
        counts["centre_on_parts"] = float(_near(_CENTRE * (width, height), parts, reach).any())
        counts["random"] = float(_near(random, parts, reach).any(axis=1).mean())
        counts["with_parts"] = 1.0
    return counts


def _inside(places: NDArray[np.float64], edges: tuple[float, float, float, float]) -> NDArray[np.bool_]:
    x, y = places[:, 0], places[:, 1]
    return (x >= edges[0]) & (x <= edges[2]) & (y >= edges[1]) & (y <= edges[3])


def _near(places: NDArray[np.float64], parts: NDArray[np.float64], reach: float) -> NDArray[np.bool_]:
    """Return which positions lie near which key points, bool, shape (n, m)."""
    away = places[:, None] - parts[None]
    near: NDArray[np.bool_] = np.less_equal(np.hypot(away[..., 0], away[..., 1]), reach)
    return near


def summary_of(places: Sequence[PlacesInImage]) -> PlaceMeasures:
    """Return the measures of at least one image."""
    counted = [image.counts for image in places]
    images = len(counted)
    total = {key: sum(image.get(key, 0.0) for image in counted) for key in set[str]().union(*counted)}

    def share(part: str, whole: str) -> float:
        return total[part] / total[whole] if total[whole] else 0.0

    parts = "with_parts" in total
    return PlaceMeasures(
        images=images,
        peaks=total["peaks"] / images,
        peaks_in_box=share("in_box", "peaks"),
        hit_rate=share("hit_rate", "with_peaks"),
        strongest_in_box=total["strongest"] / images,
        others_in_box=share("others_in_box", "others"),
        centre_in_box=total["centre"] / images,
        random_in_box=total["area"] / images,
        peaks_on_parts=share("on_parts", "measured_peaks") if parts else None,
        parts_covered=share("covered", "parts") if parts else None,
        others_on_parts=share("others_on_parts", "measured_others") if parts else None,
        centre_on_parts=share("centre_on_parts", "with_parts") if parts else None,
        random_on_parts=share("random", "with_parts") if parts else None,
        labelled=round(total.get("labelled", 0.0)),
        localized=share("localized", "labelled") if "labelled" in total else None,
        localized_any_class=total["found"] / images,
        central_box=total["central"] / images,
    )
