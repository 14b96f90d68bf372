"""Hashes of a run's images, made in the background while it begins to learn: no start waits for them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from s3n_core.datasets.content_hashes import content_hashes
from s3n_core.datasets.loading import Sample
from s3n_core.errors import ModelFileError, ModelNotFound
from s3n_core.models.model_headers import read_header
from s3n_core.models.seen_images import MOST_IMAGES, SeenImages
from s3n_core.training.preparing import Plan


class ImageHashing:
    """Finds out which images the model of a run will have seen; a thread that reads each file once."""

    def __init__(self, plan: Plan, checkpoint: Path | None, *, changed_data: bool = False) -> None:
        """Begin.

        Args:
            plan: The run's plan.
            checkpoint: The model file that the run goes on from: where it knows what it has seen, nothing is read again.
            changed_data: The images have changed since: the new ones are added.
        """
        self._stop = threading.Event()
        self._seen: SeenImages | None = None
        self._thread: threading.Thread | None = None
        earlier = None if checkpoint is None else _seen_by(checkpoint)
        if earlier is not None and not changed_data:
            self._seen = earlier
            return
        before = earlier or _seen_by_weights(plan.weights)
        self._thread = threading.Thread(target=self._work, args=(plan, before), name="s3n-hash", daemon=True)
        self._thread.start()

    def seen(self, *, wait: bool) -> SeenImages | None:
        """Return what the model has seen.

        Args:
            wait: Wait for the thread; else None is returned while it works.
        """
        if self._thread is not None and wait:
            self._thread.join()
        return self._seen

    def close(self) -> None:
        """Stop the thread."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _work(self, plan: Plan, before: SeenImages) -> None:
        if len(plan.training) + len(plan.validation) > MOST_IMAGES:
            return
        training, validation = content_hashes(self._paths(plan.training)), content_hashes(self._paths(plan.validation))
        if not self._stop.is_set():
            self._seen = SeenImages(training, validation).merged(before)

    def _paths(self, samples: Sequence[Sample]) -> Iterator[Path]:
        for sample in samples:
            if self._stop.is_set():
                return
            yield sample.path


def _seen_by(path: Path) -> SeenImages | None:
    try:
        return SeenImages.from_header(read_header(path).images)
    except ModelFileError:
        return None


def _seen_by_weights(weights: str) -> SeenImages:
    """Return what the weights that a run begins with have seen, where they are those of a model of this program."""
    if weights in ("none", "imagenet"):
        return SeenImages()
    try:
        header = read_header(Path(weights))
    except ModelNotFound:
        return SeenImages(complete=False)  # deleted since the run began: it may have been a model of this program
    except ModelFileError as error:
        if isinstance(error.__cause__, OSError):
            return SeenImages(complete=False)
        return SeenImages()  # of another program: what such weights were made with is not asked
    return SeenImages.from_header(header.images) or SeenImages(complete=False)
