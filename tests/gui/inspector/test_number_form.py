"""The form of the method's parameters by itself: what is typed is what is in force, and is undone step by step."""

from __future__ import annotations

from made_inspection import made_inspection
from PySide6.QtCore import QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSpinBox, QApplication
from pytestqt.qtbot import QtBot

from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.number_form import NumberForm


def typed(field: QAbstractSpinBox, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def test_an_even_window_becomes_the_next_odd_one(themed: QApplication, qtbot: QtBot) -> None:
    owner = QObject()
    state = InspectionState(owner)
    form = NumberForm(state)
    qtbot.addWidget(form)
    form.numbers_wanted.connect(state.set_numbers)
    field = form.sliders["window"].number
    for text, window in (("4", 5), ("4", 5), ("8", 9), ("15", 15)):
        typed(field, text)
        assert (state.numbers.window, field.text(), form.sliders["window"].value) == (window, str(window), window)


def test_the_own_value_of_another_model_is_not_known_while_it_is_not_used(themed: QApplication, qtbot: QtBot) -> None:
    owner = QObject()
    state = InspectionState(owner)
    form = NumberForm(state)
    qtbot.addWidget(form)
    form.numbers_wanted.connect(state.set_numbers)
    state.take_inspection(made_inspection())
    slider = form.sliders["beta_1"]
    typed(slider.number, "5")
    assert slider.reset.toolTip() == "Reset to the model's own 2.8"
    state.forget()  # as with another model, whose own beta_1 is 9
    state.take_inspection(made_inspection(settings=state.numbers))
    assert (slider.value, slider.reset.toolTip()) == (5, "Reset to the model's own")
    assert not slider.reset.isHidden()
    typed(slider.number, "2.8")
    assert state.numbers.beta_1 == 2.8
    slider.reset.click()
    assert state.numbers.beta_1 is None
    state.take_inspection(made_inspection(beta_1=9.0))
    assert (slider.value, slider.reset.isHidden()) == (9, True)


def test_seeds_that_are_typed_are_undone_one_by_one(themed: QApplication, qtbot: QtBot) -> None:
    owner = QObject()
    state = InspectionState(owner)
    form = NumberForm(state)
    qtbot.addWidget(form)
    state.set_numbers(state.numbers.__class__(sampling="random"))
    gestures = list[str]()
    form.numbers_wanted.connect(lambda numbers, text, gesture: gestures.append(gesture))
    form.numbers_wanted.connect(state.set_numbers)
    for seed in ("5", "7"):
        typed(form.seed, seed)
        assert state.numbers.seed == int(seed)
    assert len(set(gestures)) == 2
    for _ in range(3):
        QTest.keyClick(form.seed, Qt.Key.Key_Up)
    assert len(set(gestures[2:])) == 1  # steps without leaving the field are one gesture
    assert gestures[2] not in gestures[:2]


def test_choosing_a_number_again_keeps_the_minimum_strength(themed: QApplication, qtbot: QtBot) -> None:
    owner = QObject()
    state = InspectionState(owner)
    form = NumberForm(state)
    qtbot.addWidget(form)
    form.numbers_wanted.connect(state.set_numbers)
    state.take_inspection(made_inspection())
    number = form.floor.findData("number")
    form.floor.activated.emit(number)
    assert state.numbers.floor == 0.5
    typed(form.floor_number.number, "0.3")
    form.floor.activated.emit(number)
    assert (state.numbers.floor, form.floor_number.value) == (0.3, 0.3)
    form.floor.activated.emit(form.floor.findData("mean"))
    form.floor.activated.emit(number)
    assert state.numbers.floor == 0.5
    state.forget()  # as with another model, whose own minimum strength is a number
    state.set_numbers(state.numbers.__class__())
    state.take_inspection(made_inspection(floor=0.3))
    form.floor.activated.emit(number)
    assert state.numbers.floor is None
