"""`KerasRegressor`: a Keras network of the user's own as a regressor."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags

from skdnn.wrappers.default_network import _DenseByDefault
from skdnn.wrappers.target_encoders import (
    RegressorTargetEncoder,
)


class KerasRegressor(RegressorMixin, _DenseByDefault):
    """Keras network of the user's own, as a regressor.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        The network.

        - A function that builds it. Its arguments are parameters of the estimator, as
          `model__<argument>`. It may ask for `meta` (a dict of what is known of the data, such as
          `n_features_in_`, `X_shape_`, `n_outputs_`), `compile_kwargs` (what to call `compile`
          with) and `params` (all parameters).
        - A `Sequential` or functional `Model`. It is a template and never trained itself: each
          `fit` trains a new one. Weights that were trained or set are kept, those that are as they
          were drawn are drawn anew.
        - A list of layers. They are only read, too. The shape of the input comes from X.
        - None: the dense network of `DNNRegressor`, with `model__hidden_layer_sizes`,
          `model__activation`, `model__dropout`, `model__batch_norm`, `model__kernel_initializer`,
          `model__alpha` and `model__scaling`.
    build_fn : callable, keras.Model or None, default=None
        The old name of `model`.
    warm_start : bool, default=False
        Whether `fit` goes on with the network that there is, instead of building a new one. The
        history starts anew.
    random_state : int, RandomState instance or None, default=None
        Decides initial weights, the order of rows and dropout. Pass an int for the same result each
        time; an instance gives each fit another seed. Global generators are left as they were.
        None leaves all that to Keras, and so to `keras.utils.set_random_seed`.
    optimizer : str, class or keras.optimizers.Optimizer, default="rmsprop"
        Of a network that is not compiled. A name or a class is given `optimizer__<argument>`, such
        as `optimizer__learning_rate`. An object is only read.
    loss : str, class, keras.losses.Loss, callable, list, dict or None, default=None
        Of a network that is not compiled. A class is given `loss__<argument>`. None means the
        mean squared error.
    metrics : str, class, keras.metrics.Metric, callable, list, dict or None, default=None
        Of a network that is not compiled. A class is given `metrics__<argument>`.
    batch_size : int or None, default=None
        Number of rows of one step, and of those predicted together. None is 32, -1 all rows.
    validation_batch_size : int or None, default=None
        Number of validation rows evaluated together. None is `batch_size`, -1 all rows.
    verbose : int, default=1
        What Keras writes: 0 nothing, 1 a progress bar, 2 a line per epoch.
    callbacks : keras.callbacks.Callback, class, list, dict or None, default=None
        What is told how training and predicting go on. A class is given `callbacks__<argument>`,
        one in a list `callbacks__<number>__<argument>`, one in a dict
        `callbacks__<key>__<argument>`. `fit__callbacks` and `predict__callbacks` are for one alone.
    validation_split : float, default=0.0
        Share of the rows, the last ones, that is held out from training and evaluated after each
        epoch.
    shuffle : bool, default=True
        Whether each epoch has its rows in another order.
    run_eagerly : bool, default=False
        Whether a network that is not compiled is run step by step in Python, to debug it.
    epochs : int, default=1
        Number of times that training goes over all rows.
    **kwargs : dict
        Arguments of the build function, and routed parameters: `model__`, `optimizer__`, `loss__`,
        `metrics__`, `callbacks__`, `compile__`, `fit__`, `predict__` and `score__` before the name
        of an argument. All can be set by `set_params`, and so be searched.

    Attributes
    ----------
    model_ : keras.Model
        The trained network.
    history_ : dict of list of float
        Per epoch, the "loss" and each metric by its full name; those of held-out rows begin with
        `val_`.
    n_outputs_, n_outputs_expected_ : int
        Number of columns of y, and of outputs that the network has: 1, or one for each column.
    feature_encoder_, target_encoder_ : transformer
        What X and y go through on their way to the network.
    target_type_ : str
        Kind of y, as `sklearn.utils.multiclass.type_of_target` has it.
    X_shape_, X_dtype_, y_dtype_, y_ndim_
        What the data of `fit` looked like; of several inputs, a dict or tuple of them.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X is a DataFrame whose columns all have strings as names.

    See Also
    --------
    DNNRegressor : A dense network with all its settings as parameters.
    KerasClassifier : The same for labels.

    Examples
    --------
    >>> import keras
    >>> from sklearn.datasets import load_diabetes
    >>> from skdnn import KerasRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> layers = [keras.layers.Dense(20, activation="relu"), keras.layers.Dense(1)]
    >>> reg = KerasRegressor(
    ...     layers, optimizer="adam", optimizer__learning_rate=0.1, epochs=30, verbose=0
    ... )
    >>> reg.fit(X, y).predict(X[:3]).shape
    (3,)
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network, and train it for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of any rank. A dict or a tuple is one array for each input of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            NumericTargets. Where the network has as many outputs as y columns, each learns its own.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss, divided by their mean; a row of weight 0 is as if it
            were not there.
        **kwargs : dict
            Arguments of Keras's `fit`. They count more than those of the constructor.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted leaves it as it was before.

        Raises
        ------
        ValueError, TypeError
            For bad parameters or data.
        """
        return super().fit(X, y, sample_weight, **kwargs)

    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of the shape of those in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`. They count more than those of the constructor.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the shape of y in `fit`, and of Keras's float type. Several columns are float64 where
            X was, which scikit-learn expects.

        Raises
        ------
        NotFittedError
            Before `fit` or `initialize`.
        """
        y = super().predict(X, **kwargs)
        return y.astype(np.float64) if y.ndim > 1 and self.X_dtype_ == np.float64 else y

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the share of variance explained, or what `scorer` of a subclass returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True values.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 is perfect, 0 as good as the mean.
        """
        return self._score(X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compare true values with predicted ones; override to have another `score`.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Values.
        **kwargs : dict
            `sample_weight`, and the parameters `score__<argument>` of the estimator.

        Returns
        -------
        score : float
            R².
        """
        return r2_score(y_true, y_pred, **kwargs)

    @property
    def target_encoder(self) -> Any:
        """Transformer that y goes through on its way to the network; override to use another.

        Its `get_metadata`, where it has one, returns a dict of more attributes of the estimator.

        Returns
        -------
        transformer
            One that leaves y as it is, or gives each output of the network a column of it.
        """
        return RegressorTargetEncoder()

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = True
    ) -> tuple[Any, Any]:
        return super()._validate_data(X, y, reset=reset, y_numeric=True)

    def _fit_target_encoder_to_model(self, y: Any) -> None:
        encoder = self.target_encoder_
        n_outputs = len(getattr(self.model_, "outputs", None) or ())
        if isinstance(encoder, RegressorTargetEncoder) and encoder.split(n_outputs):
            self.n_outputs_expected_ = n_outputs

    def _infer_loss(self) -> Any:
        return "mean_squared_error"

    def _head(self) -> tuple[int, str]:
        return self.n_outputs_, "linear"

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        shape = getattr(self.model_, "output_shape", None)
        plain = type(self.target_encoder_) is RegressorTargetEncoder and isinstance(y, np.ndarray)
        if not plain or not isinstance(shape, tuple) or len(shape) != 2 or y.ndim > 2:
            return
        if shape[1] != self.n_outputs_:
            raise ValueError(
                f"The network of {type(self).__name__} puts out {shape[1]} value"
                f"{'s' if shape[1] > 1 else ''} for each sample, but y has {self.n_outputs_}: end "
                f"it with Dense({self.n_outputs_})."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # after one epoch, which is the default
        return tags
