"""The side panel: prediction and scores; below them peaks, parameters and hidden places, as tabs or some together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QSizePolicy, QTabBar, QVBoxLayout, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.number_text import signed_decimals
from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.inspector.hiding.hide_panel import HidePanel
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.number_form import NumberForm
from s3n_gui.inspector.peaks.peak_panel import PeakPanel
from s3n_gui.inspector.scores.prediction_card import PredictionCard
from s3n_gui.inspector.scores.score_rows import score_rows
from s3n_gui.inspector.scores.score_table import BESIDE, ScoreTable
from s3n_gui.inspector.why.ledger_panel import LedgerPanel
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.elided_label import ElidedLabel

_WIDTH = 312  # pixels, at normal text size
_ANY_HEIGHT = 16_777_215  # Qt's QWIDGETSIZE_MAX
_PEAKS, _NUMBERS, _HIDE, _WHY = range(4)
"""The tabs, by index."""
_HIDDEN = 440
"""Height in pixels of a hidden place's result, reserved so that nothing moves when it arrives."""
_LEDGER = 380
"""Height in pixels of a usual ledger."""
_LEAST_LEDGER = 300
"""The least height in pixels of the card with a ledger; in a lower window, the whole side scrolls."""
_BELOW = 640
"""Height in pixels below the panes of a narrow page."""
_LOW, _TALL = 470, 820
"""Heights in pixels: below the first, details are a tooltip; from the second on, peaks and parameters both show."""


