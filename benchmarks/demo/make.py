r"""Make the demo anew: draw its birds, train its model, and renew everything that shows it.

    python -m benchmarks.demo.make WORK
    python -m benchmarks.demo.make WORK --only pictures --place PLACE

The first command does all steps; what is in the folder WORK already is left alone, so it goes on where it was stopped. The
second takes the pictures of the documents again, after the window has changed. Steps:

- ``draw``: the data set that the model learns from, and the images of the demo.
- ``train``: the original branch alone (12 epochs), then the whole network from there (3 epochs). About an hour on two cores
  that nobody else uses.
- ``store``: the best epoch as a float16 model file.
- ``evaluate``: its accuracy on the test images.
- ``install``: model, images, run and stored inspection in ``resources/demo``; what it was measured to do, here.
- ``atlas``: the parts of the demo's images, which are those that the model has in the test images; with the comparison of the
  most confused pair of species, those of two more, and how steady the parts are. A few minutes.
- ``guide``: the walk of the user guide: what tells the most confused pair of species apart in the test images, how
  steady its parts are, what hiding each part costs each species, and its pictures. The numbers in the guide's text are
  copied by hand. A quarter of an hour.
- ``texts``: what the documents say of the demo (`texts`).
- ``pictures``: the images in ``docs/images``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

from benchmarks.demo.texts import CHECKOUT, MEASURED, read_facts, rewrite_documents
from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import ImageRecord
from s3n_core.inspection.inspector import inspect
from s3n_core.models.model_files import load_model, save_model
from s3n_core.models.opening import open_model
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_copies import make_portable
from s3n_core.parts.comparison.class_pairs import ClassPair, class_pairs
from s3n_core.parts.comparison.comparison import FEWEST
from s3n_core.parts.comparison.stored_comparisons import kept_comparison
from s3n_core.prediction.job import predict
from s3n_core.runs.model_paths import model_file
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.server.codec import InspectionEncoder
from s3n_core.server.messages import write_message

DEMO = CHECKOUT / "resources" / "demo"
PICTURES = CHECKOUT / "docs" / "images"
MOST_BYTES, MOST_ATLAS_BYTES = 10_000_000, 300_000
COMPARED = 3
"""So many pairs of species are compared in the demo's atlas."""
GUIDE_IMAGES = 60
"""So many images are asked how steady the parts are."""
FIRST_WEIGHTS = "demo-first.safetensors"

SHOWN = ("--species", 24, "--train", 1, "--test", FEWEST, "--seed", 2)
"""How the images of the demo are drawn. One test image of every species ships, and all of the most confused pair, which is
as many as a comparison needs."""
DRAWN = ("--species", 24, "--train", 200, "--test", 40, "--seed", 1, "--leave-out", 0.1)
"""How the images that the model learns from and is tested on are drawn."""

FIRST = {
    "weights": "none",
    "network.branches": "O",
    "network.last_stride": 1,
    "network.input_size": 128,
    "network.source_size": 128,
    "resize": "squash",
    "epochs": 12,
    "batch_size": 32,
    "rate_heads": 0.1,
    "rate_warm_up": 1,
    "validation": 0.05,
    "probes": 0,
}
"""The settings of the first training: the original branch alone, from random weights."""

SECOND = {
    "weights": FIRST_WEIGHTS,
    "network.last_stride": 1,
    "network.input_size": 224,
    "network.source_size": 448,
    "network.train_sampling": "random",
    "resize": "squash",
    "epochs": 3,
    "rate_backbone": 0.005,
    "rate_heads": 0.01,
    "validation": 0.05,
}
"""The settings of the second training: the whole network, from the weights of the first."""

SHEET = "003.Rufous_tailed_Willowling"
"""The species whose sheet is shown."""
ANIMATION = ("--images", "1,3", "--width", "640")
SCREENSHOTS = {
    "start": "start.png",
    "data": "data.jpg",
    "train": "train.jpg",
    "inspect": "inspect.jpg",
    "predict": "predict.png",
    "export": "export.jpg",
}
_QUALITY = 88  # of JPEG
_SHEET_WIDTH = 1460


