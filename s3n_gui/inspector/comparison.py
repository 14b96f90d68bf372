"""Two models on one image, one above the other (Figure 7): the visual evidence and the prediction of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.number_text import probability_text
from s3n_core.inspection.plain_words import how_sure
from s3n_gui.appearance.theme import number_font, theme
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.other_model import OtherModel
from s3n_gui.inspector.panes.pane_grid import PaneGrid
from s3n_gui.inspector.panes.pane_kinds import Kind
from s3n_gui.inspector.panes.pane_model import Cameras, PaneModel
from s3n_gui.inspector.panes.pane_requests import PaneRequests
from s3n_gui.state.opening import model_title
from s3n_gui.widgets.elided_label import ElidedLabel

_KINDS: tuple[Kind, ...] = ("peaks", "response", "image_d")
_LAYOUT = "One row of three"


class Comparison(QWidget):
    """The current model above, the other model below; zoom, pan and cursor are linked.

    Signals:
        other_requested: The user wants to choose another second model.
    """

    other_requested = Signal()

    def __init__(
        self,
        state: InspectionState,
        other: OtherModel,
        cameras: Cameras,
        requests: PaneRequests,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        others = PaneRequests(self)
        others.class_map_missing.connect(other.fetch_class_map)
        others.contributions_missing.connect(other.fetch_contributions)
        self.first = _Row("This model", state, cameras, requests)
        self.second = _Row("Other model", other.state, cameras, others, self.first.panes.models, editable=False)
        self.choose = QPushButton("Choose the other model…")
        self.choose.setProperty("role", "link")
        self.choose.setToolTip("Choose another model to compare with")
        self.choose.clicked.connect(self.other_requested)
        self.second.head.addWidget(self.choose)
        for row in (self.first, self.second):
            row.set_head_height(self.choose.sizeHint().height())  # gives both models' images the same size
        self.first.panes.layout_changed.connect(self._follow_first)
        self.second.panes.layout_changed.connect(self._follow_second)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.first, 1)
        layout.addWidget(self.second, 1)

    def toggle_alone(self) -> None:
        """Maximise one pane of each model, or restore the grid."""
        row = self.second if self.second.isAncestorOf(self.focusWidget() or self) else self.first
        row.panes.toggle_alone()

    def _follow_first(self) -> None:
        _stand_alike(self.first.panes, self.second.panes)

    def _follow_second(self) -> None:
        _stand_alike(self.second.panes, self.first.panes)

    def set_truth(self, truth: str | None) -> None:
        """Set the image's true class (None if unlabelled)."""
        for row in (self.first, self.second):
            row.set_truth(truth)


def _stand_alike(leader: PaneGrid, follower: PaneGrid) -> None:
    """Maximise in ``follower`` the pane that is maximised in ``leader``."""
    alone = None if leader.alone is None else follower.panes[leader.alone.index]
    if follower.alone is not alone:
        if follower.alone is not None:
            follower.toggle_alone()
        if alone is not None:
            follower.toggle_alone(alone)


class _Row(QFrame):
    def __init__(
        self,
        title: str,
        state: InspectionState,
        cameras: Cameras,
        requests: PaneRequests,
        models: Sequence[PaneModel] = (),
        *,
        editable: bool = True,
    ) -> None:
        super().__init__()
        self._title, self._state = title, state
        self._truth: str | None = None
        self._name = ""
        self.model, self.answer, self.verdict = ElidedLabel(), QLabel(), QLabel()
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.panes = PaneGrid(
            state, cameras, requests, kinds=_KINDS, layout_name=_LAYOUT, models=models, editable=editable
        )
        for piece in self.panes.pieces():
            piece()
        self.head = QHBoxLayout()
        self.head.setSpacing(12)
        self.head.addWidget(self.model, 1)
        self.head.addWidget(self.verdict)
        self.head.addWidget(self.answer)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(self.head)
        layout.addWidget(self.panes, 1)
        state.scores_changed.connect(self.synchronize)
        state.message_changed.connect(self.synchronize)
        theme().changed.connect(self.synchronize)
        self.synchronize()

    def set_truth(self, truth: str | None) -> None:
        """Set the image's true class (None if unlabelled)."""
        self._truth = truth
        self.synchronize()

    def set_head_height(self, height: int) -> None:
        """Set the minimum height of the line above the panes, in pixels."""
        self.model.setMinimumHeight(height)

    def set_model(self, path: Path | None) -> None:
        """Set the model to name in the line above the panes."""
        self._name = "" if path is None else model_title(path)
        self.synchronize()

    def synchronize(self) -> None:
        """Show the state."""
        self.answer.setFont(number_font("body", semibold=True))
        answer, evidence, message = self._state.answer, self._state.evidence, self._state.message
        if answer is None or message:
            # After a step to another image there is no answer yet, but the model is open: it inspected the last one.
            name = f"opening {self._name} …" if evidence is None else self._name or evidence.response.model
            self.model.setText(message or f"{self._title}: {name}")
            self.answer.clear()
            self.verdict.clear()
            return
        self.model.setText(f"{self._title}: {self._name or answer.response.model}")
        if not answer.scores.is_finite:
            self.answer.setText("No prediction")
            self.answer.setToolTip(how_sure(answer))
            self.verdict.clear()
            return
        self.answer.setToolTip("")
        best = answer.prediction
        self.answer.setText(f"{displayed_class(best.name)}  {probability_text(best.probability)}")
        known = self._truth is not None and self._truth in answer.response.classes
        right = best.name == self._truth
        self.verdict.setText(("✓ correct" if right else "✕ wrong") if known else "")
        self.verdict.setProperty("state", ("good" if right else "bad") if known else "")
        self.verdict.style().polish(self.verdict)
