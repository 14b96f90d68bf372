"""The formats of numbers: one minus for all, and no sign where nothing but zero is written."""

import math

import pytest

from s3n_core.inspection.number_text import number_text, signed_decimals, signed_percent, signed_text


def test_negative_numbers_have_the_minus_that_is_as_wide_as_the_plus() -> None:
    assert [number_text(value) for value in (-0.4, -1230.0, -1e-9, -math.inf)] == ["−0.4", "−1230", "−1.0e-09", "−∞"]
    assert [signed_text(value) for value in (0.1234, -3.36, -1e-12, 0.0)] == ["+0.12", "−3.4", "−1.0e-12", "0"]
    assert [signed_decimals(value) for value in (2.084, -0.106, -0.004, 0.004)] == ["+2.08", "−0.11", "0.00", "0.00"]
    assert [signed_decimals(value, 1) for value in (12.34, -0.06, -0.04)] == ["+12.3", "−0.1", "0.0"]
    assert [signed_percent(share) for share in (0.241, -0.03, 0.0, -0.0002)] == ["+24.1 %", "−3.0 %", "0.0 %", "0.0 %"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_said(value: float) -> None:
    assert signed_decimals(value) == "not finite"
    assert not signed_text(math.nan).startswith(("+", "−"))
