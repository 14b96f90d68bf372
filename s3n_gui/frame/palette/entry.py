"""What the palette lists: entries in titled groups."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the palette.

    Attributes:
        key: Identifies it among all entries, also in later sessions: "action:open-data".
        title: Its name.
        detail: A few words about it; may be empty.
        icon: Name of its icon.
        shortcut: Its keys as text; may be empty.
        open: Does it, or opens it.
    """

    key: str
    title: str
    detail: str = ""
    icon: str = ""
    shortcut: str = ""
    open: Callable[[], object]


@dataclass(frozen=True, slots=True)
class EntryGroup:
    """Entries of one kind.

    Attributes:
        title: The heading: "Images".
        entries: At least one.
    """

    title: str
    entries: tuple[Entry, ...]
