"""The dialog of backbones and weights: the list, the licence before a download, its progress, and a file of one's own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from made_up_weights import LONG_NAME, made_up_weights
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from s3n_core.method.backbone_sizes import tokens_sentence
from s3n_gui.background.jobs import JobList
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.frame.dialogs.backbones.backbone_table import STRIDE
from s3n_gui.frame.dialogs.backbones.dialog import BackbonesDialog
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.training.panel import TrainPage
from s3n_gui.widgets.question import Question

PATIENCE = 60_000

Engine = Callable[..., list[list[str]]]


@pytest.fixture
def engine(commanded: Engine) -> Engine:
    """Programs in the engine's place that print lines of JSON and end; returns what they were asked."""

    def printing(*lines: dict[str, Any], code: int = 0, waits: bool = False) -> list[list[str]]:
        said = "".join(f"print({json.dumps(line)!r}, flush=True)\n" for line in lines)
        return commanded(f"import sys, time\n{said}{'time.sleep(600)' if waits else f'sys.exit({code})'}\n")

    return printing


@pytest.fixture
def catalogue(jobs: JobList) -> Iterator[WeightCatalogue]:
    catalogue = WeightCatalogue(jobs)
    yield catalogue
    catalogue.close()


def opened(qtbot: QtBot, catalogue: WeightCatalogue, **changes: Any) -> BackbonesDialog:
    dialog = BackbonesDialog(catalogue)
    qtbot.addWidget(dialog)
    catalogue.take(made_up_weights(**changes))
    return dialog


def shown_names(dialog: BackbonesDialog) -> list[str]:
    model = dialog.table.model()
    return [str(model.index(row, 0).data()) for row in range(model.rowCount())]


def answering(monkeypatch: pytest.MonkeyPatch, answer: str) -> list[Question]:
    asked: list[Question] = []

    def ask(question: Question) -> str:
        asked.append(question)
        return answer

    monkeypatch.setattr(Question, "ask", ask)
    return asked


def test_the_list_comes_from_the_engine(qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine) -> None:
    asked = engine(made_up_weights())
    dialog = BackbonesDialog(catalogue)
    qtbot.addWidget(dialog)
    assert dialog.count.text() == "Looking for backbones and weights…"
    dialog.show_backbone("vgg16", 224)
    with qtbot.waitSignal(catalogue.listed, timeout=PATIENCE):
        catalogue.ask()
        catalogue.ask()  # once is enough
    assert [arguments[:3] for arguments in asked] == [["weights", "list", "--all"]]
    assert dialog.count.text() == "6 backbones, 2 with weights on this machine."
    assert dialog.name.text() == "vgg16"


def test_weights_that_were_put_in_place_by_hand_are_found(
    qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine
) -> None:
    dialog = opened(qtbot, catalogue)
    dialog.show_backbone("vgg16", 224)
    assert "are not on this machine" in dialog.words.text()
    dialog.table.choose("resnet50")
    answer = made_up_weights()
    there = [entry | {"size": 1 << 20} if entry["name"] == "vgg16" else entry for entry in answer["weights"]]
    engine(answer | {"weights": there})
    with qtbot.waitSignal(catalogue.listed, timeout=PATIENCE):
        catalogue.ask()
    assert dialog.count.text() == "6 backbones, 3 with weights on this machine."
    assert dialog.name.text() == "resnet50"


def test_a_failure_is_its_sentence(qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine) -> None:
    engine({"event": "failed", "code": "program.error", "message": "There is no room."}, code=1)
    dialog = BackbonesDialog(catalogue)
    qtbot.addWidget(dialog)
    with qtbot.waitSignal(catalogue.listed, timeout=PATIENCE):
        catalogue.ask()
    assert dialog.count.text() == "There is no room."


def test_backbones_are_found_and_sorted(qtbot: QtBot, catalogue: WeightCatalogue) -> None:
    dialog = opened(qtbot, catalogue)
    dialog.search.setText("TIMM next")
    assert shown_names(dialog) == [LONG_NAME, "timm:convnext_tiny.fb_in22k"]
    dialog.here.setChecked(True)
    assert shown_names(dialog) == ["timm:convnext_tiny.fb_in22k"]
    dialog.search.clear()
    assert shown_names(dialog) == ["resnet50", "timm:convnext_tiny.fb_in22k"]
    dialog.here.setChecked(False)
    dialog.table.horizontalHeader().sectionClicked.emit(1)
    dialog.table.sortByColumn(1, dialog.table.horizontalHeader().sortIndicatorOrder())
    sizes = [dialog.table.model().index(row, 1).data() for row in range(6)]
    assert sizes in (
        sorted(sizes, key=lambda t: float(t.split()[0])),
        sorted(sizes, key=lambda t: -float(t.split()[0])),
    )


