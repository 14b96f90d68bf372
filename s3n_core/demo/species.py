"""The species of the synthetic birds: one body, seven parts, and each species' variant of each part.

Any two species differ in one to seven parts, so the parts that distinguish them are known exactly. If only one part
differs, it is large enough to be visible in a small photograph. Codes and their properties: ``species_search``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
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

Look = Mapping[str, str | None]
"""What a bird looks like: the variant of every part; None for a part that is left out."""


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

    def look(self, without: Collection[str] = ()) -> Look:
        """Return the variant of every part, None for the parts in ``without``.

        Raises:
            ValueError: ``without`` names something that is not in ``PARTS``.
        """
        unknown = [name for name in without if name not in PARTS]
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a part of the synthetic birds; the parts are {', '.join(PARTS)}.")
        return {part: None if part in without else variant for part, variant in self.variants().items()}


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
    Species("Sunset Willowling", "slate", "ruby", "none", "plain", "gold", "plain", "coral"),
    Species("Snow edged Willowling", "coral", "gold-striped", "none", "plain", "white", "white-edged", "dark"),
    Species("Ember Willowling", "slate", "ruby", "none", "plain", "none", "plain", "dark"),
    Species("Masked Willowling", "slate", "black", "white", "black", "white", "rufous", "dark"),
    Species("Honey billed Willowling", "golden", "black", "white", "amber", "none", "plain", "coral"),
    Species("Chestnut Willowling", "slate", "black", "none", "black", "white", "rufous", "coral"),
    Species("Marigold Willowling", "golden", "black", "none", "amber", "gold", "white-edged", "coral"),
    Species("Harlequin Willowling", "coral", "gold-striped", "white", "amber", "none", "white-edged", "coral"),
    Species("Wading Willowling", "slate", "black", "white", "plain", "white", "plain", "coral"),
    Species("Saffron Willowling", "slate", "gold-striped", "white", "amber", "white", "rufous", "dark"),
    Species("Apricot Willowling", "golden", "black", "white", "amber", "none", "white-edged", "coral"),
    Species("Copper Willowling", "coral", "black", "white", "amber", "white", "rufous", "dark"),
)
"""The species, in the order of their labels. The name is invented: no such birds exist."""

DEFAULT_SPECIES: Final = 12
"""Number of species of a data set unless more are asked for: the first of ``SPECIES``."""


def distinguishing_parts(first: Species, second: Species) -> tuple[str, ...]:
    """Return the parts in which two species differ, in the order of ``PARTS`` (empty for the same species)."""
    return tuple(part for part in PARTS if getattr(first, part) != getattr(second, part))


def shared_parts(first: Species, second: Species) -> tuple[str, ...]:
    """Return the parts in which two species are the same, in the order of ``PARTS``."""
    return tuple(part for part in PARTS if getattr(first, part) == getattr(second, part))


def contrasts(species: Species, others: Iterable[Species] = SPECIES) -> list[tuple[Species, Species]]:
    """Return the pairs among ``others`` that each share exactly two parts with ``species``, and none of them the same.

    By such a pair it can be asked whether an explanation depends on the class: held against one of the two, the parts shared
    with it cannot count, and these are others for each of the two.
    """
    two = [(other, shared_parts(species, other)) for other in others if len(shared_parts(species, other)) == 2]
    return [(a, b) for (a, in_a), (b, in_b) in combinations(two, 2) if not set(in_a) & set(in_b)]


def sufficient_parts(species: Species, others: Sequence[Species]) -> list[frozenset[str]]:
    """Return the minimal sets of parts by which ``species`` can be told from all ``others``, smallest first.

    Each set, all other parts left out, fits this species only, and no smaller set within it does.
    """
    found: list[frozenset[str]] = []
    for size in range(1, len(PARTS) + 1):
        for chosen in map(frozenset, combinations(PARTS, size)):
            left_out = [part for part in PARTS if part not in chosen]
            if not any(smaller <= chosen for smaller in found) and all(
                one == species for one in fitting(species.look(left_out), others)
            ):
                found.append(chosen)
    return found


def fitting(look: Look, species: Sequence[Species]) -> list[Species]:
    """Return the species that a bird with this look may belong to, judged by the parts that are not left out."""
    seen = {part: variant for part, variant in look.items() if variant is not None}
    return [one for one in species if seen.items() <= one.variants().items()]
