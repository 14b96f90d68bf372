"""The line above a pane's image: title, display options and the button to maximise."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.pane_kinds import KIND_TEXTS, KINDS
from s3n_gui.inspector.panes.pane_model import PaneModel
from s3n_gui.inspector.panes.pane_options import PaneOptions
from s3n_gui.inspector.panes.pane_title import PaneTitle

_ROOMY = 150
"""Width in pixels, at normal text size, from which on there is room for the button of the options."""
_GAP = 4
"""Pixels between the head and the options."""


class PaneHead(QWidget):
    """Title, options and the button to maximise.

    Signals:
        enlarge_requested: Maximise this pane, or restore the grid.
        colours_wanted_everywhere: Apply this pane's colours to all panes.
    """

    enlarge_requested = Signal()
    colours_wanted_everywhere = Signal()

    def __init__(self, index: int, model: PaneModel, state: InspectionState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._state = model, state
        self.title = PaneTitle(index)
        self.options_button, self.enlarge_button = QToolButton(), QToolButton()
        self.options: PaneOptions | None = None
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2, 1, 2, 1)
        layout.setSpacing(0)
        layout.addWidget(self.title, 1)
        for button, icon, name, tip in (
            (self.options_button, "sliders", "Display options of this pane", "Palette, opacity, peaks and grid lines"),
            (self.enlarge_button, "maximise", "Maximise this pane", "Maximise this pane, or show all again (F)"),
        ):
            set_icon(button, icon)
            button.setAccessibleName(name)
            button.setToolTip(tip)
            button.setAutoRaise(True)
            layout.addWidget(button)
        state.symbols.changed.connect(self._on_symbols)
        self._on_symbols()
        self.title.clicked.connect(self._choose_kind)
        self.title.enlarge_requested.connect(self.enlarge_requested)
        self.options_button.clicked.connect(self.show_options)
        self.enlarge_button.clicked.connect(self.enlarge_requested)
        theme().changed.connect(self._on_theme_changed)
        self._on_theme_changed()

    def _on_theme_changed(self) -> None:
        for button in (self.options_button, self.enlarge_button):
            button.setFixedWidth(px(26))

    def _choose_kind(self) -> None:
        menu = QMenu(self)
        group = QActionGroup(menu)
        for kind in KINDS:
            words = KIND_TEXTS[kind]
            shown = words.symbol if self._state.symbols.shown else ""
            symbol = f"   ({shown.replace('_', '')})" if shown else ""
            action = QAction(f"{words.title}{symbol}", menu, checkable=True)
            action.setChecked(kind == self._model.kind)
            action.setToolTip(words.tip)
            action.setData(kind)
            group.addAction(action)
            menu.addAction(action)
        menu.addSeparator()
        menu.addAction("Display options…").setToolTip("Palette, opacity, peaks and grid lines")
        menu.setToolTipsVisible(True)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.triggered.connect(self._on_kind_chosen)
        menu.popup(self.title.mapToGlobal(self.title.rect().bottomLeft()))

    def _on_kind_chosen(self, action: QAction) -> None:
        if action.data() is None:
            self.show_options()
        else:
            self._model.update(kind=action.data())

    def _on_symbols(self) -> None:
        self.title.show_symbols(self._state.symbols.shown)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave a narrow pane's room to the title; its menu has the options as well."""
        super().resizeEvent(event)
        self.options_button.setVisible(self.width() >= px(_ROOMY))

    def show_options(self) -> None:
        """Open the display options."""
        if self.options is None:
            self.options = PaneOptions(self._model, self)
            self.options.apply_to_all_requested.connect(self.colours_wanted_everywhere)
        if self._state.evidence is not None:
            shown = self._model.class_name
            shown = self._state.evidence.prediction.name if shown is None else shown
            self.options.set_classes(self._state.evidence.response.classes, shown)
        self.options.adjustSize()
        self.options.move(self._place_for(self.options.size()))
        self.options.show()

    def _place_for(self, size: QSize) -> QPoint:
        """Return where a popup of a size goes: below the head or above it, else over it; all of it is on the screen.

        At the head, not at its button, which a narrow pane hides. Qt keeps menus on the screen, but no other popups.
        """
        head, screen = QRect(self.mapToGlobal(QPoint(0, 0)), self.size()), self.screen().availableGeometry()
        below, above = head.y() + head.height() + _GAP, head.y() - _GAP - size.height()
        lowest = screen.y() + screen.height() - size.height()
        y = above if below > lowest and above >= screen.y() else below
        x = min(head.x() + head.width(), screen.x() + screen.width()) - size.width()
        return QPoint(max(x, screen.x()), max(min(y, lowest), screen.y()))
