"""The free memory of the graphics card, from a fake of the driver's program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import Devices
from s3n_gui.frame.main_window import MainWindow

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a program that is a script")


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake nvidia-smi that prints the content of a file."""
    program = tmp_path / "bin" / "nvidia-smi"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/says\n', encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    says = tmp_path / "says"
    says.write_text("130048, 143771\n")
    return says


def test_it_is_asked_again_and_again(qtbot: QtBot, driver: Path, tmp_path: Path) -> None:
    card = CardMemory()
    card._timer.setInterval(50)
    assert card.text == ""
    with qtbot.waitSignal(card.changed):
        card.begin()
    assert card.text == "127 of 140 GB free"
    assert "--id=0" in (tmp_path / "asked").read_text()
    driver.write_text("1024, 143771\n")
    qtbot.waitUntil(lambda: card.text == "1 of 140 GB free")
    driver.write_text("No devices were found\n")
    qtbot.waitUntil(lambda: card.text == "")
    assert not card._timer.isActive(), "it does not know, and is left alone"
    card.close()


def test_without_a_driver_nothing_is_asked(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    card = CardMemory()
    card.begin()
    assert not card._timer.isActive()
    assert card.text == ""
    card.close()


def test_tray_and_settings_show_it(qtbot: QtBot, window: MainWindow, driver: Path) -> None:
    window.probe.devices = Devices("cuda", "NVIDIA H200, 140 GB", "", {"cuda": "NVIDIA H200, 140 GB", "cpu": "CPU"})
    window.dialogs.show_settings()
    dialog = window.dialogs.dialog("settings")
    assert dialog is not None
    with qtbot.waitSignal(window.card.changed):
        window.probe.answered.emit(window.probe.devices)
    assert window.tray._device.text() == "NVIDIA H200, 140 GB · 127 of 140 GB free"
    assert dialog._device_words.text() == "NVIDIA H200, 140 GB, 127 of 140 GB free."  # type: ignore[attr-defined]
    dialog.close()


def test_the_reason_for_a_fallback_is_said(qtbot: QtBot, window: MainWindow) -> None:
    reason = "there is an NVIDIA card, but this build of torch does not support CUDA"
    window.probe.devices = Devices("cpu", "CPU, 2 cores", reason, {"cpu": "CPU, 2 cores"}, {"cuda": reason})
    window.dialogs.show_settings()
    dialog = window.dialogs.dialog("settings")
    assert dialog is not None
    words = dialog._device_words.text()  # type: ignore[attr-defined]
    assert words.startswith("CPU, 2 cores, ")
    assert words.endswith("GB of memory free. There is an NVIDIA card, but this build of torch does not support CUDA.")
    dialog.close()
