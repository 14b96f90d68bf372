"""Fields for numbers, whatever the locale of the desktop: a decimal comma is a point, and nothing typed becomes another number.

A text that is no number of the field, or that could be two ("1,000"), stays as it is typed until the field is left; then it is
refused with a sentence, and the value is the one before.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from PySide6.QtCore import QLocale, QPoint, Signal
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox, QToolTip, QWidget

from s3n_core.system.number_texts import read_fraction, read_whole

_TYPED = re.compile(r"[-+\d.,'’\s\u00a0\u202feE]*")
_SHOWN_MILLISECONDS = 12_000


class _Reading:
    """How a field reads its text; not a mixin, since Qt's classes do not share their constructors with others.

    Args:
        field: The field.
        read: Reads a text without prefix and suffix; raises ValueError with a sentence.
        keeps: Whether a refused text stays in the field; else the field shows its value again.
    """

    def __init__(self, field: WholeNumberField | FractionField, read: Callable[[str], float], keeps: bool) -> None:
        self._field, self._read, self._keeps = field, read, keeps
        self.kept, self.problem = "", ""

    def bare(self, text: str) -> str:
        """Return a text without the field's prefix and suffix."""
        field = self._field
        return (
            text.removeprefix(field.prefix()).removesuffix(field.suffix()).removesuffix(field.suffix().strip()).strip()
        )

    def number(self, text: str) -> float:
        """Read a text.

        Raises:
            ValueError: It is no number of this field; the message is a sentence.
        """
        number = self._read(self.bare(text))
        low, high = self._field.minimum(), self._field.maximum()
        if not low <= number <= high:
            raise ValueError(f"{self.bare(text)} is out of range: use a number from {low:.10g} to {high:.10g}.")
        return number

    def state(self, text: str) -> QValidator.State:
        """Say whether a text is a number of this field, or may become one, or be refused, when the field is left."""
        try:
            self.number(text)
        except ValueError:
            good = _TYPED.fullmatch(self.bare(text))
            return QValidator.State.Intermediate if good else QValidator.State.Invalid
        return QValidator.State.Acceptable

    def refuse(self, text: str) -> None:
        """Refuse a text that is no number of this field; an empty one just gives way to the value."""
        bare = self.bare(text)
        if not bare:
            return
        try:
            self.number(text)
        except ValueError as error:
            self.kept = bare if self._keeps else ""
            stays = "" if self._keeps else f" The value is still {self._field.value():.10g}."
            self._say(f"{error}{stays}")

    def resolve(self) -> None:
        """Forget a refused text."""
        self.kept = ""
        self._say("")

    def _say(self, problem: str) -> None:
        if problem == self.problem:
            return
        self.problem = problem
        field = self._field
        field.setProperty("refused", bool(problem))
        field.style().unpolish(field)
        field.style().polish(field)
        if problem and field.isVisible():
            place = field.mapToGlobal(QPoint(0, field.height()))
            QToolTip.showText(place, problem, field, field.rect(), _SHOWN_MILLISECONDS)
        field.refused.emit(problem)


class WholeNumberField(QSpinBox):
    """A field for whole numbers.

    Signals:
        refused: A sentence on why the typed text is no number of this field; empty as soon as it is edited again.

    Args:
        keeps_refused: Whether a refused text stays in the field, for whoever says what is wrong beside it; else the field shows
            its value again.
        parent: The parent widget.
    """

    refused = Signal(str)

    def __init__(self, *, keeps_refused: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._reading = _Reading(self, read_whole, keeps_refused)
        self.setLocale(QLocale.c())
        self.setKeyboardTracking(False)  # "1" on the way to "1,000" is no value
        self.lineEdit().textEdited.connect(self._on_edited)

    @property
    def problem(self) -> str:
        """Why the text was refused, as a sentence; empty where it was not."""
        return self._reading.problem

    def setValue(self, value: int) -> None:
        """Show a value in place of whatever was typed."""
        self._reading.resolve()
        super().setValue(value)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let everything be typed that looks like a number."""
        if text and text == self.specialValueText():
            return QValidator.State.Acceptable, text, position
        return self._reading.state(text), text, position

    def fixup(self, text: str) -> str:
        """Refuse a text that is no number of this field, when it is left."""
        self._reading.refuse(text)
        return text

    def valueFromText(self, text: str) -> int:
        """Read a text that `validate` has found acceptable."""
        if text and text == self.specialValueText():
            return self.minimum()
        return int(self._reading.number(text))

    def textFromValue(self, value: int) -> str:
        """Show the value, or the text that was refused."""
        return self._reading.kept or super().textFromValue(value)

    def _on_edited(self) -> None:
        self._reading.resolve()


class FractionField(QDoubleSpinBox):
    """A field for numbers with a fraction; of one without decimals the text is a whole number.

    Signals:
        refused: As `WholeNumberField.refused`.

    Args:
        keeps_refused: As of `WholeNumberField`.
        trimmed: Show no zeros at the end of a fraction.
        parent: The parent widget.
    """

    refused = Signal(str)

    def __init__(self, *, keeps_refused: bool = False, trimmed: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._trimmed = trimmed
        self._reading = _Reading(self, self._read, keeps_refused)
        self.setLocale(QLocale.c())
        self.setKeyboardTracking(False)  # "1" on the way to "1,000" is no value
        self.lineEdit().textEdited.connect(self._on_edited)

    @property
    def problem(self) -> str:
        """Why the text was refused, as a sentence; empty where it was not."""
        return self._reading.problem

    def setValue(self, value: float) -> None:
        """Show a value in place of whatever was typed."""
        self._reading.resolve()
        super().setValue(value)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Let everything be typed that looks like a number."""
        if text and text == self.specialValueText():
            return QValidator.State.Acceptable, text, position
        return self._reading.state(text), text, position

    def fixup(self, text: str) -> str:
        """Refuse a text that is no number of this field, when it is left."""
        self._reading.refuse(text)
        return text

    def valueFromText(self, text: str) -> float:
        """Read a text that `validate` has found acceptable."""
        return self.minimum() if text and text == self.specialValueText() else self._reading.number(text)

    def textFromValue(self, value: float) -> str:
        """Show the value, or the text that was refused."""
        if self._reading.kept:
            return self._reading.kept
        text = super().textFromValue(value)
        return text.rstrip("0").rstrip(".") if self._trimmed and "." in text else text

    def _read(self, text: str) -> float:
        return read_whole(text) if self.decimals() == 0 else read_fraction(text)

    def _on_edited(self) -> None:
        self._reading.resolve()


def commit(field: QAbstractSpinBox) -> str:
    """Take over what is typed in a field that was not left yet, as a key of the window does not leave it.

    Returns:
        Why it was refused, as a sentence; empty where it was taken.
    """
    if isinstance(field, WholeNumberField | FractionField) and field.hasAcceptableInput():
        field._on_edited()  # what was refused before has given way to the value
    field.interpretText()
    return field.problem if isinstance(field, WholeNumberField | FractionField) else ""
