import csv
import io
from dataclasses import replace
from pathlib import PurePosixPath

import numpy as np
import pytest
from drawn_inspection import drawn_inspection
from PIL import Image

from s3n_core.datasets.own_folders import is_own_table
from s3n_core.datasets.readers.tables import read_table
from s3n_core.errors import OutputError
from s3n_core.evaluation.accuracy import Accuracy
from s3n_core.evaluation.cascade import CascadeOutcomes
from s3n_core.evaluation.confusion import MOST_MATRIX_CLASSES, ConfusionCells
from s3n_core.evaluation.intervals import wilson_interval
from s3n_core.evaluation.result import Evaluation
from s3n_core.export.evaluation_tables import (
    accuracy_csv,
    by_class_csv,
    confusion_csv,
    write_evaluation_tables,
)
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.encoding import encode
from s3n_core.export.figures.figure_style import FigureStyle
from s3n_core.export.file_names import OutputStems, safe_part
from s3n_core.export.image_files import arrays_bytes, picture_bytes
from s3n_core.export.options import ExportOptions
from s3n_core.inspection.summary import arrays_of
from s3n_core.models.seen_images import SeenCounts
from s3n_core.system.csv_tables import csv_text

ENDINGS = (".png", "/peaks.png", ".npz")


def stems(*names, endings=ENDINGS, taken=()):
    found = OutputStems(names, endings, taken)
    assert [found[place] for place in range(len(names))] == list(found)
    return [str(stem) for stem in found]


def test_folders_of_the_data_set_are_kept_and_letters_of_any_script():
    assert stems("a/bird.jpg", "b/bird.jpg", "鳥/птица.png", "bird.jpg") == ["a/bird", "b/bird", "鳥/птица", "bird"]


def test_no_two_images_share_a_file():
    names = ["bird.jpg", "bird.png", "Bird.JPG", "bird.jpeg", "b\u00e9.jpg", "be\u0301.jpg", "bird.png"]
    found = stems(*names)
    assert found[:2] == ["bird", "bird (png)"]
    assert len({stem.casefold() for stem in found}) == len(names)


def test_a_file_never_takes_the_place_of_another_images_folder():
    # The single panel a/peaks.png of a.jpg collides with the sheet of a/peaks.jpg.
    assert stems("a.jpg", "a/peaks.jpg") == ["a", "a/peaks (jpg)"]
    assert stems("a/peaks.jpg", "a.jpg") == ["a/peaks", "a (jpg)"]
    found = stems("x.png/a.jpg", "x.jpg")  # the folder x.png collides with the sheet x.png
    assert found == ["x.png/a", "x (jpg)"]
    assert stems("index.csv.jpg", endings=("",), taken=["index.csv"]) != ["index.csv"]


def test_a_folder_never_takes_the_place_of_another_images_file():
    assert stems("x.jpg", "x.png/a.jpg", "x.png/b.jpg") == ["x", "x.png-2/a", "x.png-2/b"]
    assert stems("index.csv/a/b.jpg", taken=["index.csv"]) == ["index.csv-2/a/b"]


@pytest.mark.parametrize(
    ("part", "safe"),
    [
        ("plain name", "plain name"),
        ('a<b>:"c"|d?*', "a_b___c__d__"),
        ("con", "_con"),
        ("NUL.tar", "_NUL.tar"),
        ("trailing. ", "trailing"),
        (".hidden", "_hidden"),
        ("...", "_"),
        ("bytes\udcff", "bytes_"),
        ("line\nend", "line_end"),
    ],
)
def test_parts_are_safe_on_every_system(part, safe):
    assert safe_part(part) == safe


def test_long_names_are_cut_and_stay_apart():
    first, second = stems("é" * 300 + "1.jpg", "é" * 300 + "2.jpg")
    assert first != second
    assert max(len(stem.encode()) for stem in (first, second)) <= 200


def test_names_cannot_leave_the_folder():
    for name in ("../../etc/passwd", "/etc/passwd", "..", "", "a/../../b.jpg"):
        (stem,) = stems(name)
        assert not PurePosixPath(stem).is_absolute()
        assert ".." not in PurePosixPath(stem).parts


