"""Benchmark of finding the places that look most like a place: time of one search, memory, and recall against brute force.

python benchmarks/neighbours.py [--places 1000000] [--channels 96] [--atlas DIR]

Without --atlas, descriptors are drawn: parts with a spread of their own in a few directions, and noise in all. With it, recall is
that of the atlas's own descriptors.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import psutil
from interleaved import machine
from numpy.lib.format import open_memmap

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import DESCRIPTORS, descriptor_reader, open_array
from s3n_core.parts.atlas.neighbours import found_share, index_of

PARTS, WITHIN = 24, 40  # parts, and the directions in which members of a part differ
SEARCHES = 50


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--places", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=96)
    parser.add_argument("--atlas", type=Path)
    chosen = parser.parse_args()
    print(machine("cpu"))
    with TemporaryDirectory() as folder:
        if chosen.atlas is not None:
            atlas = Atlas(chosen.atlas)
            means = open_array(atlas.path, "class_means.npy") if atlas.header.centred else None
            read = descriptor_reader(open_array(atlas.path, DESCRIPTORS), np.asarray(atlas.places["predicted"]), means)
            count = len(atlas.places)
        else:
            count = chosen.places
            path = Path(folder) / DESCRIPTORS
            draw(path, count, chosen.channels)
            read = descriptor_reader(np.load(path, mmap_mode="r"), np.zeros(count, dtype=np.int32), None)
        began = time.perf_counter()
        index = index_of(Path(folder), read, count, centred=False)
        print(f"projections of {count} descriptors: {time.perf_counter() - began:.1f} s")
        generator, seconds = np.random.default_rng(1), list[tuple[float, float]]()
        for row in generator.integers(0, count, SEARCHES + 5).tolist():
            began, used = time.perf_counter(), time.process_time()
            index.nearest(read(np.array([row]))[0])
            seconds.append((time.perf_counter() - began, time.process_time() - used))
        walls, cpu = np.array(seconds[5:]).T * 1000  # the first searches fill the cache of pages
        print(
            f"one search: median {np.median(walls):.0f} ms, 90 % within {np.quantile(walls, 0.9):.0f} ms, "
            f"{np.median(cpu):.0f} ms of processor time"
        )
        memory = psutil.Process().memory_info()
        print(f"memory: {(memory.rss - getattr(memory, 'shared', 0)) / 1e6:.0f} MB beside the mapped files")
        print(f"recall@20: {found_share(index, read, count, queries=50):.3f}")


def draw(path: Path, count: int, channels: int) -> None:
    """Write drawn descriptors, L2-normalised float16 (count, channels)."""
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(PARTS, channels))
    spread = generator.normal(size=(PARTS, WITHIN, channels)) / np.sqrt(channels)
    stored = open_memmap(path, mode="w+", dtype=np.float16, shape=(count, channels))
    for start in range(0, count, 50_000):
        end = min(start + 50_000, count)
        part = generator.integers(0, PARTS, end - start)
        drawn = centres[part] + 0.1 * generator.normal(size=(end - start, channels))
        weights = generator.normal(size=(end - start, WITHIN)) * np.linspace(3, 0.3, WITHIN)
        for one in range(PARTS):
            of_part = part == one
            drawn[of_part] += weights[of_part] @ spread[one]
        stored[start:end] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    stored.flush()


if __name__ == "__main__":
    main()
