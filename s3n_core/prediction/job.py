"""Predicting a folder: rows in the order of the images, constant memory, and a resumable table.

A row does not depend on the rest of its batch, except for rounding (convolutions may sum in a different order for
another batch size), which the six digits of a row hide almost entirely. If the mode or the control needs draws, they
are keyed by the image's name.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from PIL import Image

from s3n_core.datasets.content_hashes import content_hash
from s3n_core.datasets.loading import Sample, SampleReader, Samples
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import UnreadableImage
from s3n_core.inspection.view import network_accuracy
from s3n_core.models.model_images import over_model_images
from s3n_core.models.network_outputs import require_cascade
from s3n_core.models.opening import Model
from s3n_core.models.seen_images import SeenCounts, SeenReader
from s3n_core.prediction.resuming import UnfinishedTable
from s3n_core.prediction.row_building import RowMaker
from s3n_core.prediction.rows import Prediction, PredictionHeader, PredictionProgress, count_outside, fingerprint
from s3n_core.prediction.tables import prepare_place, write_table
from s3n_core.system.distributed import ALONE, Team


def predict(
    model: Model,
    records: Sequence[ImageRecord],
    *,
    classes: Sequence[str] = (),
    batch_size: int | None = None,
    workers: int | None = None,
    start: int = 0,
    team: Team = ALONE,
    stop_below: float | None = None,
    read: Callable[[Sample], Image.Image] | None = None,
    hash_of: Callable[[Path], int | None] = content_hash,
) -> Generator[tuple[Prediction, ...], None, None]:
    """Predict images.

    Close the generator (``contextlib.closing``) to stop early; no thread is left behind.

    Args:
        model: The model.
        records: The images.
        classes: Names of the records' labels (``DataSet.classes``); if empty, labels are unknown.
        batch_size: Images per batch; None: a size that suits the device. Halved if the device's memory is too small.
        workers: Loading threads; see ``load_batches``.
        start: Position of the first image to predict.
        team: The cooperating processes, all of which call this alike: each predicts its share and gets all rows.
        stop_below: Images with H (nats) up to this value stop after O; None runs all branches for every image.
        read: Decodes the image of a record, passed as a sample; None: with the ranges of the model.
        hash_of: Returns the content hash of a record's file; None for an image that is no file.

    Returns:
        A generator of the rows of one batch (of each process) at a time, one row per image, in the order of the
        records. The row of an image that cannot be read says why.

    Raises:
        OutOfMemory: The device has too little memory for one image.
    """
    reader = SeenReader(model.seen, read or SampleReader(model.preprocess.ranges), hash_of)
    maker = RowMaker(model, records, classes, stop_below, reader)
    loop = over_model_images(
        model,
        Samples(records),
        maker.rows,
        batch_size=batch_size,
        workers=workers,
        start=start,
        team=team,
        read=reader,
    )
    with closing(loop) as batches:
        for results in batches:
            yield tuple(
                maker.without_prediction(position, row.reason) if isinstance(row, UnreadableImage) else row
                for position, row in results
            )


def header_of(
    model: Model, records: Sequence[ImageRecord], classes: Sequence[str], *, stop_below: float | None = None
) -> PredictionHeader:
    """Return the header of a table of predictions; the arguments are those of `predict`."""
    restriction = model.header.network.restriction
    return PredictionHeader(
        model=model.digest,
        mode=model.sampling,
        precision=model.precision,
        classes=model.classes,
        images=fingerprint(records, classes),
        count=len(records),
        view_share=model.preprocess.view_share,
        place_cells=network_accuracy(model.network.config).cells,
        stop_below=stop_below,
        weights_licence="" if restriction is None else restriction.short,
    )


def predict_to_file(
    model: Model,
    records: Sequence[ImageRecord],
    out: Path,
    *,
    classes: Sequence[str] = (),
    batch_size: int | None = None,
    workers: int | None = None,
    restart: bool = False,
    team: Team = ALONE,
    stop_below: float | None = None,
    excel: bool = False,
) -> Generator[PredictionProgress, None, None]:
    """Predict images into a table, resuming an earlier job of the same table.

    Rows are kept in ``OUT.part`` (`resuming`) until all are done; then the table is written atomically. A kill loses at
    most the current batch.

    Args:
        model: The model.
        records: The images.
        out: The table, ``.csv`` or ``.json``; an existing one is replaced at the end.
        classes: Names of the records' labels.
        batch_size: Images per batch; None: a size that suits the device.
        workers: Loading threads.
        restart: Discard the rows of an earlier job.
        team: The cooperating processes; this one is the leader, the others call `assist`.
        stop_below: As in `predict`.
        excel: Write a CSV for Excel.

    Returns:
        A generator of progress: at the start, after every batch, and when the table is finished. Close it to stop early
        and keep the rows.

    Raises:
        DataSetError: ``stop_below`` is given, but images cannot stop after O in this network.
        OutputError: The table cannot be written (the rows so far are kept), another job is writing it, or there are
            unfinished predictions of another model, mode, precision or list of images.
        OutOfMemory: The device has too little memory for one image.
    """
    prepare_place(out)
    if stop_below is not None:
        require_cascade(model.network.config)
    header = header_of(model, records, classes, stop_below=stop_below)
    began = time.monotonic()
    with UnfinishedTable(out, header, [record.name for record in records], restart=restart) as table:
        resumed = table.done
        reader = SampleReader(model.preprocess.ranges)

        def progress(
            *, finished: bool = False, passes: float | None = None, seen: SeenCounts | None = None
        ) -> PredictionProgress:
            return PredictionProgress(
                done=table.done,
                total=len(records),
                resumed=resumed,
                unreadable=table.unreadable,
                seconds=time.monotonic() - began,
                finished=finished,
                passes=passes,
                seen=seen,
                warnings=header.warnings,
            )

        yield progress()
        if table.done < len(records) or team.size > 1:
            job = predict(
                model,
                records,
                classes=classes,
                batch_size=batch_size,
                workers=workers,
                start=team.lead(table.done),
                team=team,
                stop_below=stop_below,
                read=reader,
            )
            with closing(job):
                for rows in job:
                    table.append(rows)
                    yield progress()
            _gather_values(reader, team)
        reader.look_again([record.path for record in records[:resumed]])
        if stop_below is not None:
            header = replace(header, passes=_mean_passes(table.rows()))
        seen = Counter[str]()

        def counted() -> Iterator[Prediction]:
            for row in map(_completed, table.rows(), records):
                seen.update(() if row.error else (row.seen,))
                yield row

        header = replace(header, warnings=(*model.header.network.control_warnings, *reader.warnings()))
        write_table(out, header, counted(), excel=excel)
        table.remove()
        yield progress(finished=True, passes=header.passes, seen=SeenCounts.count(seen))


def assist(
    model: Model,
    records: Sequence[ImageRecord],
    team: Team,
    *,
    classes: Sequence[str] = (),
    batch_size: int | None = None,
    workers: int | None = None,
    stop_below: float | None = None,
) -> None:
    """Predict this process's share of the images for the leader; takes the arguments of `predict_to_file`."""
    reader = SampleReader(model.preprocess.ranges)
    job = predict(
        model,
        records,
        classes=classes,
        batch_size=batch_size,
        workers=workers,
        start=team.lead(0),
        team=team,
        stop_below=stop_below,
        read=reader,
    )
    with closing(job):
        for _ in job:
            pass
    _gather_values(reader, team)


def _gather_values(reader: SampleReader, team: Team) -> None:
    """Let a reader's warnings cover what all processes have read; every one calls this once, when it has read its share."""
    for rank, counts in enumerate(team.gather(reader.counts())):
        if rank != team.rank:
            reader.join(counts)


def _completed(row: Prediction, record: ImageRecord) -> Prediction:
    """Return a row with the count that the rows of an earlier version lack."""
    if row.error or row.peaks_outside is not None:
        return row
    return replace(row, peaks_outside=count_outside(row.peak_places, record.annotation))


def _mean_passes(rows: Iterable[Prediction]) -> float | None:
    """Return the mean number of backbone passes per predicted image, one per branch; None without predictions."""
    images = passes = 0
    for row in rows:
        if not row.error:
            images += 1
            passes += len(row.branches)
    return passes / images if images else None
