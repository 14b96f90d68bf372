"""The design tokens: colours, type sizes, spacing. Plain data, no Qt.

The style sheet, the icons, curves, peaks and reports all use these values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Mode = Literal["system", "light", "dark"]
Branch = Literal["O", "D", "C", "joint"]
TypeRole = Literal["caption", "body", "section", "title"]
State = Literal["good", "caution", "bad"]

TYPE_SCALE: dict[TypeRole, int] = {"caption": 11, "body": 13, "section": 15, "title": 20}
"""Text sizes in device-independent pixels, before the user's text scale."""

SMALLEST_FACTOR, LARGEST_FACTOR = 0.8, 1.6
"""The bounds of the user's text scale."""

SPACE = 4
"""The unit of spacing, in pixels: gaps are 4, 8, 12, 16 or 24."""
INSIDE_GROUP, PAGE_MARGIN, BETWEEN_GROUPS = 8, 16, 24
CORNER_RADIUS = 6
CONTROL_HEIGHT, PRIMARY_HEIGHT = 28, 32

BRANCH_COLOURS: dict[Branch, str] = {"O": "#7A828E", "D": "#D55E00", "C": "#0072B2", "joint": "#009E73"}
"""Original, discriminative, complementary, joint: the same in both themes, in curves, peaks, bars and reports."""

IMAGE_GROUND = "#2A2D33"
"""Neutral grey behind images in both themes, so that it does not affect how their colours appear."""

ANNOTATION = "#FFD27A"
"""The data set's box and key points, as in exported figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of one theme, as ``#RRGGBB``.

    Attributes:
        dark: Whether this is the dark theme.
        page: Background of the window.
        card: Background of cards, fields, tables and menus.
        raised: Background of a control at rest.
        hover: Background of what the mouse is over.
        pressed: Background of what is pressed.
        border: Hairlines.
        strong_border: Edges of fields and buttons, with more contrast.
        text: Text and icons.
        quiet: Captions, units, hints.
        faint: Text and icons of disabled controls.
        accent: Links, focus, checked controls.
        accent_hover: The primary button under the mouse.
        on_accent: Text on ``accent``.
        selection: Background of selected rows (text stays ``text``).
        good: Good state; as for the next two, never shown by colour alone.
        caution: State that needs attention.
        bad: Failed state.
        good_text: Words and marks in text that say a good state; as for the next two, legible on all surfaces.
        caution_text: Words that say a state that needs attention.
        bad_text: Words that say a failed state.
        favour: Bars of what speaks for a class, in the hue of contributions above zero.
        against: Bars of what speaks for its rival, in the hue of those below.
        image_ground: Background of images.
    """

    dark: bool
    page: str
    card: str
    raised: str
    hover: str
    pressed: str
    border: str
    strong_border: str
    text: str
    quiet: str
    faint: str
    accent: str
    accent_hover: str
    on_accent: str
    selection: str
    good_text: str
    caution_text: str
    bad_text: str
    good: str = "#2E9E6B"
    caution: str = "#C98A00"
    bad: str = "#D64545"
    favour: str = "#3F9A35"
    against: str = "#84318F"
    image_ground: str = IMAGE_GROUND


LIGHT = Tokens(
    dark=False,
    page="#F7F8FA",
    card="#FFFFFF",
    raised="#FFFFFF",
    hover="#EEF0F4",
    pressed="#E3E7ED",
    border="#DDE1E7",
    strong_border="#C4CAD4",
    text="#1A1D23",
    quiet="#5B6472",
    faint="#A3ABB8",
    accent="#2F6FED",
    accent_hover="#2560D6",
    on_accent="#FFFFFF",
    selection="#DCE7FD",
    good_text="#1B7149",
    caution_text="#8A5F00",
    bad_text="#B83232",
)

DARK = Tokens(
    dark=True,
    page="#16181D",
    card="#1E2127",
    raised="#262A32",
    hover="#2A2F38",
    pressed="#333945",
    border="#2E333C",
    strong_border="#3D4450",
    text="#E7EAF0",
    quiet="#9AA3B2",
    faint="#5F6877",
    accent="#6E9BFF",
    accent_hover="#86ABFF",
    on_accent="#0E1320",
    selection="#27385E",
    good_text="#4CC38A",
    caution_text="#E3B341",
    bad_text="#F58E8E",
    favour="#62C552",
    against="#B877C4",
)


def clamp_factor(factor: float) -> float:
    """Clamp a text scale to its bounds; NaN becomes 1."""
    return min(max(factor, SMALLEST_FACTOR), LARGEST_FACTOR) if factor == factor else 1.0


def mixed(one: str, other: str, share: float) -> str:
    """Interpolate between two colours, ``#RRGGBB``: ``share`` 0 returns the first, 1 the second."""
    first, second = (tuple(int(text[i : i + 2], 16) for i in (1, 3, 5)) for text in (one, other))
    return "#" + "".join(f"{round(a + (b - a) * share):02X}" for a, b in zip(first, second, strict=True))


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio of two colours: from 1 (equal) to 21 (black on white)."""

    def luminance(text: str) -> float:
        channels = [int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def ink_on(ground: str) -> str:
    """Return the colour of text on a coloured ground, both ``#RRGGBB``: black or white, whichever is easier to read."""
    return max(("#FFFFFF", "#000000"), key=lambda ink: contrast(ink, ground))
