"""Where the command line starts: ``python -m s3n_core`` and the program ``s3n``."""

import sys


def main() -> int:
    """Run the command line; Ctrl+C while it is still being loaded ends it quietly, too."""
    try:
        from s3n_core.cli import main as run

        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
