"""Small pieces of work one after another, each in a turn of the event loop of its own: the window answers in between."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

Piece = Callable[[], None]


class IncrementalWork(QObject):
    """Does pieces in the order in which they came.

    Signals:
        done: Nothing is left to do.
    """

    done = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pieces: deque[Piece] = deque()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._do_one)

    def add(self, piece: Piece) -> None:
        """Do this after what was added before."""
        self._pieces.append(piece)
        if not self._timer.isActive():
            self._timer.start(0)

    def finish(self) -> None:
        """Do all that is left now."""
        while self._pieces:
            self._do_one()

    def clear(self) -> None:
        """Leave undone what is left."""
        self._pieces.clear()
        self._timer.stop()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is left to do."""
        return not self._pieces

    def _do_one(self) -> None:
        if self._pieces:
            self._pieces.popleft()()
        if not self._pieces and self._timer.isActive():
            self._timer.stop()
            self.done.emit()
