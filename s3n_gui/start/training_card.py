"""A running training on the Start page: its loss curve, its progress, and buttons to pause or stop it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_state import STATUS_TEXTS, ShownStatus
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.theme import number_font, px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN, SPACE
from s3n_gui.appearance.wording import count_text, left_text
from s3n_gui.start.sparkline import Sparkline
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.progress_bar import ProgressBar


class TrainingCard(QFrame):
    """Shows one live run.

    Signals:
        stop_asked: "Stop and keep" was pressed; all three carry the run's ``Path``.
        pause_asked: "Pause" was pressed.
        resume_asked: "Resume" was pressed.
    """

    stop_asked = Signal(object)
    pause_asked = Signal(object)
    resume_asked = Signal(object)

    def __init__(self, run: RunSummary, images: int | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.run = run
        self._losses: tuple[float, ...] = ()
        self._asked: tuple[ShownStatus, ShownStatus] | None = None
        self._title = ElidedLabel(name=True)
        self._title.setProperty("role", "section")
        self._facts = ElidedLabel()
        self._facts.setProperty("role", "quiet")
        self._bar = ProgressBar()
        self._left = QLabel()
        self._left.setProperty("role", "quiet")
        self._left.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._curve = Sparkline("Training loss")
        self._pause = QPushButton("Pause")
        self._pause.clicked.connect(self._on_pause)
        self._stop = QPushButton("Stop and keep")
        self._stop.setToolTip("Stop after this batch and keep the model")
        set_icon(self._stop, "stop")
        self._stop.clicked.connect(self._on_stop)
        words = QVBoxLayout()
        words.setSpacing(SPACE)
        words.addWidget(self._title)
        words.addWidget(self._facts)
        line = QHBoxLayout()
        line.setSpacing(INSIDE_GROUP)
        line.addWidget(self._bar, 1)
        line.addWidget(self._left)
        words.addLayout(line)
        row = QHBoxLayout(self)
        row.setContentsMargins(PAGE_MARGIN, 12, PAGE_MARGIN, 12)
        row.setSpacing(PAGE_MARGIN)
        row.addLayout(words, 3)
        row.addWidget(self._curve, 2)
        row.addWidget(self._pause)
        row.addWidget(self._stop)
        theme().changed.connect(self._fit)
        self._fit()
        self.show_run(run, (), images)

    def show_run(self, run: RunSummary, losses: Sequence[float], images: int | None) -> None:
        """Show the current state of the run.

        Args:
            run: The run.
            losses: The training loss so far.
            images: Number of its validation images; None if it is unknown.
        """
        self.run, self._losses, self._images = run, tuple(losses), images
        state, status = run.state, self._shown_status()
        self._title.setText(f"{run.name} · {STATUS_TEXTS[status].lower()}")
        self.setAccessibleName(self._title.text())
        self._curve.show_values(losses)
        paused = status in {"paused", "pausing"}
        self._pause.setText("Resume" if paused else "Pause")
        self._pause.setToolTip("Resume training" if paused else "Pause after this batch; the model stays in memory")
        set_icon(self._pause, "play" if paused else "pause")
        self._pause.setEnabled(status in {"running", "paused", "pausing"})
        self._stop.setEnabled(status in {"running", "paused", "pausing"})
        if state is None or not state.epochs:
            self._facts.setText("Reading the data set and building the network")
            self._bar.show_share(None)
            self._left.setText("")
            return
        facts = [f"Epoch {min(state.epoch + 1, state.epochs)} of {state.epochs}"]
        if state.images_per_second:
            facts.append(f"{state.images_per_second:.3g} images/s")
        if state.best_accuracy is not None:
            facts.append(f"best validation accuracy {accuracy_share_text(state.best_accuracy, images)}")
        self._facts.setText(" · ".join(facts))
        done = state.epochs_passed / state.epochs
        self._bar.show_share(done)
        self._bar.setAccessibleName(f"{count_text(state.epoch, 'epoch')} done")
        self._left.setText(left_text(state.seconds_left))

    def _fit(self) -> None:
        self._left.setFont(number_font("body"))
        self._left.setMinimumWidth(px(76))

    def _shown_status(self) -> ShownStatus:
        """Return the requested status until the run, after its batch, reports a new one itself."""
        if self._asked is not None and self.run.status == self._asked[0]:
            return self._asked[1]
        self._asked = None
        return self.run.status

    def _ask(self, status: ShownStatus) -> None:
        self._asked = (self.run.status, status)
        self.show_run(self.run, self._losses, self._images)

    def _on_pause(self) -> None:
        paused = self._shown_status() in {"paused", "pausing"}
        (self.resume_asked if paused else self.pause_asked).emit(self.run.path)
        self._ask("running" if paused else "pausing")

    def _on_stop(self) -> None:
        self.stop_asked.emit(self.run.path)
        self._ask("stopping")
