"""What a part is called on the page."""

from __future__ import annotations

from collections.abc import Mapping

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.key_points import MAJORITY, KeyPointName


def part_name(atlas: Atlas, part: int, names: Mapping[int, KeyPointName]) -> str:
    """Return a part's name: a person's, else that of the key point that most of its peaks are near to, else "part N"."""
    own = atlas.parts.name(part)
    named = own != f"part {part + 1}" or part not in names or names[part].share < MAJORITY
    return own if named else f"{names[part].name}, {100 * names[part].share:.0f} %"


def bare_name(name: str) -> str:
    """Return a name without the share of its key point: "beak" of "beak, 71 %"."""
    return name.rpartition(", ")[0] if name.endswith(" %") else name
