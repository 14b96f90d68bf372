"""The panes and their arrangement: each takes the shape of its image, and one can be maximised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.arrangement import Frame, Rows, automatic, in_rows
from s3n_gui.inspector.panes.pane import Pane
from s3n_gui.inspector.panes.pane_images import PaneImages
from s3n_gui.inspector.panes.pane_kinds import Kind
from s3n_gui.inspector.panes.pane_model import Cameras, PaneModel
from s3n_gui.inspector.panes.pane_requests import PaneRequests

FIRST_KINDS: tuple[Kind, ...] = ("peaks", "response", "map_d", "image_d", "map_c", "image_c")
AUTOMATIC = "Automatic"
LAYOUTS: dict[str, Rows] = {
    AUTOMATIC: (),
    "Two rows of three": ((0, 2, 3), (1, 4, 5)),
    "Three rows of two": ((0, 1), (2, 3), (4, 5)),
    "Two rows of two": ((0, 1), (2, 3)),
    "One row of three": ((0, 1, 2),),
    "Side by side": ((0, 1),),
}
"""The panes of each row, by layout name; the automatic layout finds the rows with the largest images."""

_GAP = 8
_LEAST_WIDTH = 106
"""The least width of a pane in pixels at normal text size, for its buttons."""
_VERSION = 2
_FIRST_OF_OLD = ("peaks", "response", "map_d", "image_d", "image_c", "map_c")
"""The panes of the first layout of version 1, whose second row did not lead from map to image."""


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
        layout_name: str = AUTOMATIC,
        models: Sequence[PaneModel] = (),
        editable: bool = True,
    ) -> None:
        super().__init__(parent)
        self._pictures = PaneImages()
        self._alone: Pane | None = None
        self._layout_name = layout_name
        self._state, self._cameras, self._requests, self._editable = state, cameras, requests, editable
        self._models = tuple(models) or tuple(PaneModel(kind, self) for kind in kinds)
        self.panes: tuple[Pane, ...] = ()
        self._least = QSize()
        state.evidence_changed.connect(self._place)
        theme().changed.connect(self._on_theme_changed)
        self._on_theme_changed()

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
        pane.model.changed.connect(self._place)
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
        self._arrange()
        self.layout_changed.emit()

    def swap(self, one: int, other: int) -> None:
        """Swap what two panes show."""
        first, second = self.panes[one].model, self.panes[other].model
        a, b = ({**model.to_dict(), "class_name": model.class_name} for model in (first, second))
        first.update(**b)
        second.update(**a)

    def set_all(self, **changes: Any) -> None:
        """Set fields of all panes' models."""
        for pane in self.panes:
            pane.model.update(**changes)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that persist across restarts."""
        panes = [pane.model.to_dict() for pane in self.panes]
        return {"version": _VERSION, "layout": self._layout_name, "panes": panes}

    def restore(self, fields: Mapping[str, Any]) -> None:
        """Restore the result of `to_dict`; invalid fields are ignored."""
        name, panes = fields.get("layout"), fields.get("panes")
        panes = [one if isinstance(one, dict) else {} for one in panes] if isinstance(panes, list) else []
        if fields.get("version") != _VERSION and tuple(one.get("kind") for one in panes) == _FIRST_OF_OLD:
            name = AUTOMATIC if name == "Two rows of three" else name
            panes = [*panes[:4], *panes[:3:-1]]
        if isinstance(name, str):
            self.set_layout_name(name)
        for pane, one in zip(self.panes, panes, strict=False):
            pane.model.restore(one)

    def minimumSizeHint(self) -> QSize:
        """Return the size at which images are still recognisable."""
        return self._least

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Arrange the panes in the new size."""
        super().resizeEvent(event)
        self._place()

    def _arrange(self) -> None:
        """Show the panes of the layout, or the maximised one."""
        rows = LAYOUTS[self._layout_name]
        shown = {index for row in rows for index in row} or set(range(len(self.panes)))
        self._place()
        for pane in self.panes:
            alone = pane is self._alone
            pane.setVisible(alone or (self._alone is None and pane.index in shown))
            set_icon(pane.enlarge_button, "restore" if alone else "maximise")
            pane.enlarge_button.setAccessibleName("Show all panes" if alone else "Maximise this pane")

    def _place(self) -> None:
        if len(self.panes) < len(self._models):  # still being built
            return
        if self._alone is not None:
            self._alone.setGeometry(self.rect())
            return
        rows, aspects = LAYOUTS[self._layout_name], [pane.aspect for pane in self.panes]
        frame = Frame(chrome=self.panes[0].chrome, least_width=px(_LEAST_WIDTH), gap=_GAP)
        places = in_rows(rows, aspects, self.size(), frame) if rows else automatic(aspects, self.size(), frame)
        for index, place in places.items():
            self.panes[index].setGeometry(place)

    def _on_theme_changed(self) -> None:
        self._least = QSize(px(210), px(190))
        self.updateGeometry()
        self._place()

    def _on_colours_everywhere(self, palette: str, opacity: float) -> None:
        self.set_all(palette=palette, opacity=opacity)
