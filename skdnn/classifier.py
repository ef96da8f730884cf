"""`DNNClassifier`: a dense network that tells classes apart."""

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin, _fit_context
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import type_of_target

from skdnn._base import BaseDNN
from skdnn._targets import Targets, check_labels, classification_targets


class DNNClassifier(ClassifierMixin, BaseDNN):
    """Dense neural network classifier.

    Flatten and scaling, hidden layers with their activations, and a softmax over the classes,
    trained on the cross-entropy by any Keras optimizer. With a multilabel indicator matrix as y,
    one sigmoid per label and the binary cross-entropy instead.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of int, default=(100,)
        Number of units of each hidden layer, as many layers as there are numbers. With none,
        `()`, the network is a logistic regression.
    activation : str, callable or sequence of them, default="relu"
        Activation of the hidden layers, or one for each of them: any of Keras's by name ("relu",
        "sigmoid", "tanh", "gelu", ...; "logistic" and "identity" are understood), or a function of
        a tensor, which must compute the same in every fit. It is what makes depth worth anything:
        without one ("linear"), a stack of layers is one linear map, however many there are.
    dropout : float or sequence of float, default=0.0
        Share of a hidden layer's outputs that is set to zero at random in training, in [0, 1);
        one for all hidden layers or one for each.
    batch_norm : bool, default=False
        Whether hidden layers are normalised over the batch, before their activation.
    kernel_initializer : str, class or Keras initializer, default="glorot_uniform"
        How the weights of all layers are drawn; biases start at zero.
    alpha : float, default=0.0
        Strength of the L2 penalty: `alpha` times the sum of the squared weights (biases apart) is
        added to the loss, as `keras.regularizers.L2(alpha)` does.
    scaling : {"auto", "standard", "minmax"} or None, default="auto"
        How inputs are scaled inside the network; what it takes is learned from training rows only.

        - "auto": `uint8` images (samples of rank 2 and above) are divided by 255; other images,
          and those with no value above 127, get mean 0 and variance 1 over all their values
          together; columns of a table get mean 0 and variance 1 each.
        - "standard": each value of a sample gets mean 0 and variance 1 over the rows.
        - "minmax": each value of a sample gets the range [0, 1] over the rows.
        - None: inputs are taken as they come.

        Where a column is constant it becomes 0. Sparse X under "auto": each column is divided by
        its greatest absolute value, so that zeros stay zeros. Missing numbers (NaN) become the
        median of their column before it is scaled, and each column that has any in training
        brings a second one along, of 1 where a number was missing and 0 elsewhere.
    categorical_features : "auto", array-like or None, default="auto"
        Columns that are categories. Each category is a vector that is learned with the network, of
        min(600, round(1.6 * n_categories**0.56)) values, which is fast.ai's rule.

        - "auto": columns of a DataFrame that hold categories, text or booleans.
        - array-like: a mask of booleans, positions, or names of columns of a DataFrame.
        - None: no column.

        Missing ones are a category of their own, if there are any in training. A category that was
        not in training is the vector zero.
    optimizer : str, Keras optimizer class or Keras optimizer, default="adam"
        "sgd", "momentum" (SGD with momentum 0.9), "nesterov" (the same with Nesterov's), "adagrad",
        "rmsprop", "adam", "adamw", or any other of Keras's in lower case. An object is only read:
        each fit trains with a new one of the same configuration.
    learning_rate : float, Keras learning-rate schedule or None, default=None
        Overrides the optimizer's own (Keras's default for it, where it is given by name).
    momentum : float or None, default=None
        Overrides the optimizer's own, for those that have one: "sgd", "momentum", "nesterov" and
        "rmsprop".
    epochs : int, default=50
        Number of times that training goes over all rows.
    batch_size : int, default=32
        Number of rows of one step of the optimizer; a number larger than the data means all rows.
    shuffle : bool, default=True
        Whether the rows are taken in a new random order in each epoch.
    validation_fraction : float or None, default=None
        Share of the rows, in (0, 1), that is held out at random from training, in
        the proportions of the classes, and
        evaluated after each epoch ("val_loss" and so on in `history_`). None trains on all rows.
    warm_start : bool, default=False
        Whether `fit` goes on from where the last one stopped (weights, state of the optimizer,
        scaling) instead of starting anew.
    dtype : {"float32", "float64"}, default="float32"
        What the network computes in. float32 is faster; float64 is for what needs more than about
        6 digits.
    random_state : int, RandomState instance or None, default=None
        Decides initial weights, the order of rows, dropout and the held-out rows. Pass an int for
        the same result each time. Global seeds are neither read nor set.
    verbose : bool or int, default=0
        0 is silent; 1 writes one line per epoch, live on a terminal and in a notebook.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,) or (n_labels, 2)
        The labels, sorted. Where y is multilabel, [0, 1] for each label.
    history_ : dict of list of float
        Per epoch: "loss" (with the penalty) and "accuracy" ("binary_accuracy"
        over all labels, where y is multilabel), and the same of the held-out rows
        as "val_loss" and "val_accuracy" where `validation_fraction` is set.
    n_iter_ : int
        Number of epochs trained.
    n_features_in_ : int
        Number of values in one sample: 784 for an image of 28 x 28.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, where X is a DataFrame whose columns all have strings as names.
    model_ : keras.Sequential
        The network as a compiled Keras model, made anew at each access: it takes X as `predict`
        does, a table with categories as `encode` gives it, and returns probabilities. Its weights
        are copies, so that training it leaves the estimator as it is. Its loss is without the
        penalty.

    See Also
    --------
    DNNRegressor : The same network for quantities.
    compare : Cross-validates it side by side with tree ensembles.
    sklearn.neural_network.MLPClassifier : scikit-learn's own, without dropout or images.

    Notes
    -----
    Training runs in compiled TensorFlow, many batches in one call; predicting is done in NumPy, but
    for many rows at once in a process that has trained.
    The compiled program of an architecture is kept and used again, so that a search over learning
    rates, seeds and folds compiles once.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from skdnn import DNNClassifier
    >>> digits = load_digits()
    >>> X_train, X_test, y_train, y_test = train_test_split(
    ...     digits.images, digits.target, random_state=0
    ... )
    >>> clf = DNNClassifier((64,), epochs=20, random_state=0).fit(X_train, y_train)
    >>> clf.score(X_test, y_test) > 0.95
    True
    >>> clf.predict_proba(X_test).shape
    (450, 10)
    >>> clf.summary()
    Layer     Type             Output shape  Parameters
    ────────  ───────────────  ────────────  ──────────
    flatten   Flatten          (None, 64)             0
    scaling   Scaling          (None, 64)             0
    hidden_1  Dense (relu)     (None, 64)         4,160
    output    Dense (softmax)  (None, 10)           650
    ────────  ───────────────  ────────────  ──────────
    Total parameters: 4,810
    Trainable parameters: 4,810
    Non-trainable parameters: 0
    """

    classes_: np.ndarray

    _parameter_constraints: dict = {
        **BaseDNN._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (100,),
        activation: str | Callable | Sequence[str | Callable] = "relu",
        *,
        dropout: float | Sequence[float] = 0.0,
        batch_norm: bool = False,
        kernel_initializer: Any = "glorot_uniform",
        alpha: float = 0.0,
        scaling: str | None = "auto",
        categorical_features: Any = "auto",
        loss: Any = "auto",
        class_weight: dict | str | None = None,
        optimizer: Any = "adam",
        learning_rate: Any = None,
        learning_rate_schedule: str = "constant",
        warmup: float = 0.0,
        momentum: float | None = None,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        ema_momentum: float | None = None,
        label_smoothing: float = 0.0,
        epochs: int | str = "auto",
        batch_size: int = 32,
        shuffle: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float | None = None,
        n_iter_no_change: int = 10,
        tol: float = 1e-4,
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = 0,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            dropout=dropout,
            batch_norm=batch_norm,
            kernel_initializer=kernel_initializer,
            alpha=alpha,
            scaling=scaling,
            categorical_features=categorical_features,
            loss=loss,
            optimizer=optimizer,
            learning_rate=learning_rate,
            learning_rate_schedule=learning_rate_schedule,
            warmup=warmup,
            momentum=momentum,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            ema_momentum=ema_momentum,
            epochs=epochs,
            batch_size=batch_size,
            shuffle=shuffle,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            callbacks=callbacks,
            warm_start=warm_start,
            dtype=dtype,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Train for one epoch on these rows, going on from where the last call stopped.

        Weights and the state of the optimizer are kept. The scaling of the inputs is learned by
        the first call; no rows are held out.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will ever be. Needed at the first call, unless y is a multilabel
            indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.

        Returns
        -------
        self : object
            The estimator, one epoch on.
        """
        owner, known = type(self).__name__, getattr(self, "classes_", None)
        if known is None and classes is None and type_of_target(y) != "multilabel-indicator":
            raise ValueError(
                f"classes must be passed on the first call to {owner}.partial_fit: all labels that "
                "will ever come."
            )
        if known is not None and known.ndim == 1 and classes is not None:
            given = np.unique(classes)
            if not np.array_equal(given, known):
                raise ValueError(
                    f"The classes of {owner}.partial_fit must be those of the first call, "
                    f"{known.tolist()}. Got {given.tolist()}."
                )
        return self._learn(
            X, y, sample_weight, epochs=1, resume=True, validate=False, classes=classes
        )

    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of the shape of those in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`; two columns for two classes. float64 where X needs
            it (float64, int64), else as `dtype`. For a multilabel y, the probability of each label.
        """
        return self._forward(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples of the shape of those in `fit`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            As `predict_proba`; a probability of 0 gives minus infinity.
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def _check_y(self, y: Any) -> np.ndarray:
        return check_labels(y, type(self).__name__)

    def _make_targets(
        self, y: np.ndarray, rows: np.ndarray, weight: np.ndarray | None, classes: Any
    ) -> Targets:
        targets = classification_targets(y, classes, type(self).__name__)
        self.classes_ = targets.classes
        return targets

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
