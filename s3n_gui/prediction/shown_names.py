"""Names for the eye: ``001.Black_footed_Albatross`` is a folder's name, "Black footed Albatross" a bird's."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"^\d+\.(?=\D)")


def shown_class(name: str) -> str:
    """Return a class name as a person reads it, as exported figures have it."""
    return _NUMBER.sub("", name).replace("_", " ").strip() or name


def shown_file(name: str) -> str:
    """Return a file name that any font and the clipboard can hold: bytes that are no letters are written out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")
