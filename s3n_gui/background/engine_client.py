"""The interface of the inspection engine for the pages, which `InspectionClient` and doubles in tests implement."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance

from s3n_core.datasets.records import Box
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.codec import OpenedModel
from s3n_core.server.requests import Subject


class EngineClient(Protocol):
    """Inspects images with one model. For signals and methods see `InspectionClient`."""

    @property
    def opened(self) -> SignalInstance:
        """A model is open: `OpenedModel`."""

    @property
    def resampled(self) -> SignalInstance:
        """The fast part of an inspection: `Inspection` without the scores of D, C and joint; and its `Subject`."""

    @property
    def answered(self) -> SignalInstance:
        """The complete `Inspection` and its `Subject`."""

    @property
    def class_map_ready(self) -> SignalInstance:
        """A requested `ClassMap`."""

    @property
    def hiding_progressed(self) -> SignalInstance:
        """Places are being hidden: numbers of images done and in total."""

    @property
    def places_hidden(self) -> SignalInstance:
        """The results that were requested, a tuple of `HiddenPlace`, and their `Subject`."""

    @property
    def hiding_ended(self) -> SignalInstance:
        """Hiding places has ended without a result: the `S3NError`, or None if something more urgent stopped it."""

    @property
    def contributions_ready(self) -> SignalInstance:
        """The requested `ContributionView`, and its `Subject`."""

    @property
    def contributions_failed(self) -> SignalInstance:
        """The requested contributions cannot be had: the `S3NError`, and their `Subject`."""

    @property
    def descriptors_ready(self) -> SignalInstance:
        """The requested `PeakDescriptors`, and their `Subject`."""

    @property
    def descriptors_failed(self) -> SignalInstance:
        """The requested descriptors cannot be had: the `S3NError`, and their `Subject`."""

    @property
    def failed(self) -> SignalInstance:
        """A request failed: the `S3NError`, and the `Subject`, or None if it does not concern an image."""

    @property
    def interrupted(self) -> SignalInstance:
        """The engine crashed and is restarting: a sentence."""

    @property
    def state_changed(self) -> SignalInstance:
        """`state` changed; carries the new state."""

    @property
    def model(self) -> OpenedModel | None:
        """The open model, or None."""

    @property
    def state(self) -> str:
        """What the engine is doing."""

    def open_model(self, path: Path, device: str = "auto", precision: str = "auto") -> None:
        """Open a model file or a run folder; pending requests for the previous model are dropped."""

    def close_model(self) -> None:
        """Close the model and free its memory; pending requests are dropped."""

    def inspect(
        self, image_path: Path, settings: InspectionSettings | None = None, *, name: str | None = None
    ) -> Subject:
        """Inspect an image; return the `Subject` that the replies will carry."""

    def request_class_map(self, subject: Subject, index: int) -> None:
        """Request the class response map of a class, by its index."""

    def request_contributions(
        self, subject: Subject, target: int, versus: int | None, *, box: Box | None = None
    ) -> None:
        """Request what contributes to a class's logit, or to its margin over another class, by their indices."""

    def request_descriptors(self, subject: Subject) -> None:
        """Request what the peaks of an image look like to an atlas of the model."""

    def hide_places(
        self, subject: Subject, places: Sequence[Place], settings: HidingSettings, *, box: Box | None = None
    ) -> None:
        """Hide places (x, y), in pixels, one at a time, and random places inside the box; an inspection ends this."""

    def stop_hiding(self) -> None:
        """End hiding places, if any are being hidden."""

    def set_idle_seconds(self, seconds: float) -> None:
        """Set the time without a request after which the engine unloads the model."""

    def close(self) -> None:
        """End the engine; no more signals are emitted."""

    def setParent(self, parent: QObject | None, /) -> None:
        """Set the Qt parent."""
