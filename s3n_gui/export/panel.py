"""The page Export: choose what is shown, see the first file as it will be, write them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.background.jobs import JobList
from s3n_gui.export.controller import ExportController, data_set_place
from s3n_gui.export.form import ExportForm
from s3n_gui.export.preview_card import PreviewCard
from s3n_gui.export.saved_choice import choice_fields, saved_choice
from s3n_gui.page import Page
from s3n_gui.session import Session
from s3n_gui.settings import Settings
from s3n_gui.theme import px, set_icon
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.wording import count_text, left_text, place_text

_PARTS = ("all", "train", "val", "test")


def page(session: Session, settings: Settings, jobs: JobList) -> Page:
    """Make the page."""
    return ExportPage(session, settings, jobs)


class ExportPage(Page):
    """The page."""

    def __init__(self, session: Session, settings: Settings, jobs: JobList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.controller = ExportController(session, settings, jobs, self)
        self.form = ExportForm()
        self.preview = PreviewCard(self.controller.preview)
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setAccessibleName("The s3n command that does the same")
        self.command.setToolTip("What Export runs; it works in a terminal as well")
        self.copy = QPushButton("Copy the s3n command")
        self.copy.setToolTip("Copy exactly what Export runs, quoted for a shell (Ctrl+Shift+C)")
        set_icon(self.copy, "copy")
        self.export = QPushButton("Export")
        self.export.setProperty("role", "primary")
        self.export.setToolTip("Write the files of all chosen images (Ctrl+Enter)")
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop; each file that is there is whole (Ctrl+.)")
        set_icon(self.stop, "stop")
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(px(140))
        self.progress.setAccessibleName("Progress of the export")
        self.state = ElidedLabel()
        self.state.setProperty("role", "quiet")
        self.out = QPushButton()
        self.out.setAccessibleName("Folder to write into")
        set_icon(self.out, "folder")
        self.reveal = QPushButton("Open folder")
        self.reveal.setToolTip("Open the folder that was written")
        set_icon(self.reveal, "open")
        self.reveal.hide()
        self._written: Path | None = None
        self._lay_out()
        self._connect()
        self._show_choice()
        self._show_job()

    def _lay_out(self) -> None:
        bottom = QFrame()
        bottom.setProperty("role", "card")
        lines = QVBoxLayout(bottom)
        lines.setContentsMargins(12, 10, 12, 10)
        lines.setSpacing(8)
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.command, 1)
        first.addWidget(self.copy)
        into = QLabel("Write into")
        into.setProperty("role", "quiet")
        into.setBuddy(self.out)
        second.setSpacing(8)
        second.addWidget(into)
        second.addWidget(self.out)
        second.addWidget(self.state, 1)
        for widget in (self.progress, self.reveal, self.stop, self.export):
            second.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        lines.addLayout(first)
        lines.addLayout(second)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(12)
        column.addWidget(self.preview, 1)
        column.addWidget(bottom)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.form)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.form.setMinimumWidth(px(250))
        self.splitter.setSizes([px(290), 1000])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(16, 12, 16, 12)
        whole.addWidget(self.splitter)
        self.setFocusProxy(self.form)  # The preview may be hidden, and Tab would end there.

    def _connect(self) -> None:
        controller, form = self.controller, self.form
        form.changed.connect(self._on_changed)
        form.folder_asked.connect(self.choose_folder)
        form.data_set_asked.connect(self._take_data_set)
        form.model_asked.connect(self._ask_for_model)
        self.out.clicked.connect(self.choose_out)
        controller.choice_changed.connect(self._show_choice)
        controller.job_changed.connect(self._show_job)
        controller.failed.connect(self._session.report_error)
        controller.exported.connect(self._on_exported)
        self.copy.clicked.connect(self.copy_command)
        self.export.clicked.connect(controller.start)
        self.stop.clicked.connect(controller.cancel)
        self.reveal.clicked.connect(self._open_written)

    # -- what the frame calls ----------------------------------------------------------------------------------------------

    def commands(self) -> Mapping[str, Callable[[], object]]:
        """Return what the page's actions do."""
        return {
            "export-start": self.controller.start,
            "export-stop": self.controller.cancel,
            "export-copy": self.copy_command,
            "export-whole": self.preview.view.show_whole,
        }

    def show_demo(self) -> None:
        """Export the demo's images."""
        from s3n_core.resources import resource

        model, images = resource("demo/model.safetensors"), resource("demo/images")
        self.controller.set(model=model, images=images, out=Path("birds-attention"))

    def is_ready(self) -> bool:
        """Return whether the preview is there."""
        return not self.controller.preview.busy and not self.preview.reading

    def save_state(self) -> dict[str, Any]:
        """Return how the person likes exports, and the sizes of the panes."""
        return {"panes": self.splitter.sizes(), "choice": choice_fields(self.controller.choice)}

    def restore_state(self, state: Mapping[str, Any]) -> None:
        """Take what ``save_state`` returned."""
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
        """End the preview."""
        self.controller.shut_down()
        self.preview.shut_down()

    def showEvent(self, event: QShowEvent) -> None:
        """The preview follows while the page is shown."""
        super().showEvent(event)
        self.controller.activate()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nothing is made that nobody sees."""
        super().hideEvent(event)
        self.controller.activate(False)

    # -- what can be done --------------------------------------------------------------------------------------------------

    def choose_folder(self) -> None:
        """Let the person choose images."""
        chosen = QFileDialog.getExistingDirectory(self, "Choose a folder of images")
        if chosen:
            self.controller.set(images=Path(chosen))

    def choose_out(self) -> None:
        """Let the person choose where the files go."""
        chosen = QFileDialog.getExistingDirectory(self, "Choose the folder to write into")
        if chosen:
            self.controller.set(out=Path(chosen))

    def copy_command(self) -> None:
        """Put the command on the clipboard."""
        if not self.controller.choice.problem:
            QGuiApplication.clipboard().setText(self.controller.choice.command())
            self._session.report_notice("The command is on the clipboard.")

    def _take_data_set(self) -> None:
        if self._session.data_set is None:
            self._session.ask_to_open("data")
        else:
            self.controller.set(images=data_set_place(self._session.data_set))

    def _ask_for_model(self) -> None:
        self._session.ask_to_open("model")

    def _open_written(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.absolute())))

    # -- both ways ---------------------------------------------------------------------------------------------------------

    def _on_changed(self, changes: dict[str, Any]) -> None:
        self.controller.set(**changes)

    def _show_choice(self) -> None:
        choice, data_set = self.controller.choice, self._session.data_set
        parts = _PARTS
        if data_set is not None and data_set.root == choice.images:
            parts = ("all", *(split for split in data_set.splits() if split))  # type: ignore[assignment]
        self.form.show_choice(choice, parts)
        self.form.own.setEnabled(data_set is not None)
        self.command.setText("" if choice.problem else choice.command())
        self.command.setCursorPosition(0)
        self.out.setText(place_text(choice.out, 40) if choice.out else "Choose a folder…")
        self.out.setToolTip(f"{choice.out}; press to choose another" if choice.out else "Where the files go")
        self.copy.setEnabled(not choice.problem)
        self.preview.set_empty_words(choice.problem)
        self.reveal.hide()
        self._show_job()

    def _show_job(self) -> None:
        job, choice = self.controller.job, self.controller.choice
        running = job is not None
        self.progress.setVisible(running)
        self.stop.setVisible(running)
        self.stop.setEnabled(job is not None and job.status == "running")
        self.export.setVisible(not running)
        self.export.setEnabled(not choice.problem)
        if job is not None:
            self.reveal.hide()
            self.progress.setValue(round(1000 * (job.fraction or 0)))
            left = left_text(job.seconds_left)
            text = f"{job.text} images" if "of" in job.text else "Opening the model …"
            self.state.setText(f"{text} · {left}" if left else text)
        elif self.reveal.isHidden():
            self.state.setText("")

    def _on_exported(self, out: Path, last: dict[str, Any]) -> None:
        self._written = out
        total, left_out = int(last.get("total", 0)), int(last.get("left_out", 0))
        words = f"{count_text(total - left_out, 'image')} written into {out}"
        self.state.setText(f"{words}; {left_out} could not be read, see index.csv" if left_out else words)
        self.reveal.show()
