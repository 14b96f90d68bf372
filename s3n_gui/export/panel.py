"""The Export page: the form, the preview of the first file, and the bar that runs the export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QSplitter, QVBoxLayout, QWidget

from s3n_core.errors import S3NError
from s3n_gui.appearance.theme import px
from s3n_gui.background.jobs import JobList
from s3n_gui.export.controller import ExportController
from s3n_gui.export.form import ExportForm
from s3n_gui.export.preview_card import PreviewCard
from s3n_gui.export.run_bar import ExportRunBar
from s3n_gui.export.saved_choice import choice_fields, saved_choice
from s3n_gui.state.demo import demo_images, demo_model
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.opening import data_set_place
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.page import Page


def page(session: Session, settings: Settings, jobs: JobList, models: ModelChoices | None = None) -> Page:
    """Create the page."""
    return ExportPage(session, settings, jobs, models)


class ExportPage(Page):
    """The Export page."""

    def __init__(
        self,
        session: Session,
        settings: Settings,
        jobs: JobList,
        models: ModelChoices | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._counted: tuple[Path | None, str, ImageSelection | None, int] = (None, "", None, 0)
        """Images, split, chosen images, and their number, which the preview counts."""
        self.controller = ExportController(session, settings, jobs, self)
        self.form = ExportForm(session, models if models is not None else ModelChoices(session))
        self.preview = PreviewCard(self.controller.preview)
        self.bar = ExportRunBar()
        self._lay_out()
        self._connect()
        self._show_choice()
        self._show_job()

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.preview, 1)
        column.addWidget(self.bar)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.form)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setSizes([px(290), 1000])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 16, 12)
        whole.addWidget(self.splitter)
        self.setFocusProxy(self.form)  # The preview may be hidden, and Tab would get stuck there.

    def _connect(self) -> None:
        controller, form = self.controller, self.form
        form.changed.connect(self._on_changed)
        form.folder_asked.connect(self.choose_folder)
        form.data_set_asked.connect(self._take_data_set)
        controller.choice_changed.connect(self._show_choice)
        controller.job_changed.connect(self._show_job)
        controller.failed.connect(self._on_failed)
        controller.exported.connect(self.bar.show_written)
        controller.preview.changed.connect(self._on_preview)
        self.bar.out_asked.connect(self.choose_out)
        self.bar.copy_asked.connect(self.copy_command)
        self.bar.start_asked.connect(self._start)
        self.bar.stop_asked.connect(controller.cancel)

    # -- page --------------------------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return the page's actions."""
        return {
            "export-start": self._start,
            "export-stop": self.controller.cancel,
            "export-copy": self.copy_command,
            "export-whole": self.preview.view.show_whole,
        }

    def show_demo(self) -> None:
        """Choose the demo model and images."""
        self.controller.set(model=demo_model(), images=demo_images(), out=Path("birds-attention"))

    def is_ready(self) -> bool:
        """Return whether the preview is loaded."""
        controller = self.controller
        return not (controller.is_finding_splits or controller.preview.busy or self.preview.reading)

    def save_state(self) -> dict[str, Any]:
        """Return the settings that persist, and the widths of the panes."""
        return {"panes": self.splitter.sizes(), "choice": choice_fields(self.controller.choice)}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Restore what ``save_state`` returned; invalid values are ignored."""
        panes, kept = state.get("panes"), state.get("choice")
        if (
            isinstance(panes, list)
            and len(panes) == 2
            and all(isinstance(size, int) for size in panes)
            and panes[1] > 0
        ):
            self.splitter.setSizes(panes)
        if isinstance(kept, Mapping):
            self.controller.set(**saved_choice(kept))

    def shut_down(self) -> None:
        """Shut down the preview."""
        self.controller.shut_down()
        self.preview.shut_down()

    def showEvent(self, event: QShowEvent) -> None:
        """Start updating the preview."""
        super().showEvent(event)
        self.controller.activate()

    def hideEvent(self, event: QHideEvent) -> None:
        """Stop updating the preview."""
        super().hideEvent(event)
        self.controller.activate(False)

    # -- actions -----------------------------------------------------------------------------------------------------------

    def choose_folder(self) -> None:
        """Ask for a folder of images."""
        chosen = QFileDialog.getExistingDirectory(self, "Choose a folder of images")
        if chosen:
            self.controller.set(images=Path(chosen))

    def choose_out(self) -> None:
        """Ask for the output folder."""
        chosen = QFileDialog.getExistingDirectory(self, "Choose the folder to write into")
        if chosen:
            self.controller.set(out=Path(chosen))

    def copy_command(self) -> None:
        """Copy the command to the clipboard."""
        if self.form.commit() and not self.controller.choice.problem:
            try:
                self.controller.choice.write_list()
            except S3NError as error:
                self._on_failed(error)
                return
            QGuiApplication.clipboard().setText(self.controller.choice.command())
            self._session.report_notice("Command copied to the clipboard.")

    def _take_data_set(self) -> None:
        if self._session.data_set is None:
            self._session.ask_to_open("data")
        else:
            self.controller.set(images=data_set_place(self._session.data_set))

    def _start(self, restart: bool = False) -> None:
        if self.form.commit():
            self.controller.start(restart=restart)

    # -- form and controller -----------------------------------------------------------------------------------------------

    def _on_changed(self, changes: dict[str, Any]) -> None:
        self.controller.set(**changes)

    def _on_failed(self, error: S3NError) -> None:
        self._session.report_error(error, cause="export")

    def _show_choice(self) -> None:
        choice, data_set = self.controller.choice, self._session.data_set
        self.form.show_choice(choice, self.controller.splits)
        self.form.own.setEnabled(data_set is not None)
        self.bar.show_choice(choice)
        vector = choice.picture in ("pdf", "svg")
        self.preview.set_words(
            choice.problem,
            f"preview in pixels; the {choice.picture.upper()} is sharp at every size" if vector else "",
        )
        self._show_job()
        self._show_amount()

    def _on_preview(self) -> None:
        preview, choice = self.controller.preview, self.controller.choice
        if preview.file is not None and not preview.busy:
            self._counted = choice.images, choice.split, choice.only, preview.count
            self._show_amount()

    def _show_amount(self) -> None:
        choice = self.controller.choice
        images, split, only, count = self._counted
        if count and (images, split, only) == (choice.images, choice.split, choice.only) and not choice.problem:
            self.bar.show_amount(*choice.amount(count))

    def _show_job(self) -> None:
        controller = self.controller
        self.bar.show_job(controller.job, possible=not controller.choice.problem, stopped=controller.stopped)
