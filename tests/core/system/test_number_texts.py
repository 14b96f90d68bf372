import re

import pytest

from s3n_core.system.number_texts import is_ambiguous, read_fraction, read_whole


@pytest.mark.parametrize(
    ("text", "number"),
    [("0.5", 0.5), ("0,5", 0.5), (" 1,000 ", 1.0), ("1e-4", 1e-4), ("1,5e-4", 1.5e-4), ("-3", -3.0), (",5", 0.5)],
)
def test_a_decimal_comma_is_a_point(text: str, number: float) -> None:
    assert read_fraction(text) == number


@pytest.mark.parametrize("text", ["1,000.5", "1.000,5", "1,000,000", "1,5,", "nan", "inf", "half", "", "1 000"])
def test_what_is_no_number_or_has_several_separators_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"several separators|not a number"):
        read_fraction(text)


@pytest.mark.parametrize(("text", "number"), [("1000", 1000), (" 7 ", 7), ("-3", -3), ("007", 7)])
def test_whole_numbers(text: str, number: int) -> None:
    assert read_whole(text) == number


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("1,000", "'1,000' can be read as 1000 or as 1.0; write 1000 or 1."),
        ("1.000", "'1.000' can be read as 1000 or as 1.0; write 1000 or 1."),
        ("12,500", "'12,500' can be read as 12500 or as 12.5; write 12500."),
        ("1.000.000", "'1.000.000' has a separator of thousands; write 1000000."),
        ("1 000", "'1 000' has a separator of thousands; write 1000."),
        ("1'000", "'1'000' has a separator of thousands; write 1000."),
        ("1,5", "'1,5' is not a whole number."),
        ("many", "'many' is not a whole number."),
    ],
)
def test_a_whole_number_that_could_be_another_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        read_whole(text)


def test_what_json_would_read_otherwise_than_a_person() -> None:
    assert [text for text in ("1.000", "12,500", "0.001", "0,125", "1000", "1.5") if is_ambiguous(text)] == [
        "1.000",
        "12,500",
    ]
