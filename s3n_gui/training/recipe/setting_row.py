"""One setting in the form: title, control, source and reset button."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QIcon, QWheelEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QToolButton,
    QWidget,
)

from s3n_gui.appearance.theme import number_font, px, set_icon, theme
from s3n_gui.appearance.tokens import SPACE
from s3n_gui.training.recipe.recipe_fields import RecipeField
from s3n_gui.widgets.number_fields import FractionField, WholeNumberField, commit


class SettingRow(QWidget):
    """Shows and edits one setting.

    Signals:
        edited: The setting's name and its new value: a number, a bool, or the entered text.
        refused: The setting's name and why its text is no value, as a sentence; empty as soon as it is edited again.
        reset_asked: Restore the recipe's own value; the setting's name.
    """

    edited = Signal(str, object)
    refused = Signal(str, str)
    reset_asked = Signal(str)

    def __init__(self, field: RecipeField, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = field
        self._changed = False
        tip = f"{field.help}\nSetting: {field.name}"
        self.title = QLabel(field.title)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self.title.setWordWrap(True)  # never shortened: two learning rates would look the same
        self.control = self._make_control()
        self.control.setAccessibleName(field.title)
        self.control.setAccessibleDescription(field.help)
        self.title.setBuddy(self.control)
        self.source = QLabel()
        self.source.setAccessibleName(f"{field.title}: source of the value")
        set_icon(self.source, "info")
        self.reset = QToolButton()
        self.reset.setAutoRaise(True)
        self.reset.setProperty("role", "small")
        self.reset.setToolTip("Reset to the recipe's value")
        self.reset.setAccessibleName(f"{field.title}: reset to the recipe's value")
        set_icon(self.reset, "reset")
        self.reset.clicked.connect(self._on_reset)
        for part in (self.source, self.reset):
            policy = part.sizePolicy()
            policy.setRetainSizeWhenHidden(True)
            part.setSizePolicy(policy)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(SPACE)
        row.addWidget(self.title, 1)
        row.addWidget(self.source)
        row.addWidget(self.control)
        row.addWidget(self.reset)
        self.title.setToolTip(tip)
        self.control.setToolTip(tip)
        theme().changed.connect(self._fit)
        self._fit()
        self.show_changed(False)
        self.show_source("")

    def show_value(self, value: Any, text: str) -> None:
        """Show a value, without emitting a signal."""
        with QSignalBlocker(self.control):
            if isinstance(self.control, WholeNumberField):
                self.control.setValue(int(value))
            elif isinstance(self.control, FractionField):
                self.control.setValue(100 * float(value))
            elif isinstance(self.control, QComboBox):
                self.control.setCurrentText(str(value))
                edit = self.control.lineEdit()
                if edit is not None and not edit.hasFocus():
                    edit.setCursorPosition(0)  # a long name is cut at its end
            elif isinstance(self.control, QCheckBox):
                self.control.setChecked(bool(value))
            elif isinstance(self.control, QLineEdit):
                self.control.setText(text)
                self.control.setCursorPosition(0)

    def commit(self) -> None:
        """Take over what is typed in the control, even if it was not left yet."""
        if isinstance(self.control, WholeNumberField | FractionField):
            commit(self.control)

    def show_changed(self, changed: bool) -> None:
        """Mark whether the value differs from the recipe's."""
        self.reset.setVisible(changed)
        self._changed = changed
        self._fit_title()

    def show_source(self, source: str) -> None:
        """Mark a value that is not from the paper, and show its source."""
        self.source.setVisible(bool(source))
        self.source.setToolTip(f"Source: {source}")

    def _make_control(self) -> QWidget:
        control = self._control_of_its_kind()
        if isinstance(control, _WheelWhereFocused):
            control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel must not give it the focus
        return control

    def _control_of_its_kind(self) -> QWidget:
        field = self.field
        if field.kind == "whole":
            spin = _Spin(keeps_refused=True)
            spin.refused.connect(self._on_refused)
            spin.setRange(int(field.low or 0), int(min(field.high if field.high is not None else 1e9, 2**31 - 1)))
            spin.setSuffix(f" {field.unit}" if field.unit else "")
            spin.valueChanged.connect(self._on_edited)
            return spin
        if field.kind == "share":
            percent = _PercentSpin(keeps_refused=True, trimmed=True)
            percent.refused.connect(self._on_refused)
            percent.setDecimals(1)
            percent.setRange(100 * (field.low or 0.0), 100 * (1.0 if field.high is None else field.high))
            percent.setSingleStep(5)
            percent.setSuffix(" %")
            percent.valueChanged.connect(self._on_percent)
            return percent
        if field.kind in ("choice", "name"):
            box = _Combo()
            box.addItems(list(field.choices))
            if field.kind == "name":
                box.setEditable(True)
                box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            box.currentTextChanged.connect(self._on_edited)
            return box
        if field.kind == "switch":
            check = QCheckBox()
            check.toggled.connect(self._on_edited)
            return check
        line = QLineEdit()
        if field.unit:
            line.setPlaceholderText(field.unit)
        line.textEdited.connect(self._on_edited)
        if field.kind == "file":
            browse = line.addAction(QIcon(), QLineEdit.ActionPosition.TrailingPosition)
            browse.setText("Choose a file…")
            browse.setToolTip(f"Choose a file for {field.title}")
            browse.triggered.connect(self._on_browse)
            set_icon(browse, "folder")
        return line

    def _on_edited(self, value: object) -> None:
        self.edited.emit(self.field.name, value)

    def _on_refused(self, sentence: str) -> None:
        self.refused.emit(self.field.name, sentence)

    def _on_percent(self, value: float) -> None:
        self._on_edited(value / 100)

    def _on_browse(self) -> None:
        line = self.control
        assert isinstance(line, QLineEdit)
        path, _ = QFileDialog.getOpenFileName(self, f"Choose a file for {self.field.title}", line.text())
        if path:
            line.setText(path)
            self._on_edited(path)

    def _on_reset(self) -> None:
        self.reset_asked.emit(self.field.name)

    def _fit(self) -> None:
        if not isinstance(self.control, QCheckBox):
            self.control.setFixedWidth(px(92) + 30)  # the text grows, the arrow does not
        self.control.setFont(number_font("body"))
        inside = self.control.findChild(QLineEdit)  # of a spin box; it has a font of its own once one was set
        if inside is not None:
            inside.setFont(number_font("body"))
        self._fit_title()
        self.reset.setFixedSize(px(18), px(26))

    def _fit_title(self) -> None:
        self.title.setFont(theme().font("body", semibold=self._changed))


class _WheelWhereFocused:
    """Ignores the wheel of a control without focus, so that scrolling the form changes no values.

    A mixin; list it before the widget class.
    """

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Pass the wheel to the form unless the control has the focus."""
        if self.hasFocus():  # type: ignore[attr-defined]
            super().wheelEvent(event)  # type: ignore[misc]
        else:
            event.ignore()


class _Spin(_WheelWhereFocused, WholeNumberField):
    pass


class _PercentSpin(_WheelWhereFocused, FractionField):
    pass


class _Combo(_WheelWhereFocused, QComboBox):
    pass
