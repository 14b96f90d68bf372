"""Figures 5 and 6 on predictions with known places."""

from dataclasses import replace
from pathlib import Path

from s3n_core.datasets.records import Box, ImageRecord, Part
from s3n_core.reproduce.answers import measured_records
from s3n_core.reproduce.campaign import PEAKS, RESULT, cell_folder
from s3n_core.reproduce.experiments import EXPERIMENTS
from s3n_core.reproduce.peak_figures import (
    Counts,
    counts_of,
    figure_csv,
    figure_markdown,
    figure_plot,
    hit_count,
    nearest_parts,
)
from s3n_core.reproduce.planning import open_materials, plan_campaign
from s3n_core.system.atomic_files import write_json
from s3n_core.training.recipes import find_recipe

RECORD = ImageRecord(
    path=Path("a.jpg"),
    name="a.jpg",
    label=0,
    box=Box(x=10, y=10, width=20, height=20),
    parts=(Part(name="beak", x=12, y=12), Part(name="tail", x=28, y=28)),
)


def test_hits_are_peaks_in_the_box():
    assert hit_count([(10, 10, 1.0), (20, 20, 0.5), (31, 20, 0.4)], RECORD) == 2
    assert hit_count([], RECORD) == 0
    assert hit_count(None, RECORD) == "that cannot be read"
    assert hit_count([(20, 20, 1.0)], ImageRecord(path=Path("b"), name="b", label=0)) == "without a box"


def test_parts_are_those_nearest_to_the_strongest_and_the_weakest_peak():
    assert nearest_parts([(25, 26, 0.4), (13, 20, 1.0), (20, 19, 0.6)], RECORD) == ("beak", "tail")
    assert nearest_parts([(13, 20, 1.0)], RECORD) == "with fewer than two peaks", "one is not stronger than another"
    assert nearest_parts([(1, 1, 1.0), (2, 2, 0.5)], replace(RECORD, parts=())) == "without a visible key point"


def test_images_that_are_left_out_are_counted_and_peaks_are_those_of_the_whole_image(birds, tmp_path):
    experiments = [EXPERIMENTS["figure5"], EXPERIMENTS["figure6"]]
    plan = plan_campaign(experiments, open_materials([birds], tmp_path, 0), find_recipe("quick"), 1)
    (cell,) = plan.cells
    records = measured_records(cell.data)
    folder = cell_folder(tmp_path, cell)
    folder.mkdir(parents=True)
    write_json(folder / RESULT, {})
    peaks = {record.name: [[21.0, 12.0, 1.0], [89.0, 71.0, 0.5]] for record in records[2:]}
    write_json(folder / PEAKS, {"images": {records[0].name: [[21.0, 12.0, 1.0]], **peaks}})
    hits, parts = (counts_of(plan, experiment, tmp_path)[0] for experiment in experiments)
    assert (hits.images, hits.strong, hits.left_out) == (8, {"0": 0, "1": 8}, {"that cannot be read": 1})
    assert (parts.strong, parts.weak) == ({"beak": 7, "tail": 0}, {"beak": 0, "tail": 7})
    assert parts.left_out == {"that cannot be read": 1, "with fewer than two peaks": 1}
    assert "Left out: 1 with fewer than two peaks." in figure_markdown(experiments[1], [parts])


def test_what_is_written():
    hits = Counts("birds", 10, 2, {"0": 1, "1": 9}, {})
    assert "| 1 | 90.0 % |" in figure_markdown(EXPERIMENTS["figure5"], [hits])
    assert figure_csv(EXPERIMENTS["figure5"], [hits]).splitlines()[:2] == [
        "data,hits,images_with,images,seeds",
        "birds,0,1,10,2",
    ]
    parts = Counts("birds", 10, 2, {"beak": 8, "tail": 2}, {"beak": 1, "tail": 9})
    heads, beak, _ = figure_csv(EXPERIMENTS["figure6"], [parts]).splitlines()
    assert (heads, beak) == ("data,part,strongest,weakest,images,seeds", "birds,beak,8,1,10,2")
    assert "| beak | 8 | 1 | +7 |" in figure_markdown(EXPERIMENTS["figure6"], [parts])
    for name, counts in (("figure5", hits), ("figure6", parts)):
        assert figure_plot(EXPERIMENTS[name], [counts])[:4] == b"\x89PNG"
    assert "No finished training" in figure_markdown(EXPERIMENTS["figure6"], [])
