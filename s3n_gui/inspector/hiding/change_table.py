"""The table of what each branch says with and without the hidden place."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.number_text import probability_text, signed_text
from s3n_gui.appearance.theme import font, number_font, px, theme, tokens
from s3n_gui.appearance.tokens import Branch
from s3n_gui.inspector.symbols import draw_branch_mark

_ORDER: tuple[Branch, ...] = ("joint", "O", "D", "C")
_HEADERS = ("", "Probability", "Margin", "Stronger than")
_TIP = (
    "Each branch's probability of the class before and after, the change of its logit margin (its logit minus the "
    "largest other one), and how many random places lower the margin less."
)


class ChangeTable(QWidget):
    """One row per branch, painted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: tuple[tuple[Branch, tuple[str, str, str]], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Change by branch")
        self.setToolTip(_TIP)
        theme().changed.connect(self._on_theme_changed)

    @property
    def rows(self) -> tuple[tuple[Branch, tuple[str, str, str]], ...]:
        """The shown texts by branch: probabilities, change of the margin, rank."""
        return self._rows

    def show_place(self, hidden: HiddenPlace | None, index: int) -> None:
        """Show what hiding a place does to a class."""
        rows = []
        for branch in _ORDER:
            if hidden is None or branch not in hidden.logits:
                continue
            probability, margin = hidden.probability(index, branch), hidden.margin(index, branch)
            # One "%" for both numbers, and no sign for "not certain": the column is narrow.
            before, after = (
                probability_text(value).removesuffix(" %") for value in (probability.before, probability.after)
            )
            rows.append(
                (
                    branch,
                    (
                        f"{before} → {after} %",
                        signed_text(margin.change),
                        f"{margin.stronger_than} of {len(margin.controls)}",
                    ),
                )
            )
        self._rows = tuple(rows)
        self.setAccessibleDescription("; ".join(f"{branch}: {', '.join(texts)}" for branch, texts in rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of all rows."""
        return QSize(px(260), px(20) * (1 + len(self._rows)))

    def _on_theme_changed(self) -> None:
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the table."""
        if not self._rows:
            return
        painter = QPainter(self)
        row_height, width = px(20), self.width()
        # The right edges of the columns; the first is left-aligned.
        edges = (0.0, 0.52 * width, 0.7 * width, float(width))
        painter.setFont(font("caption"))
        painter.setPen(QColor(tokens().quiet))
        for text, left, right in zip(_HEADERS, (0.0, *edges[:-1]), edges, strict=True):
            painter.drawText(QRectF(left, 0, right - left, row_height), _RIGHT, text)
        for number, (branch, texts) in enumerate(self._rows, 1):
            top = number * row_height
            draw_branch_mark(painter, QPointF(px(5), top + row_height / 2), branch, px(8))
            painter.setPen(QColor(tokens().text))
            painter.setFont(font("caption", semibold=number == 1))
            name = "Joint" if branch == "joint" else branch
            painter.drawText(QRectF(px(14), top, px(40), row_height), Qt.AlignmentFlag.AlignVCenter, name)
            painter.setFont(number_font("caption", semibold=number == 1))
            for text, left, right in zip(texts, edges[:-1], edges[1:], strict=True):
                painter.drawText(QRectF(left, top, right - left, row_height), _RIGHT, text)
        painter.end()


_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
