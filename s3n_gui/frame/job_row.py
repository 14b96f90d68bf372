"""One job on one line: its title, progress, remaining time, and buttons."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from s3n_gui.appearance.theme import number_font, px, set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.appearance.wording import left_text, tip_text
from s3n_gui.background.jobs import Job
from s3n_gui.background.training_job import TrainingJob
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.progress_bar import ProgressBar

_STATES = {"done": ("check", "good"), "failed": ("error", "bad"), "cancelled": ("close", "quiet")}


class JobRow(QWidget):
    """Shows one job and its progress.

    Signals:
        remove_asked: Remove a finished job from the list; carries the job.
    """

    remove_asked = Signal(object)

    def __init__(self, job: Job, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.job = job
        self._icon = QLabel()
        self._title = ElidedLabel(name=True)
        self._title.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._note = ElidedLabel()
        self._note.setProperty("role", "quiet")
        self._bar = ProgressBar()
        self._left = QLabel()
        self._left.setProperty("role", "quiet")
        self._left.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._pause = self._button("pause", "Pause after this batch")
        self._pause.clicked.connect(self._on_pause)
        self._end = self._button("stop", "Cancel")
        self._end.clicked.connect(self._on_end)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(self._icon)
        row.addWidget(self._title)
        row.addWidget(self._note, 1)
        row.addWidget(self._bar)
        row.addWidget(self._left)
        row.addWidget(self._pause)
        row.addWidget(self._end)
        job.changed.connect(self._draw)
        theme().changed.connect(self._draw)
        self._draw()

    def _button(self, icon: str, tip: str) -> QToolButton:
        button = QToolButton()
        set_icon(button, icon)
        button.setToolTip(tip)
        button.setAccessibleName(tip)
        return button

    def _draw(self) -> None:
        job = self.job
        self._bar.setFixedWidth(px(90))
        self._left.setMinimumWidth(px(76))  # reserved, so that nothing moves while the numbers change
        self._left.setFont(number_font("body"))
        self._title.setText(job.title)
        active = job.is_active
        icon, state = _STATES.get(job.status, ("play", "accent"))
        if active:
            icon, state = ("pause", "caution") if self._is_paused() else ("play", "accent")
        set_icon(self._icon, icon, colour=str(getattr(tokens(), state)))
        self._note.setText(job.text if active else job.sentence or job.status)
        self._note.setToolTip(tip_text(self._note.text()))
        self._bar.setVisible(active)
        self._bar.show_share(job.fraction)
        self._left.setVisible(active)
        self._left.setText("" if job.status == "stopping" else left_text(job.seconds_left))
        self._draw_buttons(active)

    def _draw_buttons(self, active: bool) -> None:
        training = isinstance(self.job, TrainingJob)
        self._pause.setVisible(training and active)
        self._pause.setEnabled(self.job.status == "running")
        paused = self._is_paused()
        set_icon(self._pause, "play" if paused else "pause")
        self._pause.setToolTip("Resume" if paused else "Pause after this batch")
        self._pause.setAccessibleName(self._pause.toolTip())
        set_icon(self._end, "stop" if active else "close")
        ending = "Stop after this batch and keep the model" if training else "Cancel this job"
        self._end.setToolTip(ending if active else "Remove from the list")
        self._end.setAccessibleName(self._end.toolTip())
        self._end.setEnabled(not active or self.job.status in {"running", "waiting"})

    def _is_paused(self) -> bool:
        return isinstance(self.job, TrainingJob) and self.job.run_status in {"paused", "pausing"}

    def _on_pause(self) -> None:
        if isinstance(self.job, TrainingJob):
            if self._is_paused():
                self.job.go_on()
            else:
                self.job.pause()

    def _on_end(self) -> None:
        if not self.job.is_active:
            self.remove_asked.emit(self.job)
        elif isinstance(self.job, TrainingJob):
            self.job.stop_and_keep()
        else:
            self.job.cancel()
