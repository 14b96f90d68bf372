"""The panel of the test that hides a place: how, the two images, and the result beside random places."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QLabel,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.number_text import number_text, probability_text
from s3n_gui.appearance.theme import theme
from s3n_gui.inspector.hiding.change_table import ChangeTable
from s3n_gui.inspector.hiding.hiding_form import FILLS, HidingForm
from s3n_gui.inspector.hiding.hiding_state import HidingState
from s3n_gui.inspector.hiding.place_pictures import PlacePictures
from s3n_gui.inspector.hiding.strip_plot import StripPlot
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.widgets.progress_bar import StoppableProgress

_HINT = (
    "Select a peak, or right-click any place in an image, and hide it. The place is filled in the original itself, all "
    "branches are asked again, and {} random places of the same size are hidden for comparison."
)


class HidePanel(QWidget):
    """The panel.

    Signals:
        hide_requested: Hide the selected peak.
        save_requested: Save the result as a file.
    """

    hide_requested = Signal()
    save_requested = Signal()

    def __init__(self, state: InspectionState, hiding: HidingState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._hiding = state, hiding
        self.hide_button = QPushButton("Hide this place")
        self.hide_button.setToolTip("Hide the selected peak in the original and ask all branches again (H)")
        self.form = HidingForm(hiding)
        self.hint, self.headline, self.loss, self.other, self.detail = (QLabel() for _ in range(5))
        self.headline.setProperty("role", "section")
        for label in (self.hint, self.loss, self.other, self.detail):
            label.setProperty("role", "caption")
        for label in (self.hint, self.headline, self.loss, self.other, self.detail):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
        self.running = StoppableProgress("Hiding", "Stop hiding this place")
        self.pictures, self.table, self.plot = PlacePictures(), ChangeTable(), StripPlot()
        self.save = QPushButton("Save numbers…")
        self.save.setProperty("role", "link")
        self.save.setToolTip("Save the settings, all places and all numbers as JSON")
        self._lay_out()
        self.hide_button.clicked.connect(self.hide_requested)
        self.running.stop.clicked.connect(hiding.stop)
        self.save.clicked.connect(self.save_requested)
        hiding.changed.connect(self.synchronize)
        state.selection_changed.connect(self.synchronize)
        theme().changed.connect(self.synchronize)
        self.synchronize()

    def _lay_out(self) -> None:
        self._result = QWidget()
        inside = QVBoxLayout(self._result)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(6)
        for widget in (self.headline, self.loss, self.plot, self.pictures, self.table, self.other, self.detail):
            inside.addWidget(widget)
        inside.addWidget(self.save, 0, Qt.AlignmentFlag.AlignLeft)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.hide_button)
        layout.addWidget(self.form)
        layout.addWidget(self.running)
        layout.addWidget(self.hint)
        layout.addWidget(self._result)
        layout.addStretch(1)

    def synchronize(self) -> None:
        """Show the state."""
        hiding, result, evidence = self._hiding, self._hiding.result, self._state.evidence
        self.hide_button.setEnabled(self._state.selected_peak is not None and hiding.steps is None)
        self.form.synchronize()
        self.running.setVisible(hiding.steps is not None)
        if hiding.steps is not None:
            self.running.show_steps("Hiding", *hiding.steps)
        self.hint.setVisible(result is None)
        self.hint.setText(hiding.message or _HINT.format(hiding.settings.controls))
        shown = result is not None and evidence is not None
        self._result.setVisible(shown)
        if result is None or evidence is None:
            self.pictures.show_place(None, None)
            self.table.show_place(None, 0)
            self.plot.show_change(None, "joint")
            return
        chosen, predicted = hiding.class_index, result.prediction.index
        index = predicted if chosen is None or chosen >= len(result.classes) else chosen
        self.pictures.show_place(evidence.response, result)
        self.headline.setText(result.rank_text(index))
        self.loss.setText(loss(result, index))
        self.table.show_place(result, index)
        self.plot.show_change(result.margin(index), "joint" if result.answer == "joint" else "O")
        self.other.setVisible(index != predicted)
        self.other.setText(f"Predicted class: {class_sentence(result, predicted)}")
        self.detail.setText(detail(result))


def loss(hidden: HiddenPlace, index: int) -> str:
    """Return what hiding does to a class's margin."""
    change = hidden.margin(index).change
    verb = "lowers" if change < 0 else "raises"
    text = f"Hiding this place {verb} the margin of {displayed_class(hidden.classes[index])} by "
    return f"{text}{number_text(abs(change), 2)}."


def class_sentence(hidden: HiddenPlace, index: int) -> str:
    """Return what hiding does to another class, in one line."""
    probability = hidden.probability(index)
    return (
        f"{displayed_class(hidden.classes[index])} {probability_text(probability.before)} → "
        f"{probability_text(probability.after)}. {hidden.rank_text(index)}."
    )


def detail(hidden: HiddenPlace) -> str:
    """Return how the test was done, and whether the prediction changes."""
    settings = hidden.settings
    title = next(title for fill, title, _ in FILLS if fill == settings.fill)
    where = "inside the annotated box" if hidden.region == "box" else "anywhere in what the network sees"
    text = (
        f"{title}, {settings.size:.0f} px, feather {100 * settings.feather:.0f} %, seed {settings.seed}. "
        f"{settings.controls} random places {where}, none overlapping a peak."
    )
    if hidden.hidden_prediction.index != hidden.prediction.index:
        text = f"The prediction becomes {displayed_class(hidden.hidden_prediction.name)}. {text}"
    return text
