"""`s3n import-checkpoint`: a checkpoint of the authors' released code, or of Hawkeye's S3N, as a model of this program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from s3n_core.commands.arguments import JsonOption
from s3n_core.commands.failures import say
from s3n_core.commands.number_options import whole
from s3n_core.commands.progress import print_json
from s3n_core.errors import ModelFileError, OutputError

HELP = """Turn a checkpoint of the authors' released code, or of the Hawkeye library's S3N, into a model file.

The model predicts the same as the released code in its last test stage, and can be used like any other model. Only tensors
are read; a checkpoint that contains code is rejected.

Example: s3n import-checkpoint model_best.pth --classes CUB_200_2011 --out released.safetensors
"""


def import_checkpoint(
    checkpoint: Annotated[Path, typer.Argument(metavar="FILE", help="The checkpoint: .pt, .pth or .safetensors.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="MODEL", help="The model file to write: .safetensors.")],
    classes: Annotated[
        Path | None,
        typer.Option(
            "--classes",
            metavar="FILE|DATA",
            help="Class names: a text file with one per line, or the data set; default: class 0, class 1, ...",
        ),
    ] = None,
    input_size: Annotated[
        int,
        typer.Option(
            "--input-size",
            metavar="PIXELS",
            parser=whole(32, 2048),
            help="Side length of the images that it was trained on, in pixels.",
        ),
    ] = 448,
    resize: Annotated[
        str | None,
        typer.Option(
            "--resize",
            metavar="NAME",
            help="Preprocessing of test images: squash_crop (the released code), keep_crop (Hawkeye) or squash; "
            "default: depends on the checkpoint.",
        ),
    ] = None,
    half: Annotated[
        bool, typer.Option("--half", help="Store float16: half the file size, nearly the same predictions.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Import a checkpoint."""
    if out.suffix.lower() != ".safetensors":
        raise OutputError(f"{out} is not a name for a model file; it must end with .safetensors.")
    if out.exists() and checkpoint.exists() and out.samefile(checkpoint):
        raise OutputError(f"{out} is the checkpoint itself; choose another name for the model.")
    from s3n_core.datasets.class_names import read_class_names

    names = read_class_names(classes) if classes is not None else None

    from s3n_core.datasets.transforms import Preprocess
    from s3n_core.method.configuration import ModelHeader
    from s3n_core.method.weight_licences import UNKNOWN
    from s3n_core.models.model_files import save_model
    from s3n_core.models.released_checkpoints import read_released_checkpoint
    from s3n_core.runs.model_paths import file_digest
    from s3n_core.training.preparing import versions

    try:
        kind = resize or "squash_crop"
        Preprocess(input_size=input_size, source_size=input_size, resize=kind)  # type: ignore[arg-type]  # checked inside
    except ValueError as error:
        raise ModelFileError(f"The images cannot be prepared this way: {error}.") from error
    read = read_released_checkpoint(checkpoint, input_size=input_size)
    count = read.network.config.num_classes
    if names is None:
        names = tuple(f"class {number}" for number in range(count))
    elif len(names) != count:
        raise ModelFileError(f"{classes} names {len(names)} classes, but {checkpoint} has {count}.")
    kind = resize or ("keep_crop" if read.hawkeye else "squash_crop")
    preprocess = Preprocess(input_size=input_size, source_size=input_size, resize=kind)  # type: ignore[arg-type]
    # Who trained them does not say what one may do with them.
    origin = {"architecture": read.network.config.backbone, "file": checkpoint.name, "licence": UNKNOWN}
    header = ModelHeader(
        network=read.network.config.model_copy(update={"origin": origin}),
        classes=names,
        preprocess=preprocess.to_dict(),
        recipe="hawkeye" if read.hawkeye else "release",
        data_set=classes.name if classes is not None and classes.is_dir() else "",
        versions=versions(),
    )
    save_model(out, read.network, header, half=half)
    if json:
        print_json(
            {
                "model": str(out),
                "digest": file_digest(out),
                "kind": header.recipe,
                "backbone": header.network.backbone,
                "classes": count,
                "preprocess": header.preprocess,
                "unused": read.unused,
            }
        )
        return
    whose = "Hawkeye's S3N" if read.hawkeye else "the released S3N"
    say(f"{whose[0].upper()}{whose[1:]} with {header.network.backbone} and {count} classes; test images: {kind}.")
    if read.unused:
        say(f"{len(read.unused)} of its tensors do not belong to S3N and were ignored (first: {read.unused[0]}).")
    say(header.network.licence_notice)
    if classes is None:
        say("Its classes have no names yet; use `--classes` with a text file or a data set.")
    typer.echo(str(out))
