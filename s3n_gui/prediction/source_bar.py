"""The bar at the top of the page: images, split, model, and the start and stop buttons."""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.wording import label_text, place_text, tip_text
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.opening import data_set_title, model_title
from s3n_gui.state.split_choice import SplitChoice, split_text
from s3n_gui.widgets.elided_label import ElidedLabel
from s3n_gui.widgets.flow_layout import FlowLayout
from s3n_gui.widgets.model_menu import ModelMenu
from s3n_gui.widgets.progress_bar import ProgressBar

_NAME_WIDTHS = (240, 240, 160, 120)
"""Widths of the names of images and model, in pixels at normal text size, from the widest window to the narrowest."""
_SHORT = {"Update predictions": "Update"}
"""Words on the button in a narrow window."""


class SourceBar(QWidget):
    """Chooses what to predict, and starts and stops the job.

    Signals:
        folder_asked: The user wants to choose another folder.
        data_set_asked: The user wants to use the open data set.
        split_chosen: The split: one of ``SPLIT_CHOICES``.
        fast_asked: The user wants to see what fast mode gains and costs, and to choose its threshold.
        start_asked: Start the job; whether to start over.
        stop_asked: Stop the job.
    """

    folder_asked = Signal()
    data_set_asked = Signal()
    split_chosen = Signal(str)
    fast_asked = Signal()
    start_asked = Signal(bool)
    stop_asked = Signal()

    def __init__(self, models: ModelChoices, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.images, self.model = QPushButton(), QPushButton()
        set_icon(self.images, "folder")
        set_icon(self.model, "model")
        menu = QMenu(self)
        menu.addAction("Choose folder…", self.folder_asked.emit)
        self.own = menu.addAction("The open data set", self.data_set_asked.emit)
        self.images.setMenu(menu)
        self.images.setAccessibleName("Images to predict")
        self.model.setAccessibleName("Model")
        self.model.setToolTip("Model for the predictions; click to choose another")
        self.models = ModelMenu(models, self)
        self.models.chosen.connect(models.use)
        self.model.setMenu(self.models)
        self.split = QComboBox()
        self.split.setAccessibleName("Split")
        self.split.setToolTip(
            "Which images to predict. First choice: the labelled test images, else the validation images of the model's\n"
            "run, else all. What you choose is kept for this data set."
        )
        self.split.activated.connect(self._on_split)
        self.fast = QPushButton("Fast mode: off")
        self.fast.setAccessibleName("Fast mode")
        self.fast.setToolTip(
            "Fast mode: if branch O is certain (entropy H up to a threshold, in nats), D and C are skipped.\n"
            "Click to see what it gains and costs on validation images, and to choose the threshold."
        )
        self.fast.clicked.connect(self.fast_asked)
        self.progress = ProgressBar("Progress of the prediction")
        self.progress.setFixedWidth(px(140))
        self.state = ElidedLabel()
        self.state.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.state.setProperty("role", "quiet")
        self.start = QPushButton("Predict")
        self._word, self._running, self._compacting = "Predict", False, False
        self._has_model = False
        self._images_name = self._model_name = ""
        self.start.setProperty("role", "primary")
        self.start.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.stop = QPushButton("Stop")
        self.stop.setToolTip("Stop and keep the rows that are done (Ctrl+.)")
        set_icon(self.stop, "stop")
        self.more = QToolButton()
        set_icon(self.more, "more")
        self.more.setToolTip("More ways to predict")
        self.more.setAccessibleName("More ways to predict")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        others = QMenu(self)
        self.over = others.addAction("Start over", self._on_start_over)
        self.over.setToolTip("Discard all rows and start with the first image")
        self.more.setMenu(others)
        self.start.clicked.connect(self._on_start)
        self.stop.clicked.connect(self.stop_asked)
        self._polished = QTimer(self, singleShot=True, interval=0)  # the controls take the new text size one by one
        self._polished.timeout.connect(self._compact)
        theme().changed.connect(self._polished.start)
        self._row = row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        self._by = QLabel("with")
        self._by.setProperty("role", "quiet")
        self._choosers = choosers = QWidget()
        self._flow = FlowLayout(8, choosers)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        choosers.setSizePolicy(policy)
        for chooser in (self.images, self.split, self._by, self.model, self.fast):
            self._flow.addWidget(chooser)
        row.addWidget(choosers)
        row.addWidget(self.state, 1)
        for control in (self.progress, self.stop, self.start, self.more):
            row.addWidget(control, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_choice(self, images: Path | None, model: Path | None, split: str, splits: SplitChoice) -> None:
        """Show the choices and the available splits, with their numbers of images where they are known."""
        self._images_name = data_set_title(images) if images else "Choose images…"
        self.images.setToolTip(
            tip_text(f"The images to predict: {place_text(images, 80)}") if images else "The images to predict"
        )
        self._has_model = model is not None
        self._enable_fast()
        self._model_name = model_title(model) if model else "Choose a model…"
        self.model.setToolTip(
            tip_text(f"Model for the predictions: {self._model_name}; click to choose another")
            if model
            else "Model for the predictions"
        )
        self.split.clear()
        for name, count in zip_longest(splits.available, splits.counts):
            self.split.addItem(split_text(name, count), name)
        if self.split.findData(split) < 0:  # not known yet, or gone
            self.split.addItem(split_text(split), split)
        self.split.setCurrentIndex(self.split.findData(split))
        self.split.setVisible(self.split.count() > 1 and images is not None)
        self._compact()

    def show_stop_below(self, entropy: float | None) -> None:
        """Show the entropy threshold of fast mode, in nats; None: off."""
        self.fast.setText("Fast mode: off" if entropy is None else f"Fast mode: H ≤ {entropy:g}")
        self._compact()

    def show_stage(
        self, word: str, state: str, *, can_start: bool, running: bool, can_start_over: bool, offers_start: bool = True
    ) -> None:
        """Show the state and the available buttons; ``offers_start``: no other button beside the bar starts the same."""
        focused = self.start.hasFocus() or self.stop.hasFocus()
        self._word, self._running = word, running
        self.start.setToolTip(f"{word} (Ctrl+Enter)")
        self.start.setVisible(not running and offers_start)
        self.start.setEnabled(can_start)
        self.stop.setVisible(running)
        self._enable_fast()
        self.progress.setVisible(running)
        if focused:
            # Only one of the two buttons is visible; it takes over the keyboard focus.
            (self.stop if running else self.start).setFocus()
        self.more.setVisible(can_start_over)
        self.state.setText(state)
        self._compact()

    def _enable_fast(self) -> None:
        self.fast.setEnabled(self._has_model and not self._running)  # another threshold would end the job

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out what a narrow window has no room for."""
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():  # else it is only the height of its lines
            self._compact()

    def minimumSizeHint(self) -> QSize:
        """Return a small width: what does not fit is left out."""
        return QSize(px(320), super().minimumSizeHint().height())

    def _compact(self) -> None:
        if self._compacting:  # showing a widget lays out the line at once
            return
        self._compacting = True
        self._fit_words()
        self._row.invalidate()
        self._row.activate()
        self._compacting = False

    def _fit_words(self) -> None:
        for level, names in enumerate(_NAME_WIDTHS):
            self._show_words(short=level > 0, names=px(names))
            self._flow.invalidate()  # a change of a widget invalidates only the layout that it is in
            self._row.invalidate()
            others = self._row.minimumSize().width() - self._flow.minimumSize().width()
            if self._flow.sizeHint().width() + others <= self.width():
                return
        self._show_words(short=True, names=px(_NAME_WIDTHS[0]))  # the choosers take several lines

    def _show_words(self, *, short: bool, names: int) -> None:
        """Show all words, or only those that cannot be missed, with names of at most ``names`` pixels."""
        metrics = self.images.fontMetrics()
        self.images.setText(label_text(elided_name(self._images_name, metrics, names)))
        self.model.setText(label_text(elided_name(self._model_name, metrics, names)))
        self.start.setText(_SHORT.get(self._word, self._word) if short else self._word)
        self.start.setAccessibleName(self._word)
        self.state.setVisible(not short)
        self._row.setStretchFactor(self._choosers, int(short))  # it takes the room that the text leaves
        self._by.setVisible(not short)
        self.fast.setVisible(not (short and self._running))  # it is disabled then

    def show_progress(self, fraction: float | None, state: str) -> None:
        """Show the job's progress."""
        self.progress.show_share(fraction)
        self.state.setText(state)

    def _on_split(self) -> None:
        self.split_chosen.emit(self.split.currentData())

    def _on_start(self) -> None:
        self.start_asked.emit(False)

    def _on_start_over(self) -> None:
        self.start_asked.emit(True)
