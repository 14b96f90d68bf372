"""Time several pieces of work against each other in one run: taken in turns, so that a busy machine slows all alike."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping

import torch


def medians(works: Mapping[str, Callable[[], object]], *, repeats: int, warm_up: int = 2) -> dict[str, float]:
    """Return the median seconds of each piece of work over ``repeats`` rounds in which every piece has its turn."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for number in range(warm_up + repeats):
        for name, work in works.items():
            _wait()
            start = time.perf_counter()
            work()
            _wait()
            if number >= warm_up:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds) for name, seconds in times.items()}


def report(title: str, seconds: Mapping[str, float], over: str) -> None:
    """Print each median and its ratio to the one named ``over``."""
    print(title)
    for name, value in seconds.items():
        print(f"  {name:<46} {value * 1e3:9.2f} ms   ratio {value / seconds[over]:.3f}")


def machine(device: str) -> str:
    """Name what was measured on."""
    if device == "cuda":
        return f"{torch.cuda.get_device_name()}, torch {torch.__version__}"
    return f"CPU, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
