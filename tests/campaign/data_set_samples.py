"""A tiny data set in every layout with list or table files, which the campaigns damage."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.io import savemat


def _images(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (24, 24)).save(root / name)


def _texts(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        (root / f"{name}.txt").write_text(text, encoding="utf-8")


def write_cub(root: Path) -> None:
    """CUB-200-2011 with boxes and parts."""
    names = ["001.Black/one two.jpg", "001.Black/2.jpg", "002.Wéiß/3.jpg", "002.Wéiß/4.jpg"]
    _images(root, *(f"images/{name}" for name in names))
    _texts(
        root,
        images="".join(f"{i} {name}\n" for i, name in enumerate(names, 1)),
        image_class_labels="1 1\n2 1\n3 2\n4 2\n",
        train_test_split="1 1\n2 0\n3 1\n4 0\n",
        classes="1 001.Black\n2 002.Wéiß\n",
        bounding_boxes="1 60.0 27.0 325.0 304.0\n2 1 2 3 4\n3 1 2 3 4\n4 1 2 3 4\n",
    )
    (root / "parts").mkdir()
    _texts(root / "parts", parts="1 back\n2 left eye\n", part_locs="1 1 0.0 0.0 0\n1 2 312.0 182.5 1\n2 1 5 6 1\n")


def write_lists(root: Path) -> None:
    """List files with class names."""
    _images(root, "a/1 one.jpg", "a/2.jpg", "b/3.jpg", "b/4.jpg")
    _texts(root, train="a/1 one.jpg 0\nb/3.jpg 1\n", test="a/2.jpg 0\r\n", val="b/4.jpg 1\n", classes="0 äh\n1 be\n")


def write_aircraft(root: Path) -> None:
    """FGVC-Aircraft 2013b."""
    data = root / "data"
    _images(data, "images/0787226.jpg", "images/1481091.jpg", "images/1548899.jpg")
    _texts(
        data,
        images_variant_train="0787226 F-16A/B\n",
        images_variant_val="1481091 727-200\n",
        images_variant_test="1548899 727-200\n",
        images_box="0787226 1 2 41 28\n1481091 1 2 41 28\n",
        variants="F-16A/B\n727-200\n",
    )


def _annotations(count: int, test: bool) -> np.ndarray:
    fields = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "relative_im_path" if test else "fname"]
    array = np.empty((1, count), dtype=[(field, object) for field in [*fields, *(["test"] if test else [])]])
    for i in range(count):
        name = f"{'car_ims/' if test else ''}0000{i + 1}.jpg"
        numbers = [np.array([[value]], np.uint16) for value in (39, 116, 569, 375, 1 + i % 2)]
        array[0, i] = (*numbers, name, *([np.array([[i % 2]], np.uint8)] if test else []))
    return array


def _class_names() -> np.ndarray:
    names = np.empty((1, 2), dtype=object)
    names[0, :] = ["Acura RL Sedan 2012", "Ram C/V 2012"]
    return names


def write_cars(root: Path) -> None:
    """Stanford Cars with its devkit; compressed MATLAB tables."""
    _images(root, *(f"cars_{part}/0000{i}.jpg" for part in ("train", "test") for i in (1, 2, 3, 4)))
    (root / "devkit").mkdir()
    savemat(root / "devkit" / "cars_meta.mat", {"class_names": _class_names()})
    savemat(root / "devkit" / "cars_train_annos.mat", {"annotations": _annotations(4, False)}, do_compression=True)
    savemat(root / "cars_test_annos_withlabels.mat", {"annotations": _annotations(4, False)})


def write_older_cars(root: Path) -> None:
    """Stanford Cars in its older form; one uncompressed table."""
    _images(root, *(f"car_ims/0000{i}.jpg" for i in (1, 2, 3, 4)))
    savemat(root / "cars_annos.mat", {"annotations": _annotations(4, True), "class_names": _class_names()})


WRITERS: dict[str, Callable[[Path], None]] = {
    "cub-200-2011": write_cub,
    "list-files": write_lists,
    "fgvc-aircraft-2013b": write_aircraft,
    "stanford-cars": write_cars,
    "stanford-cars, older": write_older_cars,
}
"""The writer of each layout into an existing folder; keys begin with the name of the format."""