class Side(ColumnScrollArea):
    """Prediction, scores, peaks and parameters, built by `pieces`. It scrolls if the window is too low for the minimum.

    Signals:
        compare_requested: Make the current scores the baseline.
        put_back_requested: Restore a peak (its key) as it was found.
        hide_requested: Hide the selected peak's place in the original.
    """

    compare_requested = Signal()
    put_back_requested = Signal(object)
    hide_requested = Signal()

    def __init__(self, state: InspectionState, hiding: HidingState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._hiding = state, hiding
        self._truth: str | None = None
        self._below = False
        self._chosen = _PEAKS
        self._content = _Content()
        self._column = QVBoxLayout(self._content)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(8)
        self.setWidget(self._content)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)

    @property
    def is_unfinished(self) -> bool:
        """Whether steps of `pieces` are missing."""
        return not hasattr(self, "why")

    def show_below(self, below: bool) -> None:
        """Stand below the panes at full height, in a page that scrolls; or beside them."""
        policy = QSizePolicy.Policy.Expanding if below else QSizePolicy.Policy.Fixed
        self.setSizePolicy(policy, QSizePolicy.Policy.Expanding)
        self.setMinimumHeight(px(_BELOW) if below else 0)
        if below != self._below:
            self._below = below
            self._arrange()

    def sizeHint(self) -> QSize:
        """Return the same width for every image; larger text may need more."""
        return QSize(max(px(_WIDTH), self.minimumSizeHint().width()), super().sizeHint().height())

    def pieces(self) -> list[Callable[[], None]]:
        """Return the build steps in order."""
        return [
            self._make_upper,
            self._make_lower,
            self._make_peaks,
            self._make_numbers,
            self._make_hiding,
            self._make_why,
            self._connect,
        ]

    def _make_upper(self) -> None:
        self._upper = _card(self._content)
        self.answer = PredictionCard(self._state)
        self.scores = ScoreTable()
        self.compare = QPushButton("Keep as baseline")
        self.compare.setProperty("role", "link")
        self.compare.setToolTip("Small numbers then show how the scores differ from the current ones")
        self._upper_column = inside = QVBoxLayout(self._upper)
        inside.setContentsMargins(12 - BESIDE, 10, 12 - BESIDE, 6)  # the rows of the scores reach beside the texts
        inside.setSpacing(6)
        self.answer.setContentsMargins(BESIDE, 0, BESIDE, 0)
        inside.addWidget(self.answer)
        inside.addWidget(self.scores, 1)
        self.margin = ElidedLabel()
        self.margin.setProperty("role", "caption")
        self.margin.setContentsMargins(BESIDE, 0, BESIDE, 0)
        inside.addWidget(self.margin)
        self.answer.below.addWidget(self.compare)
        self.answer.below.addStrut(self.compare.sizeHint().height())  # Nothing below jumps when the button appears.
        self._column.addWidget(self._upper)

    def _make_lower(self) -> None:
        self._lower = _card(self._content)
        self.tabs = QTabBar()
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.addTab("Peaks")
        self.tabs.addTab("Numbers")
        self.tabs.addTab("Hide")
        self.tabs.addTab("Why")
        self.tabs.setTabToolTip(0, "Places where evidence was found; switch them off or move them")
        self.tabs.setTabToolTip(1, "The method's numbers, which you can change")
        self.tabs.setTabToolTip(2, "Hide a place in the original and compare with random places")
        self.tabs.setTabToolTip(3, "What contributes to a class over its rival, and what the model relies on (W)")
        self.tabs.setAccessibleName("Peaks, numbers, hidden places or contributions")
        self._titles = QLabel("Peaks"), QLabel("Numbers")
        for title in self._titles:
            title.setProperty("role", "section")
        self._inside = QVBoxLayout(self._lower)
        self._inside.setContentsMargins(12, 4, 12, 10)
        self._inside.setSpacing(8)
        self._inside.addWidget(self.tabs)
        self._column.addWidget(self._lower, 1)

    def _make_peaks(self) -> None:
        self.peak_panel = PeakPanel(self._state)
        self.peaks = self.peak_panel.table
        self._inside.addWidget(self._titles[0])
        self._inside.addWidget(self.peak_panel, 1)

    def _make_numbers(self) -> None:
        self.numbers = NumberForm(self._state)
        self.numbers.setContentsMargins(0, 0, 8, 0)  # reserves room for the scroll bar, visible or not
        self._scroll = _scrolled(self.numbers)
        self._inside.addWidget(self._titles[1])
        self._inside.addWidget(self._scroll, 1)

    def _make_hiding(self) -> None:
        self.hiding = HidePanel(self._state, self._hiding)
        self.hiding.setContentsMargins(0, 4, 8, 0)
        self._hiding_scroll = _scrolled(self.hiding)
        self._inside.addWidget(self._hiding_scroll, 1)

    def _make_why(self) -> None:
        self.why = LedgerPanel(self._state, self._hiding)
        self.why.setContentsMargins(0, 4, 8, 0)
        self._why_scroll = _scrolled(self.why)
        self._inside.addWidget(self._why_scroll, 1)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.choose_tab)
        self.compare.clicked.connect(self.compare_requested)
        self.peak_panel.put_back_requested.connect(self.put_back_requested)
        self.peak_panel.hide_requested.connect(self.hide_requested)
        self.hiding.hide_requested.connect(self.hide_requested)
        self._state.scores_changed.connect(self.synchronize)
        self.scores.fitting_changed.connect(self.synchronize)
        self._state.why.changed.connect(self._show_margin)
        self._upper.installEventFilter(self)
        theme().changed.connect(self._arrange)
        self.synchronize()
        self._arrange()

    def set_truth(self, truth: str | None) -> None:
        """Set the image's true class (None if unlabelled)."""
        self._truth = truth
        self.answer.set_truth(truth)
        self.synchronize()

    def set_model(self, path: Path | None) -> None:
        """Set the model that makes the prediction."""
        self.answer.set_model(path)

    def synchronize(self) -> None:
        """Show the state's scores."""
        state = self._state
        answer = state.answer
        if state.evidence is None:  # another model has other classes
            self.scores.mark_class(None)
        rows = () if answer is None else score_rows(answer, state.before, self._truth, self.scores.fitting)
        self.scores.show_rows(rows, stale=state.scores_stale)
        compared = state.before is not None and state.before != answer
        self.compare.setVisible(answer is not None and not state.scores_stale and compared)
        self._show_margin()

    def _show_margin(self) -> None:
        """Show below the scores the margin that the ledger explains, while the ledger shows."""
        answer, question = self._state.answer, None
        if answer is not None:
            question = self._state.why.resolved(answer)
        shown = answer is not None and isinstance(question, tuple) and self._chosen == _WHY
        self.margin.setVisible(shown)
        if answer is None or not isinstance(question, tuple):
            return
        target, versus = question
        head, classes = answer.scores.answer, answer.response.classes
        over = "" if versus is None else f" over {displayed_class(classes[versus])}"
        value = signed_decimals(answer.scores.margin(target, versus, head))
        what = "logit" if versus is None else "margin"
        head = "Joint" if head == "joint" else head
        text = f"{head} {what} {value}: {displayed_class(classes[target])}{over}"
        self.margin.setText(text)
        self.margin.setToolTip(tip_text(f"{text}, in logits"))

    @property
    def tab(self) -> int:
        """The index of the chosen tab; it stays chosen while it shows together with another one."""
        return self._chosen

    def choose_tab(self, index: int) -> None:
        """Choose a tab."""
        self._chosen = index
        self._arrange()

    @property
    def shows_why(self) -> bool:
        """Whether the ledger of contributions shows."""
        return self._chosen == _WHY

    def show_why(self) -> None:
        """Show the ledger of contributions."""
        self.choose_tab(_WHY)

    def show_peaks(self) -> None:
        """Show the table of peaks."""
        self.choose_tab(_PEAKS)

    def show_hiding(self) -> None:
        """Show the hidden place and its result."""
        self.choose_tab(_HIDE)

    # Layout

    def _arrange(self) -> None:
        """Distribute the height: show everything that fits, the chosen tab first."""
        height, chosen = self.viewport().height(), self._chosen
        tall = height >= px(_TALL)
        if tall and chosen == _NUMBERS:  # they show together with the peaks
            chosen = _PEAKS
        with QSignalBlocker(self.tabs):  # Qt would choose another tab in place of a hidden one
            self.tabs.setTabVisible(_NUMBERS, not tall)
            self.tabs.setCurrentIndex(chosen)
        together, numbers_chosen, hiding_chosen = tall and chosen == _PEAKS, chosen == _NUMBERS, chosen == _HIDE
        why_chosen = chosen == _WHY
        self.tabs.setTabText(_PEAKS, "Peaks and numbers" if tall else "Peaks")
        for title in self._titles:
            title.setVisible(together)
        self.peak_panel.setVisible(chosen == _PEAKS)
        self._scroll.setVisible(together or numbers_chosen)
        self._hiding_scroll.setVisible(hiding_chosen)
        self._why_scroll.setVisible(why_chosen)
        self._show_margin()
        # If both show, the parameters get their full height and the peaks the rest. Parameters or a hidden place alone
        # get what the scores leave.
        needed = self.numbers.sizeHint().height()
        self._scroll.setMinimumHeight(needed if together else 0)
        self._scroll.setMaximumHeight(needed if together else _ANY_HEIGHT)
        self.answer.show_details(height >= px(_LOW) and not ((hiding_chosen or why_chosen) and not tall))
        self.answer.show_sentence(tall or not why_chosen)
        inside = self._upper_column.minimumHeightForWidth(self._upper.width())
        least = max(inside, self._upper.minimumSizeHint().height())
        of_chosen = {_NUMBERS: needed, _HIDE: px(_HIDDEN), _WHY: px(_LEDGER)}
        wanted = of_chosen.get(chosen, px(200) - self.tabs.sizeHint().height() - 26)
        self._upper.setMaximumHeight(max(height - 8 - wanted - self.tabs.sizeHint().height() - 26, least))
        self._lower.setMinimumHeight(px(_LEAST_LEDGER) if why_chosen else px(196))
        self.updateGeometry()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Distribute the new height."""
        super().resizeEvent(event)
        if not self.is_unfinished:  # resize events also arrive during construction
            self._arrange()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Distribute the height again when the prediction needs another one."""
        if event.type() == QEvent.Type.LayoutRequest and not self.is_unfinished and watched is self._upper:
            self._arrange()
        return super().eventFilter(watched, event)


class _Content(QWidget):
    """The scrolled content: it scrolls only below its minimum height, not below its preferred height."""

    def heightForWidth(self, width: int) -> int:
        layout = self.layout()
        least = self.minimumSizeHint().height()
        return least if layout is None else max(layout.minimumHeightForWidth(width), least)


def _scrolled(content: QWidget) -> ColumnScrollArea:
    area = ColumnScrollArea()
    area.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    area.setWidget(content)
    return area


def _card(parent: QWidget) -> QFrame:
    card = QFrame(parent)
    card.setProperty("role", "card")
    return card
