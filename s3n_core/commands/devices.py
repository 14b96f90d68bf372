"""`s3n devices`: the devices of this machine, which one is chosen, and why not a faster one."""

from __future__ import annotations

from dataclasses import asdict

import typer

from s3n_core.commands.arguments import JsonOption
from s3n_core.commands.progress import print_json

HELP = """Show the devices of this machine, which one "auto" chooses, and why.

Example: s3n devices
"""


def devices(json: JsonOption = False) -> None:
    """Show the devices."""
    from s3n_core.errors import DeviceError
    from s3n_core.models.device_names import DEVICES
    from s3n_core.models.devices import choose_device, free_memory

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
    if json:
        print_json({"chosen": asdict(chosen), "usable": usable, "missing": missing})
        return
    typer.echo(f"auto chooses {chosen.device}: {chosen.name}" + (f" ({chosen.reason})" if chosen.reason else ""))
    for device in usable:
        free = device["free_memory"]
        text = f", {free / 2**30:.3g} GB free" if isinstance(free, int) else ""
        typer.echo(f"{device['device']}: {device['name']}{text}")
    for sentence in missing.values():
        typer.echo(sentence)
