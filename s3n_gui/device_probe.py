"""Asks the engine, in a process of its own, what this machine can compute on. The window itself never loads torch."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, QProcess, Signal, Slot

from s3n_gui.background.engine_command import engine_command

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Devices:
    """What the engine said.

    Attributes:
        chosen: The device that "auto" takes: "cpu", "cuda" or "mps".
        name: What a person calls it.
        reason: Why it is no faster one; empty where it is the best that this machine has.
        usable: What a person calls each device that can be used, by its name.
        missing: Why the others cannot, by name.
    """

    chosen: str = ""
    name: str = ""
    reason: str = ""
    usable: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class DeviceProbe(QObject):
    """Asks once and remembers.

    Signals:
        answered: The ``Devices``.
    """

    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.devices = Devices()
        self._process: QProcess | None = None

    def ask(self) -> None:
        """Start asking, unless it is under way or answered."""
        if self._process is not None or self.devices.chosen:
            return
        program, *arguments = engine_command("devices", "--json")
        self._process = QProcess(self)
        self._process.finished.connect(self._on_finished)
        self._process.errorOccurred.connect(self._on_error)
        self._process.start(program, arguments, QProcess.OpenModeFlag.ReadOnly)

    def close(self) -> None:
        """Ask no more."""
        if self._process is not None:
            self._process.finished.disconnect(self._on_finished)
            self._process.errorOccurred.disconnect(self._on_error)
            self._process.kill()
            self._process.waitForFinished(2000)
            self._process.deleteLater()
            self._process = None

    @Slot()
    def _on_finished(self) -> None:
        if self._process is None:
            return
        output = self._process.readAllStandardOutput().data()
        errors = self._process.readAllStandardError().data()
        self._process.deleteLater()
        self._process = None
        try:
            self.devices = _understood(json.loads(bytes(output)))
        except (ValueError, LookupError, TypeError):
            _log.warning("the engine did not say what it computes on: %r", bytes(errors)[-2000:])
            self.devices = Devices(name="Device unknown", reason="The engine did not answer; the log has the details.")
        self.answered.emit(self.devices)

    @Slot()
    def _on_error(self) -> None:
        if self._process is not None and self._process.error() == QProcess.ProcessError.FailedToStart:
            self._on_finished()


def _understood(answer: dict[str, Any]) -> Devices:
    chosen = answer["chosen"]
    usable = {device["device"]: str(device["name"]) for device in answer["usable"]}
    return Devices(chosen["device"], chosen["name"], chosen["reason"], usable, dict(answer["missing"]))
