"""Data sets of other tasks and files of other programs are refused with a sentence that helps."""

import json
from pathlib import Path

import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.opening import open_images
from s3n_core.errors import DataSetError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6)).save(root / name, format="PNG")
    return root


def test_coco(tmp_path: Path) -> None:
    root = make(tmp_path, "train2017/1.png", "val2017/2.png")
    (root / "annotations").mkdir()
    content = {"images": [{"id": 1}], "annotations": [{"image_id": 1, "bbox": [0, 0, 2, 2], "category_id": 3}]}
    (root / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
    with pytest.raises(DataSetError, match="COCO data set for detection"):
        open_data_set(root)
    data_set = open_images(root)
    assert len(data_set.records) == 2
    assert "COCO" in data_set.remarks[-1], "its images can be predicted, and it is said that labels are not read"


def test_classes_of_coco_are_no_boxes(tmp_path: Path) -> None:
    """The folders are read, and it is said that the file was not."""
    root = make(tmp_path, "ant/1.png", "bee/2.png")
    content = {"images": [{"id": 1, "file_name": "ant/1.png"}], "annotations": [{"image_id": 1, "category_id": 3}]}
    (root / "train.json").write_text(json.dumps(content))
    data_set = open_data_set(root)
    assert data_set.classes == ("ant", "bee")
    assert ["train.json was not read. Its classes are" in remark for remark in data_set.remarks] == [True]


@pytest.mark.parametrize("beside", [True, False])
def test_yolo(tmp_path: Path, beside: bool) -> None:
    root = make(tmp_path, "images/train/1.png", "images/train/2.png", "images/val/3.png")
    for name in ("train/1", "train/2", "val/3"):
        file = root / ("images" if beside else "labels") / f"{name}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("0 0.5 0.5 0.25 0.25\n1 0.1 0.2 0.3 0.4\n")
    (root / "data.yaml").write_text("nc: 2\n")
    with pytest.raises(DataSetError, match="YOLO data set for detection"):
        open_data_set(root)


def test_pascal_voc(tmp_path: Path) -> None:
    root = make(tmp_path, "JPEGImages/1.png", "JPEGImages/2.png")
    (root / "Annotations").mkdir()
    for number in (1, 2):
        box = "<bndbox><xmin>1</xmin></bndbox>"
        (root / "Annotations" / f"{number}.xml").write_text(f"<annotation><object>{box}</object></annotation>")
    with pytest.raises(DataSetError, match="Pascal VOC data set for detection"):
        open_data_set(root)


def test_anomalies(tmp_path: Path) -> None:
    root = make(
        tmp_path, "train/good/0.png", "train/good/1.png", "test/good/0.png", "test/broken/0.png", "test/cut/0.png"
    )
    make(root, "ground_truth/broken/0_mask.png", "ground_truth/cut/0_mask.png")
    with pytest.raises(DataSetError, match=r"finding anomalies.*Masks are never images.*open .*test"):
        open_data_set(root)
    assert open_data_set(root / "test").classes == ("broken", "cut", "good")


def test_several_anomaly_sets(tmp_path: Path) -> None:
    for name in ("bottle", "cable"):
        make(tmp_path, f"{name}/train/good/0.png", f"{name}/test/good/0.png", f"{name}/test/cut/0.png")
        make(tmp_path, f"{name}/ground_truth/cut/0_mask.png")
    with pytest.raises(DataSetError, match=r"several data sets \(bottle, cable\)"):
        open_data_set(tmp_path)


@pytest.mark.parametrize(
    ("name", "help"),
    [
        ("images.zip", "Unpack the archive"),
        ("birds.tar.gz", "Unpack the archive"),
        ("train-00000.parquet", "export them as image files with a CSV table"),
        ("labels.xlsx", "save the table as CSV"),
        ("data.yaml", "open the folder of its images"),
        ("labels.csv", "Open the folder that contains this file"),
    ],
)
def test_files_of_other_kinds(tmp_path: Path, name: str, help: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 whatever")
    with pytest.raises(DataSetError, match=help):
        open_data_set(tmp_path / name)


@pytest.mark.parametrize("name", ["images.zip", "train-00000.parquet"])
def test_a_folder_of_archives(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 whatever")
    with pytest.raises(DataSetError, match=f"contains no images, but {name}"):
        open_data_set(tmp_path)


def test_a_spreadsheet_beside_images_is_named(tmp_path: Path) -> None:
    root = make(tmp_path, "1.png", "2.png")
    (root / "labels.xlsx").write_bytes(b"PK\x03\x04 whatever")
    assert any("labels.xlsx was not read" in remark for remark in open_data_set(root).remarks)
