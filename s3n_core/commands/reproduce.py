"""`s3n reproduce`: the paper's tables and their controls, by one command."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from s3n_core.commands.arguments import DeviceOption, JsonOption, WorkersOption, say_problems
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import print_event, print_json, progress_bar

if TYPE_CHECKING:
    from s3n_core.reproduce.experiments import Experiment
    from s3n_core.reproduce.planning import Plan

HELP = """Train and measure what a table of the paper needs, and write it: Markdown, CSV, LaTeX and a plot.

Every arm is trained with several seeds; what a table shares with another is trained once. A stopped command goes on where it was.
The same command in several terminals, or on several machines with the same folder, shares the work.

--experiments FILE adds experiments of your own: {"experiments": [{"key": "mine", "title": "My comparison", "arms": [{"title":
"as it is"}, {"title": "larger", "settings": {"network.input_size": 320}}]}]}. With it, "all" means those of FILE only.

Example: s3n reproduce table2 controls --data CUB --seeds 3 --out tables
"""


def reproduce(
    experiments: Annotated[
        list[str] | None, typer.Argument(metavar="EXPERIMENT...", help="Names from --list, or all.")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", metavar="DIR", help="A data set; can be repeated.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="The campaign's folder.")] = None,
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="N", parser=whole(1, 1000), help="Number of trainings of each arm.")
    ] = 3,
    folds: Annotated[
        int,
        typer.Option(
            "--folds",
            metavar="N",
            parser=whole(0, 50),
            help="Cross-validation inside the training images; 0: the official test images are measured.",
        ),
    ] = 0,
    all_images: Annotated[
        bool,
        typer.Option(
            "--all-images",
            help="With --folds: repeated cross-validation; each seed divides all labelled images anew, test images too.",
        ),
    ] = False,
    recipe: Annotated[
        str, typer.Option("--recipe", "-r", metavar="NAME", help="The recipe that arms change.")
    ] = "paper",
    setting: Annotated[
        list[str] | None,
        typer.Option("--set", "-s", metavar="FIELD=VALUE", help="Change a setting of the recipe; can be repeated."),
    ] = None,
    device: DeviceOption = "auto",
    workers: WorkersOption = None,
    tables: Annotated[bool, typer.Option("--tables", help="Only write the tables from what is finished.")] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Exit with 1 unless the method is better than every control, with three seeds at least."
        ),
    ] = False,
    declared: Annotated[
        Path | None,
        typer.Option("--experiments", metavar="FILE", help="A JSON file that declares more experiments."),
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            "--answers",
            metavar="DIR",
            help="Only print tables from stored answers (DIR/DATA/NAME-SEED.csv); --data may be a pattern of names.",
        ),
    ] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the experiments and exit.")] = False,
    json: JsonOption = False,
) -> None:
    """Reproduce tables of the paper."""
    from s3n_core.reproduce.experiments import EXPERIMENTS, MEASURE_TITLES

    known = dict(EXPERIMENTS)
    if declared is not None:
        from s3n_core.reproduce.experiment_files import read_experiments

        more = read_experiments(declared)
        if taken := [name for name in more if name in known]:
            raise typer.BadParameter(f"{declared} declares {taken[0]}, which is an experiment of the paper; rename it")
        known = more if experiments == ["all"] else known | more
    if list_all:
        for experiment in known.values():
            typer.echo(f"{experiment.key}: {experiment.title}; {', '.join(arm.title for arm in experiment.arms)}")
            if experiment.measures:
                typer.echo(f"  measured: {', '.join(MEASURE_TITLES[measure] for measure in experiment.measures)}")
        return
    if not experiments or not data or (out is None and answers is None):
        raise typer.BadParameter("name at least one experiment, --data and --out; --list lists the experiments")
    if folds == 1:
        raise typer.BadParameter("--folds needs 2 or more: with one fold there is nothing to learn from")
    if all_images and not folds:
        raise typer.BadParameter("--all-images divides the images into folds; add --folds, such as --folds 5")
    chosen = list(known) if experiments == ["all"] else list(dict.fromkeys(experiments))
    if unknown := [name for name in chosen if name not in known]:
        raise typer.BadParameter(f"there is no experiment {unknown[0]}; choose from {', '.join(known)}")
    if check and not any(known[name].family for name in chosen):
        raise typer.BadParameter("--check needs an experiment with controls, such as controls")
    if answers is not None:
        _print_stored([known[name] for name in chosen], answers, data, json)
        if check:
            _check_stored([known[name] for name in chosen if known[name].family], answers, data)
        return
    assert out is not None

    from s3n_core.datasets.assignment import assignment_sentence
    from s3n_core.reproduce.planning import open_materials, plan_campaign
    from s3n_core.training.recipe import parse_settings
    from s3n_core.training.recipes import find_recipe

    base = find_recipe(recipe).changed(parse_settings(setting or []))
    materials = open_materials(data, out, folds, divisions=seeds if all_images else 0)
    for material in materials:
        if material.whole.original is not None:
            say(assignment_sentence(material.whole))
        say_problems(material.whole, json=json)
    plan = plan_campaign([known[name] for name in chosen], materials, base, seeds)

    from s3n_core.reproduce.rendering import write_tables
    from s3n_core.reproduce.results import decides, why_no_verdict

    if not tables:
        _run(plan, out, device, workers, json)
    written = write_tables(plan, out, device=device)
    for table in written:
        if not json:
            typer.echo(table.files[0].read_text(encoding="utf-8"))
        for file in table.files:
            say(f"Written: {file}")
    if check:
        families = [table for table in written if table.experiment.family]
        for table in families:
            if reason := why_no_verdict(table.results):
                say(f"No verdict on {table.experiment.key}: {reason}.")
            elif not decides(table.experiment, table.results):
                say(f"The criterion of {table.experiment.key} is not met: a lower bound is not above 0.")
        if not all(decides(table.experiment, table.results) for table in families):
            raise typer.Exit(1)


def _print_stored(experiments: list[Experiment], answers: Path, data: list[Path], json: bool) -> None:
    """Print the tables that stored answers give.

    Raises:
        DataSetError: There are none.
    """
    from s3n_core.errors import DataSetError
    from s3n_core.reproduce.markdown import markdown_table
    from s3n_core.reproduce.stored_answers import stored_table

    printed = False
    for experiment in experiments:
        for path in data:
            head, *rows = stored_table(experiment, answers, path.name)
            if not rows:
                continue
            printed = True
            if json:
                table = {"experiment": experiment.key, "data": path.name, "compared": experiment.compared}
                print_json({"event": "table", **table, "rows": [dict(zip(head, row, strict=True)) for row in rows]})
                continue
            typer.echo(f"# {experiment.title}: {path.name}\n\n" + "\n".join(markdown_table([head, *rows])))
            typer.echo(f"\nPercent; differences in points over {experiment.compared}, with 95 % intervals.")
            if "adjusted bound" in head:
                typer.echo(
                    f"Adjusted bound: the lower bound of what {experiment.compared} gains over the network, in points, by Holm's "
                    "procedure over all comparisons."
                )
            if "log loss, difference" in head:
                typer.echo(f"Log loss in nats: above zero is worse than {experiment.compared}.")
            if any(" of " in row[head.index("seeds")] for row in rows):
                typer.echo("Seeds: 2 of 3 means that one lacks images that the others have, and is left out.")
            typer.echo()
    if not printed:
        raise DataSetError(
            f"{answers} has no stored answers of these experiments on {', '.join(path.name for path in data)}."
        )


def _check_stored(families: list[Experiment], answers: Path, data: list[Path]) -> None:
    """End with 1 unless stored answers meet the criterion of each experiment on each data set."""
    from s3n_core.reproduce.stored_answers import stored_shortcoming

    met = True
    for experiment in families:
        for path in data:
            if reason := stored_shortcoming(experiment, answers, path.name):
                met = False
                say(f"The criterion of {experiment.key} is not met on {path.name}: {reason}.")
    if not met:
        raise typer.Exit(1)


def _run(plan: Plan, out: Path, device: str, workers: int | None, json: bool) -> None:
    from s3n_core.reproduce.campaign import run_campaign
    from s3n_core.reproduce.rendering import write_tables
    from s3n_core.system.processes import lower_own_priority

    lower_own_priority()

    def left() -> str:
        return "Stopped; the same command goes on where it was."

    with (
        interruptible(left),
        progress_bar("Trainings", quiet=json) as bar,
        closing(run_campaign(plan, out, device=device, workers=workers)) as steps,
    ):
        for step in steps:
            if json:
                print_event(step)
            note = f"{step.cell}, epoch {step.epoch} of {step.epochs}" if step.cell else ""
            bar(step.done, step.total, note, step.seconds_left)
            if step.failed:
                say(f"{step.cell}: {step.failed}")
            if step.finished:
                write_tables(plan, out, pictures=False)  # they grow with every training
            if not step.cell and step.elsewhere:
                say(f"{step.elsewhere} trainings are still done by another process; run this again when it has ended.")
