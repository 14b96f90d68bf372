"""The editor of the method's parameters and of single peaks; every edit can be undone."""

from __future__ import annotations

from PySide6.QtCore import QObject
from PySide6.QtGui import QUndoStack

from s3n_core.inspection.peak import Cell, ForcedSet, Peak, PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.peaks import peak_edits
from s3n_gui.inspector.peaks.changes import ChangeNumbers, ChangePeaks


class Editor(QObject):
    """Turns user edits into undoable changes of the state; peaks of the last image, while they still show, cannot be edited."""

    def __init__(self, state: InspectionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._gesture = 0
        self.undo_stack = QUndoStack(self)

    def set_numbers(self, numbers: InspectionSettings, text: str, gesture: str = "") -> None:
        """Change the method's parameters."""
        self.undo_stack.push(ChangeNumbers(self._state, numbers, text, gesture or None))

    def switch_peak(self, cell: Cell) -> None:
        """Switch a peak off or on."""
        off = peak_edits.edit_of(self._state.edits, cell).off
        self._change(peak_edits.switched(self._state.edits, cell), "Switch peak on" if off else "Switch peak off")

    def flip_peak(self, cell: Cell) -> None:
        """Move a peak to the other set."""
        if (peak := self._peak(cell)) is not None:
            self._change(peak_edits.flipped(self._state.edits, peak), "Move peak to C or D")

    def put_peak(self, cell: Cell, forced: ForcedSet | None) -> None:
        """Force a peak into a set, or let the mode assign it (None)."""
        self._change(peak_edits.put_into(self._state.edits, cell, forced), "Assign peak")

    def restore_peak(self, cell: Cell) -> None:
        """Restore a peak as it was found."""
        self._change(peak_edits.without(self._state.edits, cell), "Reset peak")

    def nudge_peak(self, rows: int, columns: int) -> bool:
        """Move the selected peak by whole cells; return False if none is selected."""
        peak, evidence = self._state.selected_peak, self._state.evidence
        if peak is None or evidence is None or peak.set == "off":
            return False
        shape = evidence.response.map.shape
        landed = evidence.warps.settings.edits == self._state.edits  # key presses may arrive faster than warps
        edits = peak_edits.nudged(self._state.edits, peak, rows, columns, (shape[0], shape[1]), landed=landed)
        self._change(edits, "Move peak", gesture=f"nudge {peak.found_at}")
        return True

    def drag_peak(self, cell: Cell, place: tuple[float, float]) -> None:
        """Move a peak to a place in the original, in pixels; all steps until `drop_peak` are one change."""
        evidence = self._state.evidence
        if evidence is None or self._peak(cell) is None:
            return
        x0, y0, x1, y1 = evidence.response.source_box
        to = evidence.response.original_to_cell(min(max(place[0], x0), x1), min(max(place[1], y0), y1))
        if to is not None:
            shape = evidence.response.map.shape
            edits = peak_edits.moved(self._state.edits, cell, to, (shape[0], shape[1]))
            self._change(edits, "Move peak", gesture=f"drag {self._gesture}")

    def drop_peak(self) -> None:
        """End a drag."""
        self._gesture += 1

    def reset(self) -> None:
        """Reset the parameters to the model's own, and this image's peaks."""
        numbers, edits = InspectionSettings(), self._state.edits if self._state.is_current else ()
        if self._state.numbers == numbers and not edits:
            return
        self.undo_stack.beginMacro("Reset all")
        if self._state.numbers != numbers:
            self.set_numbers(numbers, "Reset numbers")
        if edits:
            self._change((), "Reset peaks")
        self.undo_stack.endMacro()

    def _peak(self, cell: Cell) -> Peak | None:
        peaks = self._state.evidence.warps.peaks if self._state.evidence is not None else ()
        return next((peak for peak in peaks if peak.found_at == cell), None)

    def _change(self, edits: tuple[PeakEdit, ...], text: str, gesture: str | None = None) -> None:
        image = self._state.image
        # While the last image still shows, the edits would be of its peaks.
        if image is not None and self._state.is_current and edits != self._state.edits:
            self.undo_stack.push(ChangePeaks(self._state, image, edits, text, gesture))
