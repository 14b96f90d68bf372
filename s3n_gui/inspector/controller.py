"""The page's controller: requests inspections, applies the replies to the page's state and steps through the images.

It uses no widgets. The client may be any object with the signals and methods of ``InspectionClient``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import DataSet
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.codec import OpenedModel
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.images.image_list import ImageList, disagrees, is_mistake
from s3n_gui.inspector.images.verdicts import Verdict, Verdicts
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.state_updater import StateUpdater
from s3n_gui.state.session import Session

Wanted = Literal["any", "mistake", "disagreement"]
_TESTS: dict[Wanted, Callable[[Verdict | None], bool] | None] = {
    "any": None,
    "mistake": is_mistake,
    "disagreement": disagrees,
}


class InspectionController(QObject):
    """Connects the session, the engine and the page's state.

    Signals:
        truth_changed: The true class of the chosen image, or None if it is unlabelled.
        device_reported: The device in use, and why a faster one is not (empty if it is the fastest).
        seeking_changed: What is being searched for ("mistake", "disagreement"), or "" when the search ends.
        notice: A message that is not an error.
    """

    truth_changed = Signal(object)
    device_reported = Signal(str, str)
    seeking_changed = Signal(str)
    notice = Signal(str)

    def __init__(
        self,
        session: Session,
        client: EngineClient,
        state: InspectionState,
        images: ImageList,
        verdicts: Verdicts,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._client, self._state = session, client, state
        self._images, self._verdicts = images, verdicts
        self._device, self._precision = "auto", "auto"
        self._active = False
        self._model: Path | None = None
        self._seeking: Wanted = "any"
        self._sought_from: Path | None = None
        self._live: Verdict | None = None
        session.model_changed.connect(self._on_model)
        session.data_set_changed.connect(self._on_data_set)
        session.image_changed.connect(self._on_session_image)
        client.opened.connect(self._on_opened)
        self._updater = StateUpdater(client, state, self)
        self._updater.answered.connect(self._on_answered)
        self._updater.failed.connect(self._on_failed)
        client.interrupted.connect(self.notice)
        state.image_changed.connect(self._on_image)
        state.settings_changed.connect(self._ask)

    # Opening

    def activate(self, device: str = "auto", precision: str = "auto") -> None:
        """Start working; called when the page is first shown."""
        if not self._active:
            self._active = True
            self._device, self._precision = device, precision
            self._on_data_set(self._session.data_set)
            self._on_model(self._session.model)
            self._on_session_image(self._session.image)

    def compute_on(self, device: str, precision: str) -> None:
        """Change the device or the precision; this reopens the model."""
        if (device, precision) == (self._device, self._precision):
            return
        self._device, self._precision = device, precision
        if self._active and self._model is not None:
            self._stop_seeking()
            self._verdicts.clear()
            self._updater.forget()
            self._client.open_model(self._model, device, precision)
            self.ask_again()

    def _on_opened(self, opened: OpenedModel) -> None:
        self.device_reported.emit(f"{opened.device_name}, {opened.precision}", opened.device_reason)

    def _on_model(self, model: Path | None) -> None:
        if not self._active or model == self._model:
            return
        self._model = model
        self._stop_seeking()
        self._state.say("")
        self._updater.forget()
        self._verdicts.clear()
        if model is not None:
            self._client.open_model(model, self._device, self._precision)
        self._state.forget()  # triggers a new request

    def _on_data_set(self, data_set: DataSet | None) -> None:
        if not self._active:
            return
        self._stop_seeking()
        self._verdicts.clear()
        self._images.set_data_set(data_set, self._session.image)
        if data_set is not None and self._images.record_of(self._session.image) is None and data_set.records:
            self._session.image = self._images.record(0).path if self._images.rowCount() else None
        self.tell_truth()

    def _on_session_image(self, image: Path | None) -> None:
        if self._active:
            if self._session.data_set is None:
                self._images.set_data_set(None, image)
            self._state.choose_image(image)

    # Requests and replies

    def _on_image(self, image: Path | None) -> None:
        self._live = None
        self._session.image = image
        self.tell_truth()

    def tell_truth(self) -> None:
        """Report the true class of the chosen image."""
        record = self._images.record_of(self._state.image)
        self.truth_changed.emit(None if record is None else self._images.label_of(record))

    def _ask(self) -> None:
        image = self._state.image
        if self._model is None or image is None:
            self._updater.forget()
            return
        record = self._images.record_of(image)
        self._updater.ask(image, None if record is None else record.name)

    def _on_answered(self, inspection: Inspection) -> None:
        record = self._images.record_of(self._state.image)
        label = None if record is None else self._images.label_of(record)
        self._live = Verdict.of_inspection(inspection, label)
        if record is not None and inspection.warps.settings == InspectionSettings():
            self._verdicts.take_inspection(record.name, inspection, label)
        self._seek_on()

    def _on_failed(self, sentence: str) -> None:
        seeking = self._seeking != "any"
        if seeking:
            self._seek_on()  # an unreadable image must not end the search
        else:
            self._state.say(sentence)

    def ask_again(self) -> None:
        """Request the chosen image again after a failure."""
        self._state.say("")
        self._ask()

    def fetch_class_map(self, index: int) -> None:
        """Request a class map that the inspection does not contain."""
        self._updater.fetch_class_map(index)

    # Navigation

    def choose(self, image: Path) -> None:
        """Choose an image to inspect."""
        self._stop_seeking()
        self._state.choose_image(image)

    def step(self, direction: Literal[1, -1], wanted: Wanted = "any") -> None:
        """Go to the next image, mistake or disagreement.

        If no later one is known, inspect the images not yet viewed one by one until one is found.
        """
        self._stop_seeking()
        row = self._images.row_of(self._state.image)
        found = self._images.next_row(row, direction, _TESTS[wanted])
        if found >= 0:
            self._state.choose_image(self._images.record(found).path)
            return
        if wanted != "any" and direction == 1 and self._images.next_row(row, 1, _is_unknown) >= 0:
            self._seeking, self._sought_from = wanted, self._state.image
            self.seeking_changed.emit(wanted)
            self._seek_on()
            return
        what = {"any": "image", "mistake": "mistake", "disagreement": "disagreement"}[wanted]
        where = "further on" if direction == 1 else "before this one"
        self.notice.emit(f"There is no {what} {where} in the list.")

    def stop_seeking(self) -> None:
        """Stop the search for the next mistake or disagreement."""
        self._stop_seeking()

    def _stop_seeking(self) -> None:
        if self._seeking != "any":
            self._seeking = "any"
            self.seeking_changed.emit("")

    def _seek_on(self) -> None:
        test = _TESTS[self._seeking]
        if test is None:
            return
        row = self._images.row_of(self._state.image)
        record = self._images.record_of(self._state.image)
        # Test the prediction under the current settings; the list only holds predictions under the model's own.
        if record is not None and record.path != self._sought_from and test(self._live):
            self._stop_seeking()
            return
        following = self._images.next_row(row, 1, lambda verdict: verdict is None or test(verdict))
        if following < 0:
            what = self._seeking
            self._stop_seeking()
            self.notice.emit(f"There is no {what} further on in the list.")
            return
        self._state.choose_image(self._images.record(following).path)


def _is_unknown(verdict: Verdict | None) -> bool:
    return verdict is None
