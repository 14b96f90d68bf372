"""How much memory of the graphics card is free, asked of its driver every few seconds; nothing on machines without one."""

from __future__ import annotations

import logging
import os
import shutil

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_gui.background.question_process import QuestionProcess

_log = logging.getLogger(__name__)
_EVERY_MILLISECONDS = 5000
_MIB = 2**20


class CardMemory(QObject):
    """Watches the card that the engine takes. The driver's own program answers, in a process of its own.

    Signals:
        changed: It is another amount, or not known any more.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.free: int | None = None
        """Free bytes; None while they are not known."""
        self.total: int | None = None
        self._program = ""
        self._question = QuestionProcess(self)
        self._question.answered.connect(self._on_answer)
        self._timer = QTimer(self, interval=_EVERY_MILLISECONDS)
        self._timer.timeout.connect(self._ask)

    @property
    def text(self) -> str:
        """Say it: "127 of 140 GB free"; empty while it is not known."""
        if self.free is None or self.total is None:
            return ""
        return f"{self.free / 2**30:.3g} of {self.total / 2**30:.3g} GB free"

    def begin(self) -> None:
        """Begin to watch, where the driver's program is."""
        self._program = shutil.which("nvidia-smi") or ""
        if self._program and not self._timer.isActive():
            self._timer.start()
            self._ask()

    def close(self) -> None:
        """Ask no more."""
        self._timer.stop()
        self._question.close()

    def _ask(self) -> None:
        card = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip() or "0"
        query = ["--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits", f"--id={card}"]
        self._question.ask(self._program, query)  # a driver that is slow to answer is not asked twice

    @Slot(bytes, bytes)
    def _on_answer(self, answer: bytes, _: bytes) -> None:
        before = (self.free, self.total)
        try:
            free, total = (int(number) * _MIB for number in answer.decode("ascii").split(","))
            self.free, self.total = free, total
        except ValueError:
            _log.warning("the driver did not say how much memory is free: %r", answer[:200])
            self.free = self.total = None
            self._timer.stop()  # it will not say it in five seconds either
        if (self.free, self.total) != before:
            self.changed.emit()
