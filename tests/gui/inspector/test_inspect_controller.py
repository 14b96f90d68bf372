"""The interplay of session, engine and state, with a fake engine that replies on request, without widgets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from made_inspection import CLASSES, FakeClient, data_set
from pytestqt.qtbot import QtBot

from s3n_core.errors import S3NError
from s3n_core.inspection.settings import InspectionSettings
from s3n_core.server.requests import Subject
from s3n_gui.inspector.controller import InspectionController
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.images.verdicts import Verdict, Verdicts
from s3n_gui.inspector.inspection_state import InspectionState
from s3n_gui.inspector.other_model import OtherModel
from s3n_gui.inspector.peaks.peak_editor import Editor
from s3n_gui.state.session import Session
from s3n_gui.widgets.banner import Banner


class Stage:
    """The page without its widgets."""

    def __init__(self, session: Session, root: Path) -> None:
        self.session, self.client = session, FakeClient()
        self.state, self.verdicts = InspectionState(), Verdicts()
        self.images = ImageList(self.verdicts)
        self.editor = Editor(self.state)
        self.controller = InspectionController(session, self.client, self.state, self.images, self.verdicts)
        self.root = root
        session.model = root / "model.safetensors"
        session.data_set = data_set(root)
        self.controller.activate()

    def path(self, number: int) -> Path:
        return self.root / f"bird {number}.jpg"


@pytest.fixture
def stage(session: Session, tmp_path: Path) -> Stage:
    return Stage(session, tmp_path)


def test_nothing_starts_before_the_page_is_shown(session: Session, tmp_path: Path) -> None:
    client, state, verdicts = FakeClient(), InspectionState(), Verdicts()
    InspectionController(session, client, state, ImageList(verdicts), verdicts)
    session.model, session.image = tmp_path / "m.safetensors", tmp_path / "a.jpg"
    assert (client.models, client.asked) == ([], [])


def test_the_first_image_is_looked_at(stage: Stage) -> None:
    assert stage.client.models == [stage.root / "model.safetensors"]
    assert stage.client.asked[-1] == Subject(image=stage.path(0), name="bird 0.jpg")
    assert stage.session.image == stage.path(0)
    assert stage.state.busy
    stage.client.answer()
    assert not stage.state.busy
    assert stage.state.answer is stage.state.evidence
    assert stage.verdicts.get(stage.path(0)) is not None


def test_an_image_without_a_prediction_is_no_mistake(stage: Stage) -> None:
    lost = np.full(3, np.nan, dtype=np.float32)
    stage.client.saying["bird 0.jpg"] = {"logits": dict.fromkeys(("joint", "O", "D", "C"), lost)}
    stage.client.answer()
    assert stage.state.answer is not None
    assert stage.verdicts.get(stage.path(0)) is None


def test_where_no_image_has_d_and_c_the_next_disagreement_says_so(stage: Stage) -> None:
    stage.verdicts.take({stage.path(n): Verdict(CLASSES[0], 0.9, True, None) for n in range(6)})
    said = heard(stage.controller)
    stage.controller.step(1, "disagreement")
    assert said == ["No image here has predictions of several branches, so disagreements cannot be found."]


def test_evidence_comes_before_scores(stage: Stage) -> None:
    stage.client.answer()
    stage.editor.flip_peak((10, 20))
    stage.client.resample()
    assert stage.state.scores_stale
    assert stage.state.evidence is not None
    assert stage.state.evidence.warps.peaks[0].set == "C"
    stage.client.answer()
    assert not stage.state.scores_stale


def test_replies_about_an_image_that_is_not_shown_are_dropped(stage: Stage) -> None:
    stage.client.answer()
    late = stage.client.asked[-1]
    stage.controller.fetch_class_map(2)
    stage.session.image = stage.path(1)
    stage.client.resample(late)
    stage.client.answered.emit(stage.client.inspection(late), late)
    assert not stage.state.is_current
    stage.client.answer()
    evidence = stage.state.evidence
    assert evidence is not None
    assert evidence.response.name == "bird 1.jpg"
    stage.client.resample(late)
    stage.client.answered.emit(stage.client.inspection(late), late)
    stage.client.send_class_map(2, late)
    stage.client.failed.emit("bird 0.jpg has gone.", late)
    assert stage.state.evidence == stage.state.answer == evidence
    assert stage.state.message == ""
    stage.editor.flip_peak((10, 20))
    stage.client.answer()
    assert stage.state.evidence.response.class_map(2) is None  # nor was it kept for later


def test_replies_about_no_image_are_dropped(stage: Stage) -> None:
    late = stage.client.asked[-1]
    stage.session.image = None
    stage.client.resample(late)
    stage.client.answered.emit(stage.client.inspection(late), late)
    assert stage.state.evidence is None
    assert not stage.state.busy


def test_replies_about_settings_that_are_not_shown_are_dropped(stage: Stage) -> None:
    stage.client.answer()
    stage.editor.flip_peak((10, 20))
    late = stage.client.asked[-1]
    stage.editor.undo_stack.undo()
    stage.client.answered.emit(stage.client.inspection(late), late)
    assert stage.state.busy
    stage.client.answer()
    answer = stage.state.answer
    stage.client.resample(late)
    stage.client.answered.emit(stage.client.inspection(late), late)
    assert stage.state.evidence == stage.state.answer == answer
    assert not stage.state.scores_stale


def test_while_a_peak_is_dragged_earlier_places_are_shown(stage: Stage) -> None:
    stage.client.answer()
    stage.editor.drag_peak((10, 20), (100.0, 90.0))
    earlier = stage.client.asked[-1]
    stage.editor.drag_peak((10, 20), (120.0, 90.0))
    stage.client.resample(earlier)
    assert stage.state.evidence is not None
    assert stage.state.evidence.warps.settings == earlier.settings
    assert stage.state.scores_stale


def test_a_class_map_stays_when_settings_change(stage: Stage) -> None:
    stage.client.answer()
    stage.controller.fetch_class_map(2)
    asked = stage.client.asked[-1]
    stage.editor.flip_peak((10, 20))
    stage.client.send_class_map(2, asked)
    assert stage.state.evidence is not None
    assert stage.state.evidence.response.class_map(2) is not None


class Second:
    """A second model beside the first, active."""

    def __init__(self, root: Path) -> None:
        self.first, self.client, self.root = InspectionState(), FakeClient(), root
        self.model = OtherModel(self.first, lambda: self.client, lambda image: image.name)
        self.first.choose_image(root / "a.jpg")
        self.model.set_active(True)
        self.model.open(root / "other.safetensors", "cpu", "float32")


def test_the_second_model_drops_replies_about_another_image(tmp_path: Path) -> None:
    second = Second(tmp_path)
    second.client.answer()
    late = second.client.asked[-1]
    second.model.fetch_class_map(2)
    second.first.choose_image(tmp_path / "b.jpg")
    second.client.resample(late)
    second.client.answer()
    evidence = second.model.state.evidence
    assert evidence is not None
    assert evidence.response.name == "b.jpg"
    second.client.send_class_map(2, late)
    second.client.answered.emit(second.client.inspection(late), late)
    second.client.failed.emit("a.jpg has gone.", late)
    assert second.model.state.evidence == evidence
    assert second.model.state.message == ""


def test_the_second_model_drops_replies_about_other_settings(tmp_path: Path) -> None:
    second = Second(tmp_path)
    late = second.client.asked[-1]
    second.first.set_numbers(InspectionSettings(delta=1.0))
    second.client.answer()
    answer = second.model.state.answer
    assert answer is not None
    assert answer.response.delta == 1.0
    second.client.resample(late)
    second.client.answered.emit(second.client.inspection(late), late)
    assert second.model.state.evidence == second.model.state.answer == answer


def test_another_model_forgets_everything(stage: Stage) -> None:
    stage.client.answer()
    stage.editor.switch_peak((10, 20))
    stage.session.model = stage.root / "other.safetensors"
    assert stage.state.evidence is None
    assert stage.state.settings == InspectionSettings()
    assert len(stage.verdicts) == 0
    assert stage.client.models[-1].name == "other.safetensors"
    assert stage.client.asked[-1].image == stage.path(0)


def test_a_renamed_run_is_the_same_model_at_another_place(stage: Stage) -> None:
    session, state, before, after = stage.session, stage.state, stage.root / "run-07", stage.root / "narrow"
    session.model = before
    stage.client.answer()
    stage.editor.switch_peak((10, 20))
    stage.client.answer()
    settings, baseline, known = state.settings, state.before, len(stage.verdicts)
    changed: list[None] = []
    stage.controller.model_changed.connect(lambda: changed.append(None))
    session.follow_rename(before, after)
    assert stage.client.models[-2:] == [before, after]
    stage.client.answer()
    assert state.settings == settings != InspectionSettings()
    assert state.before is baseline is not None
    assert len(stage.verdicts) == known > 0
    session.follow_rename(stage.root / "run-08", stage.root / "wide")  # another run
    assert (stage.client.models[-1], changed) == (after, [])
    session.model = stage.root / "other.safetensors"
    assert len(changed) == 1


def test_a_renamed_run_is_the_same_second_model(tmp_path: Path) -> None:
    second = Second(tmp_path)
    second.model.open(tmp_path / "run-07", "cpu", "float32")
    second.client.answer()
    answer = second.model.state.answer
    second.model.follow_rename(tmp_path / "run-07", tmp_path / "narrow", "cpu", "float32")
    assert second.client.models[-1] == second.model.path == tmp_path / "narrow"
    assert second.model.state.answer is answer is not None


def test_a_failure_is_said_and_can_be_tried_again(stage: Stage) -> None:
    stage.client.failed.emit(S3NError("bird 0.jpg cannot be read."), stage.client.asked[-1])
    assert stage.state.message == "bird 0.jpg cannot be read."
    asked = len(stage.client.asked)
    stage.controller.ask_again()
    assert len(stage.client.asked) == asked + 1
    stage.client.answer()
    assert stage.state.message == ""


def test_what_is_wrong_with_an_image_is_said_of_that_image_only(stage: Stage) -> None:
    stage.client.failed.emit(S3NError("bird 0.jpg cannot be read."), stage.client.asked[-1])
    stage.session.image = stage.path(1)
    assert stage.state.message == ""


def test_a_model_that_knows_none_of_the_labels_is_an_error(stage: Stage, qtbot: QtBot) -> None:
    def opened(*classes: str) -> SimpleNamespace:
        return SimpleNamespace(classes=classes, device_name="CPU", precision="float32", device_reason="")

    said: list[str] = []
    stage.session.error_reported.connect(said.append)
    for model in (opened(*CLASSES), opened("Robin", CLASSES[0]), opened("Robin", "Wren")):
        stage.client.model = model  # type: ignore[assignment]
        stage.client.opened.emit(model)
    assert len(said) == 1
    assert said[0].startswith("This model knows none of the 3 classes of these images")


def test_that_the_labels_are_unknown_ends_with_the_model_and_with_the_images(stage: Stage, qtbot: QtBot) -> None:
    stranger = SimpleNamespace(classes=("Robin",), device_name="CPU", precision="float32", device_reason="")
    banner = Banner()
    qtbot.addWidget(banner)
    stage.session.message_reported.connect(banner.show_message)
    stage.session.cause_ended.connect(banner.end)
    stage.client.model = stranger  # type: ignore[assignment]
    stage.client.opened.emit(stranger)
    assert len(banner.messages()) == 1
    robins = replace(stage.session.data_set, classes=("Robin", *CLASSES[1:]))  # type: ignore[type-var]
    stage.session.data_set = robins
    assert banner.messages() == ()
    stage.session.data_set = data_set(stage.root)
    assert len(banner.messages()) == 1
    stage.session.model = stage.root / "other.safetensors"
    assert banner.messages() == ()


def test_without_a_model_the_one_before_is_closed_and_does_not_judge_the_labels(stage: Stage) -> None:
    said: list[str] = []
    stage.session.error_reported.connect(said.append)
    stage.client.model = SimpleNamespace(classes=("Robin",))  # type: ignore[assignment]
    stage.session.model = None  # its run went to the trash
    stage.session.data_set = data_set(stage.root)
    assert said == []
    assert stage.client.model is None


def test_from_image_to_image(stage: Stage, qtbot: QtBot) -> None:
    stage.controller.step(1)
    assert stage.session.image == stage.path(1)
    stage.controller.step(-1)
    with qtbot.waitSignal(stage.controller.notice) as said:
        stage.controller.step(-1)
    assert said.args[0] == "This is the first image."


def test_the_next_mistake_of_a_table_of_predictions(stage: Stage) -> None:
    stage.verdicts.take({stage.path(n): Verdict(CLASSES[0], 0.9, n != 4, n != 2) for n in range(6)})
    stage.controller.step(1, "mistake")
    assert stage.session.image == stage.path(4)
    stage.controller.step(-1, "disagreement")
    assert stage.session.image == stage.path(2)


def test_another_device_opens_the_model_anew_at_once(stage: Stage, qtbot: QtBot) -> None:
    stage.client.answer()
    stage.controller.compute_on("cpu", "float32")
    assert stage.client.opened_on == [("auto", "auto"), ("cpu", "float32")]
    assert stage.client.models[0] == stage.client.models[1]
    stage.controller.compute_on("cpu", "float32")
    assert len(stage.client.models) == 2
    assert stage.state.busy
    stage.client.answer()
    stage.session.model = stage.root / "other.safetensors"
    assert stage.client.opened_on[-1] == ("cpu", "float32")
    with qtbot.waitSignal(stage.controller.device_reported) as reported:
        stage.client.opened.emit(
            SimpleNamespace(device_name="CPU, 2 cores", precision="float32", device_reason="the driver is too old")
        )
    assert reported.args == ["CPU, 2 cores, float32", "the driver is too old"]


def heard(controller: InspectionController) -> list[str]:
    """The notices of all three kinds from now on."""
    said: list[str] = []
    for signal in (controller.notice, controller.model_missing, controller.predictions_missing):
        signal.connect(said.append)
    return said


def know(stage: Stage, *mistakes: int, of: int = 6) -> None:
    """Give the first ``of`` images a verdict; these of them are mistakes."""
    verdicts = {stage.path(n): Verdict("002.Blue_bird", 0.9, n not in mistakes, True) for n in range(of)}
    stage.verdicts.take(verdicts)


def test_the_next_mistake_never_walks_through_images_without_a_prediction(stage: Stage) -> None:
    stage.client.answer()
    said = heard(stage.controller)
    stage.controller.step(1, "mistake")
    assert said == ["No mistake is known after this image; 5 images have no prediction yet."]
    assert stage.session.image == stage.path(0)
    assert len(stage.client.asked) == 1


def test_without_a_model_the_next_mistake_says_what_is_missing(stage: Stage) -> None:
    stage.session.model = None
    stage.session.image = stage.path(2)
    said = heard(stage.controller)
    stage.controller.step(1, "mistake")
    assert len(said) == 1
    assert said[0].startswith("Choose a model first")
    assert stage.session.image == stage.path(2)


def test_at_the_last_mistake_the_image_stays(stage: Stage) -> None:
    know(stage, 1, 3)
    for _ in range(2):
        stage.controller.step(1, "mistake")
    assert stage.session.image == stage.path(3)
    said = heard(stage.controller)
    stage.controller.step(1, "mistake")
    stage.controller.step(1, "mistake")
    assert said == ["No more mistakes after this image; the list has 2."] * 2
    assert stage.session.image == stage.path(3)


def test_the_next_mistake_continues_from_the_image_on_screen(stage: Stage) -> None:
    know(stage, 1, 2, 4)
    stage.images.set_filter("", "mistakes")
    stage.session.image = stage.path(3)  # chosen elsewhere, and not in the filtered list
    stage.controller.step(1, "mistake")
    assert stage.session.image == stage.path(4)
    stage.session.image = stage.path(3)
    stage.controller.step(-1)
    assert stage.session.image == stage.path(2)


def test_images_of_a_complete_table_without_a_verdict_are_not_missing(stage: Stage) -> None:
    know(stage, 1, of=4)
    stage.session.image = stage.path(2)
    said = heard(stage.controller)
    stage.controller.step(1, "mistake", all_known=True)
    assert said == ["No more mistakes after this image; the list has 1."]


def test_changed_settings_are_no_verdict(stage: Stage) -> None:
    stage.editor.set_numbers(InspectionSettings(delta=2.0), "Change delta")
    stage.client.answer()
    assert stage.verdicts.get(stage.path(0)) is None


def test_a_peak_is_dragged_as_one_change(stage: Stage) -> None:
    stage.client.answer()
    for x in (100.0, 120.0, 140.0):
        stage.editor.drag_peak((10, 20), (x, 90.0))
        stage.client.answer()
    stage.editor.drop_peak()
    assert stage.editor.undo_stack.count() == 1
    assert stage.state.evidence is not None
    assert stage.state.evidence.warps.peaks[0].x == pytest.approx(140, abs=6)
    stage.editor.drag_peak((10, 20), (500.0, -50.0))  # clamped to what the network sees
    stage.client.answer()
    assert stage.state.evidence.warps.peaks[0].cell == (0, 30)
    stage.editor.undo_stack.undo()
    stage.editor.undo_stack.undo()
    stage.client.answer()
    assert stage.state.settings == InspectionSettings()


def test_arrow_keys_that_are_faster_than_the_engine_all_count(stage: Stage) -> None:
    stage.client.answer()
    stage.state.select((10, 20))
    for _ in range(3):
        assert stage.editor.nudge_peak(0, -1)
    stage.editor.nudge_peak(2, 0)
    assert stage.state.edits[0].moved_to == (12.0, 17.0)
    stage.client.answer()
    stage.editor.nudge_peak(1, 0)
    assert stage.state.edits[0].moved_to == (13.0, 17.0)
    stage.editor.undo_stack.undo()
    assert stage.state.edits == ()


def test_peaks_of_the_last_image_cannot_be_edited_while_they_are_still_shown(stage: Stage) -> None:
    stage.editor.switch_peak((10, 20))
    assert stage.state.edits == (), "nothing is shown yet"
    stage.controller.step(1)
    stage.client.answer()
    stage.editor.switch_peak((10, 20))
    edited = stage.state.edits
    stage.controller.step(-1)
    stage.client.answer()
    stage.controller.step(1)  # bird 0 is still shown
    stage.state.select((25, 5))
    stage.editor.switch_peak((25, 5))
    stage.editor.flip_peak((25, 5))
    stage.editor.put_peak((25, 5), "both")
    stage.editor.restore_peak((10, 20))
    stage.editor.nudge_peak(1, 0)
    stage.editor.drag_peak((25, 5), (100.0, 90.0))
    stage.editor.reset()
    assert stage.state.edits == edited != ()
    assert stage.editor.undo_stack.count() == 1
    stage.client.answer()
    stage.editor.flip_peak((25, 5))
    assert len(stage.state.edits) == 2


def test_everything_is_put_back_in_one_step(stage: Stage) -> None:
    stage.client.answer()
    stage.editor.set_numbers(InspectionSettings(delta=2.0), "Change delta")
    stage.editor.switch_peak((10, 20))
    stage.editor.reset()
    assert stage.state.settings == InspectionSettings()
    stage.editor.undo_stack.undo()
    assert stage.state.settings.delta == 2.0
    assert stage.state.settings.edits


def test_a_class_map_is_fetched_once_and_stays(stage: Stage) -> None:
    stage.client.answer()
    stage.controller.fetch_class_map(2)
    assert stage.client.maps_asked == [2]
    stage.client.send_class_map(2)
    assert stage.state.evidence is not None
    assert stage.state.evidence.response.class_map(2) is not None
    assert not stage.state.scores_stale
    stage.editor.flip_peak((10, 20))
    stage.client.answer()
    assert stage.state.evidence.response.class_map(2) is not None
    stage.controller.step(1)
    stage.client.answer()
    assert stage.state.evidence.response.class_map(2) is None


def test_one_image_without_a_data_set(session: Session, tmp_path: Path) -> None:
    stage = Stage(session, tmp_path)
    session.data_set = None
    session.image = tmp_path / "lone bird.jpg"
    assert stage.images.rowCount() == 1
    assert stage.client.asked[-1].image.name == "lone bird.jpg"


def test_an_image_from_elsewhere_stays_when_the_same_data_set_is_taken_again(stage: Stage, tmp_path: Path) -> None:
    session, elsewhere = stage.session, tmp_path / "elsewhere" / "bird.jpg"
    session.image = elsewhere
    session.data_set = data_set(stage.root)  # as after a change of its splits
    assert session.image == elsewhere
    session.image = stage.path(5)
    session.data_set = data_set(stage.root, count=5)
    assert session.image == stage.path(0), "an image of the data set that was removed does not stay"
    session.image = elsewhere
    session.data_set = data_set(tmp_path / "others")
    assert session.image == tmp_path / "others" / "bird 0.jpg"


@pytest.mark.parametrize(("opened_after", "shown"), [("birds", "elsewhere/bird.jpg"), ("others", "others/bird 0.jpg")])
def test_an_image_from_elsewhere_stays_when_the_page_is_first_shown_unless_it_was_chosen_beside_other_images(
    session: Session, tmp_path: Path, opened_after: str, shown: str
) -> None:
    state, verdicts = InspectionState(), Verdicts()
    controller = InspectionController(session, FakeClient(), state, ImageList(verdicts), verdicts)
    session.data_set = data_set(tmp_path / "birds")
    session.image = tmp_path / "elsewhere" / "bird.jpg"
    session.data_set = data_set(tmp_path / opened_after)
    controller.activate()
    assert session.image == state.image == tmp_path / shown
