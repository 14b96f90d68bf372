"""Damaged run folders and settings files: reading them gives a value or a clear error.

    python tests/campaign/mutated_runs.py --count 200 --seed 0 --out mutated_runs.json

Each case damages one file of a small run (its bytes, or in JSON a value) or of the window's settings, and does what the
list, the window and resuming do with it. The window's files are read without a window.
"""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests")]

from campaign.guarded import main  # noqa: E402
from campaign.mutations import mutated  # noqa: E402

from s3n_core.errors import S3NError  # noqa: E402
from s3n_core.runs.control import OrderReader  # noqa: E402
from s3n_core.runs.following import RunFollower  # noqa: E402
from s3n_core.runs.run_directory import RunDirectory  # noqa: E402
from s3n_core.runs.run_list import list_runs  # noqa: E402

_RUN = "S3N_CAMPAIGN_RUN"
_JUNK: tuple[Any, ...] = (None, True, -1, 10**30, 1.5, "", "x" * 5000, "../..", "\ud800", [], {}, [[]], {"a": []})
_WINDOW_FILES = {
    "settings.json": {"version": 1, "values": {"theme": "dark", "font_factor": 1.2, "idle_minutes": 9, "x": 1}},
    "recent.json": {"version": 1, "items": [{"kind": "data", "path": "/tmp", "detail": "3 images", "opened": 1.0}]},
    "places.json": {"version": 1, "geometry": "AAAA", "splitters": {"a": [1, 2]}},
}


@cache
def small_run() -> Path:
    """A run of one epoch with every kind of file that a run has; created once for all child processes."""
    if _RUN in os.environ:
        return Path(os.environ[_RUN])
    sys.path.append(str(CHECKOUT / "tests" / "core" / "training"))
    from tiny_training import draw_pictures, prepare, train

    from s3n_core.system.locks import Owner

    folder = Path(tempfile.mkdtemp(prefix="s3n-small-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    run = prepare(folder / "run", draw_pictures(folder / "birds", "ab", 3), epochs=1, validation=0, probes=1)
    train(run)
    owner = Owner.this_process()
    (run.path / "owner.json").write_text(
        json.dumps({"session": "a", "pid": 1, "process_created": 1.0, "host": owner.host})
    )
    run.control_json.write_text(json.dumps({"id": "a", "order": "stop", "session": "a", "sent": 1.0}))
    return run.path


def _linked(source: str, target: str) -> None:
    """Hard-link a file, or copy it if the target is on another disk."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def mutated_run(seed: int, number: int, folder: Path) -> str:
    """Damage one file and open the run or the settings that it belongs to.

    Returns:
        "value" or "sentence".

    Raises:
        Exception: A defect: neither of the two.
    """
    rng = random.Random(f"{seed} {number}")
    if number % 4 == 3:
        return _window_file(rng, folder)
    source = small_run()
    files = sorted(path.relative_to(source) for path in source.rglob("*") if path.is_file() and path.stat().st_size)
    name = files[(number - number // 4) % len(files)]
    # Hard links suffice for the large files; the damaged file is a new one.
    shutil.copytree(source, folder / "run", copy_function=_linked)
    path = folder / "run" / name
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(_damaged(data, rng))
    return _open_run(RunDirectory(folder / "run"), resume=name.parts[0] in ("run.json", "split.csv", "checkpoints"))


def _open_run(run: RunDirectory, *, resume: bool) -> str:
    from s3n_gui.appearance.wording import ago_text

    outcome = "value"
    (summary,) = list_runs(run.path.parent)
    if summary.problem:
        _check_sentence(summary.problem)
        outcome = "sentence"
    change = RunFollower(run.path).poll()
    if change.problem:
        _check_sentence(change.problem)
        outcome = "sentence"
    OrderReader(run.path).poll()
    _show(run, change.metrics)
    ago_text(summary.created)
    if resume:
        from s3n_core.training.changed_data import require_same_data
        from s3n_core.training.checkpoints import load_newest
        from s3n_core.training.preparing import read_plan

        try:
            plan = read_plan(run)
            assert plan.network.num_classes == len(plan.classes)
            load_newest(run)
            require_same_data(run, True)
        except S3NError as error:
            _check_sentence(str(error))
            outcome = "sentence"
    return outcome


def _show(run: RunDirectory, lines: list[dict[str, Any]]) -> None:
    """Process the data as the window's Train page does."""
    from s3n_gui.training.curves.metric_series import MetricSeries, block_of
    from s3n_gui.training.sentences import sayings
    from s3n_gui.training.snapshot_store import read_probes

    series = MetricSeries()
    series.add(block_of(lines))
    for name in series.names():
        series.epoch_values(name)
    sayings(series, None, "stopped")
    read_probes(run.snapshots, 0)


def _window_file(rng: random.Random, folder: Path) -> str:
    from s3n_gui.state.recent import RecentList
    from s3n_gui.state.settings import Settings
    from s3n_gui.state.window_layout import WindowLayout

    name = rng.choice(list(_WINDOW_FILES))
    path = folder / name
    path.write_bytes(_damaged(json.dumps(_WINDOW_FILES[name]).encode(), rng))
    if name == "settings.json":
        settings = Settings(path)
        assert settings.theme in ("system", "light", "dark")
        assert 0.5 < settings.font_factor < 2
        assert settings.runs_root is not None
        return "sentence" if settings.notice else "value"
    if name == "recent.json":
        for item in RecentList(path).items("data"):
            assert item.exists in (True, False)
    else:
        WindowLayout(path)
    return "value"


def _damaged(data: bytes, rng: random.Random) -> bytes:
    if rng.random() < 0.5:
        return mutated(data, os.urandom(64), rng)[1]
    try:
        value = json.loads(data)
    except ValueError:
        return mutated(data, b"\x00" * 64, rng)[1]
    return json.dumps(_with_junk(value, rng)).encode("utf-8", "surrogatepass")


def _with_junk(value: Any, rng: random.Random) -> Any:
    """Replace or remove something in a JSON value."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        if rng.random() < 0.2:
            return {other: item for other, item in value.items() if other != key}
        return {**value, key: _with_junk(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        place = rng.randrange(len(value))
        return [*value[:place], _with_junk(value[place], rng), *value[place + 1 :]]
    return rng.choice(_JUNK)


def _check_sentence(text: str) -> None:
    assert text.strip(), "an empty sentence"
    assert "Traceback" not in text, text
    assert "\n" not in text, text


if __name__ == "__main__":
    os.environ[_RUN] = str(small_run())
    raise SystemExit(main(__file__, mutated_run, default_count=200, memory=16 << 30, seconds=300))
