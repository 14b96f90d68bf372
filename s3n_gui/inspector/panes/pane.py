"""One pane: title, image with map and marks, and below it the colour bar or the key. A pure view of the state."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from s3n_core.datasets.records import Annotation
from s3n_core.inspection.contribution_rows import NEAR_PEAK
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.map_display import palette_colours
from s3n_core.inspection.number_text import magnification_text, number_text, signed_text
from s3n_core.inspection.palettes import DIVERGING
from s3n_core.inspection.view import view_labels
from s3n_gui.appearance.theme import px, theme
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.panes.pane_content import (
    PaneContent,
    from_plane,
    grid_lines,
    peak_marks,
    resolve,
    resolve_contributions,
    seen_rect,
    to_plane,
    value_at,
)
from s3n_gui.inspector.panes.pane_footer import PaneFooter
from s3n_gui.inspector.panes.pane_head import PaneHead
from s3n_gui.inspector.panes.pane_images import PaneImages, PictureName
from s3n_gui.inspector.panes.pane_kinds import KIND_TEXTS, plane_of
from s3n_gui.inspector.panes.pane_model import Cameras, PaneModel
from s3n_gui.inspector.panes.pane_requests import PaneRequests
from s3n_gui.inspector.panes.pane_title import PANE_MIME
from s3n_gui.inspector.symbols import plain_symbol
from s3n_gui.widgets.images.camera import Camera
from s3n_gui.widgets.images.image_view import ImageView
from s3n_gui.widgets.images.marks import Marks, PlaceMark

_MOST_OBLONG = (1 / 8, 8.0)
"""The limits of a pane's aspect ratio; still narrower or wider images get bars."""
_ROUNDING = 2
_NOTE_MARGIN = 6
_BORDER = 1


