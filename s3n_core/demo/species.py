"""The species of the synthetic birds: one body, seven parts, and each species' variant of each part.

Any two species differ in one to four parts, so the parts that distinguish them are known exactly. If only one part
differs, it is large enough to be visible in a small photograph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

Bill = Literal["slate", "coral", "golden"]
Crown = Literal["black", "ruby", "gold-striped"]
EyeRing = Literal["none", "white"]
Throat = Literal["plain", "black", "amber"]
WingBars = Literal["none", "white", "gold"]
Tail = Literal["plain", "white-edged", "rufous"]
Legs = Literal["dark", "coral"]

PARTS: Final = ("bill", "crown", "eye_ring", "throat", "wing_bars", "tail", "legs")
"""The parts in which species may differ, in the order of a species' fields."""

VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    part: get_args(kind) for part, kind in zip(PARTS, (Bill, Crown, EyeRing, Throat, WingBars, Tail, Legs), strict=True)
}
"""Variants of each part."""


@dataclass(frozen=True, slots=True)
class Species:
    """A species: its name and its variant of each part."""

    name: str
    bill: Bill
    crown: Crown
    eye_ring: EyeRing
    throat: Throat
    wing_bars: WingBars
    tail: Tail
    legs: Legs

    def variants(self) -> dict[str, str]:
        """Return the variant of every part, keyed by the names in ``PARTS``."""
        return {part: getattr(self, part) for part in PARTS}


SPECIES: Final = (
    Species("Frost tailed Willowling", "slate", "black", "none", "plain", "none", "white-edged", "dark"),
    Species("Bibbed Willowling", "slate", "ruby", "none", "black", "none", "plain", "dark"),
    Species("Rufous tailed Willowling", "slate", "black", "none", "amber", "white", "rufous", "dark"),
    Species("Gold winged Willowling", "slate", "black", "none", "plain", "gold", "white-edged", "dark"),
    Species("Coral billed Willowling", "coral", "gold-striped", "none", "plain", "white", "plain", "dark"),
    Species("Ruby crowned Willowling", "golden", "ruby", "none", "plain", "white", "plain", "dark"),
    Species("Golden Willowling", "golden", "gold-striped", "none", "plain", "white", "plain", "dark"),
    Species("Black throated Willowling", "slate", "black", "white", "black", "white", "plain", "dark"),
    Species("Spectacled Willowling", "slate", "black", "white", "plain", "gold", "plain", "dark"),
    Species("Amber throated Willowling", "slate", "black", "white", "amber", "white", "plain", "dark"),
    Species("Coral footed Willowling", "slate", "black", "none", "plain", "gold", "plain", "coral"),
    Species("Rosy Willowling", "slate", "ruby", "none", "plain", "white", "plain", "coral"),
)
"""The species, in the order of their labels. The name is invented: no such birds exist."""


def distinguishing_parts(first: Species, second: Species) -> tuple[str, ...]:
    """Return the parts in which two species differ, in the order of ``PARTS`` (empty for the same species)."""
    return tuple(part for part in PARTS if getattr(first, part) != getattr(second, part))
