"""The switch "Symbols": whether the page shows the paper's symbols (R, Q_d, H) beside the plain words."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal


class SymbolSwitch(QObject):
    """Whether symbols are shown; off at first.

    Signals:
        changed: The symbols appear or go.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._shown = False

    @property
    def shown(self) -> bool:
        """Whether symbols are shown."""
        return self._shown

    def show_symbols(self, shown: bool) -> None:
        """Show or hide the symbols."""
        if shown != self._shown:
            self._shown = shown
            self.changed.emit()
