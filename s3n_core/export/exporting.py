"""The job of exporting a folder's evidence: pictures, sheets and arrays, each file whole or not there at all."""

from __future__ import annotations

import contextlib
import io
import json
import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image

from s3n_core import __version__
from s3n_core.analysis.inspection import Inspection
from s3n_core.analysis.inspector import Inspector
from s3n_core.analysis.loaded_model import Model
from s3n_core.analysis.prediction import NOT_FINITE, ShrinkingStep
from s3n_core.analysis.prediction_rows import label_name
from s3n_core.atomic_files import output_error, write_bytes
from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.records import ImageRecord
from s3n_core.datasets.threaded_map import threaded_map
from s3n_core.errors import OutputError, UnreadableImage
from s3n_core.export.encoding import ENDINGS, encode
from s3n_core.export.export_index import INDEX, ExportIndex
from s3n_core.export.export_options import ExportOptions
from s3n_core.export.figures import panel_figure, sheet_figure
from s3n_core.export.file_names import OutputNames
from s3n_core.export.panels import PanelName, check_panels
from s3n_core.export.sheet import how_it_was_made

__all__ = ["ExportOptions", "ExportProgress", "export"]

_BATCH = 4  # whole photographs are in memory, and drawing one takes as long as the network does


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportProgress:
    """Where an export stands.

    Attributes:
        done: Images behind it, written or left out.
        total: Images in all.
        left_out: Images left out so far.
        name: The image just done; empty at the beginning and the end.
        files: What was written for it.
        error: Why it was left out, or empty.
        seconds: Since the beginning.
        finished: Whether everything is written, the index included.
    """

    done: int
    total: int
    left_out: int
    name: str = ""
    files: tuple[Path, ...] = ()
    error: str = ""
    seconds: float = 0.0
    finished: bool = False


def export(
    model: Model,
    records: Sequence[ImageRecord],
    out: Path,
    options: ExportOptions | None = None,
    *,
    classes: Sequence[str] = (),
    batch_size: int = _BATCH,
    workers: int | None = None,
) -> Generator[ExportProgress, None, None]:
    """Write the evidence of images into a folder, with an index of it.

    Close the generator (``contextlib.closing``) to stop early: every file that is there is whole, and the index tells of
    them. Files of an earlier export into the same folder are replaced where the names are the same.

    Args:
        model: The model.
        records: The images. One that cannot be read is named in the index and left out.
        out: The folder; made if it is missing.
        options: What is written.
        classes: Names of the records' labels (``DataSet.classes``); without them no true class is shown.
        batch_size: Images that the network sees at once; halved where the device's memory is too small.
        workers: Decoding threads; see ``threaded_map``.

    Returns:
        A generator of progress: once at the beginning, after every image, and once at the end.

    Raises:
        OutputError: Something cannot be written (full disk, read-only folder); what was written before stays.
        DeviceError: The device has too little memory for one image.
    """
    options = options or ExportOptions()
    began = time.monotonic()
    index = ExportIndex(out)
    left_out = 0

    def progress(name: str = "", files: tuple[Path, ...] = (), error: str = "") -> ExportProgress:
        done, seconds = len(index.rows), time.monotonic() - began
        return ExportProgress(
            done=done, total=len(records), left_out=left_out, name=name, files=files, error=error, seconds=seconds
        )

    make_folder(out)
    writer = _Writer(model, out, options, tuple(classes))
    yield progress()
    try:
        with closing(_inspected(model, records, batch_size, workers)) as answers:
            for record, answer in answers:
                if isinstance(answer, str):
                    left_out += 1
                    index.add_left_out(record, writer.truth(record), answer)
                    yield progress(record.name, error=answer)
                else:
                    files = writer.write(record, answer)
                    index.add(record, answer, writer.truth(record), files, options)
                    yield progress(record.name, files=files)
    except BaseException:
        with contextlib.suppress(OutputError):  # the first error is the one to tell
            index.write()
        raise
    index.write()
    done = progress()
    yield ExportProgress(
        done=done.done, total=done.total, left_out=left_out, seconds=time.monotonic() - began, finished=True
    )


