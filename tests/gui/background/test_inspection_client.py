"""The window's inspection client with a real engine process, which is killed, suspended and replaced by junk."""

import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from pytestqt.qtbot import QtBot

import s3n_core
from s3n_core.datasets.records import Box
from s3n_core.errors import ModelNotFound, UnreadableImage
from s3n_core.export.file_request import FileRequest
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.peak import PeakEdit
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.requests import Subject
from s3n_gui.background import inspection_client
from s3n_gui.background.inspection_client import InspectionClient

PATIENCE = 300_000  # milliseconds: torch loads slowly on a machine that also trains

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


class Heard:
    """Records all signals of a client, in order."""

    def __init__(self, client: InspectionClient) -> None:
        self.said: list[tuple[str, tuple[Any, ...]]] = []
        for name in (
            "opened",
            "resampled",
            "answered",
            "class_map_ready",
            "failed",
            "interrupted",
            "state_changed",
        ):
            getattr(client, name).connect(self._listener(name))

    def _listener(self, name: str) -> Callable[..., None]:
        return lambda *values: self.said.append((name, values))

    def all(self, name: str) -> list[tuple[Any, ...]]:
        return [values for said, values in self.said if said == name]


@pytest.fixture
def client(qtbot: QtBot) -> Iterator[InspectionClient]:
    client = InspectionClient()
    yield client
    client.close()


@pytest.fixture
def ready(qtbot: QtBot, client: InspectionClient, model_file: Path) -> InspectionClient:
    """A client with an open model."""
    with qtbot.waitSignal(client.opened, timeout=PATIENCE):
        client.open_model(model_file, "cpu")
    return client


def kill(pid: int | None) -> None:
    assert pid is not None
    os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)


def test_open_inspect_and_ask(
    qtbot: QtBot, client: InspectionClient, model_file: Path, pictures: tuple[Path, ...]
) -> None:
    heard = Heard(client)
    assert (client.state, client.model, client.pid) == ("off", None, None)
    client.open_model(model_file, "cpu")
    subject = client.inspect(pictures[0], name="birds/one.jpg")
    with qtbot.waitSignal(client.answered, timeout=PATIENCE) as answered:
        pass
    inspection, answered_subject = answered.args
    assert answered_subject == subject == Subject(image=pictures[0], name="birds/one.jpg")
    assert inspection.response.name == "birds/one.jpg"
    assert client.model is not None
    assert client.model.classes[0] == "species 1"
    assert client.state == "ready"
    assert [name for name, _ in heard.said if name != "state_changed"] == ["opened", "resampled", "answered"]
    assert [state for (state,) in heard.all("state_changed")] == ["starting", "opening", "working", "ready"]

    with qtbot.waitSignal(client.class_map_ready, timeout=PATIENCE):
        client.request_class_map(subject, 5)
    ((class_map,),) = heard.all("class_map_ready")
    assert (class_map.values.shape, class_map.index, class_map.subject) == (
        inspection.response.class_map(5).shape,
        5,
        subject,
    )

    edit = PeakEdit(cell=inspection.warps.peaks[0].found_at, off=True)
    with qtbot.waitSignal(client.answered, timeout=PATIENCE) as edited:
        client.inspect(pictures[0], InspectionSettings(edits=(edit,)), name="birds/one.jpg")
    assert [peak.set for peak in edited.args[0].warps.peaks if peak.found_at == edit.cell] == ["off"]
    assert edited.args[0].response is inspection.response  # transferred only once


def test_a_place_is_hidden_unless_an_inspection_is_more_urgent(
    qtbot: QtBot, ready: InspectionClient, model_file: Path, pictures: tuple[Path, ...]
) -> None:
    steps: list[tuple[int, int]] = []
    ready.hiding_progressed.connect(lambda done, total: steps.append((done, total)))
    subject = Subject(image=pictures[0], name="birds/one.jpg")
    settings, box = HidingSettings(size=9), Box(x=5, y=5, width=100, height=65)
    with qtbot.waitSignal(ready.places_hidden, timeout=PATIENCE) as hidden:
        ready.hide_places(subject, [(60.0, 40.0)], settings, box=box)
    (found,), belongs_to = hidden.args
    assert belongs_to == subject
    assert steps[-1] == (22, 22)
    assert ready.state == "ready"
    with s3n_core.load_model(model_file, device="cpu") as model:
        wanted = model.hide_place(
            pictures[0], (60.0, 40.0), name="birds/one.jpg", box=box, settings=settings, progress=False
        )
    assert (found.settings, found.region) == (wanted.settings, "box")
    np.testing.assert_array_equal(found.controls, wanted.controls)
    for branch, logits in wanted.logits.items():
        np.testing.assert_allclose(found.logits[branch], logits, rtol=1e-3, atol=1e-3)

    with qtbot.waitSignal(ready.hiding_ended, timeout=PATIENCE) as ended:
        ready.hide_places(subject, [(900.0, 40.0)], settings)
    assert "does not see the place" in str(ended.args[0])
    ready.hide_places(subject, [(60.0, 40.0)], settings)
    with qtbot.waitSignal(ready.answered, timeout=PATIENCE), qtbot.assertNotEmitted(ready.places_hidden):
        with qtbot.waitSignal(ready.hiding_ended) as ended:
            ready.inspect(pictures[1])
        assert ended.args == [None]
    ready.hide_places(subject, [(60.0, 40.0)], settings)
    with qtbot.waitSignal(ready.hiding_ended) as ended:
        ready.stop_hiding()
    assert ended.args == [None]
    assert ready.state == "ready"


