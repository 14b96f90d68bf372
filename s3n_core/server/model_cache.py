"""The inspection server's open model and the images prepared with it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s3n_core.server.cancellation import Cancelled, given_up_when
from s3n_core.server.codec import OpenedModel

if TYPE_CHECKING:
    from PIL import Image

    from s3n_core.inspection.inspector import Inspector
    from s3n_core.inspection.stages import Prepared
    from s3n_core.parts.atlas.descriptors import StageFeatures, StageMaps

KEPT_IMAGES = 6
"""Number of images that stay prepared, so that switching between neighbours is instant; some 10 MB each."""


class InspectedModel:
    """Holds one model at a time: opened when first needed, unloaded and opened again."""

    def __init__(self) -> None:
        self._wanted: dict[str, Any] | None = None
        self._inspector: Inspector | None = None
        self._kept: OrderedDict[_ImageKey, _Kept] = OrderedDict()
        self._stage: StageFeatures | None = None  # from the first request for descriptors on

    @property
    def inspector(self) -> Inspector | None:
        """The inspector; None while no model is open."""
        return self._inspector

    @property
    def is_wanted(self) -> bool:
        """Whether a model is selected."""
        return self._wanted is not None

    def want(self, fields: dict[str, Any]) -> None:
        """Select a model by path, device and precision; the previous one is unloaded."""
        self.let_go()
        self._wanted = fields

    def open(self) -> OpenedModel:
        """Open the selected model.

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

        self._inspector = self._stage = None
        self._kept.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def prepared(self, path: Path, name: str, overtaken: Callable[[], bool]) -> Prepared:
        """Return a prepared image; the last few stay prepared.

        Args:
            path: The image file.
            name: Its name, the key of the draws.
            overtaken: Returns whether there is a newer request.

        Raises:
            Cancelled: There was a newer request before branch O finished.
            UnreadableImage: The file cannot be decoded.
        """
        assert self._inspector is not None
        key = _ImageKey.of(path, name)
        found = self._kept.pop(key, None)
        if found is None:
            image = self.read(path)
            if overtaken():
                raise Cancelled
            if self._stage is not None:
                self._stage.forget()
            with given_up_when(overtaken):
                prepared = self._inspector.prepare(image, name)
            found = _Kept(prepared, None if self._stage is None else self._stage.maps)
        self._kept[key] = found
        while len(self._kept) > KEPT_IMAGES:
            self._kept.popitem(last=False)
        return found.prepared

    def stage_maps(self, prepared: Prepared) -> StageMaps:
        """Return the middle stage's features of a prepared image.

        They are kept with each image that is prepared after this is first called; for an earlier one branch O runs again.

        Args:
            prepared: A result of `prepared` that is still kept.
        """
        from s3n_core.parts.atlas.descriptors import StageFeatures

        assert self._inspector is not None
        kept = next(kept for kept in self._kept.values() if kept.prepared is prepared)
        if kept.maps is None:
            if self._stage is None:
                self._stage = StageFeatures(self._inspector.model).__enter__()  # as long as the model is open
            self._stage.forget()
            self._inspector.look_again(prepared)
            kept.maps = self._stage.maps
        return kept.maps

    def read(self, path: Path) -> Image.Image:
        """Decode an image as the open model's preprocessing asks.

        Raises:
            UnreadableImage: The file cannot be decoded.
        """
        from s3n_core.datasets.banners import banner_of
        from s3n_core.datasets.decoding import read_image

        assert self._inspector is not None
        return read_image(path, banner=banner_of(path), ranges=self._inspector.model.preprocess.ranges)


@dataclass
class _Kept:
    """A prepared image, and its features of the middle stage once they were asked for."""

    prepared: Prepared
    maps: StageMaps | None


@dataclass(frozen=True)
class _ImageKey:
    """Identifies a version of a file, so that a changed file is read again."""

    path: str
    name: str
    modified: int
    size: int

    @classmethod
    def of(cls, path: Path, name: str) -> _ImageKey:
        try:
            status = path.stat()
        except OSError:
            return cls(str(path), name, 0, 0)  # reading it raises the error
        return cls(str(path), name, status.st_mtime_ns, status.st_size)
