"""`python -m s3n_core` is the command line."""

import sys

from s3n_core.cli import main

if __name__ == "__main__":
    sys.exit(main())
