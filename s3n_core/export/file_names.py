"""Names of output files: based on the names in the data set, valid and unique on every operating system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import overload

# Characters that Windows forbids in names, control characters, and undecodable bytes (lone surrogates in Python).
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_MOST_BYTES = 180
"""Maximum length of a path component; file systems allow 255 bytes, but suffixes and numbers are added."""


class OutputNames:
    """Assigns every image a unique stem below one folder.

    The data set's folders are kept, so that ``a/bird.jpg`` and ``b/bird.jpg`` do not clash and are easy to find. Names
    that any system considers equal (``Bird`` and ``bird``, composed and decomposed accents) are treated as equal
    everywhere, and a file never gets the name of a folder.

    Args:
        endings: The endings of the files to write, each appended to the stem (``.png``, ``/peaks.png``).
        taken: Reserved file names (not folders) directly in the output folder.
    """

    def __init__(self, endings: Iterable[str], taken: Iterable[str] = ()) -> None:
        self._endings = tuple(map(_key, endings))
        # What of an ending belongs to a folder: nothing for ``/peaks.png``, for which the stem itself is one.
        self._folder_endings = {
            ending[:place] for ending in self._endings for place, letter in enumerate(ending) if letter == "/"
        }
        self._taken = {_key(name) for name in taken}
        # Only stems are kept, since a dozen files an image would take 2 kB.
        self._stems: set[str] = set()
        self._folders: set[str] = set()

    def stem(self, name: str) -> PurePosixPath:
        """Return a free stem for an image, a relative path without an ending, and reserve it.

        Args:
            name: The image's name in its data set, a POSIX path.
        """
        folder, own, suffix = _split(name)
        outermost, *inner = folder.parts or ("",)
        number = 2
        while any(self._is_file(_key(str(around))) for around in (folder, *folder.parents)):
            folder, number = PurePosixPath(f"{outermost}-{number}", *inner), number + 1
        # To distinguish a.jpg from a.png, the file type is tried before numbers.
        candidates = [own, safe_part(f"{own} ({suffix})")] if suffix else [own]
        number = 2
        while True:
            for candidate in candidates:
                if self._take(stem := folder / candidate):
                    return stem
            candidates, number = [f"{own}-{number}"], number + 1

    def _take(self, stem: PurePosixPath) -> bool:
        own = _key(str(stem))
        around = {_key(str(parent)) for parent in stem.parents}
        files = [own + ending for ending in self._endings]
        folders = [*around, *(own + ending for ending in self._folder_endings)]
        if any(self._is_file(file) or self._is_folder(file) for file in files) or any(map(self._is_file, folders)):
            return False
        self._stems.add(own)
        self._folders |= around
        return True

    def _is_file(self, path: str) -> bool:
        return path in self._taken or self._continues_a_stem(path, self._endings)

    def _is_folder(self, path: str) -> bool:
        return path in self._folders or self._continues_a_stem(path, self._folder_endings)

    def _continues_a_stem(self, path: str, endings: Iterable[str]) -> bool:
        return any(path.endswith(ending) and path[: len(path) - len(ending)] in self._stems for ending in endings)


class OutputStems(Sequence[PurePosixPath]):
    """The unique stems of images, in order; only those that do not follow from the image's own name are kept.

    Args:
        names: The images' names.
        endings: As for `OutputNames`, and so is ``taken``.
        taken: Reserved file names.
    """

    def __init__(self, names: Sequence[str], endings: Iterable[str], taken: Iterable[str] = ()) -> None:
        self._names = names
        self._others: dict[int, PurePosixPath] = {}
        output = OutputNames(endings, taken)
        for position, name in enumerate(names):
            if (stem := output.stem(name)) != _own_stem(name):
                self._others[position] = stem

    def __len__(self) -> int:
        return len(self._names)

    @overload
    def __getitem__(self, place: int) -> PurePosixPath: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[PurePosixPath]: ...
    def __getitem__(self, place: int | slice) -> PurePosixPath | Sequence[PurePosixPath]:
        if isinstance(place, slice):
            return [self[position] for position in range(len(self))[place]]
        position = range(len(self))[place]
        return self._others.get(position) or _own_stem(self._names[position])


def _own_stem(name: str) -> PurePosixPath:
    """Return the stem that an image has unless another one has taken it."""
    folder, own, _ = _split(name)
    return folder / own


def _split(name: str) -> tuple[PurePosixPath, str, str]:
    """Return an image's folder, its name without the suffix, and the suffix without its dot, valid on every system."""
    parts = [safe_part(part) for part in PurePosixPath(name).parts if part not in ("/", ".", "..")] or ["image"]
    last = PurePosixPath(parts[-1])
    return PurePosixPath(*parts[:-1]), safe_part(last.stem if last.suffix else last.name), last.suffix[1:]


def safe_part(part: str) -> str:
    """Return a path component as a name that is valid on every system; letters of all scripts are kept."""
    part = _UNSAFE.sub("_", part).rstrip(". ").lstrip(" ")
    if not part or part.startswith("."):
        part = "_" + part.lstrip(".")
    if _RESERVED.match(part):
        part = "_" + part
    data = part.encode()
    if len(data) > _MOST_BYTES:
        digest = hashlib.blake2b(data, digest_size=4).hexdigest()
        part = data[: _MOST_BYTES - 9].decode(errors="ignore").rstrip(". ") + "-" + digest
    return part


def _key(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
