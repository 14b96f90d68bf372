"""Exporting a folder's inspections as figures, arrays and a report; each file is written atomically."""

from __future__ import annotations

import contextlib
import time
from array import array
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.loading import Batch, SampleReader, Samples
from s3n_core.datasets.own_folders import check_output_folder
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.transforms import test_view
from s3n_core.errors import OutputError, UnreadableImage
from s3n_core.export.drawing import drawn_in_order
from s3n_core.export.hidden_peaks import HIDDEN_TABLE, write_hidden_table
from s3n_core.export.hide_peaks import hide_peaks
from s3n_core.export.image_files import ExportedImage, FileContents, ImageFiles, model_name, versus_of
from s3n_core.export.index import ExportIndex
from s3n_core.export.options import HIDDEN_ENDING, PART_ENDING, ExportOptions
from s3n_core.export.report.folder_report import FolderReport, head_of
from s3n_core.inspection.contribution_view import ContributionView, default_question
from s3n_core.inspection.inspection import NOT_FINITE, Inspection
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.model_images import over_model_images
from s3n_core.models.opening import Model
from s3n_core.models.seen_images import SeenReader
from s3n_core.prediction.inspected import prediction_of
from s3n_core.prediction.job import header_of
from s3n_core.prediction.row_building import RowMaker
from s3n_core.prediction.rows import Prediction
from s3n_core.prediction.tables import prepare_place, write_table
from s3n_core.system.atomic_files import make_folder, write_bytes
from s3n_core.version import __version__

__all__ = ["ExportOptions", "ExportProgress", "export"]

_BATCH = 4  # small: whole photographs are in memory, and drawing takes as long as the network


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportProgress:
    """The progress of an export.

    Attributes:
        done: Number of images done, written or skipped.
        total: Number of all images.
        resumed: How many of ``done`` come from an earlier, interrupted export.
        left_out: Number of images skipped so far.
        name: The image just done; empty at the start and the end.
        files: The files written for it.
        error: Why it was skipped, or empty.
        seconds: Seconds since the start.
        finished: Whether everything is written, including the index.
        warnings: At the end: sentences about images whose values do not fit the model's range.
    """

    done: int
    total: int
    resumed: int
    left_out: int
    name: str = ""
    files: tuple[Path, ...] = ()
    error: str = ""
    seconds: float = 0.0
    finished: bool = False
    warnings: tuple[str, ...] = ()


