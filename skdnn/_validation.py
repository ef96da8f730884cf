"""Which rows are held out to validate on."""

import numpy as np
from sklearn.model_selection import train_test_split


def hold_out(
    rows: np.ndarray, labels: np.ndarray | None, fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Split rows at random into those to train on and those to validate on.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,), int
        Row numbers.
    labels : ndarray of shape (n_rows,) or None
        Classes whose proportions both sides keep, as far as rows suffice. A class of a single
        row is trained on.
    fraction : float
        Share of the rows to hold out; at least one is.
    seed : int
        Decides the split.

    Returns
    -------
    training, held_out : ndarray, int
    """
    if len(rows) < 2:
        raise ValueError(
            f"validation_fraction={fraction} needs at least 2 rows to split, got n_samples = "
            f"{len(rows)}: bring more, or set it to None."
        )
    alone = np.zeros(len(rows), bool)
    if labels is not None:
        _, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
        alone = counts[labels] == 1
    if np.sum(~alone) < 2:
        alone[:] = False
    pool = rows[~alone]
    n_held_out = min(int(np.ceil(fraction * len(rows))), len(pool) - 1)
    strata = None if labels is None else labels[~alone]
    if strata is not None and min(n_held_out, len(pool) - n_held_out) < len(np.unique(strata)):
        strata = None
    training, held_out = train_test_split(
        pool, test_size=n_held_out, stratify=strata, random_state=seed
    )
    return np.sort(np.concatenate([training, rows[alone]])), np.sort(held_out)
