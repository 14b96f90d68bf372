"""The scores of O, D, C and the joint head side by side: bars in the branches' colours, with the baseline."""

from __future__ import annotations

from PySide6.QtCore import QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.inspection.number_text import probability_text, signed_decimals
from s3n_gui.appearance.theme import branch_colour, font, number_font, px, theme, tokens
from s3n_gui.appearance.tokens import Branch
from s3n_gui.inspector.scores.score_rows import ANSWERS, ScoreCell, ScoreRow
from s3n_gui.inspector.symbols import draw_branch_mark

_TITLES: dict[Branch, str] = {"O": "O", "D": "D", "C": "C", "joint": "Joint"}
_TIPS = (
    "Each branch's probability for each class (%).\n"
    "O reads the whole image, D enlarges strong evidence, C enlarges supporting evidence; Joint combines them.\n"
    "The thin line in a bar and the small number show the value before your change. "
    "Click a class to see its map; right-click it to ask why."
)
BESIDE = 6
"""Pixels at both sides of the text, for the background of a row and the frame of the one that the keys have reached."""
_ROWS, _FEWEST_ROWS = 6, 2


class ScoreTable(QWidget):
    """The score table; it shows as many classes as fit.

    Signals:
        class_chosen: The index of a class whose map the user wants to see.
        class_menu_requested: The index of a class whose menu is to open, and a screen position.
        fitting_changed: Another number of rows fits.
    """

    class_chosen = Signal(int)
    class_menu_requested = Signal(int, object)
    fitting_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[ScoreRow, ...] = ()
        self._answers: tuple[Branch, ...] = ANSWERS
        self._stale = False
        self._marked: int | None = None
        self._hovered = -1
        self._at = 0  # the row that the keys have reached
        self._fitting = _ROWS
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setToolTip(_TIPS)
        self.setAccessibleName("Scores of the branches")
        theme().changed.connect(self._on_theme_changed)

    @property
    def is_stale(self) -> bool:
        """Whether the scores are older than what the panes show, and so grey."""
        return self._stale

    @property
    def fitting(self) -> int:
        """How many rows fit; what does not fit cannot be chosen."""
        return self._fitting

    @property
    def shown(self) -> tuple[ScoreRow, ...]:
        """The rows that are drawn."""
        return self._rows[: self._fitting]

    @property
    def reached(self) -> int:
        """The number of the row that the keys have reached, the last one where fewer are drawn; -1 without rows."""
        return min(self._at, len(self.shown) - 1)

    def show_rows(self, rows: tuple[ScoreRow, ...], *, stale: bool) -> None:
        """Show rows; if stale, in grey except for O, which does not depend on the peaks."""
        self._rows, self._stale = rows, stale
        if rows:
            self._answers = tuple(name for name in ANSWERS if name in rows[0].cells)
        self._describe()
        self.update()

    def mark_class(self, index: int | None) -> None:
        """Mark the class whose map is shown."""
        if index != self._marked:
            self._marked = index
            self.update()

    def sizeHint(self) -> QSize:
        """The size that shows everything."""
        return QSize(px(280) + 2 * BESIDE, self._head() + _ROWS * self._row_height())

    def minimumSizeHint(self) -> QSize:
        """The smallest size that is still readable."""
        return QSize(px(220) + 2 * BESIDE, self._head() + _FEWEST_ROWS * self._row_height())

    def _head(self) -> int:
        return px(22)

    def _row_height(self) -> int:
        return px(39)

    def _on_theme_changed(self) -> None:
        self._fit()
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Count the rows that fit."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        fitting = min(max((self.height() - self._head()) // self._row_height(), 1), _ROWS)
        if fitting != self._fitting:
            self._fitting = fitting
            self._hover(self._hovered)
            self._describe()
            self.fitting_changed.emit()

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the table."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        column = (self.width() - 2 * BESIDE) / len(self._answers)
        painter.setFont(font("caption", semibold=True))
        metrics = painter.fontMetrics()
        for place, answer in enumerate(self._answers):
            x = BESIDE + place * column
            draw_branch_mark(painter, QPointF(x + px(5), self._head() / 2 - 1), answer, px(8))
            painter.setPen(QColor(tokens().text))
            baseline = self._head() / 2 - 1 + (metrics.ascent() - metrics.descent()) / 2
            painter.drawText(QPointF(x + px(14), baseline), _TITLES[answer])
        for number, row in enumerate(self.shown):
            self._paint_row(painter, number, row, column)
        painter.end()

    def _paint_row(self, painter: QPainter, number: int, row: ScoreRow, column: float) -> None:
        colours, top = tokens(), self._head() + number * self._row_height()
        box = QRectF(0, top, self.width(), self._row_height() - 1)
        if number == self._hovered or row.index == self._marked:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.selection if row.index == self._marked else colours.hover))
            painter.drawRoundedRect(box, 4, 4)
        if number == self.reached and self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(1, 1, -1, -1), 4, 4)
        first = number == 0
        painter.setFont(font("caption", semibold=first))
        metrics = painter.fontMetrics()
        baseline = top + px(2) + metrics.ascent()
        x = float(BESIDE)
        if row.true:
            painter.setPen(QColor(colours.good_text))
            painter.drawText(QPointF(x, baseline), "✓")
            x += metrics.horizontalAdvance("✓") + px(4)
        painter.setPen(QColor(colours.text))
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight, int(self.width() - BESIDE - x))
        painter.drawText(QPointF(x, baseline), name)
        for place, answer in enumerate(self._answers):
            stale = self._stale and answer != "O"
            cell = QRectF(BESIDE + place * column, top + px(16), column - px(8), px(18))
            self._paint_cell(painter, cell, answer, row.cells[answer], stale)

    def _paint_cell(self, painter: QPainter, box: QRectF, answer: Branch, cell: ScoreCell, stale: bool) -> None:
        colours = tokens()
        painter.setOpacity(0.38 if stale else 1.0)
        painter.setFont(number_font("caption", semibold=cell.first))
        metrics = painter.fontMetrics()
        text = probability_text(cell.now).removesuffix(" %")
        painter.setPen(QColor(colours.text if cell.first else colours.quiet))
        baseline = box.top() + metrics.ascent()
        painter.drawText(QPointF(box.left(), baseline), text)
        bar = QRectF(box.left(), box.bottom() - px(4), box.width(), px(4))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.pressed))
        painter.drawRoundedRect(bar, 1.5, 1.5)
        painter.setBrush(QColor(colours.quiet) if stale else branch_colour(answer))
        painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(bar.width() * cell.now, 1.5), bar.height()), 1.5, 1.5)
        if cell.before is not None and not stale and abs(cell.now - cell.before) >= 0.0005:
            change = signed_decimals(100 * (cell.now - cell.before), 1)
            x = box.left() + metrics.horizontalAdvance(text) + px(4)
            painter.setFont(number_font("caption"))
            if x + painter.fontMetrics().horizontalAdvance(change) <= box.right() + px(6):
                painter.setPen(QColor(colours.quiet))
                painter.drawText(QPointF(x, baseline), change)
            mark = bar.left() + bar.width() * cell.before
            painter.fillRect(QRectF(mark - 0.75, bar.top() - 2, 1.5, bar.height() + 4), QColor(colours.text))
        painter.setOpacity(1.0)

    # User input

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Highlight the row under the mouse."""
        self._hover(int((event.position().y() - self._head()) // self._row_height()))

    def leaveEvent(self, event: object) -> None:
        """Remove the highlight."""
        self._hover(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the class under the mouse."""
        if event.button() == Qt.MouseButton.LeftButton and 0 <= self._hovered < len(self.shown):
            self._reach(self._hovered)
            self._choose()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Open the menu of the class under the mouse, or of the one that the keys have reached."""
        number, place = self._hovered, event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            number = self.reached
            place = self.mapToGlobal(QPoint(BESIDE, self._head() + (number + 1) * self._row_height()))
        if 0 <= number < len(self.shown):
            self.class_menu_requested.emit(self.shown[number].index, place)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrow keys; Enter chooses the class."""
        if event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._reach(self.reached + (1 if event.key() == Qt.Key.Key_Down else -1))
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._choose()
        else:
            super().keyPressEvent(event)

    def _hover(self, number: int) -> None:
        number = number if 0 <= number < len(self.shown) else -1
        if number != self._hovered:
            self._hovered = number
            self.update()

    def _reach(self, number: int) -> None:
        self._at = min(max(number, 0), max(len(self.shown) - 1, 0))
        self._describe()
        self.update()

    def _describe(self) -> None:
        said = ""
        if self.shown:
            row = self.shown[self.reached]
            cells = (f"{_TITLES[answer]} {probability_text(cell.now)}" for answer, cell in row.cells.items())
            said = f"{row.name}: {', '.join(cells)}"
        self.setAccessibleDescription(said)

    def _choose(self) -> None:
        if self.shown:
            self.class_chosen.emit(self.shown[self.reached].index)
