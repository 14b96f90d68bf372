"""The Data page while no data set is open, or while one is being read."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import PAGE_MARGIN
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.drop_zone import DropZone
from s3n_gui.widgets.progress_bar import ProgressBar

_FORMATS = (
    (
        "One subfolder per class",
        "birds/robin/1.jpg, birds/wren/1.jpg; optionally inside split folders such as train, val and test",
    ),
    (
        "Label table",
        "a CSV, JSON or JSON Lines file with a column for the image and one for the class, as Kaggle has them",
    ),
    ("List files", "train.txt and test.txt with one image per line, and its class unless its folder says it"),
    (
        "CUB-200-2011, FGVC-Aircraft, Stanford Cars",
        "as unpacked from their archives; also reads boxes, parts and the split",
    ),
    ("Images", "any folder of unlabelled images, for prediction; classes can be read from the file names"),
)


class EmptyState(ColumnScrollArea):
    """The drop zone and the list of supported folder formats.

    Signals:
        open_asked: Open something: "data", "model" or "run".
    """

    open_asked = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.zone = DropZone()
        self.zone.open_asked.connect(self.open_asked)
        title = QLabel("Supported folder formats")
        title.setProperty("role", "section")
        lines = QVBoxLayout()
        lines.setSpacing(8)
        lines.addWidget(title)
        for name, words in _FORMATS:
            heading, text = QLabel(name), QLabel(words)
            text.setProperty("role", "quiet")
            text.setWordWrap(True)
            pair = QVBoxLayout()
            pair.setSpacing(0)
            pair.addWidget(heading)
            pair.addWidget(text)
            lines.addLayout(pair)
        self._inside = QWidget()
        column = QVBoxLayout(self._inside)
        column.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN, PAGE_MARGIN)
        column.setSpacing(24)
        column.addStretch(1)
        column.addWidget(self.zone)
        column.addLayout(lines)
        column.addStretch(2)
        self.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.setWidget(self._inside)
        theme().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        self._inside.setMaximumWidth(px(640))


class ReadingState(QWidget):
    """A progress bar while a folder is being read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        words = QLabel("Reading the folder…")
        words.setProperty("role", "section")
        bar = ProgressBar("Reading the folder")
        bar.show_share(None)
        bar.setFixedWidth(px(240))
        column = QVBoxLayout(self)
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(words, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addWidget(bar, 0, Qt.AlignmentFlag.AlignHCenter)
        column.addStretch(3)
