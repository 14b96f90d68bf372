"""The banner below the photographs of FGVC-Aircraft: 20 rows with the photographer's name, which the decoder cuts off.

The data set's description asks for it. A network that saw the banner could learn who photographs what, and the parts shown
would be letters. An image is known by its place alone, as ``images/NAME`` beside the data set's lists, so that training,
prediction, the window and export see the same picture, whatever the folder was opened as. Cutting at the lower edge leaves
all coordinates as they are.
"""

from __future__ import annotations

import os
from pathlib import Path

BANNER_HEIGHT = 20  # pixels
IMAGE_FOLDER = "images"
LEVELS = ("variant", "family", "manufacturer")


def aircraft_list(folder: Path, level: str, part: str) -> Path:
    """Return the list that gives the images of a part ("train", "val", "trainval", "test") their classes."""
    return folder / f"images_{level}_{part}.txt"


def has_aircraft_lists(folder: Path, level: str) -> bool:
    """Say whether a folder has the data set's lists of a level for training or for test."""
    return any(os.path.isfile(aircraft_list(folder, level, part)) for part in ("train", "trainval", "test"))


def has_banner(path: Path) -> bool:
    """Say whether an image is one of the data set's photographs."""
    folder = path.parent
    return folder.name == IMAGE_FOLDER and any(has_aircraft_lists(folder.parent, level) for level in LEVELS)


def rows_without_banner(path: Path, height: int) -> int:
    """Return how many of an upright image's rows, from the top, belong to the photograph."""
    return height - BANNER_HEIGHT if height > BANNER_HEIGHT and has_banner(path) else height