def test_pictures_carry_their_resolution_and_their_origin():
    options = {"png": ExportOptions(format="png", style=FigureStyle(dpi=144)), "jpeg": ExportOptions()}
    for format, dpi in (("png", 144), ("jpeg", 200)):
        page = Canvas(30 * 72 / dpi, 20 * 72 / dpi, dpi)
        page.rectangle(Area(0, 0, 30, 20), "#D55E00")
        data = picture_bytes(page, drawn_inspection(name="鳥.jpg"), options[format])
        opened = Image.open(io.BytesIO(data))
        assert opened.format == format.upper()
        assert opened.size == (30, 20)
        assert np.round(opened.info["dpi"][0]) == dpi
        text = opened.info["Title"] if format == "png" else opened.info["comment"].decode()
        assert "鳥.jpg" in text
        assert "tiny.safetensors" in (opened.info["Model"] if format == "png" else text)
        np.testing.assert_allclose(np.asarray(opened)[10, 10], (0xD5, 0x5E, 0), atol=4)
    picture = Image.new("RGB", (30, 20))
    assert Image.open(io.BytesIO(encode(picture, "jpeg", dpi=96, about={"Title": "\udcff"}))).size == (30, 20)


def test_arrays_hold_every_intermediate_and_no_code():
    inspection = drawn_inspection(peaks=((10, 20, 1.0, 1.0, 0.0),))
    with np.load(io.BytesIO(arrays_bytes(inspection)), allow_pickle=False) as arrays:
        for name, values in arrays_of(inspection).items():
            np.testing.assert_array_equal(arrays[name], values)
        for name in ("image", "response", "map_d", "map_c", "grid_d", "grid_c", "images_d", "images_c", "peak_xy"):
            assert name in arrays
        assert '"entropy": 0.83' in str(arrays["summary"])


@pytest.fixture
def evaluation():
    confusion = np.array([[8, 2, 0], [1, 3, 0], [0, 0, 0]])
    return Evaluation(
        classes=("=cmd()", "b, with comma", "鳥"),
        accuracies=(Accuracy("joint", 14, 11, 14), Accuracy("O", 14, 7, 14)),
        cells=ConfusionCells.of_matrix(confusion),
        loss=1.0,
        losses={},
        entropy=0.5,
        entropy_threshold=0.2,
        rules={},
        peaks=10.0,
        without_peaks=0.0,
        mode="expected",
        precision="float32",
        model="0123456789abcdef",
        seen=SeenCounts(training=9, validation=3, unseen=2),
    )


def rows_of(text):
    return list(csv.reader(io.StringIO(text)))


def ends(correct, count):
    return [f"{end:.6f}" for end in wilson_interval(correct, count)]


def test_tables_of_an_evaluation(evaluation):
    header, *rows = rows_of(confusion_csv(evaluation))
    assert header[1:] == ["=cmd()", "b, with comma", "鳥"]
    assert [row[1:] for row in rows] == [["8", "2", "0"], ["1", "3", "0"], ["0", "0", "0"]]
    made = ["joint", "expected", "float32", "0123456789abcdef"]
    by_class = rows_of(by_class_csv(evaluation))
    assert by_class[1] == [
        "=cmd()",
        "10",
        "8",
        "0.800000",
        "9",
        "0.888889",
        "b, with comma",
        "2",
        *ends(8, 10),
        *ends(8, 9),
        *made,
    ]
    assert by_class[3] == ["鳥", "0", "0", "", "0", "", "", "0", "", "", "", "", *made]
    assert by_class[0][-8:-4] == ["recall_low", "recall_high", "precision_low", "precision_high"]
    assert by_class[0][-4:] == ["prediction", "mode", "network_precision", "model"]
    accuracy = rows_of(accuracy_csv(evaluation))
    assert accuracy[1] == [
        "joint",
        "14",
        "11",
        "14",
        "0.785714",
        "1.000000",
        *ends(11, 14),
        *ends(14, 14),
        *"9320",
        *made[1:],
    ]
    assert accuracy[0][-11:-7] == ["top1_low", "top1_high", "top5_low", "top5_high"]
    assert accuracy[0][-7:-3] == ["seen_training", "seen_validation", "seen_unseen", "seen_unknown"]
    assert accuracy[0][-3:] == ["mode", "precision", "model"]


