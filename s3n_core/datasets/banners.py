"""The banner below the photographs of FGVC-Aircraft: 20 rows with the photographer's name, cut off on decoding.

The data set's description asks for this. From the banner, a network could learn who photographs what, and the
discovered parts would be letters. Readers store its height in the record; callers pass it to the decoder. Cutting at
the lower edge leaves all coordinates unchanged.
"""

from __future__ import annotations

import os
from pathlib import Path

BANNER_HEIGHT = 20  # pixels
IMAGE_FOLDER = "images"
LEVELS = ("variant", "family", "manufacturer")


def aircraft_list(folder: Path, level: str, part: str) -> Path:
    """Return the path of the list that gives the classes of a split ("train", "val", "trainval" or "test")."""
    return folder / f"images_{level}_{part}.txt"


def has_aircraft_lists(folder: Path, level: str) -> bool:
    """Return whether a folder has a training or test list of FGVC-Aircraft for a class level."""
    return any(os.path.isfile(aircraft_list(folder, level, part)) for part in ("train", "trainval", "test"))


def banner_of(path: Path) -> int:
    """Return the height in pixels of an image's banner, judged by its path alone; 0 if it has none.

    A file ``images/NAME`` beside the lists of FGVC-Aircraft is one of its photographs, in whatever format it was
    opened. So training, prediction and opening a single image all see the same pixels.
    """
    folder = path.parent
    aircraft = folder.name == IMAGE_FOLDER and any(has_aircraft_lists(folder.parent, level) for level in LEVELS)
    return BANNER_HEIGHT if aircraft else 0
