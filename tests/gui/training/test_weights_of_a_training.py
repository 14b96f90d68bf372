"""The licence beside the choice of weights, and a training whose weights are not here: asked, downloaded, then begun."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from made_up_weights import LONG_NAME, made_up_weights
from PySide6.QtWidgets import QComboBox, QLabel
from pytestqt.qtbot import QtBot
from safetensors.torch import save_file
from tiny_models import tiny_header, tiny_network

from s3n_core.datasets.detection import open_data_set
from s3n_core.errors import WeightsMissing
from s3n_core.method.backbone_sizes import tokens_sentence
from s3n_core.models.model_files import save_model
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState
from s3n_core.system.resources import resource
from s3n_gui.background import training_job
from s3n_gui.background.jobs import JobList
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.state.messages import Message
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.training.panel import TrainPage
from s3n_gui.widgets.question import Question

PATIENCE = 60_000

MISSING = WeightsMissing(
    "The pretrained weights of mobilenet_v2 are not on this machine.",
    path=Path("/weights/mobilenet_v2.pth"),
    backbone="mobilenet_v2",
    url="https://hub.invalid/mobilenet_v2.pth",
    size=14_000_000,
    licence="unknown",
    sentence="torchvision gives no licence for them.",
)
FETCHED = {
    "event": "fetched",
    "name": "mobilenet_v2",
    "file": str(MISSING.path),
    "size": 14_000_000,
    "sha256": "ab" * 32,
}

Commanded = Callable[..., list[list[str]]]


def program(*lines: dict[str, Any], code: int = 0, waits: bool = False) -> str:
    said = "".join(f"print({json.dumps(line)!r}, flush=True)\n" for line in lines)
    return f"import sys, time\n{said}{'time.sleep(600)' if waits else f'sys.exit({code})'}\n"


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What trainings were asked to do; each process says that its weights are missing, and ends."""
    asked = list[list[str]]()

    def command(*arguments: str, prefix: object = ()) -> list[str]:
        asked.append(list(arguments))
        return [sys.executable, "-c", program({"event": "failed", **MISSING.to_dict()}, code=1)]

    monkeypatch.setattr(training_job, "engine_command", command)
    return asked


@pytest.fixture
def questions(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, list[str]]]:
    """Titles, words and answers of the questions that were asked; the first is answered with "download", others are cancelled."""
    asked = list[tuple[str, str, list[str]]]()

    def ask(question: Question) -> str:
        words = "\n".join(label.text() for label in question.findChildren(QLabel)).replace("\u200b", "")
        asked.append((question.windowTitle(), words, list(question.buttons)))
        return "download" if len(asked) == 1 else "cancel"

    monkeypatch.setattr(Question, "ask", ask)
    return asked


@pytest.fixture
def ready(train_page: TrainPage, session: Session, qtbot: QtBot) -> TrainPage:
    """The page with a data set that can be trained on."""
    session.data_set = open_data_set(resource("demo/images"))
    train_page.form.finish()
    qtbot.waitUntil(train_page.form.start.isEnabled, timeout=PATIENCE)
    return train_page


def test_the_licence_stands_below_the_backbone(train_page: TrainPage) -> None:
    form = train_page.form
    form.finish()
    assert form.licence.text() == "Licence of weights: unknown"
    assert "torchvision gives no licence" in form.licence.toolTip()
    assert form.licence.property("state") == ""
    form.take({"weights": "none"})
    assert form.licence.text() == ""


def test_cells_that_are_patch_tokens_are_said_below_the_backbone(train_page: TrainPage) -> None:
    form = train_page.form
    form.finish()
    assert form.cells.isHidden()
    name = "timm:vit_tiny_patch16_224.augreg_in21k"
    form.take({"network.backbone": name})
    assert form.cells.text() == tokens_sentence(name)
    assert not form.cells.isHidden()
    form.take({"network.backbone": LONG_NAME})
    assert form.cells.isHidden()


def test_a_long_backbone_is_cut_at_its_end(train_page: TrainPage) -> None:
    form = train_page.form
    form.finish()
    for name in ("mobilenet_v2", LONG_NAME):
        form.take({"network.backbone": name})
        field = form.rows["network.backbone"].control
        assert isinstance(field, QComboBox)
        assert field.currentText() == name
        assert field.lineEdit().cursorPosition() == 0