def test_fast_mode_has_a_line_of_its_own(evaluation):
    stops = CascadeOutcomes(  # 4 of 14 images stop after O, which is right on 3 of these
        entropy=np.linspace(0.1, 1.4, 14, dtype=np.float32),
        right_o=np.array([True, True, True, False] + 10 * [False]),
        right_joint=np.array([True] * 11 + [False] * 3),
        branches=3,
    )
    measured = replace(evaluation, cascade=stops)
    assert accuracy_csv(measured) == accuracy_csv(evaluation)
    table = list(csv.DictReader(io.StringIO(accuracy_csv(measured, stop_below=0.45))))
    assert [row["prediction"] for row in table] == ["joint", "O", "fast mode"]
    assert [row["stop_below"] for row in table] == ["", "", "0.45"]
    assert [float(row["passes"] or "nan") for row in table] == pytest.approx(
        [3, np.nan, 3 - 2 * 4 / 14], nan_ok=True, rel=1e-5
    )
    fast = table[-1]
    assert (fast["images"], fast["top1_images"], fast["top5_images"], fast["top5"], fast["top5_low"]) == (
        "14",
        "10",
        "",
        "",
        "",
    )
    assert [fast["top1_low"], fast["top1_high"]] == ends(10, 14)
    same = ("mode", "precision", "model", "seen_training", "seen_validation", "seen_unseen", "seen_unknown")
    assert [fast[name] for name in same] == [table[0][name] for name in same]
    with pytest.raises(ValueError, match="fast mode was not measured"):
        accuracy_csv(evaluation, stop_below=0.45)


def test_with_many_classes_the_pairs_that_occur_are_written_instead_of_a_matrix(evaluation):
    names = tuple(f"species {number}" for number in range(100_000))
    cells = ConfusionCells.of(np.array([7, 7, 99_999]), np.array([8, 8, 99_999]), len(names))
    many = replace(evaluation, classes=names, cells=cells)
    assert rows_of(confusion_csv(many))[1:] == [["species 7", "species 8", "2"], ["species 99999"] * 2 + ["1"]]
    assert rows_of(by_class_csv(many))[8][6:8] == ["species 8", "2"]
    stored = many.to_dict()
    assert stored["confusion"] is None
    assert stored["confused"] == [[7, 8, 2], [99_999, 99_999, 1]]
    assert "confused" not in evaluation.to_dict()
    assert [(pair.label, pair.predicted, pair.count) for pair in many.confusions()] == [(7, 8, 2)]


def test_tables_are_written_side_by_side(evaluation, tmp_path):
    files = write_evaluation_tables(evaluation, tmp_path, "test")
    assert [file.name for file in files] == ["test_accuracy.csv", "test_by_class.csv", "test_confusion.csv"]
    assert files[2].read_text(encoding="utf-8") == confusion_csv(evaluation)
    with pytest.raises(OutputError, match="does not exist"):
        write_evaluation_tables(evaluation, tmp_path / "missing")


def test_no_table_of_an_evaluation_is_read_as_labels(evaluation, tmp_path):
    names = tuple(f"species {number}" for number in range(MOST_MATRIX_CLASSES + 1))
    many = replace(evaluation, classes=names, cells=ConfusionCells.of(np.array([7]), np.array([8]), len(names)))
    for kind, found in (("few", evaluation), ("many", many)):
        for file in write_evaluation_tables(found, tmp_path, kind, excel=kind == "many"):
            assert is_own_table(read_table(file).columns), file.name


def test_cells_are_written_as_they_are_and_escaped_only_for_excel():
    cells = [("=1+1", -2), ("+90", "-90/1.jpg"), ("two\nlines", '"')]
    plain, excel = csv_text(("a", "b"), cells), csv_text(("a", "b"), cells, excel=True)
    assert rows_of(plain) == [["a", "b"], ["=1+1", "-2"], ["+90", "-90/1.jpg"], ["two\nlines", '"']]
    assert excel.startswith("\ufeff")
    assert rows_of(excel[1:]) == [["a", "b"], ["'=1+1", "-2"], ["'+90", "'-90/1.jpg"], ["two\nlines", '"']]


@pytest.mark.parametrize("wrong", [{"format": "gif"}, {"sheet": False, "singles": False, "arrays": False}])
def test_options_say_what_is_wrong(wrong):
    with pytest.raises(ValueError, match=r"format must be|at least one"):
        ExportOptions(**wrong)
