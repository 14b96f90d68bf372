"""The bottom line of the window: the device, the running job, and a panel with all jobs."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeyEvent, QMoveEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.frame.job_row import JobRow
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
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
        self._panel.show()
        self._place_panel()
        self._panel.show_running()
        self._panel.raise_()
        self._panel.setFocus(Qt.FocusReason.PopupFocusReason)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the panel above the tray."""
        super().resizeEvent(event)
        self._place_panel()

    def moveEvent(self, event: QMoveEvent) -> None:
        """Keep the panel above the tray."""
        super().moveEvent(event)
        self._place_panel()

    def _place_panel(self) -> None:
        """Put the panel above the tray, as high as its jobs need and the window below its menus has room for."""
        panel = self._panel
        if panel is None or not panel.isVisible():
            return
        window = self.window()
        width = min(px(620), self.width() - 2 * INSIDE_GROUP)
        corner = self.mapTo(window, QPoint(self.width() - width - INSIDE_GROUP, -INSIDE_GROUP))
        panel.setFixedWidth(width)
        room = self.parentWidget() or self
        panel.setMaximumHeight(corner.y() - room.mapTo(window, QPoint(0, INSIDE_GROUP)).y())
        panel.adjustSize()
        panel.move(corner.x(), corner.y() - panel.height())

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
        if self._panel is not None and self._panel.isVisible() and self._panel.fill():
            self._place_panel()

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
        self._shown: list[JobRow] = []
        heading = QLabel("Jobs")
        heading.setProperty("role", "section")
        self._clear = QPushButton("Clear finished")
        self._clear.setProperty("role", "link")
        self._clear.clicked.connect(jobs.clear_ended)
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
        rows = QWidget()
        self._rows = QVBoxLayout(rows)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(INSIDE_GROUP)
        self._area = ColumnScrollArea()
        self._area.setWidget(rows)
        column.addWidget(self._area)
        self._empty = QLabel(
            "Trainings, predictions and exports appear here while they run and when they are finished."
        )
        self._empty.setProperty("role", "quiet")
        self._empty.setWordWrap(True)
        column.addWidget(self._empty)

    def fill(self) -> bool:
        """Update the list of jobs, and return whether it has changed; each row updates itself."""
        jobs = list(reversed(self._jobs.jobs()))
        self._empty.setVisible(not jobs)
        self._clear.setVisible(any(not job.is_active for job in jobs))
        if jobs == [row.job for row in self._shown]:
            return False
        for row in self._shown:
            self._rows.removeWidget(row)
            row.hide()
            row.deleteLater()
        self._shown = [JobRow(job) for job in jobs]
        for row in self._shown:
            row.remove_asked.connect(self._jobs.remove)
            self._rows.addWidget(row)
            row.show()  # else it takes no room before the next turn of the event loop
        self._area.setVisible(bool(jobs))
        self._area.updateGeometry()
        return True

    def show_running(self) -> None:
        """Scroll to the newest job that runs."""
        running = next((row for row in self._shown if row.job.is_active), None)
        if running is not None:
            self._area.ensureWidgetVisible(running)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Close on Escape."""
        if event.key() == Qt.Key.Key_Escape:
            self.hide()
        else:
            super().keyPressEvent(event)
