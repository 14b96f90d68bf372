"""The card on the right: a preview of the first image's files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Qt
from PySide6.QtGui import QImage, QImageReader, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from s3n_core.export.figures.panels import PANEL_TEXTS
from s3n_core.export.file_request import ExportedFile
from s3n_core.export.options import ARRAYS_ENDING
from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.wording import tip_text
from s3n_gui.background.tasks import Tasks
from s3n_gui.export.picture_view import PictureView
from s3n_gui.export.preview_making import PreviewMaker
from s3n_gui.widgets.elided_label import ElidedLabel

_FILE_LETTERS = 8
_TITLE_NEEDS, _SPACING = 320, 8
_WAITING = {
    "starting": "Starting the engine …",
    "opening": "Opening the model …",
    "restarting": "The engine ended unexpectedly and is restarting …",
}


class PreviewCard(QFrame):
    """Shows the file from a ``PreviewMaker``."""

    def __init__(self, maker: PreviewMaker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._maker = maker
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)
        self._empty = self._remark = self._facts = ""
        self.shown: ExportedFile | None = None
        self.title = QLabel("Preview")
        self.title.setProperty("role", "section")
        self.files = QComboBox()
        self.files.setAccessibleName("File of the first image")
        self.files.setToolTip("Choose which file of the first image to preview")
        self.files.setMinimumContentsLength(_FILE_LETTERS)
        self.files.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.facts = ElidedLabel()
        self.facts.setProperty("role", "quiet")
        self.whole, self.own, self.again = QToolButton(), QToolButton(), QToolButton()
        for button, icon, tip in (
            (self.whole, "restore", "Fit (0)"),
            (self.own, "maximise", "Actual size (1)"),
            (self.again, "refresh", "Read the images again and update the preview"),
        ):
            set_icon(button, icon)
            button.setToolTip(tip)
            button.setAccessibleName(tip.split(" (")[0])
        head = QHBoxLayout()
        head.setSpacing(_SPACING)
        head.addWidget(self.title)
        head.addWidget(self.files)
        head.addWidget(self.facts, 1)
        for control in (self.whole, self.own, self.again):
            head.addWidget(control)
        self.view = PictureView()
        self.words = QLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setProperty("role", "quiet")
        self.words.setWordWrap(True)
        self.words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.words.setMargin(24)
        self.stack = QStackedLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 8, 12, 12)
        column.setSpacing(8)
        column.addLayout(head)
        column.addLayout(self.stack, 1)
        # Only after the layout is set: the stack shows its first widget at once, which without a parent opens a window.
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.words)
        maker.changed.connect(self._show)
        self.files.activated.connect(self._on_file)
        self.whole.clicked.connect(self.view.show_whole)
        self.own.clicked.connect(self.view.show_own_size)
        self.again.clicked.connect(maker.again)
        theme().changed.connect(self.updateGeometry)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave out the title of a narrow card."""
        super().resizeEvent(event)
        self.title.setVisible(self.width() >= px(_TITLE_NEEDS))

    def minimumSizeHint(self) -> QSize:
        """Return the width of the controls without the title."""
        size = super().minimumSizeHint()
        if self.title.isHidden():
            return size
        return QSize(size.width() - self.title.sizeHint().width() - _SPACING, size.height())

    def set_words(self, empty: str, remark: str = "") -> None:
        """Set the text that replaces a missing preview, and a remark about an existing one.

        Args:
            empty: What is missing, as a sentence.
            remark: How the files differ from the preview; empty if they do not.
        """
        self._empty, self._remark = empty, remark
        self._show()

    def shut_down(self) -> None:
        """Wait for the reading thread."""
        self._tasks.close()

    @property
    def reading(self) -> bool:
        """Whether the shown file is still being decoded."""
        return self._tasks.is_open("picture")

    def _show(self) -> None:
        maker, file = self._maker, self._maker.file
        self.view.set_dimmed(maker.busy)
        self.again.setEnabled(not maker.busy and bool(file or maker.problem))
        for widget in (self.files, self.whole, self.own):
            widget.setVisible(file is not None)
        if file is None:
            self.shown = None
            self._tasks.forget("picture")
            self.facts.clear()
            waiting = _WAITING.get(maker.state, "Making the preview of the first image …")
            self._say(maker.problem or (waiting if maker.busy else self._empty))
            return
        if maker.busy:
            return
        endings = list(file.files)
        if [self.files.itemData(at) for at in range(self.files.count())] != endings:
            self.files.clear()
            for ending in endings:
                self.files.addItem(file_word(ending), ending)
        self.files.setCurrentIndex(endings.index(file.ending))
        if file is not self.shown:
            self._read(file)
        elif file.ending != ARRAYS_ENDING:
            self.facts.setText(self._remark or self._facts)

    def _read(self, file: ExportedFile) -> None:
        self.shown = file
        self._tasks.forget("picture")
        self.facts.setToolTip(tip_text(str(file.name)))
        if file.ending == ARRAYS_ENDING:
            self.facts.setText(size_text(len(file.content)))
            self._say(f"{file.name.name} contains all numbers of the first image. Open it in NumPy with numpy.load(…).")
            return
        self._tasks.run("picture", partial(_read_picture, file))

    def _on_read(self, _: str, read: _Picture) -> None:
        file = read.file
        self._facts = f"{read.size.width():,} × {read.size.height():,} px · {size_text(len(file.content))}"
        self.facts.setText(self._remark or self._facts)
        if read.image.isNull():
            self._say(f"{file.name.name} is fine, but it cannot be previewed ({read.problem}).")
            return
        self.view.show_image(read.image)
        self.stack.setCurrentWidget(self.view)

    def _say(self, words: str) -> None:
        self.words.setText(words)
        self.stack.setCurrentWidget(self.words)

    def _on_file(self) -> None:
        self._maker.choose(self.files.currentData())


@dataclass(frozen=True, eq=False)
class _Picture:
    """The decoded image of a file; ``problem`` says why ``image`` is null."""

    file: ExportedFile
    image: QImage
    size: QSize
    problem: str


def _read_picture(file: ExportedFile) -> _Picture:
    """Decode a file's content; a sheet for print takes half a second."""
    buffer = QBuffer()
    buffer.setData(QByteArray(file.content))
    buffer.open(QIODevice.OpenModeFlag.ReadOnly)
    reader = QImageReader(buffer)
    size: QSize = reader.size()
    image: QImage = reader.read()
    return _Picture(file, image, size, reader.errorString() if image.isNull() else "")


def file_word(ending: str) -> str:
    """Return the displayed name of one of an image's files."""
    if ending == ARRAYS_ENDING:
        return "Numbers (.npz)"
    text = PANEL_TEXTS.get(ending.rpartition(".")[0].removeprefix("/"))  # type: ignore[call-overload]
    return text.title if text is not None else "Sheet"


def size_text(size: int) -> str:
    """Return a file size, given in bytes, as text: "312 kB", "1.3 MB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(round(size / 1e3), 1)} kB"