def make_folder(folder: Path) -> None:
    """Make a folder and those above it.

    Raises:
        OutputError: It cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error


def picture_bytes(picture: Image.Image, inspection: Inspection, options: ExportOptions) -> bytes:
    """Return a picture as its file's content, with what it shows and what made it inside."""
    about = {
        "Title": inspection.name,
        "Software": f"S3N Studio {__version__}",
        "Model": f"{inspection.model} {inspection.model_digest}".strip(),
        "Sampling": how_it_was_made(inspection),
    }
    return encode(picture, options.format, dpi=options.style.dpi, about=about)


def arrays_bytes(inspection: Inspection) -> bytes:
    """Return every intermediate as the content of an .npz file; ``summary`` holds the plain values as JSON text."""
    buffer = io.BytesIO()
    summary = json.dumps(inspection.to_dict(), ensure_ascii=True)
    np.savez_compressed(buffer, allow_pickle=False, summary=np.array(summary), **inspection.to_arrays())
    return buffer.getvalue()


def _inspected(
    model: Model, records: Sequence[ImageRecord], batch_size: int, workers: int | None
) -> Generator[tuple[ImageRecord, Inspection | str], None, None]:
    """Look into the images in order: each record with its inspection, or with the reason why there is none."""
    inspector, step = Inspector(model), ShrinkingStep()

    def load(record: ImageRecord) -> tuple[ImageRecord, Image.Image | str]:
        try:
            return record, read_image(record.path)
        except UnreadableImage as error:
            return record, error.reason

    with closing(threaded_map(load, records, workers=workers, ahead=batch_size)) as loaded:
        while batch := list(islice(loaded, batch_size)):
            images = [(record, image) for record, image in batch if not isinstance(image, str)]

            def inspect(some: slice, images: list[tuple[ImageRecord, Image.Image]] = images) -> tuple[Inspection, ...]:
                names = [record.name for record, _ in images[some]]
                prepared = inspector.prepare_batch([image for _, image in images[some]], names)
                resampled = inspector.resample(prepared)
                return inspector.describe(resampled, inspector.classify(resampled))

            inspections = iter([one for part in step.over(len(images), inspect) for one in part])
            for record, image in batch:
                if isinstance(image, str):
                    yield record, image
                    continue
                inspection = next(inspections)
                finite = all(np.isfinite(logits).all() for logits in inspection.logits.values())
                yield record, inspection if finite else NOT_FINITE


class _Writer:
    """Writes the files of one image after the other."""

    def __init__(self, model: Model, out: Path, options: ExportOptions, classes: tuple[str, ...]) -> None:
        self._model, self._out, self._options, self._classes = model, out, options, classes
        self._names = OutputNames(taken=[INDEX])
        self._panels: tuple[PanelName, ...] = check_panels(options.style.panels)

    def truth(self, record: ImageRecord) -> str | None:
        return label_name(record, self._classes)

    def write(self, record: ImageRecord, inspection: Inspection) -> tuple[Path, ...]:
        options, written = self._options, []
        stem = self._names.stem(record.name, options.endings())
        target = self._out / stem
        picture = ENDINGS[options.format]
        make_folder(target if options.singles else target.parent)

        def put(path: Path, data: bytes) -> None:
            write_bytes(path, data, durable=False)  # thousands of files that can be made again
            written.append(path)

        if options.sheet:
            sheet = sheet_figure(inspection, options.style, truth=self.truth(record), model=_model_name(self._model))
            put(target.with_name(target.name + picture), picture_bytes(sheet, inspection, options))
        if options.singles:
            for panel in self._panels:
                single = panel_figure(inspection, panel, options.style)
                put(target / f"{panel}{picture}", picture_bytes(single, inspection, options))
        if options.arrays:
            put(target.with_name(target.name + ".npz"), arrays_bytes(inspection))
        return tuple(written)


def _model_name(model: Model) -> str:
    """Name a model by its file, and by its run where the file is a run's checkpoint."""
    path = model.path
    return f"{path.parent.parent.name} / {path.stem}" if path.parent.name == "checkpoints" else path.name