def s3n(work: Path, *arguments: object) -> str:
    """Run a command of the command line in the work folder, and return what it prints.

    Raises:
        SystemExit: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "s3n_core", *map(str, arguments)],
        cwd=work,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"s3n {arguments[0]} failed")
    return done.stdout


def draw(work: Path) -> None:
    """Draw both data sets; each takes its name when it is whole."""
    for name, numbers in (("shown", SHOWN), ("drawn", DRAWN)):
        if (work / name).exists():
            continue
        shutil.rmtree(work / "drawing", ignore_errors=True)
        s3n(work, "demo-data", "drawing", *numbers)
        (work / "drawing").rename(work / name)


def train(work: Path) -> None:
    """Train both networks, or go on with them."""
    _train(work, "demo-first", FIRST)
    if not (work / FIRST_WEIGHTS).exists():
        shutil.copyfile(model_file(work / "runs" / "demo-first"), work / FIRST_WEIGHTS)
    _train(work, "demo", SECOND)


def _train(work: Path, name: str, settings: dict[str, object]) -> None:
    run = RunDirectory(work / "runs" / name)
    state = run.read_state() if run.path.exists() else None
    if state is not None and state.status == "finished":
        return
    if run.path.exists():
        s3n(work, "runs", "resume", name, "--runs", "runs")
        return
    fields = [part for key, value in settings.items() for part in ("-s", f"{key}={value}")]
    s3n(work, "train", "drawn", "--recipe", "quick", "--name", name, "--runs", "runs", *fields)


def store(work: Path) -> None:
    """Write the best epoch as a float16 model file.

    Raises:
        SystemExit: It is larger than the demo may be.
    """
    network, header = load_model(model_file(work / "runs" / "demo"))
    save_model(work / "model.safetensors", network, header, half=True)
    size = (work / "model.safetensors").stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"The model has {size:,} bytes; the demo may have {MOST_BYTES:,}.")


def evaluate(work: Path) -> None:
    """Measure the model on the test images, and where it looks; without paths, which belong to one machine."""
    printed = s3n(work, "evaluate", "model.safetensors", "drawn", "--places", "--device", "cpu", "--json")
    result = json.loads(printed.splitlines()[-1])
    measured = {key: value for key, value in result.items() if key not in ("event", "data", "confusion")}
    (work / "measured.json").write_text(json.dumps(measured) + "\n", encoding="utf-8")


def install(work: Path) -> None:
    """Renew ``resources/demo``, but for its README."""
    shutil.copyfile(work / "model.safetensors", DEMO / "model.safetensors")
    shutil.rmtree(DEMO / "images")
    records = _shown(work)
    measured = {
        "evaluation": json.loads((work / "measured.json").read_text(encoding="utf-8")),
        "parts": {part.name: [part.x, part.y] for part in records[0].parts},
    }
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    for record in records:
        place = DEMO / record.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(record.path, place)
    _install_run(RunDirectory(work / "runs" / "demo"))
    first = open_data_set(DEMO / "images").records[0]
    seen = inspect(open_model(DEMO / "model.safetensors", "cpu", "float32"), first.path, name=first.name)
    with (DEMO / "inspection.bin").open("wb") as file:
        write_message(file, InspectionEncoder().encode("answered", seen))


def _shown(work: Path) -> list[ImageRecord]:
    """Return the images that ship: all test images of the most confused pair, and of each other species one.

    It is the first in which there are several places to see, if the model has found several in any.
    """
    pair, data = most_confused(work), open_data_set(work / "shown")
    records = [record for record in data.records if record.split == "test"]
    model = open_model(work / "model.safetensors", "cpu", "float32")
    peaks = {row.file: row.peaks or 0 for rows in predict(model, records, classes=data.classes) for row in rows}
    chosen = []
    for label, name in enumerate(data.classes):
        own = [record for record in records if record.label == label]
        several = (record for record in own if peaks[record.name] > 1)
        chosen += own if name in (pair.a, pair.b) else [next(several, own[0])]
    return chosen


def atlas(work: Path) -> None:
    """Renew the demo's atlas: its images are too few to group their peaks, so their parts are those of the test images."""
    own = work / "atlas-shown"
    shutil.rmtree(own, ignore_errors=True)
    shown = DEMO / "model.safetensors", DEMO / "images", "--split", "all", "--device", "cpu"
    s3n(work, "parts", "build", *shown, "--parts-of", atlas_of_tests(work), "--out", own)
    first = most_confused(work)
    others = [pair for pair in class_pairs(Atlas(own)) if {pair.a, pair.b} != {first.a, first.b}]
    for pair in (first, *others[: COMPARED - 1]):
        s3n(work, "parts", "compare", own, pair.a, pair.b, "--device", "cpu")
    s3n(work, "parts", "steady", own, "--device", "cpu")
    shutil.rmtree(DEMO / "atlas", ignore_errors=True)
    make_portable(own, DEMO / "atlas")
    size = sum(file.stat().st_size for file in (DEMO / "atlas").rglob("*") if file.is_file())
    if size > MOST_ATLAS_BYTES:
        raise SystemExit(f"The atlas has {size:,} bytes; the demo's may have {MOST_ATLAS_BYTES:,}.")


