"""A slider with a number field and a reset button."""

from __future__ import annotations

import math

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QSizePolicy,
    QSlider,
    QToolButton,
    QWidget,
)

from s3n_gui.appearance.theme import number_font, set_icon, theme
from s3n_gui.widgets.number_fields import FractionField

_POSITIONS = 1000


class NumberSlider(QWidget):
    """A number between two bounds.

    Signals:
        value_changed: The user has set a value; carries the value and the control's name. Also emitted during a drag.
        released: The handle was released, or a number was entered.
        reset_requested: Reset the value; carries the control's name.

    Args:
        title: The accessible name.
        low: Smallest value.
        high: Largest value.
        step: Step of number and slider; between whole steps there is nothing, so a typed number goes to the nearest.
        logarithmic: Whether the slider has a logarithmic scale.
        tip: The tooltip.
        name: The control's name in its signals, for slots that several controls share.
        source: Whose value the reset button restores.
    """

    value_changed = Signal(float, str)
    released = Signal()
    reset_requested = Signal(str)

    def __init__(
        self,
        title: str,
        low: float,
        high: float,
        step: float,
        *,
        logarithmic: bool = False,
        tip: str = "",
        name: str = "",
        source: str = "the model's own",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self._low, self._high, self._step, self._log = low, high, step, logarithmic
        self._own: float | None = None
        self._source = source
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, _POSITIONS if logarithmic else round((high - low) / step))
        self.slider.setMinimumWidth(48)
        self.number = FractionField()
        self.number.setRange(low, high)
        self.number.setSingleStep(step)
        self.number.setDecimals(max(0, -math.floor(math.log10(step) + 1e-9)))
        self.number.setButtonSymbols(FractionField.ButtonSymbols.NoButtons)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.reset = QToolButton()
        self.reset.setAutoRaise(True)
        set_icon(self.reset, "reset")
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)  # nothing moves when it appears
        self.reset.setSizePolicy(policy)
        self.reset.hide()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.reset)
        layout.addWidget(self.number)
        self.setFocusProxy(self.slider)
        self._label(title, tip)
        self.slider.valueChanged.connect(self._on_slider)
        self.slider.sliderReleased.connect(self.released)
        self.number.valueChanged.connect(self._on_number)
        self.reset.clicked.connect(self._on_reset)
        theme().changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    @property
    def value(self) -> float:
        """The current value."""
        return self.number.value()

    def set_value(self, value: float, own: float | None = None, *, unknown: bool = False) -> None:
        """Show a value without emitting ``value_changed``.

        Args:
            value: The value.
            own: The value that the reset button restores; the button is visible if the two differ.
            unknown: Whether the button would restore a value that is not known; it is visible, too.
        """
        self._own = own
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.number.setValue(value)
            if not self.slider.isSliderDown():
                self.slider.setValue(self._position(value))
        differs = own is not None and abs(own - value) > self._step / 2
        self.reset.setVisible(differs or unknown)
        if unknown:
            self.reset.setToolTip(f"Reset to {self._source}")
        elif own is not None:
            self.reset.setToolTip(f"Reset to {self._source} {self.number.textFromValue(own)}")

    def _label(self, title: str, tip: str) -> None:
        for widget, kind in (
            (self.slider, ""),
            (self.number, ", exact value"),
            (self.reset, f", reset to {self._source}"),
        ):
            widget.setAccessibleName(f"{title}{kind}")
            widget.setToolTip(tip)
        self.setToolTip(tip)

    def _position(self, value: float) -> int:
        if self._log:
            return round(_POSITIONS * math.log(value / self._low) / math.log(self._high / self._low))
        return round((value - self._low) / self._step)

    def _on_slider(self, position: int) -> None:
        if self._log:
            value = self._low * (self._high / self._low) ** (position / _POSITIONS)
            value = round(value / self._step) * self._step
        else:
            value = self._low + position * self._step
        with QSignalBlocker(self.number):
            self.number.setValue(value)
        self.value_changed.emit(self.number.value(), self.objectName())

    def _on_number(self, value: float) -> None:
        if self.number.decimals() == 0:  # as of the window of a peak, which is odd
            value = self._low + math.floor((value - self._low) / self._step + 0.5) * self._step
        with QSignalBlocker(self.slider), QSignalBlocker(self.number):
            self.number.setValue(value)
            self.slider.setValue(self._position(value))
        self.value_changed.emit(value, self.objectName())
        self.released.emit()

    def _on_reset(self) -> None:
        self.reset_requested.emit(self.objectName())

    def _on_theme_changed(self) -> None:
        font = number_font("body")
        self.number.setFont(font)
        self.reset.setFixedWidth(22)
        self.number.setFixedWidth(self.number.fontMetrics().horizontalAdvance("00.00") + 22)
