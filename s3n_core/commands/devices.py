"""`s3n devices`: the devices of this machine, which one is chosen, and why not a faster one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption, RunsOption, find_model, open_named_model, say_problems
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.progress import print_json, progress_bars
from s3n_core.system.typed_paths import typed_path

HELP = """Show the devices of this machine, which one "auto" chooses and why, and the precisions that were measured here.

With --tune MODEL, measure on the CPU whether the precision float32+bfloat16 (O, and so every peak, in float32, D and C in
bfloat16) is faster than float32, and on how many images both predict the same class. The verdict is stored for this model,
processor and version of torch; --precision auto follows it and never measures. DATA is a folder of images, with or without
labels; without it, the validation and test images of the model's run are used. About 765 images are needed.

Examples: s3n devices
s3n devices --tune birds-1
s3n devices --tune birds-1 photos
"""


def devices(
    data: Annotated[Path | None, typer.Argument(metavar="[DATA]", help="With --tune: a folder of images.")] = None,
    tune: Annotated[
        str | None, typer.Option("--tune", metavar="MODEL", help="Measure which precision suits a model on the CPU.")
    ] = None,
    runs: RunsOption = None,
    json: JsonOption = False,
) -> None:
    """Show the devices, or measure a precision."""
    if tune is not None:
        _tune(tune, data, runs, json=json)
        return
    if data is not None:
        raise typer.BadParameter("a folder of images is used only with --tune MODEL: s3n devices --tune MODEL DATA.")

    from s3n_core.errors import DeviceError
    from s3n_core.evaluation.precision_verdict import verdict_line
    from s3n_core.models.device_memory import free_memory
    from s3n_core.models.device_names import DEVICES
    from s3n_core.models.devices import choose_device
    from s3n_core.models.tuned_precisions import stored_verdicts

    chosen = choose_device("auto")
    usable: list[dict[str, object]] = []
    missing: dict[str, str] = {}
    for name in DEVICES[1:]:
        try:
            choice = choose_device(name)
        except DeviceError as error:
            missing[name] = str(error)
        else:
            usable.append({**asdict(choice), "free_memory": free_memory(choice.device)})
    tuned = stored_verdicts()
    if json:
        verdicts = [{**asdict(verdict.tuned), "current": verdict.current} for verdict in tuned]
        print_json({"chosen": asdict(chosen), "usable": usable, "missing": missing, "tuned": verdicts})
        return
    typer.echo(f"auto chooses {chosen.device}: {chosen.name}" + (f" ({chosen.reason})" if chosen.reason else ""))
    for device in usable:
        free = device["free_memory"]
        text = f", {free / 2**30:.3g} GB free" if isinstance(free, int) else ""
        typer.echo(f"{device['device']}: {device['name']}{text}")
    for sentence in missing.values():
        typer.echo(sentence)
    if tuned:
        typer.echo("Measured precisions, which auto follows on the CPU:")
    for verdict in tuned:
        other = f" (not used: measured with {verdict.tuned.processor}, torch {verdict.tuned.torch})"
        typer.echo(f"  {verdict_line(verdict.tuned)}{'' if verdict.current else other}")


def _tune(model: str, data: Path | None, runs: Path | None, *, json: bool) -> None:
    from s3n_core.evaluation.chosen_images import comparison_images
    from s3n_core.evaluation.precision_verdict import few_images_text, tuning_text

    chosen = comparison_images(find_model(model, runs), data)
    say_problems(chosen.data_set, json=json)
    if few := few_images_text(len(chosen.records)):
        say(few)

    from s3n_core.evaluation.precision_tuning import tune_precision
    from s3n_core.models.tuned_precisions import store_tuned

    opened = open_named_model(model, runs, "cpu", "float32", None)
    stopped = interruptible(lambda: "Stopped; nothing was stored.")
    with stopped, progress_bars("Timing", "Comparing", json=json) as (timing, progress):
        tuned = tune_precision(
            opened, chosen.records, name=_named(model), split=chosen.split, timing=timing, progress=progress
        )
    store_tuned(tuned)
    if json:
        print_json({"event": "tuned", "data": str(chosen.data_set.root), **asdict(tuned)})
    else:
        typer.echo(f"Images: {chosen.split} of {chosen.data_set.root}\n{tuning_text(tuned)}")


def _named(model: str) -> str:
    """Return what the verdict calls the model: a run's name as it is, a path so that it means the same in each folder."""
    path = typed_path(model)
    return str(path.absolute()) if path.exists() else model
