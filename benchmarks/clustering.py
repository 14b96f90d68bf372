"""Benchmark of grouping the descriptors of an atlas: time and memory for drawn descriptors in a file, float16.

python benchmarks/clustering.py [--places 1000000] [--channels 96] [--parts 24]
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

from s3n_core.parts.atlas.atlas_files import descriptor_reader
from s3n_core.parts.atlas.clustering import fit_clusters, suggest_parts

CLASSES = 200


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--places", type=int, default=1_000_000)
    parser.add_argument("--channels", type=int, default=96)
    parser.add_argument("--parts", type=int, default=24)
    chosen = parser.parse_args()
    count, channels, parts = chosen.places, chosen.channels, chosen.parts
    generator = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "descriptors.npy"
        stored = open_memmap(path, mode="w+", dtype=np.float16, shape=(count, channels))
        centres = generator.normal(size=(parts, channels))
        for start in range(0, count, 50_000):
            end = min(start + 50_000, count)
            drawn = centres[generator.integers(0, parts, end - start)]
            drawn = drawn + 0.8 * generator.normal(size=drawn.shape)
            stored[start:end] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
        stored.flush()
        del stored
        predicted = generator.integers(0, CLASSES, count).astype(np.int32)
        means = (0.01 * generator.normal(size=(CLASSES, channels))).astype(np.float32)
        read = descriptor_reader(np.load(path, mmap_mode="r"), predicted, means)  # as the default compares them
        process = psutil.Process()
        print(machine("cpu"))
        for what, work in (
            ("grouping", lambda: fit_clusters(read, count, parts)),
            ("suggesting a number", lambda: suggest_parts(read, count)),
        ):
            began, used = time.perf_counter(), time.process_time()
            work()
            wall, cpu = time.perf_counter() - began, time.process_time() - used
            # Pages of the file that is mapped count as shared, so they are left out.
            memory = process.memory_info()
            private = (memory.rss - getattr(memory, "shared", 0)) / 1e6
            print(f"{what}: {wall:.1f} s, {cpu:.1f} s of processor time, {private:.0f} MB of memory")


if __name__ == "__main__":
    main()
