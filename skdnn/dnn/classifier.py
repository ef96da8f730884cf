"""`DNNClassifier`: a dense network that tells classes apart."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from skdnn._network.spec import Activation
from skdnn._utils.sklearn_compat import Interval, StrOptions, fit_context
from skdnn.dnn.base import BaseDNN

ClassWeight = dict[Any, float] | list[dict[Any, float]] | str | None


class DNNClassifier(ClassifierMixin, BaseDNN):
    """Dense neural network classifier.

    Flatten and scaling, hidden layers with their activations, and a softmax over the classes,
    trained on the cross-entropy, or another loss, by any Keras optimizer. With a multilabel
    indicator matrix as y, one sigmoid per label and the binary cross-entropy instead.

    Parameters
    ----------
    hidden_layer_sizes : int, array-like of int or "auto", default="auto"
        Number of units of each hidden layer, as many layers as there are numbers. With none,
        `()`, the network is a logistic regression.
    activation : str, callable or sequence of them, default="auto"
        Activation of the hidden layers, or one for each of them: any of Keras's by name ("relu",
        "sigmoid", "tanh", "gelu", ...; "logistic" and "identity" are understood), or a function of
        a tensor, which must compute the same in every fit. It is what makes depth worth anything:
        without one ("linear"), a stack of layers is one linear map, however many there are.
    preset : {"auto", "plain", "fast", "balanced", "best"}, default="auto"
        What "auto" stands for in the parameters whose default it is, but for `loss` and
        `categorical_features`; a value that is given always wins.
        `resolved_params_` says what was used.

        - "plain": one network with a hidden layer of 100 units, trained for 50 epochs.
        - "fast", "balanced", "best": on a table 2 to 16 networks side by side, of two hidden layers
          of 128 units, on binned columns, each stopped on a fold of its own. For a table of up to
          1,000 rows "fast" is the same as "balanced". See the user guide for the whole recipe. Of
          images (samples of rank 2 and above), one wide network with dropout.
        - "auto": "plain" where `hidden_layer_sizes` or `epochs` is given, and where rows come in
          parts (`partial_fit`, chunks); else "balanced", the most accurate one whose fits took, in
          the median over tables, no more than five times those of a random forest.

        Where rows come in parts, how long to train and what needs all rows at once (epochs, early
        stopping, schedule, calibration, clipping) is that of "plain" in all presets.
    dropout : float, sequence of float or "auto", default="auto"
        Share of a hidden layer's outputs that is set to zero at random in training, in [0, 1);
        one for all hidden layers or one for each.
    batch_norm : bool, default=False
        Whether hidden layers are normalised over the batch, before their activation.
    kernel_initializer : str, class or Keras initializer, default="auto"
        How the weights of all layers are drawn; biases start at zero.
    alpha : float, default=0.0
        Strength of the L2 penalty: `alpha` times the sum of the squared weights (biases apart) is
        added to the loss, as `keras.regularizers.L2(alpha)` does.
    scaling : {"auto", "standard", "minmax", "pixelwise"} or None, default="auto"
        How inputs are scaled inside the network; what it takes is learned from training rows only.

        - "auto": `uint8` images (samples of rank 2 and above) are divided by 255; other images,
          and those with no value above 127, get mean 0 and variance 1 over all their values
          together; columns of a table get mean 0 and variance 1 each.
        - "standard": each value of a sample gets mean 0 and variance 1 over the rows.
        - "minmax": each value of a sample gets the range [0, 1] over the rows.
        - "pixelwise": each value of a sample gets mean 0, and is divided by its standard deviation
          plus a twentieth of the range of all values, so that pixels that are nearly always blank
          are not blown up. It is what "auto" stands for, of images, in all presets but "plain".
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
    one_hot_max_size : int or "auto", default="auto"
        Columns of no more categories than these are one-hot encoded: a column of 0 and 1 for each
        category, in the place of a vector that is learned; nothing but zeros for a category that
        was not in training. 0 encodes none. "auto" is 0 in the preset "plain", else 64.
    numeric_embedding : {"auto", "piecewise_linear", "periodic"} or None, default="auto"
        What is added to each scaled column of numbers, for what is not linear in them (Gorishniy
        et al. 2022, "On Embeddings for Numerical Features in Tabular Deep Learning").

        - "piecewise_linear": how far it is through each of its bins, which lie between quantiles
          of the training rows, and on both sides of values that are very frequent: 16 of them,
          fewer from 33 columns on, 2 at the least.
        - "periodic": sine and cosine of 16 multiples of it, which are learned.
    n_members : int or "auto", default="auto"
        Number of networks that are trained side by side, each from its own initial weights, and
        whose predictions are averaged. With early stopping, and neither X_val nor
        `validation_fraction`, the rows are dealt out to 8 folds: each of the first 8 members never
        sees one of them and is judged on it, and no row is lost to all. The validation loss is
        then the mean over these folds, measured after some of the epochs.
    parametrization : {"auto", "standard", "realmlp", "both"}, default="auto"
        What kind of networks the members are.

        - "standard": weights as `kernel_initializer` draws them.
        - "realmlp": much like RealMLP (Holzmüller et al. 2024, "Better by Default"): columns are
          scaled robustly and clipped smoothly, and have a scale that is learned; the neural tangent
          parametrisation; a learned share of the activation in each unit. `numeric_embedding`,
          `kernel_initializer` and `batch_norm` are not for them. They count on Adam: by "adam" at
          "auto", `learning_rate` is 0.04 for classes and 0.07 for quantities, `activation` "selu"
          and "mish"; another optimizer must be given a rate.
        - "both": `n_members` of each, in one loop. Those of RealMLP have its activation, unless one
          is given, and learn at 20 (quantities: 35) times `learning_rate`.

        "auto" is "standard" in "plain", for images, sparse X and more than 2,000 columns, with
        `batch_norm`, and with another optimizer than "adam"; else it is "both".
    blend : {"auto", "greedy"} or None, default="auto"
        How much each member counts. None: all the same. "greedy": each counts once; then, some 14
        times, the one is added that makes the loss of the average on held-out rows least, the
        cross-entropy of classes and the squared error of quantities (Caruana et al. 2004, "Ensemble
        Selection from Libraries of Models"). Members that are judged on folds of their own are
        added by kinds, all of one `parametrization` together.
        "auto" is "greedy" where the preset has both kinds and early stopping holds rows out.
    loss : str, callable, Keras loss or Keras loss class, default="auto"
        What training minimises. "auto" or "log_loss" is the cross-entropy, for a multilabel y the
        binary one of each label. Any other of Keras's by name, and any Keras loss as object or
        class, or function of (y_true, y_pred): y_pred has the probabilities, of shape
        (n_rows, n_classes), two columns for two classes; y_true is one-hot, or the numbers of the
        classes, of shape (n_rows,), where the loss has "sparse" in its name. One with
        from_logits=True is given logits. It has one value per row; the mean over the rows is
        taken, whatever its `reduction`.
    class_weight : dict, list of dict, "balanced" or None, default=None
        What multiplies the weight of a row of each class, {label: weight}, in the loss and the
        metric, of training and of held-out rows; it multiplies `sample_weight`, and the product is
        divided by its mean. Classes that are not named have 1. "balanced" gives each class the
        same weight in all: n_samples / (n_classes * n_samples_of_class), of the training rows with
        their `sample_weight` (King & Zeng 2001, "Logistic Regression in Rare Events Data").
        For a multilabel y a list with a dict for each label, {0: weight, 1: weight}; the
        weights of a row's labels are multiplied.
    optimizer : str, Keras optimizer class or Keras optimizer, default="adam"
        "sgd", "momentum" (SGD with momentum 0.9), "nesterov" (the same with Nesterov's), "adagrad",
        "rmsprop", "adam", "adamw", or any other of Keras's in lower case. An object is only read:
        each fit trains with a new one of the same configuration.
    learning_rate : float, Keras learning-rate schedule, None or "auto", default="auto"
        None is the optimizer's own (Keras's default for it, where it is given by name), and so is
        "auto" for all optimizers but "adam".
    learning_rate_schedule : {"auto", "constant", "cosine", "coslog4", "one_cycle", \
            "reduce_on_plateau"}, default="auto"
        How the learning rate changes over the steps of a fit; it is at its highest what
        `learning_rate` says, which must be a number then, or None for the optimizer's own.

        - "constant": not at all.
        - "cosine": falls to zero along half a cosine (Loshchilov & Hutter 2017, "SGDR",
          equation 5), as `keras.optimizers.schedules.CosineDecay` does.
        - "coslog4": goes from zero to its height and back four times, each time for longer
          (Holzmüller et al. 2024, "Better by Default", equation 3). Where early stopping lets
          training go on for all `epochs` (`n_iter_no_change` is no less), the weights that are
          kept are those of an epoch about the end of a cycle, where the rate is a tenth of its
          height or less (or of where a `warm_start` began).
        - "one_cycle": rises from a 25th to its full height over the first 30% of the steps, and
          falls to a 250,000th over the rest, along half cosines (Smith & Topin 2018,
          "Super-Convergence"; the shares are those of fastai, Howard & Gugger 2020).
        - "reduce_on_plateau": becomes a fifth whenever the loss (of the held-out rows, where there
          are any) has not fallen by more than `tol` for half of `n_iter_no_change` epochs, down to
          a millionth at the least.

        With `warm_start`, each fit goes through it anew. `partial_fit` trains at a constant rate.
    warmup : float or "auto", default="auto"
        Share of the steps, in [0, 1), over which the learning rate first rises linearly from zero
        (Goyal et al. 2017, section 2.2). The schedule has the steps that are left.
    momentum : float or None, default=None
        Overrides the optimizer's own, for those that have one: "sgd", "momentum", "nesterov" and
        "rmsprop".
    weight_decay : float, None or "auto", default="auto"
        Share of each weight, times the learning rate, that is taken from it at each step, apart
        from the gradient (Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"). As
        in Keras, of all weights: biases and normalisation too. Overrides the optimizer's own,
        which "adamw" has by default, unless None. "auto" is 0.1 of tables, in all presets but
        "plain" where the optimizer is "adam", 0.005 with parametrization="realmlp"; else None.
    clipnorm : float or None, default=None
        The most that the L2 norm of the gradient of each weight array may be; longer ones are
        shortened to it. In the place of any clipping of the optimizer's own, unless None.
    ema_momentum : float or None, default=None
        Where it is a number, a moving average of the weights is validated, kept as the best, seen
        by callbacks and predicted with, while training goes on from the weights themselves. After
        each step average = ema_momentum * average + (1 - ema_momentum) * weights, from the weights
        after the first step on, as with `use_ema` of Keras's optimizers. Moving averages of
        `batch_norm` are left as they are.
    label_smoothing : float or "auto", default="auto"
        Share of each label, in [0, 1), that training spreads over all classes evenly (Szegedy et
        al. 2016, "Rethinking the Inception Architecture", section 7), as the cross-entropies of
        Keras do; of a multilabel y, over yes and no. "loss" is of smoothed labels, "val_loss" of
        the labels as they are.
    epochs : int or "auto", default="auto"
        Number of times that training goes over all rows; with early stopping, the most that it may
        take. "auto" means in the preset "plain" 50 without early stopping and at most 200 with it;
        in the others, as many as have the preset's number of steps.
    batch_size : int or "auto", default="auto"
        Number of rows of one step of the optimizer; a number larger than the data means all rows.
        "auto" is 32 in the preset "plain"; else a power of 2, an eighth to a thirtieth of the
        rows, from 16 to 256 (of images to 128).
    shuffle : bool, default=True
        Whether the rows are taken in a new random order in each epoch.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out rows, to stop when the loss on them no longer falls, and to keep the
        weights of the epoch in which it was least (with "coslog4", see `learning_rate_schedule`).
        "auto" does so in the preset "plain" where `epochs` is "auto", and `fit` is given X_val or
        more than 10,000 rows of a weight above 0; in the others on tables from 50 rows on.
    validation_fraction : float or None, default=None
        Share of the rows, in (0, 1), that is held out at random from training, in the proportions
        of the classes, and evaluated after each epoch ("val_loss" and so on in `history_`); with
        `groups`, share of the groups.
        None holds out 0.1 where early stopping needs rows, and else trains on all. A number without
        early stopping only evaluates. With X_val nothing is held out.
    n_iter_no_change : int or "auto", default="auto"
        With early stopping: number of epochs in a row without improvement after which training
        stops. "auto" is 10 in the preset "plain"; in the others, whose schedules end with the last
        epoch, it is all of them. Half of it is the patience of
        learning_rate_schedule="reduce_on_plateau".
    tol : float, default=0.0001
        With early stopping: what the validation loss must fall by, below that of the last
        improvement, to count as one. The weights kept may be those of a smaller one.
        "reduce_on_plateau" has the same measure.
    monitor : {"auto", "loss", "accuracy", "refinement"}, default="auto"
        With early stopping: what of the held-out rows is watched.

        - "loss": the loss.
        - "accuracy": the share of errors, to which a tenth of "refinement" is added (of losses that
          are no cross-entropies, a tenth of the loss), so that of several epochs with nearly the
          same accuracy the one of the least loss is kept.
        - "refinement": the cross-entropy at the best of nine temperatures from a quarter to four,
          in `history_` as "val_refinement" (Berta et al. 2025, "Rethinking Early Stopping: Refine,
          Then Calibrate"). A network that is only too sure, or not sure enough, is as good as one
          that is not, because `calibration` makes up for it. Of the cross-entropies alone.

        "auto" is "loss" in the preset "plain" and for other losses; else "accuracy".
    calibration : {"auto", "temperature"} or None, default="auto"
        Whether logits are divided by a temperature after training: the one by which the
        cross-entropy of rows that were not trained on is least (Guo et al. 2017, "On Calibration of
        Modern Neural Networks", section 4.2). It changes no single network's choice of a class, and
        makes up for label smoothing and for training too long. It needs held-out rows. "auto" does
        so in all presets but "plain", where early stopping holds some out and the loss is the
        cross-entropy.
    callbacks : Keras callback, class or callable, list of them, or None, default=None
        Objects derived from `keras.callbacks.Callback`, which each fit copies; classes, and
        functions without arguments, which each fit calls to make one. They see the whole network
        as a compiled Keras model, as `model_` is, and may change its weights, the optimizer and
        its learning rate, and stop training. Where one of them looks at each batch, each is a
        call of its own, which is slower. They are not told of `partial_fit`.
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
    resolved_params_ : Bunch
        The preset, and what each parameter that may be "auto" was, in the last `fit`.
    classes_ : ndarray of shape (n_classes,) or (n_labels, 2)
        The labels, sorted. Where y is multilabel, [0, 1] for each label.
    history_ : dict of list of float
        Per epoch: "loss" (with the penalty) and "accuracy" ("binary_accuracy"
        over all labels, where y is multilabel), and the same of the rows to validate
        on, if there are any, as "val_loss" and "val_accuracy".
        "learning_rate" is that of the last step, where there is a schedule.
    n_iter_ : int
        Number of epochs trained.
    validation_scores_ : ndarray of shape (`n_iter_`,)
        What `monitor` watches after each epoch, negative, so that higher is better; NaN where
        nothing was measured. Only after a `fit` with early stopping, as the next two.
    best_epoch_ : int
        The epoch whose weights were kept, from 1 on. They, and the state of the optimizer, are also
        what `warm_start` and `partial_fit` go on from.
    best_score_ : float
        Its validation score: the highest of the epochs that there were to choose from, where all
        were judged on the same rows.
    callbacks_ : list of Keras callbacks
        Those that the last `fit` made of `callbacks`, as they were at its end. They are left out
        when the estimator is pickled.
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

    Where nothing is said of sizes and epochs, the preset chooses what is left at "auto":

    >>> quick = DNNClassifier(preset="fast", batch_size=128, random_state=0).fit(X_train, y_train)
    >>> used = quick.resolved_params_
    >>> used.preset, used.batch_size, used.scaling
    ('fast', 128, 'pixelwise')

    The layers of the first one:

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

    _parameter_constraints: dict[str, list[Any]] = {
        **BaseDNN._parameter_constraints,
        "class_weight": [dict, list, StrOptions({"balanced"}), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), StrOptions({"auto"})],
        "monitor": [StrOptions({"auto", "loss", "accuracy", "refinement"})],
        "calibration": [StrOptions({"auto", "temperature"}), None],
    }

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] | str = "auto",
        activation: Activation | Sequence[Activation] = "auto",
        *,
        preset: str = "auto",
        dropout: float | Sequence[float] | str = "auto",
        batch_norm: bool = False,
        kernel_initializer: Any = "auto",
        alpha: float = 0.0,
        scaling: str | None = "auto",
        categorical_features: Any = "auto",
        one_hot_max_size: int | str = "auto",
        numeric_embedding: str | None = "auto",
        n_members: int | str = "auto",
        parametrization: str = "auto",
        blend: str | None = "auto",
        loss: Any = "auto",
        class_weight: ClassWeight = None,
        optimizer: Any = "adam",
        learning_rate: Any = "auto",
        learning_rate_schedule: str = "auto",
        warmup: float | str = "auto",
        momentum: float | None = None,
        weight_decay: float | str | None = "auto",
        clipnorm: float | None = None,
        ema_momentum: float | None = None,
        label_smoothing: float | str = "auto",
        epochs: int | str = "auto",
        batch_size: int | str = "auto",
        shuffle: bool = True,
        early_stopping: bool | str = "auto",
        validation_fraction: float | None = None,
        n_iter_no_change: int | str = "auto",
        tol: float = 1e-4,
        monitor: str = "auto",
        calibration: str | None = "auto",
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: str = "float32",
        random_state: int | np.random.RandomState | None = None,
        verbose: bool | int = 0,
    ):
        super().__init__(
            hidden_layer_sizes=hidden_layer_sizes,
            activation=activation,
            preset=preset,
            dropout=dropout,
            batch_norm=batch_norm,
            kernel_initializer=kernel_initializer,
            alpha=alpha,
            scaling=scaling,
            categorical_features=categorical_features,
            one_hot_max_size=one_hot_max_size,
            numeric_embedding=numeric_embedding,
            n_members=n_members,
            parametrization=parametrization,
            blend=blend,
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
        self.monitor = monitor
        self.calibration = calibration

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Train for one epoch on these rows, going on from where the last call stopped.

        Weights and the state of the optimizer are kept. The scaling of the inputs is learned by
        the first call; no rows are held out.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples. Or, without y, an iterable of chunks as in `fit`, one epoch on each.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), default=None
            Labels; None only for chunks.
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
        owner = type(self).__name__
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight='balanced' is not for {owner}.partial_fit, which does not see all "
                "rows at once: set class_weight to dict(zip(classes, sklearn.utils.class_weight."
                "compute_class_weight('balanced', classes=classes, y=y))), of a sample of y."
            )
        return self._partial_fit(X, y, sample_weight, classes)

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
            logarithms: np.ndarray = np.log(self.predict_proba(X))
        return logarithms

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
