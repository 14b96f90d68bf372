"""What is asked about an image's scores, and the contributions that reply to it. No widgets."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.inspection import Inspection


@dataclass(frozen=True, slots=True)
class WhyQuestion:
    """The question, by class names, so that two models can be asked the same.

    Attributes:
        target: The class; None: the predicted one.
        versus: The class whose logit is subtracted; None: the strongest rival of the target.
        alone: Whether the logit itself is asked for, without a rival.
    """

    target: str | None = None
    versus: str | None = None
    alone: bool = False


class WhyState(QObject):
    """The question and its reply for the image that a model inspects.

    A reply stays, marked as stale, until the next one arrives, so that nothing jumps while a peak is dragged.

    Signals:
        changed: The question, the reply or the reason why there is none.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._question = WhyQuestion()
        self._view: ContributionView | None = None
        self._stale = False
        self._message = ""

    @property
    def question(self) -> WhyQuestion:
        """The question; it stays the same from image to image."""
        return self._question

    def ask(self, question: WhyQuestion) -> None:
        """Ask something else."""
        if question != self._question:
            self._question = question
            self._stale, self._message = self._view is not None, ""
            self.changed.emit()

    def resolved(self, inspection: Inspection) -> tuple[int, int | None] | str:
        """Return the indices of the class and of its rival in a model, or why it cannot be asked, as a sentence."""
        question, classes, scores = self._question, inspection.response.classes, inspection.scores
        for name in (question.target, question.versus):
            if name is not None and name not in classes:
                return f"This model has no class {displayed_class(name)}. Choose other classes under Why."
        target = inspection.prediction.index if question.target is None else classes.index(question.target)
        if question.alone:
            return target, None
        versus = None if question.versus is None else classes.index(question.versus)
        return target, scores.rival(target) if versus in (None, target) else versus

    @property
    def view(self) -> ContributionView | None:
        """The contributions, or None."""
        return self._view

    @property
    def is_stale(self) -> bool:
        """Whether `view` belongs to an earlier pass or question."""
        return self._stale

    @property
    def is_missing(self) -> bool:
        """Whether contributions should be requested."""
        return self._stale or (self._view is None and not self._message)

    @property
    def message(self) -> str:
        """Why there are no contributions, as a sentence; otherwise empty."""
        return self._message

    @property
    def note(self) -> str:
        """What stands in place of contributions or over stale ones; empty for current ones."""
        return self._message or ("Computing contributions …" if self.is_missing else "")

    def take(self, view: ContributionView) -> None:
        """Show contributions."""
        self._view, self._stale, self._message = view, False, ""
        self.changed.emit()

    def fail(self, message: str) -> None:
        """Say why there are none."""
        if (self._view, self._stale, self._message) != (None, False, message):
            self._view, self._stale, self._message = None, False, message
            self.changed.emit()

    def expire(self) -> None:
        """Mark the reply as stale, because another pass or question follows."""
        stale = self._view is not None
        if (self._stale, self._message) != (stale, ""):
            self._stale, self._message = stale, ""
            self.changed.emit()

    def forget(self, *, question: bool = False) -> None:
        """Drop the reply, because another image is shown; with ``question`` that as well, for another model."""
        self._view, self._stale, self._message = None, False, ""
        if question:
            self._question = WhyQuestion()
        self.changed.emit()
