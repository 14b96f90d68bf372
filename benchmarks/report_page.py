"""Benchmark of reports: size and time per image, and writing a page with 2,000 images.

    python benchmarks/report_page.py MODEL IMAGES [--count 2000]

MODEL is a model file, IMAGES a folder; up to 24 of its images are inspected, and repeated under other names.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import tempfile
import time
from pathlib import Path

from s3n_core.datasets.decoding import read_image
from s3n_core.datasets.opening import open_images
from s3n_core.export.report.report_image import part_bytes
from s3n_core.export.report.report_page import ReportHead, write_report
from s3n_core.inspection.inspector import Inspector
from s3n_core.models.opening import open_model

_LOOKED = 24


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("images", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    asked = parser.parse_args()
    model = open_model(asked.model, device="cpu")
    inspector = Inspector(model)
    parts, times = [], []
    records = open_images(asked.images).records
    for record in records[:: max(1, len(records) // _LOOKED)][:_LOOKED]:
        inspection = inspector.inspect(inspector.prepare(read_image(record.path), record.name))
        began = time.process_time()
        parts.append(part_bytes(inspection, None))
        times.append(time.process_time() - began)
    print(
        f"a part: {statistics.mean(map(len, parts)) / 1e3:.1f} kB, {1e3 * statistics.median(times):.0f} ms of processor time"
    )
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number in range(asked.count):
            first, second, _ = parts[number % len(parts)].split(b"\n")
            summary = json.loads(first) | {"name": f"folder/image-{number:05d}.jpg"}
            files.append(Path(folder, f"{number}.part"))
            files[-1].write_bytes(json.dumps(summary).encode() + b"\n" + second + b"\n")
        head = ReportHead(
            data="folder", model="model", made_with="", classes=model.classes, palette="viridis", opacity=0.65
        )
        page = Path(folder, "report.html")
        write_report(page, [], head)  # loads what is cached
        before, began = _memory(), time.perf_counter()
        write_report(page, files, head)
        seconds = time.perf_counter() - began
        print(f"{asked.count} images: {page.stat().st_size / 1e6:.1f} MB, written in {seconds:.1f} s")
        print(f"memory grew by {_memory() - before:.0f} MB")


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