def test_the_engine_knows_the_licence_of_a_network_of_timm(
    train_page: TrainPage, qtbot: QtBot, commanded: Commanded
) -> None:
    name = "timm:convnext_tiny.fb_in22k"
    entry = next(entry for entry in made_up_weights()["weights"] if entry["name"] == name)
    asked = commanded(program({"event": "weights", "timm": True, "weights": [entry | {"size": None}]}))
    form = train_page.form
    form.finish()
    form.take({"network.backbone": name})
    assert form.licence.text() == ""
    qtbot.waitUntil(lambda: bool(form.licence.text()), timeout=PATIENCE)
    assert form.licence.text() == "Licence of weights: cc-by-nc-4.0 (no commercial use), to be downloaded"
    assert form.licence.property("state") == "caution"
    assert form.licence.toolTip() == entry["sentence"]
    form.take({"network.backbone": "resnet18"})
    form.take({"network.backbone": name})
    assert form.licence.text().startswith("Licence of weights: cc-by-nc-4.0")
    assert [arguments[:3] for arguments in asked] == [["weights", "list", name]], "it is asked once"


def test_an_unknown_name_is_asked_for_once(train_page: TrainPage, qtbot: QtBot, commanded: Commanded) -> None:
    failed = {"event": "failed", "code": "model.error", "message": "timm has no network nonsense."}
    asked = commanded(program(failed, code=1))
    train_page.form.finish()
    with qtbot.waitSignal(train_page.licence._catalogue.looked, timeout=PATIENCE):
        train_page.form.take({"network.backbone": "timm:nonsense"})
    train_page.form.take({"network.backbone": "timm:nonsense"})
    assert len(asked) == 1
    assert train_page.form.licence.text() == ""


def test_nothing_is_asked_before_the_form_is_shown(
    themed: object, session: Session, settings: Settings, jobs: JobList, qtbot: QtBot, commanded: Commanded
) -> None:
    from s3n_gui.state.live_runs import LiveRuns

    asked = commanded(program({"event": "weights", "timm": True, "weights": []}))
    live, weights = LiveRuns(settings, jobs), WeightCatalogue(jobs)
    page = TrainPage(session, settings, jobs, live, weights)
    qtbot.addWidget(page)
    page.form.finish()
    page.form.take({"network.backbone": "timm:convnext_tiny.fb_in22k"})
    assert asked == []
    with qtbot.waitSignal(weights.looked, timeout=PATIENCE):
        page.show()
    assert len(asked) == 1
    page.shut_down()
    weights.close()
    live.close()


def test_a_model_passes_the_licence_of_its_weights_on(train_page: TrainPage, tmp_path: Path) -> None:
    form = train_page.form
    form.finish()
    plain = tmp_path / "plain.safetensors"
    save_file({"weight": torch.zeros(1)}, plain)
    form.take({"weights": str(plain)})
    assert form.licence.text() == "Licence of weights: unknown"
    assert "plain.safetensors" in form.licence.toolTip()
    origin = {"architecture": "convnextv2_atto", "tag": "fcmae", "licence": "cc-by-nc-4.0"}
    header, model = tiny_header(origin=origin), tmp_path / "model.safetensors"
    save_model(model, tiny_network(header.network), header)
    form.take({"weights": str(model)})
    assert form.licence.text() == "Licence of weights: cc-by-nc-4.0 (no commercial use)"
    assert "convnextv2_atto.fcmae" in form.licence.toolTip()
    header = tiny_header(origin={"architecture": "mobilenet_v2"})  # of random weights
    save_model(tmp_path / "own.safetensors", tiny_network(header.network), header)
    form.take({"weights": str(tmp_path / "own.safetensors")})
    assert form.licence.text() == ""


def test_a_home_of_nobody_is_no_defect_while_a_path_is_typed(train_page: TrainPage) -> None:
    form = train_page.form
    form.finish()
    form.take({"weights": "~nobody-of-this-name/own.pth"})
    assert form.licence.text() == "Licence of weights: unknown"


def test_a_training_without_its_weights_asks_downloads_them_and_begins(
    ready: TrainPage,
    qtbot: QtBot,
    jobs: JobList,
    trainings: list[list[str]],
    questions: list[tuple[str, str, list[str]]],
    commanded: Commanded,
) -> None:
    asked = commanded(program({"event": "progress", "done": 7, "total": 14}, FETCHED))
    ready.form.start.click()
    qtbot.waitUntil(lambda: len(trainings) == 2, timeout=PATIENCE)
    title, words, answers = questions[0]
    assert title == "Download weights?"
    for part in ("mobilenet_v2", MISSING.url, str(MISSING.path), "About 14 MB", MISSING.sentence):
        assert part in words
    assert answers == ["cancel", "others", "download"]
    assert [arguments[:3] for arguments in asked] == [["weights", "fetch", "mobilenet_v2"]]
    assert trainings[0] == trainings[1], "the training that was asked for"
    qtbot.waitUntil(lambda: len(questions) == 2, timeout=PATIENCE)  # as in this test they are missing again
    assert jobs.jobs()[0].status == "cancelled"
    assert jobs.jobs()[0].sentence == "The pretrained weights of mobilenet_v2 are not on this machine."
    qtbot.waitUntil(ready.form.start.isEnabled, timeout=PATIENCE)


