"""Reads the current model's ranges of values of images with more than 8 bits, so that pages show images as it sees them."""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from s3n_gui.background.tasks import Tasks
from s3n_gui.state.session import Session

if TYPE_CHECKING:
    from s3n_core.datasets.value_ranges import ValueRanges

_log = logging.getLogger(__name__)


class ModelRanges(QObject):
    """Keeps ``Session.value_ranges`` those of ``Session.model``."""

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        session.model_changed.connect(self._on_model)

    def close(self) -> None:
        """Wait for the reading thread."""
        self._tasks.close()

    @Slot(object)
    def _on_model(self, model: Path | None) -> None:
        if model is None:
            self._tasks.forget("ranges")
            self._session.value_ranges = None
        else:
            self._tasks.run("ranges", partial(_ranges_of, model))

    @Slot(str, object)
    def _on_read(self, _: str, ranges: ValueRanges | None) -> None:
        self._session.value_ranges = ranges


def _ranges_of(model: Path) -> ValueRanges | None:
    """Return the ranges of a model file or a run; None if it has none or cannot be read, which opening it reports."""
    # Loads NumPy, not at the window's start.
    from s3n_core.errors import S3NError
    from s3n_core.models.model_headers import ranges_of, read_header
    from s3n_core.runs.model_paths import model_file

    try:
        return ranges_of(read_header(model_file(model))) or None
    except (S3NError, OSError, TypeError, ValueError):
        _log.info("the ranges of %s could not be read", model, exc_info=True)
        return None
