"""Numbers typed with real keys: a comma is a point, and nothing typed becomes another number without a word."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

import s3n_gui
from s3n_gui.widgets.number_fields import FractionField, WholeNumberField, commit

Shown = Callable[[WholeNumberField | FractionField], list[str]]


@pytest.fixture(params=["en_US", "de_DE"])
def locale(request: pytest.FixtureRequest) -> Iterator[None]:
    """A desktop of that language."""
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield
    QLocale.setDefault(before)


@pytest.fixture
def show(qtbot: QtBot, themed: QApplication) -> Shown:
    """Show a field and return the list in which its sentences arrive."""

    def shown(field: WholeNumberField | FractionField) -> list[str]:
        qtbot.addWidget(field)
        said: list[str] = []
        field.refused.connect(said.append)
        field.show()
        field.setFocus()
        return said

    return shown


def write(field: WholeNumberField | FractionField, text: str) -> None:
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


@pytest.mark.usefixtures("locale")
def test_a_decimal_comma_is_a_point(show: Shown) -> None:
    field = FractionField()
    field.setDecimals(3)
    said = show(field)
    for text, value in (("0,25", 0.25), ("0.125", 0.125), ("1,000", 1.0), (",5", 0.5)):
        write(field, text)
        assert field.value() == value
    assert field.text() == "0.500"
    assert said == []


@pytest.mark.usefixtures("locale")
def test_a_thousand_in_a_field_for_whole_numbers_is_refused_with_both_readings(show: Shown) -> None:
    field = WholeNumberField(keeps_refused=True)
    field.setRange(1, 10000)
    field.setSuffix(" px")
    field.setValue(20)
    said = show(field)
    for text in ("1,000", "1.000"):
        write(field, text)
        assert said[-1] == f"'{text}' can be read as 1000 or as 1.0; write 1000 or 1."
        assert (field.value(), field.text()) == (20, f"{text} px")
        assert field.problem
    write(field, "1000")
    assert (field.value(), field.text(), field.problem, said[-1]) == (1000, "1000 px", "", "")


def test_a_field_that_shows_its_value_again_says_which(show: Shown) -> None:
    field = WholeNumberField()
    field.setRange(0, 5000)
    field.setValue(20)
    said = show(field)
    write(field, "1,000")
    assert said[-1].endswith("write 1000 or 1. The value is still 20.")
    assert (field.value(), field.text()) == (20, "20")


def test_a_number_out_of_range_is_refused_not_cut(show: Shown) -> None:
    field = WholeNumberField(keeps_refused=True)
    field.setRange(32, 2048)
    field.setValue(224)
    said = show(field)
    for text in ("5000", "5"):
        write(field, text)
        assert said[-1] == f"{text} is out of range: use a number from 32 to 2048."
        assert field.value() == 224
    field.setValue(64)  # a choice made elsewhere takes the text's place
    assert (field.text(), field.problem) == ("64", "")


def test_a_field_without_decimals_takes_whole_numbers(show: Shown) -> None:
    field = FractionField(keeps_refused=True)
    field.setDecimals(0)
    field.setRange(3, 15)
    field.setValue(3)
    said = show(field)
    write(field, "1,5")
    assert (field.value(), said[-1]) == (3, "'1,5' is not a whole number.")


def test_letters_cannot_be_typed_and_an_empty_field_gives_way_to_its_value(show: Shown) -> None:
    field = WholeNumberField()
    field.setValue(7)
    said = show(field)
    write(field, "abc")
    assert field.value() == 7
    field.selectAll()
    QTest.keyClick(field, Qt.Key.Key_Delete)
    QTest.keyClick(field, Qt.Key.Key_Return)
    assert (field.text(), said) == ("7", [])


def test_percent_shows_no_needless_zeros_and_the_text_of_nothing_still_works(show: Shown) -> None:
    percent = FractionField(trimmed=True)
    percent.setDecimals(1)
    percent.setSuffix(" %")
    show(percent)
    write(percent, "10")
    assert percent.text() == "10 %"
    write(percent, "12,5")
    assert (percent.text(), percent.value()) == ("12.5 %", 12.5)
    off = FractionField()
    off.setSpecialValueText("off")
    off.setPrefix("H ≤ ")
    said = show(off)
    QTest.keyClick(off, Qt.Key.Key_Return)
    assert (off.text(), off.value(), said) == ("off", 0.0, [])


def test_what_was_not_left_yet_can_be_taken_over(show: Shown) -> None:
    field = WholeNumberField(keeps_refused=True)
    field.setRange(0, 5000)
    show(field)
    field.selectAll()
    QTest.keyClicks(field, "12")
    assert field.value() == 0
    assert commit(field) == ""
    assert field.value() == 12
    field.selectAll()
    QTest.keyClicks(field, "1.000")
    assert "can be read as 1000" in commit(field)


def test_all_fields_for_numbers_are_these() -> None:
    own = re.compile(r"\bQ(Double)?SpinBox\(|\(Q(Double)?SpinBox\)|\bQDoubleValidator|\bQIntValidator")
    root = Path(s3n_gui.__file__).parent
    users = [path.relative_to(root).as_posix() for path in root.rglob("*.py") if own.search(path.read_text("utf-8"))]
    assert users == ["widgets/number_fields.py"]
