"""`KerasRegressor`: a Keras network of the user's own as a regressor."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags

from skdnn.wrappers import regressor_outputs
from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.checks import check_data
from skdnn.wrappers.target_encoders import RegressorTargetEncoder


class KerasRegressor(RegressorMixin, BaseWrapper):
    """Keras network as a regressor.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        Network, or the function that builds it.

        - A function returns the network. Its arguments are parameters of the estimator, as
          `model__<argument>`. Three arguments are passed to it by name: `meta` (a dict of
          attributes of the data, such as `n_features_in_`, `X_shape_`, `n_outputs_`),
          `compile_kwargs` (the arguments of `compile`) and `params` (all parameters).
        - A `Sequential` or functional `Model` is a template, which is only read: each `fit` trains
          a new network. It starts from the template's weights if they were trained or set, and from
          new initial weights otherwise.
        - A list of layers is only read, too. X determines the shape of the input.
        - None builds the dense network of `DNNRegressor`, with the parameters
          `model__hidden_layer_sizes`, `model__activation`, `model__dropout`, `model__batch_norm`,
          `model__kernel_initializer`, `model__alpha` and `model__scaling`.
    build_fn : callable, keras.Model or None, default=None
        Deprecated name of `model`.
    warm_start : bool, default=False
        Whether `fit` continues to train the network of the last call instead of building a new one.
        The history starts anew.
    random_state : int, RandomState instance or None, default=None
        Seed of initial weights, the order of rows, and dropout. Pass an int for the same result in
        each call; an instance gives each fit another seed. Global generators keep their state. None
        leaves all draws to Keras, whose seed `keras.utils.set_random_seed` sets.
    optimizer : str, class or keras.optimizers.Optimizer, default="rmsprop"
        Optimizer of a network that is not compiled. A name or a class takes arguments as
        `optimizer__<argument>`, such as `optimizer__learning_rate`. An object is only read.
    loss : str, class, keras.losses.Loss, callable, list, dict or None, default=None
        Loss of a network that is not compiled. A class takes arguments as `loss__<argument>`. None
        is the mean squared error.
    metrics : str, class, keras.metrics.Metric, callable, list, dict or None, default=None
        Metrics of a network that is not compiled. A class takes arguments as `metrics__<argument>`.
    batch_size : int or None, default=None
        Number of rows per training step, and of rows that are predicted together. None is 32 in
        training, and -1 all rows.
    validation_batch_size : int or None, default=None
        Number of validation rows that are evaluated together. None is `batch_size`, and -1 all
        rows.
    verbose : int, default=1
        How much is reported: 0 nothing, 1 a progress bar, 2 a line per epoch.
    callbacks : keras.callbacks.Callback, class, list, dict or None, default=None
        Callbacks of training and prediction. A class takes arguments as `callbacks__<argument>`, a
        class in a list as `callbacks__<number>__<argument>`, and one in a dict as
        `callbacks__<key>__<argument>`. `fit__callbacks` are for training alone, and
        `predict__callbacks` for prediction.
    validation_split : float, default=0.0
        Fraction of the rows, the last ones, that is held out from training and evaluated after each
        epoch.
    shuffle : bool, default=True
        Whether the rows are shuffled in each epoch.
    run_eagerly : bool, default=False
        Whether a network that is not compiled runs step by step in Python, which helps to debug it.
    epochs : int, default=1
        Number of passes over the training rows.
    **kwargs : dict
        Arguments of the build function, and routed parameters: `model__`, `optimizer__`, `loss__`,
        `metrics__`, `callbacks__`, `compile__`, `fit__`, `predict__` or `score__` before the name
        of an argument. `set_params` sets all of them, so that a search can try values.

    Attributes
    ----------
    model_ : keras.Model
        The trained network.
    history_ : dict of list of float
        Values per epoch: the "loss", and each metric by its full name. Names of values on held-out
        rows begin with `val_`.
    n_outputs_, n_outputs_expected_ : int
        Number of columns of y, and of outputs of the network: 1, or one for each column.
    feature_encoder_, target_encoder_ : transformer
        The fitted encoders of X and y.
    target_type_ : str
        Type of y by `sklearn.utils.multiclass.type_of_target`.
    X_shape_, X_dtype_, y_dtype_, y_ndim_
        Shapes and dtypes of the data in `fit`; of several inputs, a dict or tuple of them.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns of a DataFrame, if all of them are strings.

    See Also
    --------
    DNNRegressor : A dense network with all its settings as parameters.
    KerasClassifier : The estimator for labels.

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

    _has_dense_network = True

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network, and train it for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of any rank. A dict or a tuple has one array for each input of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numeric targets. A network with an output for each column of y learns one column in each
            output.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the loss, divided by their mean. Rows of weight 0 are left out.
        **kwargs : dict
            Arguments of Keras's `fit`. They take precedence over parameters of the estimator.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted leaves it as it was.

        Raises
        ------
        ValueError, TypeError
            For invalid parameters or data.
        """
        return super().fit(X, y, sample_weight, **kwargs)

    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of the shape of those in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`. They take precedence over parameters of the estimator.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the shape of y in `fit`, of Keras's float type. Several columns are
            float64 if X was float64 in `fit`.

        Raises
        ------
        NotFittedError
            Before `fit` or `initialize`.
        """
        y = super().predict(X, **kwargs)
        return y.astype(np.float64) if y.ndim > 1 and self.X_dtype_ == np.float64 else y

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return R², the fraction of variance explained, or what `scorer` of a subclass returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 is perfect, and 0 as good as predicting the mean.
        """
        return self._score(X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compare true targets with predictions; override it to define another `score`.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            True targets, and predictions.
        **kwargs : dict
            `sample_weight`, and the parameters `score__<argument>` of the estimator.

        Returns
        -------
        score : float
            R².
        """
        return float(r2_score(y_true, y_pred, **kwargs))

    @property
    def target_encoder(self) -> Any:
        """Transformer of y before the network; override it to use another.

        The default leaves y as it is, or gives each output of the network a column of y. If it has
        a method `get_metadata`, the dict that it returns becomes attributes of the estimator.
        """
        return RegressorTargetEncoder()

    def _validate_data(self, X: Any = None, y: Any = None, reset: bool = False) -> tuple[Any, Any]:
        return check_data(self, X, y, reset=reset, numeric=True)

    def _output_layer(self) -> tuple[int, str]:
        return self.n_outputs_, "linear"

    def _infer_loss(self) -> Any:
        return "mean_squared_error"

    def _fit_target_encoder_to_model(self, y: Any) -> None:
        encoder = self.target_encoder_
        n_outputs = len(getattr(self.model_, "outputs", None) or ())
        if isinstance(encoder, RegressorTargetEncoder) and encoder.split(n_outputs):
            self.n_outputs_expected_ = n_outputs

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        if type(self.target_encoder_) is RegressorTargetEncoder and isinstance(y, np.ndarray):
            regressor_outputs.check_units(self.model_, y, self.n_outputs_, type(self).__name__)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # after one epoch, which is the default
        return tags
