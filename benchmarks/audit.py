"""Benchmark of `s3n audit`: speed per image, and scaling of the near-duplicate search with the number of images.

Run with ``python benchmarks/audit.py [--images 2000] [--hashes 100000]``; it creates its images in the temporary folder
and removes them. CPU time is reported in addition to wall-clock time, which depends on other load on the machine.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(CHECKOUT))

from s3n_core.datasets.audit.checks import audit  # noqa: E402
from s3n_core.datasets.audit.name_findings import name_findings  # noqa: E402
from s3n_core.datasets.audit.near_duplicates import HASH_BYTES, near_groups, picture_hash  # noqa: E402
from s3n_core.datasets.decoding import read_image  # noqa: E402
from s3n_core.datasets.detection import open_data_set  # noqa: E402
from s3n_core.datasets.records import DataSet, ImageRecord  # noqa: E402


def timed(what: str, work: Callable[[], object], items: int) -> None:
    clock, processor = time.perf_counter(), time.process_time()
    work()
    clock, processor = time.perf_counter() - clock, time.process_time() - processor
    print(f"{what}: {clock:.2f} s ({items / clock:,.0f} a second), {processor:.2f} s of processor", flush=True)


def make_photographs(root: Path, count: int) -> None:
    """Write distinct JPEG files of 500 x 375 pixels with smooth and fine structure."""
    rng = np.random.default_rng(0)
    for number in range(count):
        noise = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)
        soft = np.asarray(Image.fromarray(noise).resize((500, 375), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = rng.integers(-12, 13, (375, 500, 1), dtype=np.int16)
        path = root / "train" / f"class {number % 20:02}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((soft + grain).clip(0, 255).astype(np.uint8)).save(path, quality=90)


def measure_images(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="s3n-audit-") as scratch:
        make_photographs(Path(scratch), count)
        data_set = open_data_set(Path(scratch))
        paths = [record.path for record in data_set.records]
        audit(data_set, decode=False)  # warms the file cache
        timed(f"{count} images: decoding alone, one thread", lambda: [read_image(path) for path in paths], count)
        decoded = [read_image(path) for path in paths[:200]]
        timed("200 hashes of decoded pictures", lambda: [picture_hash(image) for image in decoded], 200)
        timed(f"{count} images: audit, one thread", lambda: audit(data_set, workers=0), count)
        timed(f"{count} images: audit, as it is", lambda: audit(data_set), count)
        timed(f"{count} images: audit --no-decode", lambda: audit(data_set, decode=False), count)


def measure_hashes(most: int) -> None:
    rng = np.random.default_rng(1)
    for count in sorted({most // 100, most // 10, most}):
        hashes = [rng.bytes(HASH_BYTES) for _ in range(count)]
        timed(f"{count:,} unlike hashes", lambda hashes=hashes: near_groups(hashes), count)
    first = np.unpackbits(np.frombuffer(rng.bytes(HASH_BYTES), np.uint8))
    flips = rng.random((most, first.size)) < 12 / first.size
    frames = [row.tobytes() for row in np.packbits(first ^ flips, axis=1)]
    timed(f"{most:,} hashes that are all near one another", lambda: near_groups(frames), most)


def measure_names(count: int) -> None:
    records = tuple(
        ImageRecord(path=Path(name), name=name, label=i % 200, split="test" if i % 5 == 0 else "train")
        for i, name in enumerate(f"{i % 200:03}.Bird_{i % 200}/Bird_{i % 200}_{i:06}.jpg" for i in range(count))
    )
    classes = tuple(f"{i:03}.Bird_{i}" for i in range(200))
    data_set = DataSet(root=Path("."), format="class-folders", classes=classes, records=records)
    timed(f"{count:,} names of 200 classes", lambda: name_findings(data_set), count)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--hashes", type=int, default=100_000)
    given = parser.parse_args()
    measure_images(given.images)
    measure_hashes(given.hashes)
    measure_names(given.hashes)
