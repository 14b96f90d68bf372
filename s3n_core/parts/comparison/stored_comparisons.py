"""Comparisons that an atlas keeps, so that an answer is there at once next time. Without torch.

``comparisons/A-B.json`` holds the comparison of two classes by their indices, ``comparisons/A-others.json`` that of a class with
all others.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.comparison import ComparedPart, Comparison
from s3n_core.system.atomic_files import make_folder, read_bytes, write_json
from s3n_core.system.json_values import to_json

FOLDER = "comparisons"
FORMAT, VERSION = "s3n-comparison", 1


@dataclass(frozen=True, kw_only=True)
class StoredComparison:
    """A comparison that an atlas keeps.

    Attributes:
        comparison: The comparison, with the names and marks that its parts have now.
        when: When it was made, ISO 8601 in UTC.
        current: Whether the atlas still has the same parts; otherwise make it again.
    """

    comparison: Comparison
    when: str
    current: bool


def keep_comparison(atlas: Atlas, comparison: Comparison) -> Path:
    """Keep a comparison with an atlas, in place of an earlier one of the same classes.

    Returns:
        The file.

    Raises:
        OutputError: The file cannot be written.
    """
    path = _path(atlas, comparison.a, comparison.b)
    make_folder(path.parent)
    record = {
        "format": FORMAT,
        "version": VERSION,
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "parts_key": parts_key(atlas, comparison),
        "comparison": to_json(comparison),
    }
    write_json(path, record)
    return path


def kept_comparison(atlas: Atlas, a: str, b: str | None) -> StoredComparison | None:
    """Return the comparison of two classes that an atlas keeps, in this order, whichever was class A when it was made; or None.

    Raises:
        AtlasError: There is no such class, or the file is damaged or of a newer version.
    """
    found = newest_comparison(atlas, a, b)
    return None if found is None else _with_names(found, atlas, atlas.background if found.current else frozenset())


def newest_comparison(atlas: Atlas, a: str, b: str | None) -> StoredComparison | None:
    """Return the comparison of two classes, in this order: the current one of the two files there may be; None without any.

    Its parts have the names and marks that they had when it was made, which needs no look at the atlas's places.

    Raises:
        AtlasError: As `kept_comparison`.
    """
    path = _path(atlas, a, b)
    own = _read(atlas, path) if path.exists() else None
    if b is None or (own is not None and own.current) or not _path(atlas, b, a).exists():
        return own
    other = _read(atlas, _path(atlas, b, a))
    if own is not None and not other.current:
        return own
    return replace(other, comparison=other.comparison.swapped())


def kept_comparisons(atlas: Atlas) -> tuple[StoredComparison, ...]:
    """Return all comparisons that an atlas keeps, in the order of the classes.

    Raises:
        AtlasError: A file is damaged or of a newer version.
    """
    found = [_read(atlas, path) for path in sorted((atlas.path / FOLDER).glob("*.json"), key=_order)]
    background = atlas.background if found else frozenset()  # once: it looks at all places
    return tuple(_with_names(one, atlas, background) for one in found)


def parts_key(atlas: Atlas, comparison: Comparison | None = None) -> str:
    """Return a key of the parts of an atlas, which changes with all edits but names and marks of background.

    Args:
        atlas: The atlas.
        comparison: Peaks that were moved count only in its images, where these are known; None: in all.
    """
    files = {image.file for image in comparison.images} if comparison is not None else set()
    edits = [
        edit.to_dict()
        for edit in atlas.parts.edits
        if edit.kind not in ("rename", "background", "object")
        and not (edit.kind == "reassign" and files and edit.image not in files)
    ]
    content = json.dumps([list(atlas.header.reach), atlas.header.centred, edits])
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _path(atlas: Atlas, a: str, b: str | None) -> Path:
    other = "others" if b is None else atlas.class_index(b)
    return atlas.path / FOLDER / f"{atlas.class_index(a)}-{other}.json"


def _order(path: Path) -> tuple[float, float]:
    first, _, second = path.stem.partition("-")
    number, other = (float(text) if text.isdecimal() else float("inf") for text in (first, second))
    return number, other


def _read(atlas: Atlas, path: Path) -> StoredComparison:
    """Read a comparison with the names and marks that its parts had when it was made."""
    try:
        record = json.loads(read_bytes(path))
        if record["format"] != FORMAT or record["version"] > VERSION:
            raise ValueError("it is of a newer version of this program")
        comparison, key = Comparison.from_details(record["comparison"]), record["parts_key"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AtlasError(f"{path} cannot be read ({error}). Delete it and compare the classes again.") from error
    return StoredComparison(comparison=comparison, when=record["when"], current=key == parts_key(atlas, comparison))


def _with_names(stored: StoredComparison, atlas: Atlas, background: frozenset[int]) -> StoredComparison:
    """Return a comparison with the names and marks that its parts have now, if the atlas still has the same parts."""

    def named(part: ComparedPart) -> ComparedPart:
        if part.part is None or part.part not in atlas.parts.numbers:
            return part
        return replace(part, name=atlas.parts.name(part.part), background=part.part in background)

    if not stored.current:
        return stored
    parts = tuple(named(part) for part in stored.comparison.parts)
    return replace(stored, comparison=replace(stored.comparison, parts=parts))
