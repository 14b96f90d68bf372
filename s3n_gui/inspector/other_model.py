"""A second model for the same image, in its own engine process, which starts on first use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject

from s3n_core.runs.model_paths import after_rename
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.state_updater import StateUpdater
from s3n_gui.inspector.why_state import WhyQuestion


class OtherModel(QObject):
    """Keeps a second state in sync with the first: it shares image, parameters and cursor, but not the peaks.

    Args:
        first: The page's state.
        make_client: Makes an engine client with the interface of `InspectionClient`.
        name_of: Returns an image's name in its data set, which seeds the random draws.
    """

    def __init__(
        self,
        first: InspectionState,
        make_client: Callable[[], EngineClient],
        name_of: Callable[[Path], str | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = InspectionState(self, first.symbols)
        self.path: Path | None = None
        self._first, self._make_client, self._name_of = first, make_client, name_of
        self._client: EngineClient | None = None
        self._updater: StateUpdater | None = None
        self._active = False
        first.settings_changed.connect(self._ask)
        first.cursor_changed.connect(self.state.point_at)
        self.state.cursor_changed.connect(first.point_at)
        first.original_held.connect(self.state.hold_original)
        first.annotation_changed.connect(self._on_annotation)
        first.why.changed.connect(self._on_question)
        first.scores_changed.connect(self._on_question)

    def open(self, path: Path, device: str, precision: str) -> None:
        """Open a model file or a run folder as the second model."""
        if self._client is None or self._updater is None:
            self._client = self._make_client()
            self._updater = StateUpdater(self._client, self.state, self)
            self._updater.failed.connect(self.state.say)
        self.path = path
        self._updater.forget()
        self.state.forget()
        self._client.open_model(path, device, precision)
        self._ask()

    def follow_rename(self, before: Path, after: Path, device: str, precision: str) -> None:
        """Open the second model anew where it lies after its run was renamed; what is shown of it stays."""
        path = None if self.path is None else after_rename(self.path, before, after)
        if self._client is not None and path is not None and path != self.path:
            self.path = path
            self._client.open_model(path, device, precision)
            self._ask()

    def set_idle_seconds(self, seconds: float) -> None:
        """Set after how many idle seconds the engine unloads the model."""
        if self._client is not None:
            self._client.set_idle_seconds(seconds)

    def set_active(self, active: bool) -> None:
        """Start inspecting images, or pause while the second model is hidden."""
        if active != self._active:
            self._active = active
            self._ask()

    def fetch_class_map(self, index: int) -> None:
        """Request a class map that the inspection does not contain."""
        if self._updater is not None:
            self._updater.fetch_class_map(index)

    def fetch_contributions(self) -> None:
        """Request the contributions that the first model's question asks for."""
        if self._updater is not None:
            self._updater.fetch_contributions()

    def close(self) -> None:
        """End the engine process."""
        if self._client is not None:
            self._client.close()

    def _ask(self) -> None:
        image = self._first.image
        if not self._active or self._updater is None:
            return
        self.state.choose_image(image)
        self._on_question()
        self.state.set_numbers(self._first.numbers)
        self._on_annotation()
        if image is not None:
            self._updater.ask(image, self._name_of(image))

    def _on_annotation(self) -> None:
        self.state.set_annotation(self._first.annotation)

    def _on_question(self) -> None:
        """Ask this model about the classes that the first model is asked about, whatever this model predicts."""
        answer = self._first.answer
        asked = None if answer is None else self._first.why.resolved(answer)
        if answer is None or asked is None or isinstance(asked, str):
            return
        target, versus = asked
        names = answer.response.classes
        self.state.why.ask(WhyQuestion(names[target], None if versus is None else names[versus], alone=versus is None))
