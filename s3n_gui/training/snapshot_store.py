"""A run's snapshots of its probe images, by epoch; images are read in a worker thread."""

from __future__ import annotations

import contextlib
import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtGui import QImage

from s3n_core.errors import RunError
from s3n_core.export.run_snapshots import probe_number, view_places
from s3n_core.runs.run_directory import RunDirectory
from s3n_gui.background.tasks import Tasks

_KEPT_BYTES = 96 * 2**20
"""How much the D and C images of the epochs that were shown last may take; one epoch is always kept."""
_PREFIX = "epoch-"


@dataclass(frozen=True, eq=False)
class Probe:
    """One probe image after one epoch.

    Attributes:
        view: The network's input image.
        discriminative: The D image.
        complementary: The C image.
        entry: Its entry in ``probes.json``: ``class``, ``predictions``, ``peaks``; but peaks as fractions of the view's sides.
    """

    view: QImage
    discriminative: QImage
    complementary: QImage
    entry: dict[str, Any]


class SnapshotStore(QObject):
    """The snapshots of one run.

    Signals:
        ready: The requested epoch (from 0) and its probes, a tuple of ``Probe``.
    """

    ready = Signal(int, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder: Path | None = None
        self._epochs: set[int] = set()
        self._kept: OrderedDict[int, tuple[Probe, ...]] = OrderedDict()
        self._views: dict[int, QImage] = {}  # by the probe's number; the same in all epochs, and read once
        self._wanted: int | None = None
        self._tasks = Tasks(self)
        self._tasks.done.connect(self._on_read)

    def show_run(self, run: Path | None) -> None:
        """Switch to another run's snapshots."""
        self._tasks.forget("epoch")
        self._folder = None if run is None else RunDirectory(run).snapshots
        self._epochs, self._wanted = set(), None
        self._kept.clear()
        self._views = {}

    def add_names(self, names: Iterable[str]) -> None:
        """Add names of new files in ``snapshots/``."""
        for name in names:
            number = name.removeprefix(_PREFIX)
            if name.startswith(_PREFIX) and number.isdigit():
                self._epochs.add(int(number))
                self._kept.pop(int(number), None)  # a resumed run rewrites the epoch

    @property
    def epochs(self) -> list[int]:
        """The epochs that have a snapshot, from 0."""
        return sorted(self._epochs)

    def ask(self, epoch: int) -> None:
        """Request an epoch; ``ready`` follows unless another epoch is requested first."""
        self._wanted = epoch
        kept = self._kept.get(epoch)
        if kept is not None:
            self._kept.move_to_end(epoch)
            self.ready.emit(epoch, kept)
        elif self._folder is not None:
            self._tasks.run("epoch", partial(_read_epoch, self._folder, epoch, self._views))

    @property
    def is_settled(self) -> bool:
        """Whether the requested epoch is loaded."""
        return self._wanted is None or self._wanted in self._kept

    def close(self) -> None:
        """Stop reading."""
        self.show_run(None)
        self._tasks.close()

    @Slot(str, object)
    def _on_read(self, _: str, read: tuple[int, tuple[Probe, ...]]) -> None:
        epoch, probes = read
        self._kept[epoch] = probes
        if self._wanted is not None and self._wanted in self._kept:  # it may have been there while this one was read
            self._kept.move_to_end(self._wanted)
        while len(self._kept) > 1 and sum(map(_bytes_of, self._kept.values())) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        if epoch == self._wanted:
            self.ready.emit(epoch, probes)


def _bytes_of(probes: tuple[Probe, ...]) -> int:
    return sum(probe.discriminative.sizeInBytes() + probe.complementary.sizeInBytes() for probe in probes)


def _read_epoch(folder: Path, epoch: int, views: dict[int, QImage]) -> tuple[int, tuple[Probe, ...]]:
    return epoch, read_probes(folder, epoch, views)


def read_probes(folder: Path, epoch: int, views: dict[int, QImage] | None = None) -> tuple[Probe, ...]:
    """Read an epoch's probes; empty if they cannot be read.

    Args:
        folder: The run's folder of snapshots.
        epoch: The epoch, from 0.
        views: The run's views that are known already, by the probe's number; those that are read are added.
    """
    views = {} if views is None else views
    place = folder / f"{_PREFIX}{epoch:04d}"
    try:
        entries = json.loads((place / "probes.json").read_bytes())
    except (OSError, ValueError):
        return ()
    side = _source_size(folder.parent)
    probes = []
    for position, entry in enumerate(entries if isinstance(entries, list) else []):
        if not isinstance(entry, dict):
            continue
        with contextlib.suppress(TypeError, ValueError):
            number = probe_number(entry, position)
            view = views.get(number) or QImage(str(folder / f"probe-{number}.jpg"))
            if not view.isNull():
                views[number] = view
            probes.append(
                Probe(
                    view,
                    QImage(str(place / f"probe-{number}-d.jpg")),
                    QImage(str(place / f"probe-{number}-c.jpg")),
                    entry | {"peaks": _in_view(entry.get("peaks"), side)},
                )
            )
    return tuple(probes)


def _source_size(run: Path) -> int:
    """Return the side of a run's view in pixels; 0 if the run does not say."""
    with contextlib.suppress(RunError, KeyError, TypeError, ValueError):
        return int(RunDirectory(run).read_run()["recipe"]["network"]["source_size"])
    return 0


def _in_view(peaks: Any, side: int) -> list[dict[str, Any]]:
    placed = []
    for peak in peaks if isinstance(peaks, list) else []:
        with contextlib.suppress(KeyError, TypeError, ValueError):
            x, y = view_places(np.array([float(peak["x"]), float(peak["y"])]), side).tolist()
            placed.append(peak | {"x": x, "y": y})
    return placed
