"""The settings of the scenes: palettes, perches and plants.

A setting is drawn from the scene's random stream only. The colours in which the birds' parts differ also occur in the
surroundings as berries and blossoms, so that no colour of the surroundings reveals the species.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from s3n_core.demo.painter import Colour

Perch = Literal["branch", "stem", "stone", "ground", "air"]
"""What the bird stands on; "air" for a bird in flight."""

_FLYING = 0.14  # share of birds in flight


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A kind of scene.

    Attributes:
        name: Descriptive name.
        sky: Colours of the blurred background, from the top of the image to the bottom.
        masses: Colours of blurred foliage in the background.
        leaves: Colours of nearby leaves; empty if there are none.
        blossoms: Probability that a sprig bears berries or blossoms.
        bark: Colour of wood, stem or stone.
        cover: Colour of moss, lichen or snow on the perch.
        perches: Possible perches; repeated ones are more likely.
        bokeh: Strength of the discs of light in the background.
        snow: Whether it snows.
    """

    name: str
    sky: tuple[Colour, Colour, Colour]
    masses: tuple[Colour, ...]
    leaves: tuple[Colour, ...]
    blossoms: float
    bark: Colour
    cover: Colour
    perches: tuple[Perch, ...]
    bokeh: float
    snow: bool = False


SETTINGS: Final = (
    Setting(
        name="spring wood",
        sky=((222, 232, 178), (158, 188, 120), (92, 126, 82)),
        masses=((118, 156, 88), (84, 122, 76), (190, 208, 136), (64, 98, 70)),
        leaves=((122, 164, 66), (96, 140, 62), (152, 184, 84), (78, 118, 60)),
        blossoms=0.5,
        bark=(104, 86, 70),
        cover=(132, 152, 78),
        perches=("branch", "branch", "stone"),
        bokeh=0.5,
    ),
    Setting(
        name="deep wood",
        sky=((104, 138, 118), (62, 94, 82), (34, 56, 52)),
        masses=((46, 78, 66), (84, 116, 92), (30, 52, 48), (122, 140, 96)),
        leaves=((86, 126, 78), (64, 100, 70), (112, 142, 82)),
        blossoms=0.4,
        bark=(84, 70, 62),
        cover=(112, 138, 74),
        perches=("branch", "stone", "ground"),
        bokeh=0.7,
    ),
    Setting(
        name="autumn",
        sky=((242, 214, 156), (214, 156, 92), (134, 92, 62)),
        masses=((196, 118, 56), (226, 170, 84), (140, 78, 48), (166, 134, 80)),
        leaves=((206, 108, 40), (226, 158, 58), (168, 70, 40), (190, 140, 62)),
        blossoms=0.5,
        bark=(98, 76, 62),
        cover=(168, 160, 120),
        perches=("branch", "branch", "ground"),
        bokeh=0.6,
    ),
    Setting(
        name="winter",
        sky=((232, 238, 244), (204, 216, 228), (172, 188, 204)),
        masses=((186, 200, 214), (150, 166, 182), (222, 230, 238), (128, 142, 152)),
        leaves=(),
        blossoms=0.6,
        bark=(96, 82, 76),
        cover=(246, 249, 253),
        perches=("branch", "branch", "ground"),
        bokeh=0.25,
        snow=True,
    ),
    Setting(
        name="reeds",
        sky=((206, 222, 222), (150, 184, 186), (88, 122, 124)),
        masses=((172, 164, 118), (126, 146, 122), (198, 190, 146), (98, 124, 118)),
        leaves=((170, 164, 92), (136, 148, 84), (198, 182, 116)),
        blossoms=0.25,
        bark=(176, 152, 98),
        cover=(202, 182, 126),
        perches=("stem", "stem", "stone"),
        bokeh=0.45,
    ),
    Setting(
        name="dawn meadow",
        sky=((252, 226, 202), (240, 188, 172), (160, 140, 152)),
        masses=((226, 164, 150), (188, 152, 160), (248, 212, 176), (140, 138, 130)),
        leaves=((150, 158, 96), (176, 168, 106), (126, 140, 92)),
        blossoms=0.6,
        bark=(140, 116, 92),
        cover=(168, 164, 108),
        perches=("stem", "branch", "ground"),
        bokeh=0.65,
    ),
    Setting(
        name="blossom",
        sky=((224, 236, 246), (232, 218, 228), (196, 184, 196)),
        masses=((244, 206, 216), (220, 190, 206), (250, 230, 232), (176, 190, 166)),
        leaves=((142, 172, 98), (168, 190, 122)),
        blossoms=1.0,
        bark=(92, 74, 70),
        cover=(150, 158, 120),
        perches=("branch",),
        bokeh=0.5,
    ),
    Setting(
        name="dusk",
        sky=((116, 122, 166), (198, 148, 150), (86, 78, 108)),
        masses=((88, 84, 122), (222, 164, 134), (62, 60, 88), (152, 118, 144)),
        leaves=((96, 108, 84), (120, 116, 88), (74, 88, 80)),
        blossoms=0.4,
        bark=(78, 66, 70),
        cover=(120, 116, 98),
        perches=("branch", "stone", "stem"),
        bokeh=0.9,
    ),
    Setting(
        name="shore",
        sky=((208, 222, 232), (156, 180, 194), (112, 134, 146)),
        masses=((178, 196, 204), (132, 154, 166), (196, 190, 176), (100, 120, 130)),
        leaves=((150, 158, 116), (176, 172, 128)),
        blossoms=0.15,
        bark=(134, 130, 126),
        cover=(158, 156, 128),
        perches=("stone", "stone", "stem"),
        bokeh=0.55,
    ),
)


ACCENTS: Final[tuple[Colour, ...]] = (
    (198, 30, 46),
    (250, 190, 38),
    (246, 142, 30),
    (246, 108, 78),
    (255, 250, 240),
    (52, 46, 66),
    (204, 92, 40),
)
"""The colours of the birds' parts, also used for berries and blossoms."""


def draw_setting(rng: np.random.Generator) -> tuple[Setting, Perch]:
    """Choose a setting and a perch at random."""
    setting = SETTINGS[int(rng.integers(len(SETTINGS)))]
    perch = setting.perches[int(rng.integers(len(setting.perches)))]
    return setting, "air" if rng.random() < _FLYING else perch


def varied(colour: Colour, rng: np.random.Generator, amount: float = 10.0) -> Colour:
    """Return a random variation of ``colour``: slightly lighter or darker and warmer or cooler."""
    lighter, warmer = rng.normal(0, amount), rng.normal(0, 0.4 * amount)
    shifted = np.clip(np.asarray(colour) + lighter + np.array([warmer, 0, -warmer]), 0, 255)
    return (float(shifted[0]), float(shifted[1]), float(shifted[2]))