class Pane(QFrame):
    """One view of the inspected image.

    Signals:
        enlarge_requested: Maximise this pane (the argument), or restore the grid.
        swap_requested: The index of the pane that was dropped here, and this pane's index.
        colours_wanted_everywhere: Apply this pane's palette and opacity to all panes.
    """

    enlarge_requested = Signal(object)
    swap_requested = Signal(int, int)
    colours_wanted_everywhere = Signal(str, float)

    def __init__(
        self,
        index: int,
        model: PaneModel,
        state: InspectionState,
        cameras: Cameras,
        pictures: PaneImages,
        requests: PaneRequests,
        parent: QWidget | None = None,
        *,
        editable: bool = True,
    ) -> None:
        super().__init__(parent)
        self.index, self.model, self._editable = index, model, editable
        self._state, self._cameras, self._pictures, self._requests = state, cameras, pictures, requests
        self._content: PaneContent | None = None
        self.setProperty("role", "card")
        self.setAcceptDrops(True)
        self.head = PaneHead(index, model, state)
        self.title, self.enlarge_button = self.head.title, self.head.enlarge_button
        self.view = ImageView()
        self.view.setAccessibleName("Image")
        self._room = _ImageRoom(self.view)
        self.note = QLabel(self.view)
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setProperty("role", "on-image")
        self.note.setWordWrap(True)
        self.footer = PaneFooter()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_BORDER, _BORDER, _BORDER, _BORDER)
        layout.setSpacing(0)
        layout.addWidget(self.head)
        layout.addWidget(self._room, 1)
        layout.addWidget(self.footer)
        self._connect()
        self._show_kind()

    def _connect(self) -> None:
        view, state = self.view, self._state
        self.head.enlarge_requested.connect(self._on_enlarge)
        self.head.colours_wanted_everywhere.connect(self._on_colours_everywhere)
        view.enlarge_requested.connect(self._on_enlarge)
        view.hovered.connect(self._on_hovered)
        view.left.connect(self._on_left)
        view.camera_changed.connect(self._on_camera)
        view.pressed.connect(self._on_pressed)
        view.peak_pressed.connect(self._on_peak_pressed)
        view.peak_dragged.connect(self._on_peak_dragged)
        view.peak_dropped.connect(self._requests.peak_dropped)
        view.peak_menu_requested.connect(self._requests.peak_menu_requested)
        view.place_menu_requested.connect(self._on_place_menu)
        self.model.changed.connect(self._show_kind)
        self._cameras.changed.connect(self._follow_camera)
        state.evidence_changed.connect(self.show_evidence)
        state.original_held.connect(self.show_evidence)
        state.selection_changed.connect(self._show_marks)
        state.outline_changed.connect(self._show_marks)
        state.parts_changed.connect(self._show_marks)
        state.annotation_changed.connect(self.show_evidence)
        state.scores_changed.connect(self._show_contributions)
        state.why.changed.connect(self._show_contributions)
        state.symbols.changed.connect(self._show_kind)
        state.cursor_changed.connect(self._show_cursor)
        theme().changed.connect(view.viewport().update)
        theme().changed.connect(self._show_marks)  # parts have other colours

    # Shape

    @property
    def aspect(self) -> float:
        """Width over height of the image that the pane shows."""
        inspection = self._state.evidence
        if inspection is None:
            return 4 / 3
        if plane_of(self.model.kind) == "original":
            width, height = inspection.response.image_size
            return float(min(max(width / height, _MOST_OBLONG[0]), _MOST_OBLONG[1]))
        seen = seen_rect(inspection)
        return float(min(max(seen.width() / seen.height(), _MOST_OBLONG[0]), _MOST_OBLONG[1]))

    @property
    def chrome(self) -> QSize:
        """The width and height that the pane needs besides its image, in pixels."""
        height = self.head.sizeHint().height() + self.footer.sizeHint().height()
        return QSize(2 * _BORDER, height + 2 * _BORDER)

    # From the state to the screen

    def show_evidence(self) -> None:
        """Show the state; a hidden pane waits until it is shown."""
        if not self.isVisible():
            return
        inspection, model = self._state.evidence, self.model
        if inspection is None:
            self._content = None
            self.view.set_picture(None, QRectF())
            self.view.set_marks(Marks())
            self.footer.show_nothing()
            self.note.hide()
            return
        if model.kind == "contributions":
            content = resolve_contributions(inspection, self._state.why, self._content)
        else:
            content = resolve(model.kind, inspection, model.class_name, self._content)
        self._content = content
        self.title.show_kind(model.kind, content.class_name)
        held = self._state.holds_original
        held_name: PictureName = "colour" if content.plane == "original" else "seen"
        name: PictureName = held_name if held else content.base
        table = palette_colours(DIVERGING if content.kind == "contributions" else model.palette)
        self._room.show_shape(self.aspect, zoomed=not self._cameras.of(content.plane).fits)
        self.view.set_camera(self._cameras.of(content.plane))
        self.view.set_picture(self._pictures.of(inspection, name), content.rect)
        self.view.set_map(None if held else content.shares, content.map_rect, table)
        self.view.set_map_opacity(model.opacity)
        self.view.set_peaks_draggable(
            self._editable and content.plane == "original" and inspection.response.attention == "sparse"
        )
        self.footer.show_content(inspection, content, table, self._annotation())
        self.note.setText(content.note)
        self.note.setVisible(bool(content.note))
        self._place_note()
        if content.kind == "contributions":
            if self._state.why.is_missing:
                self._requests.contributions_missing.emit()
        elif content.missing is not None:
            self._requests.class_map_missing.emit(content.missing)
        self._show_marks()
        self._show_cursor()

    def _show_contributions(self) -> None:
        if self.model.kind == "contributions":
            self.show_evidence()

    def _place_note(self) -> None:
        """Let a long note use as many lines as the image's width needs."""
        if not self.note.text():
            return
        room = max(self.view.width() - 2 * _NOTE_MARGIN, px(60))
        width = min(self.note.fontMetrics().horizontalAdvance(self.note.text()) + px(20), room)
        self.note.setGeometry(_NOTE_MARGIN, _NOTE_MARGIN, width, max(self.note.heightForWidth(width), px(20)))

    def _show_kind(self) -> None:
        words = KIND_TEXTS[self.model.kind]
        self.title.show_kind(self.model.kind)
        symbol = f" ({plain_symbol(words.symbol)})" if self._state.symbols.shown and words.symbol else ""
        self.view.setAccessibleName(f"{words.title}{symbol}")
        self.view.setAccessibleDescription(words.tip)
        self.show_evidence()

    def _show_marks(self) -> None:
        inspection, content = self._state.evidence, self._content
        if inspection is None or content is None:
            return
        if self._state.holds_original:
            self.view.set_marks(Marks())
            return
        seen = seen_rect(inspection)
        sees_all = content.plane != "original" or inspection.response.sees_all
        model, annotation = self.model, self._annotation()
        drawn = annotation if model.annotations and content.plane == "original" else Annotation()
        box = drawn.box
        peaks = peak_marks(inspection, content.plane, self._state.selected, drawn, self._state.part_of)
        self.view.set_marks(
            Marks(
                peaks=peaks if model.peaks else tuple(peak for peak in peaks if peak.selected),
                lines=grid_lines(inspection, model.kind) if model.grid else (),
                seen=None if sees_all else seen,
                whole=content.rect,
                places=self._outlined(content),
                labels=view_labels(inspection.response.view_share) if content.kind == "peaks" else (),
                box=None if box is None else QRectF(box.x, box.y, box.width, box.height),
                parts=tuple((part.x, part.y) for part in drawn.parts),
            )
        )

    def _outlined(self, content: PaneContent) -> tuple[PlaceMark, ...]:
        """Return the hidden place, in panes of the original; over contributions, what the selected peak's row sums."""
        outline, peak = self._state.outline, self._state.selected_peak
        if content.contributions is not None and peak is not None:
            reach = NEAR_PEAK * max(content.contributions.contributions.image_size)
            return (PlaceMark(rect=QRectF(peak.x - reach, peak.y - reach, 2 * reach, 2 * reach), round=True),)
        if outline is None or content.plane != "original":
            return ()
        (x, y), half = outline.place, outline.size / 2
        return (PlaceMark(rect=QRectF(x - half, y - half, outline.size, outline.size), round=outline.shape == "disc"),)

    def _annotation(self) -> Annotation:
        """Return the box and the key points of the image that is shown, which may still be the last one."""
        return self._state.annotation if self._state.is_current else Annotation()

    def _show_cursor(self) -> None:
        inspection, content, place = self._state.evidence, self._content, self._state.cursor
        if inspection is None or content is None or place is None:
            self.view.set_cursor_mark(None)
            self.view.set_readout("")
            self.footer.show_value(None)
            return
        here = to_plane(inspection, content.plane, place)
        self.view.set_cursor_mark(None if here is None else QPointF(*here))
        value = value_at(inspection, content, place)
        self.footer.show_value(value)
        self.view.set_readout(self._readout(inspection, content, place, value, shown=here is not None))

    def _readout(
        self,
        inspection: Inspection,
        content: PaneContent,
        place: tuple[float, float],
        value: float | None,
        *,
        shown: bool,
    ) -> str:
        if not shown:
            return "left out" if content.plane != "original" else ""
        if content.plane != "original":
            times = inspection.magnification_at(content.plane, *place)
            return "" if times is None else f"× {magnification_text(times)}"
        if content.kind == "peaks":
            return f"{place[0]:.0f}, {place[1]:.0f} px"
        if value is None:
            return ""
        if content.kind == "contributions":
            return f"{signed_text(value)} logits / 1 %"
        return f"× {magnification_text(value)}" if content.kind.startswith("magnified") else number_text(value)

    def _follow_camera(self, plane: str) -> None:
        if plane == plane_of(self.model.kind):
            camera = self._cameras.of(plane_of(self.model.kind))
            self._room.show_shape(self.aspect, zoomed=not camera.fits)
            self.view.set_camera(camera)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Let the note use the new width."""
        super().resizeEvent(event)
        self._place_note()

    def showEvent(self, event: QShowEvent) -> None:
        """Show the current state."""
        super().showEvent(event)
        self.show_evidence()

    # From the user to the state

    def _on_hovered(self, place: QPointF) -> None:
        inspection, content = self._state.evidence, self._content
        if inspection is not None and content is not None:
            self._state.point_at(from_plane(inspection, content.plane, (place.x(), place.y())))

    def _on_left(self) -> None:
        self._state.point_at(None)

    def _on_camera(self, camera: Camera) -> None:
        self._cameras.look(plane_of(self.model.kind), camera)

    def _on_enlarge(self) -> None:
        self.enlarge_requested.emit(self)

    def _on_colours_everywhere(self) -> None:
        self.colours_wanted_everywhere.emit(self.model.palette, self.model.opacity)

    def _on_pressed(self) -> None:
        self._state.select(None)

    def _on_peak_pressed(self, key: tuple[int, int]) -> None:
        self._state.select(key)

    def _on_place_menu(self, place: QPointF, screen: QPoint) -> None:
        inspection, content = self._state.evidence, self._content
        if inspection is None or content is None or not self._editable:
            return
        original = from_plane(inspection, content.plane, (place.x(), place.y()))
        if original is not None:
            self._requests.place_menu_requested.emit(original, screen)

    def _on_peak_dragged(self, key: tuple[int, int], place: QPointF) -> None:
        self._requests.peak_dragged.emit(key, (place.x(), place.y()))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Accept panes only."""
        if event.mimeData().hasFormat(PANE_MIME):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Swap places with the dropped pane."""
        other = int(bytes(event.mimeData().data(PANE_MIME).data()))
        if other != self.index:
            self.swap_requested.emit(other, self.index)
        event.acceptProposedAction()


class _ImageRoom(QWidget):
    """Holds the view in the shape of its image, so that there are no bars beside it; a zoomed view fills the room."""

    def __init__(self, view: ImageView) -> None:
        super().__init__()
        self._view, self._aspect, self._zoomed = view, 4 / 3, False
        view.setParent(self)

    def show_shape(self, aspect: float, *, zoomed: bool) -> None:
        """Set width over height of the image, and whether it is zoomed."""
        if (aspect, zoomed) != (self._aspect, self._zoomed):
            self._aspect, self._zoomed = aspect, zoomed
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        room = self.rect()
        if not self._zoomed and room.height() > 0:
            width = min(room.width(), round(room.height() * self._aspect))
            height = min(room.height(), round(width / self._aspect))
            # A pane of the image's own shape is filled, whatever the rounding of whole pixels.
            width = room.width() if room.width() - width <= _ROUNDING else width
            height = room.height() if room.height() - height <= _ROUNDING else height
            room = QRect((room.width() - width) // 2, (room.height() - height) // 2, width, height)
        self._view.setGeometry(room)
