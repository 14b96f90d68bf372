"""Keeps a state in sync with an engine: requests what the state shows, and applies the replies that match it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from s3n_core.errors import S3NError
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.inspection import Inspection
from s3n_core.parts.atlas.peak_descriptors import PeakDescriptors
from s3n_core.server.codec import ClassMap
from s3n_core.server.requests import Subject
from s3n_gui.background.engine_client import EngineClient
from s3n_gui.inspector.inspection_state import InspectionState


class StateUpdater(QObject):
    """Sends requests and applies replies. Replies for another image or for outdated settings are dropped.

    Signals:
        answered: The complete `Inspection` of what the state shows, already applied to the state.
        failed: The reason why the request failed, as a message.
        descriptors_failed: The `S3NError` that there is instead of descriptors.

    Args:
        client: The engine.
        state: The state.
        parent: Qt's owner.
    """

    answered = Signal(object)
    failed = Signal(str)
    descriptors_failed = Signal(object)

    def __init__(self, client: EngineClient, state: InspectionState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._client, self._state = client, state
        self._fetched = _FetchedMaps()
        self._subject: Subject | None = None
        self._asked: tuple[int, int | None] | None = None
        self._described: Subject | None = None  # whose descriptors were requested
        client.resampled.connect(self._on_resampled)
        client.answered.connect(self._on_answered)
        client.class_map_ready.connect(self._on_class_map)
        client.contributions_ready.connect(self._on_contributions)
        client.contributions_failed.connect(self._on_contributions_failed)
        client.descriptors_ready.connect(self._on_descriptors)
        client.descriptors_failed.connect(self._on_descriptors_failed)
        client.failed.connect(self._on_failed)
        state.image_changed.connect(self.forget)

    def ask(self, image: Path, name: str | None) -> None:
        """Request the state's image with the state's settings; ``name`` is the image's name in its data set."""
        self._state.set_busy(True)
        self._asked = self._described = None
        self._subject = self._client.inspect(image, self._state.settings, name=name)
        self._state.why.expire()

    def fetch_class_map(self, index: int) -> None:
        """Request a class map that the inspection does not contain."""
        if self._subject is not None and index not in self._fetched:
            self._client.request_class_map(self._subject, index)

    def fetch_contributions(self) -> None:
        """Request the contributions that the state's question asks for, once the pass that they belong to has scores."""
        subject, answer, why = self._subject, self._state.answer, self._state.why
        if subject is None or answer is None or not why.is_missing or answer.warps.settings != subject.settings:
            return
        question = why.resolved(answer)
        if isinstance(question, str):
            why.fail(question)
        elif question != self._asked:
            self._asked = question
            self._client.request_contributions(subject, *question, box=self._state.annotation.box)

    def fetch_descriptors(self) -> None:
        """Request what the peaks look like, once the pass that they belong to has scores."""
        subject, answer = self._subject, self._state.answer
        if subject is None or answer is None or answer.warps.settings != subject.settings or subject == self._described:
            return
        self._described = subject
        self._client.request_descriptors(subject)

    def forget(self) -> None:
        """Drop all pending replies, because the image or model has changed."""
        self._subject = self._asked = self._described = None
        self._fetched.clear()
        self._state.set_busy(False)

    def _on_resampled(self, inspection: Inspection, subject: Subject) -> None:
        # While the newest reply is pending, an earlier position of a dragged peak is better than none.
        awaited = self._state.busy and subject.is_image_of(self._subject)
        if not awaited and subject != self._subject:
            return
        self._state.say("")
        shown = self._state.answer
        if shown is not None and shown.warps.settings == inspection.warps.settings and not self._state.scores_stale:
            return  # Identical to what is shown, but without scores.
        self._state.take_evidence(self._fetched.added_to(inspection))

    def _on_answered(self, inspection: Inspection, subject: Subject) -> None:
        if subject != self._subject:
            return
        self._state.say("")
        self._state.set_busy(False)
        self._state.take_inspection(self._fetched.added_to(inspection))
        self.answered.emit(inspection)

    def _on_class_map(self, class_map: ClassMap) -> None:
        if not class_map.subject.is_image_of(self._subject):  # class maps do not depend on the settings
            return
        self._fetched.take(class_map.index, class_map.values)
        if self._state.is_current:
            self._state.amend(self._fetched.added_to)

    def _on_contributions(self, view: ContributionView, subject: Subject) -> None:
        if subject == self._subject and self._is_of_the_question(view):
            self._asked = None
            self._state.why.take(view)

    def _is_of_the_question(self, view: ContributionView) -> bool:
        return (view.contributions.target, view.contributions.versus) == self._asked

    def _on_contributions_failed(self, error: S3NError, subject: Subject) -> None:
        if subject == self._subject and self._asked is not None:
            self._asked = None
            self._state.why.fail(str(error))

    def _on_descriptors(self, found: PeakDescriptors, subject: Subject) -> None:
        if subject == self._subject:
            self._state.take_descriptors(found)

    def _on_descriptors_failed(self, error: S3NError, subject: Subject) -> None:
        if subject == self._subject:
            self.descriptors_failed.emit(error)

    def _on_failed(self, error: S3NError, subject: Subject | None) -> None:
        if subject is None or subject.is_image_of(self._subject):
            self._state.set_busy(False)
            self.failed.emit(str(error))


class _FetchedMaps:
    """Class maps of one image that its inspection does not contain: M, float32 (h, w), by class index."""

    def __init__(self) -> None:
        self._maps: dict[int, NDArray[np.float32]] = {}

    def __contains__(self, index: int) -> bool:
        return index in self._maps

    def take(self, index: int, values: NDArray[np.float32]) -> None:
        """Add a map."""
        self._maps[index] = values

    def clear(self) -> None:
        """Drop all maps, because the image or model has changed."""
        self._maps.clear()

    def added_to(self, inspection: Inspection) -> Inspection:
        """Return an inspection with the missing maps added."""
        response = inspection.response
        shape = response.class_maps.shape[1:]
        missing = [
            index
            for index, values in self._maps.items()
            if index not in response.mapped_classes and values.shape == shape
        ]
        if not missing:
            return inspection
        maps = np.concatenate([response.class_maps, np.stack([self._maps[index] for index in missing])])
        mapped = (*response.mapped_classes, *missing)
        return replace(inspection, response=replace(response, class_maps=maps, mapped_classes=mapped))
