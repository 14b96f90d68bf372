"""The right side of the page: the answer, the scores, and below them peaks and numbers, beside one another's tabs or all."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QStackedWidget,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from s3n_gui.inspector.answer_card import AnswerCard
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.number_form import NumberForm
from s3n_gui.inspector.peak_table import PeakTable
from s3n_gui.inspector.score_rows import score_rows
from s3n_gui.inspector.score_table import ScoreTable
from s3n_gui.theme import px, theme


class Side(QWidget):
    """Answer, scores, peaks, numbers.

    Signals:
        compare_requested: Scores are to be compared with what is shown now.
        put_back_requested: A peak (its key) is to be as it was found.
    """

    compare_requested = Signal()
    put_back_requested = Signal(object)

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._truth: str | None = None
        self.answer = AnswerCard(state)
        self.scores = ScoreTable()
        self.peaks = PeakTable(state)
        self.numbers = NumberForm(state)
        self.compare = QPushButton("Compare with this")
        self.compare.setProperty("role", "link")
        self.compare.setToolTip("From here on, small numbers say what differs from the scores that you see now")
        self.switch, self.flip, self.restore = QPushButton("Off"), QPushButton("Other set"), QPushButton("Put back")
        for button, tip in (
            (self.switch, "Switch the chosen peak off, or on again (X)"),
            (self.flip, "Move the chosen peak from T_d to T_c or back (S)"),
            (self.restore, "Give the chosen peak back as it was found"),
        ):
            button.setToolTip(tip)
        self.peaks.setToolTip("Choose a peak here or in an image; drag it there, or nudge it with the arrow keys")
        self._lay_out()
        self.tabs.currentChanged.connect(self.pages.setCurrentIndex)
        self.compare.clicked.connect(self.compare_requested)
        self.switch.clicked.connect(self._on_switch)
        self.flip.clicked.connect(self._on_flip)
        self.restore.clicked.connect(self._on_restore)
        state.scores_changed.connect(self.synchronize)
        state.evidence_changed.connect(self._show_buttons)
        state.settings_changed.connect(self._show_buttons)
        state.selection_changed.connect(self._show_buttons)
        theme().changed.connect(self._on_theme_changed)
        self._on_theme_changed()
        self.synchronize()
        self._show_buttons()

    def _lay_out(self) -> None:
        upper = QFrame()
        upper.setProperty("role", "card")
        inside = QVBoxLayout(upper)
        inside.setContentsMargins(12, 10, 12, 6)
        inside.setSpacing(6)
        inside.addWidget(self.answer)
        inside.addWidget(self.scores, 1)
        self.answer.below.addWidget(self.compare)
        policy = self.compare.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.compare.setSizePolicy(policy)
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button in (self.switch, self.flip, self.restore):
            buttons.addWidget(button)
        peaks = QWidget()
        peak_layout = QVBoxLayout(peaks)
        peak_layout.setContentsMargins(0, 0, 0, 0)
        peak_layout.setSpacing(8)
        peak_layout.addWidget(self.peaks, 1)
        peak_layout.addLayout(buttons)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setWidget(self.numbers)
        self.numbers.setContentsMargins(0, 0, 8, 0)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab("Peaks")
        self.tabs.addTab("Numbers")
        self.tabs.setTabToolTip(0, "The places where evidence was found; switch them off, move them")
        self.tabs.setTabToolTip(1, "The method's numbers, to play with")
        self.tabs.setAccessibleName("Peaks or numbers")
        self.pages = QStackedWidget()
        self.pages.addWidget(peaks)
        self.pages.addWidget(scroll)
        lower = QFrame()
        lower.setProperty("role", "card")
        below = QVBoxLayout(lower)
        below.setContentsMargins(12, 4, 12, 10)
        below.setSpacing(8)
        below.addWidget(self.tabs)
        below.addWidget(self.pages, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(upper)
        layout.addWidget(lower, 1)
        self._lower = lower

    def set_truth(self, truth: str | None) -> None:
        """Say which class the image is labelled with."""
        self._truth = truth
        self.answer.set_truth(truth)
        self.synchronize()

    def synchronize(self) -> None:
        """Show the state's scores."""
        state = self._state
        answer = state.answer
        rows = () if answer is None else score_rows(answer, state.before, self._truth)
        self.scores.show_rows(rows, stale=state.scores_stale)
        self.compare.setVisible(answer is not None and not state.scores_stale and state.before is not answer)

    def _show_buttons(self) -> None:
        peak = self._state.selected_peak
        edited = peak is not None and any(edit.cell == peak.found_at for edit in self._state.edits)
        self.switch.setText("On" if peak is not None and peak.set == "off" else "Off")
        self.switch.setEnabled(peak is not None)
        self.flip.setEnabled(peak is not None and peak.set != "off")
        self.restore.setEnabled(edited)

    def _on_switch(self) -> None:
        if self._state.selected is not None:
            self.peaks.switch_requested.emit(self._state.selected)

    def _on_flip(self) -> None:
        if self._state.selected is not None:
            self.peaks.flip_requested.emit(self._state.selected)

    def _on_restore(self) -> None:
        if self._state.selected is not None:
            self.put_back_requested.emit(self._state.selected)

    def _on_theme_changed(self) -> None:
        self.setFixedWidth(px(312))
        self._lower.setMinimumHeight(min(px(206), 216))
