"""The boxes that the open data set gives for the images of a table; peaks outside them are marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from s3n_core.datasets.records import Annotation, DataSet
from s3n_gui.state.session import Session

AnnotationOf = Callable[[str], Annotation]
NO_ANNOTATION = Annotation()


def not_annotated(file: str) -> Annotation:
    """Return that an image has no annotation."""
    return NO_ANNOTATION


class Annotations:
    """Looks up annotations; those of a data set are collected once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._data_set: DataSet | None = None
        self._known: dict[str, Annotation] = {}

    def of(self, file: str, images: Path | None) -> Annotation:
        """Return the annotation of a row's image; an empty one if its folder is not the open data set.

        Args:
            file: The image's name in the table.
            images: The folder of the table's images.
        """
        data_set = self._session.data_set
        if data_set is not self._data_set:
            self._data_set = data_set
            records = () if data_set is None else data_set.records
            self._known = {record.name: record.annotation for record in records if record.annotation}
        is_open = data_set is not None and data_set.root == images
        return self._known.get(file, NO_ANNOTATION) if is_open else NO_ANNOTATION
