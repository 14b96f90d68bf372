"""Finding the images that lists and tables name, however they name them."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from s3n_core.datasets.file_formats import IMAGE_SUFFIXES, RAW_SUFFIXES
from s3n_core.datasets.readers.folder_tree import FolderTree

# Camera files as well: a list may be older than the images that were made from them.
_SUFFIXES = IMAGE_SUFFIXES | RAW_SUFFIXES | {".heic", ".heif"}
_DRIVE = re.compile(r"^[A-Za-z]:")


class ImageIndex:
    """All images of a tree, found by what a list or table calls them.

    An entry may be a path below the root or below the folder of the list, with or without its suffix, with forward slashes or
    backslashes, in another Unicode form or another case of letters; an absolute path of another machine, which ends with the
    image's folder and name; or a file's name alone, where only one image has it. What is found is always an image of the tree.
    """

    def __init__(self, tree: FolderTree) -> None:
        names = tree.images()
        self.names = frozenset(names)
        self._paths = _unique((_key(name), name) for name in names)
        self._stems = _unique((_key(_stem(name)), name) for name in names)
        self._suffixes = _SUFFIXES | {os.path.splitext(_key(name))[1] for name in names}
        self._one_folder = len({posixpath.dirname(name) for name in names}) == 1
        self._ends: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name in names:
            steps = _key(_stem(name)).split("/")
            for end in {tuple(steps[-1:]), tuple(steps[-2:])}:
                self._ends[end].append(name)

    def find(self, entry: str, folder: str = "") -> str | None:
        """Return the image that an entry names.

        Args:
            entry: What stands in the list or table.
            folder: The folder of the list or table, as a POSIX path below the root; its images come first.

        Returns:
            The image's POSIX path below the root, or None where there is none, or where several have this name.
        """
        for text in dict.fromkeys((entry, entry.replace("\\", "/"))):
            found = self._find(text, folder)
            if found is not None:
                return found
        return None

    def _find(self, entry: str, folder: str) -> str | None:
        path = posixpath.normpath(entry) if entry.strip() else ""
        if path in ("", ".", "..") or path.startswith("../"):
            return None
        absolute = path.startswith("/") or bool(_DRIVE.match(path))
        if not absolute:
            above = [folder[:end] for end in _ends(folder)]
            for place in (*above, ""):
                found = self._exact(posixpath.join(place, path))
                if found is not None:
                    return found
        return self._by_end(path, whole=not absolute)

    def _by_end(self, path: str, *, whole: bool) -> str | None:
        """Return the one image whose path ends like this one, as far as possible; ``whole``: with all of it."""
        steps = _key(path).split("/")
        # Only a known suffix: ".jpg cat" of "1.jpg cat" ends with a class.
        suffixed = os.path.splitext(steps[-1])[1] in self._suffixes
        for last in (_stem(steps[-1]), steps[-1]) if suffixed else steps[-1:]:
            wanted = [*steps[:-1], last]
            for known in (self._ends.get(tuple(wanted[-2:]), []), self._ends.get(tuple(wanted[-1:]), [])):
                shared = [
                    (_shared_end(wanted, _key(_stem(name)).split("/")), _ends_alike(steps[-1], name), name)
                    for name in known
                ]
                if whole:
                    shared = [one for one in shared if one[0] == len(wanted)]
                elif not self._one_folder:  # if all lie in one folder, that may have another name here
                    shared = [one for one in shared if _may_name(wanted, one[0], one[2])]
                if shared:
                    most = max(one[:2] for one in shared)
                    best = [name for *score, name in shared if tuple(score) == most]
                    return best[0] if len(best) == 1 else None
        return None

    def _exact(self, path: str) -> str | None:
        if path in self.names:
            return path
        return self._paths.get(_key(path)) or self._stems.get(_key(path))


def _key(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _shared_end(one: list[str], other: list[str]) -> int:
    """Return in how many steps from the end two paths agree."""
    count = 0
    for first, second in zip(reversed(one), reversed(other), strict=False):
        if first != second:
            break
        count += 1
    return count


def _may_name(steps: list[str], shared: int, name: str) -> bool:
    """Return whether an absolute path that shares so many last steps with an image may name it.

    Where both have a folder, it must be the same one: /data/cat/1.jpg is not dog/1.jpg.
    """
    return shared > 1 or "/" not in name or not any(steps[:-1])


def _ends_alike(listed: str, name: str) -> bool:
    """Return whether a listed file has the suffix of an image, which decides among images of one name."""
    return os.path.splitext(listed)[1] == os.path.splitext(_key(name))[1]


def _ends(folder: str) -> list[int]:
    """Return where the folder and each folder above it ends, longest first."""
    return [len(folder), *(at for at in range(len(folder) - 1, 0, -1) if folder[at] == "/")] if folder else []


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str | None]:
    """Return a dictionary of pairs, in which a key of several different values has None."""
    found: dict[str, str | None] = {}
    for key, value in pairs:
        found[key] = value if found.get(key, value) == value else None
    return found
