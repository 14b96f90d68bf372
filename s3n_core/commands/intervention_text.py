"""Attributions held against exact interventions, as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from s3n_core.commands.text_tables import table_text
from s3n_core.evaluation.goals import goal_table
from s3n_core.parts.truth.intervention_result import NOT_TRAINED, AttributionRow, InterventionMeasures, Mean


def interventions_text(found: InterventionMeasures, *, goals: bool = False) -> str:
    """Return all measures as text that ends with a newline; ``goals`` adds which goals are met."""
    rows = found.rows()
    sections = [_heading(found), _completeness(rows), _correctness(rows), _gain(found)]
    if goals:
        sections.append(table_text(goal_table(found.goals())))
    return "\n\n".join(section for section in sections if section) + "\n"


def _heading(found: InterventionMeasures) -> str:
    told, of = found.told
    independence, objects = found.background_independence
    confirmed, asked = found.premises
    lines = [
        f"{len(found.scenes)} of {found.total} images with interventions were measured, of the {found.species} species that "
        "the model knows."
    ]
    if found.unknown:
        lines.append(f"{found.unknown} images show species that it does not know.")
    lines += [f"Left out: {name}: {reason}" for name, reason in found.left_out]
    lines += [
        f"Predictions: {found.correct} of {len(found.scenes)} correct; without one part {told} of {of} that still fit one "
        "species only.",
        f"Background independence (BI): {_number(independence)} of {objects} objects.",
        f"Logit not above 0, left out of D and BI: {found.not_positive} images.",
    ]
    if asked:
        lines.append(f"Target sensitivity (TS): removal confirms the premise in {confirmed} of {asked} images.")
    else:
        lines.append(
            "Target sensitivity (TS) cannot be measured: it needs two classes that share two parts each with the image's "
            "class. Among all 24 species every one has such classes."
        )
    return "\n".join(lines)


def _completeness(rows: Sequence[AttributionRow]) -> str:
    table: list[tuple[str, ...]] = [
        ("Completeness", "t", "CSDC", "PC", "DC", "D", "All (95 %)", "Unclipped", "FunnyBirds' way")
    ]
    for row in rows:
        at = row.fitted
        values = [_number(mean.value) for mean in at.means.values()]
        others = [_number(of.completeness.value) for of in (row.unclipped, row.funnybirds)]
        table.append((_label(row), f"{at.t:.3f}", *values, _interval(at.completeness), *others))
    means = rows[0].fitted.means
    counts = ", ".join(
        f"{name} {means[key].images}" for name, key in (("CSDC", "csdc"), ("PC and DC", "pc"), ("D", "d"))
    )
    note = (
        f"Images of each measure: {counts}. t is fitted on every second image and used on the others; in FunnyBirds' way it is "
        "fitted and used on all."
    )
    return f"{table_text(table)}\n{note}"


def _correctness(rows: Sequence[AttributionRow]) -> str:
    table: list[tuple[str, ...]] = [
        ("Correctness, contrastivity", "SD (95 %)", "Images", "By density", "TS (95 %)", "Images", "By density")
    ]
    for row in rows:
        sd, ts = ((_interval(mean), str(mean.images)) for mean in (row.sd, row.ts))
        table.append((_label(row), *sd, _number(row.sd_by_density.value), *ts, _number(row.ts_by_density.value)))
    return table_text(table)


def _gain(found: InterventionMeasures) -> str:
    said = []
    for name, gain in zip(("SD", "completeness"), found.gains(), strict=True):
        if gain.value is not None:
            interval = "" if gain.interval is None else " (95 % {:+.3f} to {:+.3f})".format(*gain.interval)
            said.append(f"to {name} {gain.value:+.3f}{interval}, {gain.images} images")
    return f"What placing D and C adds: {'; '.join(said)}." if said else ""


def _label(row: AttributionRow) -> str:
    return f"{row.kind}: {row.name}" if row.kind in NOT_TRAINED else row.name


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _interval(mean: Mean) -> str:
    interval = "" if mean.interval is None else " ({:.2f} to {:.2f})".format(*mean.interval)
    return f"{_number(mean.value)}{interval}"
