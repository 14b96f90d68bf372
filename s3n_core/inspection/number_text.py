"""Number formats shared by the window and figures."""

from __future__ import annotations

import math


def number_text(value: float, digits: int = 3) -> str:
    """Format a number with the given significant digits, avoiding scientific notation where possible."""
    if math.isnan(value):
        return "not a number"
    if not math.isfinite(value):
        return "∞" if value > 0 else "–∞"
    value = float(f"{value:.{digits}g}") + 0.0
    if value == 0:
        return "0"
    places = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    if places > 6:
        return f"{value:.1e}"
    text = f"{value:.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


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