def guide(work: Path) -> None:
    """Measure what the user guide tells of the parts of the test images, and take its pictures."""
    folder, pair = atlas_of_tests(work), most_confused(work)
    s3n(work, "parts", "compare", folder, pair.a, pair.b, "--device", "cpu")
    s3n(work, "parts", "steady", folder, "--images", GUIDE_IMAGES, "--device", "cpu")
    s3n(work, "parts", "matrix", folder, "--measure", "--device", "cpu")
    kept = kept_comparison(Atlas(folder), pair.a, pair.b)
    assert kept is not None
    mark = kept.comparison.mark or kept.comparison.parts[0]
    shown = work / "drawn", DEMO / "model.safetensors", folder, pair.a, pair.b, mark.name
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "benchmarks.demo.parts_pictures", *map(str, shown), out]
        subprocess.run(command, cwd=CHECKOUT, check=True)
        for picture in sorted(Path(out).glob("*.png")):
            _save(picture, f"{picture.stem}.jpg")


def atlas_of_tests(work: Path) -> Path:
    """Return the folder of the atlas of the test images, which is built on the first call."""
    folder = work / "atlas-drawn"
    s3n(work, "parts", "build", "model.safetensors", "drawn", "--split", "test", "--device", "cpu", "--out", folder)
    return folder


def most_confused(work: Path) -> ClassPair:
    """Return the pair of species that the model confuses most in the test images."""
    return class_pairs(Atlas(atlas_of_tests(work)))[0]


def _install_run(run: RunDirectory) -> None:
    """Copy a run without its checkpoints and without paths of this machine."""
    shutil.rmtree(DEMO / "runs")
    copy = RunDirectory(DEMO / "runs" / run.path.name)
    copy.path.mkdir(parents=True)
    for file in (run.metrics_jsonl, run.state_json):
        shutil.copyfile(file, copy.path / file.name)
    shutil.copytree(run.snapshots, copy.snapshots)
    content: dict[str, Any] = run.read_run()
    content["data"]["root"] = content["data"]["name"]
    content["recipe"]["weights"] = Path(content["recipe"]["weights"]).name
    copy.write_run(content)


