"""Building an atlas: places are collected, clustered into parts, and stored. A stopped job goes on where it was."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from s3n_core.datasets.own_folders import check_output_folder
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.errors import AtlasError
from s3n_core.models.opening import Model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import AtlasHeader, Collection, read_groups, read_header
from s3n_core.parts.atlas.collected_places import CollectedPlaces
from s3n_core.parts.atlas.collecting import collect
from s3n_core.parts.atlas.grouping import found_groups, store_groups, taken_groups
from s3n_core.parts.atlas.part_edits import edits_digest
from s3n_core.prediction.rows import fingerprint
from s3n_core.system.atomic_files import make_folder
from s3n_core.system.json_values import to_json
from s3n_core.system.output_marker import mark_output


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

    With ``parts_of`` nothing is clustered: the places belong to the nearest parts of that atlas, with its edits. If it was edited
    since, they are taken again; edits that were made in this folder come after them.

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
        OutputBusy: Another job is building this atlas, or editing its parts.
        OutputError: The folder holds the images, or cannot be written.
        UnfinishedOutput: The folder holds an atlas of something else.
        OutOfMemory: The device has too little memory for one image.
    """
    if parts is not None and not 2 <= parts <= 500:
        raise AtlasError("The number of parts must be between 2 and 500.")
    taken = None if parts_of is None else _other_parts(parts_of, out, model)
    check_output_folder(out, records)
    is_new = not out.exists() or not any(out.iterdir())
    make_folder(out)
    if is_new:
        mark_output(out)  # its tables say no labels of the images around it
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
    with CollectedPlaces(out, collection, [record.name for record in records], restart=restart) as places:
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
                origin=dict(model.header.network.origin),
            )
            if taken is None:
                groups = found_groups(out, header, seed)
            else:
                groups, of_it = taken_groups(out, taken), taken.header
                header = replace(
                    header,
                    suggested=of_it.suggested,
                    centred=of_it.centred,
                    parts_of=str(taken.path.resolve()),
                    taken_edits=edits_digest(taken.parts.edits),
                )
            store_groups(out, header, groups, records, seed, taken)
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
    """Return whether an atlas already has what is asked for; not if storing it was interrupted."""
    try:
        clusters, _ = read_groups(out, header)
    except AtlasError:
        return False
    if taken is not None:
        of_it = header.parts_of == str(taken.path.resolve()) and header.taken_edits == edits_digest(taken.parts.edits)
        return of_it and np.array_equal(clusters.centroids, taken.parts.clusters.centroids)
    if header.parts_of or header.centred != centred:
        return False
    return header.suggested if parts is None else header.parts == parts
