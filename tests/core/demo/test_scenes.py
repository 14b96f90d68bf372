"""Scenes as experiments: what a part or an object of the background decides, and nothing else, changes with it."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from s3n_core.demo.anatomy import skeleton
from s3n_core.demo.bird import paint_bird
from s3n_core.demo.drawing import Scene, draw_bird
from s3n_core.demo.painter import SUPERSAMPLE
from s3n_core.demo.species import PARTS, SPECIES, VARIANTS, distinguishing_parts

# Where each part lies: parts of CUB-200-2011 and a radius around them, as a share of the bird's box diagonal.
WHERE = {
    "bill": (("beak",), 0.13),
    "crown": (("crown", "forehead", "nape"), 0.16),
    "eye_ring": (("left eye", "right eye"), 0.07),
    "throat": (("throat",), 0.13),
    "wing_bars": (("left wing", "right wing"), 0.28),
    "tail": (("tail",), 0.32),
    "legs": (("left leg", "right leg"), 0.2),
}


# Scenes (number, seed) in which the bird flies, its legs tucked up and its wings open, or looks over its shoulder.
POSES = {"flight": (5, 5), "looking back": (7, 1)}


def has_all_parts(scene):
    return len(scene.draw(SPECIES[0]).parts) >= 12


@pytest.fixture(scope="module")
def scene():
    """A scene in which every part on the near side is visible, so that all their positions are known."""
    return next(scene for scene in map(Scene, range(50)) if has_all_parts(scene))


@pytest.fixture(scope="module")
def masks(scene):
    return scene.part_masks()


@pytest.fixture(scope="module")
def drawn(scene):
    return [scene.draw(species) for species in SPECIES]


def union(masks, parts):
    return np.any([masks[part] for part in parts], axis=0)


def test_two_species_differ_in_the_masks_of_their_differing_parts_and_nowhere_else(drawn, masks):
    for i, j in combinations(range(len(SPECIES)), 2):
        parts = distinguishing_parts(SPECIES[i], SPECIES[j])
        changed = drawn[i].changed(drawn[j])
        assert not (changed & ~union(masks, parts)).any(), f"{SPECIES[i].name} and {SPECIES[j].name} differ elsewhere"
        for part in parts:
            alike = f"{part} of {SPECIES[i].name} and {SPECIES[j].name} looks alike"
            assert (changed & masks[part]).sum() > 12, alike


def test_a_mask_lies_where_its_part_is(drawn, masks):
    diagonal = float(np.hypot(*drawn[0].box[2:]))
    rows, columns = np.mgrid[: drawn[0].image.height, : drawn[0].image.width]
    for part, (names, reach) in WHERE.items():
        near = np.zeros_like(masks[part])
        for x, y in (drawn[0].parts[name] for name in names if name in drawn[0].parts):
            near |= np.hypot(columns - x, rows - y) < reach * diagonal
        assert masks[part].any()
        assert not (masks[part] & ~near).any(), part


def test_a_part_that_is_left_out_looks_like_no_variant_and_changes_nothing_else(scene, masks):
    """In pixels that only one part decides, its absence differs from each variant, so no species can look the same."""
    species = SPECIES[0]
    for part in PARTS:
        alone = masks[part] & ~union(masks, [other for other in PARTS if other != part])
        removed = scene.draw(species, without=(part,))
        most = np.zeros_like(alone)
        for variant in VARIANTS[part]:
            changed = removed.changed(scene.draw(replace(species, **{part: variant})))
            assert not (changed & ~masks[part]).any(), f"without {part}: something else changed"
            assert (changed & alone).any(), f"without {part} looks like {variant}"
            most |= changed
        assert (most & masks[part]).sum() > 0.85 * masks[part].sum(), f"the mask of {part} is too large"


@pytest.mark.parametrize("name", ["flight", "looking back"])
def test_masks_hold_in_every_pose(name):
    scene = Scene(*POSES[name])
    masks, whole = scene.part_masks(), scene.draw(SPECIES[7])
    other = scene.draw(SPECIES[19])
    assert not (whole.changed(other) & ~union(masks, distinguishing_parts(SPECIES[7], SPECIES[19]))).any()
    for part in PARTS:
        changed = whole.changed(scene.draw(SPECIES[7], without=(part,)))
        assert changed.any(), part
        assert not (changed & ~masks[part]).any(), part


def test_no_bird_without_a_part_equals_any_species(scene, drawn):
    images = {bird.image.tobytes() for bird in drawn}
    assert len(images) == len(SPECIES)
    for number, species in enumerate(SPECIES):
        left_out = scene.draw(species, without=(PARTS[number % 7],))
        assert left_out.image.tobytes() not in images, species.name


def test_no_bird_without_any_of_its_parts_equals_any_species(scene):
    """All species without each of their parts: only the birds, and at a third of their size."""
    pose = scene._bones.pose
    small = skeleton(replace(pose, scale=pose.scale / 3, centre=(pose.centre[0] / 3, pose.centre[1] / 3)))
    size = (SUPERSAMPLE * scene.height // 3, SUPERSAMPLE * scene.width // 3)

    def painted(species, without=()):
        bird = paint_bird(species.look(without), small, size, scene._light, scene._streams)
        return bird.colours.tobytes(), bird.mask.tobytes()

    whole = {painted(species) for species in SPECIES}
    assert len(whole) == len(SPECIES)
    for species in SPECIES:
        for part in PARTS:
            assert painted(species, (part,)) not in whole, f"{species.name} without {part}"


def test_parts_that_are_absent_have_no_place_and_covered_ones_keep_theirs(scene, drawn):
    bird = scene.draw(SPECIES[0], without=PARTS)
    gone = {"beak", "tail", "left leg", "right leg"}
    assert set(drawn[0].parts) - set(bird.parts) == gone & set(drawn[0].parts)
    assert bird.box[2] < drawn[0].box[2]  # without bill and tail it is shorter
    assert bird.image.tobytes() == scene.draw(SPECIES[20], without=PARTS).image.tobytes()


def test_a_mask_does_not_depend_on_the_species_and_a_scene_not_on_what_was_drawn_before(scene, masks, drawn):
    scene.draw(SPECIES[3], without=("tail", "crown"), background_without=(1,))
    again = scene.part_masks()
    assert all(np.array_equal(again[part], masks[part]) for part in PARTS)
    assert scene.draw(SPECIES[5]).image.tobytes() == drawn[5].image.tobytes()
    assert draw_bird(SPECIES[5], scene.index, scene.seed).image.tobytes() == drawn[5].image.tobytes()


def test_an_object_of_the_background_goes_without_touching_the_rest(scene, drawn, masks):
    variants = list(scene.background_variants(SPECIES[0]))
    assert variants
    for variant in variants:
        assert 1 <= variant.number <= scene.object_count
        assert np.array_equal(variant.mask, drawn[0].changed(variant.bird))
        assert 64 < variant.mask.sum() < 0.2 * variant.mask.size
        assert variant.bird.parts == drawn[0].parts
        assert variant.bird.box == drawn[0].box
    # Two at once are the two changes together.
    first, second = variants[0], variants[-1]
    both = scene.draw(SPECIES[0], background_without=(first.number, second.number))
    changed = both.changed(drawn[0])
    assert not (changed & ~(first.mask | second.mask)).any()
    assert (changed & first.mask).any()
    assert (changed & second.mask).any()
    # The object is the same behind another species.
    other = scene.draw(SPECIES[9], background_without=(first.number,))
    assert not (drawn[9].changed(other) & ~first.mask & ~union(masks, PARTS)).any()


def test_unknown_parts_and_objects_are_refused(scene):
    with pytest.raises(ValueError, match="'beak' is not a part"):
        draw_bird(SPECIES[0], 0, without=("beak",))
    with pytest.raises(ValueError, match=f"background objects, and no number {scene.object_count + 1}"):
        scene.draw(SPECIES[0], background_without=(scene.object_count + 1,))
