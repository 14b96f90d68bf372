"""Figures 5 and 6 on predictions with known places."""

from pathlib import Path

from s3n_core.datasets.records import Box, ImageRecord, Part
from s3n_core.prediction.rows import Prediction
from s3n_core.reproduce.experiments import EXPERIMENTS
from s3n_core.reproduce.peak_figures import Counts, figure_csv, figure_markdown, figure_plot, hit_count, nearest_parts

RECORD = ImageRecord(
    path=Path("a.jpg"),
    name="a.jpg",
    label=0,
    box=Box(x=10, y=10, width=20, height=20),
    parts=(Part(name="beak", x=12, y=12), Part(name="tail", x=28, y=28)),
)


def row(*peaks: tuple[float, float, float], error: str = "") -> Prediction:
    places = tuple((x, y, response, 1.0, 0.0) for x, y, response in peaks)
    return Prediction(
        file="a.jpg", peak_places=places, peaks=len(places), mode="all", precision="float32", model="0", error=error
    )


def test_hits_are_peaks_in_the_box():
    assert hit_count(row((10, 10, 1.0), (20, 20, 0.5), (31, 20, 0.4)), RECORD) == 2
    assert hit_count(row(), RECORD) == 0
    assert hit_count(row((20, 20, 1.0), error="unreadable"), RECORD) is None
    assert hit_count(row((20, 20, 1.0)), ImageRecord(path=Path("b"), name="b", label=0)) is None


def test_parts_are_those_nearest_to_the_strongest_and_the_weakest_peak():
    assert nearest_parts(row((25, 26, 0.4), (13, 20, 1.0), (20, 19, 0.6)), RECORD) == ("beak", "tail")
    assert nearest_parts(row((13, 20, 1.0)), RECORD) is None, "one peak is not stronger than another"
    assert nearest_parts(row((1, 1, 1.0), (2, 2, 0.5)), ImageRecord(path=Path("b"), name="b", label=0)) is None


def test_what_is_written():
    hits = Counts("birds", 10, 2, {"0": 1, "1": 9}, {})
    assert "| 1 | 90.0 % |" in figure_markdown(EXPERIMENTS["figure5"], [hits])
    assert figure_csv([hits]).splitlines()[1] == "birds,0,1,,10,2"
    parts = Counts("birds", 10, 2, {"beak": 8, "tail": 2}, {"beak": 1, "tail": 9})
    assert "| beak | 8 | 1 | +7 |" in figure_markdown(EXPERIMENTS["figure6"], [parts])
    for name, counts in (("figure5", hits), ("figure6", parts)):
        assert figure_plot(EXPERIMENTS[name], [counts])[:4] == b"\x89PNG"
    assert "No finished training" in figure_markdown(EXPERIMENTS["figure6"], [])
