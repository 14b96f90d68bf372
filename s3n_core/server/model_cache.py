"""The model that the engine process holds for a window, and the images that it has prepared with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3n_core.server.cancellation import Cancelled, given_up_when
from s3n_core.server.codec import OpenedModel

if TYPE_CHECKING:
    from s3n_core.inspection.inspector import Inspector
    from s3n_core.inspection.stages import Prepared

KEPT_IMAGES = 6
"""Images that stay prepared: going back and forth between neighbours is instant, at some 10 MB each."""


class InspectedModel:
    """One model at a time: wanted, opened when it is first needed, let go and opened again."""

    def __init__(self) -> None:
        self._wanted: dict[str, Any] | None = None
        self._inspector: Inspector | None = None
        self._kept: OrderedDict[_ImageKey, Prepared] = OrderedDict()

    @property
    def inspector(self) -> Inspector | None:
        """What looks into images; None while no model is open."""
        return self._inspector

    @property
    def is_wanted(self) -> bool:
        """Whether there is a model to open."""
        return self._wanted is not None

    def want(self, fields: dict[str, Any]) -> None:
        """Take a model's path, device and precision; the one before is let go."""
        self.let_go()
        self._wanted = fields

    def open(self) -> OpenedModel:
        """Open what is wanted.

        Raises:
            S3NError: It cannot be opened.
        """
        from s3n_core.inspection.inspector import Inspector
        from s3n_core.models.opening import open_model

        wanted = self._wanted
        assert wanted is not None
        model = open_model(
            Path(str(wanted.get("path"))), str(wanted.get("device", "auto")), str(wanted.get("precision", "auto"))
        )
        self._inspector = Inspector(model)
        sampler = model.network.sampler
        return OpenedModel(
            path=model.path,
            digest=model.digest,
            header=model.header,
            device=model.device,
            device_name=model.device_name,
            device_reason=model.device_reason,
            precision=model.precision,
            sampling=model.sampling,
            beta_1=float(sampler.beta_d.detach()),
            beta_2=float(sampler.beta_c.detach()),
        )

    def let_go(self) -> None:
        """Free the model and its memory."""
        if self._inspector is None:
            return
        import gc

        import torch

        self._inspector = None
        self._kept.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def prepared(self, path: Path, name: str, overtaken: Callable[[], bool]) -> Prepared:
        """Return a prepared image; the last few stay prepared.

        Args:
            path: The image file.
            name: Its name, which keys the draws.
            overtaken: Whether something newer was asked for.

        Raises:
            Cancelled: It was, before the network had seen the image.
            UnreadableImage: The file cannot be decoded.
        """
        from s3n_core.datasets.banners import banner_of
        from s3n_core.datasets.decoding import read_image

        assert self._inspector is not None
        key = _ImageKey.of(path, name)
        found = self._kept.pop(key, None)
        if found is None:
            image = read_image(path, banner=banner_of(path))
            if overtaken():
                raise Cancelled
            with given_up_when(overtaken):
                found = self._inspector.prepare(image, name)
        self._kept[key] = found
        while len(self._kept) > KEPT_IMAGES:
            self._kept.popitem(last=False)
        return found


@dataclass(frozen=True)
class _ImageKey:
    """A file as it was when it was read: one that was changed since is read again."""

    path: str
    name: str
    modified: int
    size: int

    @classmethod
    def of(cls, path: Path, name: str) -> _ImageKey:
        try:
            status = path.stat()
        except OSError:
            return cls(str(path), name, 0, 0)  # reading it says what is wrong
        return cls(str(path), name, status.st_mtime_ns, status.st_size)
