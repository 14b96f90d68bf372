"""Incremental work in the GUI thread: one piece per event loop iteration, so that the window stays responsive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

Piece = Callable[[], None]


class IncrementalWork(QObject):
    """Runs pieces of work in the order in which they were added.

    Signals:
        done: All pieces are done.
    """

    done = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pieces: deque[Piece] = deque()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._do_one)

    def add(self, piece: Piece) -> None:
        """Append a piece."""
        self._pieces.append(piece)
        if not self._timer.isActive():
            self._timer.start(0)

    def finish(self) -> None:
        """Run all remaining pieces now."""
        while self._pieces:
            self._do_one()

    def clear(self) -> None:
        """Drop all remaining pieces."""
        self._pieces.clear()
        self._timer.stop()

    @property
    def is_idle(self) -> bool:
        """Whether no pieces remain."""
        return not self._pieces

    def _do_one(self) -> None:
        if self._pieces:
            self._pieces.popleft()()
        if not self._pieces and self._timer.isActive():
            self._timer.stop()
            self.done.emit()
