"""The banner below the photographs of FGVC-Aircraft: 20 rows with the photographer's name, which no picture shows.

The data set's description asks for it. A network that saw the banner could learn who photographs what, and the parts shown
would be letters. Readers put its height into the record, and whoever decodes an image hands it to the decoder. Cutting at the
lower edge leaves all coordinates as they are.
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


def banner_of(path: Path) -> int:
    """Return the height of the banner of an image of which only the file is known, in pixels; 0 where it has none.

    A file that lies as ``images/NAME`` beside the data set's lists is one of its photographs, whatever it was opened as: the
    same picture is seen in training, in prediction and when it is opened alone.
    """
    folder = path.parent
    aircraft = folder.name == IMAGE_FOLDER and any(has_aircraft_lists(folder.parent, level) for level in LEVELS)
    return BANNER_HEIGHT if aircraft else 0