def export(
    model: Model,
    records: Sequence[ImageRecord],
    out: Path,
    options: ExportOptions | None = None,
    *,
    classes: Sequence[str] = (),
    batch_size: int = _BATCH,
    workers: int | None = None,
    restart: bool = False,
    excel: bool = False,
    predictions: Path | None = None,
    processes: int = 0,
) -> Generator[ExportProgress, None, None]:
    """Export inspections of images into a folder, with an index.

    Close the generator (``contextlib.closing``) to stop early: all files so far are complete and listed in the index,
    and the same export can resume. Files of another export in the same folder are replaced if they have the same name.

    Args:
        model: The model.
        records: The images. Images that cannot be read are skipped and noted in the index.
        out: The folder; created if missing.
        options: What to write.
        classes: Names of the records' labels (``DataSet.classes``); if empty, true classes are not shown.
        batch_size: Images per forward pass; halved if the device's memory is too small.
        workers: Loading threads; see ``load_batches``.
        restart: Start over instead of resuming an interrupted export.
        excel: Write the tables for Excel.
        predictions: A table of predictions to write at the end, as `predict_to_file` does; None: none.
        processes: Number of processes that draw and encode files while the network works (``drawing_processes``); 0: this
            process does it. The files are the same. As with all processes of Python, a script that starts some needs
            ``if __name__ == "__main__":``.

    Returns:
        A generator of progress: at the start, after every image, and at the end.

    Raises:
        OutputError: The folder holds the images, or a file cannot be written (full disk, read-only folder); earlier files
            are kept.
        OutOfMemory: The device has too little memory for one image.
    """
    options = options or ExportOptions()
    began = time.monotonic()
    check_output_folder(out, records)
    versus = versus_of(model.classes, options)
    if predictions is not None:
        prepare_place(predictions)
    make_folder(out)
    files = ImageFiles(options, records, classes)
    reported = model.header.network.joined
    contents = FileContents(options, model_name(model.path), reported)
    header, made_with = header_of(model, records, classes), {"program": __version__, "options": options.to_dict()}
    values = SampleReader(model.preprocess.ranges)
    with ExportIndex(out, header, made_with, restart=restart, excel=excel) as index:

        def progress(
            name: str = "", written: Sequence[PurePosixPath] = (), error: str = "", *, finished: bool = False
        ) -> ExportProgress:
            return ExportProgress(
                done=index.done,
                total=len(records),
                resumed=index.resumed,
                left_out=index.left_out,
                name=name,
                files=tuple(out / file for file in written),
                error=error,
                seconds=time.monotonic() - began,
                finished=finished,
                warnings=warnings() if finished else (),
            )

        def warnings() -> tuple[str, ...]:
            return *model.header.network.control_warnings, *values.warnings()

        report = FolderReport(out, files.stems)
        todo, kept = array("q"), array("q")
        for position, record in enumerate(records):
            known = index.keep(position, record, files.truth(record), list(files.paths(position).values()))
            (kept if known else todo).append(position)
        yield progress()
        try:
            inspector, reader = Inspector(model), SeenReader(model.seen, values)
            maker = RowMaker(model, records, classes)

            def images() -> Generator[tuple[tuple[int, Prediction], ExportedImage | None], None, None]:
                left = [records[position] for position in todo]
                with closing(_inspected(inspector, left, options, versus, batch_size, workers, reader)) as answers:
                    for position, (record, found, photograph) in zip(todo, answers, strict=True):
                        truth = files.truth(record)
                        if isinstance(found, str):
                            yield (position, maker.without_prediction(position, found)), None
                            continue
                        answer, contributions = found
                        seen, hidden = reader.take(record.path), None
                        if options.hidden_peaks and photograph is not None:
                            count, settings = options.hidden_peaks, options.hiding
                            hidden = hide_peaks(inspector, photograph, record, answer, count, settings)
                        row = prediction_of(
                            answer, branches=reported, label=truth, seen=seen, annotation=record.annotation
                        )
                        yield (
                            (position, row),
                            ExportedImage(
                                inspection=answer,
                                truth=truth,
                                annotation=record.annotation,
                                seen=seen,
                                hidden=hidden,
                                contributions=contributions,
                            ),
                        )

            with closing(images()) as inspected, closing(drawn_in_order(contents, inspected, processes)) as drawn:
                for (position, row), made in drawn:
                    written = files.paths(position, made)
                    for ending, file in written.items():
                        make_folder((out / file).parent)
                        # Not durable: there may be thousands of files, and they can be created again.
                        write_bytes(out / file, made[ending], durable=False)
                    index.add(position, records[position], row, written)
                    shown = [file for ending, file in written.items() if ending != PART_ENDING]
                    yield progress(row.file, shown, row.error)
        except BaseException:
            with contextlib.suppress(OutputError):  # report the first error
                index.write_so_far()
            raise
        if options.report:
            report.write(head_of(model, model_name(model.path), records, options.style), index.predictions())
        if options.hidden_peaks:
            # An image without an answer may still have a file of an earlier export, which is not of this model or image.
            restriction = model.header.network.restriction
            answered = (position for position, row in enumerate(index.predictions()) if not row.error)
            tested = (out / files.paths(position)[HIDDEN_ENDING] for position in answered)
            write_hidden_table(
                out / HIDDEN_TABLE, (file for file in tested if file.is_file()), licence=restriction, excel=excel
            )
        values.look_again([records[position].path for position in kept])
        if predictions is not None:
            write_table(predictions, replace(header, warnings=warnings()), index.predictions(), excel=excel)
        index.finish()
        if options.report:
            report.remove_parts()
        yield progress(finished=True)


_Found = tuple[Inspection, ContributionView | None]


def _inspected(
    inspector: Inspector,
    records: Sequence[ImageRecord],
    options: ExportOptions,
    versus: int | None,
    batch_size: int,
    workers: int | None,
    reader: SeenReader,
) -> Generator[tuple[ImageRecord, _Found | str, Image.Image | None], None, None]:
    """Inspect the images in order; yield each with what was found, or the reason why nothing was, and its pixels."""
    model = inspector.model
    photographs: dict[int, Image.Image] = {}

    def view(image: Image.Image, position: int) -> NDArray[np.uint8]:
        photographs[position] = image
        return test_view(image, model.preprocess)

    def inspect(batch: Batch) -> Sequence[_Found]:
        positions = batch.positions.tolist()
        whole = [photographs[position] for position in positions]
        if not options.shows_contributions:
            return [(found, None) for found in inspector.inspect_batch(whole, batch.names, views=batch.images)]
        boxes = [records[position].box for position in positions]
        ask = partial(default_question, versus=versus)
        return inspector.explain_batch(whole, batch.names, ask, boxes=boxes, views=batch.images)

    loop = over_model_images(
        model,
        Samples(records),
        inspect,
        view=view,
        batch_size=batch_size,
        workers=workers,
        prefetch=1,
        read=reader,
    )
    with closing(loop) as batches:
        for results in batches:
            for position, result in results:
                photograph = photographs.pop(position, None)
                if isinstance(result, UnreadableImage):
                    yield records[position], result.reason, None
                else:
                    yield records[position], result if result[0].scores.is_finite else NOT_FINITE, photograph
