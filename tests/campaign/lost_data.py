"""A data set that disappears or is damaged during a training: an error message, or images that are left out and named.

    python tests/campaign/lost_data.py --count 30 --seed 0 --out lost_data.json

At a random batch, from another thread, while images are being decoded, the folder is renamed, emptied, or deleted file by file,
or some images are replaced by random bytes, empty files, folders, or broken links. A run that stopped with an error message is
resumed once the data set is back. If the whole folder was gone, its end is compared with that of an undisturbed run; images
that disappear one by one are left out, so such a run has learned from fewer.
"""

from __future__ import annotations

import os
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests"), str(CHECKOUT / "tests" / "core" / "training")]

import torch  # noqa: E402
from campaign.cases import count_cases, parser_of, tell  # noqa: E402
from tiny_training import assert_same_training, draw_pictures, prepare, train  # noqa: E402

from s3n_core.errors import S3NError  # noqa: E402
from s3n_core.runs.run_directory import RunDirectory, is_live  # noqa: E402
from s3n_core.training import loop  # noqa: E402
from s3n_core.training.events import Event, StepDone  # noqa: E402

Harm = Callable[[Path, random.Random], None]


def rename(data: Path, chance: random.Random) -> None:
    data.rename(data.with_name("elsewhere"))


def empty(data: Path, chance: random.Random) -> None:
    shutil.rmtree(data)
    data.mkdir()


def delete_file_by_file(data: Path, chance: random.Random) -> None:
    for path in sorted(data.rglob("*.png")):
        path.unlink()
        time.sleep(0.01)


def spoil(data: Path, chance: random.Random) -> None:
    for path in chance.sample(sorted(data.rglob("*.png")), 5):
        content = path.read_bytes()
        path.unlink()
        match chance.randrange(5):
            case 0:
                path.write_bytes(b"junk" * 100)
            case 1:
                path.write_bytes(content[: chance.randrange(len(content))])
            case 2:
                path.mkdir()
            case 3:
                path.symlink_to("nowhere.png")
            case _:
                path.write_bytes(b"")


HARMS: tuple[Harm, ...] = (rename, empty, delete_file_by_file, spoil, spoil)


def one_case(folder: Path, reference: RunDirectory, number: int, chance: random.Random) -> str:
    data = folder / f"case-{number}" / "birds"
    shutil.copytree(folder / "birds", data)
    run = prepare(folder / f"case-{number}" / "run", data)
    harm = HARMS[number % len(HARMS)]
    when = (chance.randrange(3), chance.randrange(1, 5))
    threads: list[threading.Thread] = []

    def during(event: Event) -> None:
        if isinstance(event, StepDone) and (event.epoch, event.batch) == when:
            threads.append(threading.Thread(target=harm, args=(data, chance)))
            threads[-1].start()

    try:
        train(run, workers=2, during=during)
        outcome = "went on"
    except S3NError as error:
        text = str(error)
        assert "\n" not in text, text
        state = run.read_state()
        assert state is not None
        assert (state.status, state.message) == ("failed", text), (state, text)
        outcome = "a sentence"
    for thread in threads:
        thread.join()
    assert not is_live(run.path)
    alive = [thread.name for thread in threading.enumerate() if thread.name.startswith("s3n-decode")]
    assert not alive, f"loading threads are left: {alive}"
    if outcome == "a sentence":
        shutil.rmtree(data, ignore_errors=True)
        shutil.copytree(folder / "birds", data)
        train(run, workers=2)
        if harm is rename:
            assert_same_training(run, reference)
    return f"{harm.__name__}: {outcome}"


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser_of(__doc__, count=30, what="lost data sets").parse_args(arguments)
    torch.set_num_threads(1)
    loop.REPORT_SECONDS = 0.0
    chance, folder = random.Random(given.seed), Path(tempfile.mkdtemp(prefix="s3n-lost-"))
    os.environ["S3N_HOME"] = str(folder)
    draw_pictures(folder / "birds")
    reference = prepare(folder / "reference", folder / "birds")
    train(reference)

    def case(number: int) -> str:
        try:
            return one_case(folder, reference, number, chance)
        finally:
            shutil.rmtree(folder / f"case-{number}", ignore_errors=True)

    summary = count_cases(given.count, given.seed, case)
    shutil.rmtree(folder, ignore_errors=True)
    return tell(summary, given.out)


if __name__ == "__main__":
    raise SystemExit(main())
