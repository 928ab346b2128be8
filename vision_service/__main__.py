"""`python -m vision_service`: the command, where it is not on PATH."""

import sys

from vision_service.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
