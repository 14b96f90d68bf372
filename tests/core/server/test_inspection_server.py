"""The inspection server as the window uses it: real processes, their streams, and how they end."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import numpy as np
import psutil
import pytest
import torch
from random_model import save_picture, save_random_model

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.opening import open_images
from s3n_core.errors import MessageError
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.file_request import Candidate, FileRequest, candidates
from s3n_core.export.job import export
from s3n_core.export.options import ExportOptions
from s3n_core.inspection.hide_places import hide_places
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.inspector import Inspector, inspect
from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.inspection.summary import arrays_of, summary_of
from s3n_core.server.codec import (
    InspectionDecoder,
    InspectionEncoder,
    decode_file,
    decode_hidden_places,
    decode_model,
    decode_subject,
    hide_request,
)
from s3n_core.server.inspection_server import InspectionServer
from s3n_core.server.messages import Message, read_message, write_message
from s3n_core.server.requests import LatestRequests, Request, Subject
from s3n_core.system.json_values import to_json

PATIENCE = 240.0  # seconds: torch loads slowly on a machine that also trains

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Server:
    """One server process and its streams."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "s3n_core.server.process", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self.log = b""
        self._decoder = InspectionDecoder()
        self._answers: Queue[Message | MessageError | None] = Queue()
        self._generation = 0
        self._threads = [threading.Thread(target=self._read), threading.Thread(target=self._read_log)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            while (message := read_message(self.process.stdout)) is not None:
                self._answers.put(message)
            self._answers.put(None)
        except MessageError as error:
            self._answers.put(error)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        self.log = self.process.stderr.read()

    def ask(self, kind: str, **fields: Any) -> int:
        assert self.process.stdin is not None
        self._generation += 1
        if "image" in fields:
            fields = {**fields, "subject": {key: fields.pop(key, None) for key in ("image", "name", "settings")}}
        write_message(self.process.stdin, Message(kind, {**fields, "generation": self._generation}))
        return self._generation

    def answer(self, *kinds: str) -> Message:
        """Return the next message of one of these kinds; skip the others."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                message = self._answers.get(timeout=max(deadline - time.monotonic(), 0.01))
            except Empty:
                raise AssertionError(f"no {kinds} came; the log: {self.log!r}") from None
            assert isinstance(message, Message), f"the process ended: {message}, {self.log!r}"
            if message.kind in ("resampled", "answered"):
                message.fields["decoded"] = self._decoder.decode(message)  # type: ignore[index]
            if message.kind in kinds:
                return message

    def rest(self, seconds: float) -> list[str]:
        """Return the kinds of all messages that arrive within some seconds."""
        deadline, kinds = time.monotonic() + seconds, []
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self._answers.get(timeout=left)
            except Empty:
                break
            if not isinstance(message, Message):
                break
            kinds.append(message.kind)
        return kinds

    def end(self) -> int:
        """Close its input, as a closing window does, and return its exit code."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        code = self.process.wait(PATIENCE)
        self.join()
        return code

    def join(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE)
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is not None and not stream.closed:
                with contextlib.suppress(OSError):
                    stream.close()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(PATIENCE)
        self.join()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_random_model(tmp_path_factory.mktemp("model") / "Modell 鳥.safetensors")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("pictures")
    return save_picture(folder / "Zaunkönig 1.jpg", 1), save_picture(folder / "two.png", 2, (70, 90))


@pytest.fixture
def start() -> Iterator[Callable[..., Server]]:
    """Start servers, and stop them all at the end."""
    servers: list[Server] = []

    def start_one(*arguments: str) -> Server:
        servers.append(Server(*arguments))
        return servers[-1]

    yield start_one
    for server in servers:
        server.kill()


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[Server]:
    """A server with an open model, shared by tests that keep it usable."""
    shared = Server()
    shared.ask("open", path=str(model), device="cpu")
    shared.answer("opened")
    yield shared
    assert shared.end() == 0


@pytest.fixture(scope="module")
def opened(model: Path) -> Any:
    """The same model, opened in this process."""
    from s3n_core.models.opening import open_model

    return open_model(model, "cpu")


def assert_same(found: Inspection, wanted: Inspection) -> None:
    """Assert equality up to the rounding differences of another number of threads."""
    for part in fields(Inspection):
        ours, others = getattr(found, part.name), getattr(wanted, part.name)
        for field in fields(others):
            assert_same_field(field.name, getattr(ours, field.name), getattr(others, field.name))


def assert_same_field(name: str, mine: Any, theirs: Any) -> None:
    if name in ("image_d", "image_c"):
        assert np.abs(mine.astype(int) - theirs).max() <= 1
    elif isinstance(theirs, np.ndarray):
        assert mine.dtype == theirs.dtype
        np.testing.assert_allclose(mine, theirs, rtol=1e-3, atol=1e-4, err_msg=name)
    elif name == "logits":
        assert list(mine) == list(theirs)
        for answer in theirs:
            np.testing.assert_allclose(mine[answer], theirs[answer], rtol=1e-3, atol=1e-3)
    elif name == "peaks":
        assert [(p.cell, p.found_at, p.set, type(p.cell)) for p in mine] == [
            (p.cell, p.found_at, p.set, type(p.cell)) for p in theirs
        ]
    elif name == "entropy":
        assert mine == pytest.approx(theirs, abs=1e-3)
    else:
        assert mine == theirs, name
        assert type(mine) is type(theirs), name


def test_encoding_keeps_every_bit(opened: Any, pictures: tuple[Path, Path]) -> None:
    settings = InspectionSettings(sampling="random", seed=3, floor=0.1, edits=(PeakEdit(cell=(1, 2), off=True),))
    first = inspect(opened, pictures[0], settings=settings)
    encoder, decoder = InspectionEncoder(), InspectionDecoder()
    message = crossed(encoder.encode("answered", first))
    found = decoder.decode(message)
    assert found == first
    for mine, theirs in zip(arrays_of(found).values(), arrays_of(first).values(), strict=True):
        assert (mine.dtype, mine.tobytes()) == (theirs.dtype, theirs.tobytes())
    assert summary_of(found) == summary_of(first)
    assert "response.image" in message.arrays
    again = crossed(encoder.encode("answered", inspect(opened, pictures[0], settings=settings)))
    assert not again.arrays  # unchanged arrays are not sent twice
    assert not again.fields["inspection"]
    assert decoder.decode(again) == first
    with pytest.raises(MessageError):
        InspectionDecoder().decode(again)


def test_only_what_is_new_crosses_the_border(opened: Any, pictures: tuple[Path, Path]) -> None:
    encoder, decoder = InspectionEncoder(), InspectionDecoder()
    inspector = Inspector(opened)
    prepared = inspector.prepare(read_image(pictures[0]))
    edit = PeakEdit(cell=inspector.inspect(prepared).warps.peaks[0].cell, off=True)
    sent = []
    for settings in (InspectionSettings(), InspectionSettings(edits=(edit,)), InspectionSettings(delta=0.01)):
        resampled = inspector.resample(prepared, settings)
        for output in (None, inspector.classify(resampled)):
            (inspection,) = inspector.describe(resampled, output)
            message = crossed(encoder.encode("answered", inspection))
            assert decoder.decode(message) == inspection
            sent.append((set(message.fields["inspection"]), set(message.arrays)))
    (first, _), (scores, _), (moved, arrays), _, (numbers, changed), _ = sent
    assert (first, scores) == ({"response", "warps", "scores"}, {"scores"})
    assert moved == {"warps", "scores"}  # the scores of D, C and the joint head must be recomputed
    assert arrays <= {f"warps.{name}_{branch}" for name in ("map", "grid", "image") for branch in "dc"}
    assert numbers == {"response", "warps", "scores"}
    assert "response.image" not in changed


def crossed(message: Message) -> Message:
    """Return a message as the other side of a stream receives it."""
    stream = io.BytesIO()
    write_message(stream, message)
    stream.seek(0)
    read = read_message(stream)
    assert read is not None
    return read


def test_the_model_is_described(server: Server, model: Path) -> None:
    server.ask("open", path=str(model), device="cpu")
    described = decode_model(server.answer("opened"))
    assert described.path == model
    assert described.classes[0] == "species 1"
    assert (described.device, described.precision, described.sampling) == ("cpu", "float32", "expected")
    assert 0.5 <= described.beta_1 < described.beta_2


@pytest.mark.parametrize(
    "settings",
    [
        None,
        InspectionSettings(sampling="random", seed=5, beta_1=2.0, delta=0.01),
        InspectionSettings(sampling="extremes", floor="none", window=5),
    ],
    ids=["unchanged", "random", "extremes"],
)
def test_the_same_as_in_one_process(
    server: Server, opened: Any, pictures: tuple[Path, Path], settings: InspectionSettings | None
) -> None:
    for picture in pictures:
        values = None if settings is None else settings.to_dict()
        generation = server.ask("inspect", image=str(picture), settings=values, name="birds/one.jpg")
        quick, whole = server.answer("resampled"), server.answer("answered")
        assert quick.fields["generation"] == whole.fields["generation"] == generation
        wanted = inspect(opened, picture, settings=settings, name="birds/one.jpg")
        assert_same(whole.fields["decoded"], wanted)
        assert list(quick.fields["decoded"].scores.logits) == ["O"]
        assert list(whole.fields["decoded"].scores.logits) == ["joint", "O", "D", "C"]


def test_an_edited_peak(server: Server, opened: Any, pictures: tuple[Path, Path]) -> None:
    peak = inspect(opened, pictures[0]).warps.peaks[0]
    settings = InspectionSettings(edits=(PeakEdit(cell=peak.found_at, moved_to=(3.0, 25.0), forced="C"),))
    server.ask("inspect", image=str(pictures[0]), settings=settings.to_dict())
    found = server.answer("answered").fields["decoded"]
    assert found.warps.settings == settings
    assert_same(found, inspect(opened, pictures[0], settings=settings))


def test_a_class_map(server: Server, opened: Any, pictures: tuple[Path, Path]) -> None:
    server.ask("inspect", image=str(pictures[0]))
    wanted = server.answer("answered").fields["decoded"]
    server.ask("class-map", image=str(pictures[0]), index=3)
    np.testing.assert_allclose(
        server.answer("class-map").arrays["map"], wanted.response.class_map(3), rtol=1e-3, atol=1e-5
    )


def test_a_hidden_place(server: Server, opened: Any, pictures: tuple[Path, Path]) -> None:
    settings = HidingSettings(size=12)
    subject = Subject(image=pictures[0], name="birds/one.jpg")
    server.ask("hide", **hide_request(subject, [(60.0, 40.0)], None, settings))
    (found,) = decode_hidden_places(server.answer("hidden"))
    image = read_image(pictures[0])
    (wanted,) = hide_places(Inspector(opened), image, [(60.0, 40.0)], name="birds/one.jpg", settings=settings)
    assert (found.settings, found.region, found.place) == (wanted.settings, wanted.region, wanted.place)
    np.testing.assert_array_equal(found.controls, wanted.controls)
    np.testing.assert_array_equal(found.image, wanted.image)
    for branch, logits in wanted.logits.items():
        np.testing.assert_allclose(found.logits[branch], logits, rtol=1e-3, atol=1e-3)


def test_errors_are_sentences_and_the_process_goes_on(
    server: Server, model: Path, pictures: tuple[Path, Path], tmp_path: Path
) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(pictures[0].read_bytes()[:200])
    for request, fields_, words, code in (
        ("inspect", {"image": str(tmp_path / "gone.jpg")}, "gone.jpg: the file does not exist", "image.unreadable"),
        ("inspect", {"image": str(broken)}, "truncated", "image.unreadable"),
        ("inspect", {"image": str(pictures[0]), "settings": {"window": 4}}, "window must be odd", "program.error"),
        ("inspect", {"image": str(pictures[0]), "settings": "?"}, "settings", "program.error"),
        ("class-map", {"image": str(pictures[0]), "index": 12}, "no class 12", "program.error"),
        ("open", {"path": str(tmp_path / "gone.safetensors")}, "gone.safetensors", "model.not_found"),
        ("inspect", {"image": str(pictures[0])}, "gone.safetensors", "model.not_found"),  # no model is open now
        ("open", {"path": str(model), "device": "abacus"}, "abacus", "device.error"),
    ):
        generation = server.ask(request, **fields_)
        failure = server.answer("failed", "answered")
        assert failure.kind == "failed", request
        assert failure.fields["generation"] == generation
        assert failure.fields["error"]["code"] == code
        assert words in failure.fields["error"]["message"]
        assert "\n" not in failure.fields["error"]["message"]
    server.ask("open", path=str(model), device="cpu")
    server.answer("opened")


class Script(LatestRequests):
    """A fixed sequence of requests."""

    def __init__(self, *requests: Request) -> None:
        super().__init__()
        self._script = list(requests)

    def take(self, timeout: float | None = None) -> Request | None:
        return self._script.pop(0)


class Once(LatestRequests):
    """Ends the server when no request is left."""

    def take(self, timeout: float | None = None) -> Request | None:
        return super().take(0) or Request("quit", 99, {})


def test_a_model_that_cannot_be_opened_is_tried_once(pictures: tuple[Path, Path], tmp_path: Path) -> None:
    requests, output = Once(), io.BytesIO()
    requests.put(Request("open", 1, {"path": str(tmp_path / "gone.safetensors"), "device": "cpu"}))
    requests.put(Request("inspect", 2, {"subject": to_json(Subject(image=pictures[0]))}))
    assert InspectionServer(requests, output).run() == 0
    output.seek(0)
    messages = list(iter(lambda: read_message(output), None))
    assert [(message.kind, message.fields["generation"]) for message in messages] == [
        ("hello", 0),
        ("state", 1),
        ("failed", 1),
    ]


def test_full_memory_is_said_and_the_model_is_opened_again(
    model: Path, pictures: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    classify, failures = Inspector.classify, [torch.OutOfMemoryError("Quux.")]

    def full(inspector: Inspector, resampled: Any) -> Any:
        if failures:
            raise failures.pop()
        return classify(inspector, resampled)

    monkeypatch.setattr(Inspector, "classify", full)
    look = {"subject": to_json(Subject(image=pictures[0]))}
    requests = Script(
        Request("open", 1, {"path": str(model), "device": "cpu"}),
        Request("inspect", 2, look),
        Request("inspect", 3, look),
        Request("quit", 4, {}),
    )
    output = io.BytesIO()
    assert InspectionServer(requests, output).run() == 0
    output.seek(0)
    messages = list(iter(lambda: read_message(output), None))
    assert [(message.kind, message.fields["generation"]) for message in messages] == [
        ("hello", 0),
        ("state", 1),
        ("opened", 1),
        ("resampled", 2),
        ("failed", 2),
        ("state", 3),
        ("opened", 3),
        ("resampled", 3),
        ("answered", 3),
    ]
    assert messages[4].fields["error"]["code"] == "device.out_of_memory"
    sentence = messages[4].fields["error"]["message"]
    assert "memory" in sentence
    assert "choose the device cpu" in sentence
    assert "defect" not in sentence


def test_every_reply_says_what_it_belongs_to(server: Server, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    subjects = [
        Subject(image=pictures[0], name="birds/one.jpg", settings=InspectionSettings(beta_1=3.0)),
        Subject(image=pictures[1]),
        Subject(image=tmp_path / "gone.jpg", settings=InspectionSettings(seed=4)),
    ]
    for subject in subjects:
        for kind, replies in (("inspect", ("resampled", "answered")), ("class-map", ("class-map",))):
            server.ask(kind, **to_json(subject), index=2)
            for reply in ("failed",) if subject is subjects[2] else replies:
                assert decode_subject(server.answer(reply, "failed")) == subject
    with pytest.raises(MessageError, match="which image"):
        decode_subject(Message("answered", {"subject": {"image": 3}}))


def test_of_many_requests_only_the_last_is_answered(start: Callable[..., Server], model: Path, pictures: Any) -> None:
    server = start()
    server.ask("open", path=str(model), device="cpu")
    for seed in range(40):  # a drag while the model is being opened
        last = server.ask("inspect", image=str(pictures[seed % 2]), settings={"sampling": "random", "seed": seed})
    answer = server.answer("answered")
    assert answer.fields["generation"] == last
    assert answer.fields["decoded"].warps.settings.seed == 39
    assert server.rest(1.0) == []


def test_a_later_model_makes_earlier_questions_void(
    start: Callable[..., Server], model: Path, pictures: Any, tmp_path: Path
) -> None:
    other = save_random_model(tmp_path / "other.safetensors", classes=3)
    server = start()
    server.ask("open", path=str(model), device="cpu")
    server.ask("inspect", image=str(pictures[0]))
    server.ask("open", path=str(other), device="cpu")
    last = server.ask("inspect", image=str(pictures[0]))
    answer = server.answer("answered")
    assert answer.fields["generation"] == last
    assert len(answer.fields["decoded"].response.classes) == 3


def test_it_rests_and_wakes_by_itself(start: Callable[..., Server], model: Path, pictures: Any) -> None:
    server = start("--idle-seconds=0.5")
    server.ask("open", path=str(model), device="cpu")
    server.answer("opened")
    assert server.answer("state").fields["state"] == "resting"
    server.ask("inspect", image=str(pictures[0]))
    server.answer("opened")
    server.answer("answered")
    assert server.answer("state").fields["state"] == "resting"


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", b"S3Ni\xff\xff\xff\xff" + bytes(100), b"\0" * 5000])
def test_junk_ends_it_with_a_word_in_the_log(start: Callable[..., Server], junk: bytes) -> None:
    server = start()
    assert server.process.stdin is not None
    server.process.stdin.write(junk)
    server.process.stdin.flush()
    assert server.process.wait(PATIENCE) == 0
    server.join()
    assert b"ended:" in server.log
    assert b"Traceback" not in server.log


def test_unknown_requests_are_ignored(start: Callable[..., Server]) -> None:
    server = start()
    server.ask("make-coffee")
    server.ask("inspect", image="x")
    assert "No model is open" in server.answer("failed").fields["error"]["message"]
    assert server.end() == 0
    assert b"make-coffee" in server.log


def test_it_ends_with_its_input_in_the_middle_of_a_request(
    start: Callable[..., Server], model: Path, pictures: Any
) -> None:
    server = start()
    server.answer("hello")
    server.ask("open", path=str(model), device="cpu")
    server.answer("state")  # it is loading torch now
    began = time.monotonic()
    assert server.end() == 0
    assert time.monotonic() - began < 20


@posix
def test_it_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = """
        import subprocess, sys, time
        child = subprocess.Popen([sys.executable, "-m", "s3n_core.server.process"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
        child.stdout.read(1)
        print(child.pid, flush=True)
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    psutil.wait_procs([child], timeout=30)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@posix
def test_killed_in_the_middle_of_a_request(start: Callable[..., Server], model: Path, pictures: Any) -> None:
    server = start()
    server.ask("open", path=str(model), device="cpu")
    server.ask("inspect", image=str(pictures[0]))
    server.answer("opened")
    server.process.send_signal(signal.SIGKILL)
    with pytest.raises(AssertionError, match="the process ended"):  # the reader sees an end, never half a message
        server.answer("never")


def test_what_libraries_print_does_not_reach_the_messages() -> None:
    program = """
        import os, subprocess, sys
        from s3n_core.server import process
        source, output = process._take_streams()
        print("from Python")
        os.write(1, b"from C")
        subprocess.run([sys.executable, "-c", "print('from a child')"])
        output.write(source.read())
        output.flush()
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program)], input=b"message", capture_output=True)
    assert done.stdout == b"message"
    for words in (b"from Python", b"from C", b"from a child"):
        assert words in done.stderr


