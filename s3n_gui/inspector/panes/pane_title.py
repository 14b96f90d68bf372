"""A pane's title, name and symbol: click to choose the kind, drag onto another pane to swap places."""

from __future__ import annotations

from PySide6.QtCore import QMimeData, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QDrag, QEnterEvent, QFontMetrics, QMouseEvent, QPainter, QPaintEvent
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
        self._symbols = False
        self._pressed_at: QPoint | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        theme().changed.connect(self._on_theme_changed)

    def show_kind(self, kind: Kind, addition: str = "") -> None:
        """Show the title of a kind; ``addition`` names its classes, if it has any."""
        self._kind, self._addition = kind, addition
        words = KIND_TEXTS[kind]
        symbol = f"({plain_symbol(words.symbol)})" if self._symbols and words.symbol else ""
        self.setAccessibleName(" ".join(filter(None, (words.title, symbol, addition))))
        tip = f"{words.tip}\nClick to show something else here; drag onto another pane to swap them."
        self.setToolTip(tip_text(f"{words.title}{': ' + addition if addition else ''}\n{tip}"))
        self.update()

    def show_symbols(self, shown: bool) -> None:
        """Write the symbol behind the title, or the title alone."""
        self._symbols = shown
        self.show_kind(self._kind, self._addition)

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
        plain = font("body")
        title, symbol = self._fitting()
        painter.setFont(font("body", semibold=True))
        metrics = painter.fontMetrics()
        baseline = box.center().y() + (metrics.ascent() - metrics.descent()) / 2
        if title:
            painter.setPen(QColor(colours.text))
            painter.drawText(QPointF(x, baseline), title)
            x += metrics.horizontalAdvance(title) + px(6)
        painter.setPen(QColor(colours.quiet))
        if symbol:
            x += draw_symbol(painter, x, baseline, symbol, plain) + px(5)
        if x + 8 <= box.right():
            middle = box.center().y() + 0.5
            arrow = [QPointF(x, middle - 1.5), QPointF(x + 3.5, middle + 2), QPointF(x + 7, middle - 1.5)]
            painter.drawPolyline(arrow)
        painter.end()

    @property
    def shown(self) -> str:
        """What is written at the present width: the title or a shorter name, and the symbol with ``_``."""
        return " ".join(filter(None, self._fitting()))

    def _fitting(self) -> tuple[str, str]:
        """Return the longest name, and the symbol if it is shown, that fit; a whole word is clearer than a cut one."""
        words = KIND_TEXTS[self._kind]
        metrics = QFontMetrics(font("body", semibold=True))
        room = self.width() - px(6) - (px(15) if words.branch else 0)
        arrow = px(14)
        symbol = words.symbol if self._symbols else ""
        names = [words.title, words.short, words.shortest]
        if self._addition:  # the class says more than the kind
            names = [f"{words.title}: {self._addition}", f"{words.short}: {self._addition}"]
        symbol_room = symbol_width(symbol, font("body")) + px(6) if symbol else 0
        for name in names:
            if metrics.horizontalAdvance(name) <= room - (arrow if symbol else 0) - symbol_room:
                return name, symbol  # without a symbol, a longer name is worth more than the arrow
        if symbol and not self._addition:
            return "", symbol
        kept = int(room - arrow - symbol_room) if self._addition else room
        return metrics.elidedText(names[-1], Qt.TextElideMode.ElideRight, kept), symbol

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
