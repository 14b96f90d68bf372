"""The form for the method's parameters: mode, seed, delta, window, floor, beta_1, beta_2."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QFontMetrics
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.settings import Floor, InspectionSettings
from s3n_core.method.configuration import SAMPLING_MODES, Sampling
from s3n_gui.appearance.theme import font, px, theme
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.widgets.number_fields import WholeNumberField
from s3n_gui.widgets.number_slider import NumberSlider

MODE_TEXTS: dict[Sampling, tuple[str, str]] = {
    "random": (
        "Drawn by strength",
        "Each peak goes to T_d with probability R, otherwise to T_c (Eq. 4), as in training",
    ),
    "coin": ("Drawn by coin flip", "Each peak goes to T_d or T_c with equal probability, whatever its strength"),
    "all": ("All peaks in both", "T_d and T_c both hold all peaks"),
    "extremes": ("Strongest and weakest", "Only the strongest peak in T_d and only the weakest in T_c"),
    "expected": (
        "By strength",
        "Each peak belongs to T_d with weight R and to T_c with 1 – R: the mean of all draws",
    ),
    "identity": ("No warp", "D and C see the original image"),
}
_FLOORS: tuple[tuple[str, str, str], ...] = (
    ("mean", "Mean of the map", "Ignore peaks below the mean of the map"),
    ("none", "None", "Every local maximum is a peak"),
    ("number", "A number", "Ignore peaks below a number of your choice"),
)


@dataclass(frozen=True, slots=True)
class OwnNumbers:
    """The model's own parameters, which the form's reset restores."""

    sampling: Sampling = "expected"
    delta: float = 0.2
    window: int = 3
    floor: Floor = "mean"
    beta_1: float = 2.8
    beta_2: float = 9.3

    @classmethod
    def updated(cls, own: OwnNumbers, inspection: Inspection) -> tuple[OwnNumbers, frozenset[str]]:
        """Return ``own`` with every parameter that the inspection left to the model, and the names of these."""
        response, warps = inspection.response, inspection.warps
        used = cls(
            sampling=warps.sampling,
            delta=response.delta,
            window=response.window,
            floor=response.floor,
            beta_1=warps.beta_1,
            beta_2=warps.beta_2,
        )
        own_ones = frozenset(field.name for field in fields(cls) if getattr(warps.settings, field.name) is None)
        return replace(own, **{name: getattr(used, name) for name in own_ones}), own_ones


class NumberForm(QWidget):
    """The form.

    Signals:
        numbers_wanted: New settings, a description of the change, and the gesture that it belongs to ("" for none).
    """

    numbers_wanted = Signal(object, str, str)

    def __init__(self, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state, self._own, self._gesture = state, OwnNumbers(), 0
        self._known: frozenset[str] = frozenset()  # which of them are the current model's
        self.mode = QComboBox()
        for mode in SAMPLING_MODES:
            title, tip = MODE_TEXTS[mode]
            self.mode.addItem(title, mode)
            self.mode.setItemData(self.mode.count() - 1, f"{tip} ({mode})", 3)  # Qt.ToolTipRole
        self.mode.setAccessibleName("How peaks are assigned to D and C")
        self.seed = WholeNumberField()
        self.seed.setRange(0, 999_999)
        self.seed.setAccessibleName("Random seed")
        self.seed.setToolTip("Seed of the random numbers zeta; the same seed gives the same numbers")
        self.draw = QPushButton("Next")
        self.draw.setToolTip("Use the next seed, which draws other numbers zeta")
        self.floor = QComboBox()
        for key, title, tip in _FLOORS:
            self.floor.addItem(title, key)
            self.floor.setItemData(self.floor.count() - 1, tip, 3)
        self.floor.setAccessibleName("Minimum strength of a peak")
        self.floor.setToolTip("Ignore local maxima of R below this value")
        for box in (self.mode, self.floor):
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            box.setMinimumContentsLength(8)
        self.floor_number = NumberSlider("Minimum strength of a peak", 0.0, 1.0, 0.01, tip="Minimum R of a peak")
        self.sliders = {
            "beta_1": NumberSlider(
                "Width of a peak in D", 0.5, 31.0, 0.1, logarithmic=True, name="beta_1",
                tip="How far around each peak the discriminative image is enlarged, in cells of R (beta_1, Eq. 5)",
            ),
            "beta_2": NumberSlider(
                "Width of a peak in C", 0.5, 31.0, 0.1, logarithmic=True, name="beta_2",
                tip="How far around each peak the complementary image is enlarged, in cells of R (beta_2, Eq. 5)",
            ),
            "delta": NumberSlider(
                "Entropy threshold", 0.0, 3.0, 0.01, name="delta",
                tip="The network is certain up to this entropy H, in nats; R is then the map of one class (delta, Eq. "
                "3)",
            ),
            "window": NumberSlider(
                "Peak window", 3, 15, 2, name="window",
                tip="A peak is the maximum of R in a window of this many cells per side (r)",
            ),
        }  # fmt: skip
        self._lay_out()
        self.mode.activated.connect(self._on_mode)
        self.seed.valueChanged.connect(self._on_seed)
        self.seed.editingFinished.connect(self._end_gesture)
        self.draw.clicked.connect(self._on_draw)
        self.floor.activated.connect(self._on_floor)
        self.floor_number.value_changed.connect(self._on_floor_number)
        self.floor_number.released.connect(self._end_gesture)
        for slider in self.sliders.values():
            slider.value_changed.connect(self._on_slider)
            slider.released.connect(self._end_gesture)
            slider.reset_requested.connect(self._on_reset)
        state.settings_changed.connect(self.synchronize)
        state.evidence_changed.connect(self._take_own)
        self.synchronize()
        self._take_own()

    def _lay_out(self) -> None:
        draws = QHBoxLayout()
        draws.setSpacing(8)
        draws.addWidget(self.seed, 1)
        draws.addWidget(self.draw)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._names: list[_Name] = []
        layout.addWidget(self._titled("Assign peaks", "", self.mode))
        self._seed_row = self._titled("Random draw, seed", "ζ", draws, self.seed)
        layout.addWidget(self._seed_row)
        titles = {"beta_1": ("Width in D", "β₁"), "beta_2": ("Width in C", "β₂")}
        titles |= {"delta": ("Entropy threshold", "δ"), "window": ("Peak window", "r")}
        for name, slider in self.sliders.items():
            layout.addWidget(self._titled(*titles[name], slider))
        layout.addWidget(self._titled("Minimum strength", "R", self.floor))
        self._floor_row = self._titled("", "", self.floor_number)
        layout.addWidget(self._floor_row)
        layout.addStretch(1)
        theme().changed.connect(self._fit)
        self._state.symbols.changed.connect(self._fit)
        self._fit()

    def _titled(self, title: str, symbol: str, content: QWidget | QHBoxLayout, buddy: QWidget | None = None) -> QWidget:
        """Return a control beside its name."""
        row, name = QWidget(), _Name(title, symbol)
        name.setBuddy(buddy or (content if isinstance(content, QWidget) else row))
        self._names.append(name)
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(name)
        if isinstance(content, QWidget):
            name.setToolTip(content.toolTip())
            layout.addWidget(content, 1)
        else:
            layout.addLayout(content, 1)
        return row

    def _fit(self) -> None:
        """Give all names the width of the longest, so that the controls stand in one column."""
        metrics = QFontMetrics(font("caption"))
        symbols = self._state.symbols.shown
        width = max(metrics.horizontalAdvance(name.words(symbols=symbols)) for name in self._names) + 2
        for name in self._names:
            name.setFixedWidth(width)
            name.clear()  # otherwise the label keeps its hint for the last width
            name.setText(name.words(symbols=symbols))
        self.seed.setMinimumWidth(px(56))

    def set_own(self, own: OwnNumbers, known: frozenset[str]) -> None:
        """Set the model's own parameters, and the names of those that are known; the others are only shown."""
        if (own, known) != (self._own, self._known):
            self._own, self._known = own, known
            self.synchronize()

    def synchronize(self) -> None:
        """Show the state's parameters, and the model's own where none is set."""
        numbers, own = self._state.numbers, self._own
        mode = numbers.sampling or own.sampling
        floor = self._floor
        with QSignalBlocker(self.seed):
            self.seed.setValue(numbers.seed)
        self.mode.setCurrentIndex(self.mode.findData(mode))
        self.mode.setToolTip(f"{MODE_TEXTS[mode][1]} ({mode})")
        drawn = mode in ("random", "coin")
        self._seed_row.setEnabled(drawn)
        for name, slider in self.sliders.items():
            value = getattr(numbers, name)
            known = name in self._known
            slider.set_value(
                getattr(own, name) if value is None else value,
                getattr(own, name) if known else None,
                unknown=value is not None and not known,
            )
        kind = floor if isinstance(floor, str) else "number"
        self.floor.setCurrentIndex(self.floor.findData(kind))
        self._floor_row.setVisible(kind == "number")
        if not isinstance(floor, str):
            self.floor_number.set_value(floor)

    @property
    def _floor(self) -> Floor:
        """The minimum strength in force: a number, or the word for how it is computed."""
        floor = self._state.numbers.floor
        return self._own.floor if floor is None else floor

    def _take_own(self) -> None:
        evidence = self._state.evidence
        if evidence is None:  # another model, which has parameters of its own
            self.set_own(self._own, frozenset())
            return
        own, told = OwnNumbers.updated(self._own, evidence)
        self.set_own(own, self._known | told)

    def _is_own(self, name: str, value: object) -> bool:
        own = getattr(self._own, name)
        if isinstance(value, int | float) and isinstance(own, int | float):  # a minimum strength may be a word
            return name in self._known and math.isclose(value, own, abs_tol=1e-9)
        return name in self._known and value == own

    def _want(self, text: str, *, gesture: str = "", **changes: object) -> None:
        numbers: InspectionSettings = replace(self._state.numbers, **changes)  # type: ignore[arg-type]
        if numbers != self._state.numbers:
            self.numbers_wanted.emit(numbers, text, gesture and f"{gesture} {self._gesture}")

    def _end_gesture(self) -> None:
        self._gesture += 1

    def _on_mode(self, index: int) -> None:
        mode = self.mode.itemData(index)
        self._want("Change the assignment of peaks", sampling=None if self._is_own("sampling", mode) else mode)

    def _on_seed(self, seed: int) -> None:
        self._want("Change the seed", gesture="seed", seed=seed)

    def _on_draw(self) -> None:
        self._end_gesture()
        self._want("Change the seed", seed=(self._state.numbers.seed + 1) % 1_000_000)

    def _on_floor(self, index: int) -> None:
        key = self.floor.itemData(index)
        if key == "number" and not isinstance(self._floor, str):
            return  # Qt reports the choice that was there already, too; the number stays
        floor = 0.5 if key == "number" else key
        self._want("Change the minimum strength of a peak", floor=None if self._is_own("floor", floor) else floor)

    def _on_floor_number(self, value: float) -> None:
        self._want("Change the minimum strength of a peak", gesture="floor", floor=value)

    def _on_slider(self, value: float, name: str) -> None:
        new = int(value) if name == "window" else value
        self._want(f"Change {name.replace('_', ' ')}", gesture=name, **{name: None if self._is_own(name, new) else new})

    def _on_reset(self, name: str) -> None:
        self._want(f"Reset {name.replace('_', ' ')}", **{name: None})  # type: ignore[arg-type]


class _Name(QLabel):
    """The name of a control, which ends with its symbol in brackets if symbols are shown."""

    def __init__(self, title: str, symbol: str) -> None:
        super().__init__(title)
        self._title, self._symbol = title, symbol
        self.setProperty("role", "caption")

    def words(self, *, symbols: bool) -> str:
        return f"{self._title} ({self._symbol})" if symbols and self._symbol else self._title
