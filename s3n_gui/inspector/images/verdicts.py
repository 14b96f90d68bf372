"""What is known of each image's answer: from a table of predictions where there is one, else from the images visited."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from s3n_core.inspection.inspection import Inspection
from s3n_core.prediction.rows import Prediction


@dataclass(frozen=True, slots=True)
class Verdict:
    """One image's answer in short.

    Attributes:
        class_name: The predicted class.
        probability: Of that class, 0 ... 1.
        correct: Whether it is the image's label; None without a label.
        agrees: Whether all branches say the same.
    """

    class_name: str
    probability: float
    correct: bool | None
    agrees: bool

    @classmethod
    def of_row(cls, row: Prediction) -> Verdict:
        """Return what a row of a table says, of an image that was answered."""
        agrees = len({name for _, name in row.branches}) <= 1
        return cls(row.class_name or "", row.probability or 0.0, row.correct, agrees)

    @classmethod
    def of_inspection(cls, inspection: Inspection, label: str | None) -> Verdict:
        """Return what an inspection says of an image with a label, or without one."""
        best = inspection.prediction
        branches = {
            inspection.top(branch, 1)[0].index for branch in ("O", "D", "C") if branch in inspection.scores.logits
        }
        known = label is not None and label in inspection.response.classes
        return cls(best.name, best.probability, (best.name == label) if known else None, len(branches) <= 1)


class Verdicts(QObject):
    """Verdicts by the image's name.

    Signals:
        changed: Names whose verdict is new, as a tuple; an empty one stands for all.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_name: dict[str, Verdict] = {}

    def __len__(self) -> int:
        return len(self._by_name)

    def get(self, name: str) -> Verdict | None:
        """Return what is known of an image."""
        return self._by_name.get(name)

    def clear(self) -> None:
        """Forget all: another model has been chosen."""
        if self._by_name:
            self._by_name.clear()
            self.changed.emit(())

    def take(self, verdicts: Mapping[str, Verdict]) -> None:
        """Take what a table says, by the images' names."""
        self._by_name.update(verdicts)
        self.changed.emit(())

    def take_inspection(self, name: str, inspection: Inspection, label: str | None) -> None:
        """Take the answer of an image that has been looked at, with nothing changed by hand."""
        verdict = Verdict.of_inspection(inspection, label)
        if verdict != self._by_name.get(name):
            self._by_name[name] = verdict
            self.changed.emit((name,))
