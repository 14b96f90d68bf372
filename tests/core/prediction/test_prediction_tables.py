import csv
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from image_folders import NAMES, drawn_folder

from s3n_core.datasets.records import Box, Part
from s3n_core.errors import OutputError
from s3n_core.prediction.rows import Prediction, PredictionHeader, fingerprint
from s3n_core.prediction.tables import CSV_NAMES, csv_record, read_json_table, table_format, write_table

HEADER = PredictionHeader(
    model="0123456789abcdef", mode="expected", precision="float32", classes=("鳥", "a,b"), images="f00d", count=4
)
STAMP = {"mode": HEADER.mode, "precision": HEADER.precision, "model": HEADER.model}


def row_of(name: str) -> Prediction:
    return Prediction(
        file=name,
        class_name="鳥",
        probability=0.75,
        top=(("鳥", 0.75), ("a,b", 0.25)),
        branches=(("O", "鳥"), ("C", "a,b")),
        branch_probabilities=(0.5, 0.625),
        agreement=0.5,
        margin=0.5,
        entropy=0.5623,
        rule="top-5",
        peaks=2,
        peak_places=((12.5, 3.0, 1.0, 0.75, 0.25), (0.5, 40.1, 0.3333, 0.0, 1.0)),
        peaks_outside=1,
        label="a,b",
        correct=False,
        **STAMP,
    )


ROWS = [*map(row_of, NAMES), Prediction(file="gone.png", error="the file is empty", **STAMP)]


def test_csv_is_exact(tmp_path: Path) -> None:
    out = tmp_path / "préd 表.csv"
    write_table(out, HEADER, iter(ROWS))
    with open(out, encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == CSV_NAMES
    assert [row["file"] for row in read] == [row.file for row in ROWS]
    first, last = read[0], read[-1]
    assert {name: first[name] for name in ("class", "probability", "class_2", "probability_2", "class_3")} == {
        "class": "鳥",
        "probability": "0.75",
        "class_2": "a,b",
        "probability_2": "0.25",
        "class_3": "",
    }
    assert (first["class_O"], first["class_D"], first["class_C"]) == ("鳥", "", "a,b")
    assert (first["probability_O"], first["probability_D"], first["probability_C"]) == ("0.5", "", "0.625")
    assert (first["entropy"], first["rule"], first["peaks"]) == ("0.5623", "top-5", "2")
    assert first["peak_places"] == "12.5 3 1 0.75 0.25; 0.5 40.1 0.3333 0 1"
    assert (first["peaks_outside"], last["peaks_outside"]) == ("1", "")
    assert (first["label"], first["correct"], first["mode"], first["model"]) == (
        "a,b",
        "false",
        "expected",
        HEADER.model,
    )
    assert (last["class"], last["probability"], last["error"]) == ("", "", "the file is empty")
    # All text is quoted, so that spreadsheet programs can treat quoted fields as text.
    assert b'\n"=1+1",' in out.read_bytes()


def test_csv_columns_fit_the_records() -> None:
    assert all(len(csv_record(row)) == len(CSV_NAMES) for row in ROWS)


def test_json_is_exact(tmp_path: Path) -> None:
    out = tmp_path / "p.json"
    write_table(out, HEADER, iter(ROWS))
    text = out.read_text(encoding="utf-8")
    document = json.loads(text)
    assert {name: document[name] for name in ("model", "mode", "precision", "classes")} == {
        "model": HEADER.model,
        "mode": "expected",
        "precision": "float32",
        "classes": ["鳥", "a,b"],
    }
    assert [row["file"] for row in document["rows"]] == [row.file for row in ROWS]
    assert "鳥 птица" in text, "readable, not escaped"
    assert len(text.splitlines()) == len(ROWS) + len(json.dumps(HEADER.to_dict(), indent=1).splitlines()) + 4
    header, rows = read_json_table(out)
    assert header == HEADER
    assert list(rows) == ROWS


def test_a_table_for_excel_has_a_mark_and_no_formulas(tmp_path: Path) -> None:
    write_table(tmp_path / "plain.csv", HEADER, [row_of("-90/1.png")])
    write_table(tmp_path / "excel.csv", HEADER, [row_of("-90/1.png")], excel=True)
    plain, excel = ((tmp_path / name).read_bytes() for name in ("plain.csv", "excel.csv"))
    assert b'"-90/1.png"' in plain
    assert excel == b"\xef\xbb\xbf" + plain.replace(b'"-90/1.png"', b'"\'-90/1.png"')


@pytest.mark.parametrize("suffix", [".csv", ".json"])
def test_without_rows(tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"p{suffix}"
    write_table(out, HEADER, [])
    if suffix == ".json":
        assert json.loads(out.read_bytes())["rows"] == []
    else:
        assert out.read_text(encoding="utf-8").splitlines() == [",".join(f'"{name}"' for name in CSV_NAMES)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has names that are no valid Unicode")
def test_names_that_are_no_unicode(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    write_table(tmp_path / "p.csv", HEADER, [row_of(name)])
    assert "caf\\udce9.png" in (tmp_path / "p.csv").read_text(encoding="utf-8"), "valid UTF-8 for every reader"
    write_table(tmp_path / "p.json", HEADER, [row_of(name)])
    assert [row.file for row in read_json_table(tmp_path / "p.json")[1]] == [name]


@pytest.mark.parametrize("junk", [b"", b"[]", b"{}", b"\xff\xfe", b'{"format": "other"}', b'"text"'])
def test_reading_junk(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "p.json"
    path.write_bytes(junk)
    with pytest.raises(ValueError, match=r".+"):
        read_json_table(path)


def test_other_suffixes_are_refused() -> None:
    assert table_format(Path("a.CSV")) == "csv"
    for name in ("a.xlsx", "a", "csv", "a.csv.gz"):
        with pytest.raises(OutputError, match=r"\.csv or \.json"):
            table_format(Path(name))


def test_a_failure_leaves_the_old_table(tmp_path: Path) -> None:
    out = tmp_path / "p.csv"
    out.write_text("old")

    def broken() -> object:
        yield ROWS[0]
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_table(out, HEADER, broken())  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["p.csv"]
    assert out.read_text() == "old"


@pytest.mark.parametrize(
    "annotation", [{"box": Box(x=1, y=2, width=3, height=4)}, {"parts": (Part(name="bill", x=1, y=2),)}, {"banner": 5}]
)
def test_the_fingerprint_notices_what_is_said_of_an_image(tmp_path: Path, annotation: dict[str, Any]) -> None:
    records = drawn_folder(tmp_path, 2)
    said = [dataclasses.replace(records[0], **annotation), records[1]]
    assert fingerprint(said) == fingerprint(list(said)) != fingerprint(records)


def test_the_fingerprint_notices_what_changes_rows(tmp_path: Path) -> None:
    records = drawn_folder(tmp_path, 4)
    first = fingerprint(records, "abcdefghijkl")
    assert fingerprint(list(records), "abcdefghijkl") == first
    assert fingerprint(records[::-1], "abcdefghijkl") != first
    assert fingerprint(records[:3], "abcdefghijkl") != first
    assert fingerprint(records, "abxdefghijkl") != first
    os.utime(records[0].path, (1, 1))
    changed = fingerprint(records, "abcdefghijkl")
    assert changed != first
    records[1].path.unlink()
    assert fingerprint(records, "abcdefghijkl") not in (first, changed)
