"""Write folds of a data set's training part (`s3n_core.reproduce.folds`).

python -m benchmarks.evidence.folds ../shared/data/CUB10 work/folds --folds 3
"""

from __future__ import annotations

import argparse
from pathlib import Path

from s3n_core.datasets.detection import open_data_set
from s3n_core.reproduce.folds import write_folds


def main() -> None:
    """Write the folds of a data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--folds", type=int, default=5)
    arguments = parser.parse_args()
    for folder in write_folds(open_data_set(arguments.data), arguments.out, arguments.folds):
        print(folder)


if __name__ == "__main__":
    main()
