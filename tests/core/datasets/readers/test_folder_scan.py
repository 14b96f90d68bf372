"""What lies in folders of images: images found by name or content, everything else counted with its reason."""

import builtins
import io
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.file_formats import SIGNATURE, format_of, is_text
from s3n_core.datasets.readers.folder_scan import is_image
from s3n_core.datasets.readers.folder_tree import FolderTree
from s3n_core.datasets.skipped_files import (
    is_placeholder,
    needs_attention,
    skipped_line,
    skipped_sentence,
    skipped_words,
)
from s3n_core.errors import DataSetError


def picture(format: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (12, 10), (200, 60, 50)).save(stream, format, **options)
    return stream.getvalue()


def fill(folder: Path, **files: bytes) -> None:
    """Write files; `_` in a name stands for a dot."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)


def counts(folder: Path) -> dict[tuple[str, str], int]:
    scan = FolderTree(folder)
    scan.images()
    return {(item.reason, item.suffix): item.count for item in scan.skipped}


@pytest.fixture(autouse=True)
def _without_the_heic_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)


HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(40)
FILM = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(40)
RAW = b"II*\x00\x10\x00\x00\x00CR\x02" + bytes(60)


@pytest.mark.parametrize("name", ["a.jfif", "a.jpe", "a.JPG", "a.heic", "a.mpo", "a.tga", "a", "a.jpg_large", "a.b c"])
def test_images_are_known_by_their_bytes(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(picture())
    assert list(FolderTree(tmp_path).images()) == [name]
    assert is_image(tmp_path / name)
    assert counts(tmp_path) == {}


def test_what_is_no_image_is_counted_by_reason_and_suffix(tmp_path: Path) -> None:
    fill(tmp_path, a_jpg=picture(), real_heic=HEIC, x_CR2=RAW, y_cr2=RAW, note_pdf=b"%PDF-1.7", clip_mp4=FILM)
    fill(tmp_path / "in", README=b"What this is.\n", labels_csv=b"a,b\n", mark_done=b"", b_part=picture(), film=FILM)
    assert counts(tmp_path) == {
        ("no decoder (HEIC)", ".heic"): 1,
        ("raw photograph", ".cr2"): 2,
        ("not an image", ".pdf"): 1,
        ("not an image", ".mp4"): 1,
        ("not an image", ""): 1,
        ("other file", ""): 1,
        ("other file", ".csv"): 1,
        ("other file", ".done"): 1,
        ("unfinished download or backup copy", ".part"): 1,
    }


def test_examples_are_the_first_files(tmp_path: Path) -> None:
    fill(tmp_path / "b", z_pdf=b"%PDF", a_pdf=b"%PDF")
    scan = FolderTree(tmp_path)
    scan.images()
    (item,) = scan.skipped
    assert (item.count, item.example.parent) == (2, tmp_path / "b")


def test_clutter_is_passed_over_and_counted(tmp_path: Path) -> None:
    fill(tmp_path / "ant", a_jpg=picture(), Thumbs_db=b"\xd0\xcf", desktop_ini=b"[x]")
    (tmp_path / "ant" / "._a.jpg").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "ant" / "~$table.xlsx").write_bytes(b"x")
    (tmp_path / "ant" / "a.jpg~").write_bytes(picture())
    for name in ("@eaDir", "#recycle", "#snapshot", "@Recycle", "@tmp", "__MACOSX", "lost+found", ".Trash-1000"):
        fill(tmp_path / "ant" / name, copy_jpg=picture())
    fill(tmp_path / "ant" / ".ipynb_checkpoints", copy_jpg=picture())
    fill(tmp_path / "ant" / ".AppleDouble", copy_jpg=picture())
    fill(tmp_path / "ant" / ".secret", copy_jpg=picture())
    scan = FolderTree(tmp_path)
    assert list(scan.images()) == ["ant/a.jpg"]
    by_reason: Counter[str] = Counter()
    for item in scan.skipped:
        by_reason[item.reason] += item.count
    assert by_reason == {"clutter of a disk or an editor": 15, "hidden": 1}


def test_placeholders_of_cloud_disks(tmp_path: Path) -> None:
    (tmp_path / ".a.jpg.icloud").write_bytes(b"bplist00")
    assert counts(tmp_path) == {("placeholder of a cloud disk", ".icloud"): 1}
    assert is_placeholder(0x400020)  # Windows: read from the cloud when its content is asked for
    assert is_placeholder(0x1000)
    assert not is_placeholder(0x20)


def test_a_file_with_a_known_suffix_is_not_opened_and_no_other_one_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ant", "bee"):
        fill(
            tmp_path / name,
            a_jpg=picture(),
            b_png=picture("PNG"),
            c=picture(),
            d_xyz=picture(),
            e_txt=b"x",
            f_pdf=b"%PDF",
        )
    opened: Counter[str] = Counter()
    plain = builtins.open

    def counted(file: object, *arguments: object, **options: object) -> object:
        opened[Path(os.fspath(file)).name] += 1  # type: ignore[call-overload]
        return plain(file, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(builtins, "open", counted)
    assert len(open_data_set(tmp_path).records) == 8
    assert opened == {"c": 2, "d.xyz": 2}  # one in each folder


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_without_a_suffix_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert counts(tmp_path) == {("not an image", ""): 1}


def test_own_folders_are_known_by_what_is_in_them(tmp_path: Path) -> None:
    for name in ("run", "export", "begun", "marked", "birds", "mine"):
        fill(tmp_path / "photos" / name, a_jpg=picture())
    (tmp_path / "photos" / "run" / "run.json").write_text(json.dumps({"classes": [], "format": "s3n-run"}))
    (tmp_path / "photos" / "mine" / "run.json").write_text(json.dumps({"distance": 10}))
    (tmp_path / "photos" / "mine" / "index.csv").write_text("file,label\n")
    header = "file,label,class,probability,correct,entropy,rule,peaks,sheet,folder,arrays,error\n"
    (tmp_path / "photos" / "export" / "index.csv").write_text(header)
    (tmp_path / "photos" / "begun" / "index.csv.part").write_text('{"format": "s3n-export", "version": 1}\n')
    (tmp_path / "photos" / "marked" / ".s3n-studio").touch()
    for name in ("species.json", "distinguishing_parts.json"):
        (tmp_path / "photos" / "birds" / name).write_text("{}")
    scan = FolderTree(tmp_path)
    assert list(scan.images()) == ["photos/mine/a.jpg"]
    own = [item for item in scan.skipped if item.reason == "written by S3N Studio"]
    assert [(item.suffix, item.count) for item in own] == [("/", 5)]
    assert skipped_sentence(own) == "Skipped 5 folders that S3N Studio wrote."
    assert skipped_words(own) == "5 folders skipped"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("run.json", '{"format": "s3n-run"}', "a training run"),
        ("index.csv.part", '{"format": "s3n-export"}', "an export"),
    ],
)
def test_a_run_or_an_export_is_no_data_set(tmp_path: Path, name: str, content: str, kind: str) -> None:
    fill(tmp_path / "ant", a_jpg=picture())
    fill(tmp_path / "bee", a_jpg=picture())
    (tmp_path / name).write_text(content)
    with pytest.raises(DataSetError, match=f"is {kind} that S3N Studio wrote"):
        open_data_set(tmp_path)


def test_a_folder_of_runs_is_no_class(tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        fill(tmp_path / name, a_jpg=picture())
    fill(tmp_path / "runs" / "first" / "snapshots", probe_jpg=picture())
    (tmp_path / "runs" / "first" / "run.json").write_text(json.dumps({"format": "s3n-run"}))
    data_set = open_data_set(tmp_path)
    assert data_set.classes == ("ant", "bee")
    assert data_set.problems == ()
    assert [(item.reason, item.count) for item in data_set.skipped] == [("written by S3N Studio", 1)]


def test_readers_of_folders_say_what_they_passed_over(tmp_path: Path) -> None:
    for name in ("ant", "bee"):
        fill(tmp_path / name, a_jpg=picture(), film_mp4=FILM)
    for format in ("class-folders", "images"):
        (item,) = open_data_set(tmp_path, format).skipped
        assert (item.reason, item.suffix, item.count) == ("not an image", ".mp4", 2)


def test_the_sentence(tmp_path: Path) -> None:
    fill(tmp_path, real_heic=HEIC, x_cr2=RAW, note_pdf=b"%PDF-1.7", clip_mp4=FILM)
    scan = FolderTree(tmp_path)
    scan.images()
    assert skipped_sentence(scan.skipped) == (
        "Skipped 4 files that are not readable images (1 .cr2, 1 .heic, 1 .mp4, 1 .pdf). "
        'To read HEIC photographs, run: pip install "s3n-studio[heic]".'
    )
    assert needs_attention(scan.skipped)
    assert "1 .cr2: raw photograph" in [skipped_line(item) for item in scan.skipped]
    assert skipped_words(scan.skipped) == "4 files skipped"


def test_the_sentence_of_companions(tmp_path: Path) -> None:
    fill(tmp_path, a_txt=b"x", b_txt=b"y", c_json=b"{}")
    (tmp_path / ".DS_Store").touch()
    scan = FolderTree(tmp_path)
    scan.images()
    assert skipped_sentence(scan.skipped) == ("Skipped 1 hidden or system item and 3 other files (2 .txt, 1 .json).")
    assert skipped_sentence(scan.skipped, companions=False) == "Skipped 1 hidden or system item."
    assert skipped_words(scan.skipped) == ""
    assert not needs_attention(scan.skipped)
    assert skipped_sentence(()) == ""


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000", "AVIF"])
def test_formats_are_known_by_their_first_bytes(format: str) -> None:
    if format == "AVIF":
        pytest.importorskip("PIL.AvifImagePlugin")
    assert format_of(picture(format)[:SIGNATURE]) == format


@pytest.mark.parametrize(
    "content",
    [b"BM is what it begins with", b"P1 is a road", b"Python notes", b"%!PS-Adobe-3.0 EPSF-3.0", b"", FILM, RAW],
)
def test_what_only_looks_like_an_image(content: bytes) -> None:
    assert format_of(content[:SIGNATURE]) is None


def test_texts() -> None:
    assert is_text("Grüße aus Köln, ünd nöch ein paar Wörter".encode()[:SIGNATURE])
    assert not is_text(b"\x00\x01")
    assert not is_text(b"%PDF-1.7")
