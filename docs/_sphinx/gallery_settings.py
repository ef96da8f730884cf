"""What is reset before each script of the galleries, also in worker processes."""

import os
import random
import sys
import warnings
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np

STYLE = Path(__file__).with_name("figures.mplstyle")

# Python's own defaults, for code that is not the script's; all other warnings are errors.
IGNORED = [DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning]
# Parts of messages of other libraries, each with its reason.
IGNORED_MESSAGES: list[str] = []


def reset(gallery_conf: dict[str, Any], script: str) -> None:
    """Give a script the style of figures and the state of a new process."""
    plt.style.use(STYLE)
    warnings.resetwarnings()
    warnings.simplefilter("error")
    for category in IGNORED:
        warnings.simplefilter("ignore", category)
    for message in IGNORED_MESSAGES:
        warnings.filterwarnings("ignore", message)
    os.environ["COLUMNS"] = "96"  # progress bars with the whole of their times
    random.seed(0)
    np.random.seed(0)
    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()
