"""`s3n parts truth`: rankings held against the truth of synthetic birds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import interruptible
from s3n_core.commands.parts.opened_atlas import AtlasArgument, ModelOption, atlas_model
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.evaluation.goals import fail_unless_met, goal_table


def truth(
    atlas: AtlasArgument,
    data: Annotated[Path, typer.Argument(metavar="TRUTH", help="Synthetic birds drawn with --interventions.")],
    removal: Annotated[
        bool, typer.Option("--removal/--no-removal", help="Also rank by what is lost when parts are hidden.")
    ] = True,
    check: Annotated[bool, typer.Option("--check", help="Print goals, and exit with 1 if one is missed.")] = False,
    model: ModelOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how often the part that is ranked first for two species is one in which they truly differ.

    Synthetic birds differ in known parts. The rankings by contribution and by removal stand beside exact removal of each part,
    the part's area, the best constant ranking and chance.

    Example: s3n demo-data truth --interventions --seed 7; s3n parts truth atlas truth --check
    """
    from s3n_core.parts.atlas.atlas import Atlas

    opened = Atlas(atlas)

    from s3n_core.parts.truth.ranking_protocol import measure_rankings

    network = atlas_model(opened, model, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Measuring", json=json) as bar:
        found = measure_rankings(opened, network, data, removal=removal, workers=workers, progress=bar)
    if json:
        print_json({"event": "rankings", "data": str(data), **found.to_dict()})
    else:
        typer.echo(table_text(found.table()))
        for sentence in found.sentences():
            typer.echo(sentence)
    if check:
        goals = found.goals()
        if not json:
            typer.echo(table_text(goal_table(goals)))
        fail_unless_met(goals)
