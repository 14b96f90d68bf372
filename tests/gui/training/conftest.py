"""The Train page in the test's own home."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "core"))


@pytest.fixture(autouse=True)
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limit training runs of tests to one core."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.fixture
def train_page(themed, session, settings, jobs) -> Iterator[object]:
    from s3n_gui.background.weight_catalogue import WeightCatalogue
    from s3n_gui.state.live_runs import LiveRuns
    from s3n_gui.training.panel import TrainPage

    trainings = LiveRuns(settings, jobs)
    weights = WeightCatalogue(jobs)
    page = TrainPage(session, settings, jobs, trainings, weights)
    page.resize(1200, 620)
    page.show()
    page.charts.finish()
    yield page
    page.shut_down()
    weights.close()
    jobs.close()
    trainings.close()
    page.close()
    page.deleteLater()
    trainings.deleteLater()
