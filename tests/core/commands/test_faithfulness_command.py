"""`s3n faithfulness` as a user calls it."""

from pathlib import Path

import pytest
from command_line import Command
from known_birds import KnownScene, write_known_birds
from small_training import TrainedRun

from s3n_core.models.model_files import load_model, save_model


@pytest.mark.usefixtures("run")
def test_it_measures_some_images_of_a_data_set(s3n: Command, trained_run: TrainedRun) -> None:
    outcome = s3n("faithfulness", "birds-1", trained_run.data, "--images", 2, "--device", "cpu", "--json")
    assert outcome.code == 0
    last = outcome.events[-1]
    assert last["event"] == "faithfulness"
    assert (last["split"], last["images"], last["total"], last["on_box"]) == ("test", 2, 12, 2)
    groups = last["groups"]
    assert sum(group["images"] for group in groups.values()) == 2
    found = [group for group in groups.values() if group["images"]]
    for group in found:
        measures = [(row["fill"], row["measure"]) for row in group["measures"]]
        assert measures == [
            (fill, measure)
            for fill in ("blur", "other image")
            for measure in ("insertion AUC", "deletion AUC", "RD@5 %", "RD@10 %")
        ]
        assert all(row["interval_95"] is None for row in group["measures"])
        assert all(0 <= row["value"] <= 1 for row in group["measures"] if "AUC" in row["measure"])


def test_the_licence_of_the_weights_is_told(
    s3n: Command, s3n_home: Path, model: Path, trained_run: TrainedRun, truth: Path, tmp_path: Path
) -> None:
    network, header = load_model(model)
    path, origin = tmp_path / "begun.safetensors", {"file": "theirs.pth", "licence": "cc-by-nc-4.0"}
    begun = header.network.model_copy(update={"origin": origin})
    save_model(path, network, header.model_copy(update={"network": begun}))
    sentence = "The model began with the weights theirs.pth, whose licence cc-by-nc-4.0 does not allow commercial use."
    for arguments in ((trained_run.data, "--images", 2), (truth,)):
        outcome = s3n("faithfulness", path, *arguments, "--device", "cpu", "--json")
        assert outcome.code == 0, outcome
        assert outcome.events[-1]["licence"] == sentence
        assert sentence in outcome.err
    free = s3n("faithfulness", model, trained_run.data, "--images", 2, "--device", "cpu", "--json")
    assert "licence" not in free.events[-1]


@pytest.mark.usefixtures("run")
def test_an_empty_choice_is_refused(s3n: Command, trained_run: TrainedRun) -> None:
    (image, *_) = sorted((trained_run.data / "images").rglob("*.jpg"))
    assert "at least two images" in s3n("faithfulness", "birds-1", image).sentence
    assert s3n("faithfulness", "birds-1", trained_run.data, "--images", 1).code == 2


@pytest.fixture
def truth(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("s3n_core.parts.truth.intervened_scene.Scene", KnownScene)
    write_known_birds(tmp_path / "truth", [0, 5, 20])
    return tmp_path / "truth"


@pytest.mark.usefixtures("run")
def test_a_folder_with_interventions_is_measured_by_them(s3n: Command, truth: Path) -> None:
    outcome = s3n("faithfulness", "birds-1", truth, "--device", "cpu", "--json", "--check")
    assert outcome.code == 1
    last, failed = outcome.events[-2:]
    assert (last["event"], last["images"], last["total"], last["unknown_species"]) == ("interventions", 2, 3, 1)
    kinds = [row["kind"] for row in last["attributions"]]
    assert kinds.count("contributions") == 4
    assert kinds.count("control") == 3
    assert kinds.count("ceiling") == 1
    assert kinds.count("random heads") == kinds.count("random network") == 6  # --check needs them
    for row in last["attributions"]:
        assert row["fitted"]["pc"]["images"] == 1
        assert row["funnybirds"]["pc"]["images"] == 2
    of = {row["name"]: row for row in last["attributions"] if row["kind"] == "contributions"}
    placed, unwarped = of["all branches placed"], of["all branches unwarped"]
    for gain, read in (("sd", lambda row: row["sd"]), ("completeness", lambda row: row["fitted"]["completeness"])):
        values = [read(row)["value"] for row in (placed, unwarped)]
        measured = last["gain_of_placing"][gain]["value"]
        assert measured == (None if None in values else pytest.approx(values[0] - values[1]))
    assert last["premise_confirmed"] == {"images": 0, "of": 0}
    assert len(last["by_image"]) == 2
    missed = [goal["goal"] for goal in last["goals"] if not goal["met"]]
    assert any("--shuffled" in goal for goal in missed)
    assert "TS (contrastivity)" in missed  # the first twelve species have no classes for it
    assert (failed["event"], failed["code"]) == ("failed", "program.error")
    assert f"{len(missed)} of 17 goals are missed" in failed["message"]


@pytest.mark.usefixtures("run")
def test_interventions_as_text(s3n: Command, truth: Path, trained_run: TrainedRun) -> None:
    outcome = s3n("faithfulness", "birds-1", trained_run.data, "--interventions", truth, "--device", "cpu")
    assert outcome.code == 0
    assert "2 of 3 images with interventions were measured, of the 12 species that the model knows." in outcome.out
    assert "Target sensitivity (TS) cannot be measured" in outcome.out
    for name in ("O positive (Grad-CAM)", "all branches placed", "ceiling", "half map"):
        assert name in outcome.out
    assert "random heads" not in outcome.out
    assert "missed" not in outcome.out
    sane = s3n("faithfulness", "birds-1", truth, "--device", "cpu", "--shuffled", "birds-1")
    assert sane.code == 0
    assert all(f"{kind}: R" in sane.out for kind in ("random heads", "random network", "shuffled labels"))


@pytest.mark.usefixtures("run")
def test_options_that_do_not_go_together(s3n: Command, truth: Path, trained_run: TrainedRun) -> None:
    for arguments, said in (
        ((truth, "--split", "test"), "--split needs --patches"),
        ((truth, "--format", "images"), "--format needs --patches"),
        ((truth, "--workers", 1), "--workers needs --patches"),
        ((truth, "--patches", "--interventions", truth), "one of --patches and --interventions"),
        ((trained_run.data, "--sanity"), "does not have"),
        ((truth, "--patches", "--check"), "need interventions"),
        ((trained_run.data, "--shuffled", "birds-1"), "need interventions"),
    ):
        outcome = s3n("faithfulness", "birds-1", *arguments)
        assert outcome.code == 2
        assert said in outcome.err
    assert "has no interventions" in s3n("faithfulness", "birds-1", truth, "--interventions", trained_run.data).sentence
