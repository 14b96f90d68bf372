"""The recently opened data sets, models, runs, images and atlases, newest first, saved across restarts."""

from __future__ import annotations

import json
import logging
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QObject, Signal

from s3n_core.errors import S3NError
from s3n_core.system.atomic_files import write_json
from s3n_gui.state.settings import settings_path

Kind = Literal["data", "model", "run", "image", "atlas"]
_MOST_OF_A_KIND = 12
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecentItem:
    """A recently opened item.

    Attributes:
        kind: "data", "model", "run", "image" or "atlas".
        path: The folder or file.
        detail: A short description: "543 images · 10 classes".
        opened: When it was opened, in Unix seconds.
        examples: Some images of a data set, to recognise it by; empty for others.
    """

    kind: Kind
    path: Path
    detail: str
    opened: float
    examples: tuple[Path, ...] = ()

    @property
    def exists(self) -> bool:
        """Whether the path still exists; accesses the file system."""
        try:
            return self.path.exists()
        except OSError:
            return False


class RecentList(QObject):
    """The list of recently opened items; an unreadable file counts as empty.

    Signals:
        changed: An item was added or removed.
    """

    changed = Signal()

    def __init__(self, path: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.path = path if path is not None else settings_path().with_name("recent.json")
        self._items: list[RecentItem] = []
        with suppress(OSError, ValueError, RecursionError, TypeError, LookupError):
            for entry in json.loads(self.path.read_bytes())["items"]:
                if entry["kind"] in get_args(Kind):
                    examples = tuple(Path(path) for path in entry.get("examples", ()))  # older files have none
                    path, opened = Path(entry["path"]), float(entry["opened"])
                    self._items.append(RecentItem(entry["kind"], path, str(entry["detail"]), opened, examples))

    def items(self, kind: Kind) -> tuple[RecentItem, ...]:
        """Return the items of one kind, newest first."""
        return tuple(item for item in self._items if item.kind == kind)

    def add(self, kind: Kind, path: Path, detail: str = "", examples: tuple[Path, ...] = ()) -> None:
        """Add an item at the top, or move it there."""
        item = RecentItem(kind, path, detail, time.time(), examples)
        others = [other for other in self._items if (other.kind, other.path) != (kind, path)]
        same = [other for other in others if other.kind == kind][: _MOST_OF_A_KIND - 1]
        self._items = [item, *(other for other in others if other.kind != kind or other in same)]
        self._write()
        self.changed.emit()

    def remove(self, kind: Kind, path: Path) -> None:
        """Remove an item from the list; its files stay."""
        kept = [item for item in self._items if (item.kind, item.path) != (kind, path)]
        if len(kept) != len(self._items):
            self._items = kept
            self._write()
            self.changed.emit()

    def _write(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            entries = [
                {**asdict(item), "path": str(item.path), "examples": [str(path) for path in item.examples]}
                for item in self._items
            ]
            write_json(self.path, {"version": 1, "items": entries}, durable=False)
        except (OSError, S3NError) as error:
            _log.warning("the list of recent items could not be saved (%s)", error)
