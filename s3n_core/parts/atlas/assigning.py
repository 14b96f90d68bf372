"""Assigning the peaks of other images to the parts of an atlas, without grouping anew, and finding peaks like one of theirs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import AtlasError
from s3n_core.inspection.stages import Resampled, scores_of
from s3n_core.method.network import S3NOutput
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import image_of
from s3n_core.parts.atlas.collecting import asked, collect
from s3n_core.parts.atlas.descriptors import StageMaps
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.parts.atlas.peak_tables import PEAK_COLUMNS, peak_row, peak_table

ASSIGNED_COLUMNS = (*PEAK_COLUMNS, "near")


def write_assigned_peaks(
    atlas: Atlas,
    model: Model,
    records: Sequence[ImageRecord],
    classes: Sequence[str],
    out: Path,
    *,
    workers: int | None = None,
    excel: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[tuple[str, str], ...]:
    """Write the peaks of images with the nearest part of each, as CSV, in constant memory.

    The columns are those of ``peaks.csv``, and ``near``: 1 if the peak lies within the centroid's reach, else 0.

    Args:
        atlas: The atlas.
        model: Its model.
        records: The images.
        classes: Names of the records' labels.
        out: The table.
        workers: Loading threads.
        excel: Write a CSV for Excel.
        progress: Called with (done, total) numbers of images.

    Returns:
        (name, reason) of the images that could not be used.

    Raises:
        AtlasError: The model is another one.
        OutputError: The table cannot be written.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    unreadable, done = list[tuple[str, str]](), 0
    names = {part: atlas.parts.name(part) for part in atlas.parts.numbers}
    with (
        peak_table(out, ASSIGNED_COLUMNS, licence=atlas.licence, excel=excel) as write,
        closing(collect(model, records, classes, workers=workers)) as job,
    ):
        for some in job:
            for one in some:
                image = image_of(one.line)
                if one.descriptors is None or image.predicted is None:
                    unreadable.append((image.file, image.error))
                    continue
                peaks = one.line["peaks"]
                descriptors = one.descriptors[: len(peaks)].astype(np.float32)
                parts, near = atlas.parts.of(atlas.compared(descriptors, image.predicted))
                for (x, y, response, share, of_set), part, within in zip(
                    peaks, parts.tolist(), near.tolist(), strict=True
                ):
                    row = peak_row(image, x, y, response, of_set, names[part], share)
                    write((*row, int(within)))
            done += len(some)
            if progress is not None:
                progress(done, len(records))
    return tuple(unreadable)


def peak_like(
    atlas: Atlas, model: Model, record: ImageRecord, at: tuple[float, float] | None = None
) -> tuple[NDArray[np.float32], float, float]:
    """Find a peak of an image that need not be the atlas's: the nearest to a place, or the strongest.

    Args:
        atlas: The atlas.
        model: Its model.
        record: The image.
        at: (x, y) in original pixels; None: the strongest peak.

    Returns:
        The peak's descriptor as the atlas compares it, (D,), and its x and y.

    Raises:
        AtlasError: The model is another one, or the image has no peak or cannot be used.
        OutOfMemory: The device has too little memory for one image.
    """
    atlas.require(model.digest)
    with closing(collect(model, [record], [], workers=0)) as job:
        ((one,),) = job
    peaks = one.line.get("peaks", [])
    if one.descriptors is None or not peaks:
        raise AtlasError(f"{record.name} has no peak: {one.line['error'] or 'its response map is flat'}.")
    places = np.array(peaks, dtype=np.float64)
    chosen = 0 if at is None else int(np.argmin(np.hypot(places[:, 0] - at[0], places[:, 1] - at[1])))
    descriptors = atlas.compared(one.descriptors[: len(peaks)].astype(np.float32), one.line["predicted"])
    return descriptors[chosen], float(places[chosen, 0]), float(places[chosen, 1])


def descriptors_of_pass(maps: StageMaps, resampled: Resampled, output: S3NOutput) -> PeakDescriptors:
    """Return the descriptors of the peaks of a pass, as `collect` finds them: for a pass without edits, the same.

    Args:
        maps: The middle stage's features of its one image.
        resampled: The pass.
        output: What the branches say.
    """
    prepared, peaks = resampled.found.prepared, resampled.peaks[0]
    (scores,) = scores_of(output)
    places = np.array([(peak.x, peak.y) for peak in peaks], dtype=np.float64).reshape(-1, 2)
    return PeakDescriptors(
        model=prepared.model.digest,
        predicted=asked(scores, None)[0],
        image_size=prepared.sizes[0],
        places=places.astype(np.float32),
        moved=tuple(peak.cell != peak.found_at for peak in peaks),
        values=maps.at(0, prepared.frame(0), places),
    )
