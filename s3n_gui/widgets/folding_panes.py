"""Panes side by side, of which those at the sides fold away where a narrow window or large text leaves no room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = get_args(Side)


class FoldingPanes(QSplitter):
    """A main pane with a pane at its left, at its right, or both; it needs no more room than the widest of them.

    Where they do not fit side by side, the right one folds away first, then the left one. One that is asked for then
    takes the place of the others. The focus of a pane that folds away goes to one that stays.

    Signals:
        folded: Which panes are visible has changed.

    Args:
        main: The pane in the middle.
        left: The pane at its left, or None.
        right: The pane at its right, or None.
        widths: Preferred widths of all panes from left to right, in pixels.
        parent: The widget that owns it.
    """

    folded = Signal()

    def __init__(
        self,
        main: QWidget,
        *,
        left: QWidget | None = None,
        right: QWidget | None = None,
        widths: Sequence[int],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        sides: Mapping[Side, QWidget | None] = {"left": left, "right": right}
        self._main = main
        self._sides: dict[Side, QWidget] = {side: pane for side, pane in sides.items() if pane is not None}
        self._wanted: dict[Side, bool] = dict.fromkeys(self._sides, True)
        self._asked: Side | None = None  # what is shown although there is no room for all
        self._widths = list(widths)
        self._folding = self._placed = False
        self._focused: dict[QWidget, QWidget] = {}
        self.setChildrenCollapsible(False)
        for pane in (left, main, right):
            if pane is not None:
                self.addWidget(pane)
        self.setStretchFactor(self.indexOf(main), 1)
        self.splitterMoved.connect(self._on_moved)

    def set_focused(self, pane: QWidget, inside: QWidget) -> None:
        """Set which widget of a pane gets the focus when another pane folds away.

        A focus proxy would do the same, but it takes its pane out of the round of the Tab key.
        """
        self._focused[pane] = inside

    @property
    def widths(self) -> list[int]:
        """The preferred widths of all panes from left to right, in pixels."""
        return list(self._widths)

    def set_widths(self, widths: Sequence[int]) -> None:
        """Set the preferred widths of all panes, in pixels."""
        self._widths = list(widths)
        self._place()

    @property
    def wanted(self) -> dict[Side, bool]:
        """Which side panes are wanted where there is room for them."""
        return dict(self._wanted)

    def want(self, side: Side, wanted: bool) -> None:
        """Set whether a side pane is wanted where there is room for it."""
        if side in self._sides and wanted != self._wanted[side]:
            self._wanted[side] = wanted
            self._fold()

    def shows(self, side: Side) -> bool:
        """Return whether a side pane is visible."""
        return not self._sides[side].isHidden()

    def show_side(self, side: Side, shown: bool) -> None:
        """Show or hide a side pane; without room for all, it takes the place of the others."""
        if shown == self.shows(side):
            return
        if shown:
            self._wanted[side] = True
            self._asked = None if self._fits(self._all()) else side
        elif self._asked == side:
            self._asked = None
            self._wanted[side] = self._main.isHidden()  # it has only given back the place of the main pane
        else:
            self._wanted[side] = False
        self._fold()

    def show_main(self) -> None:
        """Show the main pane if a side pane has taken its place."""
        if self._main.isHidden():
            self._asked = None
            self._fold()

    def minimumSizeHint(self) -> QSize:
        """Return the width of the widest pane alone."""
        least = [self._least(pane) for pane in (self._main, *self._sides.values())]
        return QSize(max(least), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fold what has no room."""
        super().resizeEvent(event)
        self._fold()

    def event(self, event: QEvent) -> bool:
        """Fold again when a pane needs another width."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self.updateGeometry()
            self._fold()
        return done

    # -- folding -----------------------------------------------------------------------------------------------------------

    def _fold(self) -> None:
        if self._folding or not self.width():
            return
        shown = self._chosen()
        changed = [pane for pane in (self._main, *self._sides.values()) if pane.isHidden() == (pane in shown)]
        if not changed:
            if not self._placed and self.isVisible():
                self._placed = True
                self._place()
            return
        self._placed = True
        self._folding = True
        within = self.focusWidget()
        stays = within is None or any(pane is within or pane.isAncestorOf(within) for pane in shown)
        for pane in changed:
            pane.setVisible(pane in shown)
        self._place()
        if within is not None and not stays:  # the focus stays in the window's work
            self._focused.get(shown[0], shown[0]).setFocus(Qt.FocusReason.OtherFocusReason)
        self._folding = False
        self.folded.emit()

    def _chosen(self) -> list[QWidget]:
        """Return the panes to show."""
        if self._fits(self._all()):
            self._asked = None
            return self._all()
        if self._asked is not None:
            asked = self._sides[self._asked]
            return [self._main, asked] if self._fits([self._main, asked]) else [asked]
        for side in SIDES:
            pane = self._sides.get(side)
            if pane is not None and self._wanted[side] and self._fits([self._main, pane]):
                return [self._main, pane]
        return [self._main]

    def _all(self) -> list[QWidget]:
        return [self._main, *(pane for side, pane in self._sides.items() if self._wanted[side])]

    def _fits(self, panes: Sequence[QWidget]) -> bool:
        return sum(map(self._least, panes)) + (len(panes) - 1) * self.handleWidth() <= self.width()

    def _least(self, pane: QWidget) -> int:
        return max(pane.minimumSizeHint().width(), pane.minimumWidth())

    def _place(self) -> None:
        """Give the side panes their widths, as far as the main pane keeps its least one; it takes the rest."""
        panes = [pane for pane in map(self.widget, range(self.count())) if pane is not None]
        shown = [pane for pane in panes if not pane.isHidden()]
        room = self.width() - (len(shown) - 1) * self.handleWidth()
        sizes = dict(zip(panes, self._widths, strict=False))
        others = [pane for pane in shown if pane is not self._main]
        spare = room - (self._least(self._main) if self._main in shown else 0)
        taken = sum(sizes.get(pane, 0) for pane in others)
        if taken > spare > 0:
            for pane in others:
                sizes[pane] = max(sizes[pane] * spare // taken, self._least(pane))
        sizes[self._main] = max(room - sum(sizes[pane] for pane in others), self._least(self._main))
        self.setSizes([sizes.get(pane, 0) for pane in panes])

    def _on_moved(self) -> None:
        for at, size in enumerate(self.sizes()):
            pane = self.widget(at)
            if size and pane is not None and not pane.isHidden():
                self._widths[at] = size
