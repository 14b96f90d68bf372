"""The findings of the audit, and the button that starts it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from s3n_core.datasets.value_ranges import ValueRanges
from s3n_gui.appearance.wording import ago_text, left_text, percent_text
from s3n_gui.dataset.audit.finding_row import FindingRow
from s3n_gui.dataset.audit.pairs_dialog import PairsDialog
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.findings import Finding
from s3n_gui.state.clock import clock
from s3n_gui.widgets.progress_bar import ProgressBar


class FindingsCard(QFrame):
    """The list of findings, and the button that starts and stops the audit.

    Signals:
        show_asked: List the images of a finding; carries its kind.
    """

    show_asked = Signal(str)

    def __init__(self, controller: DataController, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._controller = controller
        title = QLabel("Findings")
        title.setProperty("role", "section")
        self.button = QPushButton("Check images")
        self.button.setToolTip(
            "Read every image completely and find broken files, duplicates, and images in both training and test "
            "(Ctrl+K)"
        )
        self.button.clicked.connect(self._on_button)
        top = QHBoxLayout()
        top.setContentsMargins(0, 0, 8, 0)
        top.addWidget(title, 1)
        top.addWidget(self.button)
        self.words = QLabel()
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.words.setContentsMargins(0, 0, 8, 0)
        self.progress = ProgressBar("Check of the images")
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
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self.words)
        column.addWidget(self.progress)
        column.addWidget(scroll, 1)
        self.rows: list[FindingRow] = []
        self.pairs: PairsDialog | None = None
        self._ranges: ValueRanges | None = None
        controller.checking.changed.connect(self._show)
        controller.checking.progress_changed.connect(self._show_progress)
        controller.planning.changed.connect(self._show_rows)
        clock().ticked.connect(self._on_tick)
        self._show()

    def _show(self) -> None:
        checking = self._controller.checking
        running = checking.job is not None
        self.button.setText("Stop" if running else "Check images" if checking.when is None else "Check again")
        self.progress.setVisible(running)
        self._show_words()
        self._show_rows()

    def _show_words(self) -> None:
        checking, findings, running = (
            self._controller.checking,
            self._controller.checking.findings,
            self._controller.checking.job is not None,
        )
        when = "" if checking.when is None else ago_text(checking.when)
        if running:
            self._show_progress()
        elif checking.is_outdated:
            self.words.setText(f"Images have been added, removed or changed since the check ({when}).")
        elif findings is None:
            self.words.setText("Not checked yet. A check reads every image and finds broken files and duplicates.")
        elif not findings:
            self.words.setText(f"Checked {when}. No problems: all images can be read and there are no duplicates.")
        else:
            self.words.setText(f"Checked {when}.")

    def _on_tick(self) -> None:
        if self.isVisible() and self._controller.checking.job is None:
            self._show_words()

    def _show_progress(self) -> None:
        job = self._controller.checking.job
        if job is None:
            return
        share, left = job.fraction, left_text(job.seconds_left)
        self.progress.show_share(share)
        known = "" if share is None else " · ".join(part for part in (percent_text(share), left) if part)
        self.words.setText(f"Every image is being read. You can continue working.\n{known}".strip())

    def _show_rows(self) -> None:
        focused = self.window().focusWidget()  # known while a dialog is active, too
        at = next(((row.kind, row.buttons.index(focused)) for row in self.rows if focused in row.buttons), None)
        for row in self.rows:
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self.rows = []
        for finding in self._controller.checking.findings or ():
            row = FindingRow(finding, self._controller.planning.left_out)
            row.show_asked.connect(self.show_asked)
            row.pairs_asked.connect(self._on_pairs)
            row.leave_out_asked.connect(self._on_leave_out)
            self.rows.append(row)
            self._rows.insertWidget(self._rows.count() - 1, row)
            if at is not None and row.kind == at[0]:
                shown = [button for button in row.buttons if not button.isHidden()]
                (row.buttons[at[1]] if row.buttons[at[1]] in shown else shown[0]).setFocus()

    def set_ranges(self, ranges: ValueRanges | None) -> None:
        """Set the open model's ranges of values, in which pairs are shown."""
        self._ranges = ranges
        if self.pairs is not None:
            self.pairs.set_ranges(ranges)

    def close_pairs(self) -> None:
        """Close the dialog that compares pairs."""
        if self.pairs is not None:
            self.pairs.close()

    def _on_pairs(self, finding: Finding) -> None:
        self.close_pairs()
        self.pairs = PairsDialog(self._controller, finding, self.window(), ranges=self._ranges)
        self.pairs.finished.connect(self._on_pairs_closed)
        self.pairs.show()

    def _on_pairs_closed(self) -> None:
        if self.pairs is not None:
            self.pairs.deleteLater()
            self.pairs = None

    def _on_leave_out(self, images: frozenset[int], out: bool) -> None:
        self._controller.planning.leave_out(images, out=out)

    def _on_button(self) -> None:
        if self._controller.checking.job is not None:
            self._controller.checking.stop()
        else:
            self._controller.checking.check()
