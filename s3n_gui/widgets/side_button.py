"""The button that shows or hides a pane at the side of a page."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QToolButton, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.widgets.folding_panes import Side


class SideButton(QToolButton):
    """The button; it is checked while its pane is visible.

    Signals:
        asked: The side, and whether to show its pane.

    Args:
        side: The side.
        icon: The name of its icon.
        what: What the pane holds, for the tooltip.
        keys: The shortcut that does the same.
        parent: The widget that owns it.
    """

    asked = Signal(str, bool)

    def __init__(self, side: Side, icon: str, what: str, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._side = side
        set_icon(self, icon)
        self.setCheckable(True)
        self.setChecked(True)
        self.setAccessibleName(what)
        self.setToolTip(f"Show or hide: {what[:1].lower()}{what[1:]} ({keys})")
        self.clicked.connect(self._on_clicked)

    def _on_clicked(self, shown: bool) -> None:
        self.setChecked(not shown)  # the pane says whether it is shown
        self.asked.emit(self._side, shown)
