"""A pane's title, name and symbol: click to choose the kind, drag onto another pane to swap places."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDrag, QEnterEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QSizePolicy, QWidget

from s3n_gui.appearance.theme import font, px, theme, tokens
from s3n_gui.appearance.tokens import CORNER_RADIUS
from s3n_gui.appearance.wording import tip_text
from s3n_gui.inspector.panes.pane_kinds import KIND_TEXTS, Kind
from s3n_gui.inspector.symbols import draw_branch_mark, draw_symbol, plain_symbol, symbol_width

PANE_MIME = "application/x-s3n-pane"


class PaneTitle(QAbstractButton):
    """The title of pane number ``index``.

    Signals:
        clicked: The user wants to choose what the pane shows (Qt's own signal).
        enlarge_requested: The title was double-clicked.
    """

    enlarge_requested = Signal()

    def __init__(self, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.index = index
        self._kind: Kind = "peaks"
        self._addition = ""
        self._pressed_at: QPoint | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme().changed.connect(self._on_theme_changed)

    def show_kind(self, kind: Kind, addition: str = "") -> None:
        """Show the title of a kind; ``addition`` is the class of a class map."""
        self._kind, self._addition = kind, addition
        words = KIND_TEXTS[kind]
        self.setAccessibleName(f"{words.title} ({plain_symbol(words.symbol)}) {addition}".strip())
        tip = f"{words.tip}\nClick to show something else here; drag onto another pane to swap them."
        self.setToolTip(tip_text(f"{words.title}{': ' + addition if addition else ''}\n{tip}"))
        self.update()

    def sizeHint(self) -> QSize:
        """The size that shows everything."""
        return QSize(px(120), px(26))

    def minimumSizeHint(self) -> QSize:
        """The smallest size that is still readable."""
        return QSize(px(40), px(26))

    def _on_theme_changed(self) -> None:
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the title."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, words = tokens(), KIND_TEXTS[self._kind]
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        if self.underMouse() or self.hasFocus():
            painter.setPen(QColor(colours.accent) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.hover))
            painter.drawRoundedRect(box, CORNER_RADIUS, CORNER_RADIUS)
        x = float(px(6))
        if words.branch:
            draw_branch_mark(painter, QPointF(x + px(5), box.center().y()), words.branch, px(9))
            x += px(15)
        bold, plain = font("body", semibold=True), font("body")
        painter.setFont(bold)
        metrics = painter.fontMetrics()
        baseline = box.center().y() + (metrics.ascent() - metrics.descent()) / 2
        arrow_room = px(14)
        symbol_room = symbol_width(words.symbol, plain) + px(6)
        room = box.right() - x - arrow_room - symbol_room
        title = words.title
        if metrics.horizontalAdvance(title) > room or (self._addition and room < px(190)):
            title = words.short
        if self._addition:
            title = f"{title}: {self._addition}"
        shows_symbol = room > px(40)
        if metrics.horizontalAdvance(title) > room and not self._addition:
            # A whole word without the symbol, or the symbol alone: both are clearer than a truncated word.
            shows_symbol = metrics.horizontalAdvance(title) > room + symbol_room
            title = "" if shows_symbol else title
        room += 0 if shows_symbol else symbol_room
        if title:
            title = metrics.elidedText(title, Qt.TextElideMode.ElideRight, int(room))
            painter.setPen(QColor(colours.text))
            painter.drawText(QPointF(x, baseline), title)
            x += metrics.horizontalAdvance(title) + px(6)
        painter.setPen(QColor(colours.quiet))
        if shows_symbol:
            x += draw_symbol(painter, x, baseline, words.symbol, plain) + px(5)
        middle = box.center().y() + 0.5
        painter.drawPolyline([QPointF(x, middle - 1.5), QPointF(x + 3.5, middle + 2), QPointF(x + 7, middle - 1.5)])
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Start a possible drag."""
        self._pressed_at = event.position().toPoint()
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Start dragging once the mouse has moved far enough."""
        start = self._pressed_at
        far = QApplication.startDragDistance()
        if start is not None and (event.position().toPoint() - start).manhattanLength() >= far:
            self._pressed_at = None
            self.setDown(False)
            self._drag()
            return
        super().mouseMoveEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Request to maximise this pane or restore the grid."""
        self.enlarge_requested.emit()

    def enterEvent(self, event: QEnterEvent) -> None:
        """Highlight the title while the mouse is over it."""
        super().enterEvent(event)
        self.update()

    def _drag(self) -> None:
        mime = QMimeData()
        mime.setData(PANE_MIME, str(self.index).encode())
        drag = QDrag(self)
        drag.setMimeData(mime)
        drag.setPixmap(self.grab())
        drag.exec(Qt.DropAction.MoveAction)
