"""The files of `--interventions` and `--leave-out`: complete, true to the scenes, and never taken for images of the data set."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from s3n_core.datasets.detection import open_data_set
from s3n_core.demo.drawing import Scene
from s3n_core.demo.interventions import read_interventions
from s3n_core.demo.species import PARTS, SPECIES, VARIANTS, fitting
from s3n_core.demo.writing import parts_to_leave_out, write_drawn_birds
from s3n_core.errors import DataSetError


@pytest.fixture(scope="module")
def truth(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("drawn") / "truth"
    # The test scenes of this seed have few objects, so little has to be drawn.
    write_drawn_birds(out, train_per_species=1, test_per_species=1, species=2, seed=23, interventions=True, workers=1)
    return out


def test_every_test_image_has_its_variants_and_masks(truth):
    records = read_interventions(truth)
    data = open_data_set(truth)
    assert [record.image for record in records] == [image.name for image in data.records if image.split == "test"]
    for number, record in enumerate(records):
        assert (record.species, record.label, record.parts) == (
            SPECIES[number].name,
            number + 1,
            SPECIES[number].variants(),
        )
        assert (tuple(record.part_images), tuple(record.part_masks)) == (PARTS, PARTS)
        assert record.background_images.keys() == record.background_masks.keys()
        assert record.background_images
        assert record.part_images["tail"] == record.image.replace("images/", "interventions/").replace(
            ".jpg", "_without_tail.jpg"
        )
        for files in (record.part_images, record.part_masks, record.background_images, record.background_masks):
            assert all((truth / file).is_file() for file in files.values())
    stored = {
        path.relative_to(truth).as_posix()
        for path in (truth / "interventions").rglob("*")
        if path.suffix in (".jpg", ".png")
    }
    listed = [
        file
        for record in records
        for files in (record.part_images, record.part_masks, record.background_images, record.background_masks)
        for file in files.values()
    ]
    assert Counter(listed) == Counter(stored)


def test_the_files_are_those_of_the_scene(truth):
    record = read_interventions(truth)[1]
    scene, species = Scene(record.scene, record.seed), SPECIES[record.label - 1]
    assert record.key_points == {name: (round(x, 1), round(y, 1)) for name, (x, y) in scene.draw(species).parts.items()}
    with Image.open(truth / record.part_images["tail"]) as stored:
        expected = np.asarray(scene.draw(species, without=("tail",)).image).astype(int)
        assert np.abs(np.asarray(stored).astype(int) - expected).mean() < 4  # JPEG
    for part, mask in scene.part_masks().items():
        with Image.open(truth / record.part_masks[part]) as image:
            assert image.mode == "1"
            assert np.array_equal(np.asarray(image), mask)
    for variant in scene.background_variants(species):
        with Image.open(truth / record.background_masks[str(variant.number)]) as image:
            assert np.array_equal(np.asarray(image), variant.mask)


def test_variants_and_masks_are_never_images_of_the_data_set(truth):
    for layout in ("auto", "images"):
        names = [record.name for record in open_data_set(truth, layout).records]
        assert len(names) == 4
        assert not any("interventions" in name or "without" in name for name in names)


def test_a_folder_without_interventions_or_with_a_damaged_index_is_named(truth, tmp_path):
    with pytest.raises(DataSetError, match=r"has no interventions.*--interventions"):
        read_interventions(tmp_path)
    index = tmp_path / "interventions" / "index.jsonl"
    index.parent.mkdir()
    lines = (truth / "interventions" / "index.jsonl").read_text(encoding="utf-8").splitlines()
    for text, said in (
        ("{}\n", "it is no index"),
        ('{"format": "s3n-interventions", "version": 2}\n', "another version"),
        ("\n".join(lines)[:-20], "cannot be read"),
        (f'{lines[0]}\n{{"image": 3}}\n', "'image' has the value 3"),
        ("", "cannot be read"),
    ):
        index.write_text(text, encoding="utf-8")
        with pytest.raises(DataSetError, match=said):
            read_interventions(tmp_path)


def test_interventions_of_a_species_that_had_other_parts_are_refused(truth, tmp_path):
    index = tmp_path / "interventions" / "index.jsonl"
    index.parent.mkdir()
    text = (truth / "interventions" / "index.jsonl").read_text(encoding="utf-8")
    tail = SPECIES[1].tail
    other = next(variant for variant in VARIANTS["tail"] if variant != tail)
    *lines, last = text.splitlines()
    index.write_text("\n".join([*lines, last.replace(f'"tail": "{tail}"', f'"tail": "{other}"')]), encoding="utf-8")
    with pytest.raises(DataSetError, match=f"when {SPECIES[1].name} had other parts"):
        read_interventions(tmp_path)


# -- parts left out of training images ----------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_what_is_left_of_a_bird_fits_its_own_species_only(rate):
    chosen = [
        (species, *parts_to_leave_out(species, SPECIES, rate, (0, number, key)))
        for number, species in enumerate(SPECIES)
        for key in range(40)
    ]
    assert all(fitting(species.look(without), SPECIES) == [species] for species, without, _ in chosen)
    assert sum(attempts for *_, attempts in chosen) > 0
    share = np.mean([part in without for _, without, _ in chosen for part in PARTS])
    assert 0.4 * rate < share < rate  # a little less than asked for: ambiguous birds are chosen again
    assert len({part for _, without, _ in chosen for part in without}) == len(PARTS)


def test_the_choice_is_a_function_of_its_key():
    bibbed = SPECIES[1]
    chosen = [parts_to_leave_out(bibbed, SPECIES, 0.3, ("key", n)) for n in range(30)]
    assert chosen == [parts_to_leave_out(bibbed, SPECIES, 0.3, ("key", n)) for n in range(30)]
    assert len({without for without, _ in chosen}) > 5


def test_each_part_is_left_out_at_the_rate_where_nothing_is_ambiguous():
    alone = SPECIES[0]
    chosen = [parts_to_leave_out(alone, [alone], 0.2, ("rate", n)) for n in range(1500)]
    assert not any(attempts for _, attempts in chosen)
    for part in PARTS:
        assert np.mean([part in without for without, _ in chosen]) == pytest.approx(0.2, abs=0.05)


def test_training_images_lack_the_listed_parts_and_test_images_none(tmp_path):
    out = tmp_path / "birds"
    redrawn = write_drawn_birds(
        out, train_per_species=1, test_per_species=1, species=3, leave_out=0.5, seed=1, workers=1
    )
    listed = json.loads((out / "left_out.json").read_text(encoding="utf-8"))
    assert (listed["rate"], listed["redrawn"]) == (0.5, redrawn)
    records = open_data_set(out).records
    assert listed["images"]
    for number, record in enumerate(records, start=1):
        without = listed["images"].get(str(number), [])
        assert record.split == "train" or not without
        scene = 3 * ((number - 1) % 2) + (number - 1) // 2
        expected = Scene(scene, 1).draw(SPECIES[record.label], without=without)
        assert {part.name for part in record.parts} == set(expected.parts)
        with Image.open(record.path) as image:
            assert np.abs(np.asarray(image).astype(int) - np.asarray(expected.image)).mean() < 4  # JPEG


def test_a_plain_data_set_has_neither(tmp_path):
    write_drawn_birds(tmp_path / "birds", train_per_species=1, test_per_species=0, species=2, workers=1)
    assert not (tmp_path / "birds" / "left_out.json").exists()
    assert not (tmp_path / "birds" / "interventions").exists()
