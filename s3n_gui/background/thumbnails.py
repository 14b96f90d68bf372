"""Thumbnails on demand: background threads read the newest request first and drop those that have left the view."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, QThreadPool, Signal, Slot
from PySide6.QtGui import QColor, QImage, QPainter, QPen

from s3n_core.datasets.banners import banner_of
from s3n_core.datasets.decoding import image_size
from s3n_core.datasets.value_ranges import NO_RANGES, ValueRanges
from s3n_core.errors import UnreadableImage
from s3n_gui.background.thumbnail_reading import read_thumbnail

CACHE_BYTES = 128 * 2**20


class ThumbnailLoader(QObject):
    """Loads and caches thumbnails. For the GUI thread; no method but `close` blocks."""

    ready = Signal(object)
    """The thumbnail of this path is loaded: `image` returns it."""
    failed = Signal(object, str)
    """This path cannot be read, and why, as a clause; `image` returns a placeholder."""
    outdated = Signal()
    """All thumbnails were dropped, because images are read otherwise now: ask for the visible ones again."""

    def __init__(
        self,
        side: int = 160,
        parent: QObject | None = None,
        *,
        cache_bytes: int = CACHE_BYTES,
        threads: int = 2,
        sizes: bool = False,
    ) -> None:
        """Create the loader; threads start with the first request.

        Args:
            side: Side of the square that every thumbnail fits into, in pixels.
            parent: The Qt parent.
            cache_bytes: Size of the cache; the least recently used thumbnails are dropped first.
            threads: Number of reading threads.
            sizes: Also find the images' own sizes; see `original_size`.
        """
        super().__init__(parent)
        self._side = side
        self._cache_bytes = cache_bytes
        self._images: OrderedDict[Path, QImage] = OrderedDict()
        self._bytes = 0
        self._sizes: dict[Path, tuple[int, int]] = {}
        self._problems: OrderedDict[Path, str] = OrderedDict()
        self._placeholder: QImage | None = None
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(threads)
        self._queue = _ReadingQueue(side, threads, sizes)
        self._queue.read.connect(self._on_read)

    @property
    def side(self) -> int:
        """Side of the square that every thumbnail fits into, in pixels."""
        return self._side

    def image(self, path: Path) -> QImage | None:
        """Return a cached thumbnail; else return None and request it, ahead of earlier requests."""
        found = self._images.get(path)
        if found is not None:
            self._images.move_to_end(path)
            return found
        if path in self._problems:
            return self.placeholder()
        if self._queue.add(path):
            self._pool.start(_Reading(self._queue))
        return None

    def original_size(self, path: Path) -> tuple[int, int] | None:
        """Return (width, height) in pixels of a loaded image's upright original, without its banner.

        Needs ``sizes``; None until the thumbnail is loaded.
        """
        return self._sizes.get(path)

    def is_settled(self, path: Path) -> bool:
        """Return whether a path is loaded or cannot be read; requests nothing."""
        return path in self._images or path in self._problems

    def problem(self, path: Path) -> str | None:
        """Return why a file could not be read, as a clause; None if no error is known."""
        return self._problems.get(path)

    def keep_only(self, paths: Iterable[Path]) -> None:
        """Drop the requests for all other paths, which have left the view."""
        self._queue.keep_only(frozenset(paths))

    def placeholder(self) -> QImage:
        """Return the placeholder of an unreadable file: a crossed frame, grey in both themes."""
        if self._placeholder is None:
            image = QImage(self._side, self._side, QImage.Format.Format_ARGB32_Premultiplied)
            image.fill(QColor(128, 128, 128, 40))
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(QPen(QColor(128, 128, 128), max(1.0, self._side / 80)))
            inset = self._side // 4
            painter.drawRect(inset, inset, self._side - 2 * inset, self._side - 2 * inset)
            painter.drawLine(inset, inset, self._side - inset, self._side - inset)
            painter.drawLine(inset, self._side - inset, self._side - inset, inset)
            painter.end()
            self._placeholder = image
        return self._placeholder

    def set_ranges(self, ranges: ValueRanges | None) -> None:
        """Set the open model's ranges of values of more than 8 bits; other ones than before make all thumbnails outdated."""
        if self._queue.set_ranges(ranges or NO_RANGES):
            self.clear()
            self.outdated.emit()

    @property
    def cache_bytes(self) -> int:
        """The largest size of the cache, in bytes."""
        return self._cache_bytes

    def set_cache_bytes(self, most: int) -> None:
        """Set the size of the cache, and drop what exceeds it."""
        self._cache_bytes = most
        self._drop_oldest()

    def clear(self) -> None:
        """Drop all thumbnails, errors and requests, for another folder or after files have changed."""
        self._queue.forget()
        self._images.clear()
        self._sizes.clear()
        self._problems.clear()
        self._bytes = 0

    def close(self) -> None:
        """Stop reading and wait for the threads, each of which finishes at most one image."""
        self._queue.close()
        self._pool.waitForDone()

    @property
    def kept_bytes(self) -> int:
        """The size of all cached thumbnails, in bytes."""
        return self._bytes

    @Slot(object, object, object, str, int)
    def _on_read(self, path: Path, image: QImage | None, size: tuple[int, int] | None, reason: str, era: int) -> None:
        self._queue.settle(path, era)
        if era != self._queue.era:
            return  # read before `clear`
        if image is None:
            self._problems[path] = reason
            self.failed.emit(path, reason)
            return
        self._images[path] = image
        if size is not None:
            self._sizes[path] = size
        self._bytes += image.sizeInBytes()
        self._drop_oldest()
        self.ready.emit(path)

    def _drop_oldest(self) -> None:
        while self._bytes > self._cache_bytes and len(self._images) > 1:
            path, oldest = self._images.popitem(last=False)
            self._sizes.pop(path, None)
            self._bytes -= oldest.sizeInBytes()


