"""The peak table, with buttons for the selected peak below it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.peaks.peak_table import PeakTable


class PeakPanel(QWidget):
    """Table and buttons.

    Signals:
        put_back_requested: Restore a peak (its key) as it was found.
        hide_requested: Hide the selected peak's place in the original.
    """

    put_back_requested = Signal(object)
    hide_requested = Signal()

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self.table = PeakTable(state)
        self.table.setToolTip(
            "Select a peak here or in an image; move it in an image, by dragging or with the arrow keys"
        )
        self.switch, self.flip, self.restore = QPushButton("Off"), QPushButton("Move to C"), QPushButton("Reset")
        self.hide_button = QPushButton("Hide")
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        for button, tip in (
            (self.switch, "Switch the selected peak off, or on again: only its enlargement goes (X)"),
            (self.hide_button, "Hide the selected peak's place in the original, beside random places (H)"),
            (self.flip, "Move the selected peak from strong (D) to supporting (C) or back (S)"),
            (self.restore, "Undo all changes to the selected peak"),
        ):
            button.setToolTip(tip)
            buttons.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.table, 1)
        layout.addLayout(buttons)
        self.switch.clicked.connect(self._on_switch)
        self.flip.clicked.connect(self._on_flip)
        self.restore.clicked.connect(self._on_restore)
        self.hide_button.clicked.connect(self.hide_requested)
        state.evidence_changed.connect(self.synchronize)
        state.settings_changed.connect(self.synchronize)
        state.selection_changed.connect(self.synchronize)
        self.synchronize()

    def synchronize(self) -> None:
        """Enable the buttons that apply to the selected peak."""
        peak = self._state.selected_peak
        edited = peak is not None and any(edit.cell == peak.found_at for edit in self._state.edits)
        self.switch.setText("On" if peak is not None and peak.set == "off" else "Off")
        self.switch.setEnabled(peak is not None)
        self.flip.setText("Move to D" if peak is not None and peak.weight_c > peak.weight_d else "Move to C")
        self.flip.setEnabled(peak is not None and peak.set != "off")
        self.restore.setEnabled(edited)
        self.hide_button.setEnabled(peak is not None)

    def _on_switch(self) -> None:
        if self._state.selected is not None:
            self.table.switch_requested.emit(self._state.selected)

    def _on_flip(self) -> None:
        if self._state.selected is not None:
            self.table.flip_requested.emit(self._state.selected)

    def _on_restore(self) -> None:
        if self._state.selected is not None:
            self.put_back_requested.emit(self._state.selected)
