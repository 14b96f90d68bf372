"""Numbers as people write them, whatever the language of their desktop: for fields of the window and for the command line.

A decimal comma is a decimal point. Separators of thousands are refused where two numbers could be meant, since "1,000" is a
thousand for one person and one for another.
"""

from __future__ import annotations

import re

_WHOLE = re.compile(r"[+-]?\d+")
_FRACTION = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)
_GROUPED = re.compile(r"([+-]?\d{1,3})([.,'\u2019 \u00a0\u202f])\d{3}(\2\d{3})*")


def read_whole(text: str) -> int:
    """Read a whole number.

    Raises:
        ValueError: It is none, or it could be two; the message is a sentence that names both.
    """
    text = text.strip()
    if _WHOLE.fullmatch(text):
        return int(text)
    if _GROUPED.fullmatch(text):
        grouped = re.sub(r"[^\d+-]", "", text)
        try:
            other = read_fraction(text)
        except ValueError:
            raise ValueError(f"'{text}' has a separator of thousands; write {grouped}.") from None
        whole = f" or {other:.0f}" if other == int(other) else ""
        raise ValueError(f"'{text}' can be read as {grouped} or as {other}; write {grouped}{whole}.")
    raise ValueError(f"'{text}' is not a whole number.")


def read_fraction(text: str) -> float:
    """Read a number with or without a fraction; a decimal comma counts as a point.

    Raises:
        ValueError: It is no number, or has separators of thousands; the message is a sentence.
    """
    text = text.strip()
    if "," in text and ("." in text or text.count(",") > 1):
        raise ValueError(f"'{text}' has several separators; write the number with one decimal point, without others.")
    plain = text.replace(",", ".")
    if not _FRACTION.fullmatch(plain):
        raise ValueError(f"'{text}' is not a number.")
    return float(plain)


def is_ambiguous(text: str) -> bool:
    """Say whether a text is a number that may have separators of thousands: "1.000", but not "0.001"."""
    found = _GROUPED.fullmatch(text.strip())
    return found is not None and int(found.group(1)) != 0