def take_pictures(work: Path, place: Path, browser: str | None) -> None:
    """Renew ``docs/images``.

    Args:
        work: The work folder.
        place: Where a copy of the program shows its window, as some pages show where it lies; removed afterwards.
        browser: Chromium or Chrome, which shows the report; None: that image stays as it is.
    """
    if place.exists():
        raise SystemExit(f"{place} exists; choose a place for a copy of the program that does not.")
    shutil.copytree(CHECKOUT, place, ignore=shutil.ignore_patterns(".*", "__pycache__", "tests", "docs", "benchmarks"))
    try:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder)
            _take_screenshots(place, out)
            for page, name in SCREENSHOTS.items():
                _save(out / f"{page}-light-1280x720.png", name)
            images, model = place / "resources" / "demo" / "images", place / "resources" / "demo" / "model.safetensors"
            first = min((images / SHEET).iterdir())
            (out / "only.txt").write_text(f"{SHEET}/{first.name}\n", encoding="utf-8")
            exported = ("export", model, images, "--device", "cpu", "--out")
            s3n(work, *exported, out / "sheet", "--only", out / "only.txt", "--no-singles", "--picture", "png")
            _save(next((out / "sheet").rglob("*.png")), "sheet.jpg", most=_SHEET_WIDTH)
            s3n(work, "animate", DEMO / "runs" / "demo", "--out", PICTURES / "animation.gif", *ANIMATION)
            if browser is None:
                print("report.jpg was not renewed: name Chromium with --browser.")
                return
            s3n(work, *exported, out / "report", "--report", "--no-sheets", "--no-singles")
            shot = [
                "--headless",
                "--no-sandbox",
                "--hide-scrollbars",
                "--window-size=1280,720",
                "--force-color-profile=srgb",
            ]
            page = (out / "report" / "report.html").as_uri()
            shot.append(f"--screenshot={out / 'report.png'}")
            subprocess.run([browser, *shot, page], check=True, stderr=subprocess.DEVNULL)
            _save(out / "report.png", "report.jpg")
    finally:
        shutil.rmtree(place)


def _take_screenshots(place: Path, out: Path) -> None:
    """Run ``main.py --screenshot`` of the copy, as a person whose home is beside it would."""
    command = [sys.executable, "main.py", "--screenshot", str(out)]
    environment = {**os.environ, "PYTHONPATH": str(place), "HOME": str(place.parent), "USERPROFILE": str(place.parent)}
    subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)


def _save(picture: Path, name: str, most: int | None = None) -> None:
    """Write a picture to the documents, at most so many pixels wide."""
    with Image.open(picture) as image:
        rgb = image.convert("RGB")
    if most is not None and rgb.width > most:
        rgb = rgb.resize((most, round(rgb.height * most / rgb.width)), Image.Resampling.LANCZOS)
    options: dict[str, Any] = {"quality": _QUALITY} if name.endswith(".jpg") else {"optimize": True}
    rgb.save(PICTURES / name, **options)
    print(PICTURES / name)


def renew_texts() -> None:
    """Write what the documents say of the demo."""
    for path in rewrite_documents(read_facts()):
        print(path)


def main() -> None:
    """Do the steps that the command line asks for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    steps = ("draw", "train", "store", "evaluate", "install", "atlas", "guide", "texts", "pictures")
    parser.add_argument("work", type=Path, help="folder for data, runs and what is made of them, outside the checkout")
    parser.add_argument("--only", nargs="+", choices=steps, default=steps, help="only these steps")
    parser.add_argument(
        "--place", type=Path, help="a new folder for a copy of the program (default: in a temporary one)"
    )
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    asked = parser.parse_args()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    for name, step in (
        ("draw", draw),
        ("train", train),
        ("store", store),
        ("evaluate", evaluate),
        ("install", install),
        ("atlas", atlas),
        ("guide", guide),
    ):
        if name in asked.only:
            step(work)
    if "texts" in asked.only:
        renew_texts()
    if "pictures" in asked.only:
        with tempfile.TemporaryDirectory() as folder:
            take_pictures(work, (asked.place or Path(folder) / "studio").resolve(), asked.browser)


if __name__ == "__main__":
    main()
