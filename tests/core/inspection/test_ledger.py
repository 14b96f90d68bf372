"""The ledger: texts that add up, names of the rows, and what is relied on only where something was hidden."""

import math
from dataclasses import replace

import numpy as np
import pytest
from drawn_contributions import CLASSES, drawn_contributions, peak_at
from hypothesis import given
from hypothesis import strategies as st

from s3n_core.datasets.records import Box
from s3n_core.inspection.contribution_view import ContributionView, default_question
from s3n_core.inspection.hidden_place import HiddenPlace
from s3n_core.inspection.hiding import HidingSettings
from s3n_core.inspection.inspection import Scores
from s3n_core.inspection.ledger import ledger_of, texts_that_add_up
from s3n_core.inspection.number_text import number_text, signed_decimals

LOGITS = st.floats(-60, 60, allow_subnormal=False)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def hidden_at(x: float, y: float, loss: float, of_controls: float = 0.5) -> HiddenPlace:
    """Hiding the place lowers red's logit by ``loss``; the 20 random places lower it by ``of_controls`` on average."""
    controls = np.linspace(0, 2 * of_controls, 20)
    red = 4.0 - np.concatenate([[0.0, loss], controls])
    logits = np.stack([red, np.ones(22), np.full(22, 3.0)], axis=1).astype(np.float32)
    return HiddenPlace(
        name="bird",
        place=(x, y),
        settings=HidingSettings().resolved(20.0),
        region="view",
        region_box=(0, 0, 300, 200),
        controls=np.zeros((20, 2), dtype=np.float32),
        classes=CLASSES,
        logits={"O": logits},
        image=np.zeros((2, 2, 3), dtype=np.uint8),
        image_scale=1.0,
        model="m",
        model_digest="0",
        precision="float32",
    )


def of_two_peaks() -> ContributionView:
    return drawn_contributions(
        {(0, 0): 2.004, (3, 3): -1.004, (1, 2): 0.754}, peaks=(peak_at(37, 25), peak_at(260, 175))
    )


def test_what_is_written_adds_up_to_a_total_at_the_edge() -> None:
    assert sum(map(number, texts_that_add_up([1.115], 1.115))) == number(signed_decimals(1.115))


@given(st.lists(LOGITS, min_size=1, max_size=12))
def test_what_is_written_adds_up(values: list[float]) -> None:
    total = sum(values)
    texts = texts_that_add_up(values, total)
    assert round(100 * sum(map(number, texts))) == round(100 * number(signed_decimals(total)))
    for value, text in zip(values, texts, strict=True):
        assert abs(number(text) - value) < 0.0100001


def test_signs_are_written() -> None:
    assert [signed_decimals(value) for value in (2.084, -0.106, 0.001, -0.001)] == ["+2.08", "−0.11", "0.00", "0.00"]


def test_the_sum_is_the_margin_of_the_scores_as_they_show_it() -> None:
    ledger = ledger_of(of_two_peaks(), margin=2.0049)
    assert ledger_of(of_two_peaks()).total == pytest.approx(2.004)
    assert (ledger.question, ledger.total_label, ledger.total_text) == (
        "Red bird over Blue bird",
        "Sum = margin (O)",
        "+2.00",
    )
    assert round(sum(number(row.text) for row in ledger.rows), 2) == 2.0
    alone = ledger_of(drawn_contributions({(0, 0): 1.0}, versus=None))
    assert (alone.question, alone.total_label) == ("Red bird", "Sum = logit (O)")


def test_rest_rows_name_the_object_only_where_its_box_is_known() -> None:
    labels = [row.label for row in ledger_of(of_two_peaks()).rows]
    assert labels == ["Peak 1", "Peak 2", "Elsewhere", "Bias"]
    boxed = drawn_contributions(
        {(0, 0): 1.0, (3, 3): 0.5}, peaks=(peak_at(37, 25),), box=Box(x=0, y=0, width=100, height=100)
    )
    rows = ledger_of(boxed).rows
    assert [row.label for row in rows] == ["Peak 1", "Elsewhere on the object", "Outside the object", "Bias"]
    assert rows[2].text == "+0.50"
    assert "is read outside the object" in rows[0].details


def test_a_contribution_that_is_not_finite_is_said() -> None:
    assert texts_that_add_up([1.234, math.nan, -math.inf], math.nan) == ["+1.23", "not finite", "not finite"]
    assert number_text(math.nan) == "not a number"


def test_nothing_is_relied_on_before_something_is_hidden() -> None:
    ledger = ledger_of(of_two_peaks())
    assert not ledger.is_measured
    assert ledger.sentence == ""
    assert [row.relied_text for row in ledger.rows] == [""] * 4
    assert not any("rel" in row.details for row in ledger.rows)


def test_what_is_relied_on_is_the_loss_beyond_that_of_random_places() -> None:
    ledger = ledger_of(of_two_peaks(), [hidden_at(260, 175, 0.4), hidden_at(37, 25, 3.0)])
    first, second = ledger.rows[:2]
    assert first.hidden is not None
    assert first.hidden.relied_on == pytest.approx(3.0 - 0.5)
    assert (first.relied_text, second.relied_text) == ("+2.5", "−0.1")
    assert (first.is_clear, second.is_clear) == (True, False)
    assert ledger.sentence == (
        "The model relies on peak 1: hiding it lowers the margin by 2.5 more than hiding a random place does."
    )
    assert "stronger than 20 of 20" in first.details
    assert [row.hidden for row in ledger.rows[2:]] == [None, None]
    moved = ledger_of(drawn_contributions({}, peaks=(peak_at(60, 25),)), [hidden_at(37, 25, 3.0)])
    assert not moved.is_measured, "a moved peak was not hidden where it is now"


def test_where_nothing_beats_random_places_it_is_said() -> None:
    ledger = ledger_of(of_two_peaks(), [hidden_at(37, 25, 0.4), hidden_at(260, 175, 0.2)])
    assert ledger.sentence == "No peak matters more than a random place of its size."


def test_another_rival_needs_no_other_measurement() -> None:
    hidden = [hidden_at(37, 25, 3.0)]
    over_green = drawn_contributions({}, peaks=(peak_at(37, 25),), versus=2)
    change = ledger_of(over_green, hidden).rows[0].hidden
    assert change is not None
    assert (change.before, change.after) == (1.0, -2.0)
    of_joint = replace(over_green, contributions=replace(over_green.contributions, head="joint"))
    assert not ledger_of(of_joint, hidden).is_measured, "the head was not asked"


def test_the_map_has_the_number_under_the_cursor() -> None:
    view = drawn_contributions({(0, 0): 2.0})
    assert view.density_at(10, 10) == pytest.approx(0.32)  # 2 logits on 6.25 hundredths of the area
    assert view.density_at(200, 150) == 0
    assert view.density_at(300, 200) == 0
    assert view.density_at(-1, 10) is None


def test_the_default_question_is_the_predicted_class_over_its_strongest_rival() -> None:
    scores = Scores(logits={"joint": np.array([1, 5, 3], dtype=np.float32), "O": np.array([9, 5, 3], dtype=np.float32)})
    assert default_question(scores) == (1, 2)
    assert default_question(scores, 0) == (1, 0)
    assert default_question(scores, 1) == (1, 2)
    assert scores.rival(2, "O") == 0
    assert scores.margin(1, 0) == 4
    assert default_question(Scores(logits={"O": np.zeros(1, dtype=np.float32)})) == (0, None)
