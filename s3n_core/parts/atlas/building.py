"""Building an atlas: places are collected, clustered into parts, and stored. A stopped job goes on where it was."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.errors import AtlasError, DataSetError, UnfinishedOutput
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import (
    ASSIGNMENTS,
    CENTROIDS,
    CLASS_MEANS,
    DESCRIPTORS,
    EDITS,
    FORMAT,
    HEADER,
    IMAGES,
    IMAGES_FORMAT,
    OUTSIDE,
    PEAKS,
    PEAKS_CSV,
    PLACE,
    UNFINISHED_DESCRIPTORS,
    VERSION,
    AtlasHeader,
    Collection,
    DescriptorAgreement,
    class_means,
    descriptor_reader,
    image_of,
    open_array,
    read_header,
    read_image_lines,
)
from s3n_core.parts.atlas.clustering import (
    Clusters,
    agreement,
    background_parts,
    chunks,
    fit_clusters,
    members,
    suggest_parts,
)
from s3n_core.parts.atlas.collecting import Collected, collect
from s3n_core.parts.atlas.key_points import annotated_part
from s3n_core.parts.atlas.neighbours import HEADER as NEIGHBOURS
from s3n_core.parts.atlas.neighbours import index_of
from s3n_core.parts.atlas.part_edits import PartEdit, read_edits, replayed, write_edits
from s3n_core.parts.atlas.peak_rows import PeakRows
from s3n_core.prediction.rows import fingerprint
from s3n_core.system.atomic_files import make_folder, open_atomic, output_error, write_json
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.line_files import LineFile, part_path

CENTRED = "class mean subtracted"
AS_THEY_ARE = "as they are"

_MOST_AGREEING = 20_000  # peaks that the agreement with annotated parts is measured on


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasProgress:
    """The progress of building an atlas.

    Attributes:
        done: Images collected.
        total: Number of all images.
        resumed: How many of ``done`` come from an earlier, stopped job.
        unreadable: How many of ``done`` could not be used.
        places: Places collected: peaks and drawn cells.
        seconds: Seconds since this job began.
        finished: Whether the atlas is stored.
    """

    done: int
    total: int
    resumed: int
    unreadable: int
    places: int
    seconds: float
    finished: bool = False

    @property
    def images_per_second(self) -> float:
        """Images per second of this job; 0 before its first batch."""
        return (self.done - self.resumed) / self.seconds if self.seconds > 0 else 0.0


def build_atlas(
    model: Model,
    data_set: DataSet,
    records: Sequence[ImageRecord],
    out: Path,
    *,
    split: str,
    parts: int | None = None,
    parts_of: Path | None = None,
    centred: bool = True,
    seed: int = 0,
    restart: bool = False,
    workers: int | None = None,
) -> Generator[AtlasProgress, None, None]:
    """Build an atlas in a folder, or finish one. Of a finished one only the clustering is done anew, if that is asked for.

    With ``parts_of`` nothing is clustered: the places belong to the nearest parts of that atlas, with its edits.

    Args:
        model: The model.
        data_set: The data set.
        records: Its images to take.
        out: The folder.
        split: Which images these are.
        parts: Number of parts; None: suggested.
        parts_of: A finished atlas of the same model, of any images; None: the parts are found in these images.
        centred: Subtract the mean of the image's predicted class from its descriptors; not with ``parts_of``.
        seed: Seed of all draws.
        restart: Discard what an earlier job has collected.
        workers: Loading threads.

    Returns:
        A generator of progress. Close it to stop early and keep what was collected.

    Raises:
        AtlasError: There are fewer places than parts; or the other atlas is of another model, or damaged.
        DataSetError: None of the images could be read.
        OutputBusy: Another job is building this atlas.
        UnfinishedOutput: The folder holds an atlas of something else.
        OutOfMemory: The device has too little memory for one image.
    """
    if parts is not None and not 2 <= parts <= 500:
        raise AtlasError("The number of parts must be between 2 and 500.")
    taken = None if parts_of is None else _other_parts(parts_of, out, model)
    make_folder(out)
    began = time.monotonic()
    collection = Collection(
        model=model.digest,
        mode=model.sampling,
        precision=model.precision,
        classes=model.classes,
        images=fingerprint(records, data_set.classes),
        count=len(records),
        seed=seed,
    )
    with _Collector(out, collection, [record.name for record in records], restart=restart) as places:
        resumed = places.done

        def progress(*, finished: bool = False) -> AtlasProgress:
            return AtlasProgress(
                done=places.done,
                total=len(records),
                resumed=resumed,
                unreadable=places.unreadable,
                places=places.rows,
                seconds=time.monotonic() - began,
                finished=finished,
            )

        yield progress()
        if places.done < len(records):
            job = collect(model, records, data_set.classes, seed=seed, start=places.done, workers=workers)
            with closing(job):
                for some in job:
                    places.append(some)
                    yield progress()
        places.finish()
        earlier = read_header(out)
        if earlier is None or not _is_clustered_so(out, earlier, parts, taken, centred):
            header = AtlasHeader(
                collection=to_json(collection),
                data=str(data_set.root.resolve()),
                data_format=data_set.format,
                split=split,
                model_path=str(model.path.resolve()),
                parts=parts or 0,
                suggested=parts is None,
                silhouettes={},
                centred=centred,
                background_parts=(),
                reach=(),
            )
            if taken is None:
                groups = _found_groups(out, header, seed)
            else:
                groups, of_it = _taken_groups(out, taken), taken.header
                header = replace(
                    header, suggested=of_it.suggested, centred=of_it.centred, parts_of=str(taken.path.resolve())
                )
            _store_groups(out, header, groups, records, seed, taken)
        yield progress(finished=True)


def _other_parts(folder: Path, out: Path, model: Model) -> Atlas:
    """Open the atlas whose parts another one takes.

    Raises:
        AtlasError: There is none, it is the same, or it is of another model.
    """
    if folder.resolve() == out.resolve():
        raise AtlasError("An atlas cannot take its own parts; name another atlas.")
    other = Atlas(folder)
    other.require(model.digest)
    return other


def _is_clustered_so(out: Path, header: AtlasHeader, parts: int | None, taken: Atlas | None, centred: bool) -> bool:
    """Return whether an atlas already has what is asked for."""
    if taken is not None:
        of_it = header.parts_of == str(taken.path.resolve())
        return of_it and np.array_equal(open_array(out, CENTROIDS), taken.parts.clusters.centroids)
    if header.parts_of or header.centred != centred:
        return False
    return header.suggested if parts is None else header.parts == parts


class _Collector:
    """The places collected so far; locks the folder against a second job."""

    def __init__(self, out: Path, collection: Collection, names: Sequence[str], *, restart: bool) -> None:
        self.done = self.unreadable = self.rows = self._channels = 0
        self._out, self._collection, self._names = out, collection, names
        self._finished = False
        header = read_header(out)
        if header is not None and not restart:
            self._refuse_other(from_json(Collection, header.collection))
        first = {"format": IMAGES_FORMAT, "version": VERSION, **to_json(collection)}
        anew = restart or header is not None  # of a finished atlas only the lock is needed
        self._lines = LineFile(out / IMAGES, first, take=self._take, goes_on=self._goes_on, restart=anew)
        if restart:
            (out / HEADER).unlink(missing_ok=True)  # only now: the folder is locked
        elif header is not None:
            self._finished = True
            images = [image_of(line) for line in read_image_lines(out / IMAGES)]
            self.done, self.unreadable = len(images), sum(bool(image.error) for image in images)
        try:
            path = out / UNFINISHED_DESCRIPTORS
            self._file = open(path, "r+b" if path.exists() else "x+b", buffering=0)  # noqa: SIM115
            if self._file.seek(0, 2) < self._bytes and not self._finished:
                raise UnfinishedOutput(
                    f"{path} lacks descriptors of images that were already done; start over with --restart.",
                    path=path,
                    content="fewer descriptors than images",
                )
            self._file.truncate(self._bytes)
            self._file.seek(self._bytes)
        except OSError as error:
            self._lines.close()
            raise output_error(path, error) from error
        except BaseException:
            self._file.close()
            self._lines.close()
            raise

    @property
    def _bytes(self) -> int:
        return 2 * self.rows * self._channels

    def append(self, some: Sequence[Collected]) -> None:
        """Append the places of some images: first the descriptors, so that a line never stands without them."""
        try:
            left = memoryview(b"".join(one.descriptors.tobytes() for one in some if one.descriptors is not None))
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            raise output_error(self._out / UNFINISHED_DESCRIPTORS, error) from error
        self._lines.append(one.line for one in some)
        for one in some:
            self._count(one.line)

    def finish(self) -> None:
        """Write the arrays of all places; does nothing if they are already there.

        Raises:
            DataSetError: No image could be used.
        """
        if self._finished:
            return
        if self.unreadable == self.done:
            raise DataSetError(f"None of the {self.done} images could be used; see {self._lines.path} for the reasons.")
        kept = self.rows
        (self._out / NEIGHBOURS).unlink(missing_ok=True)  # they are of other descriptors
        path = part_path(self._out / IMAGES)
        peaks = open_memmap(self._out / PEAKS, mode="w+", dtype=PLACE, shape=(kept,))
        stored = open_memmap(self._out / DESCRIPTORS, mode="w+", dtype=np.float16, shape=(kept, self._channels))
        self._file.seek(0)
        row = 0
        for position, line in enumerate(read_image_lines(path)):
            if line["error"]:
                continue
            rows, predicted = line["rows"], line["predicted"]
            read = np.frombuffer(self._file.read(2 * rows * self._channels), dtype=np.float16)
            read = read.reshape(rows, self._channels)
            stored[row : row + rows] = read
            peaks[row : row + rows] = np.array(
                [(position, x, y, r, c, s, False, predicted) for x, y, r, c, s in line["peaks"]]
                + [(position, x, y, 0, 0, 3, True, predicted) for x, y in line["cells"]],
                dtype=PLACE,
            )
            row += rows
        peaks.flush()
        stored.flush()
        with open_atomic(self._out / IMAGES) as images, open(path, "rb") as lines:
            images.write(lines.readline())
            for text in lines:
                line = json.loads(text)
                for field in ("peaks", "cells", "channels"):
                    line.pop(field, None)
                images.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def __enter__(self) -> _Collector:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._file.close()
        if (self._out / HEADER).exists():
            self._lines.remove()
            with contextlib.suppress(OSError):
                (self._out / UNFINISHED_DESCRIPTORS).unlink(missing_ok=True)
        else:
            self._lines.close()

    def _take(self, line: Any) -> None:
        if self.done == len(self._names) or line["file"] != self._names[self.done]:
            raise ValueError("not the line of this image")
        image_of(line)
        self._count(line)

    def _count(self, line: Any) -> None:
        self.done += 1
        if line["error"]:
            self.unreadable += 1
            return
        self._channels = line["channels"]
        self.rows += line["rows"]

    def _goes_on(self, line: bytes) -> bool:
        try:
            earlier = from_json(Collection, json.loads(line))
        except (ValueError, KeyError, TypeError):
            return False
        self._refuse_other(earlier)
        return False

    def _refuse_other(self, earlier: Collection) -> None:
        if difference := self._collection.difference(earlier):
            raise UnfinishedOutput(
                f"{self._out} contains an atlas of {difference}; start over with --restart, or choose another folder.",
                path=self._out,
                content=f"an atlas of {difference}",
            )


@dataclass(frozen=True, eq=False)
class _Groups:
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


def _found_groups(out: Path, header: AtlasHeader, seed: int) -> _Groups:
    """Cluster the places of an atlas."""
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
    return _Groups(means, clusters, assigned, silhouettes)


def _taken_groups(out: Path, taken: Atlas) -> _Groups:
    """Assign the places of an atlas to the clusters of another one."""
    places, means = open_array(out, PEAKS), np.asarray(open_array(taken.path, CLASS_MEANS))
    predicted, centred = np.asarray(places["predicted"]), taken.header.centred
    read = descriptor_reader(open_array(out, DESCRIPTORS), predicted, means if centred else None)
    clusters = taken.parts.clusters
    assigned, _ = members(read, len(places), clusters.centroids)
    return _Groups(means, clusters, assigned, edits=taken.parts.edits)


def _store_groups(
    out: Path, header: AtlasHeader, groups: _Groups, records: Sequence[ImageRecord], seed: int, taken: Atlas | None
) -> None:
    """Write the groups and what follows from them; the header last."""
    places, descriptors = open_array(out, PEAKS), open_array(out, DESCRIPTORS)
    means, clusters, assigned = groups.means, groups.clusters, groups.assigned
    number = len(clusters.centroids)
    edits = (*groups.edits, *read_edits(out / EDITS))
    _save(out / CLASS_MEANS, means)
    peaks = PeakRows(places, [image_of(line) for line in read_image_lines(out / IMAGES)])
    edited, lost = replayed(edits, clusters, lambda edit: peaks.at(edit.image, edit.x, edit.y) is not None)
    outside = _outside(records, places)
    _save(out / OUTSIDE, outside)
    _save(out / CENTROIDS, clusters.centroids)
    _save(out / ASSIGNMENTS, assigned)
    write_edits(out / EDITS, edited.edits)
    found = replace(
        header,
        parts=number,
        silhouettes={str(candidate): round(score, 4) for candidate, score in groups.silhouettes.items()},
        background_parts=background_parts(assigned, np.asarray(places["background"]), number, outside),
        reach=tuple(clusters.reach.tolist()),
        agreement=_agreements(records, places, descriptors, means, number, seed),
        lost_edits=lost,
    )
    write_json(out / HEADER, {"format": FORMAT, "version": VERSION, **to_json(found)})
    atlas = Atlas(out)
    if taken is not None:
        background = taken.background
        for part in sorted(atlas.background ^ background):  # few images may not show what is background
            atlas.set_background(part, background=part in background)
    atlas.write_peaks(out / PEAKS_CSV)
    read = descriptor_reader(descriptors, np.asarray(places["predicted"]), means if header.centred else None)
    index_of(out, read, len(places), centred=header.centred)


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
    for row in np.flatnonzero(~places["background"]).tolist():
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
