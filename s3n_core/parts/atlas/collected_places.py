"""The places of an atlas while they are collected: kept after every batch, so that a stopped job goes on where it was."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from s3n_core.errors import DataSetError, UnfinishedOutput
from s3n_core.parts.atlas.atlas_files import (
    DESCRIPTORS,
    HEADER,
    IMAGES,
    IMAGES_FORMAT,
    PEAKS,
    PLACE,
    UNFINISHED_DESCRIPTORS,
    VERSION,
    Collection,
    image_of,
    open_new_array,
    read_header,
    read_image_lines,
    read_images,
)
from s3n_core.parts.atlas.collecting import Collected
from s3n_core.parts.atlas.neighbours import drop_index
from s3n_core.system.atomic_files import open_atomic, output_error
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.line_files import LineFile, part_path


class CollectedPlaces:
    """The places collected so far; locks the folder against a second job.

    Args:
        out: The atlas's folder.
        collection: Which model and images they come from.
        names: Names of the images, in order.
        restart: Discard what an earlier job has collected.

    Attributes:
        done: Images collected.
        unreadable: How many of them could not be used.
        rows: Places collected: peaks and drawn cells.

    Raises:
        OutputBusy: Another job is building this atlas.
        UnfinishedOutput: The folder holds an atlas of something else.
        AtlasError: The folder holds a finished atlas that is damaged.
    """

    def __init__(self, out: Path, collection: Collection, names: Sequence[str], *, restart: bool) -> None:
        self.done = self.unreadable = self.rows = self._channels = 0
        self._out, self._collection, self._names = out, collection, names
        self._finished = False
        header = read_header(out)
        if header is not None and not restart:
            self._refuse_other(from_json(Collection, header.collection))
            images = read_images(out, collection.count)
            self.done, self.unreadable = len(images), sum(bool(image.error) for image in images)
            self._finished = True
        first = {"format": IMAGES_FORMAT, "version": VERSION, **to_json(collection)}
        anew = restart or header is not None  # of a finished atlas only the lock is needed
        self._lines = LineFile(out / IMAGES, first, take=self._take, goes_on=self._goes_on, restart=anew)
        try:
            path = out / HEADER
            if restart:
                path.unlink(missing_ok=True)  # only now: the folder is locked
            path = out / UNFINISHED_DESCRIPTORS
            self._file = open(path, "r+b" if path.exists() else "x+b", buffering=0)  # noqa: SIM115
            if self._file.seek(0, 2) < self._bytes and not self._finished:
                raise UnfinishedOutput(
                    f"{path} lacks descriptors of images that were already done; start over with --restart.",
                    path=path,
                    content="fewer descriptors than images",
                )
            self._file.truncate(self._bytes)
            self._file.seek(self._bytes)
        except OSError as error:
            self._lines.close()
            raise output_error(path, error) from error
        except BaseException:
            self._file.close()
            self._lines.close()
            raise

    @property
    def _bytes(self) -> int:
        return 2 * self.rows * self._channels

    def append(self, some: Sequence[Collected]) -> None:
        """Append the places of some images: first the descriptors, so that a line never stands without them."""
        try:
            left = memoryview(b"".join(one.descriptors.tobytes() for one in some if one.descriptors is not None))
            while left:
                left = left[self._file.write(left) or 0 :]
        except OSError as error:
            raise output_error(self._out / UNFINISHED_DESCRIPTORS, error) from error
        self._lines.append(one.line for one in some)
        for one in some:
            self._count(one.line)

    def finish(self) -> None:
        """Write the arrays of all places; does nothing if they are already there.

        Raises:
            DataSetError: No image could be used.
            OutputError: They cannot be written.
        """
        if self._finished:
            return
        if self.unreadable == self.done:
            raise DataSetError(f"None of the {self.done} images could be used; see {self._lines.path} for the reasons.")
        drop_index(self._out)  # it is of other descriptors
        path = part_path(self._out / IMAGES)
        with open_new_array(self._out / PEAKS, PLACE, (self.rows,)) as peaks:
            for position, line in enumerate(read_image_lines(path)):
                if line["error"]:
                    continue
                predicted = line["predicted"]
                rows = np.array(
                    [(position, x, y, r, c, s, False, predicted) for x, y, r, c, s in line["peaks"]]
                    + [(position, x, y, 0, 0, 3, True, predicted) for x, y in line["cells"]],
                    dtype=PLACE,
                )
                peaks.write(rows.tobytes())
        self._file.seek(0)
        with open_new_array(self._out / DESCRIPTORS, np.float16, (self.rows, self._channels)) as stored:
            shutil.copyfileobj(self._file, stored)
        with open_atomic(self._out / IMAGES) as images, open(path, "rb") as lines:
            images.write(lines.readline())
            for text in lines:
                line = json.loads(text)
                for field in ("peaks", "cells", "channels"):
                    line.pop(field, None)
                images.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")

    def __enter__(self) -> CollectedPlaces:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._file.close()
        if (self._out / HEADER).exists():
            self._lines.remove()
            with contextlib.suppress(OSError):
                (self._out / UNFINISHED_DESCRIPTORS).unlink(missing_ok=True)
        else:
            self._lines.close()

    def _take(self, line: Any, _offset: int) -> None:
        if self.done == len(self._names) or line["file"] != self._names[self.done]:
            raise ValueError("not the line of this image")
        image_of(line)
        self._count(line)

    def _count(self, line: Any) -> None:
        self.done += 1
        if line["error"]:
            self.unreadable += 1
            return
        self._channels = line["channels"]
        self.rows += line["rows"]

    def _goes_on(self, line: bytes) -> bool:
        try:
            earlier = from_json(Collection, json.loads(line))
        except (ValueError, KeyError, TypeError):
            return False
        self._refuse_other(earlier)
        return False

    def _refuse_other(self, earlier: Collection) -> None:
        if difference := self._collection.difference(earlier):
            raise UnfinishedOutput(
                f"{self._out} contains an atlas of {difference}; start over with --restart, or choose another folder.",
                path=self._out,
                content=f"an atlas of {difference}",
            )
