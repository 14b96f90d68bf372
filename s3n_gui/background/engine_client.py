"""What the pages need of an engine that looks into images: `InspectionClient` is one, and tests have one without a process."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, SignalInstance

from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.codec import OpenedModel
from s3n_core.server.requests import Subject


class EngineClient(Protocol):
    """Looks into images with one model. Signals and methods mean what `InspectionClient` says of them."""

    @property
    def opened(self) -> SignalInstance:
        """A model is open: `OpenedModel`."""

    @property
    def resampled(self) -> SignalInstance:
        """The fast part of an inspection: `Inspection` without the scores of D, C and joint; and its `Subject`."""

    @property
    def answered(self) -> SignalInstance:
        """The whole `Inspection` and its `Subject`."""

    @property
    def class_map_ready(self) -> SignalInstance:
        """`ClassMap`."""

    @property
    def failed(self) -> SignalInstance:
        """What could not be done, why, and what to do: a sentence; and the `Subject`, None where it is no image's."""

    @property
    def interrupted(self) -> SignalInstance:
        """The engine died and is started again: a sentence."""

    @property
    def state_changed(self) -> SignalInstance:
        """`state` is another."""

    @property
    def model(self) -> OpenedModel | None:
        """The open model; None while there is none."""

    @property
    def state(self) -> str:
        """What the engine is doing."""

    def open_model(self, path: Path, device: str = "auto", precision: str = "auto") -> None:
        """Open a model file or a run's folder; what was asked of an earlier model is forgotten."""

    def inspect(
        self, image_path: Path, settings: InspectionSettings | None = None, *, name: str | None = None
    ) -> Subject:
        """Look into an image; returns what the answers will carry."""

    def request_class_map(self, subject: Subject, index: int) -> None:
        """Ask for the class response map of any class."""

    def set_idle_seconds(self, seconds: float) -> None:
        """Say after how long without a request the engine lets go of the model."""

    def close(self) -> None:
        """End the engine; nothing is answered any more."""

    def setParent(self, parent: QObject | None, /) -> None:
        """Let another object own it."""
