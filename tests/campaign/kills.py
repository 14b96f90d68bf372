"""Trainings that are killed at random moments and resumed, compared at the end with one that was never killed.

    python tests/campaign/kills.py --kind trainer --count 100 --seed 0 --out kills.json

Kinds: `trainer` (the process of `s3n runs resume`), `team` (one of two processes that train together, as started by torchrun).
After each kill, every whole line of the metrics is JSON, the epochs are consecutive, the newest checkpoint can be read, nobody
holds the run, and every message is a sentence. When a run has finished, its metrics, weights and snapshots are those of an
undisturbed run, bit for bit (for a team, whose sums are rounded in another order, losses agree to 1e-4).

The processes are forks of this one, which has already loaded torch, so a kill takes one second instead of ten.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "core" / "training")]

os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # `join_team` sets it, too late for a fork
import torch  # noqa: E402
from campaign.cases import parser_of, tell  # noqa: E402
from tiny_training import assert_same_training, draw_pictures, epoch_lines, prepare  # noqa: E402

from s3n_core.cli import main as command_line  # noqa: E402
from s3n_core.runs.metrics_reading import MetricsReader  # noqa: E402
from s3n_core.runs.run_directory import RunDirectory, is_live  # noqa: E402
from s3n_core.training.checkpoints import load_newest  # noqa: E402

PATIENCE = 300.0  # seconds until a process that has not ended counts as hung
EVERY_BATCH = 1e-6  # minutes between two checkpoints
SETTINGS: dict[str, Any] = {"checkpoint_minutes": EVERY_BATCH, "network__batch_norm": "frozen"}


class Life:
    """One or two processes that train a run, from start to end."""

    def __init__(self, run: RunDirectory, members: int, said: Path) -> None:
        port = _free_port()
        self.began = time.monotonic()
        self.said = said
        self.pids = [self._fork(run, rank, members, port) for rank in range(members)]
        self.codes: dict[int, int] = {}

    def ended(self) -> bool:
        for pid in self.pids:
            if pid not in self.codes:
                done, status = os.waitpid(pid, os.WNOHANG)
                if done:
                    self.codes[pid] = os.waitstatus_to_exitcode(status)
        return len(self.codes) == len(self.pids)

    def wait(self, seconds: float) -> bool:
        """Wait for the end; return whether it came in time."""
        end = time.monotonic() + seconds
        while not self.ended():
            if time.monotonic() > end:
                return False
            time.sleep(0.005)
        return True

    def _fork(self, run: RunDirectory, rank: int, members: int, port: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 99
        try:
            os.setsid()
            out = os.open(self.said, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(out, 2)
            if members > 1:
                os.environ |= {
                    "RANK": str(rank),
                    "LOCAL_RANK": str(rank),
                    "WORLD_SIZE": str(members),
                    "MASTER_ADDR": "127.0.0.1",
                    "MASTER_PORT": str(port),
                }
            code = command_line(["runs", "resume", str(run.path), "--workers", "1", "--json"])
        finally:
            os._exit(code)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check_after_a_kill(run: RunDirectory) -> None:
    """Check that nothing is lost and no process holds the run."""
    assert not is_live(run.path), "the run is still held"
    data = run.metrics_jsonl.read_bytes() if run.metrics_jsonl.exists() else b""
    lines = [json.loads(line) for line in data.split(b"\n")[:-1]]
    assert MetricsReader(run.metrics_jsonl).poll().lines == lines
    epochs = [line["epoch"] for line in lines if line["kind"] == "epoch"]
    assert epochs == list(range(len(epochs))), f"the epochs do not follow one another: {epochs}"
    found = load_newest(run)
    if found is not None:
        name, _, _, place = found
        assert place.metrics_offset <= len(data), "the checkpoint remembers more metrics than there are"
        assert run.read_pointer("last") is not None or list(run.checkpoints.glob("*.json")) == [
            run.checkpoints / f"{name}.json"
        ]


def check_what_was_said(said: Path) -> None:
    text = said.read_text(errors="replace") if said.exists() else ""
    assert "Traceback" not in text, text[-2000:]
    assert "defect" not in text, text[-2000:]


def check_the_end(run: RunDirectory, reference: RunDirectory, members: int) -> None:
    if members == 1:
        assert_same_training(run, reference)
        return
    mine, theirs = epoch_lines(run), epoch_lines(reference)
    assert [line["epoch"] for line in mine] == [line["epoch"] for line in theirs]
    for line, other in zip(mine, theirs, strict=True):
        assert abs(line["loss"] - other["loss"]) <= 1e-4 * other["loss"], (line["loss"], other["loss"])
        assert line["images"] == other["images"]


def campaign(count: int, seed: int, members: int, folder: Path) -> dict[str, Any]:
    chance = random.Random(seed)
    data = draw_pictures(folder / "birds")
    reference = prepare(folder / "reference", data, **SETTINGS)
    said = folder / "said.txt"
    life = Life(reference, 1, said)
    assert life.wait(PATIENCE), "the undisturbed training hangs"
    assert set(life.codes.values()) == {0}, said.read_text()
    whole = time.monotonic() - life.began
    outcome: Counter[str] = Counter()
    defects: list[str] = []
    steps: Counter[int] = Counter()
    kills, runs, lives, began = 0, 0, 0, time.monotonic()
    run = prepare(folder / "run-0", data, **SETTINGS)
    while kills < count or _unfinished(run):
        lives += 1
        life = Life(run, members, said)
        last = kills >= count
        done = life.wait(PATIENCE if last else chance.uniform(0.02, 0.7) * whole)
        try:
            if not done:
                assert not last, "it hangs"
                victim = chance.choice(life.pids)
                if victim in life.codes:
                    raise AssertionError(f"a process ended by itself with {life.codes[victim]}")
                os.kill(victim, signal.SIGKILL)
                kills += 1
                assert life.wait(PATIENCE), "the others do not end"
                outcome["killed"] += 1
                if members > 1:
                    others = [code for pid, code in life.codes.items() if pid != victim]
                    assert all(code != 70 for code in others), f"the others ended with {others}"
                check_after_a_kill(run)
                steps[_step(run)] += 1
            else:
                # A run killed after its last checkpoint but before its final status counts as finished when resumed.
                found_finished = set(life.codes.values()) == {1} and "is finished" in said.read_text()
                assert found_finished or set(life.codes.values()) == {0}, f"ended with {sorted(life.codes.values())}"
                said.unlink(missing_ok=True)
                check_the_end(run, reference, members)
                outcome["ended as if never killed" + (", found finished" if found_finished else "")] += 1
            check_what_was_said(said)
        except Exception as error:
            defects.append(f"life {lives}: {type(error).__name__}: {error}")
            for pid in life.pids:
                if pid not in life.codes:
                    os.kill(pid, signal.SIGKILL)
            life.wait(30)
            shutil.copytree(run.path, folder / f"defect-{lives}", dirs_exist_ok=True)
            said.unlink(missing_ok=True)
            done = True
        if done and kills < count:
            runs += 1
            run = prepare(folder / f"run-{runs}", data, **SETTINGS)
        print(f"\r{kills} kills, {dict(outcome)}, {len(defects)} defects", end="", file=sys.stderr, flush=True)
        if len(defects) >= 10:
            break
    print(file=sys.stderr)
    return {
        "kills": kills,
        "seed": seed,
        "processes": members,
        "lives": lives,
        "runs": runs + 1,
        "outcomes": dict(outcome),
        "updates done when killed": {str(step): steps[step] for step in sorted(steps)},
        "seconds": round(time.monotonic() - began),
        "seconds of an undisturbed training": round(whole, 1),
        "defects": defects,
    }


def _unfinished(run: RunDirectory) -> bool:
    state = run.read_state()
    return state is None or state.status != "finished"


def _step(run: RunDirectory) -> int:
    found = load_newest(run)
    return 0 if found is None else found[3].step


def main(arguments: Sequence[str] | None = None) -> int:
    parser = parser_of(__doc__, count=100, what="kills")
    parser.add_argument("--kind", choices=["trainer", "team"], default="trainer")
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)  # threads do not survive a fork
    folder = Path(tempfile.mkdtemp(prefix="s3n-kills-"))
    os.environ["S3N_HOME"] = str(folder)
    summary = campaign(given.count, given.seed, 2 if given.kind == "team" else 1, folder)
    if not summary["defects"]:
        shutil.rmtree(folder)
    return tell(summary, given.out)


if __name__ == "__main__":
    raise SystemExit(main())
