"""A probe image of the training: what the network says of it, and whether that is right where that is known."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_gui.training.probe_strip import ProbeRow
from s3n_gui.training.snapshot_store import Probe


def test_a_probe_says_names_and_judges_only_what_is_labelled(themed: QApplication, qtbot: QtBot) -> None:
    row = ProbeRow()
    qtbot.addWidget(row)
    row.show()

    def show(label: str | None, said: list[Any] | None) -> tuple[str, str, bool]:
        entry = {"image": "a.jpg", "class": label, "predictions": {"joint": said}}
        row.show_probe(Probe(view=QImage(), discriminative=QImage(), complementary=QImage(), entry=entry))
        return row.words.text(), row.words.toolTip(), row.mark.isVisible()

    red = ["001.Red_bird", 0.9]
    said = "a.jpg\nThe network says Red bird 90.0 %"
    assert show("001.Red_bird", red) == ("Red bird 90.0 %", f"{said}; it is Red bird.", True)
    assert show("002.Blue_bird", red) == ("Red bird 90.0 %, is Blue bird", f"{said}; it is Blue bird.", True)
    assert show(None, red) == ("Red bird 90.0 %", f"{said}.", False)
    assert show("002.Blue_bird", None) == ("", "", False)
