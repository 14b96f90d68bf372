"""Preview of an export: the first file that `s3n export` would write, made by the same code.

The request includes the first images, so that this process need not read a data set and stays responsive. The
inspection of the first image is cached: changing the style costs only drawing one file.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataSetError, S3NError, UnreadableImage
from s3n_core.export.file_request import ExportedFile, FileRequest
from s3n_core.export.image_files import ExportedImage, FileContents, ImageFiles, model_name, versus_of
from s3n_core.export.options import export_options
from s3n_core.inspection.contribution_view import ContributionView, default_question
from s3n_core.inspection.inspection import NOT_FINITE, Inspection
from s3n_core.inspection.inspector import Inspector


class FirstFiles:
    """Creates requested files, and caches what the next request needs again."""

    def __init__(self) -> None:
        self._looked: tuple[tuple[object, ...], Inspection, ContributionView | None] | None = None

    def make(self, inspector: Inspector, request: FileRequest) -> ExportedFile:
        """Create a file.

        Raises:
            S3NError: No image can be read, or an option is out of range.
        """
        try:
            options = export_options(**request.options)
        except (TypeError, ValueError) as error:
            raise S3NError(f"These options cannot be used: {error}.") from error
        classes = tuple({image.truth: None for image in request.images if image.truth is not None})
        records = [
            ImageRecord(
                path=Path(image.path),
                name=image.name,
                label=None if image.truth is None else classes.index(image.truth),
                banner=image.banner,
                box=image.box,
                parts=image.parts,
            )
            for image in request.images
        ]
        versus = versus_of(inspector.model.classes, options)
        position, inspection, contributions = self._first(inspector, records, versus)
        record = records[position]
        files = ImageFiles(options, records[: position + 1], classes)  # unreadable images before it reserve names, too
        if options.hidden_peaks:
            raise S3NError("A preview does not hide peaks; leave hidden_peaks out.")
        ending = request.ending if request.ending in files.endings else files.endings[0]
        image = ExportedImage(
            inspection=inspection,
            truth=files.truth(record),
            annotation=record.annotation,
            contributions=contributions,
        )
        model = inspector.model
        contents = FileContents(options, model_name(model.path))
        return ExportedFile(
            image=record.name,
            files=files.paths(position),
            ending=ending,
            content=contents.of(image, [ending])[ending],
        )

    def _first(
        self, inspector: Inspector, records: list[ImageRecord], versus: int | None
    ) -> tuple[int, Inspection, ContributionView | None]:
        """Inspect the first image that can be read; return its position, inspection and contributions."""
        model, reason = inspector.model, ""
        for position, record in enumerate(records):
            key = (model.digest, model.precision, record.name, record.box, versus, *_file_state(record.path))
            if self._looked is not None and self._looked[0] == key:
                return position, *self._looked[1:]
            try:
                image = read_image(record.path, banner=record.banner, ranges=model.preprocess.ranges)
            except UnreadableImage as error:
                reason = reason or f"{record.name}: {error.reason}"
                continue
            ask = partial(default_question, versus=versus)
            ((inspection, contributions),) = inspector.explain_batch([image], [record.name], ask, boxes=[record.box])
            if not inspection.scores.is_finite:
                reason = reason or f"{record.name}: {NOT_FINITE}"
                continue
            self._looked = key, inspection, contributions
            return position, inspection, contributions
        raise DataSetError(f"None of the first {len(records)} images can be exported ({reason}); choose other images.")


def _file_state(path: Path) -> tuple[object, ...]:
    """Return the version of a file, so that a changed file is read again."""
    try:
        status = path.stat()
    except OSError:
        return (path,)  # reading it raises the error
    return path, status.st_mtime_ns, status.st_size
