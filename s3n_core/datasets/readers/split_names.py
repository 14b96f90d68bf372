"""Which folders are splits: what their names say, and when a name may be believed.

A folder called ``train`` may be a split, or a class of vehicles. It is a split only where every folder with images beside it has
the name of a split too. What siblings have in common (``seg_train``, ``seg_test``; ``train2017``, ``val2017``) is not looked at.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Literal

from s3n_core.datasets.records import Split

SplitRole = Literal["train", "val", "test", "unlabelled"]
"""A split, or images that nobody has labelled."""

_SYNONYMS: dict[SplitRole, tuple[str, ...]] = {
    "train": ("train", "training", "trn", "learn", "learning"),
    "val": ("val", "valid", "validation", "validate", "dev", "development"),
    "test": ("test", "testing", "tst", "holdout"),
    "unlabelled": ("pred", "predict", "prediction", "predictions", "inference", "unlabelled", "unlabeled"),
}
_EVALUATION = ("eval", "evaluation")  # a test set where there is a validation set beside it, else a validation set
_ROLES: dict[str, SplitRole] = {name: role for role, names in _SYNONYMS.items() for name in names}
_FILLERS = ("set", "data", "dataset", "split", "folder", "image", "images", "img", "imgs", "photos", "pictures")
_GLUED = re.compile(rf"({'|'.join((*_ROLES, *_EVALUATION))})({'|'.join(_FILLERS)})")
_WORDS = re.compile(r"[^\W\d_]+|\d+")


def role_of(name: str) -> SplitRole | None:
    """Return what a single name says: "Training" is "train", "validation_set" is "val", "bus" is None."""
    return _role(_words(name), set())


def split_roles(names: Iterable[str]) -> dict[str, SplitRole]:
    """Return the role of each of the folders that lie side by side.

    Args:
        names: Names of all folders with images in one folder.

    Returns:
        A role for every name; empty where one of them has none, so that they are classes.
    """
    words = {name: _words(name) for name in names}
    common: set[str] = set.intersection(*(set(some) for some in words.values())) if len(words) > 1 else set()
    found = {
        name: _role([word for word in some if word not in common], set(_EVALUATION)) for name, some in words.items()
    }
    if "val" in found.values():
        roles = found
    else:
        roles = {name: _role([word for word in some if word not in common], set()) for name, some in words.items()}
    known = {name: role for name, role in roles.items() if role is not None}
    return known if len(known) == len(words) else {}


def split_of(role: SplitRole) -> Split | None:
    """Return the split of a role; images that nobody has labelled are in none."""
    return None if role == "unlabelled" else role


def _words(name: str) -> list[str]:
    """Return the words and numbers of a name in lower case: "Train_Set2" is train, set, 2."""
    words: list[str] = []
    for word in _WORDS.findall(unicodedata.normalize("NFC", name).lower()):
        glued = _GLUED.fullmatch(word)
        words += glued.groups() if glued else (word,)
    return words


def _role(words: list[str], tests: set[str]) -> SplitRole | None:
    """Return the role of a name's words; a name of two roles, or with any other word, has none."""
    found: set[SplitRole] = set()
    for word in words:
        if word in _EVALUATION:
            found.add("test" if word in tests else "val")
        elif word in _ROLES:
            found.add(_ROLES[word])
        elif word not in _FILLERS and not word.isdecimal():
            return None
    return found.pop() if len(found) == 1 else None
