"""The request loop of the inspection server.

The latest request wins: outdated requests get no reply and are cancelled, even during a forward pass. An inspection has
two replies: first `resampled`, as soon as maps and warped images are computed, then `answered`, with the scores of all
branches. Recent images stay prepared, so that dragging a peak needs no forward pass.

The model is unloaded after a time without requests, and opened again by the next request. On a GPU the process ends
instead, because only that frees all GPU memory; the window then starts a new process.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from s3n_core.errors import DeviceFailed, OutOfMemory, ProgramDefect, S3NError
from s3n_core.server.cancellation import Cancelled, given_up_when
from s3n_core.server.codec import (
    InspectionEncoder,
    decode_contribution_request,
    decode_file_request,
    decode_hide_request,
    encode_contributions,
    encode_descriptors,
    encode_file,
    encode_hidden_places,
    encode_model,
)
from s3n_core.server.messages import Message, write_message
from s3n_core.server.model_cache import InspectedModel
from s3n_core.server.requests import LatestRequests, Request, Subject

if TYPE_CHECKING:
    from s3n_core.export.preview import FirstFiles
    from s3n_core.inspection.inspector import Inspector
    from s3n_core.inspection.stages import Prepared, Resampled
    from s3n_core.method.network import S3NOutput

_REST_SECONDS = 0.03  # a dragging mouse sends requests more often; scores are computed when it rests
_BROKEN = 3  # exit code: the device has failed and needs a new process


class InspectionServer:
    """Handles the requests of one window, one after the other.

    Args:
        requests: Source of the requests.
        output: Stream for the replies.
        idle_seconds: Time without requests after which the model is unloaded.
    """

    def __init__(self, requests: LatestRequests, output: IO[bytes], idle_seconds: float = 300.0) -> None:
        self._requests = requests
        self._output = output
        self._idle_seconds = idle_seconds
        self._encoder = InspectionEncoder()
        self._model = InspectedModel()
        self._files: FirstFiles | None = None
        self._pass: tuple[Resampled, S3NOutput] | None = None  # of the latest inspection

    def run(self) -> int:
        """Handle requests until they end.

        Returns:
            The exit code for the process.
        """
        self._send("hello", 0)
        while True:
            request = self._requests.take(self._idle_seconds if self._model.inspector is not None else None)
            if request is None:
                if self._requests.closed:
                    return 0
                if self._rest(0):
                    return 0
                continue
            if request.kind == "quit":
                return 0
            try:
                self._answer(request)
            except OutOfMemory:
                traceback.print_exc()
                self._fail(request, self._too_little_memory(request))
            except S3NError as error:
                self._fail(request, error)
            except Cancelled:
                continue
            except BrokenPipeError:
                return 0  # the reader has gone
            except Exception as error:
                traceback.print_exc()
                from s3n_core.models.device_memory import is_device_failure  # loads torch: not before a model is opened

                broken = is_device_failure(error)
                kind = DeviceFailed if broken else ProgramDefect
                self._fail(
                    request,
                    kind(
                        f"The engine could not do this because of a bug ({type(error).__name__}: "
                        f"{' '.join(str(error).split())[:300]}); see its log for details."
                    ),
                )
                if broken:
                    return _BROKEN

    def _answer(self, request: Request) -> None:
        match request.kind:
            case "idle":
                seconds = request.fields.get("seconds")
                if isinstance(seconds, int | float) and seconds > 0:
                    self._idle_seconds = float(seconds)
            case "open":
                self._pass = None
                self._model.want(request.fields)
                self._open(request.generation)
            case "inspect" | "contributions" | "class-map" | "descriptors" | "export" | "hide":
                from s3n_core.models.batches import within_memory  # loads torch: not before there is a model to open

                work = {
                    "inspect": self._inspect,
                    "contributions": self._contributions,
                    "class-map": self._class_map,
                    "descriptors": self._descriptors,
                    "export": self._export,
                    "hide": self._hide,
                }[request.kind]
                within_memory(lambda: work(request))

    def _inspect(self, request: Request) -> None:
        inspector, subject = self._ready(request.generation), _subject(request)
        prepared = self._prepared(request, subject)
        self._give_up_if_stale(request)
        with single_thread():
            resampled = inspector.resample(prepared, subject.settings)
            (quick,) = inspector.describe(resampled)
        # Sent even if outdated: otherwise, dragging faster than images can be warped would show nothing until it stops.
        self._write(self._encoder.encode("resampled", quick, **_belonging(request)))
        if self._requests.goes_stale(request, _REST_SECONDS):
            raise Cancelled
        with given_up_when(lambda: self._requests.is_stale(request)):
            output = inspector.classify(resampled)
        self._pass = resampled, output
        (whole,) = inspector.describe(resampled, output)
        self._write(self._encoder.encode("answered", whole, **_belonging(request)))

    def _contributions(self, request: Request) -> None:
        from s3n_core.inspection.contribution_view import contribution_view

        inspector, subject = self._ready(request.generation), _subject(request)
        target, versus, box = decode_contribution_request(request.fields, len(inspector.model.classes))
        prepared = self._prepared(request, subject)
        (found,) = inspector.contributions(*self._pass_of(request, prepared, subject), target, versus)
        self._write(encode_contributions(contribution_view(found, box), **_belonging(request)))

    def _descriptors(self, request: Request) -> None:
        from s3n_core.parts.atlas.assigning import descriptors_of_pass

        self._ready(request.generation)
        subject = _subject(request)
        prepared = self._prepared(request, subject)
        with given_up_when(lambda: self._requests.is_stale(request)):
            maps = self._model.stage_maps(prepared)
        resampled, output = self._pass_of(request, prepared, subject)
        self._write(encode_descriptors(descriptors_of_pass(maps, resampled, output), **_belonging(request)))

    def _pass_of(self, request: Request, prepared: Prepared, subject: Subject) -> tuple[Resampled, S3NOutput]:
        """Return the latest pass if it is that of a subject; else make it."""
        inspector, last = self._model.inspector, self._pass
        assert inspector is not None
        if last is None or last[0].found.prepared is not prepared or last[0].settings != subject.settings:
            with given_up_when(lambda: self._requests.is_stale(request)):
                resampled = inspector.resample(prepared, subject.settings)
                last = self._pass = resampled, inspector.classify(resampled)
        return last

    def _give_up_if_stale(self, request: Request) -> None:
        if self._requests.is_stale(request):
            raise Cancelled

    def _class_map(self, request: Request) -> None:
        inspector = self._ready(request.generation)
        index = request.fields.get("index")
        count = len(inspector.model.classes)
        if type(index) is not int or not 0 <= index < count:
            raise S3NError(f"The model has no class {index}: its classes are 0 to {count - 1}.")
        values = inspector.class_map(self._prepared(request, _subject(request)), index)
        self._write(Message("class-map", {**_belonging(request), "index": index}, {"map": values}))

    def _export(self, request: Request) -> None:
        from s3n_core.export.preview import FirstFiles

        wanted = decode_file_request(request.fields)
        inspector = self._ready(request.generation)
        self._files = self._files or FirstFiles()
        self._write(encode_file(request.generation, self._files.make(inspector, wanted)))

    def _hide(self, request: Request) -> None:
        from s3n_core.inspection.hide_places import hide_places

        inspector, subject = self._ready(request.generation), _subject(request)
        places, box, settings = decode_hide_request(request.fields)
        image = self._model.read(subject.image)
        prepared = self._prepared(request, subject)
        self._give_up_if_stale(request)

        def report(done: int, total: int) -> None:
            self._give_up_if_stale(request)
            self._write(Message("hiding", {**_belonging(request), "done": done, "total": total}))

        with given_up_when(lambda: self._requests.is_stale(request)):
            try:
                hidden = hide_places(
                    inspector,
                    image,
                    places,
                    name=prepared.names[0],
                    box=box,
                    settings=settings,
                    inspection=subject.settings,
                    prepared=prepared,
                    progress=report,
                )
            except ValueError as error:
                raise S3NError(f"These places cannot be hidden: {error}.") from error
        self._write(encode_hidden_places(hidden, **_belonging(request)))

    # The model

    def _ready(self, generation: int) -> Inspector:
        if self._model.inspector is None:
            if not self._model.is_wanted:
                raise S3NError("No model is open; choose one first.")
            self._open(generation)
        assert self._model.inspector is not None
        return self._model.inspector

    def _open(self, generation: int) -> None:
        self._send("state", generation, state="opening")
        from s3n_core.models.batches import within_memory  # imports torch, as the state sent above announces

        self._write(encode_model(generation, within_memory(self._model.open)))

    def _rest(self, generation: int) -> bool:
        """Unload the model; return whether the process must end to free all of its memory."""
        on_a_card = self._model.inspector is not None and self._model.inspector.model.device != "cpu"
        self._let_go()
        self._send("state", generation, state="resting")
        return on_a_card

    def _let_go(self) -> None:
        self._pass = None
        self._model.let_go()

    def _prepared(self, request: Request, subject: Subject) -> Prepared:
        name = subject.name or subject.image.name
        return self._model.prepared(subject.image, name, lambda: self._requests.is_stale(request))

    # Replies

    def _too_little_memory(self, request: Request) -> OutOfMemory:
        inspector = self._model.inspector
        device = "" if inspector is None else f" of {inspector.model.device_name}"
        self._let_go()
        return OutOfMemory(
            f"The memory{device} is full, so {request.kind.replace('-', ' ')} was not possible. Close other programs "
            "that use it, such as a training, and try again, or choose the device cpu."
        )

    def _fail(self, request: Request, error: S3NError) -> None:
        if request.kind == "open":
            self._requests.drop_followers(request)  # the window fails them itself; each would only open the model again
        said = error.to_dict()
        said["message"] = " ".join(said["message"].split())
        self._write(Message("failed", {**_belonging(request), "request": request.kind, "error": said}))

    def _send(self, kind: str, generation: int, **fields: Any) -> None:
        self._write(Message(kind, {"generation": generation, **fields}))

    def _write(self, message: Message) -> None:
        write_message(self._output, message)


def _subject(request: Request) -> Subject:
    try:
        return Subject.from_dict(request.fields["subject"])
    except (AttributeError, KeyError, ValueError) as error:
        raise S3NError(f"These settings cannot be used: {error}.") from error


def _belonging(request: Request) -> dict[str, Any]:
    """Return the fields that a reply copies from its request, so that the window can match them."""
    return {"generation": request.generation, "subject": request.fields.get("subject")}


@contextmanager
def single_thread() -> Iterator[None]:
    """Run torch in one thread, which is faster for steps of a few milliseconds when the cores are busy."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
