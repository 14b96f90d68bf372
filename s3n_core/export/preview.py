"""The first file that `s3n export` would write, made by its own code, again and again as options change.

What does not change stays: the list of images, and what the network made of the first of them. So a change of the look costs
no more than drawing one file.
"""

from __future__ import annotations

from pathlib import Path

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.opening import open_images, part_of
from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import DataSetError, S3NError, UnreadableImage
from s3n_core.export.file_request import ExportedFile, FileRequest
from s3n_core.export.image_files import ImageFiles, file_path
from s3n_core.export.options import export_options
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.inspector import Inspector
from s3n_core.prediction.row_building import NOT_FINITE

_MOST_UNREADABLE = 50  # images that are passed over before there is a file


class FirstFiles:
    """Makes wanted files and remembers what the next wish will need again."""

    def __init__(self) -> None:
        self._listed: tuple[tuple[str, str], tuple[ImageRecord, ...], tuple[str, ...]] | None = None
        self._looked: tuple[tuple[str, str, Path], int, Inspection] | None = None

    def make(self, inspector: Inspector, wish: FileRequest) -> ExportedFile:
        """Make a file.

        Raises:
            S3NError: The images cannot be opened, none can be read, or the options are out of bounds.
        """
        try:
            options = export_options(**wish.options)
        except (TypeError, ValueError) as error:
            raise S3NError(f"These options cannot be used: {error}.") from error
        if wish.again:
            self._listed = self._looked = None
        records, classes = self._records(wish)
        position, inspection = self._first(inspector, records)
        files = ImageFiles(inspector.model, options, classes)
        for record in records[: position + 1]:  # those before it take their names as well
            stem = files.stem(record)
        ending = wish.ending if wish.ending in files.endings else files.endings[0]
        return ExportedFile(
            image=record.name,
            files={each: file_path(stem, each) for each in files.endings},
            ending=ending,
            content=files.content(ending, record, inspection),
            images=len(records),
        )

    def _records(self, wish: FileRequest) -> tuple[tuple[ImageRecord, ...], tuple[str, ...]]:
        key = (wish.images, wish.part)
        if self._listed is None or self._listed[0] != key:
            data_set = open_images(Path(wish.images))
            self._listed = key, part_of(data_set, wish.part), data_set.classes
        return self._listed[1:]

    def _first(self, inspector: Inspector, records: tuple[ImageRecord, ...]) -> tuple[int, Inspection]:
        """Look into the first image that can be read; return its position too."""
        model, reason = inspector.model, ""
        for position, record in enumerate(records[:_MOST_UNREADABLE]):
            key = (model.digest, model.precision, record.path)
            if self._looked is not None and self._looked[0] == key:
                return self._looked[1:]
            try:
                image = read_image(record.path)
            except UnreadableImage as error:
                reason = reason or f"{record.name}: {error.reason}"
                continue
            inspection = inspector.inspect(inspector.prepare(image, record.name))
            if not inspection.scores.is_finite:
                reason = reason or f"{record.name}: {NOT_FINITE}"
                continue
            self._looked = key, position, inspection
            return position, inspection
        count = min(len(records), _MOST_UNREADABLE)
        raise DataSetError(f"None of the first {count} images can be exported ({reason}); choose other images.")
