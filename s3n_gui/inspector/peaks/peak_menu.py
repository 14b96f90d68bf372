"""The context menu of one peak."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from s3n_core.inspection.peak import ForcedSet, Peak, PeakEdit
from s3n_gui.inspector.peaks.peak_editor import Editor
from s3n_gui.inspector.peaks.peak_edits import edit_of

_SETS: tuple[tuple[str, ForcedSet | None, str], ...] = (
    ("To D: strong evidence (T_d)", "D", "Enlarge this peak only in the discriminative image"),
    ("To C: supporting evidence (T_c)", "C", "Enlarge this peak only in the complementary image"),
    ("To both", "both", "Enlarge this peak in both images"),
    ("Automatic", None, "Assign this peak as set under Numbers"),
)


class PeakMenu(QMenu):
    """The menu of one peak; it deletes itself when it is closed.

    Signals:
        hide_requested: Hide the peak's place in the original.
        like_requested: Show the peaks of other images that look most like it.
    """

    hide_requested = Signal()
    like_requested = Signal()

    def __init__(self, peak: Peak, edits: tuple[PeakEdit, ...], editor: Editor, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._cell, self._editor = peak.found_at, editor
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        edit = edit_of(edits, peak.found_at)
        switch = self.addAction("Switch on" if edit.off else "Switch off")
        switch.setToolTip("Exclude this peak from both sets, or include it again (X)")
        switch.setData("switch")
        hide = self.addAction("Hide this place")
        hide.setToolTip("Hide it in the original and ask all branches again, beside random places (H)")
        hide.setData("hide")
        like = self.addAction("More like this in Parts")
        like.setToolTip("Show the peaks of other images in the atlas that look most like this one")
        like.setData("like")
        self.addSeparator()
        for text, forced, tip in _SETS:
            action = self.addAction(text.replace("_", ""))
            action.setToolTip(tip)
            action.setCheckable(True)
            action.setChecked(edit.forced == forced and not edit.off)
            action.setData(("put", forced))
        self.addSeparator()
        back = self.addAction("Reset")
        back.setEnabled(edit != PeakEdit(cell=peak.found_at))
        back.setData("back")
        self.triggered.connect(self._on_triggered)

    def _on_triggered(self, action: QAction) -> None:
        match action.data():
            case "switch":
                self._editor.switch_peak(self._cell)
            case "hide":
                self.hide_requested.emit()
            case "like":
                self.like_requested.emit()
            case "back":
                self._editor.restore_peak(self._cell)
            case (_, forced):
                self._editor.put_peak(self._cell, forced)
