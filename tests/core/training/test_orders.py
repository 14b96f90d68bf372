"""Orders and signals to a training run in its own process."""

import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from tiny_training import PATIENCE, LiveTraining, assert_same_training, kinds, prepare, train

from s3n_core.errors import RunError
from s3n_core.runs.control import send_order
from s3n_core.runs.run_directory import RunDirectory, is_live
from s3n_core.runs.run_state import RunState
from s3n_core.runs.trash import list_trash
from s3n_core.training.events import StepDone
from s3n_core.training.trainer import Trainer

ENDLESS = 10_000  # epochs, so that only an order ends it
INTERRUPTED = 130


@contextmanager
def live(run: RunDirectory) -> Iterator[LiveTraining]:
    training = LiveTraining.of(run)
    try:
        yield training
    finally:
        training.kill()


def state_of(run: RunDirectory) -> RunState:
    state = run.read_state()
    assert state is not None
    return state


def wait_for_status(run: RunDirectory, status: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while state_of(run).status != status:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def goes_on(run: RunDirectory) -> None:
    """Check that the run resumes where it stopped, not from its start."""
    with closing(Trainer(run.path, workers=0).run()) as events:
        started = next(events)
        assert started.resumed
        assert any(isinstance(event, StepDone) for event in events)


def test_a_live_run_pauses_goes_on_refuses_a_second_trainer_and_stops(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, epochs=ENDLESS)
    with live(run) as training:
        assert training.wait_for("step_done") is not None, training.errors
        send_order(run.path, "pause")
        assert training.wait_for("paused") is not None
        wait_for_status(run, "paused")
        before = (state_of(run), run.metrics_jsonl.read_bytes(), run.read_pointer("last"))
        with pytest.raises(RunError, match=f"process {training.process.pid}"):
            next(Trainer(run.path).run())
        time.sleep(0.5)
        assert (state_of(run), run.metrics_jsonl.read_bytes(), run.read_pointer("last")) == before

        send_order(run.path, "resume")
        assert training.wait_for("resumed") is not None
        assert training.wait_for("step_done") is not None
        assert state_of(run).status == "running"

        send_order(run.path, "stop")
        assert training.wait() == 0
        assert training.events[-1]["event"] == "run_ended"
        assert training.events[-1]["status"] == "stopped"
    state = state_of(run)
    assert state.status == "stopped"
    assert "resumed" in state.message
    assert not is_live(run.path)
    goes_on(run)


def test_a_discarded_run_goes_to_the_trash(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "runs" / "run", pictures, epochs=ENDLESS)
    with live(run) as training:
        assert training.wait_for("step_done") is not None, training.errors
        send_order(run.path, "discard")
        assert training.wait() == 0
        assert training.events[-1]["status"] == "discarded"
    assert not run.path.exists()
    assert [entry.name for entry in list_trash(tmp_path / "runs")] == ["run"]


def stop_by_signals(run: RunDirectory, *numbers: signal.Signals) -> None:
    with live(run) as training:
        assert training.wait_for("epoch_done") is not None, training.errors
        for number in numbers:
            training.process.send_signal(number)
            if number is not numbers[-1]:
                wait_until_it_says(training, "Stopping")
        assert training.wait() == INTERRUPTED, training.errors
        assert "Traceback" not in training.errors
    assert state_of(run).status == "stopped"
    goes_on(run)


@pytest.mark.usefixtures("real_command")
def test_signals_stop_and_keep(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, epochs=ENDLESS)
    stop_by_signals(run, signal.SIGINT)
    stop_by_signals(run, signal.SIGTERM)


def test_a_second_signal_quits_at_once(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, epochs=ENDLESS)
    stop_by_signals(run, signal.SIGINT, signal.SIGINT)


@contextmanager
def hearing_hangups() -> Iterator[None]:
    """Restore SIGHUP handling for child processes, which would otherwise inherit its being ignored under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("real_command")
@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no signal for a closed terminal")
def test_a_closed_terminal_stops_and_keeps(tmp_path: Path, pictures: Path) -> None:
    run = prepare(tmp_path / "run", pictures, epochs=ENDLESS)
    with hearing_hangups(), live(run) as training:
        assert training.wait_for("epoch_done") is not None, training.errors
        training.process.send_signal(signal.SIGHUP)
        assert training.wait() == INTERRUPTED
    assert state_of(run).status == "stopped"
    goes_on(run)


def wait_until_it_says(training: LiveTraining, word: str) -> None:
    assert training.process.stderr is not None
    for line in training.process.stderr:
        if word in line.decode():
            return


@pytest.mark.usefixtures("every_batch_tells")
@pytest.mark.parametrize("order", ["stop", "stop-now"])
def test_an_order_to_stop_keeps_what_resumes_exactly(
    tmp_path: Path, pictures: Path, reference: RunDirectory, order: str
) -> None:
    run = prepare(tmp_path / "run", pictures)
    sent: list[str] = []

    def stop_in_the_second_epoch(event: object) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.batch) == (1, 2):
            sent.append(send_order(run.path, order))  # type: ignore[arg-type]

    events = train(run, during=stop_in_the_second_epoch)
    assert sent
    assert kinds(events)[-2:] == ["CheckpointSaved", "RunEnded"]
    assert run.read_pointer("last") == "step-0000006"
    train(run)
    assert_same_training(run, reference)


@pytest.mark.usefixtures("every_batch_tells")
def test_an_order_is_obeyed_during_validation(tmp_path: Path, pictures: Path, reference: RunDirectory) -> None:
    run = prepare(tmp_path / "run", pictures)

    def stop_after_the_last_batch(event: object) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.batch) == (0, 4):
            send_order(run.path, "stop")

    events = train(run, during=stop_after_the_last_batch)
    assert "EpochDone" not in kinds(events)
    assert (state_of(run).epoch, state_of(run).batch) == (0, 4)
    train(run)
    assert_same_training(run, reference)


@pytest.mark.usefixtures("every_batch_tells")
def test_a_run_whose_follower_leaves_at_its_last_word_stays_finished(tmp_path: Path, few_pictures: Path) -> None:
    run = prepare(tmp_path / "run", few_pictures, epochs=1, validation=0, probes=0)
    with closing(Trainer(run.path, workers=0).run()) as events:
        for event in events:
            if type(event).__name__ == "RunEnded":
                break
    assert state_of(run).status == "finished"
