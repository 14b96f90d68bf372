"""The quick look at a row: the image large, the answer below; Space or Escape puts it away."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.answers import Answers
from s3n_gui.prediction.shown_names import shown_class, shown_file
from s3n_gui.theme import branch_colour, number_font, px, theme, tokens
from s3n_gui.widgets.elided_label import ElidedLabel

_SIDE = 640


class Preview(QFrame):
    """Lies over the page while it is shown.

    Signals:
        closed: It was put away.
        opened: Enter or a double click: the row.
        stepped: Up or down was pressed: -1 or 1.
    """

    closed = Signal()
    opened = Signal(int)
    stepped = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._page = parent
        self.setProperty("role", "panel")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Preview of an image")
        self.row = -1
        self._images = ThumbnailLoader(_SIDE, self, cache_bytes=24 * 2**20, threads=1)
        self._images.ready.connect(self._on_image)
        self._images.failed.connect(self._on_image)
        self.picture = _Picture()
        self.file = ElidedLabel(mode=Qt.TextElideMode.ElideMiddle)
        self.file.setProperty("role", "section")
        self.said = QLabel()
        self.said.setProperty("role", "quiet")
        self.bars = _Bars()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 12, 12, 12)
        column.setSpacing(8)
        column.addWidget(self.picture, 1)
        column.addWidget(self.file)
        column.addWidget(self.said)
        column.addWidget(self.bars)
        parent.installEventFilter(self)
        self.hide()

    def show_row(self, answers: Answers, row: int, path: Path | None) -> None:
        """Show a row."""
        self.row = row
        self.picture.path = path
        self.picture.show_image(self._images.image(path) if path is not None else None)
        self.file.setText(shown_file(answers.files[row]))
        error = answers.errors.get(row, "")
        self.said.setText(error or _words(answers, row))
        self.bars.show_top([] if error else list(answers.top(row)))
        self._fit()
        if not self.isVisible():
            self.show()
            self.setFocus(Qt.FocusReason.PopupFocusReason)
        self.raise_()

    def close_it(self) -> None:
        """Put it away."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def shut_down(self) -> None:
        """End the threads."""
        self._images.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Escape close, Enter opens, arrows step."""
        key = event.key()
        if key in (Qt.Key.Key_Space, Qt.Key.Key_Escape):
            self.close_it()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            row = self.row
            self.close_it()
            self.opened.emit(row)
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Left):
            self.stepped.emit(-1)
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Right):
            self.stepped.emit(1)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open it."""
        row = self.row
        self.close_it()
        self.opened.emit(row)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay in the middle of the page; a press beside it closes."""
        if watched is self.parent():
            if event.type() == QEvent.Type.Resize:
                self._fit()
            elif event.type() == QEvent.Type.MouseButtonPress:
                self.close_it()
        return super().eventFilter(watched, event)

    def _fit(self) -> None:
        page = self._page
        width, height = min(px(560), page.width() - 32), min(px(640), page.height() - 16)
        self.setGeometry((page.width() - width) // 2, (page.height() - height) // 2, width, height)

    def _on_image(self, path: Path) -> None:
        if path == self.picture.path:
            self.picture.show_image(self._images.image(path))


class _Picture(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self.path: Path | None = None
        self._image: object = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def show_image(self, image: object) -> None:
        self._image = image
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        from PySide6.QtGui import QImage

        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        path = QPainterPath()
        path.addRoundedRect(QRectF(self.rect()), 4, 4)
        painter.fillPath(path, QColor(tokens().image_ground))
        image = self._image
        if isinstance(image, QImage) and not image.isNull():
            painter.setClipPath(path)
            size = image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
            left, top = (self.width() - size.width()) / 2, (self.height() - size.height()) / 2
            painter.drawImage(QRectF(left, top, size.width(), size.height()), image)
        painter.end()


class _Bars(QWidget):
    """The most probable classes."""

    def __init__(self) -> None:
        super().__init__()
        self._top: list[tuple[str, float]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Most probable classes")
        theme().changed.connect(self.update)

    def show_top(self, top: list[tuple[str, float]]) -> None:
        self._top = top[:3]
        self.setAccessibleDescription(", ".join(f"{shown_class(name)} {value:.3f}" for name, value in self._top))
        self.setVisible(bool(self._top))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(px(200), px(22) * len(self._top))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(number_font("body"))
        height, middle = px(22), self.width() * 0.45
        number = painter.fontMetrics().horizontalAdvance("0.000") + 8
        for place, (name, probability) in enumerate(self._top):
            top = place * height
            painter.setPen(QColor(tokens().text))
            shown = painter.fontMetrics().elidedText(shown_class(name), Qt.TextElideMode.ElideRight, int(middle) - 8)
            painter.drawText(QRectF(0, top, middle - 8, height), Qt.AlignmentFlag.AlignVCenter, shown)
            box = QRectF(self.width() - number, top, number, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{probability:.3f}")
            track = QRectF(middle, top + height / 2 - 3, self.width() - number - middle, 6)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens().pressed))
            painter.drawRoundedRect(track, 3, 3)
            painter.setBrush(branch_colour("joint"))
            painter.drawRoundedRect(QRectF(track.left(), track.top(), max(track.width() * probability, 6), 6), 3, 3)
        painter.end()


def _words(answers: Answers, row: int) -> str:
    label, correct = answers.name("label", row), int(answers.column("correct")[row])
    facts = []
    if label:
        facts.append(f"Label {shown_class(label)}" + (", answered wrongly" if correct == 0 else ""))
    peaks = int(answers.column("peaks")[row])
    if peaks >= 0:
        facts.append(f"{peaks} peak{'' if peaks == 1 else 's'}")
    facts.append(f"H {answers.column('entropy')[row]:.2f} nats, rule {answers.rules[int(answers.column('rule')[row])]}")
    return " · ".join(facts)
