"""The codes of the species: what experiments with the synthetic birds rely on."""

from dataclasses import replace
from itertools import combinations

import pytest

from s3n_core.demo.species import (
    PARTS,
    SPECIES,
    VARIANTS,
    contrasts,
    distinguishing_parts,
    fitting,
    shared_parts,
    sufficient_parts,
)
from s3n_core.demo.species_search import NEAR_PAIRS, NEXT_PAIRS, find_codes

PAIRS = list(combinations(SPECIES, 2))

FIRST_TWELVE = """
Frost tailed Willowling: slate black none plain none white-edged dark
Bibbed Willowling: slate ruby none black none plain dark
Rufous tailed Willowling: slate black none amber white rufous dark
Gold winged Willowling: slate black none plain gold white-edged dark
Coral billed Willowling: coral gold-striped none plain white plain dark
Ruby crowned Willowling: golden ruby none plain white plain dark
Golden Willowling: golden gold-striped none plain white plain dark
Black throated Willowling: slate black white black white plain dark
Spectacled Willowling: slate black white plain gold plain dark
Amber throated Willowling: slate black white amber white plain dark
Coral footed Willowling: slate black none plain gold plain coral
Rosy Willowling: slate ruby none plain white plain coral
"""


def test_the_first_twelve_species_stay():
    told = [f"{s.name}: {' '.join(s.variants().values())}" for s in SPECIES[:12]]
    assert told == FIRST_TWELVE.split("\n")[1:-1]


def test_the_codes_have_the_properties_that_experiments_need():
    assert len(SPECIES) >= 24
    assert len({s.name for s in SPECIES}) == len(SPECIES)
    assert all(s.variants()[part] in VARIANTS[part] for s in SPECIES for part in PARTS)
    assert {part: {s.variants()[part] for s in SPECIES} for part in PARTS} == {p: set(v) for p, v in VARIANTS.items()}

    differing = [distinguishing_parts(first, second) for first, second in PAIRS]
    assert {len(parts) for parts in differing} <= set(range(1, 8))
    near = [parts for parts in differing if len(parts) <= 2]
    alone = [parts for parts in near if len(parts) == 1]
    assert len(near) >= 40 == NEAR_PAIRS
    assert len(alone) >= 8 == NEXT_PAIRS
    assert {"eye_ring", "legs"}.isdisjoint(part for parts in alone for part in parts)
    # No part is the answer so often that naming it without looking does well.
    assert all(sum(part in parts for parts in near) / len(near) < 0.3 for part in PARTS)
    for species in SPECIES:
        assert any(len(distinguishing_parts(species, other)) in (1, 2) for other in SPECIES)
        assert contrasts(species), species.name


def test_contrasts_share_exactly_two_parts_each_and_none_of_them_the_same():
    for species in SPECIES:
        for first, second in contrasts(species):
            in_first = [part for part in PARTS if getattr(first, part) == getattr(species, part)]
            in_second = [part for part in PARTS if getattr(second, part) == getattr(species, part)]
            assert (len(in_first), len(in_second), len({*in_first, *in_second})) == (2, 2, 4)
    assert contrasts(SPECIES[0], SPECIES[:12]) == []


def test_shared_and_distinguishing_parts_are_each_the_rest_of_the_other():
    for first, second in PAIRS:
        shared, differing = shared_parts(first, second), distinguishing_parts(first, second)
        assert (*sorted(shared + differing),) == (*sorted(PARTS),)
        assert differing == distinguishing_parts(second, first)


def test_a_bird_fits_the_species_that_share_the_parts_it_has():
    rosy = SPECIES[11]
    assert fitting(rosy.look(), SPECIES) == [rosy]
    assert [s.name for s in fitting(rosy.look(["legs", "bill"]), SPECIES)] == [
        "Ruby crowned Willowling",
        "Rosy Willowling",
    ]
    assert fitting(rosy.look(PARTS), SPECIES) == list(SPECIES)
    with pytest.raises(ValueError, match="'wing' is not a part"):
        rosy.look(["wing"])


def test_the_search_says_so_where_it_finds_nothing():
    with pytest.raises(RuntimeError, match="try more steps"):
        find_codes(steps=2)


def test_sufficient_parts_tell_a_species_from_all_others_and_none_can_be_spared():
    for species in SPECIES:
        sets = sufficient_parts(species, SPECIES)
        assert sets
        for chosen in sets:
            for spared in (None, *chosen):
                left_out = [part for part in PARTS if part not in chosen or part == spared]
                alone = fitting(species.look(left_out), SPECIES) == [species]
                assert alone == (spared is None)
        assert not any(one < other for one in sets for other in sets)


def test_one_distinguishing_part_is_sufficient():
    first = SPECIES[0]
    others = [replace(first, name="rufous", tail="rufous"), replace(first, name="hooded", crown="ruby", tail="plain")]
    assert sufficient_parts(first, [first, *others]) == [frozenset({"tail"})]
    assert sufficient_parts(others[1], [first, *others]) == [frozenset({"crown"}), frozenset({"tail"})]
    assert sufficient_parts(first, [first, others[0], replace(first, name="x", crown="ruby")]) == [
        frozenset({"crown", "tail"})
    ]
