"""The delegate of the runs list: a tick box in the colour of the run's curves, its name and its result."""

from __future__ import annotations

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QObject,
    QPointF,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import font, number_font, px, tokens
from s3n_gui.widgets.model_index import AnyIndex

_TICK_ROOM = 30


class RunDelegate(QStyledItemDelegate):
    """Paints two lines and a tick box; the shown run has no box, since its curves are always drawn."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of two lines."""
        return QSize(px(160), px(48))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw a row."""
        now = tokens()
        area = QRectF(option.rect)
        state = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if state & QStyle.StateFlag.State_Selected:
            painter.setBrush(QColor(now.selection))
            painter.drawRoundedRect(area.adjusted(0, 1, 0, -1), 6, 6)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setBrush(QColor(now.hover))
            painter.drawRoundedRect(area.adjusted(0, 1, 0, -1), 6, 6)
        ticked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        shown = not index.flags() & Qt.ItemFlag.ItemIsUserCheckable
        colour = index.data(Qt.ItemDataRole.DecorationRole) or QColor(now.accent)
        box = QRectF(area.left() + 9, area.center().y() - 7, 14, 14)
        self._draw_tick(painter, box, colour, ticked=ticked, shown=shown)
        name, _, facts = str(index.data()).partition("\n")
        text = area.adjusted(_TICK_ROOM + 2, 5, -6, -5)
        painter.setPen(QColor(now.text))
        painter.setFont(font("body", semibold=shown))
        upper = text.adjusted(0, 0, 0, -text.height() / 2)
        flags = int(Qt.AlignmentFlag.AlignVCenter)
        painter.drawText(upper, flags, elided_name(name, painter.fontMetrics(), text.width()))
        painter.setPen(QColor(now.quiet))
        painter.setFont(number_font("caption"))
        lower = text.adjusted(0, text.height() / 2, 0, 0)
        painter.drawText(
            lower, flags, painter.fontMetrics().elidedText(facts, Qt.TextElideMode.ElideRight, int(text.width()))
        )
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        """Toggle the tick box on a click or Space."""
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            asked = event.position().x() < option.rect.left() + _TICK_ROOM
        else:
            asked = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Space
        if not asked or not index.flags() & Qt.ItemFlag.ItemIsUserCheckable:
            return False
        ticked = index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        following = Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked
        return model.setData(model.index(index.row(), 0), following, Qt.ItemDataRole.CheckStateRole)

    def _draw_tick(self, painter: QPainter, box: QRectF, colour: QColor, *, ticked: bool, shown: bool) -> None:
        now = tokens()
        if shown:
            painter.setBrush(QColor(now.accent))
            painter.drawEllipse(box.adjusted(3, 3, -3, -3))
            return
        painter.setPen(QPen(colour if ticked else QColor(now.strong_border), 1))
        painter.setBrush(colour if ticked else QColor(now.card))
        painter.drawRoundedRect(box, 4, 4)
        if ticked:
            painter.setPen(QPen(QColor("#FFFFFF"), 1.6))
            x, y = box.left(), box.top()
            painter.drawPolyline(
                QPolygonF([QPointF(x + 3.5, y + 7.5), QPointF(x + 6, y + 10), QPointF(x + 10.5, y + 4.5)])
            )
