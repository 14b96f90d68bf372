"""Entry point of the command line: ``python -m s3n_core`` and the program ``s3n``."""

import os
import sys


def main() -> int:
    """Run the command line and return its exit code; Ctrl+C during import also exits without a traceback."""
    # Read when torch is loaded. Beside other work, waiting threads that spin instead of sleeping make an export take two and a
    # half times as long, a training step ten times, and a dragged peak 430 ms instead of 18; on a quiet machine sleeping costs
    # 2.5 % (benchmarks/wait_policy.py).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        from s3n_core.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