def test_the_first_file_of_an_export(server: Server, opened: Any, pictures: tuple[Path, Path], tmp_path: Path) -> None:
    options = {"sheet": False, "panels": ["map_d", "peaks"], "dpi": 40, "single_inches": 1.0, "opacity": 0.3}
    records = open_images(pictures[0].parent).records
    wish = FileRequest(images=candidates(records, ()), options=options)
    server.ask("export", **to_json(wish))
    file = decode_file(server.answer("exported"))
    assert (file.image, file.ending) == (pictures[0].name, "/peaks.jpg")
    style = FigureStyle(panels=("peaks", "map_d"), dpi=40, single_inches=1.0, opacity=0.3)
    list(export(opened, records[:1], tmp_path, ExportOptions(sheet=False, style=style)))
    assert (tmp_path / file.name).read_bytes() == file.content
    assert sorted(map(str, file.files.values())) == sorted(
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jpg")
    )
    server.ask("export", **to_json(replace(wish, options={**options, "dpi": 3})))
    assert "dpi" in server.answer("failed").fields["error"]["message"]
    server.ask(
        "export", **to_json(replace(wish, images=(Candidate(path=str(tmp_path / "gone.jpg"), name="gone.jpg"),)))
    )
    assert "gone.jpg" in server.answer("failed").fields["error"]["message"]


@pytest.mark.parametrize(
    ("trouble", "code", "ends_with"),
    [
        (torch.OutOfMemoryError("Quux."), "device.out_of_memory", 0),
        (MemoryError("Quux."), "device.out_of_memory", 0),
        (torch.AcceleratorError("Quux."), "device.failed", 3),
        (
            RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(...)`"),
            "device.failed",
            3,
        ),
        (ZeroDivisionError("Quux."), "program.defect", 0),
    ],
    ids=["a card's memory", "main memory", "a card", "a card's library", "a defect"],
)
def test_trouble_with_a_device_is_known_whatever_torch_says(
    monkeypatch: pytest.MonkeyPatch, trouble: Exception, code: str, ends_with: int
) -> None:
    def fail(*_: object) -> None:
        raise trouble

    monkeypatch.setattr(InspectionServer, "_class_map", fail)
    requests, output = Script(Request("class-map", 7, {}), Request("quit", 8, {})), io.BytesIO()
    assert InspectionServer(requests, output).run() == ends_with
    output.seek(0)
    assert (hello := read_message(output)) is not None
    assert hello.kind == "hello"
    assert (failure := read_message(output)) is not None
    assert failure.fields["error"]["code"] == code
    assert failure.fields["request"] == "class-map"
