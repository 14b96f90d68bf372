"""The findings of the audit: one row each with what to do about it, and the button that starts the audit."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QPushButton, QScrollArea, QVBoxLayout, QWidget

from s3n_gui.background.jobs import Job
from s3n_gui.dataset.findings import Finding
from s3n_gui.theme import set_icon, tokens
from s3n_gui.wording import count_text

_SHOWN_DETAILS = 12


class FindingsCard(QFrame):
    """Signals:
    check_asked: Start the audit.
    stop_asked: Stop it.
    show_asked: List the images of a kind of finding.
    leave_out_asked: A frozenset of indices, and whether to leave them out (else take back).
    """

    check_asked = Signal()
    stop_asked = Signal()
    show_asked = Signal(str)
    leave_out_asked = Signal(object, bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        title = QLabel("Findings")
        title.setProperty("role", "section")
        self.button = QPushButton("Check images")
        self.button.setToolTip("Read every image to its end: what is broken, double, or in training and test (Ctrl+K)")
        self.button.clicked.connect(self._on_button)
        top = QHBoxLayout()
        top.addWidget(title, 1)
        top.addWidget(self.button)
        self.words = QLabel()
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.progress = QProgressBar()
        self.progress.setRange(0, 0)
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Check of the images")
        inside = QWidget()
        self._rows = QVBoxLayout(inside)
        self._rows.setContentsMargins(0, 0, 8, 0)
        self._rows.setSpacing(12)
        self._rows.addStretch(1)
        scroll = QScrollArea()
        scroll.setAccessibleName("Findings")
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 4, 8)
        self.words.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        for item in (top, self.words, self.progress):
            if isinstance(item, QHBoxLayout):
                item.setContentsMargins(0, 0, 8, 0)
                column.addLayout(item)
            else:
                column.addWidget(item)
        column.addWidget(scroll, 1)
        self.rows: list[FindingRow] = []
        self._running = False

    def show_findings(self, findings: tuple[Finding, ...] | None, left_out: frozenset[int], job: Job | None) -> None:
        """Show what is known.

        Args:
            findings: What the audit found; None: there was none yet.
            left_out: Indices of the images that are left out.
            job: The audit that runs now.
        """
        self._running = job is not None
        self.button.setText("Stop" if self._running else "Check images" if findings is None else "Check again")
        self.progress.setVisible(self._running)
        self._clear()
        if self._running:
            self.words.setText("Every image is being read. You can go on meanwhile.")
        elif findings is None:
            self.words.setText("Not checked yet. A check reads every image and finds broken files and copies.")
        elif not findings:
            self.words.setText("Nothing to complain about: all images can be read, none is there twice.")
        else:
            self.words.setText("")
        self.words.setVisible(bool(self.words.text()))
        for finding in findings or ():
            row = FindingRow(finding, left_out)
            row.show_asked.connect(self.show_asked)
            row.leave_out_asked.connect(self.leave_out_asked)
            self.rows.append(row)
            self._rows.insertWidget(self._rows.count() - 1, row)

    def _clear(self) -> None:
        for row in self.rows:
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []

    def _on_button(self) -> None:
        if self._running:
            self.stop_asked.emit()
        else:
            self.check_asked.emit()


class FindingRow(QWidget):
    """One finding.

    Signals:
        show_asked: Its kind: list its images.
        leave_out_asked: Indices, and whether to leave them out (else take back).
    """

    show_asked = Signal(str)
    leave_out_asked = Signal(object, bool)

    def __init__(self, finding: Finding, left_out: frozenset[int], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._finding = finding
        self._settled = bool(finding.leave_out) and finding.leave_out <= left_out
        icon = QLabel()
        grave = finding.kind in ("contradiction", "leak")
        name, colour = (
            ("check", tokens().good) if self._settled else ("caution", tokens().bad if grave else tokens().caution)
        )
        set_icon(icon, name, 16, colour=colour)
        title = QLabel(finding.title)
        title.setTextFormat(Qt.TextFormat.PlainText)
        done = (
            f"{count_text(len(finding.leave_out), 'image is', 'images are')} left out."
            if self._settled
            else finding.text
        )
        text = QLabel(done)
        text.setProperty("role", "caption")
        text.setWordWrap(True)
        if finding.details:
            more = len(finding.details) - _SHOWN_DETAILS
            lines = [*finding.details[:_SHOWN_DETAILS], *([f"and {more:,} more"] if more > 0 else [])]
            self.setToolTip("\n".join(lines))
        buttons = QHBoxLayout()
        buttons.setContentsMargins(
            -4, 0, 0, 0
        )  # a link has that much room at its sides; its word stands below the title
        buttons.setSpacing(12)
        self.show_button, self.leave_button = QPushButton("Show me"), QPushButton()
        for button in (self.show_button, self.leave_button):
            button.setProperty("role", "link")
            button.setStyleSheet("QPushButton { padding: 0; }")  # its word stands below the title's
        if finding.images:
            self.show_button.setToolTip("List these images, copies side by side")
            self.show_button.setAccessibleName(f"Show me: {finding.title}")
            self.show_button.clicked.connect(self._on_show)
            buttons.addWidget(self.show_button)
        if finding.leave_out:
            count = len(finding.leave_out)
            self.leave_button.setText("Take back" if self._settled else f"Leave out {count:,}")
            self.leave_button.setToolTip(
                "Learn from them again"
                if self._settled
                else f"Do not learn from {count_text(count, 'image')}; the files stay as they are (Ctrl+Z takes it back)"
            )
            self.leave_button.setAccessibleName(f"{self.leave_button.text()}: {finding.title}")
            self.leave_button.clicked.connect(self._on_leave_out)
            buttons.addWidget(self.leave_button)
        buttons.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(text)
        if finding.images or finding.leave_out:
            words.addLayout(buttons)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)

    def _on_show(self) -> None:
        self.show_asked.emit(self._finding.kind)

    def _on_leave_out(self) -> None:
        self.leave_out_asked.emit(self._finding.leave_out, not self._settled)