def test_only_the_latest_is_answered(qtbot: QtBot, ready: InspectionClient, pictures: tuple[Path, ...]) -> None:
    heard = Heard(ready)
    subjects = [ready.inspect(pictures[seed % 4], InspectionSettings(seed=seed)) for seed in range(200)]
    with qtbot.waitSignal(ready.answered, timeout=PATIENCE) as answered:
        pass
    assert answered.args[1] == subjects[-1]
    assert answered.args[0].warps.settings.seed == 199
    qtbot.wait(300)
    assert len(heard.all("answered")) == 1
    assert {subject.settings for _, subject in heard.all("resampled")} == {subjects[-1].settings}


def test_errors_are_sentences(
    qtbot: QtBot, ready: InspectionClient, model_file: Path, pictures: tuple[Path, ...], tmp_path: Path
) -> None:
    with qtbot.waitSignal(ready.failed, timeout=PATIENCE) as failed:
        subject = ready.inspect(tmp_path / "gone.jpg")
    error, belongs_to = failed.args
    assert isinstance(error, UnreadableImage)
    assert (error.path, error.reason, belongs_to) == (tmp_path / "gone.jpg", "the file does not exist", subject)
    assert ready.state == "ready"
    with qtbot.waitSignal(ready.failed, timeout=PATIENCE) as failed:
        ready.open_model(tmp_path / "gone.safetensors")
    assert isinstance(failed.args[0], ModelNotFound)
    assert "gone.safetensors" in str(failed.args[0])
    assert (ready.state, ready.model) == ("broken", None)
    with qtbot.waitSignal(ready.answered, timeout=PATIENCE):  # opening another model recovers
        ready.open_model(model_file, "cpu")
        ready.inspect(pictures[0])


def test_a_failure_that_nobody_waits_for_is_not_reported(
    qtbot: QtBot, ready: InspectionClient, pictures: tuple[Path, ...], tmp_path: Path
) -> None:
    heard = Heard(ready)
    ready.inspect(tmp_path / "gone.jpg")
    with qtbot.waitSignal(ready.answered, timeout=PATIENCE):
        ready.inspect(pictures[0])
    assert heard.all("failed") == []


@pytest.fixture
def at_its_own_pace(request: pytest.FixtureRequest, moment: str) -> None:
    """For tests during the start-up, start the engine by its command, so that it loads its libraries."""
    if moment == "starting":
        request.getfixturevalue("real_command")


@pytest.mark.usefixtures("at_its_own_pace")
@pytest.mark.parametrize("moment", ["starting", "opening", "resampled", "ready"])
def test_killed_at_a_bad_moment(
    qtbot: QtBot, client: InspectionClient, model_file: Path, pictures: tuple[Path, ...], moment: str
) -> None:
    heard = Heard(client)
    client.open_model(model_file, "cpu")
    first = client.inspect(pictures[0])
    if moment == "starting":
        qtbot.waitUntil(lambda: client.pid is not None, timeout=PATIENCE)
    elif moment == "opening":
        qtbot.waitUntil(lambda: client.state == "opening", timeout=PATIENCE)
    elif moment == "resampled":
        # In the slot itself, because the scores are being computed now.
        client.resampled.connect(lambda *_: kill(client.pid) if not heard.all("interrupted") else None)
    else:
        qtbot.waitUntil(lambda: bool(heard.all("answered")), timeout=PATIENCE)
    if moment != "resampled":
        kill(client.pid)
    if moment == "ready":
        first = client.inspect(pictures[1])  # requested before the window has noticed
    qtbot.waitUntil(lambda: bool(heard.all("interrupted")), timeout=PATIENCE)
    qtbot.waitUntil(lambda: first in [subject for _, subject in heard.all("answered")], timeout=PATIENCE)
    assert client.state == "ready"
    assert len(heard.all("interrupted")) == 1
    if sys.platform != "win32":
        assert "killed by SIGKILL" in heard.all("interrupted")[0][0]
    assert heard.all("failed") == []


