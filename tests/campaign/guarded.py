"""Running of cases in a child process that may hang, crash or exhaust its memory, and counting of outcomes."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from campaign.cases import parser_of, tell

Case = Callable[[int, int, Path], str]
"""(seed, number, an empty folder) -> the outcome in a word or two. An exception counts as a defect."""

_SECONDS = 60.0


def main(script: str, case: Case, default_count: int, memory: int, seconds: float = _SECONDS) -> int:
    """Run the cases of a script by its command line; return 0 if there was no defect.

    Args:
        script: The script's ``__file__``.
        case: Runs one case.
        default_count: Number of cases without ``--count``.
        memory: Address space limit of the child, in bytes.
        seconds: Time limit for one case and for the start of the child; beyond it, the case counts as a hang.
    """
    parser = parser_of(None, count=default_count, what="cases to run")
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        _run_child(case, given.seed, given.child, given.count, memory)
        return 0
    return tell(_run(script, given.seed, given.count, seconds), given.out)


def _run(script: str, seed: int, count: int, seconds: float) -> dict[str, object]:
    outcomes: Counter[str] = Counter()
    defects: list[dict[str, object]] = []
    slowest, memory, begin, done = (0.0, -1), 0, time.monotonic(), 0
    while done < count:
        command = [sys.executable, script, "--seed", str(seed), "--count", str(count), "--child", str(done)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            words: list[str] = []
            reader = threading.Thread(target=lambda pipe=child.stderr, kept=words: kept.extend(pipe))
            reader.start()
            hung = False

            def kill() -> None:
                nonlocal hung
                hung = True
                child.kill()

            watch = threading.Timer(seconds, kill)
            watch.start()
            for line in child.stdout:
                watch.cancel()
                result = json.loads(line)
                outcomes[result["outcome"]] += 1
                slowest = max(slowest, (result["seconds"], done))
                memory = max(memory, result["peak_memory"])
                if result["outcome"] == "defect":
                    defects.append({"case": done, "what": result["what"]})
                done += 1
                watch = threading.Timer(seconds, kill)
                watch.start()
            watch.cancel()
            child.wait()
            reader.join()
        if done < count:  # the child ended during a case
            outcome = "hang" if hung else "crash"
            outcomes[outcome] += 1
            defects.append({"case": done, "what": f"{outcome}, exit code {child.returncode}: {''.join(words)[-2000:]}"})
            done += 1
    return {
        "seed": seed,
        "cases": count,
        "outcomes": dict(outcomes.most_common()),
        "defects": defects,
        "slowest": {"seconds": round(slowest[0], 3), "case": slowest[1]},
        "peak_memory_mib": round(memory / 2**20),
        "seconds": round(time.monotonic() - begin, 1),
    }


def _run_child(case: Case, seed: int, first: int, count: int, memory: int) -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for number in range(first, count):
        begin, what = time.monotonic(), ""
        with tempfile.TemporaryDirectory(prefix="s3n-campaign-") as folder:
            try:
                outcome = case(seed, number, Path(folder))
            except Exception:
                outcome, what = "defect", traceback.format_exc()
        seconds = time.monotonic() - begin
        result = {"outcome": outcome, "what": what, "seconds": seconds, "peak_memory": _peak_memory()}
        print(json.dumps(result), flush=True)


def _peak_memory() -> int:
    if sys.platform == "win32" or not os.path.exists("/proc/self/status"):
        return 0
    status = Path("/proc/self/status").read_text(encoding="ascii", errors="replace")
    return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmHWM"))
