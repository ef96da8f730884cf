"""`python -m skdnn` is the command `skdnn`."""

import sys

from skdnn.cli import main

sys.exit(main())
