"""The free GPU memory, queried with ``nvidia-smi`` every few seconds; inactive on machines without it."""

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
    """Watches the memory of the first visible GPU, which the engine uses; ``nvidia-smi`` runs in its own process.

    Signals:
        changed: The amount changed or became unknown.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.free: int | None = None
        """Free bytes; None while unknown."""
        self.total: int | None = None
        self._program = ""
        self._question = QuestionProcess(self)
        self._question.answered.connect(self._on_answer)
        self._timer = QTimer(self, interval=_EVERY_MILLISECONDS)
        self._timer.timeout.connect(self._ask)

    @property
    def text(self) -> str:
        """The amount as text: "127 of 140 GB free"; empty while unknown."""
        if self.free is None or self.total is None:
            return ""
        return f"{self.free / 2**30:.3g} of {self.total / 2**30:.3g} GB free"

    def begin(self) -> None:
        """Start watching, if ``nvidia-smi`` is installed."""
        self._program = shutil.which("nvidia-smi") or ""
        if self._program and not self._timer.isActive():
            self._timer.start()
            self._ask()

    def close(self) -> None:
        """Stop watching."""
        self._timer.stop()
        self._question.close()

    def _ask(self) -> None:
        card = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0].strip() or "0"
        query = ["--query-gpu=memory.free,memory.total", "--format=csv,noheader,nounits", f"--id={card}"]
        self._question.ask(self._program, query)  # does nothing while a slow query is still running

    @Slot(bytes, bytes)
    def _on_answer(self, answer: bytes, _: bytes) -> None:
        before = (self.free, self.total)
        try:
            free, total = (int(number) * _MIB for number in answer.decode("ascii").split(","))
            self.free, self.total = free, total
        except ValueError:
            _log.warning("nvidia-smi did not report the free memory: %r", answer[:200])
            self.free = self.total = None
            self._timer.stop()  # asking again would not help
        if (self.free, self.total) != before:
            self.changed.emit()
