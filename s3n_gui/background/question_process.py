"""A short query to an external program that prints its answer and exits, without blocking the window."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, QProcess, Signal, Slot

_END_MILLISECONDS = 2000  # how long to wait for a killed process


class QuestionProcess(QObject):
    """Runs one query at a time.

    Signals:
        answered: The program's stdout and stderr, as bytes; empty if it could not be started.
    """

    answered = Signal(bytes, bytes)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None

    def ask(self, program: str, arguments: Sequence[str]) -> None:
        """Start the program, unless the last one is still running."""
        if self._process is not None:
            return
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._process.start(program, list(arguments), QProcess.OpenModeFlag.ReadOnly)

    def close(self) -> None:
        """Kill the program; no more signals are emitted."""
        if self._process is not None:
            self._process.finished.disconnect(self._on_finished)
            self._process.errorOccurred.disconnect(self._on_error)
            self._process.kill()
            self._process.waitForFinished(_END_MILLISECONDS)
            self._process.deleteLater()
            self._process = None

    @Slot()
    def _on_finished(self) -> None:
        if self._process is None:
            return
        output = bytes(self._process.readAllStandardOutput().data())
        errors = bytes(self._process.readAllStandardError().data())
        self._process.deleteLater()
        self._process = None
        self.answered.emit(output, errors)

    @Slot()
    def _on_error(self) -> None:
        if self._process is not None and self._process.error() == QProcess.ProcessError.FailedToStart:
            self._on_finished()
