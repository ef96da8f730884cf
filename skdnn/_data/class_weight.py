"""The weight that a row's class gives it."""

from typing import Any

import numpy as np


class ClassWeights:
    """A factor for each class, learned from the rows that are trained on.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        See `DNNClassifier`.
    classes : ndarray of shape (n_classes,) or (n_labels, 2)
        The classes, or those of each column of a multilabel y.
    owner : str
        The estimator's name, for errors.
    """

    def __init__(self, class_weight: Any, classes: np.ndarray, owner: str):
        self.class_weight = class_weight
        self.classes = np.atleast_2d(classes)
        self.owner = owner
        is_one = classes.ndim == 1
        given: list[Any] = [class_weight] if is_one else class_weight
        if class_weight == "balanced":
            given = ["balanced"] * len(self.classes)
        elif isinstance(class_weight, list) == is_one or len(given) != len(self.classes):
            expected = "a dict" if is_one else f"a list of {len(self.classes)} dicts"
            raise ValueError(
                f"The 'class_weight' parameter of {owner} must be {expected} or 'balanced' for "
                f"this y. Got {class_weight!r}."
            )
        self._given = given

    def fit(self, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None) -> "ClassWeights":
        """Learn the factors from some rows of y, (n_samples,) or (n_samples, n_labels)."""
        own = None if weight is None else weight[rows]
        columns = zip(self._given, self.classes, self._columns(y[rows]), strict=True)
        self.factors_ = [
            _balanced(np.bincount(_codes(y, classes), own, len(classes)))
            if given == "balanced"
            else self._stated(given, classes)
            for given, classes, y in columns
        ]
        return self

    def of(self, y: np.ndarray) -> np.ndarray:
        """Return the factor of each row, (n_samples,); for several labels, their product."""
        columns = zip(self.factors_, self.classes, self._columns(y), strict=True)
        return np.prod([factors[_codes(y, classes)] for factors, classes, y in columns], axis=0)

    def _columns(self, y: np.ndarray) -> np.ndarray:
        return y.reshape(len(y), -1).T

    def _stated(self, given: dict, classes: np.ndarray) -> np.ndarray:
        missing = [label for label in classes.tolist() if label not in given]
        # As scikit-learn: some classes may be left out, and then count 1; but a label that is no
        # class, where classes are left out, is taken for a mistake.
        if missing and len(classes) - len(missing) != len(given):
            raise ValueError(
                f"The classes, {missing}, are not in class_weight of {self.owner}, and it has "
                f"labels that are not in y. Got {given!r}."
            )
        factors = np.array([float(given.get(label, 1.0)) for label in classes.tolist()])
        if not np.all(factors >= 0) or not np.isfinite(factors).all():
            raise ValueError(
                f"The 'class_weight' parameter of {self.owner} must hold finite weights that are "
                f"not negative. Got {given!r}."
            )
        return factors


def _balanced(counts: np.ndarray) -> np.ndarray:
    """King & Zeng (2001), "Logistic Regression in Rare Events Data", as scikit-learn has it."""
    present = counts > 0
    factors = np.ones(len(counts))
    factors[present] = counts.sum() / (present.sum() * counts[present])
    return factors


def _codes(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    # Labels that are no class are told of where targets are encoded.
    return np.searchsorted(classes, y).clip(max=len(classes) - 1)
