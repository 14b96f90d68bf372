"""The answer in two lines: what is said to tell classes apart, and what is not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_atlas import CLASSES, made_up_comparison, write_atlas

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.answer import answer
from s3n_core.parts.comparison.comparison import Comparison
from s3n_core.parts.comparison.stored_comparisons import keep_comparison, kept_comparison


@pytest.fixture
def atlas(tmp_path: Path) -> Atlas:
    return write_atlas(
        tmp_path / "atlas", tmp_path, [f"{label}/{index}.jpg" for label in CLASSES for index in range(3)]
    )


@pytest.fixture
def comparison(atlas: Atlas) -> Comparison:
    return made_up_comparison(atlas, *CLASSES[:2])


def test_what_hiding_has_shown_is_said_with_its_control_and_n(comparison: Comparison) -> None:
    said = answer(comparison, {0: "bill"})
    assert said.kind == "part"
    assert said.first == (
        "Tells these two apart by bill: hiding it changes 9 of 24 predictions (a random patch of the same size: 0.9 of 24)."
    )
    assert "bill 1.50 (1.10 to 1.90)" in said.second
    assert "30 % at no part" in said.second  # 3 of 4 + 2 + 1 + 3
    assert "10 % at background parts" in said.second
    assert "12 and 12 test images." in said.second


def test_the_next_part_follows_if_it_was_shown_as_well(comparison: Comparison) -> None:
    first, second, sky = comparison.parts
    second = replace(second, relied_on=0.9, relied_interval=(0.2, 1.6), changed=7)
    said = answer(replace(comparison, parts=(second, first, sky)))
    assert said.first.startswith("Tells these two apart by part 1 or part 2: hiding part 1 changes 9 of 24")
    assert said.first.endswith("Then part 2, 7 of 24.")
    assert "part 2 0.90 (0.20 to 1.60). Intervals overlap, so which of these matters most is not shown." in said.second


def test_a_part_that_clearly_matters_most_is_named_alone(comparison: Comparison) -> None:
    first, second, sky = comparison.parts
    second = replace(second, relied_on=0.9, relied_interval=(0.7, 1.0), changed=7)
    said = answer(replace(comparison, parts=(second, first, sky)))
    assert said.first.startswith("Tells these two apart by part 1: hiding it changes 9 of 24")
    assert "overlap" not in said.second


def test_a_background_that_may_matter_as_much_is_named_with_the_part(comparison: Comparison) -> None:
    first, second, sky = comparison.parts
    sky = replace(sky, relied_on=1.4, relied_interval=(1.0, 1.8), changed=7)
    said = answer(replace(comparison, parts=(second, first, sky)))
    assert said.kind == "part"
    assert said.first.startswith("Tells these two apart by part 1 or the background (part 3): hiding part 1 changes 9")


def test_a_part_that_changes_no_prediction_is_not_said_to_tell_classes_apart(comparison: Comparison) -> None:
    first, second, sky = comparison.parts
    second = replace(second, relied_on=0.9, relied_interval=(0.2, 1.6), changed=0)
    said = answer(replace(comparison, parts=(replace(first, changed=0), second, sky)))
    assert said.first == (
        "What matters most is part 1 or part 2: hiding part 1 costs 1.50 of the margin of 8.00 logits more than a random "
        "patch of the same size, but changes none of 24 predictions."
    )
    assert "part 2 0.90 (0.20 to 1.60)" in said.second


def test_a_model_that_rests_on_the_background_is_called_that(atlas: Atlas) -> None:
    said = answer(made_up_comparison(atlas, *CLASSES[:2], background=True))
    assert said.kind == "background"
    assert said.first.startswith("This model rests on the background (part 3): hiding it changes 9 of 24")


def test_nothing_is_claimed_that_was_not_shown(atlas: Atlas, comparison: Comparison) -> None:
    none = tuple(replace(part, relied_interval=(-0.1, 1.0)) for part in comparison.parts)
    assert answer(replace(comparison, parts=none)).first == "No part found that matters more than a random patch."
    few = answer(made_up_comparison(atlas, *CLASSES[:2], images=4))
    assert few.kind == "too few images"
    assert "there are 4 and 4" in few.first
    # Enough images, but in most of those of one class there was no room to hide anything: no effect has an interval.
    crowded = tuple(replace(part, relied_interval=None, hidden=15) for part in comparison.parts)
    said = answer(replace(comparison, parts=crowded, not_hidden=9))
    assert said.kind == "too few images"
    assert "places could be hidden in only 15 of 24, and 10 of each class are needed" in said.first
    unknown = tuple(
        replace(part, relied_on=None, relied_interval=None, changed=None, changed_random=None)
        for part in comparison.parts
    )
    said = answer(replace(comparison, parts=unknown))
    assert said.kind == "not hidden"
    assert "read at part 1 (+4.00 of +8.00 logits)" in said.second
    for one in (few, said):
        assert "apart by" not in " ".join(one.lines)


def test_the_classes_in_the_other_order_are_the_same_answer(comparison: Comparison) -> None:
    turned = comparison.swapped()
    assert (turned.a, turned.b) == (comparison.b, comparison.a)
    assert answer(turned).first == answer(comparison).first
    third = turned.parts[2]
    assert (third.images_a, third.images_b) == (8, 12)
    assert [image.of_a for image in turned.images] == [not image.of_a for image in comparison.images]
    assert turned.swapped() == comparison
    with pytest.raises(ValueError, match="one order"):
        replace(comparison, b=None).swapped()


def test_what_was_found_in_each_image_is_kept(atlas: Atlas, comparison: Comparison) -> None:
    keep_comparison(atlas, comparison)
    kept = kept_comparison(atlas, *CLASSES[:2])
    assert kept is not None
    assert kept.comparison == comparison
    turned = kept_comparison(atlas, CLASSES[1], CLASSES[0])  # whichever was A when it was made
    assert turned is not None
    assert turned.comparison == comparison.swapped()
    assert kept_comparison(atlas, CLASSES[0], CLASSES[2]) is None
    assert kept.comparison.images[1].losses == (1.5, 0.01)
    assert Comparison.from_details(json.loads(json.dumps(comparison.details()))) == comparison
    # Older files have no images.
    older = {key: value for key, value in comparison.details().items() if key != "images"}
    assert Comparison.from_details(older).images == ()
