"""Prediction tables on the Inspect page: the Predict page's own, or chosen by the user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from made_inspection import CLASSES, FakeClient, data_set
from pytestqt.qtbot import QtBot

from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import read_json_table, write_table
from s3n_gui.inspector.images.image_list import VERDICT_ROLE, ImageList, disagrees, is_mistake
from s3n_gui.inspector.images.known_predictions import KnownPredictions
from s3n_gui.inspector.images.verdicts import Verdict, Verdicts
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

ALL = tuple(f"bird {number}.jpg" for number in range(6))


def table(path: Path, *, model: str = "abc", names: tuple[str, ...] = ALL[:2]) -> Path:
    """A table whose first image is predicted wrongly, and on whose second image the branches disagree."""
    header = PredictionHeader(
        model=model, mode="expected", precision="float32", classes=CLASSES, images="", count=len(names)
    )
    rows = [
        Prediction(
            file=name, class_name=CLASSES[0], probability=0.9, correct=number != 0,
            branches=(("O", CLASSES[0]), ("D", CLASSES[1 if number == 1 else 0])),
            mode="expected", precision="float32", model=model,
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    write_table(path, header, rows)
    return path


class Setting:
    def __init__(self, session: Session, settings: Settings, root: Path) -> None:
        self.session, self.client, self.verdicts = session, FakeClient(), Verdicts()
        self.images = ImageList(self.verdicts)
        self.images.set_data_set(data_set(root))
        self.known = KnownPredictions(session, settings, self.client, self.images, self.verdicts)

    def verdict(self, name: str) -> Verdict | None:
        return self.verdicts.get(self.images.paths()[name])

    def open(self, digest: str) -> None:
        self.client.model = SimpleNamespace(digest=digest)  # type: ignore[assignment]
        self.client.opened.emit(self.client.model)


@pytest.fixture
def setting(session: Session, settings: Settings, tmp_path: Path) -> Iterator[Setting]:
    made = Setting(session, settings, tmp_path)
    yield made
    made.known.close()


def test_the_table_of_the_page_predict_is_taken_by_itself(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.open("abc")
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = table(tmp_path / "t.json")
    assert is_mistake(setting.verdict("bird 0.jpg"))
    assert disagrees(setting.verdict("bird 1.jpg"))
    assert setting.verdict("bird 2.jpg") is None


def test_only_a_table_with_a_row_of_every_image_is_one_of_all(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.open("abc")
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = table(tmp_path / "some.json")
    assert not setting.known.of_all
    whole = table(tmp_path / "all.json", names=ALL)
    header, rows = read_json_table(whole)
    *read, last = rows
    write_table(whole, header, [*read, replace(last, class_name=None, error="The file is empty.")])
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = whole
    assert setting.known.of_all
    assert setting.verdict(ALL[-1]) is None
    setting.images.set_selection(elsewhere := ImageSelection("4 images", tmp_path / "others", ("a.jpg", "b.jpg")))
    setting.session.selection = elsewhere
    assert not setting.known.of_all
    setting.images.set_selection(elsewhere := ImageSelection("1 image", tmp_path / "others", ALL[:1]))
    setting.session.selection = elsewhere
    assert not setting.known.of_all, "the image of that name is another one"
    assert setting.images.index(0).data(VERDICT_ROLE) is None
    setting.images.set_selection(None)
    setting.session.selection = None
    assert setting.known.of_all


def test_each_table_that_is_opened_is_taken(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.open("abc")
    for path in (
        table(tmp_path / "test.json", names=ALL[:4]),
        table(tmp_path / "validation.json", names=ALL[4:]),  # fewer images than are known already
        table(tmp_path / "corrected.json", names=tuple(reversed(ALL[:4]))),
    ):
        with qtbot.waitSignal(setting.known.notice):
            setting.known.read(path)
    assert [name for name in ALL if is_mistake(setting.verdict(name))] == ["bird 3.jpg", "bird 4.jpg"]


def test_where_only_o_was_asked_nothing_is_known_of_the_branches(
    setting: Setting, qtbot: QtBot, tmp_path: Path
) -> None:
    setting.open("abc")
    path = table(tmp_path / "fast.json")
    header, rows = read_json_table(path)
    write_table(path, header, [replace(row, branches=row.branches[:1], agreement=None) for row in rows])
    with qtbot.waitSignal(setting.known.notice):
        setting.known.read(path)
    verdict = setting.verdict("bird 1.jpg")
    assert verdict is not None
    assert verdict.agrees is None
    assert not disagrees(verdict)


def test_a_table_waits_for_its_model(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.session.predictions = table(tmp_path / "t.json")
    with qtbot.waitSignal(setting.known._reader.read):
        pass
    assert len(setting.verdicts) == 0
    setting.open("abc")
    assert len(setting.verdicts) == 2
    setting.verdicts.clear()
    setting.open("abc")  # reopened, after another device was chosen
    assert len(setting.verdicts) == 2


def test_a_table_of_another_model_says_nothing(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.open("def")
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = table(tmp_path / "t.json")
    assert not setting.known.of_all
    assert len(setting.verdicts) == 0
    with qtbot.waitSignal(setting.known.failed) as said:
        setting.known.read(tmp_path / "t.json")
    assert "another model" in said.args[0]


def test_a_table_taken_before_the_model_is_open_is_dropped_if_it_is_of_another(
    setting: Setting, qtbot: QtBot, tmp_path: Path
) -> None:
    with qtbot.waitSignal(setting.known.notice):
        setting.known.read(table(tmp_path / "t.json", names=ALL))
    assert len(setting.verdicts) == 6
    with qtbot.waitSignal(setting.known.failed) as said:
        setting.open("def")
    assert "another model" in said.args[0]
    assert len(setting.verdicts) == 0
    assert not setting.known.of_all
    with qtbot.assertNotEmitted(setting.known.failed):
        setting.open("def")  # said once


def test_a_chosen_table_says_what_it_brought(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.waitSignal(setting.known.notice) as said:
        setting.known.read(table(tmp_path / "t.json"))
    assert said.args[0] == "Predictions for 2 of 6 images are known now."
    with qtbot.waitSignal(setting.known.failed) as said:
        setting.known.read(table(tmp_path / "others.json", names=("elsewhere.jpg",)))
    assert "other images" in said.args[0]
    (tmp_path / "junk.json").write_text("{}")
    with qtbot.waitSignal(setting.known.failed) as said:
        setting.known.read(tmp_path / "junk.json")
    assert "not a table of predictions" in said.args[0]


def test_a_table_laid_out_by_another_program_is_read_too(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    path = table(tmp_path / "t.json")
    path.write_text(json.dumps(json.loads(path.read_text())))
    with qtbot.waitSignal(setting.known.notice) as said:
        setting.known.read(path)
    assert "2 of 6" in said.args[0]


def test_another_model_forgets_the_table(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.open("abc")
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = table(tmp_path / "t.json", names=ALL)
    assert setting.known.of_all
    setting.session.predictions = None
    setting.session.model = tmp_path / "other.safetensors"
    assert not setting.known.of_all
    setting.open("abc")
    assert not setting.known.of_all


def test_the_table_of_a_renamed_run_is_still_known(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.session.model = tmp_path / "run-07"
    setting.open("abc")
    with qtbot.waitSignal(setting.known.notice):
        setting.known.read(table(tmp_path / "t.json", names=ALL))
    setting.session.follow_rename(tmp_path / "run-07", tmp_path / "narrow")
    setting.open("abc")
    assert setting.known.of_all
    setting.session.model = tmp_path / "other.safetensors"
    assert not setting.known.of_all


def test_a_table_kept_of_an_earlier_time_is_found(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.session.model = tmp_path / "model.safetensors"
    setting.session.data_set = data_set(tmp_path)
    kept = PredictionRequest(model=setting.session.model, images=tmp_path).table
    kept.parent.mkdir(parents=True)
    table(kept)
    with qtbot.waitSignal(setting.known._reader.read):
        setting.open("abc")
    assert is_mistake(setting.verdict("bird 0.jpg"))


def test_without_its_table_the_page_reads_no_more_of_it(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    setting.open("abc")
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = table(tmp_path / "t.json")
    with qtbot.waitSignal(setting.known.changed):
        setting.session.predictions = None
    assert not setting.known.of_all
    setting.verdicts.clear()
    setting.session.predictions = tmp_path / "t.json"
    with qtbot.assertNotEmitted(setting.known._reader.read, wait=200):
        setting.session.predictions = None  # before it was read
    setting.open("abc")
    assert len(setting.verdicts) == 0


def test_the_kept_table_of_another_data_set_is_not_taken(setting: Setting, qtbot: QtBot, tmp_path: Path) -> None:
    """Its images have the same names."""
    setting.session.model = tmp_path / "model.safetensors"
    setting.session.data_set = data_set(tmp_path / "a")
    kept = PredictionRequest(model=setting.session.model, images=tmp_path / "a").table
    kept.parent.mkdir(parents=True)
    table(kept)
    setting.open("abc")
    with qtbot.assertNotEmitted(setting.known._reader.read, wait=200):
        setting.session.data_set = data_set(tmp_path / "b")
    assert not setting.known.of_all
