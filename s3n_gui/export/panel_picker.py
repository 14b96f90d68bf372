"""The check boxes of the panels: four for the whole image, then the two branches side by side."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from s3n_core.export.figures.panels import PANEL_TEXTS, PanelName
from s3n_gui.appearance.theme import branch_colour
from s3n_gui.export.export_choice import with_panel

_WHOLE: tuple[PanelName, ...] = ("original", "peaks", "response", "contributions")
_PAIRS: tuple[tuple[str, str, PanelName, PanelName], ...] = (
    ("Evidence map", "Q", "map_d", "map_c"),
    ("Sampling grid", "f, g", "grid_d", "grid_c"),
    ("Warped image", "", "image_d", "image_c"),
)
_TIPS: dict[PanelName, str] = {
    "original": "The original image",
    "contributions": "Where the margin of the predicted class over its strongest rival is read, with sign",
    "peaks": "The image with its peaks: discs for strong evidence (T_d), rings for supporting evidence (T_c)",
    "response": "How much each place supports the predicted classes (R, Eq. 3)",
    "map_d": "How much space each place gets in the discriminative image (Q_d)",
    "map_c": "How much space each place gets in the complementary image (Q_c)",
    "grid_d": "The sampling grid of the discriminative image, over the original",
    "grid_c": "The sampling grid of the complementary image, over the original",
    "image_d": "The input of the discriminative branch",
    "image_c": "The input of the complementary branch",
}


class PanelPicker(QWidget):
    """One check box per panel.

    Signals:
        changed: The selected panels, in their fixed order.
    """

    changed = Signal(tuple)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._panels: tuple[PanelName, ...] = ()
        self.boxes: dict[PanelName, QCheckBox] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(0)
        grid.setColumnStretch(0, 1)
        for row, name in enumerate(_WHOLE):
            text = PANEL_TEXTS[name]
            symbol = f"  {text.symbol}" if name == "response" else ""
            grid.addWidget(self._box(name, text.title + symbol), row, 0, 1, 3)
        row = len(_WHOLE)
        for column, (word, branch) in enumerate((("D", "D"), ("C", "C")), start=1):
            head = QLabel(f'<span style="color:{branch_colour(branch).name()}">■</span> {word}')  # type: ignore[arg-type]
            head.setToolTip("Discriminative branch" if branch == "D" else "Complementary branch")
            head.setAlignment(Qt.AlignmentFlag.AlignCenter)
            grid.addWidget(head, row, column)
        for offset, (title, symbol, of_d, of_c) in enumerate(_PAIRS, start=1):
            grid.addWidget(QLabel(f"{title}  {symbol}".rstrip()), row + offset, 0)
            for column, name in ((1, of_d), (2, of_c)):
                grid.addWidget(self._box(name, ""), row + offset, column, Qt.AlignmentFlag.AlignHCenter)

    def show_panels(self, panels: tuple[PanelName, ...]) -> None:
        """Show the selected panels without emitting ``changed``."""
        self._panels = panels
        for name, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setChecked(name in panels)

    def _box(self, name: PanelName, text: str) -> QCheckBox:
        box = _PanelBox(name, text)
        box.wanted_changed.connect(self._on_wanted)
        self.boxes[name] = box
        return box

    def _on_wanted(self, name: PanelName, wanted: bool) -> None:
        self._panels = with_panel(self._panels, name, wanted=wanted)
        self.changed.emit(self._panels)


class _PanelBox(QCheckBox):
    """The check box of a panel; ``wanted_changed`` carries its name and whether it is selected."""

    wanted_changed = Signal(str, bool)

    def __init__(self, name: PanelName, text: str) -> None:
        super().__init__(text)
        self._name = name
        self.setAccessibleName(PANEL_TEXTS[name].title)
        self.setToolTip(_TIPS[name])
        self.toggled.connect(self._on_toggled)

    def _on_toggled(self, on: bool) -> None:
        self.wanted_changed.emit(self._name, on)
