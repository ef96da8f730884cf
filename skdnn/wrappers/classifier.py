"""`KerasClassifier`, which turns a user-defined Keras network into a classifier."""

from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags
from sklearn.utils.multiclass import type_of_target

from skdnn._data.class_labels import check_same_classes, read_classes
from skdnn._utils.annotations import ClassWeight, KerasFunctions, KerasNetwork, Optimizer
from skdnn._utils.keras_losses import INDICES
from skdnn._utils.sklearn_compat import fit_context, validate_parameters
from skdnn._utils.snapshot import of_one_fit
from skdnn.wrappers import classifier_outputs, fit_steps, predict_steps
from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.build_options import BuildOptions, build_options_of
from skdnn.wrappers.checks import with_class_weights
from skdnn.wrappers.chosen_network import has_default_network
from skdnn.wrappers.output_checks import check_classes
from skdnn.wrappers.target_encoders import ClassifierLabelEncoder, kind_of_loss, target_kind


class KerasClassifier(ClassifierMixin, BaseWrapper):
    """Keras network as a scikit-learn classifier.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        Network, or the function that builds the network.

        - A function returns the network. The arguments of the function are parameters of the
          estimator, named `model__ARGUMENT`. A function may also have the arguments `meta` (a
          dict of fitted attributes, such as `n_features_in_`, `X_shape_`, `n_classes_`),
          `compile_kwargs` (the arguments of `compile`) and `params` (all parameters).
        - A `Sequential` or functional `Model` is a template. Each `fit` trains a new network and
          leaves the template unchanged. The new network starts from the weights of the template if
          these weights were trained or set, and from new initial weights otherwise.
        - A list of layers is a template, too. The shape of X determines the input shape.
        - None builds a dense network with the layers of `DNNClassifier` and the parameters
          `model__hidden_layer_sizes`, `model__activation`, `model__dropout`, `model__batch_norm`,
          `model__kernel_initializer`, `model__alpha` and `model__scaling`.
    build_fn : callable, keras.Model or None, default=None
        Deprecated name of the parameter `model`.
    warm_start : bool, default=False
        Whether `fit` continues to train the network of the previous call instead of building a new
        network. `history_` is continued, too.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the rows, and dropout. An int gives the same
        result in each call, a RandomState instance gives each fit a different seed. None uses the
        global generators, which `keras.utils.set_random_seed` seeds. Only None changes them.
    optimizer : str, class or keras.optimizers.Optimizer, default="rmsprop"
        Optimizer for compiling the network. If the network is already compiled, its own optimizer
        is used, with a warning if another one is set. The arguments of an optimizer name or class
        are set as `optimizer__ARGUMENT`, such as `optimizer__learning_rate`. An optimizer object
        takes no `optimizer__ARGUMENT`, and training uses a new copy.
    loss : str, class, keras.losses.Loss, callable, list, dict or None, default=None
        Loss for compiling the network. The arguments of a loss class are set as
        `loss__ARGUMENT`. None selects the cross-entropy for the target type and the output layer.
        Labels are encoded as a loss of Keras expects. A user-defined loss gets class indices, or
        one-hot rows if the loss has the attribute `takes_class_indices = False`. If the network is
        already compiled, `loss` must be None or the same loss.
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
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weight of each label, 1 if not named, a factor of the `sample_weight` of its rows. A list
        has a dict for each column of y, and a row has the product of its weights. "balanced" gives
        all labels in y the same total weight, in each call of `fit` and `partial_fit`, before rows
        are held out. `fit__class_weight` goes to Keras as is.
    **kwargs : dict
        Arguments of the build function, and routed parameters. The name of a routed parameter
        consists of a prefix and the name of an argument. The prefixes are `model__`, `optimizer__`,
        `loss__`, `metrics__`, `callbacks__`, `compile__`, `fit__`, `predict__` and `score__`.
        `set_params` can set routed parameters, so that a hyperparameter search can vary them.

    Attributes
    ----------
    model_ : keras.Model
        The trained network.
    n_iter_, current_epoch : int
        Number of epochs in `history_`. Before the first fit, `current_epoch` is 0.
    history_ : dict of list of float
        Values per epoch of the "loss" and of each metric, by the full name of the metric. Names of
        values on held-out rows start with `val_`.
    classes_ : ndarray of shape (n_classes,) or None
        Sorted labels, columns of a multilabel y, or what a `target_encoder` of a subclass sets.
    n_classes_ : int or None
        Number of labels.
    n_outputs_, n_outputs_expected_ : int
        Number of targets and number of network outputs. Both are 1 for the default encoder.
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
    DNNClassifier : A dense network whose settings are all parameters.
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

    classes_: np.ndarray | Any  # None for several columns of classes
    n_classes_: int | Any
    _has_dense_network = True
    # Class weights become sample weights, because Keras does not know the labels.
    _fit_kwargs = BaseWrapper._fit_kwargs - {"class_weight"}

    def __init__(
        self,
        model: KerasNetwork | None = None,
        *,
        build_fn: KerasNetwork | None = None,
        warm_start: bool = False,
        random_state: int | np.random.RandomState | None = None,
        optimizer: Optimizer | None = "rmsprop",
        loss: KerasFunctions | None = None,
        metrics: KerasFunctions | None = None,
        batch_size: int | None = None,
        validation_batch_size: int | None = None,
        verbose: int | Literal["auto"] = 1,
        callbacks: Any = None,
        validation_split: float | None = 0.0,
        shuffle: bool | Literal["batch"] = True,
        run_eagerly: bool | None = False,
        epochs: int = 1,
        class_weight: ClassWeight | None = None,
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

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network and train the network for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples with any number of dimensions. A dict or tuple has one array per network input.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any type, a multilabel indicator matrix with a column per label, or one-hot
            rows. Several columns of classes need a subclass with its own `target_encoder`.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights in the loss. Rows of weight 0 are left out first, so `validation_split`
            takes none; `classes_` has their labels. The other weights are divided by their mean.
        **kwargs : dict
            Arguments of Keras's `fit`, which take precedence over parameters of the estimator.

        Returns
        -------
        self : object
            The fitted estimator. If `fit` fails or is interrupted, the estimator is restored.
        """
        weight = with_class_weights(self, sample_weight, y, continues=self.warm_start)
        return super().fit(X, y, weight, **kwargs)

    def partial_fit(  # type: ignore[override]  # classes come third, as in scikit-learn
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Self:
        """Train the network for one more epoch, after building the network in the first call.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that can occur in y in any call, if y has one column. Only the first call
            needs `classes`. None in the first call means the labels in y of that call.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights, as in `fit`.
        **kwargs : dict
            Arguments of Keras's `fit`.

        Returns
        -------
        self : object
            The estimator, trained for one more epoch.
        """
        validate_parameters(self)
        if classes is not None:
            classes = read_classes(classes, type(self).__name__)
            if self.initialized_:
                check_same_classes(classes, self.classes_, type(self).__name__)
        weight = with_class_weights(self, sample_weight, y, continues=True, classes=classes)
        fit_steps.train_one_epoch(self, X, y, weight, kwargs, BuildOptions(classes=classes))
        return self

    @of_one_fit
    def predict_proba(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, each with the same shape as a sample in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`, with two columns for two classes. For a
            multilabel y, each column is the probability of one label. Logits of a network whose
            loss has `from_logits=True` are converted to probabilities.
        """
        outputs = self._predict_raw(X, **kwargs)
        proba: np.ndarray = self.target_encoder_.inverse_transform(outputs, return_proba=True)
        return classifier_outputs.as_rows(proba, outputs)

    def predict_log_proba(self, X: Any, **kwargs: Any) -> np.ndarray:
        """Predict the natural logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, each with the same shape as a sample in `fit`.
        **kwargs : dict
            Arguments of Keras's `predict`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Logarithms of the return value of `predict_proba`. The logarithm of 0 is -inf.
        """
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.predict_proba(X, **kwargs)))

    @of_one_fit
    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy, or the score that `scorer` of a subclass returns.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Sample weights.

        Returns
        -------
        score : float
            Fraction of the samples whose labels are all predicted correctly.
        """
        return predict_steps.score(self, X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compute the score of predictions from true labels.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            True and predicted labels.
        **kwargs : dict
            The argument `sample_weight`, and the estimator parameters `score__ARGUMENT`.

        Returns
        -------
        score : float
            The accuracy.
        """
        return float(accuracy_score(y_true, y_pred, **kwargs))

    @property
    def target_encoder(self) -> Any:
        """Transformer that encodes y before training.

        The default encodes labels as integers, or as one-hot rows for a categorical cross-entropy.
        A subclass may return another transformer, whose `transform` may return a list or dict of
        arrays. `inverse_transform` gets the outputs and, from `predict_proba`, `return_proba=True`.
        Items of what `get_metadata` returns become attributes. The property may read `classes_`,
        the sorted `classes` of `partial_fit` or else None, and `target_type_`.
        """
        categories = "auto" if self.classes_ is None else [self.classes_]
        return ClassifierLabelEncoder(loss=self.loss, categories=categories)

    def _initialize(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        # Set first, because the target encoder reads the attribute.
        self.classes_ = build_options_of(self).classes
        return super()._initialize(X, y)

    def _type_of_target(self, y: np.ndarray) -> str:
        target_type = str(type_of_target(y))
        if target_type == "binary" and self.classes_ is not None:
            return str(type_of_target(self.classes_))  # y may lack some labels
        return target_type

    def _output_layer(self) -> tuple[int, str]:
        owner, n_classes = type(self).__name__, getattr(self, "n_classes_", None)
        kind, loss = self._target_kind(), self._get_compile_kwargs().get("loss")
        return classifier_outputs.output_layer(self.target_type_, kind, n_classes, loss, owner)

    def _target_kind(self) -> str:
        return target_kind(self.target_encoder_, self.target_type_)

    def _infer_loss(self) -> Any:
        return classifier_outputs.infer_loss(self.model_, self._target_kind())

    def _fit_target_encoder_to_model(self, output_shape: Any) -> None:
        if type(self.target_encoder_) is ClassifierLabelEncoder:
            classifier_outputs.fit_encoder(
                self.target_encoder_,
                self.model_,
                output_shape,
                type(self).__name__,
                are_classes_given=build_options_of(self).classes is not None,
                is_chosen=self.loss is not None or not has_default_network(self),
            )

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        # A user-defined target encoder may not know the number of classes.
        n_classes = getattr(self, "n_classes_", None)
        is_own = type(self.target_encoder_) is not ClassifierLabelEncoder
        if is_own and n_classes and kind_of_loss(self.model_.loss) in INDICES:
            check_classes(self.model_, n_classes, type(self).__name__)

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        outputs = super()._predict_raw(X, **kwargs)
        activation = predict_steps.missing_activation(self)
        return classifier_outputs.to_probabilities(outputs, activation, self._target_kind())

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True  # because the default is one epoch
        return tags
