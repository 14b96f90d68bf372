"""What the settings say about a precision: what Automatic does, what does not work, and what was measured here."""

from __future__ import annotations

from pathlib import Path

from s3n_core.evaluation.precision_verdict import verdict_words
from s3n_core.models.device_names import precision_refusal
from s3n_core.models.tuned_precisions import stored_verdicts
from s3n_core.system.processor import this_processor
from s3n_gui.appearance.wording import place_text

_MOST_VERDICTS = 3
_NAME_LETTERS = 40


def precision_words(precision: str, device: str) -> str:
    """Return the sentences below the choice of a precision, in lines.

    Args:
        precision: The chosen precision.
        device: The device in use, "cpu", "cuda" or "mps"; empty while it is not known.
    """
    if refusal := precision_refusal(precision, device):
        return f"{refusal} With this setting, no model can be opened."
    if device == "cuda":
        return "Automatic: bfloat16 if the GPU supports it. With O in float32, peaks are those of float32"
    if device != "cpu":
        return "Automatic: float32. With O in float32, peaks are those of float32"
    lines = ["Automatic: float32, or what was measured for a model (s3n devices --tune MODEL)"]
    if this_processor().bfloat16 is False:
        lines.append("This processor has no bfloat16 units, so bfloat16 is slower")
    verdicts = [verdict.tuned for verdict in stored_verdicts() if verdict.current]
    for tuned in verdicts[:_MOST_VERDICTS]:
        lines.append(f"{place_text(Path(tuned.name), _NAME_LETTERS)}: {verdict_words(tuned)}")
    if len(verdicts) > _MOST_VERDICTS:
        lines.append(f"{len(verdicts) - _MOST_VERDICTS} more: s3n devices")
    return "\n".join(lines)
