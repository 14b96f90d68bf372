"""The engine process that looks into images for a window: `python -m s3n_core.inspection_server`.

It reads requests from its standard input and writes answers to its standard output (`inspection_messages`), for the window
that started it, on this machine or through `ssh` on another. The latest request wins: a thread reads requests into a place
for one of each kind, and what is overtaken is answered with nothing. An inspection is answered twice: first `resampled`,
as soon as maps and warped images are there, then `answered`, with the scores of all branches. Images that were looked at
stay prepared, so that a dragged peak costs no pass of the network.

The model and its memory are let go after a while without requests, and opened again by the next one. On a graphics card the
process ends instead, because only that returns all of the card's memory; the window then starts another. It also ends when
its input does: when the window is gone, however it went.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
import traceback
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from s3n_core.errors import S3NError
from s3n_core.export.file_wish import FileWish
from s3n_core.inspection_encoding import InspectionEncoder, InverseGrid, OpenedModel, encode_inverse, encode_model
from s3n_core.inspection_export import encode_file
from s3n_core.inspection_messages import Message, read_message, write_message
from s3n_core.inspection_requests import REQUEST_KINDS, LatestRequests, Request

if TYPE_CHECKING:
    from s3n_core.analysis.inspection import Inspection, InspectionSettings
    from s3n_core.analysis.inspector import Inspector, Prepared
    from s3n_core.export.first_file import FirstFiles

KEPT_IMAGES = 6
"""Images that stay prepared: going back and forth between neighbours is instant, at some 10 MB each."""

_GRACE_SECONDS = 3.0  # for what is being computed when the window goes
_BROKEN = 3  # exit code: the device is in a state that only a new process leaves


class InspectionServer:
    """Answers the requests of one window, one after the other.

    Args:
        requests: Where the requests come from.
        output: Where the answers go.
        idle_seconds: After so long without a request the model is let go.
    """

    def __init__(self, requests: LatestRequests, output: IO[bytes], idle_seconds: float = 300.0) -> None:
        self._requests = requests
        self._output = output
        self._idle_seconds = idle_seconds
        self._encoder = InspectionEncoder()
        self._wanted: dict[str, Any] | None = None
        self._inspector: Inspector | None = None
        self._kept: OrderedDict[_ImageKey, Prepared] = OrderedDict()
        self._last: Inspection | None = None
        self._files: FirstFiles | None = None

    def run(self) -> int:
        """Answer until the requests end.

        Returns:
            The exit code for the process.
        """
        self._send("hello", 0)
        while True:
            request = self._requests.take(self._idle_seconds if self._inspector is not None else None)
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
            except S3NError as error:
                self._fail(request, " ".join(str(error).split()))
            except BrokenPipeError:
                return 0  # nobody reads any more
            except MemoryError:
                self._fail(request, self._memory_sentence(request))
            except Exception as error:
                traceback.print_exc()
                if _is_out_of_memory(error):
                    self._fail(request, self._memory_sentence(request))
                    continue
                self._fail(
                    request,
                    f"The engine could not do this because of a defect ({type(error).__name__}: "
                    f"{' '.join(str(error).split())[:300]}); its log has the details.",
                )
                if "CUDA error" in str(error):
                    return _BROKEN

    def _answer(self, request: Request) -> None:
        match request.kind:
            case "open":
                self._free()
                self._wanted = request.fields
                self._open(request.generation)
            case "unload":
                self._rest(request.generation)
            case "inspect":
                self._inspect(request)
            case "class-map":
                self._class_map(request)
            case "inverse":
                self._invert(request)
            case "export":
                self._export(request)

    def _inspect(self, request: Request) -> None:
        inspector = self._ready(request.generation)
        settings = _settings(request.fields.get("settings"))
        prepared = self._prepared(inspector, request)
        if prepared is None or self._requests.is_stale(request):
            return
        resampled = inspector.resample(prepared, settings)
        (self._last,) = inspector.describe(resampled)
        if self._requests.is_stale(request):
            return
        self._write(self._encoder.encode("resampled", request.generation, self._last))
        if self._requests.is_stale(request):
            return
        output = inspector.classify(resampled)
        if self._requests.is_stale(request):
            return
        (self._last,) = inspector.describe(resampled, output)
        self._write(self._encoder.encode("answered", request.generation, self._last))

    def _class_map(self, request: Request) -> None:
        inspector = self._ready(request.generation)
        index = request.fields.get("index")
        count = len(inspector.model.classes)
        if type(index) is not int or not 0 <= index < count:
            raise S3NError(f"The model has no class {index}: it knows the classes 0 to {count - 1}.")
        prepared = self._prepared(inspector, request)
        if prepared is not None:
            self._send("class-map", request.generation, {"index": index}, {"map": inspector.class_map(prepared, index)})

    def _invert(self, request: Request) -> None:
        from s3n_core.analysis.inspector import invert

        branch, size = request.fields.get("branch"), request.fields.get("size")
        if branch not in ("D", "C") or type(size) is not int or not 2 <= size <= 1024:
            raise S3NError(f"There is no inverse grid of {branch} with a side of {size}.")
        if self._last is None:
            raise S3NError("No image has been looked at yet, so there is no grid to invert; choose an image first.")
        places, valid = invert(self._last, branch, size)
        self._write(encode_inverse(request.generation, InverseGrid(branch, places, valid)))

    def _export(self, request: Request) -> None:
        from s3n_core.export.first_file import FirstFiles

        wish = FileWish.from_dict(request.fields)
        inspector = self._ready(request.generation)
        self._files = self._files or FirstFiles()
        self._write(encode_file(request.generation, self._files.make(inspector, wish)))

    # The model

    def _ready(self, generation: int) -> Inspector:
        if self._inspector is None:
            if self._wanted is None:
                raise S3NError("No model is open; choose a model first.")
            self._open(generation)
        assert self._inspector is not None
        return self._inspector

    def _open(self, generation: int) -> None:
        wanted = self._wanted
        assert wanted is not None
        self._send("state", generation, {"state": "opening"})

        from s3n_core.analysis.inspector import Inspector
        from s3n_core.analysis.loaded_model import open_model

        model = open_model(
            Path(str(wanted.get("path"))), str(wanted.get("device", "auto")), str(wanted.get("precision", "auto"))
        )
        self._inspector = Inspector(model)
        sampler = model.network.sampler
        opened = OpenedModel(
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
        self._write(encode_model(generation, opened))

    def _rest(self, generation: int) -> bool:
        """Let go of the model; says whether the process must end for all of its memory to return."""
        on_a_card = self._inspector is not None and self._inspector.model.device != "cpu"
        self._free()
        self._send("state", generation, {"state": "resting"})
        return on_a_card

    def _free(self) -> None:
        if self._inspector is None:
            return
        import gc

        import torch

        self._inspector = None
        self._kept.clear()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    # Images

    def _prepared(self, inspector: Inspector, request: Request) -> Prepared | None:
        """Return a prepared image, None where the request is overtaken before the network ran."""
        from s3n_core.datasets.decoding import read_image

        path = Path(str(request.fields.get("image")))
        name = str(request.fields.get("name") or path.name)
        key = _ImageKey.of(path, name)
        found = self._kept.pop(key, None)
        if found is None:
            image = read_image(path)
            if self._requests.is_stale(request):
                return None
            found = inspector.prepare(image, name)
        self._kept[key] = found
        while len(self._kept) > KEPT_IMAGES:
            self._kept.popitem(last=False)
        return found

    # Answers

    def _memory_sentence(self, request: Request) -> str:
        device = "" if self._inspector is None else f" of {self._inspector.model.device_name}"
        self._free()
        return (
            f"The memory{device} is full, so {request.kind.replace('-', ' ')} was not possible; close other programs that use it "
            "(a training?) and try again, or choose the device cpu."
        )

    def _fail(self, request: Request, sentence: str) -> None:
        self._send("failed", request.generation, {"request": request.kind, "sentence": sentence})

    def _send(
        self, kind: str, generation: int, fields: dict[str, Any] | None = None, arrays: dict[str, Any] | None = None
    ) -> None:
        self._write(Message(kind, {"generation": generation, **(fields or {})}, arrays or {}))

    def _write(self, message: Message) -> None:
        write_message(self._output, message)


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


def read_requests(stream: IO[bytes], requests: LatestRequests) -> None:
    """Put what a window asks for into the box until the stream ends or what comes is junk; then close the box."""
    try:
        while (message := read_message(stream)) is not None:
            kind = next((known for known in REQUEST_KINDS if known == message.kind), None)
            generation = message.fields.get("generation", 0)
            if kind is None or type(generation) is not int:
                print(f"ignored a request of the unknown kind {message.kind!r}", file=sys.stderr)
                continue
            requests.put(Request(kind, generation, dict(message.fields)))
            if kind == "quit":
                return
    except S3NError as error:
        print(f"ended: {error}", file=sys.stderr)
    except (OSError, ValueError):  # the stream was closed
        pass
    finally:
        requests.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the process.

    Args:
        argv: The arguments; this process's own by default.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog="s3n inspection-server",
        description="Look into images for a window, which talks to this process; not for people.",
    )
    parser.add_argument("--idle-seconds", type=float, default=300.0, metavar="N", help="when to let go of the model")
    arguments = parser.parse_args(argv)
    if sys.stdin.isatty():
        parser.error("this process is started by the window")
    source, output = _take_streams()
    # Read when torch is loaded. Threads that spin while they wait for one another make a dragged peak take 430 instead of
    # 18 ms beside a training on all cores, and gain nothing on a quiet machine.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    requests = LatestRequests()
    reader = threading.Thread(target=_read_and_end, args=(source, requests), name="requests", daemon=True)
    reader.start()
    code = InspectionServer(requests, output, arguments.idle_seconds).run()
    sys.stderr.flush()
    # Not through the interpreter's end: a thread waits in a read, and the card's library may hang in its own.
    os._exit(code)


def _read_and_end(source: IO[bytes], requests: LatestRequests) -> None:
    read_requests(source, requests)
    time.sleep(_GRACE_SECONDS)
    os._exit(0)


def _take_streams() -> tuple[IO[bytes], IO[bytes]]:
    """Keep the standard streams for messages; whatever libraries print goes to the error stream, the log."""
    sys.stdout.flush()
    source, output = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(source, os.O_BINARY)
        msvcrt.setmode(output, os.O_BINARY)
    return os.fdopen(source, "rb"), os.fdopen(output, "wb", buffering=2**20)


def _settings(fields: Any) -> InspectionSettings | None:
    from s3n_core.analysis.inspection_settings import InspectionSettings

    if fields is None:
        return None
    try:
        return InspectionSettings.from_dict(fields)
    except ValueError as error:
        raise S3NError(f"These settings cannot be used: {error}.") from error


def _is_out_of_memory(error: Exception) -> bool:
    import torch

    return isinstance(error, torch.OutOfMemoryError) or "not enough memory" in str(error)


if __name__ == "__main__":
    sys.exit(main())
