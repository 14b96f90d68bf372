"""The kinds of panes: title, symbol, branch and plane of each. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from s3n_core.inspection.inspection import Warped

Kind = Literal[
    "peaks",
    "response",
    "class_map",
    "contributions",
    "map_d",
    "map_c",
    "magnified_d",
    "magnified_c",
    "image_d",
    "image_c",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
Plane = Literal["original", "D", "C"]


@dataclass(frozen=True, slots=True)
class KindText:
    """The texts of one kind of pane.

    Attributes:
        title: Plain name.
        short: Short name for narrow panes.
        shortest: Name for very narrow panes, beside the mark of the branch.
        symbol: The paper's symbol, with ``_`` before a subscript; empty if it has none.
        branch: "D" or "C" if the kind belongs to one branch.
        tip: One sentence for users who have not read the paper.
    """

    title: str
    short: str
    shortest: str
    symbol: str
    branch: Literal["", "D", "C"]
    tip: str


KIND_TEXTS: dict[Kind, KindText] = {
    "peaks": KindText(
        "Original with peaks",
        "Original",
        "Original",
        "T_d, T_c",
        "",
        "The image and the places where the network found evidence.",
    ),
    "response": KindText(
        "Response map",
        "Response",
        "Response",
        "R",
        "",
        "How much each place supports the predicted class or classes, from 0 to 1.",
    ),
    "class_map": KindText(
        "Class map",
        "Class",
        "Class",
        "M",
        "",
        "How much each place supports a class of your choice. All classes of an image share one scale, so the strongest "
        "class looks strongest.",
    ),
    "contributions": KindText(
        "Contributions",
        "Why",
        "Why",
        "",
        "",
        "Where the margin of one class over another is read, with sign, in logits per 1 % of the image's area: green for "
        "the class, purple for its rival. The tab Why has the classes and the sums.",
    ),
    "map_d": KindText(
        "Discriminative map",
        "D map",
        "Map",
        "Q_d",
        "D",
        "How much space each place gets in the discriminative image: strong evidence.",
    ),
    "map_c": KindText(
        "Complementary map",
        "C map",
        "Map",
        "Q_c",
        "C",
        "How much space each place gets in the complementary image: supporting evidence.",
    ),
    "magnified_d": KindText(
        "Magnification in D",
        "Magnified",
        "Size",
        "f, g",
        "D",
        "How many times larger the area of each place is in the discriminative image: one over the Jacobian "
        "determinant of (f, g).",
    ),
    "magnified_c": KindText(
        "Magnification in C",
        "Magnified",
        "Size",
        "f, g",
        "C",
        "How many times larger the area of each place is in the complementary image: one over the Jacobian "
        "determinant of (f, g).",
    ),
    "image_d": KindText(
        "Discriminative image",
        "D image",
        "Image",
        "D",
        "D",
        "Input of the discriminative branch: strong evidence is enlarged.",
    ),
    "image_c": KindText(
        "Complementary image",
        "C image",
        "Image",
        "C",
        "C",
        "Input of the complementary branch: supporting evidence is enlarged.",
    ),
}


def plane_of(kind: Kind) -> Plane:
    """Return the plane that a kind of pane shows."""
    return "D" if kind == "image_d" else "C" if kind == "image_c" else "original"


def warped_of(kind: Kind) -> Warped:
    """Return the branch whose grid a kind uses; D if the kind belongs to no branch."""
    return "C" if KIND_TEXTS[kind].branch == "C" else "D"
