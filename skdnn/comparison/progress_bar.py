"""The progress bar of `compare`, which counts folds, and the epochs of the network in each fold."""

import sys
from typing import Any

from tqdm import tqdm

from skdnn._training.progress import listening
from skdnn._utils.text import encodable

_LAYOUT = "{desc}: {percentage:3.0f}%|{bar}| [{elapsed}<{remaining}{postfix}]"


class ProgressBar:
    """Progress bar over the folds of several models, on standard error.

    The bar moves after each epoch of a network that is trained in this process, and after each fold
    of other models and of worker processes.

    Parameters
    ----------
    n_models, n_folds : int
        Number of models, and number of folds of each model.
    n_workers : int
        Number of folds that are run in parallel.
    shown : bool
        Whether the bar is shown.
    """

    def __init__(self, n_models: int, n_folds: int, n_workers: int, *, shown: bool):
        self.n_folds = n_folds
        self.n_workers = n_workers
        self.total = n_models * n_folds
        self._requested = 0  # folds of this model that are done or run
        self._model = -1
        self._bar = tqdm(
            desc="compare",
            total=self.total,
            bar_format=_LAYOUT,
            leave=False,
            disable=not shown,
            dynamic_ncols=True,
        )
        self._listening = listening(self.epoch_ends)

    def __enter__(self) -> "ProgressBar":
        self._bar.__enter__()
        self._listening.__enter__()
        return self

    def __exit__(self, *reason: Any) -> None:
        self._listening.__exit__(*reason)
        self._bar.__exit__(*reason)

    def model_begins(self, name: str) -> None:
        """Count all folds of the previous model, which may have failed, and show the next name."""
        self._model += 1
        self._requested = 0
        self._bar.set_description_str(encodable(name, sys.stderr), refresh=False)
        self._move(0.0, "")
        self._bar.refresh()

    def fold_requested(self) -> None:
        """Count the folds that are done, when a worker requests another fold."""
        self._requested += 1
        self._move(0.0, "")

    def epoch_ends(self, epoch: int, n_epochs: int) -> None:
        """Show the epochs of the fold that is run in this process."""
        self._move(epoch / (n_epochs + 1), f", epoch {epoch}/{n_epochs}")

    def _move(self, part: float, epochs: str) -> None:
        done = max(0, self._requested - (self.n_workers - 1))
        done = self._model * self.n_folds + min(done, self.n_folds)
        self._bar.set_postfix_str(f"{done}/{self.total} folds{epochs}", refresh=False)
        # A search fits a network several times in a fold, but the bar never moves backwards.
        self._bar.update(max(0.0, done + part - self._bar.n))
