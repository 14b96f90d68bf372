"""Names of output files: based on the names in the data set, valid and unique on every operating system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

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
        taken: Reserved file names (not folders) directly in the output folder.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._files = {_key(name) for name in taken}
        self._folders: set[str] = set()

    def stem(self, name: str, endings: Iterable[str]) -> PurePosixPath:
        """Return a free stem for an image and reserve it.

        Args:
            name: The image's name in its data set, a POSIX path.
            endings: The endings of the files to write, each appended to the stem (``.png``, ``/peaks.png``).

        Returns:
            A relative path without an ending.
        """
        parts = [safe_part(part) for part in PurePosixPath(name).parts if part not in ("/", ".", "..")] or ["image"]
        folder = PurePosixPath(*parts[:-1]) if len(parts) > 1 else PurePosixPath()
        last = PurePosixPath(parts[-1])
        own = safe_part(last.stem if last.suffix else last.name)
        endings = tuple(endings)
        # To distinguish a.jpg from a.png, the file type is tried before numbers.
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
