"""Benchmark of the map of all peaks: time to paint it while it moves (a sample of the points), and at rest (all).

python benchmarks/window_map.py [--points 1000000]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from interleaved import machine
from s3n_gui.parts.atlas_map.part_colours import part_colours

from s3n_gui.parts.atlas_map.map_canvas import MOST_MOVING
from s3n_gui.parts.atlas_map.point_image import Window, paint_points

PARTS, REPEATS = 12, 15
SIZES = ((900, 560), (1400, 900))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--points", type=int, default=1_000_000)
    count = parser.parse_args().points
    generator = np.random.default_rng(0)
    points = generator.normal(size=(count, 2)).astype(np.float32)
    groups = generator.integers(0, PARTS, count)
    colours = part_colours(PARTS, dark=False)
    print(machine("cpu"))
    for what, some, quick in (("moving", slice(MOST_MOVING), True), ("at rest", slice(None), False)):
        for size in SIZES:
            window, taken = Window.around(points, size), list[tuple[float, float]]()
            for _ in range(REPEATS):
                began, used = time.perf_counter(), time.process_time()
                paint_points(points[some], groups[some], colours, (255, 255, 255), window, size, quick=quick)
                taken.append((time.perf_counter() - began, time.process_time() - used))
            wall, cpu = 1000 * np.median(np.array(taken), axis=0)
            print(f"{what}, {size[0]} x {size[1]}: {wall:.1f} ms, {cpu:.1f} ms of processor time")


if __name__ == "__main__":
    main()
