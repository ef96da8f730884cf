"""`KerasClassifier`: a Keras network of the user's own as a classifier."""

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target

from skdnn.wrappers import classifier_outputs
from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.target_encoders import ClassifierLabelEncoder


class KerasClassifier(ClassifierMixin, BaseWrapper):
    """Keras network as a classifier.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        Network, or the function that builds it.

        - A function returns the network. Its arguments are parameters of the estimator, as
          `model__<argument>`. Three arguments are passed to it by name: `meta` (a dict of
          attributes of the data, such as `n_features_in_`, `X_shape_`, `n_classes_`),
          `compile_kwargs` (the arguments of `compile`) and `params` (all parameters).
        - A `Sequential` or functional `Model` is a template, which is only read: each `fit` trains
          a new network. It starts from the template's weights if they were trained or set, and from
          new initial weights otherwise.
        - A list of layers is only read, too. X determines the shape of the input.
        - None builds the dense network of `DNNClassifier`, with the parameters
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
        is the cross-entropy that suits labels and output layer.
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
    class_weight : dict, "balanced" or None, default=None
        Weight of each label in the loss, by which `sample_weight` is multiplied. "balanced" gives
        all labels the same total weight.
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
    classes_ : ndarray of shape (n_classes,) or None
        The labels, sorted; the numbers of the columns where y is multilabel.
    n_classes_ : int or None
        Number of labels.
    n_outputs_, n_outputs_expected_ : int
        Number of targets, and of outputs of the network.
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
    DNNClassifier : A dense network with all its settings as parameters.
    KerasRegressor : The estimator for numeric targets.

    Examples
    --------
    >>> import keras
    >>> from sklearn.datasets import load_digits
    >>> from skdnn import KerasClassifier
    >>> images, digit = load_digits(return_X_y=True)
    >>> def build(units=32, dropout=0.0):
    ...     model = keras.Sequential()
    ...     model.add(keras.layers.Rescaling(1 / 16))
    ...     model.add(keras.layers.Dense(units, activation="relu"))
    ...     if dropout:
    ...         model.add(keras.layers.Dropout(dropout))
    ...     model.add(keras.layers.Dense(10, activation="softmax"))
    ...     return model
    >>> clf = KerasClassifier(build, model__units=64, epochs=20, random_state=0, verbose=0)
    >>> clf.fit(images[:1000], digit[:1000]).score(images[1000:], digit[1000:]) > 0.85
    True
    """

    _has_dense_network = True
    # Weights of classes become weights of rows: Keras does not know the labels.
    _fit_kwargs = BaseWrapper._fit_kwargs - {"class_weight"}

    classes_: Any

    def __init__(
        self,
        model: Any = None,
        *,
        build_fn: Any = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        metrics: Any = None,
        batch_size: int | None = None,
        validation_batch_size: int | None = None,
        verbose: int = 1,
        callbacks: Any = None,
        validation_split: float = 0.0,
        shuffle: bool = True,
        run_eagerly: bool = False,
        epochs: int = 1,
        class_weight: Any = None,
        **kwargs: Any,
    ):
        super().__init__(
            model=model,
            build_fn=build_fn,
            warm_start=warm_start,
            random_state=random_state,
            optimizer=optimizer,
            loss=loss,
            metrics=metrics,
            batch_size=batch_size,
            validation_batch_size=validation_batch_size,
            verbose=verbose,
            callbacks=callbacks,
            validation_split=validation_split,
            shuffle=shuffle,
            run_eagerly=run_eagerly,
            epochs=epochs,
            **kwargs,
        )
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network, and train it for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of any rank. A dict or a tuple has one array for each input of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type, an indicator matrix of several labels, or one-hot rows.
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
        return super().fit(X, y, self._weighted_by_class(y, sample_weight), **kwargs)

    def partial_fit(  # type: ignore[override]  # classes come third, as in scikit-learn
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Self:
        """Train the network for one epoch more; build it in the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that any y may have, for the first call. None takes those of its y.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.
        **kwargs : dict
            Arguments of Keras's `fit`.

        Returns
        -------
        self : object
            The estimator, trained for one epoch more.
        """
        if classes is not None:
            classes = np.unique(classes)
            known = self.classes_ if self.initialized_ else classes
            if not np.array_equal(classes, known):
                raise ValueError(
                    f"The classes of {type(self).__name__}.partial_fit must be those of the first "
                    f"call, {np.asarray(known).tolist()}. Got {classes.tolist()}."
                )
        options = {} if classes is None else {"classes": classes}
        weight = self._weighted_by_class(y, sample_weight)
        self._fit_one_epoch(X, y, weight, kwargs, **options)
        return self

    def initialize(self, X: Any, y: Any = None) -> Self:
        """Build the network without training it.

        A model that is given as `model=` keeps its weights: an estimator that is initialized
        predicts with a model that was trained elsewhere.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, which determine shapes and dtypes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            All labels. They are required.

        Returns
        -------
        self : object
            The estimator, which can predict.
        """
        return super().initialize(X, y)

    def predict_proba(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of the shape of those in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`, with two columns for two classes; for a
            multilabel y, the probability of each label. Logits of a network whose loss has
            `from_logits=True` are converted to probabilities.
        """
        outputs = self._predict_raw(X, **kwargs)
        proba: np.ndarray = self.target_encoder_.inverse_transform(outputs, return_proba=True)
        # Encoders written for SciKeras drop the first axis of a single row.
        is_squeezed = isinstance(outputs, np.ndarray) and len(outputs) == 1 and np.ndim(proba) == 1
        return proba.reshape(1, -1) if is_squeezed else proba

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, or what `scorer` of a subclass returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            Fraction of the samples whose labels are all predicted correctly.
        """
        return self._score(X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compare true labels with predictions; override it to define another `score`.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            True labels, and predictions.
        **kwargs : dict
            `sample_weight`, and the parameters `score__<argument>` of the estimator.

        Returns
        -------
        score : float
            The accuracy.
        """
        return float(accuracy_score(y_true, y_pred, **kwargs))

    @property
    def target_encoder(self) -> Any:
        """Transformer of y before the network; override it to use another.

        The default numbers the labels, and makes them one-hot for a categorical cross-entropy. Its
        `inverse_transform` takes `return_proba`, for `predict_proba`. If it has a method
        `get_metadata`, the dict that it returns becomes attributes of the estimator.
        """
        categories = "auto" if self.classes_ is None else [self.classes_]
        return ClassifierLabelEncoder(loss=self.loss, categories=categories)

    def _weighted_by_class(self, y: Any, sample_weight: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        weight = compute_sample_weight(self.class_weight, y)
        return weight if sample_weight is None else weight * np.asarray(sample_weight)

    def _initialize(
        self, X: Any, y: Any = None, *, keep_weights: bool = False, classes: Any = None
    ) -> tuple[Any, Any]:
        self.classes_ = classes  # which the target encoder reads
        return super()._initialize(X, y, keep_weights=keep_weights)

    def _type_of_target(self, y: np.ndarray) -> str:
        target_type = str(type_of_target(y))
        if target_type == "binary" and self.classes_ is not None:
            return str(type_of_target(self.classes_))  # this y lacks some of the labels
        return target_type

    def _target_kind(self) -> str:
        """Return the type of y, where one-hot rows are distinguished from other indicators."""
        return str(getattr(self.target_encoder_, "target_kind", self.target_type_))

    def _output_layer(self) -> tuple[int, str]:
        owner, n_classes = type(self).__name__, getattr(self, "n_classes_", None)
        kind = self._target_kind()
        return classifier_outputs.output_layer(self.target_type_, kind, n_classes, self.loss, owner)

    def _infer_loss(self) -> Any:
        return classifier_outputs.infer_loss(self.model_, self._target_kind())

    def _fit_target_encoder_to_model(self, y: Any) -> None:
        encoder = self.target_encoder_
        if self.loss is None and self.model_.compiled and type(encoder) is ClassifierLabelEncoder:
            encoder.set_params(loss=self.model_.loss).fit(y)

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        # A target encoder of the user's own may not know the number of classes.
        n_classes = getattr(self, "n_classes_", None)
        classifier_outputs.check_units(self.model_, n_classes, type(self).__name__)

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        outputs = super()._predict_raw(X, **kwargs)
        return classifier_outputs.to_probabilities(outputs, self.model_.loss)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True  # after one epoch, which is the default
        return tags
