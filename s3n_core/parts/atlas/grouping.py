"""Grouping the collected places of an atlas into parts, and storing the groups with all that follows from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import (
    ASSIGNMENTS,
    CENTROIDS,
    CLASS_MEANS,
    DESCRIPTORS,
    EDITS,
    FORMAT,
    HEADER,
    OUTSIDE,
    PEAKS,
    PEAKS_CSV,
    VERSION,
    AtlasHeader,
    DescriptorAgreement,
    class_means,
    descriptor_reader,
    open_array,
    read_header,
    read_images,
)
from s3n_core.parts.atlas.clustering import (
    Clusters,
    Read,
    agreement,
    background_parts,
    chunks,
    fit_clusters,
    members,
    suggest_parts,
)
from s3n_core.parts.atlas.key_points import annotated_part
from s3n_core.parts.atlas.neighbours import drop_index, index_of
from s3n_core.parts.atlas.part_edits import PartEdit, read_edits, replayed, write_edits
from s3n_core.parts.atlas.peak_rows import PeakRows
from s3n_core.system.atomic_files import open_atomic, write_json
from s3n_core.system.json_values import to_json
from s3n_core.system.line_files import only_writer
from s3n_core.system.seeding import keyed_generator

CENTRED = "class mean subtracted"
AS_THEY_ARE = "as they are"

_MOST_AGREEING = 20_000  # peaks that the agreement with annotated parts is measured on


@dataclass(frozen=True, eq=False)
class Groups:
    """The groups of an atlas's places, and what they follow from.

    Attributes:
        means: The mean descriptor of each class that is subtracted from those of its images, (C, D).
        clusters: The clusters.
        assigned: The cluster of each place, (n,).
        silhouettes: By number of clusters, where it was suggested.
        edits: Edits that come with them.
    """

    means: NDArray[np.float32]
    clusters: Clusters
    assigned: NDArray[np.int16]
    silhouettes: Mapping[int, float] = field(default_factory=dict)
    edits: tuple[PartEdit, ...] = ()


def found_groups(out: Path, header: AtlasHeader, seed: int) -> Groups:
    """Cluster the places of an atlas.

    Raises:
        AtlasError: There are fewer places than parts.
    """
    places, descriptors = open_array(out, PEAKS), open_array(out, DESCRIPTORS)
    count, means = len(places), _class_means(places, descriptors, len(header.collection["classes"]))
    read = descriptor_reader(descriptors, np.asarray(places["predicted"]), means if header.centred else None)
    silhouettes: dict[int, float] = {}
    number = header.parts
    if header.suggested:
        number, silhouettes = suggest_parts(read, count, seed=seed)
    if count < number:
        raise AtlasError(f"There are only {count} places in these images, fewer than {number} parts. Take more images.")
    clusters, assigned = fit_clusters(read, count, number, seed=seed)
    return Groups(means, clusters, assigned, silhouettes)


def taken_groups(out: Path, taken: Atlas) -> Groups:
    """Assign the places of an atlas to the clusters of another one.

    Raises:
        AtlasError: The other one was grouped anew since it was opened.
    """
    taken.require_unchanged()
    places, means = open_array(out, PEAKS), np.array(open_array(taken.path, CLASS_MEANS))
    predicted, centred = np.asarray(places["predicted"]), taken.header.centred
    read = descriptor_reader(open_array(out, DESCRIPTORS), predicted, means if centred else None)
    clusters = taken.parts.clusters
    assigned, _ = members(read, len(places), clusters.centroids)
    return Groups(means, clusters, assigned, edits=tuple(replace(edit, taken=True) for edit in taken.parts.edits))


def store_groups(
    out: Path, header: AtlasHeader, groups: Groups, records: Sequence[ImageRecord], seed: int, taken: Atlas | None
) -> None:
    """Write the groups and what follows from them; the header last.

    All that takes long is done before. While files are replaced the journal is locked, and an earlier header has no reaches,
    so that an interrupted job is seen (`read_groups`).

    Raises:
        OutputBusy: Somebody is editing the parts.
        OutputError: The folder cannot be written.
    """
    places, descriptors = open_array(out, PEAKS), open_array(out, DESCRIPTORS)
    means, clusters, assigned = groups.means, groups.clusters, groups.assigned
    number, drawn = len(clusters.centroids), np.asarray(places["background"])
    read = descriptor_reader(descriptors, np.asarray(places["predicted"]), means if header.centred else None)
    peaks = PeakRows(places, read_images(out, len(records)))
    outside = _outside(records, places)
    measured = _agreements(records, places, descriptors, means, number, seed)
    edits = groups.edits
    if taken is not None:
        edits += _taken_background(taken, groups, read, peaks, drawn, outside)
    with only_writer(out / EDITS):
        earlier = read_header(out)
        edited, lost = replayed((*edits, *_own_edits(out, earlier, taken)), clusters, _has_peak(peaks))
        found = replace(
            header,
            parts=number,
            silhouettes={str(candidate): round(score, 4) for candidate, score in groups.silhouettes.items()},
            background_parts=background_parts(assigned, drawn, number, outside),
            reach=tuple(clusters.reach.tolist()),
            agreement=measured,
            lost_edits=lost,
        )
        if earlier is not None:
            _write_header(out, replace(earlier, reach=()))
        if not _has_means(out, means):
            drop_index(out)  # its descriptors are compared without other means
        _save(out / CLASS_MEANS, means)
        _save(out / OUTSIDE, outside)
        _save(out / CENTROIDS, clusters.centroids)
        _save(out / ASSIGNMENTS, assigned)
        write_edits(out / EDITS, edited.edits)
        _write_header(out, found)
        Atlas(out).write_peaks(out / PEAKS_CSV)
    index_of(out, read, len(places), centred=header.centred)


def _own_edits(out: Path, earlier: AtlasHeader | None, taken: Atlas | None) -> list[PartEdit]:
    """Return the edits in an atlas's journal that follow those of the parts that it gets."""
    edits = list(read_edits(out / EDITS))
    if taken is None:
        return edits
    if earlier is not None and earlier.parts_of and not earlier.taken_edits:
        # Earlier versions did not mark the taken ones.
        edits = [edit for edit in edits if edit not in taken.parts.edits]
    return [edit for edit in edits if not edit.taken]


