"""`s3n weights`: the pretrained weights of all backbones: where they are, fetching them, and checking a file of one's own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption
from s3n_core.commands.failures import interruptible, say
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import megabytes, print_json, progress_bar
from s3n_core.commands.text_tables import table_text
from s3n_core.system.typed_paths import typed_path

HELP = "Pretrained weights of backbones: where they are, fetching them, and checking a file of your own."

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

_Name = Annotated[str, typer.Argument(metavar="NAME", help="A backbone, as `s3n backbones` lists them.")]

_LIST = """List pretrained weights: which are on this machine, their licence, size and SHA-256. Nothing is downloaded.

Examples: s3n weights list --search convnext; s3n weights list timm:convnext_tiny.fb_in22k
"""

_FETCH = """Download the pretrained weights of a backbone. Their licence is named first.

A stopped download goes on with the same command. What arrives is checked by its SHA-256 where the publisher gives one.

Example: s3n weights fetch timm:convnext_tiny.fb_in22k
"""

_CHECK = """Check whether a weight file fits a backbone: names and shapes of all tensors.

Example: s3n weights check resnet50 my_weights.pth; s3n train birds --set weights=my_weights.pth
"""


@app.command("list", help=_LIST)
def list_weights(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Only these backbones; default: all of this program."),
    ] = None,
    search: Annotated[
        str, typer.Option("--search", metavar="WORDS", help="Also those of timm whose names hold all these words.")
    ] = "",
    every: Annotated[bool, typer.Option("--all", help="Also all those of timm.")] = False,
    json: JsonOption = False,
) -> None:
    """List pretrained weights."""
    from s3n_core.method.backbone_catalogue import entries, entry_of, has_timm, licence_sentence
    from s3n_core.method.configuration import BACKBONES
    from s3n_core.runs.model_paths import file_sha256

    found = tuple(entries(search)) if search or every else tuple(map(entry_of, names or BACKBONES))
    hashes = ["" if entry.size is None else file_sha256(Path(entry.file)) for entry in found]
    if json:
        listed = [
            asdict(entry) | {"sentence": licence_sentence(entry), "sha256": sha256}
            for entry, sha256 in zip(found, hashes, strict=True)
        ]
        print_json({"event": "weights", "timm": has_timm(), "weights": listed})
        return
    head = ("backbone", "weights", "licence", "MB", "SHA-256", "file, or address")
    rows = [
        (
            entry.name,
            entry.tag,
            entry.licence,
            "" if entry.size is None else f"{entry.size / 1e6:.1f}",
            sha256[:16],
            entry.place if entry.size is None else entry.file,
        )
        for entry, sha256 in zip(found, hashes, strict=True)
    ]
    typer.echo(table_text([head, *rows], left=len(head)) if rows else f"No backbone's name holds {search!r}.")


@app.command("fetch", help=_FETCH)
def fetch(
    name: _Name,
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="Another address of the same file, such as a mirror's.")
    ] = "",
    json: JsonOption = False,
) -> None:
    """Download weights."""
    from s3n_core.method.backbone_catalogue import entry_of, licence_sentence
    from s3n_core.method.weight_files import fetch_weights
    from s3n_core.runs.model_paths import file_sha256

    say(licence_sentence(entry_of(name)))
    kept = "Stopped; what was downloaded is kept, and the same command goes on."
    with interruptible(lambda: kept), progress_bar("Downloading", json=json, late=True) as bar:
        file = fetch_weights(name, source=source, progress=megabytes(bar))
    size, sha256 = file.stat().st_size, file_sha256(file)
    if json:
        print_json({"event": "fetched", "name": name, "file": file, "size": size, "sha256": sha256})
    else:
        say(f"{size / 1e6:,.1f} MB, SHA-256 {sha256}")
        typer.echo(str(file))


@app.command("check", help=_CHECK)
def check(
    name: _Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A weight file, or a model of this program.")],
    size: Annotated[int, typer.Option("--size", metavar="PX", parser=whole(32, 2048), help="Side of the input.")] = 224,
    json: JsonOption = False,
) -> None:
    """Check a weight file."""
    from s3n_core.method.weight_files import check_weights
    from s3n_core.runs.model_paths import file_sha256

    file = typed_path(file)
    report = check_weights(name, file, size=size)
    whole_file = not report.missing and not report.reshaped
    verdict = f"The file fits {name}." if whole_file else f"Part of the file fits {name}: {report.loaded} tensors."
    sentences = (verdict, *report.sentences()[1:])
    if json:
        print_json(
            {
                "event": "checked",
                "name": name,
                "file": file.absolute(),
                "fits": whole_file,
                "loaded": report.loaded,
                "sentences": sentences,
                "sha256": file_sha256(file),
            }
        )
        return
    typer.echo(" ".join(sentences))
