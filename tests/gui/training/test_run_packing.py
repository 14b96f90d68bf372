"""Packing a run from the list of runs and taking one back: what is asked, which command runs, and what is said."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget
from pytestqt.qtbot import QtBot

from s3n_gui.background.jobs import JobList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.training.runs.run_packing import RunPacking
from s3n_gui.training.runs.runs_list import RunsList
from s3n_gui.training.runs.runs_model import RunsModel
from s3n_gui.widgets.question import Question

PATIENCE = 60_000

Engine = Callable[..., list[list[str]]]


@pytest.fixture
def engine(commanded: Engine) -> Engine:
    """Programs in the engine's place that print one line each, in turn; an error ends with 1. Returns what they were asked."""

    def printing(*lines: dict[str, Any]) -> list[list[str]]:
        return commanded(*(f"print({json.dumps(line)!r}); exit({int(line['event'] == 'failed')})" for line in lines))

    return printing


@pytest.fixture
def packing(qtbot: QtBot, session: Session, settings: Settings, jobs: JobList) -> RunPacking:
    window = QWidget()
    qtbot.addWidget(window)
    return RunPacking(session, settings, jobs, window)


def answer_with(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Answer questions in turn; return their headings."""
    asked: list[str] = []

    def ask(question: Question) -> str:
        asked.append(question.windowTitle())
        return answers[len(asked) - 1]

    monkeypatch.setattr(Question, "ask", ask)
    return asked


@pytest.mark.parametrize(("answer", "images"), [("images", ["--images"]), ("plain", [])])
def test_a_run_is_packed(
    packing: RunPacking, session: Session, jobs: JobList, engine: Engine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch,
    answer: str, images: list[str],
) -> None:  # fmt: skip
    asked = engine({"event": "packed", "path": "/usb/first.zip", "bytes": 12_340_000})
    answer_with(monkeypatch, answer)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("/usb/first", ""))
    with qtbot.waitSignal(session.notice_reported, timeout=PATIENCE) as notice:
        packing.pack(Path("/runs/first"))
    assert asked == [["pack", "/runs/first", "--out", "/usb/first.zip", *images, "--json"]]
    assert notice.args[0].startswith("Packed into /usb/first.zip (12.3 MB).")
    assert [job.title for job in jobs.jobs()] == ["Packing first"]


def test_a_question_that_is_cancelled_starts_nothing(
    packing: RunPacking, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer_with(monkeypatch, "cancel")
    packing.pack(Path("/runs/first"))
    assert jobs.jobs() == ()


def test_an_error_is_its_sentence(
    packing: RunPacking, session: Session, engine: Engine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine({"event": "failed", "code": "run.busy", "message": "The run first is being trained.", "path": "/runs/first"})
    answer_with(monkeypatch, "plain")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: ("/usb/first.zip", ""))
    with qtbot.waitSignal(session.error_reported, timeout=PATIENCE) as error:
        packing.pack(Path("/runs/first"))
    assert error.args == ["The run first is being trained."]


def test_a_run_is_taken_back(
    packing: RunPacking,
    session: Session,
    settings: Settings,
    engine: Engine,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = engine({"event": "unpacked", "path": "/runs/first", "data": "/birds", "images": None, "replaced": "first"})
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/usb/first.zip", ""))
    notices: list[str] = []
    session.notice_reported.connect(notices.append)
    with qtbot.waitSignal(packing.unpacked, timeout=PATIENCE) as unpacked:
        packing.unpack()
    qtbot.waitUntil(lambda: bool(notices), timeout=PATIENCE)
    assert asked == [["unpack", "/usb/first.zip", "--runs", str(settings.runs_root), "--json"]]
    assert unpacked.args == [Path("/runs/first")]
    assert notices == ["first is here. The run as it was before is in the trash."]


def test_images_that_are_elsewhere_are_asked_for(
    packing: RunPacking, engine: Engine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = engine(
        {"event": "failed", "code": "data_set.not_found", "message": "The data set is not here.", "path": "/there"},
        {"event": "unpacked", "path": "/runs/first", "data": "/birds", "images": None, "replaced": None},
    )
    questions = answer_with(monkeypatch, "choose")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/usb/first.zip", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "/birds")
    with qtbot.waitSignal(packing.unpacked, timeout=PATIENCE):
        packing.unpack()
    assert questions == ["Where are its images?"]
    assert asked[1][asked[1].index("--data") + 1] == "/birds"


@pytest.mark.parametrize(("answer", "option"), [("replace", ["--replace"]), ("both", ["--name", "second"])])
def test_a_run_that_was_trained_here_meanwhile_is_not_lost_unasked(
    packing: RunPacking, engine: Engine, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, answer: str, option: list[str]
) -> None:
    asked = engine(
        {"event": "failed", "code": "run.has_more", "message": "It was trained here.", "path": "/runs/first"},
        {"event": "unpacked", "path": "/runs/first", "data": "/birds", "images": None, "replaced": None},
    )
    answer_with(monkeypatch, answer)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/usb/first.zip", ""))
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("second", True))
    with qtbot.waitSignal(packing.unpacked, timeout=PATIENCE):
        packing.unpack()
    assert asked[1][4:-1] == option


def test_the_list_of_runs_offers_both(qtbot: QtBot) -> None:
    runs = RunsList(RunsModel())
    qtbot.addWidget(runs)
    menu = runs.more.menu()
    assert menu is not None
    texts = {action.text(): action for action in menu.actions()}
    assert not texts["Pack for another machine…"].isEnabled()  # no run is selected
    with qtbot.waitSignal(runs.unpack_asked, timeout=PATIENCE):
        texts["Take a packed run back…"].trigger()
