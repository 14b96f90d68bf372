"""A second model that looks at the same image, in an engine process of its own, started when it is first wanted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from s3n_core.inspection.inspection import Inspection
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.fetched_maps import FetchedMaps
from s3n_gui.inspector.inspection_state import InspectionState


class OtherModel(QObject):
    """Keeps a second state in step with the first: image, numbers and cursor are the same, peaks are its own.

    Args:
        first: The page's state.
        make_client: Makes an engine, as `InspectionClient` is.
        name_of: Returns an image's name in its data set; it keys the draws.
    """

    def __init__(
        self,
        first: InspectionState,
        make_client: Callable[[], EngineClient],
        name_of: Callable[[Path], str | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.state = InspectionState(self)
        self.path: Path | None = None
        self._first, self._make_client, self._name_of = first, make_client, name_of
        self._client: EngineClient | None = None
        self._generation = -1
        self._active = False
        self._fetched = FetchedMaps()
        self.state.image_changed.connect(self._fetched.clear)
        first.settings_changed.connect(self._ask)
        first.cursor_changed.connect(self.state.point_at)
        self.state.cursor_changed.connect(first.point_at)
        first.original_held.connect(self.state.hold_original)

    def open(self, path: Path, device: str, precision: str) -> None:
        """Take a model file or a run's folder as the second model."""
        if self._client is None:
            self._client = self._make_client()
            self._client.resampled.connect(self._on_resampled)
            self._client.answered.connect(self._on_answered)
            self._client.class_map_ready.connect(self._on_class_map)
            self._client.failed.connect(self._on_failed)
        self.path = path
        self._fetched.clear()
        self.state.forget()
        self._client.open_model(path, device, precision)
        self._ask()

    def set_idle_seconds(self, seconds: float) -> None:
        """Say after how long without a request the engine lets go of the model."""
        if self._client is not None:
            self._client.set_idle_seconds(seconds)

    def set_active(self, active: bool) -> None:
        """Look at images, or rest while nobody sees what comes."""
        if active != self._active:
            self._active = active
            self._ask()

    def fetch_class_map(self, index: int) -> None:
        """Ask for a class's map that the inspection did not bring."""
        image = self.state.image
        if self._client is not None and image is not None and index not in self._fetched:
            self._client.request_class_map(image, index, name=self._name_of(image))

    def _on_class_map(self, values: NDArray[np.float32], index: int, generation: int) -> None:
        self._fetched.take(index, values)
        if self.state.evidence is not None and self.state.is_current:
            self.state.amend(self._fetched.added_to)

    def close(self) -> None:
        """End the engine process."""
        if self._client is not None:
            self._client.close()

    def _ask(self) -> None:
        image = self._first.image
        if not self._active or self._client is None:
            return
        self.state.choose_image(image)
        if image is not None:
            numbers = replace(self._first.numbers, edits=())
            self._generation = self._client.inspect(image, numbers, name=self._name_of(image))

    def _on_resampled(self, inspection: Inspection, generation: int) -> None:
        if generation <= self._generation:
            self.state.say("")
            self.state.take_evidence(self._fetched.added_to(inspection))

    def _on_answered(self, inspection: Inspection, generation: int) -> None:
        if generation == self._generation:
            self.state.say("")
            self.state.take_answer(self._fetched.added_to(inspection))

    def _on_failed(self, sentence: str) -> None:
        self.state.say(sentence)
