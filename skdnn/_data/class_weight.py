"""Class weights, by which the sample weights of the rows of each class are multiplied."""

from typing import Any

import numpy as np
from sklearn.utils.class_weight import compute_sample_weight

from skdnn._data.categories import exactly_comparable
from skdnn._data.read_target import read_target
from skdnn._utils.sample_weight import within_float32


def check_class_weights(class_weight: Any, owner: str) -> Any:
    """Return class weights that float32 can hold, or raise an error if they are no weights.

    Anything but a dict is returned unchanged.
    """
    if not isinstance(class_weight, dict):
        return class_weight
    if any(isinstance(value, dict) for value in class_weight.values()):
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must be a list of dicts from labels to "
            "weights if y has several columns, one for each column in order: "
            f"class_weight=[*{{...}}.values()]. Got {class_weight!r} instead."
        )
    try:
        values = np.array(list(class_weight.values()), np.float64)
    except (TypeError, ValueError, OverflowError):
        values = np.full(1, np.nan)
    if not np.all(values >= 0) or not np.isfinite(values).all():
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must hold finite weights that are not "
            f"negative. Got {class_weight!r} instead."
        )
    scaled = within_float32(values) if values.any() else values
    is_same = scaled is values
    return class_weight if is_same else dict(zip(class_weight, scaled.tolist(), strict=True))


def class_weighted(
    sample_weight: Any, y: Any, class_weight: Any, owner: str, classes: Any = None
) -> Any:
    """Return sample weights multiplied by the weight of the label of each row.

    Parameters
    ----------
    sample_weight : array-like of shape (n_samples,) or None
        Sample weights. They are returned unchanged if `class_weight` is None.
    y : array-like of shape (n_samples,) or (n_samples, n_labels)
        Labels.
    class_weight : dict, list of dict, "balanced" or None
        Weight of each label, as in scikit-learn.
    owner : str
        The estimator's name, for errors.
    classes : ndarray of shape (n_classes,) or None, default=None
        All labels, of which y may lack some. None means the labels in y.
    """
    if class_weight is None:
        return sample_weight
    y = read_target(y, owner)
    if isinstance(class_weight, list) and np.ndim(y) < 2:
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must be a dict from labels to weights if "
            f"y has one column: class_weight={{label: weight, ...}}. Got {class_weight!r}."
        )
    if isinstance(class_weight, dict) and np.ndim(y) < 2:
        known = classes.ravel().tolist() if isinstance(classes, np.ndarray) else []
        labels = sorted({*y.tolist(), *known}, key=str)
        _check_labels(class_weight, labels, owner)
        check_class_weights(class_weight, owner)
        # Of all labels, because scikit-learn expects that y has each label of the dict.
        class_weight = {**dict.fromkeys(labels, 1.0), **class_weight}
    weight = compute_sample_weight(check_class_weights(class_weight, owner), y)
    return weight if sample_weight is None else weight * np.asarray(sample_weight)


class ClassWeights:
    """Class weights, by which the sample weights of the rows of each class are multiplied.

    Parameters
    ----------
    class_weight : dict, list of dict or "balanced"
        See `DNNClassifier`.
    classes : ndarray of shape (n_classes,) or (n_labels, 2)
        The class labels, or the class labels of each column of a multilabel y.
    owner : str
        The estimator's name, for errors.
    """

    def __init__(self, class_weight: Any, classes: np.ndarray, owner: str):
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
        """Compute the weight of each class.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels.
        rows : ndarray of shape (n_training,), int
            Indices of the training rows. "balanced" depends on the class counts in these rows.
        weight : ndarray of shape (n_samples,) or None
            Sample weights, without class weights.

        Returns
        -------
        self : ClassWeights
            The fitted class weights.
        """
        own = None if weight is None else weight[rows]
        columns = zip(self._given, self.classes, self._columns(y[rows]), strict=True)
        self.factors_ = [
            _balanced(np.bincount(_codes(y, classes), own, len(classes)))
            if given == "balanced"
            else self._given_factors(given, classes)
            for given, classes, y in columns
        ]
        return self

    def of(self, y: np.ndarray) -> np.ndarray:
        """Return the class weight of each row, shape (n_samples,).

        For a multilabel y, the class weight of a row is the product over all label columns of the
        weight of the value, 0 or 1, in the column.
        """
        columns = zip(self.factors_, self.classes, self._columns(y), strict=True)
        of_labels = [factors[_codes(y, classes)] for factors, classes, y in columns]
        factors: np.ndarray = np.prod(of_labels, axis=0)
        return factors

    def _columns(self, y: np.ndarray) -> np.ndarray:
        return y.reshape(len(y), -1).T

    def _given_factors(self, given: dict[Any, float], classes: np.ndarray) -> np.ndarray:
        """Return the class weights in a dict as an array in the order of the classes."""
        _check_labels(given, classes.tolist(), self.owner)
        check_class_weights(given, self.owner)
        return np.array([float(given.get(label, 1.0)) for label in classes.tolist()])


def _check_labels(given: dict[Any, float], classes: list[Any], owner: str) -> None:
    """Raise an error if class weights have labels that are probably misspelt.

    As in scikit-learn, classes that are not in the dict have weight 1. If all classes are in the
    dict, other labels are ignored, because a fold may lack a class.
    """
    others = [label for label in given if label not in classes]
    if others and not all(label in given for label in classes):
        is_one = len(others) == 1
        raise ValueError(
            f"The 'class_weight' parameter of {owner} names {', '.join(map(repr, others))}, which "
            f"{'is no class' if is_one else 'are no classes'}: the classes in y are "
            f"{', '.join(map(repr, classes))}."
        )


def _balanced(counts: np.ndarray) -> np.ndarray:
    """Return the balanced weight of each class, given the number of samples of each class.

    The weight is n_samples / (n_classes * n_samples_of_class), as in scikit-learn. The formula is
    that of G. King and L. Zeng (2001), "Logistic Regression in Rare Events Data".
    """
    present = counts > 0
    factors = np.ones(len(counts))
    factors[present] = counts.sum() / (present.sum() * counts[present])
    return factors


def _codes(y: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the class index of each row.

    The index of an unknown label is arbitrary, because `encode` rejects unknown labels.
    """
    classes, y = exactly_comparable(classes, y)
    return np.searchsorted(classes, y).clip(max=len(classes) - 1)
