"""The grid of panes: selectable layouts, adjustable sizes, and one pane maximised on request."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QByteArray, Qt, Signal
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import set_icon
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.pane import Pane
from s3n_gui.inspector.panes.pane_images import Pictures
from s3n_gui.inspector.panes.pane_kinds import Kind
from s3n_gui.inspector.panes.pane_model import Cameras, PaneModel
from s3n_gui.inspector.panes.pane_requests import PaneRequests

FIRST_KINDS: tuple[Kind, ...] = ("peaks", "response", "map_d", "image_d", "image_c", "map_c")
LAYOUTS: dict[str, tuple[int, ...]] = {
    "Two rows of three": (3, 3),
    "Three rows of two": (2, 2, 2),
    "Two rows of two": (2, 2),
    "One row of three": (3,),
    "Side by side": (2,),
}
"""Panes per row, by layout name; the first layout is the default."""


class PaneGrid(QWidget):
    """All panes, built by the steps of `pieces`.

    Signals:
        layout_changed: Another layout was chosen, or a pane was maximised or restored.
    """

    layout_changed = Signal()

    def __init__(
        self,
        state: InspectionState,
        cameras: Cameras,
        requests: PaneRequests,
        parent: QWidget | None = None,
        *,
        kinds: Sequence[Kind] = FIRST_KINDS,
        layout_name: str = "Two rows of three",
        models: Sequence[PaneModel] = (),
        editable: bool = True,
    ) -> None:
        super().__init__(parent)
        self._pictures = Pictures()
        self._alone: Pane | None = None
        self._layout_name = layout_name
        self._state, self._cameras, self._requests, self._editable = state, cameras, requests, editable
        self._models = tuple(models) or tuple(PaneModel(kind, self) for kind in kinds)
        self.panes: tuple[Pane, ...] = ()
        self._columns = QSplitter(Qt.Orientation.Vertical, self)
        self._columns.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._columns)
        self._rows: list[_Row] = []

    def pieces(self) -> list[Callable[[], None]]:
        """Return the build steps in order: one per pane, then their arrangement."""
        return [*(partial(self._make_pane, index) for index in range(len(self._models))), self._arrange]

    @property
    def models(self) -> tuple[PaneModel, ...]:
        """The panes' models; another grid may share them."""
        return self._models

    def _make_pane(self, index: int) -> None:
        pane = Pane(
            index,
            self._models[index],
            self._state,
            self._cameras,
            self._pictures,
            self._requests,
            self,
            editable=self._editable,
        )
        pane.hide()
        pane.enlarge_requested.connect(self.toggle_alone)
        pane.swap_requested.connect(self.swap)
        pane.colours_wanted_everywhere.connect(self._on_colours_everywhere)
        self.panes = (*self.panes, pane)

    @property
    def layout_name(self) -> str:
        """The name of the layout."""
        return self._layout_name

    def set_layout_name(self, name: str) -> None:
        """Arrange the panes in a layout."""
        if name in LAYOUTS and (name != self._layout_name or self._alone is not None):
            self._layout_name, self._alone = name, None
            self._arrange()
            self.layout_changed.emit()

    @property
    def alone(self) -> Pane | None:
        """The maximised pane, or None."""
        return self._alone

    def toggle_alone(self, pane: Pane | None = None) -> None:
        """Maximise a pane, or restore the grid; the default pane is the focused one, else the first."""
        if self._alone is not None:
            pane = None
        elif pane is None:
            pane = next((one for one in self.panes if one.isAncestorOf(self.focusWidget() or self)), self.panes[0])
        self._alone = pane
        for row in self._rows:
            for one in (row.widget(index) for index in range(row.count())):
                if one is not None:
                    one.setVisible(pane is None or one is pane)
            row.setVisible(pane is None or row.isAncestorOf(pane))
        for one in self.panes:
            set_icon(one.enlarge_button, "restore" if one is pane else "maximise")
            one.enlarge_button.setAccessibleName("Show all panes" if one is pane else "Maximise this pane")
        self.layout_changed.emit()

    def swap(self, one: int, other: int) -> None:
        """Swap what two panes show."""
        first, second = self.panes[one].model, self.panes[other].model
        a, b = ({**model.to_dict(), "class_index": model.class_index} for model in (first, second))
        first.update(**b)
        second.update(**a)

    def set_all(self, **changes: Any) -> None:
        """Set fields of all panes' models."""
        for pane in self.panes:
            pane.model.update(**changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that persist across restarts."""
        return {
            "layout": self._layout_name,
            "panes": [pane.model.to_dict() for pane in self.panes],
            "sizes": [
                bytes(splitter.saveState().toBase64().data()).decode() for splitter in (self._columns, *self._rows)
            ],
        }

    def restore(self, fields: Mapping[str, Any]) -> None:
        """Restore the result of `to_dict`; invalid fields are ignored."""
        name = fields.get("layout")
        if isinstance(name, str):
            self.set_layout_name(name)
        panes, sizes = fields.get("panes"), fields.get("sizes")
        if isinstance(panes, list):
            for pane, one in zip(self.panes, panes, strict=False):
                if isinstance(one, dict):
                    pane.model.restore(one)
        if isinstance(sizes, list):
            for splitter, text in zip((self._columns, *self._rows), sizes, strict=False):
                if isinstance(text, str):
                    splitter.restoreState(QByteArray.fromBase64(text.encode()))

    def _arrange(self) -> None:
        for pane in self.panes:
            pane.setParent(self)
            pane.hide()
        for row in self._rows:
            row.setParent(None)
            row.deleteLater()
        self._rows = []
        index = 0
        for count in LAYOUTS[self._layout_name]:
            row = _Row()
            for pane in self.panes[index : index + count]:
                row.addWidget(pane)
                pane.show()
            row.setSizes([1000] * count)
            self._columns.addWidget(row)
            self._rows.append(row)
            index += count
        self._columns.setSizes([1000] * len(self._rows))
        # All rows share their column widths, whichever row's handle is moved.
        for row in self._rows:
            row.widths_changed.connect(self._on_widths)

    def _on_widths(self, widths: list[int]) -> None:
        for row in self._rows:
            if row.count() == len(widths) and row.sizes() != widths:
                row.setSizes(widths)

    def _on_colours_everywhere(self, palette: str, opacity: float) -> None:
        self.set_all(palette=palette, opacity=opacity)


class _Row(QSplitter):
    """Panes side by side.

    Signals:
        widths_changed: A handle was moved; the new widths in pixels.
    """

    widths_changed = Signal(list)

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setChildrenCollapsible(False)
        self.splitterMoved.connect(self._on_moved)

    def _on_moved(self) -> None:
        self.widths_changed.emit(self.sizes())
