"""Comparing the times of several functions in one run: interleaved, so that other load slows all of them equally."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping

import torch

CASES = ("mobilenet_v2:224:8", "resnet50:448:8")


def parser_of(doc: str | None, *, repeats: int) -> argparse.ArgumentParser:
    """Return the argument parser of a benchmark of whole networks."""
    parser = argparse.ArgumentParser(description=(doc or "").splitlines()[0])
    parser.add_argument("cases", nargs="*", default=list(CASES), metavar="BACKBONE:SIZE:BATCH")
    parser.add_argument("--classes", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--threads", type=int, default=0, help="0: torch's own choice")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--processor-time", action="store_true", help="for a busy machine, with --threads 1 on the CPU")
    return parser


def cases_of(chosen: argparse.Namespace) -> Iterator[tuple[str, int, int]]:
    """Set the number of threads, and yield the backbone, input size and batch size of each case."""
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    for case in chosen.cases:
        backbone, size, batch = case.split(":")
        yield backbone, int(size), int(batch)


def medians(
    works: Mapping[str, Callable[[], object]], *, repeats: int, warm_up: int = 2, processor_time: bool = False
) -> dict[str, float]:
    """Return the median time of each function, in seconds, over ``repeats`` rounds of calling all of them.

    ``processor_time`` counts only the time that this process has computed, not that in which others did.
    """
    clock = time.process_time if processor_time else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(warm_up + repeats):
        for name, work in works.items():
            _wait()
            start = clock()
            work()
            _wait()
            if number >= warm_up:
                times[name].append(clock() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def report(title: str, seconds: Mapping[str, float], over: str) -> None:
    """Print each median and its ratio to that of ``over``."""
    print(title)
    for name, value in seconds.items():
        print(f"  {name:<46} {value * 1e3:9.2f} ms   ratio {value / seconds[over]:.3f}")


def machine(device: str) -> str:
    """Describe the device, threads and torch version."""
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
