"""Number formats shared by the window, figures and reports; what programs read has Python's own formats."""

from __future__ import annotations

import math

MINUS = "\u2212"
"""The sign of negative numbers, as wide as the plus."""


def number_text(value: float, digits: int = 3) -> str:
    """Format a number with the given significant digits, avoiding scientific notation where possible."""
    if math.isnan(value):
        return "not a number"
    if not math.isfinite(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    value = float(f"{value:.{digits}g}") + 0.0
    if value == 0:
        return "0"
    sign, value = MINUS if value < 0 else "", abs(value)
    places = max(0, digits - 1 - math.floor(math.log10(value)))
    if places > 6:
        return f"{sign}{value:.1e}"
    text = f"{sign}{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed_text(value: float) -> str:
    """Format a change with its sign and two significant digits: "+0.12", "−3.4", "0"."""
    text = number_text(abs(value), 2)
    return text if text == "0" or math.isnan(value) else f"{MINUS if value < 0 else '+'}{text}"


def signed_decimals(value: float, places: int = 2) -> str:
    """Format what stands in a column or adds up, with its sign and decimals: "+2.08", "−0.11", "0.00"; or say "not finite"."""
    if not math.isfinite(value):
        return "not finite"
    text = f"{abs(value):.{places}f}"
    return text if not float(text) else f"{MINUS if value < 0 else '+'}{text}"


def magnification_text(ratio: float) -> str:
    """Format a magnification with two significant digits: "2.3", "12"."""
    return number_text(ratio, 2)


def probability_text(share: float) -> str:
    """Format a probability as a percentage with one decimal; never rounds up to certainty: "87.3 %", "> 99.9 %"."""
    if 0.9995 <= share < 1:
        return "> 99.9 %"
    if 0 < share < 0.0005:
        return "< 0.1 %"
    return f"{100 * share:.1f} %"


def signed_percent(share: float) -> str:
    """Format a share of a sum of absolute values, in [-1, 1], with its sign: "+24.1 %", "−3.0 %", "0.0 %"."""
    return f"{signed_decimals(100 * share, 1)} %"
