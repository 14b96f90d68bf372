"""The bottom line of the window: the device, the running job, and a panel with all jobs."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.frame.job_row import JobRow
from s3n_gui.widgets.elided_label import ElidedLabel


class JobsTray(QFrame):
    """One line for the newest running job; a panel above it lists all jobs."""

    def __init__(self, jobs: JobList, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tray")
        self.setAccessibleName("Jobs")
        self._jobs = jobs
        self._row: JobRow | None = None
        device_icon = QLabel()
        set_icon(device_icon, "device")
        self._device = ElidedLabel("Looking for a graphics card…")
        self._device.setProperty("role", "quiet")
        self._device.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self._idle = QLabel("No jobs running")
        self._idle.setProperty("role", "quiet")
        self._more = QToolButton()
        self._more.setToolTip("Show all jobs")
        self._more.clicked.connect(self.show_jobs)
        self._panel: JobsPanel | None = None
        line = QHBoxLayout(self)
        line.setContentsMargins(PAGE_MARGIN, 0, 12, 0)
        line.setSpacing(INSIDE_GROUP)
        line.addWidget(device_icon)
        line.addWidget(self._device)
        line.addSpacing(INSIDE_GROUP)
        divider = QFrame()
        divider.setProperty("role", "divider")
        line.addWidget(divider)
        line.addSpacing(INSIDE_GROUP)
        self._slot = QHBoxLayout()
        line.addLayout(self._slot, 1)
        self._slot.addWidget(self._idle, 1)
        line.addWidget(self._more)
        jobs.added.connect(self._draw)
        jobs.removed.connect(self._draw)
        jobs.changed.connect(self._draw)
        theme().changed.connect(self._fit)
        self._fit()
        self._draw()

    def show_device(self, name: str, reason: str = "") -> None:
        """Show the device that the engine uses.

        Args:
            name: "NVIDIA H200, 140 GB" or "CPU, 2 cores".
            reason: Why no faster device is used, for the tooltip.
        """
        self._device.setText(name)
        self._device.setToolTip(reason or "Device that the engine uses")

    def show_jobs(self) -> None:
        """Open or close the panel with all jobs."""
        if self._panel is None:
            self._panel = JobsPanel(self._jobs, self.window())
        if self._panel.isVisible():
            self._panel.hide()
            return
        self._panel.fill()
        width = min(px(620), self.width() - 2 * INSIDE_GROUP)
        self._panel.setFixedWidth(width)
        self._panel.adjustSize()
        corner = self.mapTo(self.window(), QPoint(self.width() - width - INSIDE_GROUP, 0))
        self._panel.move(corner.x(), corner.y() - self._panel.height() - INSIDE_GROUP)
        self._panel.show()
        self._panel.raise_()
        self._panel.setFocus(Qt.FocusReason.PopupFocusReason)

    def _draw(self) -> None:
        active = self._jobs.active()
        shown: Job | None = active[-1] if active else None
        if self._row is not None and self._row.job is not shown:
            self._slot.removeWidget(self._row)
            self._row.hide()
            self._row.deleteLater()
            self._row = None
        if shown is not None and self._row is None:
            self._row = JobRow(shown)
            self._slot.addWidget(self._row, 1)
        self._idle.setVisible(shown is None)
        others = len(self._jobs.jobs()) - (shown is not None)
        self._more.setVisible(others > 0)
        self._more.setText(f"{others} more" if shown is not None else f"{others} finished")
        self._more.setAccessibleName(f"Show all jobs, {self._more.text()}")
        if self._panel is not None and self._panel.isVisible():
            self._panel.fill()

    def _fit(self) -> None:
        self.setFixedHeight(px(36))


class JobsPanel(QFrame):
    """All jobs of this session, newest first; Escape closes the panel."""

    def __init__(self, jobs: JobList, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("role", "panel")
        self.setProperty("floats", True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._jobs = jobs
        self._shown: list[Job] = []
        heading = QLabel("Jobs")
        heading.setProperty("role", "section")
        self._clear = QPushButton("Clear finished")
        self._clear.setProperty("role", "link")
        self._clear.clicked.connect(self._on_clear)
        close = QToolButton()
        set_icon(close, "close")
        close.setToolTip("Close (Esc)")
        close.setAccessibleName("Close the list of jobs")
        close.clicked.connect(self.hide)
        top = QHBoxLayout()
        top.addWidget(heading, 1)
        top.addWidget(self._clear)
        top.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(PAGE_MARGIN, 8, 8, 12)
        column.setSpacing(INSIDE_GROUP)
        column.addLayout(top)
        self._rows = QVBoxLayout()
        self._rows.setSpacing(INSIDE_GROUP)
        column.addLayout(self._rows)
        self._empty = QLabel(
            "Trainings, predictions and exports appear here while they run and when they are finished."
        )
        self._empty.setProperty("role", "quiet")
        self._empty.setWordWrap(True)
        column.addWidget(self._empty)

    def fill(self) -> None:
        """Update the list of jobs; each row updates itself."""
        jobs = list(reversed(self._jobs.jobs()))
        self._empty.setVisible(not jobs)
        self._clear.setVisible(any(not job.is_active for job in jobs))
        if jobs == self._shown:
            return
        self._shown = jobs
        while (item := self._rows.takeAt(0)) is not None:
            if (row := item.widget()) is not None:
                row.hide()
                row.deleteLater()
        for job in jobs:
            row = JobRow(job)
            row.remove_asked.connect(self._on_remove)
            self._rows.addWidget(row)
        bottom = self.geometry().bottom()
        self.adjustSize()
        self.move(self.x(), bottom - self.height() + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)

    def _on_clear(self) -> None:
        self._jobs.clear_ended()
        self.fill()

    def _on_remove(self, job: Job) -> None:
        self._jobs.remove(job)
        self.fill()
