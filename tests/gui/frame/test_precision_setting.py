from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from s3n_core.models.device_names import PRECISIONS
from s3n_gui.background.card_memory import CardMemory
from s3n_gui.background.device_probe import DeviceProbe
from s3n_gui.frame.dialogs.settings_dialog import SettingsDialog
from s3n_gui.state.settings import Settings


@pytest.fixture
def dialog(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SettingsDialog:
    monkeypatch.setattr(DeviceProbe, "ask", lambda _: None)
    dialog = SettingsDialog(Settings(tmp_path / "settings.json"), DeviceProbe(), CardMemory())
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
