"""The toolbar above the panes: navigation, display options and undo, in one line or two."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Signal
from PySide6.QtGui import QActionGroup, QUndoStack
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QMenu, QPushButton, QToolButton, QToolTip, QWidget

from s3n_gui.appearance.theme import number_font, px, set_icon, theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.inspector.panes.pane_grid import LAYOUTS
from s3n_gui.widgets.elided_label import ElidedLabel

_BETWEEN, _SPACING = 20, 2
_NAME_WIDTH = 60
"""Width in pixels that the name of the image should have before optional buttons take any."""


class Toolbar(QWidget):
    """Buttons for the most frequent actions.

    Signals:
        previous_requested, next_requested, mistake_requested, disagreement_requested: Go to another image.
        peaks_toggled, grid_toggled, annotations_toggled: Show or hide them in all panes.
        symbols_toggled: Show or hide the paper's symbols.
        layout_chosen: The name of a layout.
        fit_requested: Fit the images into view.
        compare_toggled: Show two models or one.
        reset_requested: Reset parameters and peaks.
    """

    previous_requested = Signal()
    next_requested = Signal()
    mistake_requested = Signal()
    disagreement_requested = Signal()
    peaks_toggled = Signal(bool)
    grid_toggled = Signal(bool)
    annotations_toggled = Signal(bool)
    symbols_toggled = Signal(bool)
    layout_chosen = Signal(str)
    fit_requested = Signal()
    reset_requested = Signal()
    compare_toggled = Signal(bool)

    def __init__(self, undo_stack: QUndoStack, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.previous = _button("chevron-left", "Previous image", "Previous image in the list (Page Up)")
        self.next = _button("chevron-right", "Next image", "Next image in the list (Page Down)")
        self.name = ElidedLabel(name=True)
        self.place = QLabel()
        self.place.setProperty("role", "quiet")
        self.mistake = _text_button("Next mistake", "The next image that is predicted wrongly (M)")
        self.disagreement = _text_button("Next disagreement", "The next image on which O, D and C disagree (D)")
        self.device = _button("caution", "Device, and why it is not a faster one", "Device on which the network runs")
        self.device.hide()
        self.peaks = _button("target", "Peaks in all panes", "Show or hide the peaks in all panes (P)", checkable=True)
        self.grid = _button(
            "grid", "Grid lines in all panes", "Show or hide the sampling grids in all panes (G)", checkable=True
        )
        self.annotations = _button(
            "annotation",
            "Boxes and key points in all panes",
            "Show or hide the data set's boxes and key points in all panes (B)",
            checkable=True,
        )
        self.annotations.hide()
        self._annotated, self._roomy = False, True
        self.peaks.setChecked(True)
        self.symbols = _button(
            "symbols",
            "Symbols",
            "Show or hide the paper's symbols, such as R and H, beside the words (Y)",
            checkable=True,
        )
        self.fit = _button("refresh", "Fit images", "Fit all images to their panes (0)")
        set_icon(self.fit, "restore")
        self.layouts = _button("layers", "Pane layout", "Pane layout")
        self.compare = _button(
            "compare", "Compare two models", "Compare with another model on the same image (C)", checkable=True
        )
        self.undo = _button("undo", "Undo", "Undo the last change (Ctrl+Z)")
        self.redo = _button("redo", "Redo", "Redo the change (Ctrl+Shift+Z)")
        self.reset = _button("reset", "Reset all", "Restore the model's own numbers and peaks (R)")
        self._menu = QMenu(self.layouts)
        self._group = QActionGroup(self._menu)
        for name in LAYOUTS:
            action = self._menu.addAction(name)
            action.setCheckable(True)
            self._group.addAction(action)
        self.layouts.setMenu(self._menu)
        self.layouts.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._navigation, self._tools = QWidget(), QWidget()
        line = _line(self._navigation)
        line.addWidget(self.previous)
        line.addWidget(self.next)
        line.addSpacing(6)
        line.addWidget(self.name, 1)
        line.addWidget(self.place)
        line.addWidget(self.device)
        line.addSpacing(10)
        line.addWidget(self.mistake)
        line.addSpacing(4)
        line.addWidget(self.disagreement)
        line = _line(self._tools)
        for widget in (self.peaks, self.grid, self.annotations, self.symbols, self.fit, self.layouts, self.compare):
            line.addWidget(widget)
        line.addSpacing(10)
        for widget in (self.undo, self.redo, self.reset):
            line.addWidget(widget)
        line.addStretch(1)
        self._lines = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(_BETWEEN)
        self._lines.addWidget(self._navigation, 1)
        self._lines.addWidget(self._tools)
        self.previous.clicked.connect(self.previous_requested)
        self.next.clicked.connect(self.next_requested)
        self.mistake.clicked.connect(self.mistake_requested)
        self.disagreement.clicked.connect(self.disagreement_requested)
        self.peaks.toggled.connect(self.peaks_toggled)
        self.grid.toggled.connect(self.grid_toggled)
        self.annotations.toggled.connect(self.annotations_toggled)
        self.symbols.toggled.connect(self.symbols_toggled)
        self.compare.toggled.connect(self.compare_toggled)
        self.device.clicked.connect(self._on_device)
        self.fit.clicked.connect(self.fit_requested)
        self.reset.clicked.connect(self.reset_requested)
        self._menu.triggered.connect(self._on_layout)
        self.undo.clicked.connect(undo_stack.undo)
        self.redo.clicked.connect(undo_stack.redo)
        undo_stack.canUndoChanged.connect(self.undo.setEnabled)
        undo_stack.canRedoChanged.connect(self.redo.setEnabled)
        self.undo.setEnabled(undo_stack.canUndo())
        self.redo.setEnabled(undo_stack.canRedo())
        theme().changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def show_image(self, name: str, row: int, count: int) -> None:
        """Show the image's name and its position in the list (row -1: not listed)."""
        self.name.setText(name)
        self.name.setToolTip(tip_text(name))
        for button in (self.previous, self.next, self.mistake, self.disagreement):
            button.setEnabled(count > 0)
        self.place.setText(f"{row + 1:,} / {count:,}" if row >= 0 else "")

    def show_device(self, device: str, reason: str) -> None:
        """Show the device, if there is a reason why it is not a faster one."""
        words = f"Runs on {device}: {reason}."
        self.device.setToolTip(words)
        self.device.setAccessibleDescription(words)
        self.device.setVisible(bool(reason))

    def show_comparing(self, comparing: bool) -> None:
        """Set whether two models are shown, without emitting a signal."""
        with QSignalBlocker(self.compare):
            self.compare.setChecked(comparing)
        self.layouts.setEnabled(not comparing)

    def offer_annotations(self, offered: bool) -> None:
        """Set whether the image has a box or key points, so that they can be shown or hidden."""
        self._annotated = offered
        self._show_optional_buttons()

    def _show_optional_buttons(self) -> None:
        # In a narrow toolbar, the menu View and a pane's options are left to show or hide them.
        self.annotations.setVisible(self._annotated and self._roomy)
        self.fit.setVisible(self._roomy)

    def show_in(self, width: int) -> None:
        """Suit a width in pixels: drop what also has a key and a menu entry, or use two lines if that is not enough."""
        optional = {button: button.sizeHint().width() + _SPACING for button in (self.annotations, self.fit)}
        extra = sum(optional.values())
        shown = self._tools.sizeHint().width() - sum(w for button, w in optional.items() if not button.isHidden())
        needed = self._navigation.minimumSizeHint().width() + _BETWEEN + shown
        one_line = width >= needed
        self._roomy = not one_line or width >= needed + extra + px(_NAME_WIDTH)
        self._lines.setDirection(QBoxLayout.Direction.LeftToRight if one_line else QBoxLayout.Direction.TopToBottom)
        self._lines.setSpacing(_BETWEEN if one_line else 4)
        self._show_optional_buttons()

    def show_symbols(self, shown: bool) -> None:
        """Set whether symbols are shown, without emitting a signal."""
        with QSignalBlocker(self.symbols):
            self.symbols.setChecked(shown)

    def show_marks(self, *, peaks: bool, grid: bool, annotations: bool) -> None:
        """Set whether any pane shows peaks, grid lines, boxes and key points, without emitting a signal."""
        for button, shown in ((self.peaks, peaks), (self.grid, grid), (self.annotations, annotations)):
            with QSignalBlocker(button):
                button.setChecked(shown)

    def show_layout(self, name: str) -> None:
        """Tick the layout."""
        for action in self._group.actions():
            action.setChecked(action.text() == name)

    def _on_layout(self, action: object) -> None:
        self.layout_chosen.emit(action.text())  # type: ignore[attr-defined]

    def _on_device(self) -> None:
        place = self.device.mapToGlobal(self.device.rect().bottomLeft())
        QToolTip.showText(place, self.device.toolTip(), self.device)

    def _on_theme_changed(self) -> None:
        self.place.setFont(number_font("body"))


def _line(parent: QWidget) -> QHBoxLayout:
    line = QHBoxLayout(parent)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(_SPACING)
    return line


def _button(icon: str, name: str, tip: str, *, checkable: bool = False) -> QToolButton:
    button = QToolButton()
    set_icon(button, icon)
    button.setAccessibleName(name)
    button.setToolTip(tip)
    button.setCheckable(checkable)
    return button


def _text_button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button
