"""The probe for compute devices, which asks an engine process; the window itself never imports torch."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtCore import QObject, Signal, Slot

from s3n_core.system.engine_process import engine_command
from s3n_gui.background.question_process import QuestionProcess

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of this machine, as the engine reports them.

    Attributes:
        chosen: The device that "auto" selects: "cpu", "cuda" or "mps".
        name: Its displayed name.
        reason: Why it is not a faster one; empty if it is the best device of this machine.
        usable: The displayed name of each usable device, by device.
        missing: Why each other device cannot be used, by device.
    """

    chosen: str = ""
    name: str = ""
    reason: str = ""
    usable: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class DeviceProbe(QObject):
    """Asks the engine once and keeps the result.

    Signals:
        answered: The ``Devices``.
    """

    answered = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.devices = Devices()
        self._question = QuestionProcess(self)
        self._question.answered.connect(self._on_answer)

    def ask(self) -> None:
        """Start the probe, unless it is running or the devices are known."""
        if not self.devices.chosen:
            program, *arguments = engine_command("devices", "--json")
            self._question.ask(program, arguments)

    def close(self) -> None:
        """Stop the probe."""
        self._question.close()

    @Slot(bytes, bytes)
    def _on_answer(self, output: bytes, errors: bytes) -> None:
        try:
            self.devices = _understood(json.loads(output))
        except (ValueError, LookupError, TypeError):
            _log.warning("the engine did not report its device: %r", errors[-2000:])
            self.devices = Devices(name="Device unknown", reason="The engine did not respond; see the log for details.")
        self.answered.emit(self.devices)


def _understood(answer: dict[str, Any]) -> Devices:
    chosen = answer["chosen"]
    usable = {device["device"]: str(device["name"]) for device in answer["usable"]}
    return Devices(chosen["device"], chosen["name"], chosen["reason"], usable, dict(answer["missing"]))
