"""The card below the preview: the equivalent command, the output folder, progress, and the buttons Export and Stop."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.export.options import REPORT
from s3n_gui.appearance.theme import px, set_icon
from s3n_gui.appearance.wording import count_text, label_text, left_text, place_text, tip_text
from s3n_gui.background.jobs import Job
from s3n_gui.export.export_choice import ExportChoice
from s3n_gui.widgets.caution_card import CautionCard
from s3n_gui.widgets.elided_button import ElidedButton
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.progress_bar import ProgressBar


class ExportRunBar(QFrame):
    """The command, the output folder and the progress of the job.

    Signals:
        copy_asked: Copy the command to the clipboard.
        out_asked: Choose another output folder.
        start_asked: Export; carries whether to start over.
        stop_asked: Stop the job.
    """

    copy_asked = Signal()
    out_asked = Signal()
    start_asked = Signal(bool)
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._written: Path | None = None
        self._amount = ""
        self._shows_job = False
        self._choice: ExportChoice | None = None
        self.command = QLineEdit()
        self.command.setReadOnly(True)
        self.command.setMinimumWidth(px(120))
        self.command.setAccessibleName("The equivalent s3n command")
        self.command.setToolTip("The command that Export runs; you can also run it in a terminal")
        self.copy = ElidedButton("Copy the s3n command")
        self.copy.setToolTip("Copy the command that Export runs (Ctrl+Shift+C)")
        set_icon(self.copy, "copy")
        self.out = ElidedButton(name=True)
        self.out.setAccessibleName("Output folder")
        set_icon(self.out, "folder")
        self.caution = CautionCard(framed=False)
        """What the last export found: values that do not suit the model's range."""
        self.state = ElidedLabel()
        self.state.setProperty("role", "quiet")
        self.progress = ProgressBar("Progress of the export")
        self.progress.setFixedWidth(px(140))
        self.reveal = ElidedButton("Open folder")
        self.reveal.setToolTip("Open the output folder")
        set_icon(self.reveal, "open")
        self.reveal.hide()
        self.report = ElidedButton("Open report")
        self.report.setToolTip("Open the report in the browser")
        set_icon(self.report, "link")
        self.report.hide()
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop; files already written are kept, and Continue resumes (Ctrl+.)")
        set_icon(self.stop, "stop")
        self.export = QPushButton("Export")
        self.export.setProperty("role", "primary")
        self.export.setToolTip("Write the files of all chosen images (Ctrl+Enter)")
        self.more = QToolButton()
        set_icon(self.more, "more")
        self.more.setToolTip("More ways to export")
        self.more.setAccessibleName("More ways to export")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        others = QMenu(self)
        self.over = others.addAction("Start over", self._on_start_over)
        self.more.setMenu(others)
        self._lay_out()
        self.copy.clicked.connect(self.copy_asked)
        self.out.clicked.connect(self.out_asked)
        self.export.clicked.connect(self._on_start)
        self.stop.clicked.connect(self.stop_asked)
        self.reveal.clicked.connect(self._on_reveal)
        self.report.clicked.connect(self._on_report)

    def _lay_out(self) -> None:
        first, second, third = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.command, 1)
        first.addWidget(self.copy)
        into = QLabel("Write into")
        into.setProperty("role", "quiet")
        into.setBuddy(self.out)
        second.setSpacing(8)
        second.addStrut(px(32))  # keeps the rows' heights, so that the preview above does not resize
        second.addWidget(into)
        second.addWidget(self.out)
        second.addStretch(1)
        for widget in (self.stop, self.export, self.more):
            second.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        third.setSpacing(8)
        third.addStrut(px(28))
        third.addWidget(self.state, 1)
        for shown in (self.progress, self.report, self.reveal):
            third.addWidget(shown, 0, Qt.AlignmentFlag.AlignVCenter)
        lines = QVBoxLayout(self)
        lines.setContentsMargins(12, 10, 12, 10)
        lines.setSpacing(8)
        lines.addWidget(self.caution)
        lines.addLayout(first)
        lines.addLayout(second)
        lines.addLayout(third)

    def show_choice(self, choice: ExportChoice) -> None:
        """Show the command and the output folder of a choice, and clear the result of the last export if it is another one."""
        if choice == self._choice:  # its splits were looked up again, as at every return to the page
            return
        self._choice = choice
        self.command.setText("" if choice.problem else choice.command())
        self.command.setCursorPosition(0)
        self.out.setText(label_text(place_text(choice.out, 40)) if choice.out else "Choose a folder…")
        self.out.setToolTip(tip_text(f"{choice.out}; click to choose another" if choice.out else "Output folder"))
        self.copy.setEnabled(not choice.problem)
        self._hide_written()
        self._amount = ""
        self.state.clear()

    def show_amount(self, images: int, files: int) -> None:
        """Show how much an export would write, unless the text of a job is shown."""
        amount = f"{count_text(images, 'image')}, {count_text(files, 'file')}"
        if self.state.text() in ("", self._amount):
            self.state.setText(amount)
        self._amount = amount

    def show_job(self, job: Job | None, *, possible: bool, stopped: bool) -> None:
        """Show the progress of a job, or the buttons to start one.

        Args:
            job: The running job, or None.
            possible: Whether an export can start.
            stopped: Whether the last export of this choice was stopped.
        """
        focused = self.export.hasFocus() or self.stop.hasFocus()
        self.progress.setVisible(job is not None)
        self.stop.setVisible(job is not None)
        self.export.setVisible(job is None)
        self.more.setVisible(job is None and stopped)
        self.export.setEnabled(possible)
        self.export.setText("Continue" if stopped else "Export")
        if focused:
            # Only one of the two buttons is visible at a time, and it takes over the focus. Stop stays enabled while
            # the job stops (a second press does nothing), because a disabled button loses the focus.
            (self.export if job is None else self.stop).setFocus()
        ended, self._shows_job = self._shows_job and job is None, job is not None
        if job is None:
            if stopped and not self.reveal.isVisibleTo(self):
                self.state.setText("Stopped; files already written are kept")
            elif ended:
                self.state.setText(self._amount)
            return
        self._hide_written()
        self.progress.show_share(job.fraction)
        left = left_text(job.seconds_left)
        words = f"{job.text} images" if "of" in job.text else "Opening the model …"
        if job.status == "stopping":
            words, left = "Stopping after this image …", ""
        self.state.setText(f"{words} · {left}" if left else words)

    def show_written(self, choice: ExportChoice, last: dict[str, Any]) -> None:
        """Show what was written where.

        Args:
            choice: The choice that was exported; it has an output folder.
            last: The last line of the command's output (``ExportProgress``).
        """
        out = self._written = choice.out
        assert out is not None
        total, left_out = int(last.get("total", 0)), int(last.get("left_out", 0))
        words = f"{count_text(total - left_out, 'image')} written to {out}"
        # Unreadable images come first, since a long folder name may be cut off.
        self.state.setText(f"{left_out} could not be read (see index.csv); {words}" if left_out else words)
        self.caution.show_words(" ".join(str(sentence) for sentence in last.get("warnings") or ()))
        self.reveal.show()
        self.report.setVisible(choice.report and (out / REPORT).is_file())

    def _on_start(self) -> None:
        self.start_asked.emit(False)

    def _on_start_over(self) -> None:
        self.start_asked.emit(True)

    def _hide_written(self) -> None:
        self.caution.show_words("")
        self.reveal.hide()
        self.report.hide()

    def _on_reveal(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written.absolute())))

    def _on_report(self) -> None:
        if self._written is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str((self._written / REPORT).absolute())))
