"""`KerasClassifier` and `KerasRegressor`: a Keras network of the user's own as an estimator.

Code written for `scikeras.wrappers` runs with this module in its place.
"""

from typing import Any, Self

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import Tags
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import type_of_target

from skdnn.wrappers.base import BaseWrapper
from skdnn.wrappers.default_network import _DenseByDefault
from skdnn.wrappers.scikeras_compat import keras, loss_name
from skdnn.wrappers.target_encoders import (
    ClassifierLabelEncoder,
    is_binary_crossentropy,
    name_of,
)


class KerasClassifier(ClassifierMixin, _DenseByDefault):
    """Keras network of the user's own, as a classifier.

    Parameters
    ----------
    model : callable, keras.Model, list of keras.layers.Layer or None, default=None
        The network.

        - A function that builds it. Its arguments are parameters of the estimator, as
          `model__<argument>`. It may ask for `meta` (a dict of what is known of the data, such as
          `n_features_in_`, `X_shape_`, `n_classes_`), `compile_kwargs` (what to call `compile`
          with) and `params` (all parameters).
        - A `Sequential` or functional `Model`. It is a template and never trained itself: each
          `fit` trains a new one. Weights that were trained or set are kept, those that are as they
          were drawn are drawn anew.
        - A list of layers. They are only read, too. The shape of the input comes from X.
        - None: the dense network of `DNNClassifier`, with `model__hidden_layer_sizes`,
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
        cross-entropy that suits labels and output layer.
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
    class_weight : dict, "balanced" or None, default=None
        Weight of each label in the loss; "balanced" gives each the same part in it. Multiplied with
        `sample_weight`.
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
    classes_ : ndarray of shape (n_classes,) or None
        The labels, sorted; the numbers of the columns where y is multilabel.
    n_classes_ : int or None
        Number of labels.
    n_outputs_, n_outputs_expected_ : int
        Number of targets, and of outputs that the network has.
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
    DNNClassifier : A dense network with all its settings as parameters.
    KerasRegressor : The same for quantities.

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

    @property
    def _fit_kwargs(self) -> set[str]:
        # The weights of the classes become weights of the rows, of which Keras knows no classes.
        return BaseWrapper._fit_kwargs - {"class_weight"}

    def fit(self, X: Any, y: Any, sample_weight: Any = None, **kwargs: Any) -> Self:
        """Build the network, and train it for `epochs` epochs.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples of any rank. A dict or a tuple is one array for each input of the network.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels of any kind, an indicator matrix of several, or one-hot rows.
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
        return super().fit(X, y, self._weigh(y, sample_weight), **kwargs)

    def partial_fit(  # type: ignore[override]  # classes come third, as in scikit-learn
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None, **kwargs: Any
    ) -> Self:
        """Train for one epoch on these rows, going on from where the last call stopped.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be, for the first call. None takes those of its y.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.
        **kwargs : dict
            Arguments of Keras's `fit`.

        Returns
        -------
        self : object
            The estimator, one epoch on.
        """
        if classes is not None:
            classes = np.unique(classes)
            known = self.classes_ if self.initialized_ else classes
            if not np.array_equal(classes, known):
                raise ValueError(
                    f"The classes of {type(self).__name__}.partial_fit must be those of the first "
                    f"call, {np.asarray(known).tolist()}. Got {classes.tolist()}."
                )
        self._all_classes = classes
        try:
            return super().partial_fit(X, y, self._weigh(y, sample_weight), **kwargs)
        finally:
            self.__dict__.pop("_all_classes", None)

    def initialize(self, X: Any, y: Any = None) -> Self:
        """Build the network without training it.

        A model that is given as `model=` keeps its weights: this is how one that was trained
        elsewhere becomes an estimator that predicts.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...), sparse matrix, dict or tuple of arrays
            Samples, for their shape and dtype.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels: all there are. They are needed.

        Returns
        -------
        self : object
            The estimator, ready to predict.
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
            In the order of `classes_`, with two columns for two classes, also for a single sample.
            For a multilabel y, the probability of each label. What a network trained on a loss with
            `from_logits=True` puts out has become probabilities.
        """
        outputs = self._predict_raw(X, **kwargs)
        proba = self.target_encoder_.inverse_transform(outputs, return_proba=True)
        # Encoders in the manner of SciKeras drop the rows' axis of a single row.
        alone = isinstance(outputs, np.ndarray) and len(outputs) == 1 and np.ndim(proba) == 1
        return proba.reshape(1, -1) if alone else proba

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
            Share of the samples whose labels are predicted right.
        """
        return self._score(X, y, sample_weight)

    @staticmethod
    def scorer(y_true: np.ndarray, y_pred: np.ndarray, **kwargs: Any) -> float:
        """Compare true labels with predicted ones; override to have another `score`.

        Parameters
        ----------
        y_true, y_pred : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        **kwargs : dict
            `sample_weight`, and the parameters `score__<argument>` of the estimator.

        Returns
        -------
        score : float
            The accuracy.
        """
        return accuracy_score(y_true, y_pred, **kwargs)

    @property
    def target_encoder(self) -> Any:
        """Transformer that y goes through on its way to the network; override to use another.

        Its `inverse_transform` takes `return_proba`, for `predict_proba`. Its `get_metadata`, where
        it has one, returns a dict of more attributes of the estimator.

        Returns
        -------
        transformer
            One that numbers the labels, and makes them one-hot for a categorical cross-entropy.
        """
        categories = "auto" if self.classes_ is None else [self.classes_]
        return ClassifierLabelEncoder(loss=self.loss, categories=categories)

    def _weigh(self, y: Any, sample_weight: Any) -> Any:
        if self.class_weight is None:
            return sample_weight
        weight = compute_sample_weight(self.class_weight, y)
        return weight if sample_weight is None else weight * np.asarray(sample_weight)

    def _initialize(self, X: Any, y: Any = None) -> tuple[Any, Any]:
        self.classes_ = getattr(self, "_all_classes", None)
        return super()._initialize(X, y)

    def _type_of_target(self, y: np.ndarray) -> str:
        kind = type_of_target(y)
        if kind == "binary" and self.classes_ is not None:
            return type_of_target(self.classes_)  # there are labels that this y happens not to have
        return kind

    def _fit_target_encoder_to_model(self, y: Any) -> None:
        encoder = self.target_encoder_
        if self.loss is None and self.model_.compiled and type(encoder) is ClassifierLabelEncoder:
            encoder.set_params(loss=self.model_.loss).fit(y)

    def _predict_raw(self, X: Any, **kwargs: Any) -> Any:
        outputs = super()._predict_raw(X, **kwargs)
        loss = self.model_.loss
        if not getattr(loss, "from_logits", False) or not isinstance(outputs, np.ndarray):
            return outputs
        one_of_many = "categorical" in loss_name(loss)
        return softmax(outputs, axis=-1) if one_of_many else expit(outputs)

    def _infer_loss(self) -> Any:
        shape = getattr(self.model_, "output_shape", None)
        if not isinstance(shape, tuple):
            return None  # several outputs, or a model of the user's own that does not say
        kind: Any = getattr(self.target_encoder_, "_target_type", self.target_type_)
        losses = keras.losses
        loss: Any = {
            "binary": losses.SparseCategoricalCrossentropy,
            "multiclass": losses.SparseCategoricalCrossentropy,
            "multiclass-onehot": losses.CategoricalCrossentropy,
            "multilabel-indicator": losses.BinaryCrossentropy,
        }.get(kind)
        if kind == "binary" and shape[-1] == 1:
            loss = losses.BinaryCrossentropy
        if loss is None:
            return None
        activation = getattr(self.model_.layers[-1], "activation", None)
        return loss(from_logits=activation is keras.activations.linear)

    def _head(self) -> tuple[int, str]:
        if self.target_type_ == "multilabel-indicator":
            one_hot = self.target_encoder_._target_type == "multiclass-onehot"
            return self.n_classes_, "softmax" if one_hot else "sigmoid"
        if self.target_type_ not in ("binary", "multiclass"):
            raise ValueError(
                f"{type(self).__name__} without model= has no network for a y of several columns "
                "of classes: fit one estimator for each column, with MultiOutputClassifier."
            )
        if self.n_classes_ == 1 or is_binary_crossentropy(self.loss):
            return 1, "sigmoid"
        return self.n_classes_, "softmax"

    def _check_model_compatibility(self, y: Any) -> None:
        super()._check_model_compatibility(y)
        shape = getattr(self.model_, "output_shape", None)
        sparse = "sparse" in (name_of(self.model_.loss) or "")
        units = shape[-1] if isinstance(shape, tuple) and shape else None
        if sparse and self.n_classes_ and units and units < self.n_classes_:
            raise ValueError(
                f"The network of {type(self).__name__} puts out {units} value"
                f"{'s' if units > 1 else ''} for each sample, but y has {self.n_classes_} classes: "
                f"end it with Dense({self.n_classes_}, activation='softmax')."
            )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        tags.classifier_tags.poor_score = True  # after one epoch, which is the default
        return tags
