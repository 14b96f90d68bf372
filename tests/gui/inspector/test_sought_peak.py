"""The peak that another page wants to be looked at is selected when the inspection arrives."""

from __future__ import annotations

from pathlib import Path

from made_inspection import made_inspection
from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import tokens
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.peaks.peak_table import PeakTableModel
from s3n_gui.inspector.sought_peak import SoughtPeak
from s3n_gui.state.session import Session

IMAGE, OTHER = Path("red/bird 1.jpg"), Path("red/bird 2.jpg")


def test_the_nearest_peak_is_selected_once_the_image_is_inspected(qtbot: QtBot, session: Session) -> None:
    owner = QObject()
    state = InspectionState(owner)
    sought = SoughtPeak(session, state, owner)
    inspection = made_inspection()
    first, second = inspection.warps.peaks
    state.choose_image(IMAGE)
    session.inspect_selection(None, IMAGE, (second.x + 3, second.y - 2))
    assert state.selected is None
    state.take_evidence(inspection)
    assert state.selected == second.found_at
    # Asked again while the image is shown; and a place without a peak near it selects none.
    session.inspect_selection(None, IMAGE, (first.x, first.y))
    assert state.selected == first.found_at
    state.select(None)
    session.inspect_selection(None, IMAGE, (first.x - 60, first.y))
    assert state.selected is None
    # A place in another image is not looked for in this one.
    session.inspect_selection(None, OTHER, (first.x, first.y))
    state.take_evidence(inspection)
    assert state.selected is None
    assert sought.parent() is owner


def test_peaks_carry_the_names_of_their_parts(qtbot: QtBot) -> None:
    owner = QObject()
    state = InspectionState(owner)
    inspection = made_inspection()
    first, second = inspection.warps.peaks
    table = PeakTableModel(state)
    state.choose_image(IMAGE)
    state.take_evidence(inspection)
    assert "bill" not in table.index(0, 1).data()
    with qtbot.waitSignal(table.dataChanged):
        state.set_parts((PartPlace(first.x, first.y, 4, "bill"), PartPlace(second.x + 80, second.y, 0, "tail")))
    assert table.index(0, 1).data() == f"bill · {first.x:.0f}, {first.y:.0f}"
    assert state.part_of(second) is None  # the atlas has no peak there
    bill = table.index(0, 1).data(Qt.ItemDataRole.DecorationRole).toImage()
    assert bill.pixelColor(bill.rect().center()) == QColor(part_colour(4, tokens()))
    assert table.index(1, 1).data(Qt.ItemDataRole.DecorationRole) is None
    assert table.rowCount() == 2


class SharpScreen(QWidget):
    """A widget on a screen with two pixels a pixel."""

    def devicePixelRatioF(self) -> float:
        return 2.0


def test_the_colour_of_a_part_is_sharp_on_every_screen(themed: QApplication, qtbot: QtBot) -> None:
    screen, owner = SharpScreen(), QObject()
    qtbot.addWidget(screen)
    state = InspectionState(owner)
    table = PeakTableModel(state, screen)
    state.choose_image(IMAGE)
    state.take_evidence(made_inspection())
    peak = table.peak(0)
    state.set_parts((PartPlace(peak.x, peak.y, 4, "bill"),))
    assert table.index(0, 1).data(Qt.ItemDataRole.DecorationRole).devicePixelRatio() == 2.0
