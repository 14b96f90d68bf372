"""The state of the test that hides places: the places, the settings, the progress and the results. No widgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import ImageRecord
from s3n_core.errors import S3NError
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings, window_size
from s3n_core.server.requests import Subject
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.inspection_state import InspectionState, PlaceOutline


@dataclass
class Removal:
    """Places that are hidden, one at a time, beside the same random places.

    Attributes:
        places: The places, (x, y) in pixels of the original.
        results: One result per place, or none yet.
        steps: Numbers of images done and in total while it runs, else None; (0, 0) at the start.
        message: Why there are no results; otherwise empty.
    """

    places: tuple[Place, ...] = ()
    results: tuple[HiddenPlace, ...] = ()
    steps: tuple[int, int] | None = None
    message: str = ""


class HidingState(QObject):
    """Hides places of the image that the page shows: one that the user points at, and those of a ledger's rows.

    One of the two runs at a time, with the same settings; starting one stops the other. A result belongs to the image, the
    model and the method's parameters; when one of these changes, it goes. Edits of peaks do not matter to it, but stop a test
    that is still running.

    Signals:
        changed: Anything has changed.

    Args:
        client: The engine.
        state: The page's state.
        record_of: Returns the record of an image, which has its name and its box; or None.
    """

    changed = Signal()

    def __init__(
        self,
        client: EngineClient,
        state: InspectionState,
        record_of: Callable[[Path | None], ImageRecord | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._client, self._state, self._record_of = client, state, record_of
        self._settings = HidingSettings()
        self._single, self._rows = Removal(), Removal()
        self._running: Removal | None = None
        self._subject: Subject | None = None
        self._class_index: int | None = None
        client.hiding_progressed.connect(self._on_progressed)
        client.places_hidden.connect(self._on_hidden)
        client.hiding_ended.connect(self._on_ended)
        state.image_changed.connect(self.clear)
        state.settings_changed.connect(self._on_settings_changed)
        state.evidence_changed.connect(self._on_evidence_changed)

    @property
    def settings(self) -> HidingSettings:
        """How places are hidden."""
        return self._settings

    def set_settings(self, settings: HidingSettings) -> None:
        """Choose how places are hidden, and hide the shown place again; what a ledger's rows had is dropped."""
        if settings == self._settings:
            return
        self._settings = settings
        if self._running is self._rows:
            self._client.stop_hiding()
        self._rows = Removal()
        if self.place is not None:
            self.hide(self.place)
        else:
            self.changed.emit()

    @property
    def place(self) -> Place | None:
        """The place that is hidden, (x, y) in pixels of the original, or None."""
        return self._single.places[0] if self._single.places else None

    @property
    def result(self) -> HiddenPlace | None:
        """The result for this place, or None."""
        return self._single.results[0] if self._single.results else None

    @property
    def steps(self) -> tuple[int, int] | None:
        """Numbers of images done and in total while the place is being hidden, else None; (0, 0) at the start."""
        return self._single.steps

    @property
    def message(self) -> str:
        """Why there is no result; otherwise empty."""
        return self._single.message

    @property
    def rows(self) -> Removal:
        """What was asked for a ledger's rows."""
        return self._rows

    @property
    def class_index(self) -> int | None:
        """The class whose change is shown, if it is another than the predicted one."""
        return self._class_index

    def set_class(self, index: int | None) -> None:
        """Show the change of a class; None: of the predicted one."""
        if index != self._class_index:
            self._class_index = index
            self.changed.emit()

    def hide(self, place: Place) -> None:
        """Hide a place of the shown image, (x, y) in pixels of the original."""
        single = Removal(places=(place,))
        if self._start(single):
            self._single = single
            self._show_outline()
            self.changed.emit()

    def measure(self, places: Sequence[Place]) -> None:
        """Hide each of a ledger's places, (x, y) in pixels of the original; at least one."""
        rows = Removal(places=tuple(places))
        if self._start(rows):
            self._rows = rows
            self.changed.emit()

    def _start(self, removal: Removal) -> bool:
        image, evidence = self._state.image, self._state.evidence
        if image is None or evidence is None or not self._state.is_current:
            return False
        if self._running is not None:
            self._client.stop_hiding()
        record = self._record_of(image)
        removal.steps, self._running = (0, 0), removal
        name = None if record is None else record.name
        self._subject = Subject(image=image, name=name, settings=self._state.numbers)
        box = None if record is None else record.box
        self._client.hide_places(self._subject, removal.places, self._settings, box=box)
        return True

    def window_size(self) -> float:
        """Return the size of a peak's window in the shown image, in pixels of the original; 0 without an image."""
        evidence = self._state.evidence
        if evidence is None:
            return 0.0
        response = evidence.response
        return window_size(response.window, response.map.shape, response.frame)

    def stop(self) -> None:
        """Stop hiding places."""
        self._client.stop_hiding()

    def clear(self) -> None:
        """Forget all places and their results."""
        running, self._running = self._running, None
        self._single, self._rows, self._subject = Removal(), Removal(), None
        if running is not None:
            self._client.stop_hiding()
        self._show_outline()
        self.changed.emit()

    def _on_settings_changed(self) -> None:
        if self._subject is not None and self._subject.settings != self._state.numbers:
            self.clear()

    def _on_evidence_changed(self) -> None:
        if self._state.evidence is None:
            self._class_index = None
            self.clear()
        else:
            self.changed.emit()

    def _on_progressed(self, done: int, total: int) -> None:
        if self._running is not None:
            self._running.steps = (done, total)
            self.changed.emit()

    def _on_hidden(self, hidden: tuple[HiddenPlace, ...], subject: Subject) -> None:
        running = self._running
        if running is not None and subject == self._subject:
            running.results, running.steps, self._running = hidden, None, None
            self.changed.emit()

    def _on_ended(self, error: S3NError | None) -> None:
        running = self._running
        if running is not None:
            running.steps, self._running = None, None
            running.message = "Stopped before the result was complete." if error is None else str(error)
            self.changed.emit()

    def _show_outline(self) -> None:
        if self.place is None:
            self._state.mark_place(None)
            return
        size = self._settings.size or self.window_size()
        self._state.mark_place(PlaceOutline(place=self.place, size=size, shape=self._settings.shape))
