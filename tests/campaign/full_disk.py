"""A disk that fills up during a training or an export: the program says so in a sentence, loses nothing, and can resume.

    python tests/campaign/full_disk.py --count 20 --seed 0 --out full_disk.json

Needs root on Linux: each case mounts a tmpfs. `checkpoint` and `metrics` fill it at a random batch of a training and leave
room for a random part of a checkpoint, or for nothing. After the error message the disk is freed, the run is resumed, and its
end is compared with that of an undisturbed run. `export` exports images to a disk that is too small, and resumes once it is
freed.
"""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from io import StringIO
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "core" / "training")]

import torch  # noqa: E402
from campaign.cases import count_cases, parser_of, tell  # noqa: E402
from random_model import save_picture, save_random_model  # noqa: E402
from tiny_training import assert_same_training, draw_pictures, prepare, train  # noqa: E402

from s3n_core.cli import main as command_line  # noqa: E402
from s3n_core.errors import OutputError  # noqa: E402
from s3n_core.runs.run_directory import RunDirectory  # noqa: E402
from s3n_core.training import loop  # noqa: E402
from s3n_core.training.events import Event, StepDone  # noqa: E402

CHECKPOINT = 18_000_000  # approximate size of the three files, in bytes


@contextmanager
def small_disk(megabytes: float) -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="s3n-disk-"))
    size = f"size={int(megabytes * 1024)}k"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", str(path)], check=True)
    try:
        yield path
    finally:
        subprocess.run(["umount", "-l", str(path)], check=True)
        path.rmdir()


def fill(disk: Path, spared: int) -> Path:
    """Fill the disk except for ``spared`` bytes."""
    ballast = disk / "ballast"
    with suppress(OSError), open(ballast, "wb", buffering=0) as file:
        while True:
            file.write(bytes(1024))
    with open(ballast, "r+b") as file:
        file.truncate(max(0, ballast.stat().st_size - spared))
    return ballast


def training_case(chance: random.Random, folder: Path, reference: RunDirectory, what: str) -> str:
    """Fill the disk at a random batch of a training run."""
    when = (chance.randrange(3), chance.randrange(1, 5))
    spared = 0 if what == "metrics" else chance.randrange(4096, CHECKPOINT)
    with small_disk(120) as disk:
        run = prepare(disk / "run", folder / "birds", checkpoint_minutes=1e-6)
        ballasts: list[Path] = []

        def during(event: Event) -> None:
            if isinstance(event, StepDone) and (event.epoch, event.batch) == when and not ballasts:
                ballasts.append(fill(disk, spared))

        try:
            train(run, during=during)
        except OutputError as error:
            outcome = "a sentence" if "disk is full" in str(error) else str(error)
        else:
            outcome = "it fitted"
        json_lines = run.metrics_jsonl.read_bytes().split(b"\n")[:-1]
        assert all(json.loads(line) for line in json_lines)
        assert outcome in ("a sentence", "it fitted"), outcome
        if outcome == "a sentence":
            ballasts[0].unlink()
            train(run)
        assert_same_training(run, reference)
        return outcome


def export_case(chance: random.Random, folder: Path) -> str:
    with small_disk(chance.uniform(0.05, 0.6)) as disk:
        arguments = ["export", str(folder / "model.safetensors"), str(folder / "images"), "--out", str(disk / "out")]
        code, said = _command([*arguments, "--device", "cpu", "--workers", "1"])
        if code == 0:
            return "it fitted"
        assert "disk is full" in said, said
        subprocess.run(["mount", "-o", "remount,size=60m", str(disk)], check=True)
        code, said = _command([*arguments, "--device", "cpu", "--workers", "1"])
        assert code == 0, said
        assert len((disk / "out" / "index.csv").read_text(encoding="utf-8").splitlines()) == 5
        assert not list(disk.rglob(".s3n-*"))
        return "a sentence"


def _command(arguments: Sequence[str]) -> tuple[int, str]:
    said = StringIO()
    with redirect_stderr(said), redirect_stdout(said):
        code = command_line(arguments)
    assert "Traceback" not in said.getvalue(), said.getvalue()
    assert "defect" not in said.getvalue(), said.getvalue()
    return code, said.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser_of(__doc__, count=20, what="full disks").parse_args(arguments)
    torch.set_num_threads(1)
    loop.REPORT_SECONDS = 0.0
    chance, folder = random.Random(given.seed), Path(tempfile.mkdtemp(prefix="s3n-full-"))
    draw_pictures(folder / "birds")
    save_random_model(folder / "model.safetensors")
    for number in range(4):
        save_picture(folder / "images" / f"{number}.jpg", number)
    reference = prepare(folder / "reference", folder / "birds", checkpoint_minutes=1e-6)
    train(reference)

    def case(number: int) -> str:
        what = ("checkpoint", "metrics", "export")[number % 3]
        came = export_case(chance, folder) if what == "export" else training_case(chance, folder, reference, what)
        return f"{what}: {came}"

    summary = count_cases(given.count, given.seed, case)
    shutil.rmtree(folder)
    return tell(summary, given.out)


if __name__ == "__main__":
    raise SystemExit(main())