def _taken_background(
    taken: Atlas,
    groups: Groups,
    read: Read,
    peaks: PeakRows,
    drawn: NDArray[np.bool_],
    outside: NDArray[np.int8],
) -> tuple[PartEdit, ...]:
    """Return edits by which the same parts hold background as in the other atlas: few images may not show it."""
    edited, _ = replayed(groups.edits, groups.clusters, _has_peak(peaks))

    def moved(edit: PartEdit, _: NDArray[np.int64]) -> NDArray[np.intp]:
        row = peaks.at(edit.image, edit.x, edit.y)
        return np.array([] if row is None else [row], dtype=np.intp)

    part_of = edited.applied(groups.assigned, read, moved=moved)
    here = edited.background(background_parts(part_of, drawn, max(edited.numbers) + 1, outside))
    there = taken.background
    return tuple(
        edited.marked(PartEdit(kind="background" if part in there else "object", parts=(part,), taken=True))
        for part in sorted(here ^ there)
    )


def _has_peak(peaks: PeakRows) -> Callable[[PartEdit], bool]:
    return lambda edit: peaks.at(edit.image, edit.x, edit.y) is not None


def _has_means(out: Path, means: NDArray[np.float32]) -> bool:
    try:
        return np.array_equal(open_array(out, CLASS_MEANS), means)
    except AtlasError:  # none yet, or damaged
        return False


def _write_header(out: Path, header: AtlasHeader) -> None:
    write_json(out / HEADER, {"format": FORMAT, "version": VERSION, **to_json(header)})


def _class_means(places: NDArray[Any], descriptors: NDArray[np.float16], classes: int) -> NDArray[np.float32]:
    """Return the mean descriptor of each class, of the peaks in images that are predicted as it."""
    sums, counts = np.zeros((classes, descriptors.shape[1])), np.zeros(classes)
    for rows in chunks(len(places)):
        some = rows[~places["background"][rows]]
        predicted = places["predicted"][some]
        np.add.at(sums, predicted, np.asarray(descriptors[some], dtype=np.float64))
        np.add.at(counts, predicted, 1)
    return class_means(sums, counts)


def _outside(records: Sequence[ImageRecord], places: NDArray[Any]) -> NDArray[np.int8]:
    """Return whether each place lies outside the object's box: 1 or 0, -1 without a box."""
    boxes = np.array(
        [
            (np.nan,) * 4 if (box := record.box) is None else (box.x, box.y, box.x + box.width, box.y + box.height)
            for record in records
        ]
    ).reshape(-1, 4)[places["image"]]
    x, y = places["x"], places["y"]
    inside = (boxes[:, 0] <= x) & (x <= boxes[:, 2]) & (boxes[:, 1] <= y) & (y <= boxes[:, 3])
    return np.where(np.isnan(boxes[:, 0]), -1, ~inside).astype(np.int8)


def _save(path: Path, array: NDArray[Any]) -> None:
    with open_atomic(path) as file:
        np.save(file, array, allow_pickle=False)


def _agreements(
    records: Sequence[ImageRecord],
    places: NDArray[Any],
    descriptors: NDArray[np.float16],
    means: NDArray[np.float32],
    parts: int,
    seed: int,
) -> dict[str, Any]:
    """Measure both kinds of descriptors against annotated parts and labels; empty where nothing is annotated."""
    if not any(record.parts for record in records):
        return {}
    rows, nearest_part, labels = list[int](), list[str](), list[int]()
    peaks = np.flatnonzero(~places["background"])
    if len(peaks) > _MOST_AGREEING:  # of all classes, though the images may be sorted by class
        peaks = keyed_generator(seed, "agreement").permutation(peaks)
    for row in peaks.tolist():
        record = records[int(places["image"][row])]
        name = annotated_part(record, float(places["x"][row]), float(places["y"][row]))
        if name is not None and record.label is not None:
            rows.append(row)
            nearest_part.append(name)
            labels.append(record.label)
        if len(rows) == _MOST_AGREEING:
            break
    if len(rows) < parts:
        return {}
    chosen, of_part, of_class = np.array(rows), np.unique(nearest_part, return_inverse=True)[1], np.array(labels)
    found = {}
    predicted = np.asarray(places["predicted"])
    for kind, subtracted in ((CENTRED, means), (AS_THEY_ARE, None)):
        read = descriptor_reader(descriptors, predicted, subtracted)
        _, assigned = fit_clusters(lambda some, read=read: read(chosen[some]), len(chosen), parts, seed=seed)  # type: ignore[misc]
        measured = DescriptorAgreement(
            part=agreement(assigned, of_part), label=agreement(assigned, of_class), peaks=len(chosen)
        )
        found[kind] = to_json(measured)
    return found
