from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from s3n_core.models.device_names import PRECISIONS
from s3n_core.models.tuned_precisions import TunedPrecision, store_tuned
from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import DeviceProbe, Devices
from s3n_gui.frame.dialogs.help import HelpDialog
from s3n_gui.frame.dialogs.settings_dialog import SettingsDialog
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> DeviceProbe:
    monkeypatch.setattr(DeviceProbe, "ask", lambda _: None)
    return DeviceProbe()


@pytest.fixture
def dialog(qtbot: QtBot, probe: DeviceProbe, tmp_path: Path) -> SettingsDialog:
    dialog = SettingsDialog(Settings(tmp_path / "settings.json"), probe, CardMemory())
    qtbot.addWidget(dialog)
    return dialog


def test_each_precision_can_be_chosen_and_is_kept(dialog: SettingsDialog, tmp_path: Path) -> None:
    box = dialog.precision
    assert [box.itemData(index) for index in range(box.count())] == list(PRECISIONS)
    assert box.currentData() == "auto"
    index = box.findText("float32 (O) and bfloat16 (D, C)")
    box.setCurrentIndex(index)
    box.activated.emit(index)
    assert Settings(tmp_path / "settings.json").precision == "float32+bfloat16"


def report(probe: DeviceProbe, device: str) -> None:
    """Report a device as the engine does."""
    probe.devices = Devices(device, device, "", {device: device}, {})
    probe.answered.emit(probe.devices)


def offered(dialog: SettingsDialog) -> list[str]:
    items = dialog.precision.model()
    enabled = Qt.ItemFlag.ItemIsEnabled
    return [
        str(dialog.precision.itemData(row))
        for row in range(items.rowCount())
        if items.flags(items.index(row, 0)) & enabled
    ]


def words(dialog: SettingsDialog) -> str:
    return "\n".join(label.text() for label in dialog.findChildren(QLabel))


def test_float16_is_offered_only_where_it_works(dialog: SettingsDialog, probe: DeviceProbe) -> None:
    report(probe, "cuda")
    assert offered(dialog) == list(PRECISIONS)
    report(probe, "cpu")
    assert offered(dialog) == [precision for precision in PRECISIONS if precision != "float16"]
    assert "CPU does not support" in dialog.precision.itemData(PRECISIONS.index("float16"), Qt.ItemDataRole.ToolTipRole)


def test_a_kept_float16_that_does_not_work_is_named(qtbot: QtBot, probe: DeviceProbe, tmp_path: Path) -> None:
    settings = Settings(tmp_path / "settings.json")
    settings.set("precision", "float16")
    dialog = SettingsDialog(settings, probe, CardMemory())
    qtbot.addWidget(dialog)
    report(probe, "cuda")
    assert "no model can be opened" not in words(dialog)
    report(probe, "cpu")
    assert "no model can be opened" in words(dialog)


def test_the_measured_verdicts_of_this_machine_are_shown_when_the_settings_open(
    dialog: SettingsDialog, probe: DeviceProbe
) -> None:
    report(probe, "cpu")
    assert "s3n devices --tune MODEL" in words(dialog)
    assert "times slower" not in words(dialog)
    store_tuned(
        TunedPrecision(
            precision="float32",
            model="0123456789abcdef",
            name="birds-1",
            processor="a processor",
            torch="2.15.0",
            date="2026-11-29",
            float32_seconds=1.0,
            mixed_seconds=9.1,
            rounds=1,
            faster=False,
            split="all",
            images=0,
            same=0,
        )
    )
    dialog.show()
    assert "birds-1: float32; bfloat16 in D and C is 9.10 times slower" in words(dialog)


def test_the_settings_open_the_help_about_precisions(qtbot: QtBot, window: MainWindow) -> None:
    window.dialogs.show_settings()
    settings = window.dialogs.dialog("settings")
    assert isinstance(settings, SettingsDialog)
    [about] = [button for button in settings.findChildren(QPushButton) if button.text() == "About precision"]
    qtbot.mouseClick(about, Qt.MouseButton.LeftButton)
    shown = window.dialogs.dialog("help-precision")
    assert isinstance(shown, HelpDialog)
    assert "765" in shown.text.toPlainText()
