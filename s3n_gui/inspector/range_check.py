"""Whether the values of the inspected image suit the range that the model was trained with."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.datasets.range_finding import image_warnings
from s3n_core.datasets.value_ranges import ValueRanges
from s3n_core.models.model_headers import ranges_of
from s3n_core.server.codec import OpenedModel
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.background.tasks import Tasks
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.state.session import Session


class RangeCheck(QObject):
    """Compares the chosen image with the model that is open, in a thread.

    Signals:
        changed: What to tell the user, as a text; empty if the image suits the model, or is not compared yet.
    """

    changed = Signal(str)

    def __init__(
        self, session: Session, client: EngineClient, state: InspectionState, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._state = state
        self._ranges: ValueRanges | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_checked)
        client.opened.connect(self._on_opened)
        session.model_changed.connect(self._on_model)
        state.image_changed.connect(self._check)

    def close(self) -> None:
        """Wait for the thread."""
        self._tasks.close()

    @Slot()
    def _on_model(self) -> None:
        self._ranges = None
        self._check()

    @Slot(object)
    def _on_opened(self, opened: OpenedModel) -> None:
        self._ranges = ranges_of(opened.header)
        self._check()

    @Slot()
    def _check(self) -> None:
        self.changed.emit("")
        self._tasks.forget("values")
        if self._ranges is not None and self._state.image is not None:
            self._tasks.run("values", partial(image_warnings, self._state.image, self._ranges))

    @Slot(str, object)
    def _on_checked(self, _: str, warnings: tuple[str, ...]) -> None:
        self.changed.emit(" ".join(warnings))
