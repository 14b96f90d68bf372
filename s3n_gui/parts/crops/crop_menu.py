"""The menu of a crop: inspect it, hide its place, find more like it, move its peak to another part."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from s3n_gui.appearance.wording import label_text


class CropMenu(QMenu):
    """The menu; it deletes itself when it is closed.

    Signals:
        chosen: "inspect", "hidden" or "like".
        part_chosen: The number of the part to move the peak to.

    Args:
        others: Numbers and names of the parts that the peak can be moved to.
        peak: Whether a peak of the atlas lies here; without one only the place itself is known.
        foreign: Whether the image is none of the atlas's.
        parent: The widget that the crop is in.
    """

    chosen = Signal(str)
    part_chosen = Signal(int)

    def __init__(
        self,
        others: Sequence[tuple[int, str]],
        *,
        peak: bool,
        foreign: bool = False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setToolTipsVisible(True)
        self._add("inspect", "Inspect", "Open the image in Inspect, with this peak selected (Enter)")
        self._add("hidden", "Show with this place hidden", "What the model predicts then (H, or hold Alt over a crop)")
        like = self._add("like", "More like this", "Show the peaks of other images that look most like this one")
        self.addSeparator()
        self.parts = self.addMenu("Move to part")
        self.parts.setStyleSheet("QMenu { menu-scrollable: 1; }")  # one column, however many parts there are
        for part, name in others:
            self.parts.addAction(label_text(name)).setData(part)
        move = self.parts.menuAction()
        move.setToolTip("The peak belongs to another part from then on; Edit > Undo takes it back (M)")
        move.setEnabled(peak and bool(others))
        like.setEnabled(peak)
        if not peak:
            why = "No peak lies here: the part was found between peaks, or not at all"
            for action in (like, move):
                action.setToolTip("The atlas does not have this image" if foreign else why)
        self.triggered.connect(self._on_triggered)

    def pop_up_parts(self, at: QPoint) -> None:
        """Show only the parts, at a global place."""
        self.parts.triggered.connect(self._on_triggered)
        self.parts.aboutToHide.connect(self.deleteLater)
        self.parts.popup(at)

    def _add(self, name: str, text: str, tip: str) -> QAction:
        action = self.addAction(text)
        action.setToolTip(tip)
        action.setData(name)
        return action

    def _on_triggered(self, action: QAction) -> None:
        """Report what was chosen here, or in the menu of the parts."""
        data = action.data()
        if isinstance(data, str):
            self.chosen.emit(data)
        else:
            self.part_chosen.emit(int(data))
