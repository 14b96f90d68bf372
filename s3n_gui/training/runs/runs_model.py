"""The model of the runs list: newest first, with ticks for the overlaid runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QAbstractListModel, QObject, Qt, Signal
from PySide6.QtGui import QColor

from s3n_core.datasets.validation_images import OTHER_MARK, OTHER_VALIDATION
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_state import STATUS_TEXTS
from s3n_core.runs.run_summary import RunSummary
from s3n_gui.appearance.wording import ago_text, count_text, tip_text
from s3n_gui.state.clock import clock
from s3n_gui.widgets.model_index import NO_PARENT, AnyIndex


class RunsModel(QAbstractListModel):
    """Rows of runs.

    Signals:
        ticked: A run's folder, and whether to overlay it on the shown run.
    """

    ticked = Signal(object, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runs: tuple[RunSummary, ...] = ()
        self._over: Mapping[Path, QColor] = {}
        self._shown: Path | None = None
        self._other_validation: frozenset[Path] = frozenset()
        self._images: Mapping[Path, int | None] = {}
        clock().ticked.connect(self._tell)

    def show_runs(self, runs: Sequence[RunSummary]) -> None:
        """Replace the runs; rows that stay keep their position and selection."""
        if [run.path for run in runs] == [run.path for run in self._runs]:
            self._runs = tuple(runs)
            self._tell()
            return
        self.beginResetModel()
        self._runs = tuple(runs)
        self.endResetModel()

    def show_over(self, over: Mapping[Path, QColor], shown: Path | None) -> None:
        """Set which runs are overlaid, and which one is shown."""
        self._over, self._shown = dict(over), shown
        self._tell()

    def show_other_validation(self, runs: frozenset[Path]) -> None:
        """Mark the runs that have other validation images than the shown one."""
        if runs != self._other_validation:
            self._other_validation = runs
            self._tell()

    def show_images(self, images: Mapping[Path, int | None]) -> None:
        """Set the number of validation images of each run; None where it is unknown."""
        if images != self._images:
            self._images = dict(images)
            self._tell()

    def run(self, row: int) -> RunSummary | None:
        """Return a row's run."""
        return self._runs[row] if 0 <= row < len(self._runs) else None

    def row_of(self, path: Path | None) -> int:
        """Return a run's row, or -1."""
        return next((row for row, run in enumerate(self._runs) if run.path == path), -1)

    def rowCount(self, parent: AnyIndex = NO_PARENT) -> int:
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self._runs)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        """Return the flags: all runs can be selected, all but the shown one can be ticked."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        run = self.run(index.row())
        if run is not None and run.path != self._shown:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return the two lines, the tick or the tooltip."""
        run = self.run(index.row())
        if run is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            marked = run.path in self._other_validation
            return f"{run.name}\n{run_facts(run, self._images.get(run.path), other_validation=marked)}"
        if role == Qt.ItemDataRole.CheckStateRole:
            ticked = run.path in self._over or run.path == self._shown
            return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.DecorationRole:
            return self._over.get(run.path)
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = [str(run.path), "Press Enter to show it; tick it (Space) to compare it with the shown run"]
            if run.path in self._other_validation:
                lines.append(
                    f"{OTHER_MARK} It has {OTHER_VALIDATION} than the shown run: accuracies cannot be compared"
                )
            return tip_text(run.problem or "\n".join(lines))
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Set a tick."""
        run = self.run(index.row())
        if role != Qt.ItemDataRole.CheckStateRole or run is None:
            return False
        self.ticked.emit(run.path, Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    def _tell(self) -> None:
        if self._runs:
            self.dataChanged.emit(self.index(0), self.index(len(self._runs) - 1))


def run_facts(run: RunSummary, images: int | None, *, other_validation: bool = False) -> str:
    """Return "Finished · 15 epochs · 53 % of 30 (36 to 70) · today 14:02".

    Args:
        run: The run.
        images: Number of its validation images; None if it is unknown.
        other_validation: Whether the accuracy is marked as one on other validation images.
    """
    state = run.state
    facts = [STATUS_TEXTS[run.status]]
    if state is not None and state.epochs:
        done = min(state.epoch, state.epochs)
        epochs = count_text(state.epochs, "epoch")
        facts.append(epochs if done == state.epochs else f"{done} of {epochs}")
    if state is not None and state.best_accuracy is not None:
        best = accuracy_share_text(state.best_accuracy, images)
        facts.append(f"{best} {OTHER_MARK}" if other_validation else best)
    facts.append(ago_text(run.created))
    return " · ".join(facts)