class _ReadingQueue(QObject):
    """The read requests, newest first. The threads share it; the loader owns it, so that its signal outlives them."""

    read = Signal(object, object, object, str, int)

    def __init__(self, side: int, threads: int, sizes: bool) -> None:
        super().__init__()
        self.era = 0
        self._side, self._sizes = side, sizes
        self._ranges = NO_RANGES
        self._idle_threads = threads
        self._waiting: OrderedDict[Path, None] = OrderedDict()
        self._being_read: set[tuple[Path, int]] = set()  # with the era: after `forget` a file may be read a second time
        self._closed = False
        self._lock = threading.Lock()

    def add(self, path: Path) -> bool:
        """Request a file; return whether one more thread must start to read."""
        with self._lock:
            if self._closed or (path, self.era) in self._being_read:
                return False
            self._waiting[path] = None
            self._waiting.move_to_end(path)
            more = self._idle_threads > 0
            self._idle_threads -= more
            return more

    def set_ranges(self, ranges: ValueRanges) -> bool:
        """Set the ranges of values; return whether they are other ones than before."""
        with self._lock:
            changed = ranges != self._ranges
            self._ranges = ranges
            return changed

    def settle(self, path: Path, era: int) -> None:
        """Allow new requests for a file whose result has been delivered."""
        with self._lock:
            self._being_read.discard((path, era))

    def keep_only(self, paths: frozenset[Path]) -> None:
        with self._lock:
            for path in [path for path in self._waiting if path not in paths]:
                del self._waiting[path]

    def forget(self) -> None:
        with self._lock:
            self.era += 1
            self._waiting.clear()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._waiting.clear()

    def read_next(self) -> bool:
        """Read the newest request; return False if there is none. For the pool's threads."""
        with self._lock:
            if self._closed or not self._waiting:
                self._idle_threads += 1
                return False
            path, _ = self._waiting.popitem()
            era, ranges = self.era, self._ranges
            self._being_read.add((path, era))
        image, size, reason = None, None, ""
        try:
            banner = banner_of(path)
            image = read_thumbnail(path, self._side, banner=banner, ranges=ranges)
            size = image_size(path, banner=banner) if self._sizes else None
        except UnreadableImage as error:
            reason = error.reason
        except Exception as error:
            reason = f"it cannot be read ({type(error).__name__}: {error})"
        self.read.emit(path, image, size, reason, era)
        return True


class _Reading(QRunnable):
    """Reads until the queue is empty."""

    def __init__(self, queue: _ReadingQueue) -> None:
        super().__init__()
        self._queue = queue

    def run(self) -> None:
        """Read all requests."""
        while self._queue.read_next():
            pass
