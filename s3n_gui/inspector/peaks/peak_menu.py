"""What can be done with one peak, as a menu."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from s3n_core.inspection.peak import ForcedSet, Peak, PeakEdit
from s3n_gui.inspector.peaks.peak_editor import Editor
from s3n_gui.inspector.peaks.peak_edits import edit_of

_SETS: tuple[tuple[str, ForcedSet | None, str], ...] = (
    ("Into T_d: strong evidence, enlarged in D", "D", "The peak belongs to the discriminative image alone"),
    ("Into T_c: supporting evidence, enlarged in C", "C", "The peak belongs to the complementary image alone"),
    ("Into both", "both", "The peak is enlarged in both images"),
    ("As the mode divides peaks", None, "Give the peak back to the mode chosen under Numbers"),
)


class PeakMenu(QMenu):
    """The menu of one peak; it deletes itself when it is closed."""

    def __init__(self, peak: Peak, edits: tuple[PeakEdit, ...], editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cell, self._editor = peak.found_at, editor
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        edit = edit_of(edits, peak.found_at)
        switch = self.addAction("Switch on" if edit.off else "Switch off")
        switch.setToolTip("Leave the peak out of both sets, or take it in again (X)")
        switch.setData("switch")
        self.addSeparator()
        for text, forced, tip in _SETS:
            action = self.addAction(text.replace("_", ""))
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setChecked(edit.forced == forced and not edit.off)
            action.setData(("put", forced))
        self.addSeparator()
        back = self.addAction("Put back as it was found")
        back.setEnabled(edit != PeakEdit(cell=peak.found_at))
        back.setData("back")
        self.triggered.connect(self._on_triggered)

    def _on_triggered(self, action: QAction) -> None:
        match action.data():
            case "switch":
                self._editor.switch_peak(self._cell)
            case "back":
                self._editor.restore_peak(self._cell)
            case (_, forced):
                self._editor.put_peak(self._cell, forced)
