"""The head of the shown run: status, progress and the commands available now; after its end its result and what next."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QApplication,
    QBoxLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_state import STATUS_TEXTS, RunState, ShownStatus
from s3n_gui.appearance.theme import number_font, px, set_icon, theme
from s3n_gui.appearance.tokens import INSIDE_GROUP, SPACE
from s3n_gui.appearance.wording import count_text, duration_text, left_text, percent_text
from s3n_gui.background.run_watch import Preparation
from s3n_gui.training.runs.run_machine import Phase, RunMachine
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.flow_layout import FlowLayout
from s3n_gui.widgets.progress_bar import ProgressBar

USE_TIP = "Make the best epoch of this run the current model, on all pages"
INSPECT_TIP = "Show the images that this model predicts wrongly, on the Inspect page"
EVALUATE_TIP = "Measure its accuracy on the test images of the data set, on the Predict page"
_LEAST_NAME = 120


def phase_text(phase: Phase, batch_seconds: float | None) -> str:
    """Return the text for a pending command, such as "Stopping after this batch (about 40 s)"; else empty."""
    wait = f" (about {duration_text(batch_seconds)})" if batch_seconds is not None else ""
    return {
        "starting": "Reading the data set and building the network",
        "pausing": f"Pausing after this batch{wait}",
        "going-on": "Resuming",
        "stopping": f"Stopping after this batch{wait}; everything is kept",
        "stopping-now": "Stopping now; the last checkpoint is kept",
        "discarding": "Stopping; the run moves to the trash",
    }.get(phase, "")


class RunBar(QFrame):
    """Shows one run and its command buttons.

    Signals:
        ordered: "pause", "go-on", "stop", "stop-now", "discard" or "resume".
        longer_asked: The finished run should be trained for more epochs.
        use_asked: Make the run's model the current one.
        inspect_asked: Show the mistakes of the run's model on the Inspect page.
        predict_asked: Choose a folder and predict it with the run's model.
        evaluate_asked: Measure the accuracy of the run's model on the test images.

    Attributes:
        can_resume: Whether the run can be resumed.
        can_inspect: Whether it has a model to inspect.
        can_train_longer: Whether it is finished and can be given more epochs.
    """

    ordered = Signal(str)
    use_asked = Signal()
    inspect_asked = Signal()
    predict_asked = Signal()
    evaluate_asked = Signal()
    longer_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.setAccessibleName("Shown run")
        self.title = ElidedLabel(name=True)
        self.title.setProperty("role", "section")
        self.facts = ElidedLabel()
        self.facts.setProperty("role", "quiet")
        self.bar = ProgressBar()
        self.left = QLabel()
        self.left.setProperty("role", "quiet")
        self.result = QLabel()
        self.result.setTextFormat(Qt.TextFormat.PlainText)
        self.result.setWordWrap(True)
        self.result.setAccessibleName("Result of this run")
        self.use = _button("Use this model", "model", USE_TIP)
        self.use.clicked.connect(self.use_asked)
        self.inspect = _button("Inspect its mistakes", "inspect", INSPECT_TIP)
        self.inspect.clicked.connect(self.inspect_asked)
        self.predict = _button(
            "Predict a folder…", "predict", "Choose a folder of images and predict it with this model"
        )
        self.predict.clicked.connect(self.predict_asked)
        self.evaluate = _button("Evaluate on test images", "target", EVALUATE_TIP)
        self.evaluate.clicked.connect(self.evaluate_asked)
        self.longer = _button("Train longer…", "play", "Train this finished run for more epochs")
        self.longer.clicked.connect(self.longer_asked)
        self.resume = _button("Resume", "play", "Resume from the last checkpoint")
        self.pause = _button("Pause", "pause", "Pause after this batch; the model stays in memory")
        self.stop = _button("Stop and keep", "stop", "Stop after this batch; everything is kept and you can resume")
        self.more = QToolButton()
        self.more.setToolTip("Other ways to stop")
        self.more.setAccessibleName("Other ways to stop")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        set_icon(self.more, "more")
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        self.stop_now = menu.addAction("Stop now")
        self.stop_now.setToolTip("Stop without waiting for the batch; the last checkpoint is kept")
        self.discard = menu.addAction("Discard")
        self.discard.setToolTip("Stop and move the run to the trash")
        set_icon(self.stop_now, "stop")
        set_icon(self.discard, "discard")
        self.more.setMenu(menu)
        self._pause_order = "pause"
        self.can_resume = self.can_inspect = self.can_train_longer = False
        self.resume.clicked.connect(self._on_resume)
        self.stop.clicked.connect(self._on_stop)
        self.pause.clicked.connect(self._on_pause)
        self.stop_now.triggered.connect(self._on_stop_now)
        self.discard.triggered.connect(self._on_discard)
        self._build()
        theme().changed.connect(self._fit)
        self._fit()

    def show_run(
        self,
        name: str,
        machine: RunMachine,
        state: RunState | None,
        status: ShownStatus | None,
        batch_seconds: float | None,
        images: int | None,
        preparation: Preparation | None = None,
        *,
        owned: bool = True,
    ) -> None:
        """Show a run; ``show_result`` follows if it has ended.

        Args:
            name: Its name.
            machine: Its phase, which determines the available commands.
            state: Its last recorded state.
            status: Its status.
            batch_seconds: Time per batch, in seconds; None while unknown.
            images: Number of its validation images; None while unknown.
            preparation: What its training does before its folder exists.
            owned: Whether its folder is the user's, so that it may be trained longer.
        """
        phase, busy = machine.phase, machine.busy
        keyboard_here = self.isAncestorOf(QApplication.focusWidget() or self)
        word = "" if status is None else STATUS_TEXTS[status]
        self.title.setText(f"{name} · {word.lower()}" if word else name)
        if preparation is not None:
            self.facts.setText(preparation_text(preparation, phase))
            self._show_preparation(preparation)
        else:
            self.facts.setText(phase_text(phase, batch_seconds) or facts_text(state, images, busy=busy))
            self._show_progress(state, status, busy=busy, unknown=phase == "starting")
        going_on = phase in ("paused", "pausing", "going-on")
        self._pause_order = "go-on" if machine.can("go-on") else "pause"
        self.pause.setText("Resume" if going_on else "Pause")
        set_icon(self.pause, "play" if going_on else "pause")
        self.pause.setToolTip("Resume training" if going_on else "Pause after this batch; the model stays in memory")
        self.pause.setEnabled(machine.can("pause") or machine.can("go-on"))
        self.stop.setEnabled(machine.can("stop"))
        self.stop_now.setEnabled(machine.can("stop-now"))
        self.discard.setEnabled(machine.can("discard"))
        self.more.setEnabled(machine.can("discard"))
        for part in (self.pause, self.stop, self.more):
            part.setVisible(busy)
        self.show_result("")
        self.can_resume = status in ("stopped", "interrupted", "failed") and machine.can("resume")
        self.can_train_longer = status == "finished" and machine.can("resume") and owned
        has_model = state is not None and (state.best_epoch is not None or state.epoch > 0)
        self.can_inspect = has_model and not busy and status not in ("broken", None)
        self.resume.setVisible(self.can_resume)
        self.longer.setVisible(self.can_train_longer)
        for part in (self.use, self.inspect, self.predict, self.evaluate):
            part.setVisible(self.can_inspect)
        self._next.setVisible(self.can_inspect or self.can_train_longer)
        if keyboard_here:
            self._keep_keyboard()

    def show_result(self, sentence: str) -> None:
        """Show the result of a run that has ended, instead of the facts; empty without one."""
        self.result.setText(sentence)
        self.result.setVisible(bool(sentence))
        self.facts.setVisible(not sentence)

    def show_next(self, *, in_use: bool, problem: str, newer: bool = False) -> None:
        """Show what can be done with the model.

        Args:
            in_use: Whether it is the current model.
            newer: Whether an earlier checkpoint of the run is the current model.
            problem: Why its mistakes cannot be inspected or counted, as a sentence; empty if they can.
        """
        offer = "Use the new checkpoint" if newer else "Use this model"
        self.use.setText("Model in use" if in_use else offer)
        set_icon(self.use, "check" if in_use else "model")
        self.use.setEnabled(not in_use)
        self.use.setToolTip("It is the current model, on all pages" if in_use else USE_TIP)
        for part, tip in ((self.inspect, INSPECT_TIP), (self.evaluate, EVALUATE_TIP)):
            part.setEnabled(not problem)
            part.setToolTip(problem or tip)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Put the commands below the name where there is no room beside it."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        beside = self._commands.sizeHint().width() + px(_LEAST_NAME) + 2 * 12 <= self.width()
        self._head.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)

    def _keep_keyboard(self) -> None:
        """Keep the focus in this bar when the focused button disappears."""
        if not self.isAncestorOf(QApplication.focusWidget() or self):
            self.take_focus()

    def take_focus(self) -> None:
        """Move the keyboard focus to the first command that can be used, if there is one."""
        usable = (part for part in (self.stop, self.resume, self.inspect, self.longer, self.more) if part.isVisible())
        part = next((part for part in usable if part.isEnabled()), None)
        if part is not None:
            part.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_progress(self, state: RunState | None, status: ShownStatus | None, *, busy: bool, unknown: bool) -> None:
        if state is None or not state.epochs or unknown:
            self.bar.setVisible(busy)
            self.bar.show_share(None if busy else 0.0)
            self.left.setText("")
            return
        done = state.epochs_passed / state.epochs
        begun = busy or (status != "finished" and done < 1.0)  # its patience can finish a run before its last epoch
        self.left.setVisible(begun)
        self.bar.setVisible(begun)
        self.bar.show_share(done)
        self.bar.setAccessibleName(f"{percent_text(min(done, 1.0))} done")
        self.left.setText(left_text(state.seconds_left) if busy else f"{percent_text(min(done, 1.0))} done")

    def _show_preparation(self, preparation: Preparation) -> None:
        done = min(preparation.done / preparation.total, 1.0)
        self.bar.setVisible(True)
        self.bar.show_share(done)
        self.bar.setAccessibleName(f"{preparation.what}: {percent_text(done)} done")
        self.left.setVisible(True)
        self.left.setText(left_text(preparation.seconds_left))

    def _build(self) -> None:
        self._commands, self._next = QWidget(), QWidget()
        self._next.setAccessibleName("What next")
        commands, following = FlowLayout(INSIDE_GROUP, self._commands), FlowLayout(INSIDE_GROUP, self._next)
        self._next.setContentsMargins(0, SPACE, 0, 0)
        for part in (self.resume, self.pause, self.stop, self.more):
            commands.addWidget(part)
        for part in (self.inspect, self.use, self.predict, self.evaluate, self.longer):
            following.addWidget(part)
        self._head = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._head.setSpacing(INSIDE_GROUP)
        self._head.addWidget(self.title, 1)
        self._head.addWidget(self._commands)
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(self.facts, 1)
        line.addWidget(self.result, 1)
        line.addWidget(self.left)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 10)
        column.setSpacing(SPACE)
        column.addLayout(self._head)
        column.addLayout(line)
        column.addWidget(self.bar)
        column.addWidget(self._next)

    def _fit(self) -> None:
        self.facts.setFont(number_font("body"))
        self.left.setFont(number_font("body"))
        self.more.setFixedWidth(px(32))
        self._arrange()

    def _on_resume(self) -> None:
        self.ordered.emit("resume")

    def _on_stop(self) -> None:
        self.ordered.emit("stop")

    def _on_pause(self) -> None:
        self.ordered.emit(self._pause_order)

    def _on_stop_now(self) -> None:
        self.ordered.emit("stop-now")

    def _on_discard(self) -> None:
        self.ordered.emit("discard")


def preparation_text(preparation: Preparation, phase: Phase) -> str:
    """Return "Finding the range of values · 120 of 1,500 images"."""
    if phase in ("stopping", "stopping-now", "discarding"):
        return "Stopping before the training begins"
    return f"{preparation.what} · {preparation.done:,} of {count_text(preparation.total, 'image')}"


def facts_text(state: RunState | None, images: int | None, *, busy: bool) -> str:
    """Return "Epoch 5 of 15 · best 53 % of 30 (36 to 70) in epoch 4 · batch 18 of 30 · 31.4 images/s".

    Args:
        state: The run's last recorded state.
        images: Number of its validation images; None if it is unknown.
        busy: Whether it is being trained.
    """
    if state is None or not state.epochs:
        return ""
    facts = [
        f"Epoch {min(state.epoch + 1, state.epochs) if busy else min(state.epoch, state.epochs)} of {state.epochs}"
    ]
    if state.best_accuracy is not None and state.best_epoch is not None:
        facts.append(f"best {accuracy_share_text(state.best_accuracy, images)} in epoch {state.best_epoch + 1}")
    if busy and state.batches:
        facts.append(f"batch {state.batch} of {state.batches}")
    if state.images_per_second:
        facts.append(f"{state.images_per_second:.3g} images/s")
    return " · ".join(facts)


def _button(text: str, icon: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    set_icon(button, icon)
    return button
