"""The client of the inspection engine: sends requests, drops stale replies, and restarts the engine after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from s3n_core.datasets.records import Box
from s3n_core.errors import S3NError
from s3n_core.export.file_request import FileRequest
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.codec import (
    OpenedModel,
    contribution_request,
    decode_class_map,
    decode_contributions,
    decode_descriptors,
    decode_file,
    decode_hidden_places,
    decode_model,
    decode_subject,
    hide_request,
)
from s3n_core.server.messages import Message
from s3n_core.server.requests import Request, RequestKind, Subject
from s3n_core.system.engine_process import engine_command
from s3n_core.system.json_values import to_json
from s3n_gui.background.engine_link import EngineLink
from s3n_gui.background.processes import log_file

State = Literal["off", "starting", "opening", "ready", "working", "resting", "restarting", "broken", "closed"]

INSPECTION_SERVER = "inspection-server"
"""The engine command that serves inspections over stdin and stdout."""

_OF_A_PASS: tuple[RequestKind, ...] = ("contributions", "descriptors")  # void with the next inspection

RESTART_MILLISECONDS = (100, 1000, 4000)
"""Delays of the restart after the first, second and third crash in a row; after a fourth the engine stays off."""


class InspectionClient(QObject):
    """Inspects images with one model, in the engine process. For the GUI thread.

    Only `close` and `close_model` block, for a fraction of a second.

    Each request has a generation number. Only the newest of several inspections is answered; while the same image is
    requested repeatedly (a dragged peak), ``resampled`` is also emitted for superseded requests.
    """

    opened = Signal(object)
    """A model is open: `OpenedModel`. Emitted again when the model is reopened after idling or a restart."""
    resampled = Signal(object, object)
    """The fast part of an inspection: `Inspection` without the scores of D, C and joint; and its `Subject`."""
    answered = Signal(object, object)
    """The complete `Inspection` and its `Subject`."""
    class_map_ready = Signal(object)
    """A requested `ClassMap`."""
    file_made = Signal(object, int)
    """The first `ExportedFile` that an export would write, and the generation of the request."""
    hiding_progressed = Signal(int, int)
    """Places are being hidden: numbers of images done and in total."""
    places_hidden = Signal(object, object)
    """The results that were requested, a tuple of `HiddenPlace`, and their `Subject`."""
    hiding_ended = Signal(object)
    """Hiding places has ended without a result: the `S3NError`, or None if something more urgent stopped it."""
    contributions_ready = Signal(object, object)
    """The requested `ContributionView`, and its `Subject`."""
    contributions_failed = Signal(object, object)
    """The requested contributions cannot be had: the `S3NError`, and their `Subject`."""
    descriptors_ready = Signal(object, object)
    """The requested `PeakDescriptors`, and their `Subject`."""
    descriptors_failed = Signal(object, object)
    """The requested descriptors cannot be had: the `S3NError`, and their `Subject`."""
    failed = Signal(object, object)
    """A request failed: the `S3NError`, and the `Subject`, or None if it does not concern an image."""
    interrupted = Signal(str)
    """The engine crashed and is restarting: a sentence. Pending requests are sent again."""
    state_changed = Signal(str)

    def __init__(
        self, parent: QObject | None = None, *, prefix: Sequence[str] = (), idle_seconds: float = 300.0
    ) -> None:
        """Create the client; the engine process starts with the first request.

        Args:
            parent: The Qt parent.
            prefix: A prefix that runs the engine elsewhere (`engine_command`).
            idle_seconds: Time without a request after which the engine unloads the model.
        """
        super().__init__(parent)
        self._prefix, self._idle_seconds = prefix, idle_seconds
        self._link: EngineLink | None = None
        self._state: State = "off"
        self._generation = 0
        self._newest: dict[RequestKind, int] = {}
        self._subject: Subject | None = None
        self._open: Request | None = None
        self._unanswered: dict[RequestKind, Request] = {}
        self._model: OpenedModel | None = None
        self._deaths = 0
        self._restart = QTimer(self, singleShot=True)
        self._restart.timeout.connect(self._start)

    # State

    @property
    def state(self) -> State:
        """What the engine is doing."""
        return self._state

    @property
    def model(self) -> OpenedModel | None:
        """The open model, or None."""
        return self._model

    @property
    def generation(self) -> int:
        """The generation number of the latest request."""
        return self._generation

    @property
    def pid(self) -> int | None:
        """The id of the engine process, or None."""
        return None if self._link is None else self._link.pid

    # Requests

    def open_model(self, path: Path, device: str = "auto", precision: str = "auto") -> None:
        """Open a model file or a run folder (its best checkpoint), and drop pending requests for the previous model."""
        self._drop_hiding()
        self._unanswered.clear()
        self._newest.clear()
        self._subject = self._model = None
        self._open = self._request("open", {"path": str(path), "device": device, "precision": precision})
        self._post(self._open)

    def close_model(self) -> None:
        """Close the model and free its memory, by ending the engine process; opening another model starts a new one."""
        self._drop_hiding()
        self._end_engine()
        self._open = self._subject = self._model = None
        if self._state != "closed":
            self._set_state("off")

    def inspect(
        self, image_path: Path, settings: InspectionSettings | None = None, *, name: str | None = None
    ) -> Subject:
        """Inspect an image; pending inspections are superseded.

        Args:
            image_path: The image file.
            settings: Changes to the model's own settings; None changes nothing.
            name: The image's name in its data set, which seeds the random draws; None uses the file's name.

        Returns:
            The `Subject` that the replies will carry.
        """
        self._drop_hiding()
        for kind in _OF_A_PASS:
            self._newest.pop(kind, None)
            self._unanswered.pop(kind, None)
        self._subject = Subject(image=image_path, name=name, settings=settings or InspectionSettings())
        self._ask("inspect", {"subject": to_json(self._subject)})
        return self._subject

    def request_class_map(self, subject: Subject, index: int) -> None:
        """Request the class response map of a class, by its index."""
        self._ask("class-map", {"subject": to_json(subject), "index": index})

    def request_contributions(
        self, subject: Subject, target: int, versus: int | None, *, box: Box | None = None
    ) -> None:
        """Request what contributes to a class's logit, or to its margin over another class, by their indices."""
        self._ask("contributions", contribution_request(subject, target, versus, box))

    def request_descriptors(self, subject: Subject) -> None:
        """Request what the peaks of an image look like to an atlas of the model."""
        self._ask("descriptors", {"subject": to_json(subject)})

    def hide_places(
        self, subject: Subject, places: Sequence[Place], settings: HidingSettings, *, box: Box | None = None
    ) -> None:
        """Hide places (x, y), in pixels, one at a time, and random places inside the box; an inspection ends this."""
        self._ask("hide", hide_request(subject, places, box, settings))

    def stop_hiding(self) -> None:
        """End hiding places, if any are being hidden."""
        if self._drop_hiding() and self._link is not None:
            self._link.post(self._request("stop-hiding", {}))

    def _drop_hiding(self, error: S3NError | None = None) -> bool:
        """Forget a pending request to hide places, because of an error or something more urgent; return if there was one."""
        self._newest.pop("hide", None)
        if self._unanswered.pop("hide", None) is None:
            return False
        if not self._unanswered and self._state == "working":
            self._set_state("ready")
        self.hiding_ended.emit(error)
        return True

    def request_file(self, request: FileRequest) -> int:
        """Request the first file that an export would write; return the generation."""
        return self._ask("export", to_json(request))

    def set_idle_seconds(self, seconds: float) -> None:
        """Set the time without a request after which the engine unloads the model; takes effect immediately."""
        self._idle_seconds = seconds
        if self._link is not None:
            self._link.post(self._request("idle", {"seconds": seconds}))

    def close(self) -> None:
        """End the engine process for good."""
        self._end_engine()
        self._set_state("closed")

    def _end_engine(self) -> None:
        """Drop all requests, and end the engine process and its thread and wait for both."""
        self._restart.stop()
        self._unanswered.clear()
        self._newest.clear()
        if self._link is not None:
            self._link.close()
            self._drop_link()

    def _request(self, kind: RequestKind, fields: dict[str, Any]) -> Request:
        self._generation += 1
        return Request(kind, self._generation, fields)

    def _ask(self, kind: RequestKind, fields: dict[str, Any]) -> int:
        request = self._request(kind, fields)
        self._newest[kind] = request.generation
        self._unanswered[kind] = request
        self._post(request)
        return request.generation

    def _post(self, request: Request) -> None:
        if self._state == "closed":
            return
        if self._restart.isActive():
            return  # it is sent when the engine is back
        if self._link is None:
            self._deaths = 0
            self._start()
            return
        self._link.post(request)
        if request.kind != "open" and self._state == "ready":
            self._set_state("working")

    # The engine process

    @Slot()
    def _start(self) -> None:
        idle = f"--idle-seconds={self._idle_seconds:g}"
        command = engine_command(INSPECTION_SERVER, idle, prefix=self._prefix)
        self._link = EngineLink(command, log_file("inspection"), self)
        self._link.received.connect(self._on_received)
        self._link.ended.connect(self._on_ended)
        waiting = () if self._open is None else (self._open,)
        for request in (*waiting, *self._unanswered.values()):
            self._link.post(request)
        self._set_state("starting")
        self._link.start()

    def _drop_link(self) -> None:
        assert self._link is not None
        self._link.received.disconnect(self._on_received)
        self._link.ended.disconnect(self._on_ended)
        self._link.deleteLater()
        self._link = None

    @Slot(str)
    def _on_ended(self, why: str) -> None:
        self._drop_link()
        self._model = None
        if not why and not self._unanswered:
            self._set_state("resting")
            return
        if not why:  # it became idle just as a request was sent
            self._start()
            return
        if self._deaths >= len(RESTART_MILLISECONDS):
            self._give_up(
                S3NError(
                    f"The engine crashed {self._deaths + 1} times in a row ({why}), so it is not restarted "
                    f"automatically. Try another image or model. See the log {log_file('inspection')}."
                )
            )
            return
        self._restart.start(RESTART_MILLISECONDS[self._deaths])
        self._deaths += 1
        self._set_state("restarting")
        self.interrupted.emit(f"The engine ended unexpectedly ({why}) and is restarting.")

    @Slot(object)
    def _on_received(self, received: object) -> None:
        inspection: Inspection | None = None
        if isinstance(received, tuple):
            received, inspection = received
        assert isinstance(received, Message)
        message, generation = received, received.fields.get("generation", 0)
        try:
            match message.kind:
                case "state":
                    self._on_state(str(message.fields.get("state")), generation)
                case "opened" if generation >= self._oldest():
                    self._model = decode_model(message)
                    self._set_state("working" if self._unanswered else "ready")
                    self.opened.emit(self._model)
                case "resampled" if self._oldest() < generation <= self._newest.get("inspect", -1):
                    subject = decode_subject(message)
                    if subject.is_image_of(self._subject):
                        self.resampled.emit(inspection, subject)
                case "answered" if self._is_newest("inspect", generation):
                    self._settle("inspect")
                    self.answered.emit(inspection, decode_subject(message))
                case "class-map" if self._is_newest("class-map", generation):
                    self._settle("class-map")
                    self.class_map_ready.emit(decode_class_map(message))
                case "exported" if self._is_newest("export", generation):
                    self._settle("export")
                    self.file_made.emit(decode_file(message), generation)
                case "hiding" if self._is_newest("hide", generation):
                    self.hiding_progressed.emit(int(message.fields["done"]), int(message.fields["total"]))
                case "hidden" if self._is_newest("hide", generation):
                    self._settle("hide")
                    self.places_hidden.emit(decode_hidden_places(message), decode_subject(message))
                case "contributions" if self._is_newest("contributions", generation):
                    self._settle("contributions")
                    self.contributions_ready.emit(decode_contributions(message), decode_subject(message))
                case "descriptors" if self._is_newest("descriptors", generation):
                    self._settle("descriptors")
                    self.descriptors_ready.emit(decode_descriptors(message), decode_subject(message))
                case "failed":
                    self._on_failed(message, generation)
        except S3NError as error:
            self.failed.emit(error, None)

    def _on_state(self, state: str, generation: int) -> None:
        if state == "opening":
            if self._unanswered or generation == self._oldest():  # else for a request that nobody waits for any more
                self._set_state("opening")
        elif state == "resting":
            self._model = None
            if not self._unanswered:
                self._set_state("resting")

    def _on_failed(self, message: Message, generation: int) -> None:
        kind, error = message.fields.get("request"), S3NError.from_dict(message.fields["error"])
        if kind == "open":
            if self._open is None or generation != self._open.generation:
                return  # of a superseded model
            self._give_up(error)
            return
        if kind in ("inspect", *_OF_A_PASS, "class-map", "export", "hide"):
            if not self._is_newest(kind, generation):
                return
            self._settle(kind)
            if kind == "hide":
                self.hiding_ended.emit(error)
                return
            if kind == "contributions":
                self.contributions_failed.emit(error, decode_subject(message))
                return
            if kind == "descriptors":
                self.descriptors_failed.emit(error, decode_subject(message))
                return
        self.failed.emit(error, decode_subject(message) if message.fields.get("subject") else None)

    def _give_up(self, error: S3NError) -> None:
        """Report an error after which nothing is answered; each request with a signal of its own for that is told by it."""
        self._set_state("broken")
        self._drop_hiding(error)
        unanswered = dict(self._unanswered)
        self._unanswered.clear()
        self._newest.clear()
        failed = {"contributions": self.contributions_failed, "descriptors": self.descriptors_failed}
        for kind in _OF_A_PASS:
            if (request := unanswered.get(kind)) is not None:
                failed[kind].emit(error, Subject.from_dict(request.fields["subject"]))
        self.failed.emit(error, None)

    def _oldest(self) -> int:
        """Return the generation of the request that opened the model; smaller ones belong to a previous model."""
        return -1 if self._open is None else self._open.generation

    def _is_newest(self, kind: RequestKind, generation: int) -> bool:
        return self._newest.get(kind) == generation

    def _settle(self, kind: RequestKind) -> None:
        self._unanswered.pop(kind, None)
        self._deaths = 0
        if not self._unanswered:
            self._set_state("broken" if self._model is None else "ready")

    def _set_state(self, state: State) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit(state)
