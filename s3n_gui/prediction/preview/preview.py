"""The preview of a row: the image with its peaks, and the branches' predictions; Space or Escape closes it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from s3n_core.datasets.records import Annotation, displayed_class, readable_name
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.appearance.theme import px
from s3n_gui.appearance.wording import count_text, tip_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.annotations import NO_ANNOTATION
from s3n_gui.prediction.part_lines import PartLines
from s3n_gui.prediction.preview.preview_image import PreviewImage
from s3n_gui.prediction.preview.score_bars import ScoreBar, ScoreBars
from s3n_gui.prediction.table.prediction_columns import PredictionColumns
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.elided_label import ElidedLabel

_SIDE = 1280
_JOINT = 3


class Preview(QFrame):
    """An overlay on the page.

    Signals:
        closed: The preview was closed.
        opened: Enter or a double click; the row.
        stepped: Up or Down was pressed; -1 or 1.
    """

    closed = Signal()
    opened = Signal(int)
    stepped = Signal(int)

    def __init__(self, parent: QWidget, *, cache_bytes: int) -> None:
        super().__init__(parent)
        self._page = parent
        self.setProperty("role", "panel")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Preview of an image")
        self.setProperty("floats", True)
        self.row = -1
        self.images = ThumbnailLoader(_SIDE, self, cache_bytes=cache_bytes, threads=1, sizes=True)
        self.images.ready.connect(self._on_image)
        self.images.failed.connect(self._on_image)
        self.picture = PreviewImage()
        self.file = ElidedLabel(name=True)
        self.file.setProperty("role", "section")
        self.said = QLabel()
        self.said.setTextFormat(Qt.TextFormat.PlainText)
        self.said.setProperty("role", "quiet")
        self.said.setWordWrap(True)
        self.parts = PartLines()
        self.joint, self.branches = ScoreBars("Most probable classes"), ScoreBars("Prediction of each branch")
        self._joint_head, self._branch_head = QLabel("Joint prediction"), QLabel("Branches")
        self._parts_head = QLabel("Parts of the peaks")
        for head in (self._parts_head, self._joint_head, self._branch_head):
            head.setProperty("role", "quiet")
        keys = QLabel("Arrow keys: other images · Enter: inspect · Space: close")
        keys.setProperty("role", "caption")
        keys.setWordWrap(True)
        words = QWidget()
        column = QVBoxLayout(words)
        column.setContentsMargins(0, 0, 8, 0)
        column.setSpacing(8)
        column.addWidget(self.file)
        column.addWidget(self.said)
        for head, shown in (
            (self._parts_head, self.parts),
            (self._joint_head, self.joint),
            (self._branch_head, self.branches),
        ):
            column.addSpacing(8)
            column.addWidget(head)
            column.addWidget(shown)
        column.addStretch(1)
        column.addWidget(keys)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, 16, 12)
        row.setSpacing(16)
        row.addWidget(self.picture, 1)
        self._side = ColumnScrollArea()  # large text may need more height than there is
        self._side.setWidget(words)
        row.addWidget(self._side)
        parent.installEventFilter(self)
        self.hide()

    def show_row(
        self,
        predictions: PredictionColumns,
        row: int,
        path: Path | None,
        annotation: Annotation = NO_ANNOTATION,
        parts: tuple[PartPlace, ...] = (),
    ) -> None:
        """Show a row.

        Args:
            predictions: The table.
            row: Its index.
            path: Its image, or None.
            annotation: What the data set gives for the image.
            parts: The peaks that the open atlas has in it, with their parts.
        """
        self.row = row
        error = predictions.errors.get(row, "")
        self.picture.choose(path, () if error else predictions.places(row), annotation)
        self.show_parts(() if error else parts)
        if path is not None:
            self.picture.show_image(self.images.image(path), self.images.original_size(path))
        self.file.setText(readable_name(predictions.files[row]))
        self.file.setToolTip(tip_text(readable_name(predictions.files[row])))
        self.said.setText(error or _words(predictions, row, self.picture.outside))
        label = "" if error else predictions.name("label", row)
        joint = [] if error else predictions.top(row)[:_JOINT]
        self.joint.show_bars(
            tuple(ScoreBar("joint", displayed_class(name), p, _right(name, label)) for name, p in joint)
        )
        branches = () if error else predictions.branch_scores(row)
        self.branches.show_bars(
            tuple(
                ScoreBar(letter, displayed_class(name), p, _right(name, label, wrong=True))  # type: ignore[arg-type]
                for letter, name, p in branches
            )
        )
        for head in (self._joint_head, self._branch_head):
            head.setVisible(not error)
        self._fit()
        if not self.isVisible():
            self.show()
            self.setFocus(Qt.FocusReason.PopupFocusReason)
        self.raise_()

    def show_parts(self, parts: tuple[PartPlace, ...]) -> None:
        """Show the parts of the peaks, in the image and beside it."""
        self.picture.show_parts(parts)
        self.parts.show_parts(parts)
        for widget in (self._parts_head, self.parts):
            widget.setVisible(bool(parts))

    def close_it(self) -> None:
        """Close the preview."""
        if self.isVisible():
            self.hide()
            self.closed.emit()

    def is_ready(self) -> bool:
        """Return whether the image is loaded, or nothing is shown."""
        return not self.isVisible() or self.picture.path is None or self.images.image(self.picture.path) is not None

    def shut_down(self) -> None:
        """Stop the threads."""
        self.images.close()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space and Escape close, Enter opens, arrows step."""
        key = event.key()
        if key in (Qt.Key.Key_Space, Qt.Key.Key_Escape):
            self.close_it()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Left):
            self.stepped.emit(-1)
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Right):
            self.stepped.emit(1)
        else:
            super().keyPressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Open the row."""
        self._open()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Stay centred on the page; close on a click outside."""
        if watched is self.parent():
            if event.type() == QEvent.Type.Resize:
                self._fit()
            elif event.type() == QEvent.Type.MouseButtonPress:
                self.close_it()
        return super().eventFilter(watched, event)

    def _open(self) -> None:
        row = self.row
        self.close_it()
        self.opened.emit(row)

    def _fit(self) -> None:
        page = self._page
        width, height = min(px(1400), page.width() - 32), min(px(920), page.height() - 16)
        self._side.setFixedWidth(min(px(280), width // 2))
        self.setGeometry((page.width() - width) // 2, (page.height() - height) // 2, width, height)

    def _on_image(self, path: Path) -> None:
        if path == self.picture.path:
            self.picture.show_image(self.images.image(path), self.images.original_size(path))


def _right(name: str, label: str, *, wrong: bool = False) -> bool | None:
    """Return whether a class equals the label; a mismatch is False if ``wrong``, else None."""
    if not label:
        return None
    return True if name == label else (False if wrong else None)


def _words(predictions: PredictionColumns, row: int, outside: int) -> str:
    label, correct = predictions.name("label", row), int(predictions.column("correct")[row])
    facts = []
    if label:
        facts.append(f"Label {displayed_class(label)}" + (", predicted wrongly" if correct == 0 else ""))
    peaks = int(predictions.column("peaks")[row])
    if peaks >= 0:
        facts.append(count_text(peaks, "peak") + (f", {outside:,} outside the box" if outside else ""))
    facts.append(f"Entropy H {predictions.column('entropy')[row]:.2f} nats{_map_words(predictions.word('rule', row))}")
    return "\n".join(facts)


def _map_words(rule: str) -> str:
    """Describe the class maps behind R: "top-5" is the rule of Eq. 3 that averages five."""
    classes = rule.removeprefix("top-")
    if not classes.isdigit():
        return ""
    return ": map of one class" if classes == "1" else f" (uncertain): map averaged over {classes} classes"
