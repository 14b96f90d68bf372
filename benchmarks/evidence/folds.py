"""Cross-validation inside the training part: folders of list files that share the data set's images.

    python -m benchmarks.evidence.folds ../shared/data/CUB10 work/folds --folds 3

Writes ``work/folds/CUB10-fold0of3`` and so on: ``train.txt`` without the fold, ``test.txt`` with only the fold. Neither
contains images of the official test split.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.system.seeding import keyed_generator


def write_folds(data: Path, out: Path, folds: int) -> list[Path]:
    """Write folds of a data set's training split, stratified by class and keyed by image names."""
    data_set = open_data_set(data)
    by_class: dict[int, list[str]] = defaultdict(list)
    for record in data_set.records:
        if record.split == "train" and record.label is not None:
            by_class[record.label].append(record.path.relative_to(data_set.root).as_posix())
    fold_of: dict[str, int] = {}
    dealt = 0
    for names in by_class.values():
        draws = {name: keyed_generator(0, "fold", name).random() for name in names}
        for name in sorted(names, key=lambda name: (draws[name], name)):
            fold_of[name] = dealt % folds
            dealt += 1
    label_of = {name: label for label, names in by_class.items() for name in names}
    made = []
    for fold in range(folds):
        folder = out / f"{data.name}-fold{fold}of{folds}"
        folder.mkdir(parents=True, exist_ok=True)
        images = folder / "data"
        if not images.is_symlink():
            images.symlink_to(data.resolve(), target_is_directory=True)
        for file, wanted in (("train.txt", False), ("test.txt", True)):
            lines = [f"data/{n} {label_of[n]}\n" for n in sorted(fold_of) if (fold_of[n] == fold) == wanted]
            (folder / file).write_text("".join(lines), encoding="utf-8")
        (folder / "classes.txt").write_text("\n".join(data_set.classes) + "\n", encoding="utf-8")
        made.append(folder)
    return made


def main() -> None:
    """Write the folds of a data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    for folder in write_folds(arguments.data, arguments.out, arguments.folds):
        print(folder)


if __name__ == "__main__":
    main()
