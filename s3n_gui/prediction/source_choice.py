"""The choice of images, split and model: connects the source bar and the empty page with the controller."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from s3n_gui.prediction.controller import PredictionController
from s3n_gui.prediction.fast_mode.dialog import FastModeDialog
from s3n_gui.prediction.fast_mode.measurement import FastModeMeasurement
from s3n_gui.prediction.source_bar import SourceBar
from s3n_gui.state.opening import data_set_place
from s3n_gui.state.session import Session
from s3n_gui.widgets.empty_page import EmptyPage


class SourceChoice(QObject):
    """Lets the user choose images, split and model."""

    def __init__(
        self,
        controller: PredictionController,
        measurement: FastModeMeasurement,
        session: Session,
        bar: SourceBar,
        empty: EmptyPage,
        page: QWidget,
    ) -> None:
        super().__init__(page)
        self._measurement = measurement
        self._controller, self._session, self._bar, self._page = controller, session, bar, page
        bar.folder_asked.connect(self.choose_folder)
        bar.data_set_asked.connect(self._take_data_set)
        bar.split_chosen.connect(controller.set_split)
        bar.fast_asked.connect(self.show_fast_mode)
        self.fast_mode: FastModeDialog | None = None
        bar.start_asked.connect(self._start)
        bar.stop_asked.connect(controller.cancel)
        empty.asked.connect(self._on_empty)
        controller.request_changed.connect(self.show_request)
        controller.stage_changed.connect(self._show_running)
        # Queued, so that the page that asks has returned before the dialog starts its own event loop.
        session.folder_asked.connect(self.choose_folder, Qt.ConnectionType.QueuedConnection)
        self.show_request()

    def choose_folder(self) -> None:
        """Let the user choose a folder."""
        chosen = QFileDialog.getExistingDirectory(self._page, "Choose a folder of images")
        if chosen:
            self._controller.set_images(Path(chosen))

    def show_request(self) -> None:
        """Show the choices and the available splits."""
        controller, data_set = self._controller, self._session.data_set
        splits = controller.splits
        self._bar.show_choice(controller.images, controller.model, controller.split, splits)
        self._bar.show_stop_below(controller.stop_below)
        if self.fast_mode is not None:
            self.fast_mode.show_stop_below(controller.stop_below)
            if self.fast_mode.isVisible():
                self._look_for_effect()
        self._bar.own.setEnabled(data_set is not None)

    def show_fast_mode(self) -> None:
        """Show what fast mode gains and costs, and let the user choose its threshold."""
        if self.fast_mode is None:
            self.fast_mode = FastModeDialog(self._measurement, self._page)
            self.fast_mode.chosen.connect(self._controller.set_stop_below)
        self.fast_mode.show_stop_below(self._controller.stop_below)
        self._show_running()
        self._look_for_effect(again=True)
        self.fast_mode.show()
        self.fast_mode.raise_()

    def _show_running(self) -> None:
        if self.fast_mode is not None:
            self.fast_mode.show_running(self._controller.stage in ("running", "stopping"))

    def _look_for_effect(self, *, again: bool = False) -> None:
        if self._controller.model is not None:
            self._measurement.look(self._controller.model, self._controller.images, again=again)

    def _start(self, restart: bool) -> None:
        self._controller.start(restart=restart)

    def _take_data_set(self) -> None:
        if self._session.data_set is None:
            self._session.ask_to_open("data")
        else:
            self._controller.set_images(data_set_place(self._session.data_set))

    def _on_empty(self, button: int) -> None:
        if self._controller.images is None:
            if button == 0:
                self.choose_folder()
            else:
                self._session.ask_for_demo()
        elif self._controller.model is None:
            self._bar.models.show_below(self._bar.model)
        else:
            self._controller.start()
