"""Benchmark of listing a folder of images: files with an image suffix, with a companion each, and without a suffix.

Run with ``python benchmarks/listing.py [--files 100000] [--repeats 5]``; it creates its files in the temporary folder and
removes them. Processor time is printed beside wall-clock time, which depends on other load on the machine.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from s3n_core.datasets.detection import open_data_set  # noqa: E402

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(64)
FOLDERS = 200


def make(root: Path, count: int, suffixes: tuple[str, ...]) -> None:
    for number in range(count):
        folder = root / f"class {number % FOLDERS:03}"
        if number < FOLDERS:
            folder.mkdir(parents=True)
        for suffix in suffixes:
            (folder / f"image {number:06}{suffix}").write_bytes(JPEG)


def measure(root: Path, repeats: int) -> tuple[float, float, int]:
    clocks, processors, images = [], [], 0
    for _ in range(repeats + 1):  # the first fills the system's memory
        gc.collect()
        clock, processor = time.perf_counter(), time.process_time()
        images = len(open_data_set(root).records)
        clocks.append(time.perf_counter() - clock)
        processors.append(time.process_time() - processor)
    return statistics.median(clocks[1:]), statistics.median(processors[1:]), images


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--repeats", type=int, default=5)
    chosen = parser.parse_args()
    for title, suffixes in {
        "image suffixes": (".jpg",),
        "with a text each": (".jpg", ".txt"),
        "without a suffix": ("",),
    }.items():
        with tempfile.TemporaryDirectory(prefix="s3n-listing-") as scratch:
            make(Path(scratch), chosen.files, suffixes)
            try:
                clock, processor, images = measure(Path(scratch), chosen.repeats)
            except Exception as error:  # an earlier version finds no images without a suffix
                print(f"{title}: {error}", flush=True)
                continue
            print(f"{title}: {images} images, {clock:.2f} s, {processor:.2f} s of processor", flush=True)


if __name__ == "__main__":
    main()
