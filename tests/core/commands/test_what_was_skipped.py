"""Commands that open a folder say what they skipped: in a sentence for the user, in an object for a program."""

import io
import sys
from pathlib import Path

import pytest
from command_line import Command
from PIL import Image
from small_training import SMALL

from s3n_core.runs.run_directory import RunDirectory

SENTENCE = (
    "Skipped 4 files that are not readable images (1 .cr2, 1 .heic, 1 .mp4, 1 .pdf) and 1 hidden or system item. "
    'To read HEIC photographs, run: pip install "s3n-studio[heic]".'
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two classes of four images, and what a phone and a camera leave beside them."""
    monkeypatch.setitem(sys.modules, "pillow_heif", None)  # as if it were not installed
    root = tmp_path / "photos"
    for kind, name in enumerate(("ant", "bee")):
        (root / name).mkdir(parents=True)
        for number in range(4):
            stream = io.BytesIO()
            colour = (60 + 90 * kind, 200 - 20 * number, 50 + 30 * number)
            Image.new("RGB", (72, 64), colour).save(stream, "JPEG")
            (root / name / f"{number}{('.jpg', '.jfif', '', '.heic')[number]}").write_bytes(stream.getvalue())
    (root / "ant" / "real.heic").write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(64))
    (root / "ant" / "x.cr2").write_bytes(b"II*\x00\x10\x00\x00\x00CR\x02" + bytes(64))
    (root / "bee" / "note.pdf").write_bytes(b"%PDF-1.7")
    (root / "bee" / "clip.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42" + bytes(64))
    (root / "bee" / "notes.txt").write_text("seen in May\n")
    (root / "#recycle").mkdir()
    (root / "#recycle" / "old.jpg").write_bytes((root / "ant" / "0.jpg").read_bytes())
    return root


def kinds(event: dict[str, object]) -> set[tuple[object, object, object]]:
    skipped = event["skipped"]
    assert isinstance(skipped, list)
    return {(item["reason"], item["suffix"], item["count"]) for item in skipped}


ALL = {
    ("no decoder (HEIC)", ".heic", 1),
    ("raw photograph", ".cr2", 1),
    ("not an image", ".pdf", 1),
    ("not an image", ".mp4", 1),
    ("clutter of a disk or an editor", "/", 1),
    ("other file", ".txt", 1),
}


def test_audit(s3n: Command, folder: Path) -> None:
    said = s3n("audit", folder).out.splitlines()
    assert said[0] == f"{folder}: 8 images (class-folders)"
    start = said.index("  skipped:")
    listed = [line.split(" (first: ")[0].strip() for line in said[start + 1 : start + 7]]
    assert listed == [
        "1 folder: clutter of a disk or an editor",
        "1 .heic: no decoder (HEIC)",
        "1 .mp4: not an image",
        "1 .pdf: not an image",
        "1 .txt: other file",
        "1 .cr2: raw photograph",
    ]
    report = s3n("audit", folder, "--json").events[-1]
    assert report["images"] == 8
    assert kinds(report) == ALL


def test_train_and_predict(s3n: Command, folder: Path, s3n_home: Path, tmp_path: Path) -> None:
    settings = [part for key, value in SMALL.items() for part in ("--set", f"{key}={value}")]
    trained = s3n("train", folder, "--name", "insects", "--device", "cpu", *settings, "-s", "epochs=1")
    assert trained.code == 0, trained.err
    assert SENTENCE in trained.err.splitlines()
    assert trained.err.index(SENTENCE) < trained.err.index("Training 1 epoch")
    assert len(RunDirectory(s3n_home / "runs" / "insects").read_run()["classes"]) == 2
    predicted = s3n("predict", "insects", folder, "--out", tmp_path / "table.csv", "--device", "cpu")
    assert SENTENCE in predicted.err.splitlines()
    assert any(line.startswith("8 images; ") for line in predicted.err.splitlines())
    events = s3n("predict", "insects", folder, "--out", tmp_path / "again.csv", "--device", "cpu", "--json").events
    assert events[0]["event"] == "skipped"
    assert events[0]["message"] == SENTENCE
    assert kinds(events[0]) == ALL
    assert events[-1]["total"] == 8


def test_a_folder_of_placeholders_says_how_to_get_its_images(s3n: Command, tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        (tmp_path / "cloud" / name).mkdir(parents=True)
        (tmp_path / "cloud" / name / ".a.jpg.icloud").write_bytes(b"bplist00")
    said = s3n("audit", tmp_path / "cloud", "--format", "images")
    assert said.code == 1
    assert "2 placeholders of a cloud disk. Download the files of the cloud disk to this computer" in said.err