def test_without_an_answer_nothing_is_downloaded(
    ready: TrainPage,
    qtbot: QtBot,
    trainings: list[list[str]],
    commanded: Commanded,
    monkeypatch: pytest.MonkeyPatch,
    session: Session,
) -> None:
    asked, answers = commanded(program(FETCHED)), ["cancel", "others"]
    monkeypatch.setattr(Question, "ask", lambda _: answers.pop(0))
    reported: list[Message] = []
    session.message_reported.connect(reported.append)
    ready.form.start.click()
    qtbot.waitUntil(lambda: len(answers) == 1, timeout=PATIENCE)
    qtbot.waitUntil(ready.form.start.isEnabled, timeout=PATIENCE)
    ready.form.take({"network.input_size": 128})
    with qtbot.waitSignal(session.backbone_asked, timeout=PATIENCE) as shown:
        ready.form.start.click()
    assert shown.args == ["mobilenet_v2", 128], "a file of one's own is checked for the input of this training"
    assert asked == []
    assert reported == [], "nothing has failed"


def test_a_download_that_fails_begins_nothing_and_says_why(
    ready: TrainPage,
    qtbot: QtBot,
    trainings: list[list[str]],
    questions: list[tuple[str, str, list[str]]],
    commanded: Commanded,
    session: Session,
) -> None:
    failed = {"event": "failed", "code": "model.error", "message": "There is no network."}
    commanded(program(failed, code=1))
    reported: list[Message] = []
    session.message_reported.connect(reported.append)
    ready.form.start.click()
    qtbot.waitUntil(lambda: bool(reported), timeout=PATIENCE)
    assert reported[0].sentence == "The training was not begun. There is no network."
    assert len(trainings) == 1
    qtbot.waitUntil(ready.form.start.isEnabled, timeout=PATIENCE)


def test_while_weights_come_the_form_waits_and_the_download_can_be_stopped(
    ready: TrainPage,
    qtbot: QtBot,
    jobs: JobList,
    trainings: list[list[str]],
    questions: list[tuple[str, str, list[str]]],
    commanded: Commanded,
) -> None:
    commanded(program({"event": "progress", "done": 1, "total": 14}, waits=True))
    ready.form.start.click()
    qtbot.waitUntil(lambda: any(job.fraction for job in jobs.active()), timeout=PATIENCE)
    assert not ready.form.start.isEnabled()
    assert "training begins when they are here" in ready.form.problem.text()
    jobs.active()[0].cancel()
    qtbot.waitUntil(ready.form.start.isEnabled, timeout=PATIENCE)
    assert len(trainings) == 1


def test_weights_that_are_known_to_be_missing_are_asked_for_at_once(
    ready: TrainPage,
    qtbot: QtBot,
    trainings: list[list[str]],
    questions: list[tuple[str, str, list[str]]],
    commanded: Commanded,
) -> None:
    done = FETCHED | {"name": LONG_NAME}
    asked = commanded(program(done))
    ready.licence._catalogue.take(made_up_weights(licence="cc-by-nc-4.0"))
    ready.form.take({"network.backbone": LONG_NAME})
    ready.form.start.click()
    assert questions[0][0] == "Download weights for non-commercial use only?"
    assert trainings == []
    qtbot.waitUntil(lambda: len(trainings) == 1, timeout=PATIENCE)
    assert asked[0][:3] == ["weights", "fetch", LONG_NAME]
    qtbot.waitUntil(ready.form.start.isEnabled, timeout=PATIENCE)


@pytest.mark.parametrize("shown", [True, False])
def test_a_run_that_is_resumed_without_its_weights_goes_on_when_they_are_here(
    train_page: TrainPage,
    qtbot: QtBot,
    settings: Settings,
    session: Session,
    trainings: list[list[str]],
    questions: list[tuple[str, str, list[str]]],
    commanded: Commanded,
    shown: bool,
) -> None:
    run = RunDirectory(Path(shutil.copytree(resource("demo/runs/demo"), settings.runs_root / "begun")))
    run.write_state(RunState(status="stopped", epochs=3))
    controller, reported = train_page.controller, list[Message]()
    session.message_reported.connect(reported.append)
    controller.show_run(run.path)
    qtbot.waitUntil(lambda: controller.machine.can("resume"), timeout=PATIENCE)
    commanded(program(FETCHED))
    if not shown:
        train_page.download.changed.connect(lambda: controller.show_run(None))
    train_page.shown.order("resume")
    qtbot.waitUntil(lambda: len(questions) == (2 if shown else 1), timeout=PATIENCE)
    if shown:
        assert [arguments[:3] for arguments in trainings] == [["runs", "resume", "begun"]] * 2
        assert trainings[0] == trainings[1]
        assert reported == []
    else:
        qtbot.waitUntil(lambda: bool(reported), timeout=PATIENCE)
        assert reported[0].sentence == "The weights of begun are here; resume it to train."
        assert len(trainings) == 1
