"""What is known of each image's prediction: from a prediction table if there is one, else from the images viewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from s3n_core.inspection.inspection import Inspection
from s3n_core.prediction.rows import Prediction


@dataclass(frozen=True, slots=True)
class Verdict:
    """A summary of one image's prediction.

    Attributes:
        class_name: The predicted class.
        probability: The probability of that class, in [0, 1].
        correct: Whether it equals the image's label; None without a label.
        agrees: Whether all branches predict the same class; None if only one was asked, as where fast mode stops after O.
    """

    class_name: str
    probability: float
    correct: bool | None
    agrees: bool | None

    @classmethod
    def of_row(cls, row: Prediction) -> Verdict:
        """Return the verdict of a table row that has a prediction."""
        agrees = _agree([name for _, name in row.branches])
        return cls(row.class_name or "", row.probability or 0.0, row.correct, agrees)

    @classmethod
    def of_inspection(cls, inspection: Inspection, label: str | None) -> Verdict:
        """Return the verdict of an inspection, given the image's label if it has one."""
        best = inspection.prediction
        branches = [
            inspection.top(branch, 1)[0].name for branch in ("O", "D", "C") if branch in inspection.scores.logits
        ]
        known = label is not None and label in inspection.response.classes
        return cls(best.name, best.probability, (best.name == label) if known else None, _agree(branches))


def _agree(classes: Sequence[str]) -> bool | None:
    """Return whether the classes that the branches predict are the same; None for fewer than two branches."""
    return len(set(classes)) == 1 if len(classes) > 1 else None


class Verdicts(QObject):
    """Verdicts by the image's file: images of several folders may have the same name.

    Signals:
        changed: The files whose verdict is new, as a tuple; an empty tuple means all.
    """

    changed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._by_path: dict[Path, Verdict] = {}

    def __len__(self) -> int:
        return len(self._by_path)

    def get(self, path: Path) -> Verdict | None:
        """Return an image's verdict, or None if it is not known."""
        return self._by_path.get(path)

    def clear(self) -> None:
        """Drop all verdicts, for example because another model was chosen."""
        if self._by_path:
            self._by_path.clear()
            self.changed.emit(())

    def take(self, verdicts: Mapping[Path, Verdict]) -> None:
        """Add a table's verdicts, keyed by image file."""
        self._by_path.update(verdicts)
        self.changed.emit(())

    def take_inspection(self, path: Path, inspection: Inspection, label: str | None) -> None:
        """Add the verdict of an image inspected with unedited settings."""
        verdict = Verdict.of_inspection(inspection, label)
        if verdict != self._by_path.get(path):
            self._by_path[path] = verdict
            self.changed.emit((path,))
