"""The synthetic birds: layout, reproducibility, and that two species differ in their named parts and nowhere else."""

import errno
import json
import os
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.demo import writing
from s3n_core.demo.anatomy import CUB_PARTS
from s3n_core.demo.drawing import draw_bird
from s3n_core.demo.species import DEFAULT_SPECIES, SPECIES, distinguishing_parts
from s3n_core.demo.writing import write_drawn_birds
from s3n_core.errors import OutputError


def pixels(species, scene, seed=0):
    return np.asarray(draw_bird(species, scene, seed).image).astype(int)


def test_equal_keys_give_equal_pictures_and_other_keys_do_not():
    assert np.array_equal(pixels(SPECIES[3], 5), pixels(SPECIES[3], 5))
    first = pixels(SPECIES[3], 5)
    for other in (pixels(SPECIES[3], 6), pixels(SPECIES[3], 5, seed=1)):
        assert other.shape != first.shape or not np.array_equal(other, first)


def test_the_first_twelve_species_look_as_they_always_did():
    """Models are trained on these birds, so their images stay.

    Compared are averages over blocks of about 25 x 25 pixels, for processors and versions of OpenCV may round single pixels
    otherwise. On one machine the images have stayed equal to the byte.
    """
    with Image.open(Path(__file__).with_name("first_twelve.png")) as stored:
        expected = np.asarray(stored).astype(int).reshape(DEFAULT_SPECIES, 12, 16, 3)
    for number, (species, blocks) in enumerate(zip(SPECIES[:DEFAULT_SPECIES], expected, strict=True)):
        drawn = draw_bird(species, DEFAULT_SPECIES + number, 3).image.resize((16, 12), Image.Resampling.BOX)
        assert np.abs(np.asarray(drawn).astype(int) - blocks).max() <= 2, species.name


@pytest.mark.parametrize("scene", range(4))
def test_the_scene_knows_nothing_of_the_species(scene):
    first, second = draw_bird(SPECIES[0], scene), draw_bird(SPECIES[7], scene)
    a, b = np.asarray(first.image), np.asarray(second.image)
    assert first.parts == second.parts
    left, top = np.floor(np.minimum(first.box[:2], second.box[:2])).astype(int) - 2
    right, bottom = (
        np.ceil(np.maximum(np.add(first.box[:2], first.box[2:]), np.add(second.box[:2], second.box[2:]))).astype(int)
        + 2
    )
    outside = np.ones(a.shape[:2], bool)
    outside[max(0, top) : bottom, max(0, left) : right] = False
    assert outside.any()
    assert np.array_equal(a[outside], b[outside])


def test_boxes_hold_the_parts_and_the_bird_fills_a_fair_share():
    for scene in range(10):
        bird = draw_bird(SPECIES[scene % len(SPECIES)], scene)
        x, y, width, height = bird.box
        assert x >= 0
        assert y >= 0
        assert x + width <= bird.image.width
        assert y + height <= bird.image.height
        assert 0.25 < width / bird.image.width < 0.9
        assert set(bird.parts) <= set(CUB_PARTS)
        for name, (px, py) in bird.parts.items():
            assert x - 2 <= px <= x + width + 2, name
            assert y - 2 <= py <= y + height + 2, name


def test_parts_are_sometimes_hidden():
    always = {name for name in CUB_PARTS if "left" not in name and "right" not in name}
    assert any(always - set(draw_bird(SPECIES[0], scene).parts) for scene in range(60))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("drawn") / "birds"
    seen = []
    write_drawn_birds(
        out, train_per_species=2, test_per_species=1, workers=1, progress=lambda d, n: seen.append((d, n))
    )
    assert seen == [(i, 36) for i in range(1, 37)]
    return out


def lines(path):
    return [line.split(" ") for line in path.read_text(encoding="utf-8").splitlines()]


def test_layout_is_that_of_cub(folder):
    assert lines(folder / "classes.txt")[0] == ["1", "001.Frost_tailed_Willowling"]
    images = lines(folder / "images.txt")
    assert [row[0] for row in images] == [str(i) for i in range(1, 37)]
    classes = dict(lines(folder / "classes.txt"))
    for (_, name), (_, label) in zip(images, lines(folder / "image_class_labels.txt"), strict=True):
        assert name.startswith(classes[label] + "/")
        with Image.open(folder / "images" / name) as image:
            assert image.format == "JPEG"
            assert 300 < image.width < 500
    assert sum(int(row[1]) for row in lines(folder / "train_test_split.txt")) == 24
    assert all(len(row) == 5 for row in lines(folder / "bounding_boxes.txt"))
    assert [" ".join(row[1:]) for row in lines(folder / "parts" / "parts.txt")] == list(CUB_PARTS)
    places = lines(folder / "parts" / "part_locs.txt")
    assert len(places) == 36 * 15
    assert all(row[2:4] == ["0.0", "0.0"] for row in places if row[4] == "0")


def test_the_known_parts_are_stored(folder):
    table = json.loads((folder / "species.json").read_text(encoding="utf-8"))
    assert [row["name"] for row in table["species"]] == [s.name for s in SPECIES[:DEFAULT_SPECIES]]
    pairs = json.loads((folder / "distinguishing_parts.json").read_text(encoding="utf-8"))
    assert len(pairs) == DEFAULT_SPECIES * (DEFAULT_SPECIES - 1) // 2
    for pair in pairs:
        first, second = SPECIES[pair["first"] - 1], SPECIES[pair["second"] - 1]
        assert tuple(pair["parts"]) == distinguishing_parts(first, second)


def test_workers_do_not_change_the_pictures(folder, tmp_path):
    write_drawn_birds(tmp_path / "again", train_per_species=1, test_per_species=0, workers=2)
    for path in (tmp_path / "again" / "images").rglob("*.jpg"):
        assert path.read_bytes() == (folder / "images" / path.parent.name / path.name).read_bytes()


def be_killed(*_args):
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_process_that_is_killed_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "_draw", be_killed)
    with pytest.raises(OutputError, match="process that draws was ended from outside"):
        write_drawn_birds(tmp_path / "birds", train_per_species=1, test_per_species=0, workers=2)


def test_a_folder_in_use_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputError, match="not empty"):
        write_drawn_birds(tmp_path, train_per_species=1, test_per_species=0)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(OutputError, match="is a file"):
        write_drawn_birds(tmp_path / "mine.txt", train_per_species=1, test_per_species=0)


def test_a_full_disk_is_one_sentence(tmp_path, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(writing, "_draw", full)
    with pytest.raises(OutputError, match=r"No space left on device.*free some space"):
        write_drawn_birds(tmp_path / "birds", train_per_species=1, test_per_species=0, workers=1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"train_per_species": 0}, "train_per_species"),
        ({"species": 1}, "species must be from 2 to 24"),
        ({"species": 25}, "species must be from 2 to 24"),
        ({"leave_out": 0.6}, "leave_out must be from 0 to 0.5"),
    ],
)
def test_numbers_out_of_range_are_refused(tmp_path, wrong, said):
    with pytest.raises(ValueError, match=said):
        write_drawn_birds(tmp_path / "birds", **wrong)
    assert not list(tmp_path.iterdir())
