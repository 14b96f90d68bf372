"""Checks and measures a graphics card in at most 12 minutes, and writes one Markdown table.

Run from the checkout: ``python benchmarks/accelerator.py``. Correctness: every equation in float32 against the CPU, a training
that is killed and resumed, one that runs out of memory. Speed: inference and training of ResNet-50 at 448 pixels in three
precisions, compiled and not, over three backbone passes or plain steps; the share of time that a training waits for images, and
its speed beside that from memory; two processes where there are two cards. The images are drawn on the spot; nothing is
downloaded. Each stage has a time of its own; one that takes longer is stopped, and the table says so. ``--device cpu --small``
tries the script itself. The exit status is 1 if something failed, else 2 if a stage was not measured, as for lack of time.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerator_process import Finding, MeasuringProcess, TookTooLong, WorkFailed

from s3n_core.version import __version__

STAGES = ("equations", "kill", "memory", "speed", "waiting", "two-processes", "compiled")
# Names of the stages of one piece, and seconds that they may take; a card is expected to need a fraction of them.
CHECKS = {
    "equations": ("equations", 60.0),
    "kill": ("resume after a kill", 150.0),
    "memory": ("out of memory", 90.0),
    "two-processes": ("two processes", 150.0),
}
IMAGES, SPEED, COMPILED, WAITING = 60.0, 60.0, 150.0, 120.0
LEAST = 15.0
"""Seconds that must be left for a stage to begin."""
SMALL = 10.0
"""How many times these seconds a stage of ``--small`` may take: that runs on any processor."""


class Report:
    """The table, written anew after each stage, so that nothing is lost.

    Args:
        out: The file.
        title: The machine.
        minutes: How long everything may take.

    Attributes:
        failed: Whether a check did not come out as it should, or a stage ended with an error.
        skipped: Whether a stage was not measured.
    """

    def __init__(self, out: Path, title: str, minutes: float) -> None:
        self._out, self._title = out, title
        self._rows: list[Finding] = []
        self._began, self._most = time.monotonic(), 60 * minutes
        self.failed = self.skipped = False

    def stage(
        self, name: str, process: MeasuringProcess, work: Mapping[str, Any], *, seconds: float, is_check: bool = False
    ) -> Any:
        """Run a stage and add its rows; one that fails, takes too long or has no time left becomes a row that says so.

        Args:
            name: What it measures.
            process: Where it runs.
            work: The piece of work.
            seconds: How long it may take; the time left, if that is less.
            is_check: A missed target counts as a failure of the device, not only as a slow one.

        Returns:
            What the piece of work returned; None if it did not.
        """
        seconds = min(seconds, self._most - self._seconds())
        if seconds < LEAST:
            self.skip(name, "no time left")
            return None
        try:
            found = process.do(work, seconds)
        except TookTooLong:
            self.skip(name, f"stopped, because it took longer than {seconds:.0f} s")
            return None
        except WorkFailed as error:
            self.failed = True
            self._add([Finding(name, f"failed: {error}", met=False)])
            return None
        rows = [Finding(**row) for row in (found["rows"] if isinstance(found, dict) else found)]
        self.failed |= is_check and any(row.met is False for row in rows)
        self._add(rows)
        return found

    def skip(self, name: str, why: str) -> None:
        """Add a row that says why a stage was not measured."""
        self.skipped = True
        self._add([Finding(name, f"not measured: {why}")])

    def _add(self, found: list[Finding]) -> None:
        self._rows += found
        for row in found:
            print(f"[{self._seconds():4.0f} s] {row.what}: {row.measured}", flush=True)
        self._out.write_text(self._text(), encoding="utf-8")

    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _text(self) -> str:
        lines = [
            f"# {self._title}",
            "",
            f"S3N Studio {__version__}, `python benchmarks/accelerator.py`, {self._seconds():.0f} s.",
            "",
        ]
        lines += ["| what | measured | target | met |", "|---|---|---|---|"]
        verdicts = {True: "yes", False: "**no**", None: ""}
        lines += [f"| {row.what} | {row.measured} | {row.target} | {verdicts[row.met]} |" for row in self._rows]
        return "\n".join(lines) + "\n"


def main() -> int:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--device", default="cuda", choices=("cuda", "cpu"))
    options.add_argument("--small", action="store_true", help="tiny networks and images: does the script itself work?")
    options.add_argument("--out", type=Path, default=Path("accelerator.md"), help="the table")
    options.add_argument("--minutes", type=float, default=12.0, help="how long it may take")
    options.add_argument("--only", nargs="+", choices=STAGES, default=STAGES, metavar="STAGE", help=", ".join(STAGES))
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="s3n-accelerator-") as folder:
        process = MeasuringProcess(Path(folder), chosen.device, *(["small"] if chosen.small else []))
        try:
            began = time.monotonic()
            machine = process.do({"piece": "machine"}, 60 * chosen.minutes)
            report = Report(chosen.out, machine["title"], chosen.minutes - (time.monotonic() - began) / 60)
            _run(report, process, machine["cases"], chosen.only, SMALL if chosen.small else 1.0)
        except (TookTooLong, WorkFailed) as error:
            sys.exit(str(error) or "The device does not answer.")
        finally:
            process.end()
    print(chosen.out)
    return 1 if report.failed else 2 if report.skipped else 0


def _run(
    report: Report,
    process: MeasuringProcess,
    cases: list[tuple[str, dict[str, Any]]],
    only: Sequence[str],
    patience: float,
) -> None:
    images = {"kill", "memory", "two-processes", "waiting"} & set(only)
    if images and report.stage("images", process, {"piece": "images"}, seconds=IMAGES * patience) is None:
        only = [stage for stage in only if stage not in images]
    for stage, (name, seconds) in CHECKS.items():
        if stage in only:
            report.stage(name, process, {"piece": stage}, seconds=seconds * patience, is_check=True)
    trained: list[dict[str, Any]] = []
    for name, case in cases if "speed" in only else ():
        if not case["compiled"]:
            work = {"piece": "speed", "case": case}
            found = report.stage(name, process, work, seconds=SPEED * patience)
            trained += [found["speed"]] if found is not None and case["job"] != "inference" else []
    if "waiting" in only and not trained:
        report.skip("waiting for images", "no speed of a training to compare with; measure the stage speed, too")
    elif "waiting" in only:
        best = min(trained, key=lambda speed: speed["seconds"] / speed["case"]["batch"])
        work = {"piece": "waiting", "speed": best}
        report.stage("waiting for images", process, work, seconds=WAITING * patience)
    for name, case in cases if "compiled" in only else ():
        if case["compiled"]:
            report.stage(name, process, {"piece": "speed", "case": case}, seconds=COMPILED * patience)


if __name__ == "__main__":
    sys.exit(main())
