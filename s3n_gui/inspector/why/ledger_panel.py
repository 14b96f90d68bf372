"""The panel Why: the class and its rival, the ledger of what is read, and beside it what the model relies on."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.inspection import Inspection, Score
from s3n_core.inspection.ledger import Ledger, ledger_of
from s3n_core.inspection.number_text import probability_text
from s3n_gui.appearance.theme import theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.why.ledger_table import LedgerTable
from s3n_gui.inspector.why_state import WhyQuestion
from s3n_gui.widgets.elided_combo import ElidedComboBox
from s3n_gui.widgets.progress_bar import StoppableProgress

_MOST_CLASSES = 100
"""Classes to choose from, the most probable first; any other one can be chosen in the scores or as a class map."""
_ALONE = object()
_READ_NOTE = (
    "Read: where the logits come from. A place that much is read at need not matter: only hiding it shows that."
)


class LedgerPanel(QWidget):
    """The panel.

    Signals:
        contributions_missing: Contributions must be requested.
        measure_requested: Hide the place of each peak of the ledger; its places, (x, y) in pixels of the original.
        pane_requested: Show the contributions in a pane.
    """

    contributions_missing = Signal()
    measure_requested = Signal(object)
    pane_requested = Signal()

    def __init__(self, state: InspectionState, hiding: HidingState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._hiding = state, hiding
        self._ledger: Ledger | None = None
        self.target, self.versus = (
            _choice("Class", "The class whose logit is explained"),
            _choice("Rival", "The class that it is compared with: its logit is subtracted"),
        )
        self.table = LedgerTable(state)
        self.note, self.sentence, self.hint = QLabel(), QLabel(), QLabel()
        for label in (self.note, self.sentence, self.hint):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        for label in (self.note, self.hint):
            label.setProperty("role", "caption")
        self.measure = QPushButton("Measure what it relies on")
        self.measure.setToolTip(
            "Hide each peak in the original, one at a time, and ask all branches again, beside random places of the same "
            "size, as set under Hide"
        )
        self.running = StoppableProgress("Measuring", "Stop measuring")
        self.show_pane = QPushButton("Show in pane")
        self.show_pane.setProperty("role", "link")
        self.show_pane.setToolTip("Show the contributions over the image, in place of the response map (W)")
        self._lay_out()
        self.target.activated.connect(self._on_target)
        self.versus.activated.connect(self._on_versus)
        self.measure.clicked.connect(self._on_measure)
        self.running.stop.clicked.connect(hiding.stop)
        self.show_pane.clicked.connect(self.pane_requested)
        state.why.changed.connect(self.synchronize)
        state.scores_changed.connect(self.synchronize)
        state.parts_changed.connect(self.synchronize)
        hiding.changed.connect(self.synchronize)
        theme().changed.connect(self.synchronize)

    def _lay_out(self) -> None:
        question = QGridLayout()
        question.setHorizontalSpacing(8)
        question.setVerticalSpacing(4)
        question.setColumnStretch(1, 1)
        for row, (text, box) in enumerate((("Why", self.target), ("rather than", self.versus))):
            label = QLabel(text)
            label.setProperty("role", "quiet")
            label.setBuddy(box)
            question.addWidget(label, row, 0)
            question.addWidget(box, row, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.measure)
        buttons.addWidget(self.show_pane)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addLayout(question)
        layout.addLayout(buttons)
        layout.addWidget(self.running)
        layout.addWidget(self.note)
        layout.addWidget(self.sentence)
        layout.addWidget(self.table)
        layout.addWidget(self.hint)
        layout.addStretch(1)

    @property
    def ledger(self) -> Ledger | None:
        """The ledger that is shown, or None."""
        return self._ledger

    def showEvent(self, event: QShowEvent) -> None:
        """Show the state, which may have changed while the panel was hidden."""
        super().showEvent(event)
        self.synchronize()

    def synchronize(self) -> None:
        """Show the state; a hidden panel waits until it is shown."""
        if not self.isVisible():
            return
        why, answer, removal = self._state.why, self._state.answer, self._hiding.rows
        if answer is not None:
            self._show_choices(answer)
            if why.is_missing:
                self.contributions_missing.emit()
        view = why.view
        self._ledger = None
        if view is not None and answer is not None:
            found = view.contributions
            of_scores = None if why.is_stale else answer.scores.margin(found.target, found.versus, found.head)
            self._ledger = ledger_of(view, removal.results, of_scores)
        ledger = self._ledger
        stale = why.is_stale or self._state.scores_stale
        self.table.show_ledger(ledger, view, stale=stale)
        self.table.setVisible(ledger is not None)
        self.note.setText(why.note)
        self.note.setVisible(bool(why.note))
        self.sentence.setText("" if ledger is None else ledger.sentence)
        self.sentence.setVisible(ledger is not None and ledger.is_measured)
        places = self._places()
        running = removal.steps is not None
        self.measure.setVisible(not running)
        self.measure.setEnabled(bool(places) and not stale and self._hiding.steps is None)
        self.show_pane.setVisible(not running)
        self.running.setVisible(running)
        if removal.steps is not None:
            self.running.show_steps("Measuring", *removal.steps)
        self.hint.setText(self._hint(removal.message))

    def _hint(self, message: str) -> str:
        if message:
            return message
        if self._ledger is None:
            return ""
        if self._state.answer is not None and not self._places():
            return f"{_READ_NOTE} There is no peak to hide."
        if self._ledger.is_measured:
            settings = self._hiding.rows.results[0].how()
            edits = " Hidden places are asked without your changes of peaks." if self._state.edits else ""
            return f"Relied on: what is lost beyond random places. {settings[0].upper()}{settings[1:]}.{edits}"
        return _READ_NOTE

    def _places(self) -> list[tuple[float, float]]:
        rows = () if self._ledger is None else self._ledger.rows
        return [row.row.place for row in rows if row.row.place is not None]

    def _show_choices(self, answer: Inspection) -> None:
        why = self._state.why
        best = list(answer.top(count=_MOST_CLASSES))
        resolved = why.resolved(answer)
        question = why.question
        versus, rival = question.versus, "Strongest rival"
        if not isinstance(resolved, str):
            target = resolved[0]
            strongest = answer.scores.rival(target)
            if strongest is not None:
                rival = f"{displayed_class(answer.response.classes[strongest])} (strongest rival)"
            best_rivals = [score for score in best if score.index != target]
            if versus == answer.response.classes[target]:
                versus = None  # no class is its own rival: the strongest one is subtracted
        else:
            best_rivals = best
        predicted = f"{displayed_class(answer.prediction.name)} (predicted)"
        _fill(self.target, [(predicted, None), *map(_item, best)], question.target)
        items = [(rival, None), *map(_item, best_rivals), ("No rival: the logit alone", _ALONE)]
        _fill(self.versus, items, _ALONE if question.alone else versus)

    def _on_target(self, index: int) -> None:
        why = self._state.why
        why.ask(replace(why.question, target=self.target.itemData(index)))

    def _on_versus(self, index: int) -> None:
        chosen = self.versus.itemData(index)
        alone = chosen is _ALONE
        why = self._state.why
        why.ask(WhyQuestion(why.question.target, None if alone else chosen, alone=alone))

    def _on_measure(self) -> None:
        self.measure_requested.emit(self._places())


def _item(score: Score) -> tuple[str, object]:
    return f"{displayed_class(score.name)}  {probability_text(score.probability)}", score.name


def _choice(name: str, tip: str) -> ElidedComboBox:
    box = ElidedComboBox()
    box.setAccessibleName(name)
    box.setAccessibleDescription(tip)
    box.setToolTip(tip_text(tip))
    return box


def _fill(box: ElidedComboBox, items: list[tuple[str, object]], chosen: object) -> None:
    """Show items, (text, value), and choose one; a chosen value that is not among them is added."""
    if all(value != chosen for _, value in items):
        items = [*items, (displayed_class(str(chosen)), chosen)]
    with QSignalBlocker(box):
        if [(box.itemText(at), box.itemData(at)) for at in range(box.count())] != items:
            box.clear()
            for text, value in items:
                box.addItem(text, value)
        box.setCurrentIndex(next(at for at, (_, value) in enumerate(items) if value == chosen))
    box.setToolTip(tip_text(f"{box.currentText()}\n{box.accessibleDescription()}"))
