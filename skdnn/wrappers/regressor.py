"""`KerasRegressor`, which turns a user-defined Keras network into a regressor."""

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags

from skdnn._utils.snapshot import of_one_fit
from skdnn.wrappers import predict_steps
from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.output_checks import check_columns
from skdnn.wrappers.target_encoders import RegressorTargetEncoder


class KerasRegressor(RegressorMixin, BaseWrapper):
    """Keras network as a scikit-learn regressor.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        Network, or the function that builds the network.

        - A function returns the network. The arguments of the function are parameters of the
          estimator, named `model__ARGUMENT`. A function may also have the arguments `meta` (a
          dict of fitted attributes, such as `n_features_in_`, `X_shape_`, `n_outputs_`),
          `compile_kwargs` (the arguments of `compile`) and `params` (all parameters).
        - A `Sequential` or functional `Model` is a template. Each `fit` trains a new network and
          leaves the template unchanged. The new network starts from the weights of the template if
          these weights were trained or set, and from new initial weights otherwise.
        - A list of layers is a template, too. The shape of X determines the input shape.
        - None builds a dense network with the layers of `DNNRegressor` and the parameters
          `model__hidden_layer_sizes`, `model__activation`, `model__dropout`, `model__batch_norm`,
          `model__kernel_initializer`, `model__alpha` and `model__scaling`. This network is
          trained on standardised y, if the loss is the mean squared or absolute error, Huber or
          log-cosh. `predict` returns y on its original scale. All other networks get y as it is.
    build_fn : callable, keras.Model or None, default=None
        Deprecated name of the parameter `model`.
    warm_start : bool, default=False
        Whether `fit` continues to train the network of the previous call instead of building a new
        network. `history_` is continued, too.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the rows, and dropout. An int gives the same
        result in each call. A RandomState instance gives each fit a different seed. An int or an
        instance leaves the state of the global random generators unchanged. None uses the global
        generators, which `keras.utils.set_random_seed` seeds.
    optimizer : str, class or keras.optimizers.Optimizer, default="rmsprop"
        Optimizer for compiling the network. If the network is already compiled, its own optimizer
        is used, with a warning if another one is set. The arguments of an optimizer name or class
        are set as `optimizer__ARGUMENT`, such as `optimizer__learning_rate`. An optimizer object
        takes no `optimizer__ARGUMENT`, and training uses a new copy.
    loss : str, class, keras.losses.Loss, callable, list, dict or None, default=None
        Loss for compiling the network. The arguments of a loss class are set as
        `loss__ARGUMENT`. None selects the mean squared error. If the network is already compiled,
        `loss` must be None or the same loss.
    metrics : str, class, keras.metrics.Metric, callable, list, dict or None, default=None
        Metrics for compiling the network. If the network is already compiled, its own metrics are
        used, with a warning if others are set. The arguments of a metric class are set as
        `metrics__ARGUMENT`.
    batch_size : int or None, default=None
        Number of rows per training step and per prediction batch. None means 32 in training and
        at least 32 in prediction. -1 means all rows.
    validation_batch_size : int or None, default=None
        Number of validation rows per evaluation batch. None means `batch_size`, and -1 means all
        rows.
    verbose : int, default=1
        Amount of output. 0 prints nothing, 1 prints a progress bar, and 2 prints a line per epoch.
    callbacks : keras.callbacks.Callback, class, list, dict or None, default=None
        Callbacks of training and prediction. `callbacks__ARGUMENT` is an argument of a callback
        class, or of every class in a list or dict. `callbacks__POSITION__ARGUMENT` and
        `callbacks__KEY__ARGUMENT` are arguments of one of them. `fit__callbacks` are used in
        training only, and `predict__callbacks` are used in prediction only.
    validation_split : float, default=0.0
        Fraction of the rows that are held out from training and evaluated after each epoch. The
        last rows are held out.
    shuffle : bool, default=True
        Whether the rows are shuffled in each epoch.
    run_eagerly : bool, default=False
        Whether to run the network eagerly in Python, which helps with debugging. Ignored if the
        network is already compiled.
    epochs : int, default=1
        Number of epochs, which are passes over the training rows.
    **kwargs : dict
        Arguments of the build function, and routed parameters. The name of a routed parameter
        consists of a prefix and the name of an argument. The prefixes are `model__`, `optimizer__`,
        `loss__`, `metrics__`, `callbacks__`, `compile__`, `fit__`, `predict__` and `score__`.
        `set_params` can set routed parameters, so that a hyperparameter search can vary them.

    Attributes
    ----------
    model_ : keras.Model
        The trained network. Without `model`, its outputs are standardised y, which
        `target_encoder_.inverse_transform` converts to the original scale.
    n_iter_, current_epoch : int
        Number of epochs in `history_`. Before the first fit, `current_epoch` is 0.
    history_ : dict of list of float
        Values per epoch of the "loss" and of each metric, by the full name of the metric. Names of
        values on held-out rows start with `val_`. Without `model`, the values are those of
        standardised y: a loss of 1 is the squared error of a prediction of the mean.
    n_outputs_, n_outputs_expected_ : int
        Number of columns of y, and number of outputs of the network. The network has one output
        for all columns, or one output for each column.
    feature_encoder_, target_encoder_ : transformer
        The fitted encoders of X and y.
    target_type_ : str
        Type of y, as returned by `sklearn.utils.multiclass.type_of_target`.
    X_shape_, X_dtype_, y_dtype_, y_ndim_
        Shapes and dtypes of X and y in `fit`, and the number of dimensions of y. For several
        inputs, `X_shape_` and `X_dtype_` are a dict or tuple of shapes and dtypes.
    n_features_in_ : int
        Number of columns of X.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Column names of a DataFrame. The attribute exists only if all column names are strings.

    See Also
    --------
    DNNRegressor : A dense network whose settings are all parameters.
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
        """Build the network and train the network for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples with any number of dimensions. A dict or tuple has one array per network input.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Numeric targets. A network with an output for each column of y predicts one column with
            each output.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights in the loss. Rows of weight 0 are left out first, so `validation_split`
            takes none. The other weights are divided by their mean.
        **kwargs : dict
            Arguments of Keras's `fit`, which take precedence over parameters of the estimator.

        Returns
        -------
        self : object
            The fitted estimator. If `fit` fails or is interrupted, the estimator is restored.

        Raises
        ------
        ValueError, TypeError
            If a parameter or the data are invalid.
        """
        super().fit(X, y, sample_weight, **kwargs)
        return self

    @of_one_fit
    def predict(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the targets of samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, each with the same shape as a sample in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`, which take precedence over parameters of the estimator.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predictions in the shape of y in `fit`. The dtype is Keras's float type, or float64 if
            y is standardised inside, or if y has at least two dimensions and X was float64 in
            `fit`.

        Raises
        ------
        NotFittedError
            If neither `fit` nor `initialize` has been called.
        """
        y = super().predict(X, **kwargs)
        return y.astype(np.float64) if y.ndim > 1 and self.X_dtype_ == np.float64 else y

    @of_one_fit
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the R² score, or the score that `scorer` of a subclass returns.

        R² is the fraction of the variance of y that the predictions explain, averaged over the
        values of y for one sample.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            True targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            A score of 1 is perfect. Predicting the mean of y has a score of 0.
        """
        return predict_steps.score(self, X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compute the score of predictions from true targets.

        Override `scorer` to change the result of `score`.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            True and predicted targets.
        **kwargs : dict
            The argument `sample_weight`, and the estimator parameters `score__ARGUMENT`: the
            arguments of `sklearn.metrics.r2_score`, such as `score__multioutput`.

        Returns
        -------
        score : float
            The R² score.
        """
        y_true, y_pred = (y.reshape(len(y), -1) if y.ndim > 2 else y for y in (y_true, y_pred))
        return float(r2_score(y_true, y_pred, **kwargs))

    @property
    def target_encoder(self) -> Any:
        """Transformer that encodes y before training.

        The default returns y unchanged, or one column of y for each output of the network. For the
        network of `model=None` it standardises y.
        Override `target_encoder` to use a different transformer. If the transformer has a method
        `get_metadata`, the items of the returned dict become attributes of the estimator.
        """
        return RegressorTargetEncoder()

    def _validate_data(
        self, X: Any = None, y: Any = None, reset: bool = False, y_numeric: bool = True
    ) -> tuple[Any, Any]:
        return super()._validate_data(X, y, reset=reset, y_numeric=True)

    def _output_layer(self) -> tuple[int, str]:
        return self.n_outputs_, "linear"

    def _infer_loss(self) -> Any:
        return "mean_squared_error"

    def _fit_target_encoder_to_model(self, output_shape: Any) -> None:
        encoder = self.target_encoder_
        n_outputs = len(getattr(self.model_, "outputs", None) or ())
        if isinstance(encoder, RegressorTargetEncoder) and encoder.split(n_outputs):
            self.n_outputs_expected_ = n_outputs

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        is_encoded = type(self.target_encoder_) is RegressorTargetEncoder
        if is_encoded:
            check_columns(self.model_, y, self.n_outputs_, type(self).__name__)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.regressor_tags.poor_score = True  # because the default is one epoch
        return tags
