"""Turns a file's content into a picture off the window's thread: a sheet for print takes half a second."""

from __future__ import annotations

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QSize, Signal
from PySide6.QtGui import QImage, QImageReader

from s3n_core.export.file_request import ExportedFile
from s3n_gui.background.worker_thread import Worker


class PictureReader(Worker):
    """Reads one file's picture."""

    read = Signal(object, object, object, str)
    """The ``ExportedFile``, its ``QImage``, its size (``QSize``), and why there is no picture (empty where there is one)."""

    def __init__(self, file: ExportedFile) -> None:
        super().__init__()
        self._file = file

    def work(self) -> None:
        """Read."""
        buffer = QBuffer()
        buffer.setData(QByteArray(self._file.content))
        buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        reader = QImageReader(buffer)
        size: QSize = reader.size()
        image: QImage = reader.read()
        self.read.emit(self._file, image, size, reader.errorString() if image.isNull() else "")
