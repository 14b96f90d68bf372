"""The card with the network's prediction in plain words; with the symbols, also the rule that made the map R."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.number_text import probability_text
from s3n_core.inspection.plain_words import how_sure, plain_sentence, where_found
from s3n_gui.appearance.theme import number_font, theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.state.opening import model_title
from s3n_gui.widgets.elided_label import ElidedLabel


class PredictionCard(QWidget):
    """The prediction, whether it is correct, how sure the model is and where it found evidence."""

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._truth: str | None = None
        self._model = ""
        self._roomy = True
        self.name, self.verdict = ElidedLabel(), ElidedLabel()
        self.share, self.sentence, self.rule = QLabel(), QLabel(), QLabel()
        self.sentence.setTextFormat(Qt.TextFormat.PlainText)
        self.sentence.setWordWrap(True)
        self.sentence.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.sentence.setToolTip(
            "How sure: a wording of the confidence, the softmax probability of the predicted class. Where: the peaks of "
            "the response map, strongest first"
        )
        self.rule.setTextFormat(Qt.TextFormat.PlainText)
        self.name.setProperty("role", "section")
        self.verdict.setProperty("role", "caption")
        self.rule.setProperty("role", "caption")
        self.rule.setWordWrap(True)
        self.rule.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.rule.setToolTip(
            "How the response map R is made (Eq. 3): if O is certain (entropy H at most delta) from the most probable "
            "class, otherwise from several"
        )
        self.rule.setAccessibleName("Certain or uncertain (Eq. 3)")
        self.view = QLabel()
        self.view.setTextFormat(Qt.TextFormat.PlainText)
        self.view.setProperty("role", "caption")
        self.view.setWordWrap(True)
        self.view.setToolTip(
            "What the network sees of this image, and how fine the places of its peaks and maps can be: not finer than "
            "a cell of its features"
        )
        self.view.setAccessibleName("What the network sees, and how fine its places are")
        line = QHBoxLayout()
        line.setSpacing(8)
        line.addWidget(self.name, 1)
        line.addWidget(self.share)
        self.below = QHBoxLayout()
        self.below.addWidget(self.verdict, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addLayout(self.below)
        layout.addSpacing(4)
        layout.addWidget(self.sentence)
        layout.addSpacing(2)
        layout.addWidget(self.rule)
        layout.addWidget(self.view)
        state.evidence_changed.connect(self.synchronize)
        state.scores_changed.connect(self.synchronize)
        state.annotation_changed.connect(self.synchronize)
        state.symbols.changed.connect(self._show_details)
        theme().changed.connect(self.synchronize)
        self.synchronize()

    def set_truth(self, truth: str | None) -> None:
        """Set the image's true class (None if unlabelled)."""
        if truth != self._truth:
            self._truth = truth
            self.synchronize()

    def set_model(self, path: Path | None) -> None:
        """Set the model that makes the prediction."""
        self._model = "" if path is None else model_title(path)
        self.synchronize()

    def show_details(self, shown: bool) -> None:
        """Show what the network sees and, with the symbols, the rule of Eq. 3; or move them to a tooltip."""
        self._roomy = shown
        self._show_details()

    def show_sentence(self, shown: bool) -> None:
        """Show the sentence on how sure the model is and where it found evidence, or leave its room to other things."""
        self.sentence.setVisible(shown)

    def synchronize(self) -> None:
        """Show the state."""
        evidence, answer = self._state.evidence, self._state.answer
        self.share.setFont(number_font("section", semibold=True))
        for label, lines in ((self.sentence, 3), (self.rule, 2)):  # so that usual texts let nothing jump
            label.setMinimumHeight(lines * label.fontMetrics().lineSpacing())
        shown = answer if answer is not None else evidence
        self.rule.setText("" if evidence is None else evidence.response.shown_rule)
        accuracy = None if evidence is None else evidence.response.place_accuracy
        sentences = [] if evidence is None or accuracy is None else [evidence.response.view_text, accuracy.text]
        if accuracy is not None and accuracy.warning:
            sentences.append(accuracy.warning)
        self.view.setText(" ".join(sentences))
        self.view.setProperty("state", "caution" if accuracy is not None and accuracy.is_coarse else "")
        self.view.style().polish(self.view)
        self._show_details()
        if shown is None or evidence is None or not self._state.is_current:
            self.sentence.setText("")
            self.setAccessibleDescription("")
            self.name.setText("")
            self.share.setText("")
            self.verdict.setText("")
            return
        if not shown.scores.is_finite:
            self._show_no_prediction(how_sure(shown))
            return
        best = shown.prediction
        name = displayed_class(best.name)
        self.name.setText(name)
        self._show_tip()
        said, annotation = replace(shown, warps=evidence.warps), self._state.annotation
        where = where_found(said, annotation)
        self.sentence.setText(where if answer is None else f"{how_sure(said)} {where}".strip())
        self.setAccessibleDescription(plain_sentence(said, annotation))
        self.share.setText("" if answer is None else probability_text(best.probability))
        known = self._truth is not None and self._truth in shown.response.classes
        right = known and best.name == self._truth
        if self._truth is not None and not known:
            text = f"True class {displayed_class(self._truth)} is not one of this model's classes"
        elif not known:
            whose = "Joint prediction" if shown.scores.answer == "joint" else "Prediction of O"
            text = f"{whose} of {self._model or shown.response.model}"
        else:
            text = "✓ correct" if right else f"✕ wrong: true class {displayed_class(self._truth or '')}"
        self.verdict.setText(text)
        self.verdict.setToolTip(tip_text(text))
        foreign = self._truth is not None and not known
        self.verdict.setProperty("state", ("good" if right else "bad") if known else "caution" if foreign else "")
        self.verdict.style().polish(self.verdict)

    def _show_no_prediction(self, why: str) -> None:
        """Show that there is no class where the logits are not finite, and why."""
        self.name.setText("No prediction")
        self._show_tip()
        self.sentence.setText(why)
        self.setAccessibleDescription(why)
        self.share.setText("")
        self.verdict.setText("")
        self.verdict.setToolTip("")

    def _show_details(self) -> None:
        """Show what there is room for; a warning always shows."""
        self.rule.setVisible(self._roomy and self._state.symbols.shown)
        self.view.setVisible(self._roomy or self.view.property("state") == "caution")
        self._show_tip()

    def _show_tip(self) -> None:
        """Move the sentences that have no room to the tooltip of the predicted class."""
        rule = self.rule.text() if self._state.symbols.shown else ""
        hidden = f"{rule} {self.view.text()}".strip()
        self.name.setToolTip(tip_text(self.name.text() if self._roomy else hidden))
