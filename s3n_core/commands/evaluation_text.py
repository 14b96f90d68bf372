"""An evaluation and its cascade as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from s3n_core.commands.text_tables import table_text
from s3n_core.evaluation.cascade import CascadePoint, most_saving
from s3n_core.evaluation.intervals import mean_accuracy_text
from s3n_core.evaluation.result import Evaluation
from s3n_core.inspection.number_text import probability_text

MOST_COLUMNS = 20
"""With more classes than this, only the most frequent confusions are printed instead of the whole matrix."""

_MOST_UNREADABLE = 20


def evaluation_text(evaluation: Evaluation) -> str:
    """Return all results of an evaluation as text that ends with a newline."""
    sections = [_summary(evaluation), _accuracies(evaluation), _evidence(evaluation), _classes(evaluation)]
    if len(evaluation.classes) <= MOST_COLUMNS:
        sections.append(_matrix(evaluation))
    sections.append(_confusions(evaluation))
    sections.append(_unreadable(evaluation))
    return "\n\n".join(section for section in sections if section) + "\n"


def curve_text(curve: Sequence[CascadePoint]) -> str:
    """Return a curve as an aligned table, with the threshold that it suggests, as text that ends with a newline."""
    rows = [("Stop below (nats)", "Stopped", "Top-1", "Passes per image")]
    for point in curve:
        threshold = "-" if point.stop_below is None else f"{point.stop_below:g}"
        stopped = probability_text(point.stopped / point.images)
        rows.append((threshold, stopped, point.top1_text, f"{point.passes:.2f}"))
    best = most_saving(curve)
    if best.stop_below is None:
        advice = "Even the lowest threshold loses accuracy on these images."
    else:
        advice = (
            f"On these images --stop-below {best.stop_below:g} saves the most without losing accuracy: "
            f"{best.passes:.2f} instead of {curve[0].passes:.2f} passes per image."
        )
    return f"{table_text(rows)}\n{advice}\n"


def _summary(evaluation: Evaluation) -> str:
    model = f", model {evaluation.model}" if evaluation.model else ""
    left_out = f", not counting {evaluation.unlabelled} without a label" if evaluation.unlabelled else ""
    return (
        f"Top-1 {evaluation.accuracies[0].top1_text}{left_out}; 95 % intervals in brackets\n"
        f"Mean over classes {mean_accuracy_text(evaluation.mean_class_accuracy, evaluation.mean_class_interval)}, "
        f"loss {evaluation.loss:.4f}\n"
        f"Sampling mode {evaluation.mode}, precision {evaluation.precision}{model}"
    )


def _accuracies(evaluation: Evaluation) -> str:
    rows = [("Prediction", "Top-1", "Top-5")]
    rows += [(row.name, row.top1_text, row.top5_text) for row in evaluation.accuracies]
    return table_text(rows)


def _evidence(evaluation: Evaluation) -> str:
    rules = ", ".join(f"{name} in {probability_text(share)}" for name, share in evaluation.rules.items())
    return (
        f"Entropy H {evaluation.entropy:.3f} nats on average (delta {evaluation.entropy_threshold:g}); "
        f"map R of Eq. 3: {rules} of the images\n"
        f"Peaks {evaluation.peaks:.1f} per image on average; none in {probability_text(evaluation.without_peaks)}"
    )


def _classes(evaluation: Evaluation) -> str:
    rows = [("Class", "Images", "Correct", "Accuracy")]
    for name, row in zip(evaluation.classes, evaluation.by_class(), strict=True):
        rows.append((_printable(name), str(row.images), str(row.correct), row.recall_text))
    return table_text(rows)


def _matrix(evaluation: Evaluation) -> str:
    numbers = [str(index + 1) for index in range(len(evaluation.classes))]
    rows = [["Confusion (rows: true class, columns: predicted)", *numbers]]
    for number, name, counts in zip(numbers, evaluation.classes, evaluation.confusion.tolist(), strict=True):
        rows.append([f"{number:>2} {_printable(name)}", *(str(count) if count else "." for count in counts)])
    return table_text(rows)


def _confusions(evaluation: Evaluation) -> str:
    confusions = evaluation.confusions()
    if not confusions:
        return ""
    rows = [("Most frequent mistakes: true class", "predicted class", "Images")]
    rows += [
        (_printable(evaluation.classes[row.label]), _printable(evaluation.classes[row.predicted]), str(row.count))
        for row in confusions
    ]
    return table_text(rows, left=2)


def _unreadable(evaluation: Evaluation) -> str:
    if not evaluation.unreadable:
        return ""
    count = len(evaluation.unreadable)
    lines = [f"Left out, as there is no prediction: {count}"]
    lines += [f"  {_printable(name)}: {reason}" for name, reason in evaluation.unreadable[:_MOST_UNREADABLE]]
    if count > _MOST_UNREADABLE:
        lines.append(f"  and {count - _MOST_UNREADABLE} more")
    return "\n".join(lines)


def _printable(text: str) -> str:
    """Escape what would break a line or an encoder: control characters and lone surrogates."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
