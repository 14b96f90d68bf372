"""The page's controller: requests inspections, applies the replies to the page's state and steps through the images.

It uses no widgets. The client may be any object with the signals and methods of ``InspectionClient``.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import Annotation, DataSet
from s3n_core.evaluation.label_check import unknown_labels
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.runs.model_paths import after_rename
from s3n_core.server.codec import OpenedModel
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.images.image_list import ImageList, disagrees, is_mistake
from s3n_gui.inspector.images.verdicts import Verdict, Verdicts
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.state_updater import StateUpdater
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.opening import data_set_place
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
        model_changed: Another model is inspected, or none; a run with another name is the same model.
        truth_changed: The true class of the chosen image, or None if it is unlabelled.
        device_reported: The device in use, and why a faster one is not (empty if it is the fastest).
        notice: A message that is not an error.
        model_missing: A message: there is no model, so mistakes are not known.
        predictions_missing: A message: not all images have a prediction.
        descriptors_failed: The `S3NError` that there is instead of what the peaks look like.
    """

    model_changed = Signal()
    truth_changed = Signal(object)
    device_reported = Signal(str, str)
    notice = Signal(str)
    model_missing = Signal(str)
    predictions_missing = Signal(str)
    descriptors_failed = Signal(object)

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
        self._place: Path | None = None  # of the data set
        session.run_renamed.connect(self._on_renamed)
        session.model_changed.connect(self._on_model)
        session.data_set_changed.connect(self._on_data_set)
        session.image_changed.connect(self._on_session_image)
        session.selection_changed.connect(self._on_selection)
        client.opened.connect(self._on_opened)
        self._updater = StateUpdater(client, state, self)
        self._updater.answered.connect(self._on_answered)
        self._updater.failed.connect(self._on_failed)
        self._updater.descriptors_failed.connect(self.descriptors_failed)
        client.interrupted.connect(self.notice)
        state.image_changed.connect(self._on_image)
        state.settings_changed.connect(self._ask)

    # Opening

    def activate(self, device: str = "auto", precision: str = "auto") -> None:
        """Start working; called when the page is first shown."""
        if not self._active:
            self._active = True
            self._device, self._precision = device, precision
            # The session drops the image with its data set: one from elsewhere was chosen beside the open one, and stays.
            data_set = self._session.data_set
            self._place = None if data_set is None else data_set_place(data_set)
            self._on_data_set(data_set)
            self._on_model(self._session.model)
            self._on_session_image(self._session.image)

    def compute_on(self, device: str, precision: str) -> None:
        """Change the device or the precision; this reopens the model."""
        if (device, precision) == (self._device, self._precision):
            return
        self._device, self._precision = device, precision
        if self._active and self._model is not None:
            self._verdicts.clear()
            self._updater.forget()
            self._open_again(self._model)

    def _open_again(self, model: Path) -> None:
        """Open the model that is inspected anew; what is shown of it stays."""
        self._client.open_model(model, self._device, self._precision)
        self.ask_again()

    def _on_opened(self, opened: OpenedModel) -> None:
        self.device_reported.emit(f"{opened.device_name}, {opened.precision}", opened.device_reason)
        self._check_labels()

    def _check_labels(self) -> None:
        """Report a model that knows none of the data set's labels, or end that report."""
        self._session.end_cause("labels")
        opened, data_set = self._client.model, self._session.data_set
        if opened is None or data_set is None:
            return
        labels = {data_set.classes[record.label] for record in data_set.records if record.label is not None}
        if labels and labels.isdisjoint(opened.classes):
            self._session.report_error(unknown_labels(labels, opened.classes), cause="labels")

    def _on_model(self, model: Path | None) -> None:
        if not self._active or model == self._model:
            return
        self._model = model
        self._session.end_cause("labels")
        self._state.say("")
        self._updater.forget()
        self._verdicts.clear()
        if model is None:
            self._client.close_model()
        else:
            self._client.open_model(model, self._device, self._precision)
        self._state.forget()  # triggers a new request
        self.model_changed.emit()

    def _on_renamed(self, before: Path, after: Path) -> None:
        """Keep the edits and results of a run that has another name now; the engine needs its new path."""
        model = None if self._model is None else after_rename(self._model, before, after)
        if model is not None and model != self._model:
            self._model = model
            self._open_again(model)

    def _on_data_set(self, data_set: DataSet | None) -> None:
        if not self._active:
            return
        self._verdicts.clear()
        before, self._place = self._place, None if data_set is None else data_set_place(data_set)
        # An image from elsewhere stays when the same data set is taken again, as after a change of its splits.
        image = self._session.image
        stays = self._place == before and image is not None and self._images.record_of(image) is None
        self._images.set_selection(self._session.selection)
        self._images.set_data_set(data_set, image)
        if data_set is not None and not stays and self._images.record_of(image) is None and data_set.records:
            self._session.image = self._images.record(0).path if self._images.rowCount() else None
        self.tell_truth()
        self._check_labels()

    def _on_selection(self, selection: ImageSelection | None) -> None:
        if self._active:
            self._images.set_selection(selection)
            if selection is not None and self._images.row_of(self._session.image) < 0 and self._images.rowCount():
                self._session.image = self._images.record(0).path

    def _on_session_image(self, image: Path | None) -> None:
        if self._active:
            if self._session.data_set is None:
                self._images.set_data_set(None, image)
            self._state.choose_image(image)

    # Requests and replies

    def _on_image(self, image: Path | None) -> None:
        self._session.image = image
        self.tell_truth()

    def tell_truth(self) -> None:
        """Report the true class of the chosen image, and pass on its box and key points."""
        record = self._images.record_of(self._state.image)
        self._state.set_annotation(Annotation() if record is None else record.annotation)
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
        valid = inspection.scores.is_finite  # otherwise there is no prediction, so no mistake either
        if record is not None and valid and inspection.warps.settings == InspectionSettings():
            self._verdicts.take_inspection(record.path, inspection, label)

    def _on_failed(self, sentence: str) -> None:
        self._state.say(sentence)

    def ask_again(self) -> None:
        """Request the chosen image again after a failure."""
        self._state.say("")
        self._ask()

    def fetch_class_map(self, index: int) -> None:
        """Request a class map that the inspection does not contain."""
        self._updater.fetch_class_map(index)

    def fetch_contributions(self) -> None:
        """Request the contributions that the state's question asks for."""
        self._updater.fetch_contributions()

    def fetch_descriptors(self) -> None:
        """Request what the peaks of the chosen image look like."""
        self._updater.fetch_descriptors()

    # Navigation

    def choose(self, image: Path) -> None:
        """Choose an image to inspect."""
        self._state.choose_image(image)

    def step(self, direction: Literal[1, -1], wanted: Wanted = "any", *, all_known: bool = False) -> None:
        """Go to the next image, or to the next one that is known to be a mistake or a disagreement.

        If there is none, the image stays and ``notice`` says why: none is left, or what is missing to know it.

        Args:
            direction: 1 for forwards, -1 for backwards.
            wanted: What kind of image.
            all_known: Whether there are predictions of the whole data set: images without one could not be read.
        """
        images, test = self._images, _TESTS[wanted]
        start = images.start_row(self._state.image, direction)
        found = images.next_row(start, direction, test)
        if found >= 0:
            self._state.choose_image(images.record(found).path)
        elif test is None:
            self.notice.emit("This is the last image of the list." if direction == 1 else "This is the first image.")
        elif self._model is None and not len(self._verdicts):
            self.model_missing.emit(f"Choose a model first: its predictions show which images are {wanted}s.")
        elif not all_known and (unknown := images.count(_is_unknown, start, direction)):
            where = "after" if direction == 1 else "before"
            none = f"No {wanted} is known {where} this image"
            self.predictions_missing.emit(
                f"{none}; {count_text(unknown, 'image has', 'images have')} no prediction yet."
            )
        elif wanted == "mistake" and not images.count(_has_label_of_the_model):
            self.notice.emit("No image here has a label that the model knows, so its mistakes cannot be found.")
        elif wanted == "disagreement" and not images.count(_has_branches):
            self.notice.emit("No image here has predictions of several branches, so disagreements cannot be found.")
        else:
            self.notice.emit(_no_more(wanted, direction, images.count(test)))


def _no_more(wanted: Wanted, direction: int, total: int) -> str:
    """Return a sentence such as "No more mistakes after this image; the list has 3.", with what the whole list has."""
    where = "after" if direction == 1 else "before"
    known = f"; the list has {total:,}" if total else ""
    return f"No more {wanted}s {where} this image{known}."


def _has_label_of_the_model(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.correct is not None


def _has_branches(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.agrees is not None


def _is_unknown(verdict: Verdict | None) -> bool:
    return verdict is None
