"""`s3n faithfulness` as a user calls it."""

import pytest
from command_line import Command
from small_training import TrainedRun


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


@pytest.mark.usefixtures("run")
def test_an_empty_choice_is_refused(s3n: Command, trained_run: TrainedRun) -> None:
    (image, *_) = sorted((trained_run.data / "images").rglob("*.jpg"))
    assert "at least two images" in s3n("faithfulness", "birds-1", image).sentence
    assert s3n("faithfulness", "birds-1", trained_run.data, "--images", 1).code == 2
