r"""Train named experiments and write their predictions; existing results are kept, so a stopped campaign can be resumed.

    python -m benchmarks.evidence.run --weights FILE --work work --results benchmarks/evidence/answers \
        DATA:EXPERIMENT:SEED [DATA:EXPERIMENT:SEED ...]

Runs are stored in ``work/runs``; interrupted trainings are resumed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import torch

from benchmarks.evidence.experiments import settings
from s3n_core.datasets.detection import open_data_set
from s3n_core.errors import RunFinished
from s3n_core.models.opening import open_model
from s3n_core.reproduce.answers import measured_records, write_answers


def run(data: Path, experiment: str, seed: int, *, weights: Path, work: Path, results: Path, epochs: int) -> None:
    """Train one experiment and write its predictions."""
    name = f"{data.name}-{experiment}-{seed}"
    answers = results / data.name / f"{experiment}-{seed}.csv"
    if answers.exists():
        return
    runs = work / "runs"
    began = time.monotonic()
    if (runs / name).exists():
        command = ["runs", "resume", name, "--runs", str(runs)]
    else:
        fields = settings(experiment, seed=seed, weights=str(weights), epochs=epochs)
        command = [
            "train",
            str(data),
            "--recipe",
            "quick",
            "--name",
            name,
            "--runs",
            str(runs),
            "--device",
            "cpu",
            *fields,
        ]
    done = subprocess.run([sys.executable, "-m", "s3n_core", *command, "--json"], capture_output=True, text=True)
    last = json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}
    if done.returncode and last.get("code") != RunFinished.code:
        print(f"{name}: {done.stderr.strip()[-400:]}", flush=True)
        return
    trained = time.monotonic() - began
    model = open_model(runs / name, device="cpu", precision="float32")
    write_answers(model, measured_records(open_data_set(data)), answers)
    print(f"{name}: trained in {trained:.0f} s, answered in {time.monotonic() - began - trained:.0f} s", flush=True)


def main() -> None:
    """Run the experiments given on the command line, in order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", nargs="+", metavar="DATA:EXPERIMENT:SEED")
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for job in arguments.jobs:
        data, experiment, seed = job.rsplit(":", 2)
        run(
            Path(data), experiment, int(seed),
            weights=arguments.weights, work=arguments.work, results=arguments.results, epochs=arguments.epochs,
        )  # fmt: skip


if __name__ == "__main__":
    main()
