"""A window that is killed at random moments while its training runs: the next window finds the training, and nothing is lost.

    python tests/campaign/window_kills.py --count 10 --seed 0 --out window_kills.json

The real window, without a screen, starts a training and is killed with SIGKILL. The training must continue, and the next window
must find it without help. At the end the last window stops it, and every line of its metrics must be whole.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), *(str(CHECKOUT / "tests" / part) for part in ("gui", "core/training", ""))]

import psutil  # noqa: E402
from campaign.cases import parser_of, tell  # noqa: E402
from test_process_model import SMALL, Window  # noqa: E402
from tiny_training import draw_pictures  # noqa: E402

from s3n_core.runs.run_directory import RunDirectory  # noqa: E402
from s3n_core.system.locks import is_live, read_owner  # noqa: E402

PATIENCE = 300.0


def wait(what: Callable[[], bool], said: str) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > end:
            raise TimeoutError(f"waited in vain for {said}")
        time.sleep(0.05)


def campaign(count: int, chance: random.Random, home: Path) -> dict[str, Any]:
    data, root, began = draw_pictures(home / "birds", "ab", 6), home / "runs", time.monotonic()
    run = RunDirectory(root / "run")
    window = Window(home)
    said: list[str] = []
    try:
        window.wait_for(lambda state: True, "its first word")
        fields = {"data": str(data), "root": str(root), "recipe": "quick", "name": "run", "settings": SMALL}
        window.say("start " + json.dumps({**fields, "device": "cpu", "workers": 1}))
        window.wait_for_training("running")
        for _ in range(count):
            time.sleep(chance.uniform(0, 3))
            owner = read_owner(run.path)
            window.close()  # kills the process
            assert "Traceback" not in window.errors, window.errors[-2000:]
            assert is_live(run.path), "the training has ended with its window"
            assert read_owner(run.path) == owner, "another process trains it"
            state = run.read_state()
            assert state is not None
            before = (state.epoch, state.batch)

            def went_on(before: tuple[int, int] = before) -> bool:
                state = run.read_state()
                return state is not None and (state.epoch, state.batch) != before

            wait(went_on, "the training to go on")
            window = Window(home)
            window.wait_for_training("running")
        window.say("stop")
        wait(lambda: not is_live(run.path), "the training to stop")
        state = run.read_state()
        assert state is not None
        assert state.status == "stopped", state
        lines = [json.loads(line) for line in run.metrics_jsonl.read_bytes().split(b"\n")[:-1]]
        epochs = [line["epoch"] for line in lines if line["kind"] == "epoch"]
        assert epochs == list(range(len(epochs)))
    except Exception as error:
        said.append(f"{type(error).__name__}: {error}")
        owner = read_owner(run.path)
        if owner is not None and owner.is_alive():
            psutil.Process(owner.pid).kill()
    finally:
        window.close()
    return {"kills": count, "seconds": round(time.monotonic() - began), "defects": said}


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser_of(__doc__, count=10, what="kills").parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="s3n-window-kills-"))
    os.environ["S3N_HOME"] = str(home)
    summary = {"seed": given.seed, **campaign(given.count, random.Random(given.seed), home)}
    shutil.rmtree(home, ignore_errors=True)
    return tell(summary, given.out)


if __name__ == "__main__":
    raise SystemExit(main())
