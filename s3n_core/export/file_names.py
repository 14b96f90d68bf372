"""Names of output files: as in the data set, safe on every system, and no two the same on any of them."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

# What Windows refuses in a name, control characters, and bytes that are no letters (they arrive as lone surrogates).
_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
_RESERVED = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)", re.IGNORECASE)
_MOST_BYTES = 180
"""Longest part of a path; file systems allow 255 bytes, and endings and numbers come on top."""


class OutputNames:
    """Gives every image a stem of its own below one folder.

    The folders of the data set are kept, so that ``a/bird.jpg`` and ``b/bird.jpg`` stay apart and can be found again. Names
    that one system would take for the same (``Bird`` and ``bird``, composed and decomposed accents) count as the same
    everywhere, and a file never takes the name of a folder.

    Args:
        taken: File names (no folders) directly in the output folder that are not to be used.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._files = {_key(name) for name in taken}
        self._folders: set[str] = set()

    def stem(self, name: str, endings: Iterable[str]) -> PurePosixPath:
        """Return a free stem for an image and take it.

        Args:
            name: The image's name in its data set, a posix path.
            endings: What will be written: each is added to the stem as it is (``.png``, ``/peaks.png``).

        Returns:
            A relative path without an ending.
        """
        parts = [safe_part(part) for part in PurePosixPath(name).parts if part not in ("/", ".", "..")] or ["image"]
        folder = PurePosixPath(*parts[:-1]) if len(parts) > 1 else PurePosixPath()
        last = PurePosixPath(parts[-1])
        own = safe_part(last.stem if last.suffix else last.name)
        endings = tuple(endings)
        # The file's kind tells a.jpg from a.png better than a number; numbers come after it.
        candidates = [own, safe_part(f"{own} ({last.suffix[1:]})")] if last.suffix[1:] else [own]
        number = 2
        while True:
            for candidate in candidates:
                stem = folder / candidate
                files = [f"{stem}{ending}" for ending in endings]
                if self._take(files):
                    return stem
            candidates, number = [f"{own}-{number}"], number + 1

    def _take(self, files: list[str]) -> bool:
        keys = {_key(file) for file in files}
        folders = {_key(str(parent)) for file in files for parent in PurePosixPath(file).parents}
        if keys & (self._files | self._folders) or folders & self._files or keys & folders:
            return False
        self._files |= keys
        self._folders |= folders
        return True


def safe_part(part: str) -> str:
    """Return one part of a path as a name that every system accepts, its letters kept in any script."""
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
