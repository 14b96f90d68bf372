"""`s3n parts agree`: which parts the atlases of several models share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, RunsOption, WorkersOption
from s3n_core.commands.failures import interruptible
from s3n_core.commands.parts.opened_atlas import AtlasArgument, DataOption, atlas_model, atlas_records
from s3n_core.commands.progress import print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.evaluation.intervals import share_text

if TYPE_CHECKING:
    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.atlas_agreement import RankAgreement
    from s3n_core.parts.comparison.comparison import Comparison


def agree(
    atlas: AtlasArgument,
    others: Annotated[
        list[Path], typer.Argument(metavar="OTHER...", help="Atlases of other models, from the same images.")
    ],
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option("--pair", metavar="A B", help="Also compare these two classes with each model."),
    ] = None,
    removal: Annotated[
        bool, typer.Option("--removal/--no-removal", help="With --pair: also hide each part in each image.")
    ] = True,
    data: DataOption = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Put the atlases of several models side by side: which parts they share, and whether they rank them alike.

    Parts are matched by where their peaks lie in the same images. With --pair, each model compares the two classes (a kept answer
    is used), and the rankings are compared by Kendall's tau. Models of other training seeds show how sure a ranking is.

    Example: s3n parts agree atlas atlas-seed1 atlas-seed2 --pair "Frost tailed Willowling" "Bibbed Willowling"
    """
    from itertools import combinations

    from s3n_core.parts.atlas.atlas import Atlas
    from s3n_core.parts.comparison.atlas_agreement import match_parts, rank_agreement

    opened = [Atlas(path) for path in (atlas, *others)]
    for one in opened:
        for name in pair or ():
            one.class_index(name)
    compared = [
        None if pair is None else _kept_or_compared(one, pair, removal, data, device, workers, runs, json=json)
        for one in opened
    ]
    for first, second in combinations(range(len(opened)), 2):
        matched = match_parts(opened[first], opened[second])
        ranks = None
        if (of_first := compared[first]) is not None and (of_second := compared[second]) is not None:
            ranks = rank_agreement(of_first, of_second, matched)
        names = str(opened[first].path), str(opened[second].path)
        if json:
            print_json(
                {"event": "agreement", "first": names[0], "second": names[1], "parts": matched, "ranking": ranks}
            )
            continue
        rows = [[names[0], names[1], "shared places", "of the first's places"]]
        rows += [
            [
                match.first_name or "-",
                match.second_name or "-",
                f"{100 * match.overlap:.0f} %",
                "" if match.first is None or match.second is None else share_text(match.shared, match.places),
            ]
            for match in matched
        ]
        typer.echo(table_text(rows))
        both = sum(match.first is not None and match.second is not None for match in matched)
        typer.echo(f"{both} of {len(matched)} parts are in both.")
        if ranks is not None:
            typer.echo(_ranks_text(ranks))


def _kept_or_compared(
    atlas: Atlas,
    pair: tuple[str, str],
    removal: bool,
    data: Path | None,
    device: str,
    workers: int | None,
    runs: Path | None,
    *,
    json: bool,
) -> Comparison:
    """Return the comparison of two classes that an atlas keeps, or compare them."""
    from s3n_core.parts.comparison.stored_comparisons import keep_comparison, kept_comparison

    if (kept := kept_comparison(atlas, *pair)) is not None and kept.current:
        return kept.comparison
    records = atlas_records(atlas, data)

    from s3n_core.parts.comparison.comparing import compare_classes

    network = atlas_model(atlas, None, runs, device)
    with interruptible(lambda: "Stopped; nothing was written."), progress_bar("Comparing", json=json) as bar:
        found = compare_classes(atlas, network, records, *pair, removal=removal, workers=workers, progress=bar)
    if removal:
        keep_comparison(atlas, found)
    return found


def _ranks_text(ranks: RankAgreement) -> str:
    """Return in words how well two rankings agree."""
    said = [
        f"{what} {tau:+.2f}"
        for what, tau in (("contribution", ranks.contribution), ("relied on", ranks.relied_on))
        if tau is not None
    ]
    first = {None: "one of them names no mark", True: "the same best mark", False: "different best marks"}[
        ranks.same_mark
    ]
    return f"Kendall's tau over {ranks.parts} shared parts: {', '.join(said) or 'too few parts'}; {first}."