def test_backbones_are_found_with_every_qt_that_is_allowed(
    qtbot: QtBot, catalogue: WeightCatalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(qtbot, catalogue)
    for name in ("beginFilterChange", "endFilterChange"):  # new in Qt 6.9 and 6.10
        monkeypatch.setattr(type(dialog.table.found), name, None, raising=False)
    dialog.table.choose(LONG_NAME)
    dialog.search.setText("TIMM next")
    assert shown_names(dialog) == [LONG_NAME, "timm:convnext_tiny.fb_in22k"]
    assert dialog.table.chosen is not None
    assert dialog.table.chosen.name == LONG_NAME


def test_without_timm_it_says_how_to_get_it(qtbot: QtBot, catalogue: WeightCatalogue) -> None:
    dialog = BackbonesDialog(catalogue)
    qtbot.addWidget(dialog)
    catalogue.take(made_up_weights() | {"timm": False})
    assert 'pip install "s3n-studio[timm]"' in dialog.count.text()


def test_what_must_be_known_of_a_licence_stands_out(qtbot: QtBot, catalogue: WeightCatalogue) -> None:
    dialog = opened(qtbot, catalogue)
    dialog.table.choose("timm:convnext_tiny.fb_in22k")
    assert "does not allow commercial use" in dialog.words.text()
    assert dialog.words.property("state") == "caution"
    assert dialog.lines["SHA-256"].text() == "3f" * 32
    assert not dialog.fetch.isEnabled()  # the weights are here
    dialog.table.choose(LONG_NAME)
    assert dialog.words.property("state") == ""
    assert dialog.lines["Address"].text().startswith("https://hub.invalid/timm/convnext_large_mlp")
    assert (
        dialog.lines["File"]
        .text()
        .endswith("/checkpoints/timm/convnext_large_mlp.clip_laion2b_augreg_ft_in1k_384.safetensors")
    )


def test_cells_that_are_patch_tokens_are_said(qtbot: QtBot, catalogue: WeightCatalogue) -> None:
    dialog = opened(qtbot, catalogue)
    name = "timm:vit_tiny_patch16_224.augreg_in21k"
    dialog.table.choose(name)
    assert dialog.words.text().endswith(tokens_sentence(name))
    stride = dialog.table.currentIndex().siblingAtColumn(STRIDE)
    assert "vit_tiny_patch16_224 are patch tokens" in stride.data(Qt.ItemDataRole.ToolTipRole)
    dialog.table.choose(LONG_NAME)
    assert "patch tokens" not in dialog.words.text()


def test_nothing_is_downloaded_unasked(
    qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = engine()
    dialog = opened(qtbot, catalogue, licence="cc-by-nc-4.0", sentence="Not for commercial use.")
    dialog.table.choose(LONG_NAME)
    questions = answering(monkeypatch, "cancel")
    dialog.fetch.click()
    assert questions[0].windowTitle() == "Download weights for non-commercial use only?"
    assert asked == []
    assert jobs.jobs() == ()


def test_a_download_is_a_job_of_the_window_and_changes_the_row(
    qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = {
        "event": "fetched",
        "name": LONG_NAME,
        "file": "/weights/large.safetensors",
        "size": 794_000_000,
        "sha256": "ab" * 32,
    }
    asked = engine({"event": "progress", "done": 50, "total": 794, "seconds": 5.0, "resumed": 0}, done)
    dialog = opened(qtbot, catalogue)
    dialog.table.choose(LONG_NAME)
    answering(monkeypatch, "download")
    dialog.fetch.click()
    assert [job.title for job in jobs.active()] == [f"Downloading weights of {LONG_NAME}"]
    assert dialog.fetch.text() == "Stop"
    qtbot.waitUntil(lambda: not catalogue.fetched, timeout=PATIENCE)
    assert asked[0][:3] == ["weights", "fetch", LONG_NAME]
    assert "The weights are on this machine." in dialog.words.text()
    assert dialog.lines["File"].text() == "/weights/large.safetensors"
    assert dialog.lines["SHA-256"].text() == "ab" * 32
    assert not dialog.fetch.isEnabled()


def test_a_failed_download_says_why_and_can_go_on(
    qtbot: QtBot, tmp_path: Path, catalogue: WeightCatalogue, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "large.safetensors"
    message = "https://hub.invalid could not be downloaded (no network)."
    engine({"event": "failed", "code": "model.download_failed", "message": message, "url": "u", "path": "p"}, code=1)
    dialog = opened(qtbot, catalogue, file=str(file))
    dialog.table.choose(LONG_NAME)
    assert dialog.fetch.text() == "Download…"
    answering(monkeypatch, "download")
    Path(f"{file}.part").write_bytes(b"half")
    dialog.fetch.click()
    qtbot.waitUntil(lambda: dialog.words.text() == message, timeout=PATIENCE)
    assert dialog.fetch.text() == "Continue download…"


def test_a_download_can_be_stopped(
    qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine({"event": "progress", "done": 1, "total": 794}, waits=True)
    dialog = opened(qtbot, catalogue)
    dialog.table.choose(LONG_NAME)
    answering(monkeypatch, "download")
    dialog.fetch.click()
    qtbot.waitUntil(lambda: jobs.jobs()[0].fraction is not None, timeout=PATIENCE)
    dialog.fetch.click()
    qtbot.waitUntil(lambda: not catalogue.fetched, timeout=PATIENCE)
    assert jobs.jobs()[0].status == "cancelled"
    assert dialog.fetch.text() == "Download…"


def test_a_file_of_ones_own_is_checked_before_it_is_taken(
    qtbot: QtBot, catalogue: WeightCatalogue, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialog = opened(qtbot, catalogue)
    dialog.show_backbone("vgg16", 448)
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/weights/own.pth", ""))
    asked = engine({"event": "failed", "code": "model.error", "message": "Nothing fits."}, code=1)
    with qtbot.waitSignal(catalogue.checked, timeout=PATIENCE):
        dialog.own.click()
    assert asked[0] == ["weights", "check", "vgg16", "/weights/own.pth", "--size", "448", "--json"]
    assert dialog.words.text() == "Nothing fits."
    taken: list[tuple[str, str]] = []
    dialog.chosen.connect(lambda name, weights: taken.append((name, weights)))
    sentences = ["Part of the file fits vgg16: 4 tensors.", "2 tensors of the backbone are missing in them."]
    engine({"event": "checked", "file": "/weights/own.pth", "fits": False, "sentences": sentences})
    with qtbot.waitSignal(catalogue.checked, timeout=PATIENCE):
        dialog.own.click()
    assert dialog.words.text() == " ".join(sentences)
    assert dialog.own.text() == "Use published weights"
    dialog.use.click()
    assert taken == [("vgg16", "/weights/own.pth")]
    dialog.own.click()  # the published ones again
    dialog.use.click()
    assert taken[-1] == ("vgg16", "imagenet")


def test_the_form_of_a_training_takes_what_is_chosen(
    qtbot: QtBot, window: MainWindow, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine(made_up_weights())
    window.show_page("train")
    page = window.pages.page("train")
    assert isinstance(page, TrainPage)
    page.form.finish()
    page.form.take({"network.backbone": "vgg16", "network.input_size": 448})
    window.dialogs.show_weights()
    dialog = window.dialogs.dialog("weights")
    assert isinstance(dialog, BackbonesDialog)
    assert dialog._size == 448
    dialog.reject()
    page.form.backbones.click()
    dialog = window.dialogs.dialog("weights")
    assert isinstance(dialog, BackbonesDialog)
    qtbot.waitUntil(lambda: dialog.name.text() == "vgg16", timeout=PATIENCE)
    dialog.table.choose("timm:mobilenetv3_small_050")
    window.show_page("start")
    dialog.use.click()
    assert window.pages.current_name == "train"
    choice = page.form.choice
    assert (choice.value("network.backbone"), choice.value("weights")) == ("timm:mobilenetv3_small_050", "none")
    assert not choice.problem
    assert window.dialogs.dialog("weights") is None