def replace_engine(monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    command = [sys.executable, "-c", program]
    monkeypatch.setattr(inspection_client, "engine_command", lambda *_, **__: command)
    monkeypatch.setattr(inspection_client, "RESTART_MILLISECONDS", (1, 5, 10))


def test_an_engine_that_always_dies_is_given_up_and_tried_again_when_asked(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, model_file: Path, pictures: tuple[Path, ...]
) -> None:
    replace_engine(monkeypatch, "import sys; sys.exit(7)")
    client = InspectionClient()
    heard = Heard(client)
    for count in (1, 2):
        with qtbot.waitSignal(client.failed, timeout=PATIENCE) as failed:
            if count == 1:
                client.open_model(model_file)
            client.inspect(pictures[0])
        assert "4 times in a row (exit code 7)" in str(failed.args[0])
        assert "inspection.log" in str(failed.args[0])
        assert client.state == "broken"
        assert len(heard.all("interrupted")) == 3 * count
    client.close()


STALE = """
    import sys
    from s3n_core.server.messages import Message, read_message, write_message

    while (message := read_message(sys.stdin.buffer)) is not None:
        number = message.fields["generation"]
        if message.kind in ("class-map", "export"):
            for generation, said in ((number - 1, "stale"), (number + 1, "of the future"), (number, "asked for")):
                error = {"event": "failed", "code": "failed", "message": said}
                write_message(
                    sys.stdout.buffer,
                    Message("failed", {"generation": generation, "request": message.kind, "error": error}),
                )
"""


@pytest.mark.parametrize("kind", ["class-map", "export"])
def test_only_the_reply_to_the_newest_request_counts(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, pictures: tuple[Path, ...], kind: str
) -> None:
    replace_engine(monkeypatch, textwrap.dedent(STALE))
    client = InspectionClient()
    heard = Heard(client)
    with qtbot.waitSignal(client.failed, timeout=PATIENCE):
        if kind == "export":
            client.request_file(FileRequest(images=(), options={}))
        else:
            client.request_class_map(Subject(image=pictures[0]), 1)
    assert [str(error) for error, _ in heard.all("failed")] == ["asked for"]
    client.close()


OPENS_TWO = """
    import sys
    from pathlib import Path
    from s3n_core.method.configuration import ModelHeader, NetworkConfig
    from s3n_core.server.codec import OpenedModel, encode_model
    from s3n_core.server.messages import read_message, write_message

    network = NetworkConfig(input_size=64, source_size=64, backbone="mobilenet_v2", num_classes=1)
    while (message := read_message(sys.stdin.buffer)) is not None:
        number = message.fields["generation"]
        for generation, digest in ((number - 1, "of the model before"), (number, "asked for")):
            opened = OpenedModel(
                path=Path("model"), digest=digest, header=ModelHeader(network=network, classes=("a",), preprocess={}),
                device="cpu", device_name="CPU", device_reason="", precision="float32", sampling="expected",
                beta_1=1.0, beta_2=1.0,
            )
            write_message(sys.stdout.buffer, encode_model(generation, opened))
"""


def test_a_model_that_is_no_longer_wanted_is_not_taken_for_the_open_one(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, model_file: Path
) -> None:
    replace_engine(monkeypatch, textwrap.dedent(OPENS_TWO))
    client = InspectionClient()
    heard = Heard(client)
    with qtbot.waitSignal(client.opened, timeout=PATIENCE):
        client.open_model(model_file)
    assert [model.digest for (model,) in heard.all("opened")] == ["asked for"]
    client.close()


OPENS_NOTHING = """
    import sys
    from s3n_core.server.messages import Message, read_message, write_message

    while (message := read_message(sys.stdin.buffer)) is not None:
        if message.kind == "idle":
            sys.exit()
        belonging = {"generation": message.fields["generation"], "subject": message.fields.get("subject")}
        error = {"event": "failed", "code": "failed", "message": "The model is gone."}
        write_message(sys.stdout.buffer, Message("state", {**belonging, "state": "opening"}))
        write_message(sys.stdout.buffer, Message("failed", {**belonging, "request": message.kind, "error": error}))
"""


def test_a_model_that_cannot_be_opened_is_said_once(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, model_file: Path, pictures: tuple[Path, ...]
) -> None:
    replace_engine(monkeypatch, textwrap.dedent(OPENS_NOTHING))
    client = InspectionClient()
    heard = Heard(client)
    with qtbot.waitSignal(client.failed, timeout=PATIENCE):
        client.open_model(model_file)
        client.inspect(pictures[0])
    client.set_idle_seconds(1)  # what it says of the image comes before its end
    qtbot.waitUntil(lambda: client.state == "resting", timeout=PATIENCE)
    assert [subject for _, subject in heard.all("failed")] == [None]
    assert [state for (state,) in heard.all("state_changed")] == ["starting", "opening", "broken", "resting"]
    client.close()


def test_an_engine_without_a_model_is_not_ready(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, pictures: tuple[Path, ...]
) -> None:
    """The model file of a resting engine may be gone when the next image needs it."""
    replace_engine(monkeypatch, textwrap.dedent(OPENS_NOTHING))
    client = InspectionClient()
    with qtbot.waitSignal(client.failed, timeout=PATIENCE):
        client.inspect(pictures[0])
    assert client.state == "broken"
    client.close()


def test_a_closed_model_leaves_no_engine_and_another_one_can_be_opened(
    qtbot: QtBot, ready: InspectionClient, model_file: Path, pictures: tuple[Path, ...]
) -> None:
    assert ready.pid is not None
    engine = psutil.Process(ready.pid)
    ready.inspect(pictures[0])
    with qtbot.assertNotEmitted(ready.answered, wait=200):
        ready.close_model()
    assert not engine.is_running()
    assert (ready.state, ready.model, ready.pid) == ("off", None, None)
    with qtbot.waitSignal(ready.answered, timeout=PATIENCE):
        ready.open_model(model_file, "cpu")
        ready.inspect(pictures[0])
    ready.close()
    ready.close_model()
    assert ready.state == "closed"


CANNOT_OPEN = """
    import sys
    from s3n_core.server.messages import Message, read_message, write_message

    opened = 0
    while (message := read_message(sys.stdin.buffer)) is not None:
        if message.kind == "open":
            opened = message.fields["generation"]
        elif message.kind == "descriptors":
            error = {"event": "failed", "code": "failed", "message": "The model is gone."}
            write_message(
                sys.stdout.buffer, Message("failed", {"generation": opened, "request": "open", "error": error})
            )
"""


@pytest.mark.parametrize("program", [CANNOT_OPEN, "import sys; sys.exit(7)"], ids=["model", "engine"])
def test_what_waits_is_told_that_there_will_be_no_answer(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, model_file: Path, pictures: tuple[Path, ...], program: str
) -> None:
    """The model file of a resting engine may be gone when the next test needs it."""
    replace_engine(monkeypatch, textwrap.dedent(program))
    client = InspectionClient()
    client.open_model(model_file)
    subject = Subject(image=pictures[0], name="birds/one.jpg")
    told: list[tuple[str, str, Subject | None]] = []
    client.hiding_ended.connect(lambda error: told.append(("hiding", str(error), None)))
    client.contributions_failed.connect(lambda error, of: told.append(("contributions", str(error), of)))
    client.descriptors_failed.connect(lambda error, of: told.append(("descriptors", str(error), of)))
    with qtbot.waitSignal(client.failed, timeout=PATIENCE) as failed:
        client.hide_places(subject, [(60.0, 40.0)], HidingSettings())
        client.request_contributions(subject, 0, 1)
        client.request_descriptors(subject)
    said = str(failed.args[0])
    assert told == [("hiding", said, None), ("contributions", said, subject), ("descriptors", said, subject)]
    assert client.state == "broken"
    client.close()


def test_something_else_speaks(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, model_file: Path) -> None:
    replace_engine(monkeypatch, "print('Welcome to gpu-box! There is no mail.', flush=True); input()")
    client = InspectionClient()
    with qtbot.waitSignal(client.failed, timeout=PATIENCE) as failed:
        client.open_model(model_file)
    assert "a shell's greeting" in str(failed.args[0])
    client.close()


def test_a_program_that_is_not_there(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, model_file: Path) -> None:
    monkeypatch.setattr(inspection_client, "engine_command", lambda *_, **__: ["/no/such/program"])
    monkeypatch.setattr(inspection_client, "RESTART_MILLISECONDS", (1,))
    client = InspectionClient()
    with qtbot.waitSignal(client.failed, timeout=PATIENCE) as failed:
        client.open_model(model_file)
    assert "/no/such/program" in str(failed.args[0])
    client.close()


@posix
def test_a_stalled_engine_never_blocks_the_window(
    qtbot: QtBot, ready: InspectionClient, pictures: tuple[Path, ...]
) -> None:
    assert ready.pid is not None
    os.kill(ready.pid, signal.SIGSTOP)
    heard = Heard(ready)
    for seed in range(5000):  # many times the capacity of a pipe
        last = ready.inspect(pictures[0], InspectionSettings(seed=seed))
    # This line is reached although nobody has read anything.
    os.kill(ready.pid, signal.SIGCONT)
    qtbot.waitUntil(lambda: last in [subject for _, subject in heard.all("answered")], timeout=PATIENCE)
    assert len(heard.all("answered")) == 1


@posix
def test_closing_a_stalled_engine(qtbot: QtBot, ready: InspectionClient) -> None:
    assert ready.pid is not None
    engine = psutil.Process(ready.pid)
    os.kill(ready.pid, signal.SIGSTOP)
    began = time.perf_counter()
    ready.close()
    assert time.perf_counter() - began < 2
    assert not engine.is_running()
    assert ready.state == "closed"
    ready.close()  # a second call has no effect
    ready.inspect(Path("x.jpg"))  # nor does a request
    assert ready.pid is None


@pytest.mark.usefixtures("at_its_own_pace")
@pytest.mark.parametrize("moment", ["at once", "starting", "opening", "restarting"])
def test_closing_at_a_bad_moment(
    qtbot: QtBot, client: InspectionClient, model_file: Path, pictures: tuple[Path, ...], moment: str
) -> None:
    client.open_model(model_file, "cpu")
    client.inspect(pictures[0])
    if moment in ("starting", "restarting"):
        qtbot.waitUntil(lambda: client.pid is not None, timeout=PATIENCE)
    if moment == "restarting":
        kill(client.pid)
        qtbot.waitUntil(lambda: client.state == "restarting", timeout=PATIENCE)
    if moment == "opening":
        qtbot.waitUntil(lambda: client.state == "opening", timeout=PATIENCE)
    client.close()
    heard = Heard(client)
    qtbot.wait(200)
    assert heard.said == []  # no signals after the end; the fixtures report anything left running


def test_it_rests_and_wakes(qtbot: QtBot, model_file: Path, pictures: tuple[Path, ...]) -> None:
    client = InspectionClient(idle_seconds=0.3)
    with qtbot.waitSignal(client.opened, timeout=PATIENCE):
        client.open_model(model_file, "cpu")
    qtbot.waitUntil(lambda: client.state == "resting", timeout=PATIENCE)
    assert client.model is None
    with qtbot.waitSignals([client.opened, client.answered], timeout=PATIENCE):
        client.inspect(pictures[0])
    client.close()


@posix
def test_an_engine_that_leaves_to_free_its_card_is_started_when_it_is_needed(
    qtbot: QtBot, client: InspectionClient, model_file: Path, pictures: tuple[Path, ...]
) -> None:
    """With a graphics card the process exits when idle; here, closing its input makes it exit in the same way."""
    heard = Heard(client)
    with qtbot.waitSignal(client.opened, timeout=PATIENCE):
        client.open_model(model_file, "cpu")
    assert client._link is not None
    client._link._worker.requests.close()
    client._link._worker.process.stdin.close()  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: client.state == "resting", timeout=PATIENCE)
    assert client.pid is None
    with qtbot.waitSignal(client.answered, timeout=PATIENCE):
        client.inspect(pictures[0])
    assert heard.all("interrupted") == []


@posix
def test_the_terminal_does_not_reach_the_engine(qtbot: QtBot, ready: InspectionClient) -> None:
    assert ready.pid is not None
    assert os.getsid(ready.pid) != os.getsid(0)
    assert os.getpgid(ready.pid) == ready.pid


def test_two_models_side_by_side(qtbot: QtBot, model_file: Path, pictures: tuple[Path, ...], tmp_path: Path) -> None:
    from random_model import save_random_model

    clients = [InspectionClient(), InspectionClient()]
    files = [model_file, save_random_model(tmp_path / "other.safetensors", classes=3)]
    with qtbot.waitSignals([client.answered for client in clients], timeout=PATIENCE):
        for client, file in zip(clients, files, strict=True):
            client.open_model(file, "cpu")
            client.inspect(pictures[0])
    assert [len(client.model.classes) for client in clients if client.model is not None] == [12, 3]
    for client in clients:
        client.close()
