"""The script for Slurm that the documents show: what it does near the time limit, and when the training ends by itself."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or shutil.which("bash") is None, reason="Slurm's scripts need bash"
)

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "cluster.md"
PATIENCE = 60  # seconds until a script counts as hung

# Keeps what it has, after it was asked to stop; a training that ends by itself is not asked.
SRUN = """#!/bin/bash
echo "srun with $SRUN_CPUS_PER_TASK cores: $*" >> "$LOG"
while [ ! -e "$LOG.asked" ] && [ ! -e "$LOG.done" ]; do sleep 0.05; done
sleep 0.3
echo "training has ended" >> "$LOG"
"""

# `runs stop` returns before the training has ended, so that only the script's own waiting keeps the order.
S3N = """#!/bin/bash
echo "s3n $*" >> "$LOG"
if [ "$1 $2" = "runs stop" ]; then touch "$LOG.asked"; fi
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@contextmanager
def running(log: Path) -> Iterator[subprocess.Popen[str]]:
    """The documented script in a session of its own, as soon as its training runs."""
    folder, bin = log.parent, log.parent / "bin"
    bin.mkdir()
    for name, content in (("srun", SRUN), ("s3n", S3N)):
        (bin / name).write_text(content)
        (bin / name).chmod(0o755)
    (script,) = (
        block
        for block in re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
        if "#SBATCH" in block
    )
    (folder / "first.sh").write_text(script)
    slurm = {"NNODES": "1", "JOB_ID": "7", "CPUS_PER_TASK": "32", "SUBMIT_DIR": str(folder)}
    environment = {
        **os.environ,
        "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
        "LOG": str(log),
        **{f"SLURM_{name}": value for name, value in slurm.items()},
    }
    process = subprocess.Popen(
        ["bash", str(folder / "first.sh")],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        until = time.monotonic() + PATIENCE
        while not log.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        assert log.exists(), process.communicate()[0] if process.poll() is not None else "no training was begun"
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # also a training that the script has left behind
        process.wait()


def lines(process: subprocess.Popen[str], log: Path) -> list[str]:
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    return log.read_text().splitlines()


def test_near_the_time_limit_it_stops_waits_and_packs(log: Path) -> None:
    with running(log) as process:
        os.kill(process.pid, signal.SIGTERM)  # to the script alone, as `--signal=B:TERM` does
        training, *rest = lines(process, log)
    assert training.startswith("srun with 32 cores: torchrun --nnodes=1 --nproc-per-node=4 --rdzv-id=7 ")
    assert training.endswith(" -m s3n_core runs resume first")
    assert rest == ["s3n runs stop first", "training has ended", f"s3n pack first --out {log.parent}/first-result.zip"]


def test_a_training_that_ends_by_itself_is_packed(log: Path) -> None:
    with running(log) as process:
        Path(f"{log}.done").touch()
        _, *rest = lines(process, log)
    assert rest == ["training has ended", f"s3n pack first --out {log.parent}/first-result.zip"]
