"""The one clock of the window: texts such as "5 min ago" are renewed while they are visible."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QObject, QTimer, Signal

_PERIOD_MS = 30_000


class Clock(QObject):
    """Tells every half minute that relative times have changed.

    Signals:
        ticked: Update relative times.
    """

    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_PERIOD_MS)
        self._timer.timeout.connect(self.ticked)

    @property
    def runs(self) -> bool:
        """Whether it ticks."""
        return self._timer.isActive()

    def begin(self) -> None:
        """Start ticking."""
        self._timer.start()

    def close(self) -> None:
        """Stop ticking."""
        self._timer.stop()


@cache
def clock() -> Clock:
    """Return the clock; the window starts and stops it."""
    return Clock()
