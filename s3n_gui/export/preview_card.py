"""The card at the right: the files of the first image as they will be, one of them large."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QImage, QImageReader
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from s3n_core.export.panels import PANEL_TEXTS
from s3n_gui.background.worker_thread import Worker, WorkerThread
from s3n_gui.export.picture_view import PictureView
from s3n_gui.export.preview_making import PreviewMaker
from s3n_gui.theme import px, set_icon, theme

_PICTURES = {".png", ".jpg"}


class PreviewCard(QFrame):
    """Shows what the preview maker has made."""

    def __init__(self, maker: PreviewMaker, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self._maker = maker
        self._threads: list[WorkerThread] = []
        self._wanted: Path | None = None
        self.shown: Path | None = None
        self.reading = False
        title = QLabel("Preview")
        title.setProperty("role", "section")
        self.files = QComboBox()
        self.files.setAccessibleName("File of the first image")
        self.files.setToolTip("Which of the first image's files is shown")
        self.files.setMinimumWidth(px(180))
        self.facts, self.state = QLabel(), QLabel()
        self.facts.setProperty("role", "quiet")
        self.state.setProperty("role", "quiet")
        self.whole, self.own, self.again = QToolButton(), QToolButton(), QToolButton()
        for button, icon, tip in (
            (self.whole, "restore", "Show the whole picture (0)"),
            (self.own, "maximise", "Show the picture at its own size (1)"),
            (self.again, "refresh", "Make the preview again"),
        ):
            set_icon(button, icon)
            button.setToolTip(tip)
            button.setAccessibleName(tip.split(" (")[0])
        head = QHBoxLayout()
        head.setSpacing(8)
        for widget in (title, self.files, self.facts):
            head.addWidget(widget)
        head.addStretch(1)
        for control in (self.state, self.whole, self.own, self.again):
            head.addWidget(control)
        self.view = PictureView()
        self.words = QLabel()
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
        # Only now: the stack shows its first widget at once, and without a parent that would be a window of its own.
        self.stack.addWidget(self.view)
        self.stack.addWidget(self.words)
        maker.changed.connect(self._show)
        self.files.activated.connect(self._read)
        self.whole.clicked.connect(self.view.show_whole)
        self.own.clicked.connect(self.view.show_own_size)
        self.again.clicked.connect(maker.again)
        theme().changed.connect(self.updateGeometry)
        self._empty = ""
        self._show()

    def set_empty_words(self, words: str) -> None:
        """Say what stands here where there is no preview."""
        self._empty = words
        self._show()

    def shut_down(self) -> None:
        """End the threads."""
        for thread in self._threads:
            thread.wait()
        self._threads.clear()

    def _show(self) -> None:
        maker = self._maker
        self.view.set_dimmed(maker.busy)
        self.state.setText("Making the first image …" if maker.busy else "")
        self.again.setEnabled(not maker.busy and bool(maker.files or maker.problem))
        before = self.files.currentText()
        if not maker.busy or not maker.files:
            names = [file_word(file, maker.files[0]) for file in maker.files]
            self.files.clear()
            for name, file in zip(names, maker.files, strict=True):
                self.files.addItem(name, file)
            self.files.setCurrentIndex(names.index(before) if before in names else 0)
        self.files.setVisible(bool(maker.files))
        for button in (self.whole, self.own):
            button.setVisible(bool(maker.files))
        if maker.files and not maker.busy:
            self._read()
        elif not maker.files:
            self._wanted, self.reading = None, False
            self.facts.clear()
            waiting = "The first image is being made as it will be written …" if maker.busy else ""
            self.words.setText(maker.problem or waiting or self._empty)
            self.stack.setCurrentWidget(self.words)

    def _read(self) -> None:
        file: Path | None = self.files.currentData()
        if file is None:
            return
        self._wanted, self.reading = file, False
        size = file.stat().st_size if file.exists() else 0
        if file.suffix not in _PICTURES:
            self.facts.setText(size_text(size))
            self.words.setText(f"{file.name} holds all numbers of the first image, for NumPy: numpy.load(…).")
            self.stack.setCurrentWidget(self.words)
            return
        self.reading = True
        reader = _PictureReader(file)
        reader.read.connect(self._on_read)
        thread = WorkerThread(reader)
        self._threads = [*self._threads[-8:], thread]
        thread.start()

    def _on_read(self, file: Path, image: QImage, size: QSize, reason: str) -> None:
        if file != self._wanted:
            return
        self.reading = False
        bytes_ = file.stat().st_size if file.exists() else 0
        self.facts.setText(f"{size.width():,} × {size.height():,} px · {size_text(bytes_)}")
        if image.isNull():
            self.words.setText(f"{file.name} is as it should be, but cannot be shown here ({reason}).")
            self.stack.setCurrentWidget(self.words)
            return
        self.shown = file
        self.view.show_image(image)
        self.stack.setCurrentWidget(self.view)


class _PictureReader(Worker):
    read = Signal(object, object, object, str)

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    def work(self) -> None:
        reader = QImageReader(str(self._file))
        size = reader.size()
        image = reader.read()
        self.read.emit(self._file, image, size, reader.errorString() if image.isNull() else "")


def file_word(file: Path, first: Path) -> str:
    """Return what a person calls one of an image's files."""
    if file.suffix == ".npz":
        return "Numbers (.npz)"
    text = PANEL_TEXTS.get(file.stem)  # type: ignore[call-overload]
    return text.title if text is not None else "Sheet"


def size_text(size: int) -> str:
    """Return a file's size: "312 kB", "1.3 MB"."""
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{max(round(size / 1e3), 1)} kB"
