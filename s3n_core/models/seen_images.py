"""Which images a model has seen: those it learned from, and those that its best epoch was chosen by. Free of torch.

A model file carries the content hashes of both, so that images which were moved or renamed are recognised. No accuracy is shown
on images that the model learned from without saying so.
"""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from s3n_core.datasets.content_hashes import content_hash
from s3n_core.datasets.loading import Sample, read_sample

Seen = Literal["training", "validation", "unseen", "unknown"]
"""What a model has to do with an image: it learned from it; its best epoch was chosen by it; neither; nobody knows."""

SEEN: tuple[Seen, ...] = get_args(Seen)
OPTIMISTIC = "used to choose the epoch: optimistic"
"""What is said of an accuracy on validation images."""
NOT_KNOWN = "It is not known whether this model has seen these images."
MOST_IMAGES = 2_000_000
"""A model file holds the hashes of no more images: they would fill its header."""


def _none() -> NDArray[np.uint64]:
    return np.empty(0, dtype=np.uint64)


@dataclass(frozen=True, eq=False)
class SeenImages:
    """Content hashes of the images that a model has seen.

    Attributes:
        training: Of the images that it learned from: uint64, sorted.
        validation: Of the images that its best epoch was chosen by: uint64, sorted.
        complete: False where it began from a model of which it is not known what that had seen.
    """

    training: NDArray[np.uint64] = field(default_factory=_none)
    validation: NDArray[np.uint64] = field(default_factory=_none)
    complete: bool = True

    def of(self, hashed: int | None) -> Seen:
        """Return what the model has to do with an image by its content hash (None: it could not be read)."""
        if hashed is None:
            return "unknown"
        if _holds(self.training, hashed):
            return "training"
        if _holds(self.validation, hashed):
            return "validation"
        return "unseen" if self.complete else "unknown"

    def merged(self, other: SeenImages) -> SeenImages:
        """Return what a model has seen that went on from another one."""
        return SeenImages(
            np.union1d(self.training, other.training),
            np.union1d(self.validation, other.validation),
            self.complete and other.complete,
        )

    def to_header(self) -> dict[str, str]:
        """Return what a model file's metadata holds: the hashes as base64 of big-endian numbers. Empty for too many."""
        if len(self.training) + len(self.validation) > MOST_IMAGES:
            return {}
        texts = {"training": _text(self.training), "validation": _text(self.validation)}
        return texts if self.complete else texts | {"complete": "no"}

    @classmethod
    def from_header(cls, texts: Mapping[str, str]) -> SeenImages | None:
        """Read what ``to_header`` returned; None where it is not known what the model has seen."""
        try:
            return cls(_numbers(texts["training"]), _numbers(texts["validation"]), texts.get("complete") != "no")
        except (KeyError, ValueError, binascii.Error):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCounts:
    """How many images of a measurement the model has seen.

    Attributes:
        training: Images that it learned from.
        validation: Images that its best epoch was chosen by.
        unseen: Other images.
        unknown: Images of which it is not known.
    """

    training: int = 0
    validation: int = 0
    unseen: int = 0
    unknown: int = 0

    @classmethod
    def count(cls, found: Iterable[str] | Mapping[str, int]) -> SeenCounts:
        """Count images by the word for each, or take their numbers by word.

        A word that is none of ``SEEN``, as in tables of earlier versions, is unknown.
        """
        counts: Counter[str] = Counter()
        for word, images in Counter(found).items():
            counts[word if word in SEEN else "unknown"] += images
        return cls(**{word: counts[word] for word in SEEN})

    @property
    def images(self) -> int:
        """All images."""
        return self.training + self.validation + self.unseen + self.unknown

    @property
    def is_fair(self) -> bool:
        """Whether all images are known to be new to the model."""
        return self.unseen == self.images

    def sentence(self) -> str:
        """Say what it means for an accuracy on these images; empty without images."""
        images = self.images
        if not images:
            return ""
        if self.unknown == images:
            return NOT_KNOWN
        if self.unseen == images:
            return (
                "The model has not seen these images before."
                if images > 1
                else "The model has not seen this image before."
            )
        if self.training == images:
            these = f"all {images:,} of these images" if images > 1 else "this image"
            return f"The model learned from {these}; new ones are harder."
        if self.validation == images:
            return f"Validation images, {OPTIMISTIC}."
        clauses = [f"The model learned from {self.training:,} of these {images:,} images"] if self.training else []
        if self.validation:
            share = f"{self.validation:,} {'were' if self.validation > 1 else 'was'} {OPTIMISTIC}"
            clauses.append(share if clauses else f"Of these {images:,} images {share}")
        if self.unknown:
            clauses.append(f"of {self.unknown:,} it is not known whether the model has seen them")
        sentence = "; ".join(clauses)
        sentence = sentence[0].upper() + sentence[1:]
        return f"{sentence}. New images are harder." if self.training else f"{sentence}."

    def to_dict(self) -> dict[str, Any]:
        """Return the counts by name, and the sentence."""
        return {word: getattr(self, word) for word in SEEN} | {"sentence": self.sentence()}


class SeenReader:
    """Reads images for a model and finds out, while the file is at hand, whether the model has seen them.

    Args:
        seen: What the model has seen; None: not known, and nothing is looked up.
        read: Decodes a sample.
        hash_of: Returns the content hash of a sample's file, None for an image that is no file.
    """

    def __init__(
        self,
        seen: SeenImages | None,
        read: Callable[[Sample], Image.Image] = read_sample,
        hash_of: Callable[[Path], int | None] = content_hash,
    ) -> None:
        self._seen, self._read, self._hash_of = seen, read, hash_of
        self._found: dict[Path, Seen] = {}

    def __call__(self, sample: Sample) -> Image.Image:
        """Decode a sample; called from several threads at once."""
        found = None if self._seen is None else self._seen.of(self._hash_of(sample.path))
        image = self._read(sample)
        if found is not None:  # only now: nobody asks for an image that cannot be read
            self._found[sample.path] = found
        return image

    def take(self, path: Path) -> Seen:
        """Return what the model has to do with an image that was read, and forget it."""
        if self._seen is None:
            return "unknown"
        # Of a file that is listed twice the first has taken the answer.
        return self._found.pop(path, None) or self._seen.of(self._hash_of(path))


def _holds(hashes: NDArray[np.uint64], hashed: int) -> bool:
    place = int(np.searchsorted(hashes, np.uint64(hashed)))
    return place < len(hashes) and int(hashes[place]) == hashed


def _text(hashes: NDArray[np.uint64]) -> str:
    return base64.b64encode(hashes.astype(">u8").tobytes()).decode("ascii")


def _numbers(text: str) -> NDArray[np.uint64]:
    hashes = np.sort(np.frombuffer(base64.b64decode(text, validate=True), dtype=">u8").astype(np.uint64))
    return hashes[np.append(True, hashes[1:] != hashes[:-1])] if len(hashes) else hashes
