"""The middle of the page: the panes, two models one above the other, or the reason why nothing is shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QCursor
from PySide6.QtWidgets import QFileDialog, QStackedWidget, QWidget

from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.comparison import Comparison
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.other_model import OtherModel
from s3n_gui.inspector.panes.pane import Pane
from s3n_gui.inspector.panes.pane_grid import PaneGrid
from s3n_gui.inspector.panes.pane_model import Cameras
from s3n_gui.inspector.panes.pane_requests import PaneRequests
from s3n_gui.state.demo import demo_is_installed
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.empty_page import EmptyPage
from s3n_gui.widgets.model_menu import ModelMenu


class Stage(QStackedWidget):
    """Panes, comparison, or an empty page with the reason.

    Signals:
        again_requested: Retry what has failed.
        comparing_changed: Whether two models are shown.

    Attributes:
        requests: The user's requests in the current model's panes.

    Args:
        session: The current choices.
        settings: The user's settings.
        state: The page's state.
        images: The image list, which has names and labels.
        cameras: The panes' cameras.
        make_client: Makes an engine client for the second model.
        models: The models to choose from.
    """

    again_requested = Signal()
    comparing_changed = Signal(bool)

    def __init__(
        self,
        session: Session,
        settings: Settings,
        state: InspectionState,
        images: ImageList,
        cameras: Cameras,
        make_client: Callable[[], EngineClient],
        models: ModelChoices | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session, self._settings, self._state, self._images = session, settings, state, images
        self._cameras, self._make_client = cameras, make_client
        self._models = models if models is not None else ModelChoices(session)
        self.second_models = ModelMenu(self._models, self, compares=True)
        self.second_models.chosen.connect(self.compare_with)
        self.model_menu = ModelMenu(self._models, self)
        self.model_menu.chosen.connect(self._models.use)
        self._comparing = False
        self._truth: str | None = None
        self.other: OtherModel | None = None
        self.comparison: Comparison | None = None
        self.empty = EmptyPage()
        self.requests = PaneRequests(self)
        self.panes = PaneGrid(state, cameras, self.requests)
        self.addWidget(self.empty)
        self.addWidget(self.panes)
        self.empty.asked.connect(self._on_asked)
        session.run_renamed.connect(self._on_renamed)

    @property
    def is_empty(self) -> bool:
        """Whether the page shows only the reason why nothing is shown."""
        return self.currentWidget() is self.empty

    def show_newest(self) -> None:
        """Show the panes, or the reason why they are empty."""
        case = self._empty_case()
        full: QWidget = self.comparison if self._comparing and self.comparison is not None else self.panes
        self.setCurrentWidget(full if case is None else self.empty)
        if case is not None:
            self.empty.show_case(*case)

    def _empty_case(self) -> tuple[str, ...] | None:
        if self._session.model is None:
            return (
                "model",
                "Choose a model to inspect images",
                "This page shows what a trained model sees in an image: where it finds evidence, what it enlarges, "
                "and what each branch predicts.",
                "Choose model…",
                "Try the demo" if demo_is_installed() else "",
            )
        if self._state.message:
            return "error", "This cannot be inspected", self._state.message, "Try again" if self._state.image else ""
        if self._state.image is None:
            return (
                "image",
                "Choose an image",
                "Open a folder of images and select one on the left.",
                "Open data set…",
                "Open image…",
            )
        if self._state.evidence is None:
            return "clock", "Opening the model …", "The first image takes a few seconds.", ""
        return None

    def _on_asked(self, button: int) -> None:
        if self._session.model is None:
            if button == 0:
                self.model_menu.popup(QCursor.pos() if self.underMouse() else self.mapToGlobal(self.rect().center()))
            else:
                self._session.ask_for_demo()
        elif self._state.message:
            self.again_requested.emit()
        elif button == 0:
            self._session.ask_to_open("data")
        else:
            chosen, _ = QFileDialog.getOpenFileName(self, "Open image")
            if chosen:
                self._session.open_path(Path(chosen))

    # Two models

    @property
    def is_comparing(self) -> bool:
        """Whether the comparison of two models is on, even while nothing is shown."""
        return self._comparing

    def set_comparing(self, comparing: bool) -> None:
        """Show two models or one; let the user choose the second model if there is none."""
        if comparing and self.other is None:
            self.choose_other()
            return
        self._comparing = comparing
        if self.other is not None:
            self.other.set_active(comparing)
        self.show_newest()
        self.comparing_changed.emit(comparing)

    def choose_other(self) -> None:
        """Let the user choose the model to compare with."""
        self.second_models.popup(QCursor.pos() if self.underMouse() else self.mapToGlobal(self.rect().topRight()))

    def compare_with(self, model: Path) -> None:
        """Compare the current model with a model file or run folder."""
        if self.other is None or self.comparison is None:
            self.other = OtherModel(self._state, self._make_client, self._name_of, self)
            self.comparison = Comparison(self._state, self.other, self._cameras, self.requests)
            self.comparison.other_requested.connect(self.choose_other)
            self._session.model_changed.connect(self.comparison.first.set_model)
            self.comparison.first.set_model(self._session.model)
            self.comparison.set_truth(self._truth)
            self.addWidget(self.comparison)
        self.comparison.second.set_model(model)
        self.other.open(model, self._settings.device, self._settings.precision)
        self.set_comparing(True)

    def compute_on(self, device: str, precision: str) -> None:
        """Set the second model's device and precision."""
        if self.other is not None and self.other.path is not None:
            self.other.open(self.other.path, device, precision)

    def _on_renamed(self, before: Path, after: Path) -> None:
        if self.other is not None and self.comparison is not None:
            self.other.follow_rename(before, after, self._settings.device, self._settings.precision)
            self.comparison.second.set_model(self.other.path)

    def set_idle_seconds(self, seconds: float) -> None:
        """Set after how many idle seconds the second engine unloads its model."""
        if self.other is not None:
            self.other.set_idle_seconds(seconds)

    def shown_panes(self) -> tuple[Pane, ...]:
        """Return the visible panes of one or both models."""
        if self._comparing and self.comparison is not None:
            return (*self.comparison.first.panes.panes, *self.comparison.second.panes.panes)
        return self.panes.panes

    def set_all(self, **changes: Any) -> None:
        """Set fields of all panes' models, including hidden panes."""
        self.panes.set_all(**changes)
        if self.comparison is not None:
            self.comparison.first.panes.set_all(**changes)

    def toggle_alone(self) -> None:
        """Maximise the focused pane, for two models in both rows, or restore the grid."""
        if self._comparing and self.comparison is not None:
            self.comparison.toggle_alone()
        else:
            self.panes.toggle_alone()

    def show_all_panes(self) -> None:
        """Restore the grid if a pane is maximised."""
        grids = [self.panes]
        if self.comparison is not None:
            grids += [self.comparison.first.panes, self.comparison.second.panes]
        for grid in grids:
            if grid.alone is not None:
                grid.toggle_alone()

    def set_truth(self, truth: str | None) -> None:
        """Set the image's true class (None if unlabelled)."""
        self._truth = truth
        if self.comparison is not None:
            self.comparison.set_truth(truth)

    def _name_of(self, image: Path) -> str | None:
        record = self._images.record_of(image)
        return None if record is None else record.name

    def close_engines(self) -> None:
        """Stop the second model's engine process."""
        if self.other is not None:
            self.other.close()
