"""Class names for the eye: ``001.Black_footed_Albatross`` is a folder's name, "Black footed Albatross" a bird's."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"^\d+\.(?=\D)")


def shown_class(name: str) -> str:
    """Return a class name as a person reads it, as exported figures have it."""
    text = _NUMBER.sub("", name).replace("_", " ").strip()
    return text or name
