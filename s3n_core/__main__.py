"""Entry point of the command line: ``python -m s3n_core`` and the program ``s3n``."""

import sys


def main() -> int:
    """Run the command line and return its exit code; Ctrl+C during import also exits without a traceback."""
    try:
        from s3n_core.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
