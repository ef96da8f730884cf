"""X, y and weights as users bring them -> as training and prediction take them."""

from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import is_classifier
from sklearn.utils import check_array, check_consistent_length
from sklearn.utils.validation import _check_sample_weight, _check_y, validate_data

from skdnn._data.preprocessing import as_rows, may_miss
from skdnn._data.splits import ValidationData
from skdnn._data.table import Columns
from skdnn._network.spec import NetworkSpec

# What scikit-learn's validation lets through of X.
_ACCEPTED = {"accept_sparse": "csr", "ensure_all_finite": "allow-nan"}


class Receiving:
    """The part of an estimator that checks and converts data."""

    categorical_features: Any
    _columns: Columns
    _spec: NetworkSpec
    _targets: Any
    _check_y: Any
    classes_: np.ndarray

    def _check_data(
        self, X: Any, y: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None, tuple[int, ...]]:
        X, shape = as_rows(X)
        if reset:
            self._columns = Columns(self.categorical_features, type(self).__name__)
        else:
            self._check_shape(shape)
        checks = {"multi_output": True, "y_numeric": not is_classifier(self)}
        if self._columns.reads(X):  # what is in it is checked when it is read
            X, y = validate_data(self, X, y, reset=reset, skip_check_array=True)
            y = _check_y(y, estimator=self, **checks)
            check_consistent_length(X, y)
        else:
            X, y = validate_data(self, X, y, reset=reset, **_ACCEPTED, **checks)
            self._check_numbers(X)
        y = self._check_y(y)
        return X, y, self._weights_of(X, y, sample_weight), shape

    def _weights_of(self, X: np.ndarray, y: np.ndarray, sample_weight: Any) -> np.ndarray | None:
        """Return the weights of rows, to train or to validate on, (n_samples,); None for all 1."""
        if sample_weight is None:
            return None
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
        if np.any(weight < 0) or not np.any(weight > 0):
            raise ValueError(
                f"The sample_weight of {type(self).__name__}.fit must not be negative, nor zero "
                f"for every row. Got weights from {weight.min():g} to {weight.max():g}."
            )
        return weight

    def _check_given(
        self, given: ValidationData | None, of_classes: Any
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray | None] | None:
        """Return the X, y and weights to validate on, if `fit` was given any."""
        if given is None or given.X is None:
            return None
        try:
            X, y, weight, _ = self._check_data(given.X, given.y, given.sample_weight, reset=False)
            if self._columns.reads(X):
                X = self._checked(self._columns.transform(X))
            if is_classifier(self) and y.ndim == self.classes_.ndim == 1:
                unknown = np.setdiff1d(y, self.classes_)
                if len(unknown):
                    raise ValueError(
                        f"y_val has labels that y does not have: {unknown.tolist()}. Those of y "
                        f"are {self.classes_.tolist()}."
                    )
            self._targets.encode(y, self._spec.dtype)
        except (TypeError, ValueError) as error:
            kind = TypeError if isinstance(error, TypeError) else ValueError
            raise kind(
                f"The data to validate on (X_val, y_val, sample_weight_val) do not fit: {error}"
            ) from error
        if of_classes is not None:
            weight = of_classes.of(y) * (1 if weight is None else weight)
            if not weight.any():
                raise ValueError("class_weight leaves no row of X_val with any weight.")
        return X, y, None if weight is None else weight / weight.mean()

    def _convert(self, X: Any) -> Any:
        """Check X that comes after `fit`, and turn it into what `Inputs` takes.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_inputs)
            For `Inputs.fetch_from`, or by parts for `Inputs.apply`.
        """
        X, shape = as_rows(X)
        self._check_shape(shape)
        if self._columns.reads(X):
            validate_data(self, X, reset=False, skip_check_array=True)
            return self._checked(self._columns.transform(X))
        X = validate_data(self, X, reset=False, **_ACCEPTED)
        self._check_numbers(X)
        return X

    def _checked(self, matrix: np.ndarray) -> np.ndarray:
        return check_array(matrix, ensure_all_finite="allow-nan", estimator=self, input_name="X")

    def _check_numbers(self, X: Any) -> None:
        if X.dtype.kind not in "biuf":
            raise TypeError(
                f"The X of {type(self).__name__} must hold numbers. Got {X.dtype}: turn dates into "
                "numbers, such as days since a start, and name categories in categorical_features."
            )
        if issparse(X) and may_miss(X.data) and np.isnan(X.data).any():
            raise ValueError(
                f"Sparse X of {type(self).__name__} must hold no missing values. Input X contains "
                "NaN: fill them in with SimpleImputer, or bring X as an array."
            )

    def _check_shape(self, shape: tuple[int, ...]) -> None:
        fitted = self._spec.input_shape
        # Tables are left to scikit-learn's own check of the number of features.
        if shape != fitted and max(len(shape), len(fitted)) > 1:
            raise ValueError(
                f"One sample of X has shape {shape}, but {type(self).__name__} was fitted on "
                f"samples of shape {fitted}: bring X of shape (n_samples, "
                f"{', '.join(map(str, fitted))}), a single sample as X[np.newaxis]."
            )
