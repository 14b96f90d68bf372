"""Finding image files below a folder, quickly (one ``scandir`` a folder) and in an order that no file system decides.

A file with the suffix of an image is one, and is not opened here. One whose suffix says nothing is judged by its first bytes.
Everything else is counted with its reason: what operating systems, network disks and editors leave, placeholders of cloud
disks, folders that this program wrote, films, raw photographs, texts.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from s3n_core.datasets.file_formats import IMAGE_SUFFIXES, SIGNATURE, format_of, is_text, suffix_of
from s3n_core.datasets.image_opening import is_decoded
from s3n_core.datasets.own_folders import OWN_NAMES, own_kind
from s3n_core.datasets.records import Problem, Skipped
from s3n_core.datasets.skipped_files import (
    FOLDER,
    NOT_AN_IMAGE,
    OTHER_FILE,
    OWN,
    PLACEHOLDER,
    UNOPENED,
    SkippedFiles,
    hidden_reason,
    is_placeholder,
    no_decoder,
    suffix_reason,
)

_IS_WINDOWS = os.name == "nt"


@dataclass(frozen=True, slots=True)
class Listing:
    """What lies directly in one folder.

    Attributes:
        folders: Names of the folders, in the order of their characters' code points; not those that are passed over.
        images: Names of the files that are images, in the same order.
        skipped: Everything else.
        others: Names of all other files that are not hidden, sorted likewise: lists and tables are among them.
    """

    folders: tuple[str, ...]
    images: tuple[str, ...]
    skipped: tuple[Skipped, ...] = ()
    others: tuple[str, ...] = ()


_EMPTY = Listing((), ())
_OWN = Listing((), ())  # of every folder that this program wrote


class FolderScan:
    """The search for images below one folder: each folder is listed once, however often it is asked for.

    A folder below it that this program wrote is empty for every question.

    Attributes:
        problems: Folders that cannot be listed, links that lead back, and what a reader adds.
    """

    def __init__(self, root: str | Path) -> None:
        """Begin a search below ``root``; nothing is read."""
        self._root = _key(root)
        self.problems: list[Problem] = []
        self._listings: dict[str, Listing | OSError] = {}
        self._counted: set[str] = set()
        self._skipped = SkippedFiles()

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was passed over in the folders that were listed (`DataSet.skipped`)."""
        return self._skipped.counted()

    def listing(self, folder: str | Path) -> Listing:
        """List one folder and count what is passed over in it; one that cannot be listed is empty and becomes a problem.

        Folders in it that this program wrote are not among its folders: to know them, these are listed, too.
        """
        key = _key(folder)
        listing = self._listed(key)
        if isinstance(listing, OSError):
            if key not in self._counted:
                self.problems.append(Problem(Path(folder), f"the folder cannot be read ({listing.strerror})"))
            self._counted.add(key)
            return _EMPTY
        own = {name for name in listing.folders if self._is_own(key + name)}
        if key not in self._counted:
            self._counted.add(key)
            self._skipped.include(listing.skipped)
            for name in sorted(own):
                self._skipped.add(OWN, FOLDER, Path(folder, name))
        if not own:
            return listing
        return replace(listing, folders=tuple(name for name in listing.folders if name not in own))

    def peek(self, folder: str | Path) -> Listing:
        """List one folder for a look only: nothing is counted, and one that cannot be listed is empty."""
        listing = self._listed(_key(folder))
        return _EMPTY if isinstance(listing, OSError) else listing

    def holds_own_folder(self, folder: str | Path, *, depth: int = 3) -> bool:
        """Say whether a folder that this program wrote lies in a folder or, down to ``depth`` levels, below it."""
        if self._is_own(_key(folder)):
            return True
        return depth > 0 and any(
            self.holds_own_folder(os.path.join(folder, name), depth=depth - 1) for name in self.peek(folder).folders
        )

    def _is_own(self, folder: str) -> bool:
        return self._listed(_key(folder)) is _OWN

    def _listed(self, folder: str) -> Listing | OSError:
        if folder not in self._listings:
            try:
                self._listings[folder] = _list(folder, look_for_own=folder != self._root)
            except OSError as error:
                self._listings[folder] = error
        return self._listings[folder]


def is_image(path: Path) -> bool:
    """Say whether a file would be listed as an image: by its suffix, or where that says nothing, by its first bytes."""
    suffix = suffix_of(path.name)
    if suffix in IMAGE_SUFFIXES:
        return True
    if suffix_reason(suffix) is not None:
        return False
    try:
        return _reason_by_content(str(path), path.stat()) is None
    except OSError:
        return False


def _key(folder: str | Path) -> str:
    return os.path.join(folder, "")  # with and without a separator at its end


def _list(folder: str, *, look_for_own: bool) -> Listing:
    own: set[str] = set()
    folders: list[str] = []
    images: list[str] = []
    others: list[str] = []
    skipped = SkippedFiles()
    with os.scandir(folder) as entries:
        for entry in entries:
            name = entry.name
            if look_for_own and name in OWN_NAMES:
                own.add(name)
            suffix = suffix_of(name)
            reason = hidden_reason(name)
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link in a circle, or to where nobody may look
                skipped.add(reason or UNOPENED, suffix, Path(entry.path))
                continue
            if reason is None and suffix in IMAGE_SUFFIXES and not _IS_WINDOWS and not is_folder:
                images.append(name)  # also a link to nowhere: the decoder names it
                continue
            if is_folder:
                if reason is None:
                    folders.append(name)
                    continue
                suffix = FOLDER
            elif reason is None:
                reason = _reason(entry, suffix)
                if reason is None:
                    images.append(name)
                    continue
                others.append(name)
            skipped.add(reason, suffix, Path(entry.path))
    if own and own_kind(folder, own) is not None:
        return _OWN
    return Listing(tuple(sorted(folders)), tuple(sorted(images)), skipped.counted(), tuple(sorted(others)))


def _reason(entry: os.DirEntry[str], suffix: str) -> str | None:
    """Say why a file is no image; None where it is one."""
    if _IS_WINDOWS and is_placeholder(getattr(entry.stat(), "st_file_attributes", 0)):
        return PLACEHOLDER
    if suffix in IMAGE_SUFFIXES:
        return None
    reason = suffix_reason(suffix)
    if reason is not None:
        return reason
    try:
        return _reason_by_content(entry.path, entry.stat())
    except OSError:
        return UNOPENED


def _reason_by_content(path: str, status: os.stat_result) -> str | None:
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        return NOT_AN_IMAGE
    return _reason_by_bytes(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16384)  # a folder is looked at by several readers before one reads it
def _reason_by_bytes(path: str, changed: int, size: int) -> str | None:
    """Say why a file's first bytes are no image's; ``changed`` and ``size`` tell it from what it was before."""
    try:
        with open(path, "rb", buffering=0) as file:
            prefix = file.read(SIGNATURE)
    except OSError:
        return UNOPENED
    format = format_of(prefix)
    if format is None:
        return OTHER_FILE if is_text(prefix) else NOT_AN_IMAGE
    return None if is_decoded(format) else no_decoder(format)
