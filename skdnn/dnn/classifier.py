"""`DNNClassifier`: a dense network for classification."""

from collections.abc import Sequence
from numbers import Real
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import Tags

from skdnn._data.read_target import read_target
from skdnn._utils.annotations import (
    Activation,
    ClassificationLoss,
    ClassWeight,
    Columns,
    Floats,
    Initializer,
    Integers,
    Monitor,
    Optimizer,
    Rate,
    ValidationRows,
)
from skdnn._utils.arguments import explains_unknown_arguments
from skdnn._utils.sklearn_compat import Interval, fit_context, one_of
from skdnn._utils.snapshot import of_one_fit
from skdnn.dnn.base import BaseDNN
from skdnn.typing import (
    Auto,
    Blend,
    Calibration,
    DType,
    LearningRateSchedule,
    NumericEmbedding,
    Parametrization,
    Patience,
    Preset,
    Scaling,
)


class DNNClassifier(ClassifierMixin, BaseDNN):
    """Dense neural network classifier.

    The network flattens and scales the inputs, applies the hidden layers with their activations,
    and ends in a softmax over the classes. The network is trained on the cross-entropy, or on
    another loss, with any Keras optimizer. If y is a multilabel indicator matrix, the output is one
    sigmoid per label, and the loss is the binary cross-entropy.

    Parameters
    ----------
    hidden_layer_sizes : int, array-like of int or "auto", default="auto"
        Number of units of each hidden layer. If given, `preset="auto"` is "plain": one network.
        There is one number per layer. An empty sequence, `()`, means no hidden layer, so that the
        network is a logistic regression.
    activation : str, callable or sequence of them, default="auto"
        Activation function of all hidden layers, or a sequence with one activation function per
        layer. An activation function is one of:

        - the name of a Keras activation ("relu", "sigmoid", "tanh", "gelu", "linear" and so on), or
          scikit-learn's "logistic" or "identity";
        - a function of a tensor. The function must compute the same values in every fit, because
          compiled programs are cached.

        With the activation "linear", a stack of any number of layers is a single linear map.
    preset : {"auto", "plain", "fast", "balanced", "best"}, default="auto"
        The set of values that replaces "auto" in all parameters that accept "auto", except `loss`
        and `categorical_features`. Explicit values of parameters are kept. `resolved_params_` holds
        the values that were used.

        - "plain": one network with one hidden layer of 100 units, trained for 50 epochs.
        - "fast", "balanced", "best": on tables, an ensemble of 2 to 16 networks with two hidden
          layers of 128 units and the "piecewise_linear" `numeric_embedding`. Each network is
          validated on its own fold for early stopping. On images (samples with two or more
          dimensions), one wide network with dropout. On tables of up to 1,000 rows "fast" equals
          "balanced". The user guide lists all values.
        - "auto": "plain" if `hidden_layer_sizes` is given, or if the rows are passed in parts
          (`partial_fit`, chunks). No other parameter changes the preset. Otherwise "balanced",
          which is the most accurate preset whose median fit time over the tables of the presets
          was at most five times that of a random forest. Single tables take longer.

        If the rows are passed in parts, every preset uses the values of "plain" for all parameters
        that require all rows at once. These are the epochs, batch size, early stopping,
        learning-rate schedule, calibration, ensemble weights and clipping.
    dropout : float, sequence of float or "auto", default="auto"
        Fraction of the outputs of each hidden layer, in [0, 1), that is set to zero at random
        during training. Either one fraction for all hidden layers, or a sequence with one fraction
        per layer.
    batch_norm : bool, default=False
        Whether to apply batch normalisation in each hidden layer, before its activation.
    kernel_initializer : str, class or Keras initializer, default="auto"
        Distribution of the initial weights of all layers. Biases are initialised to zero.
    alpha : float, default=0.0
        Strength of the L2 penalty. `alpha` times the sum of the squared network weights, without
        biases, is added to the loss, as by `keras.regularizers.L2(alpha)`.
    scaling : {"auto", "standard", "minmax", "pixelwise", "robust"} or None, default="auto"
        Method that scales inputs inside the network. All statistics are computed on the training
        rows only.

        - "auto": columns of a table are standardised to mean 0 and variance 1. A column with a
          value more than 1,000 interquartile ranges from its median is scaled as by "robust".
          `uint8` images (samples with two or more dimensions) with a value above 127 are divided by
          255. All other images are standardised with one mean and one variance over all pixels of
          all images. In all presets except "plain", images use "pixelwise".
        - "standard": each value of a sample is standardised to mean 0 and variance 1.
        - "minmax": each value of a sample is scaled to the range [0, 1].
        - "pixelwise": each value of a sample is centred to mean 0 and divided by its standard
          deviation plus 5% of the range of all values. The added term limits the scale of pixels
          that are almost always blank.
        - "robust": each column, or each pixel, is scaled to the median 0 and to the interquartile
          range of a standard normal distribution, and is clipped to [-3, 3]. Extreme values, such
          as -999 for "unknown", then do not decide the scale of the other values.
        - None: inputs are not scaled.

        Constant columns become 0. Sparse X with "auto" is divided by the maximum absolute value of
        each column, so that X stays sparse. Missing numbers (NaN) are imputed by the median of
        their column before scaling. Each column with missing numbers in training adds an indicator
        column, which is 1 if the number is missing and 0 otherwise.
    categorical_features : "auto", array-like or None, default="auto"
        The categorical columns. Each category is represented by a vector that is trained with the
        network. The length of the vector is min(600, round(1.6 * n_categories**0.56)), the rule of
        fastai.

        - "auto": the columns of a DataFrame that hold categories, text or booleans.
        - array-like: a boolean mask, integer positions, or column names of a DataFrame.
        - None: no column.

        Missing values are a separate category if the training rows have missing values. A category
        that was not seen in `fit` is represented by the zero vector.
    n_features_to_select : int, "auto" or None, default="auto"
        Number of numeric columns that the network uses. The columns with the strongest relation to
        y on the training rows are selected. Columns are ranked by the better of two ranks: one by a
        test of each column by itself, and one by the gains of the column in boosted trees, which
        also find columns that matter only together. Categorical columns are always used.

        - "auto": if a table has more than 256 numeric columns, those that pass the test, with at
          most 5% false ones among them by expectation, and the 32 with the highest gains. All
          columns if a quarter of them pass the test, or if by estimate many are related to y too
          weakly to pass. Also all columns in the preset "plain", for images, for sparse X, for
          fewer than 50 rows, and if the rows are passed in parts.
          `resolved_params_` holds the number of the selected columns, or None if all are used.
        - int: this number of columns, or all if there are fewer.
        - None: all columns.

        If columns are selected, all ensemble members are validated on the same held-out rows, on
        which no column was selected.
    one_hot_max_size : int or "auto", default="auto"
        Maximum number of categories for which a categorical column is one-hot encoded instead of
        represented by trained vectors. A category that was not seen in `fit` is encoded as all
        zeros. 0 disables one-hot encoding. "auto" is 0 in the preset "plain" and 64 in all other
        presets.
    numeric_embedding : {"auto", "piecewise_linear", "periodic"} or None, default="auto"
        Nonlinear features that are added to each scaled numeric column (Gorishniy et al. 2022, "On
        Embeddings for Numerical Features in Tabular Deep Learning").

        - "piecewise_linear": one feature per bin, the fraction of the bin that lies below the
          value. The edges of the bins are quantiles of the training rows, and points on both sides
          of very frequent values. There are 16 bins per column. From 33 columns on there are fewer
          bins, but at least 2.
        - "periodic": sine and cosine of 16 multiples of the value. The multiples are trained.
        - None: no features are added.
    n_members : int or "auto", default="auto"
        Number of ensemble members. These are networks with different initial weights that are
        trained at the same time and whose predictions are averaged.

        With early stopping, and if neither X_val nor `validation_fraction` is given, the rows are
        assigned to 8 folds. Each of the first 8 members is trained without one of the folds and
        validated on this fold. No training data is given up, because most members are trained on
        every row. The validation loss is then the mean over the folds, and is computed only after
        some of the epochs. Folds are not used with fewer than 50 rows or
        `numeric_embedding="periodic"`.
    parametrization : {"auto", "standard", "realmlp", "both"}, default="auto"
        Architecture of the ensemble members.

        - "standard": dense layers with initial weights from `kernel_initializer`.
        - "realmlp": an architecture similar to RealMLP (Holzmüller et al. 2024, "Better by
          Default"). Columns are scaled robustly, clipped smoothly and multiplied by a trained
          scale. Layers use the neural tangent parametrisation. The output of each unit is a
          weighted sum, with a trained weight, of the activation function and the identity.
          `numeric_embedding`, `kernel_initializer` and `batch_norm` are not available. With
          `optimizer="adam"`, "auto" is a `learning_rate` of 0.04 and the `activation` "selu" for
          classification, and 0.07 and "mish" for regression. Any other optimizer requires an
          explicit `learning_rate`.
        - "both": `n_members` ensemble members of each architecture, trained in one loop. The
          RealMLP members use the activation of "realmlp" unless `activation` is given. Their
          learning rate is 20 times `learning_rate` for classification and 35 times for regression.
        - "auto": "standard" in the preset "plain", for images, for sparse X, for more than 2,000
          columns, with `batch_norm`, and with any optimizer except "adam". Otherwise "both".
    blend : {"auto", "greedy"} or None, default="auto"
        Method that chooses the ensemble weights, with which the predictions of the ensemble members
        are averaged.

        - None: all members have the same weight.
        - "greedy": greedy ensemble selection (Caruana et al. 2004, "Ensemble Selection from
          Libraries of Models"). Each member starts with a count of 1. At least 14 times, the count
          of the member that most reduces the loss of the average on held-out rows is increased.
          The ensemble weights are proportional to the counts.
          The loss is the cross-entropy (classification) or the squared error (regression). Members
          that are validated on their own folds are selected per architecture, with equal weights
          among the members of one architecture.
        - "auto": "greedy" if the preset trains both architectures and early stopping holds out
          rows. Otherwise None.
    loss : str, callable, Keras loss or Keras loss class, default="auto"
        Loss function that training minimises.

        - "auto", "log_loss": the cross-entropy, or for a multilabel y the binary cross-entropy of
          each label.
        - Any other loss of Keras by name, a Keras loss object or class, or a function of
          (y_true, y_pred).

        A Keras loss or function receives `y_pred` as probabilities of shape (n_rows, n_classes),
        with two columns for two classes, or as logits if the loss has `from_logits=True`. `y_true`
        is one-hot encoded, or holds class indices of shape (n_rows,) for the sparse losses of Keras
        and for losses with the attribute `takes_class_indices = True`. The loss must return one
        value per row. The mean over the rows is minimised, regardless of the `reduction` of the
        loss.
    class_weight : dict, list of dict, "balanced" or None, default=None
        Weights of the classes, {label: weight}. The weight of a row is the `sample_weight` of the
        row times the weight of its class, divided by the mean of these products. These weights
        apply to the loss and the metric, on training rows and on held-out rows.

        - dict: the weights. Classes that are not in the dict have weight 1.
        - "balanced": n_samples / (n_classes * n_samples_of_class), counted on the training rows
          with their `sample_weight`, so that all classes have the same total weight (King & Zeng
          2001, "Logistic Regression in Rare Events Data").
        - list of dict: for a multilabel y, one dict {0: weight, 1: weight} per label. The weights
          of the labels of a row are multiplied.
        - None: all classes have weight 1.
    optimizer : str, Keras optimizer class or Keras optimizer, default="adam"
        Optimizer of the network weights: "sgd", "momentum" (SGD with momentum 0.9), "nesterov"
        (SGD with Nesterov momentum 0.9), "adagrad", "rmsprop", "adam", "adamw", or any other
        optimizer of Keras by its lower-case name. An optimizer object is never modified, because
        each fit uses a new optimizer with the same configuration.
    learning_rate : float, Keras learning-rate schedule, None or "auto", default="auto"
        Learning rate of the optimizer. None keeps the optimizer's own learning rate, which is the
        default of Keras for an optimizer given by name. "auto" is the learning rate of the preset
        with "adam", and None with all other optimizers.
    learning_rate_schedule : {"auto", "constant", "cosine", "coslog4", "one_cycle", \
            "reduce_on_plateau"}, default="auto"
        Schedule of the learning rate over the steps of a fit. The peak learning rate is
        `learning_rate`, which must then be a number, or None for the optimizer's own learning rate.

        - "constant": the rate does not change.
        - "cosine": the rate falls to zero along half a cosine (Loshchilov & Hutter 2017, "SGDR",
          equation 5), as with `keras.optimizers.schedules.CosineDecay`.
        - "coslog4": the rate rises from zero to the peak and falls back to zero in four cycles,
          each longer than the previous cycle (Holzmüller et al. 2024, "Better by Default",
          equation 3). If `n_iter_no_change` is "cycle" or at least `epochs`, early stopping selects
          among the epochs near the end of a cycle, in which the learning rate is at most a tenth
          of its peak, and the state from which a `warm_start` resumed.
        - "one_cycle": the rate rises from 1/25 of the peak to the peak over the first 30% of the
          steps, and falls to 1/250,000 of the peak over the remaining steps, along half cosines
          (Smith & Topin 2018, "Super-Convergence"; the fractions are those of fastai, Howard &
          Gugger 2020).
        - "reduce_on_plateau": the rate is divided by 5 whenever the loss has not fallen by more
          than `tol` for half of `n_iter_no_change` epochs, down to a millionth of the peak. The
          validation loss is used if there are held-out rows or X_val, and otherwise the training
          loss.

        With `warm_start`, the schedule restarts in each fit. `partial_fit` uses a constant rate.
    warmup : float or "auto", default="auto"
        Fraction of the steps, in [0, 1), over which the learning rate first rises linearly from
        zero (Goyal et al. 2017, section 2.2). The schedule covers the remaining steps.
    momentum : float or None, default=None
        Momentum of the optimizers "sgd", "momentum", "nesterov" and "rmsprop". None keeps the
        optimizer's own momentum.
    weight_decay : float, None or "auto", default="auto"
        Decoupled weight decay. At each step, each network weight is multiplied by one minus the
        learning rate times this number (Loshchilov & Hutter 2019, "Decoupled Weight Decay
        Regularization"). As in Keras, weight decay applies to all network weights, including biases
        and normalisation parameters. None keeps the optimizer's own weight decay, which is not zero
        for "adamw". "auto" is None in the preset "plain", for images, and with any optimizer except
        "adam". Otherwise "auto" is 0.1, or with `parametrization="realmlp"` 0.005 for
        classification and 0.003 for regression.
    clipnorm : float or None, default=None
        Maximum L2 norm of the gradient of each weight array. Gradients with a larger norm are
        scaled down to this norm. A number replaces the optimizer's own clipping, and None keeps the
        optimizer's own clipping.
    ema_momentum : float or None, default=None
        Momentum of an exponential moving average of the network weights. The average is validated,
        kept as the best epoch, passed to callbacks and used to predict, but each step
        updates the original weights, not the average. After each step,
        average = ema_momentum * average + (1 - ema_momentum) * weights, starting from the weights
        after the first step, as with `use_ema` of Keras's optimizers. The moving statistics of
        `batch_norm` are not averaged. None disables the average.
    label_smoothing : float or "auto", default="auto"
        Fraction of each label, in [0, 1), that is spread evenly over all classes during training
        (Szegedy et al. 2016, "Rethinking the Inception Architecture", section 7), as by Keras's
        cross-entropies. For a multilabel y, the fraction is spread over the presence and absence of
        each label. In `history_`, "loss" uses the smoothed labels and "val_loss" uses the original
        labels. "auto" is 0.1 in all presets except "plain" if the loss is the cross-entropy, and
        otherwise 0.
    epochs : int or "auto", default="auto"
        Number of passes over the training rows, or the largest number with early stopping. A given
        number does not change the preset. In the preset "plain", "auto" is 50 without early
        stopping and 200 with early stopping. In all other presets, "auto" is chosen so that the fit
        has the preset's number of steps.
    time_limit : float or None, default=None
        Maximum number of seconds of a fit, which include compilation. If fewer than `epochs` epochs
        fit, training ends after as many as fit, at least one, with a `ConvergenceWarning`. A
        learning-rate schedule is shortened to end with them. Early stopping keeps the best epoch as
        without a limit. The pace of the epochs so far determines how many epochs fit, so a fit may
        exceed the limit slightly, and an epoch that takes longer than the limit is completed. A fit
        that the limit shortens depends on the speed of the machine. A fit that it does not shorten
        is the same as without a limit. `partial_fit` does not use the limit. None means no limit.
    batch_size : int or "auto", default="auto"
        Number of rows per optimizer step. A number greater than the number of rows means all rows.
        "auto" is 32 in the preset "plain". In all other presets, "auto" is the power of 2 nearest
        to a fraction, from 1/30 to 1/8, of the number of rows, clipped to [16, 256] for tables and
        [16, 128] for images.
    shuffle : bool, default=True
        Whether to take the rows in a new random order in each epoch.
    early_stopping : bool or "auto", default="auto"
        Whether to hold out rows, stop training when the measure that `monitor` names no longer
        improves on them, and keep the network weights of the epoch with the best value. See
        `learning_rate_schedule` for the epochs among which "coslog4" selects. In the preset
        "plain", "auto" is True if `epochs` is "auto" and `fit` is given X_val or more than 10,000
        rows of positive weight. In all other presets, "auto" is True for tables of at least 50 rows
        or with X_val, and False for images.
    validation : "time", int, splitter, iterable or None, default=None
        The rows that are held out, if not by X_val. None means rows drawn at random, see
        `validation_fraction` and `n_members`.

        - "time": the last rows, a `validation_fraction` of them.
        - A splitter of scikit-learn, such as `GroupKFold()` or `TimeSeriesSplit()`, a number of
          folds, or a list of pairs (training rows, held-out rows) of indices. Member i of an
          ensemble is trained and validated on the i-th of the last `n_members` folds. If there are
          fewer folds, they are used repeatedly. A single network uses the last fold. So do members
          that share weights: with `numeric_embedding="periodic"`, or with categories that are not
          one-hot encoded. Splitters that need groups get the `groups` of `fit`.

        The preprocessing is fitted on the rows on which any member is trained.
    validation_fraction : float or None, default=None
        Fraction of the rows, in (0, 1), that is held out at random from training,
        stratified by class, and evaluated after each epoch ("val_loss" and so on in `history_`).
        With `groups`, the number is the fraction of the groups. None means 0.1 if early stopping
        requires held-out rows, and otherwise that no rows are held out. Without early stopping, the
        held-out rows are only evaluated. With X_val, no rows are held out.
    n_iter_no_change : int, "cycle" or "auto", default="auto"
        Number of consecutive epochs without improvement after which early stopping ends training.

        - "cycle": training ends with the first cycle of the learning rate whose end is no better
          than the ends of the cycles before it. This needs `learning_rate_schedule="coslog4"`.
        - "auto": 10 in the preset "plain". In all other presets, "cycle" on tables with more than
          2,500 rows if `epochs` is "auto", and otherwise the number of epochs, because their
          schedules end with the last epoch.

        With `learning_rate_schedule="reduce_on_plateau"`, half of this number is the patience
        before the learning rate is reduced.
    tol : float, default=0.0001
        Minimum improvement of the measure that `monitor` names, over its value at the last
        improvement, that counts for early stopping. The network weights of the epoch with the best
        value are kept, even if the last improvement was smaller. For "reduce_on_plateau", the
        minimum decrease of the loss that counts.
    monitor : {"auto", "loss", "accuracy", "refinement"}, str or callable, default="auto"
        Measure on the held-out rows that decides which epoch early stopping keeps.

        - "loss": the loss.
        - "accuracy": the error rate plus a tenth of "refinement", or of the loss if the loss is not
          a cross-entropy. The second term chooses among epochs of nearly equal accuracy.
        - "refinement": the cross-entropy with the best of nine temperatures between 1/4 and 4,
          named "val_refinement" in `history_` (Berta et al. 2025, "Rethinking Early Stopping:
          Refine, Then Calibrate"). This measure does not penalise over- or underconfident
          probabilities, which `calibration` corrects. It is available only for the cross-entropies.
        - The name of a scorer of scikit-learn, such as "roc_auc", "f1" or "neg_log_loss", a scorer
          that `sklearn.metrics.make_scorer` returns, or a function of (estimator, X, y). The
          highest score is best. It is computed for all held-out rows at once. Each row is predicted
          by the mean of the members that are not trained on it. The scorer receives the
          `sample_weight` of the rows if it accepts them, but not `class_weight`. It is called only
          after epochs that can be kept, and its values are "val_score" in `history_`. "accuracy"
          is the measure above; the plain accuracy is `sklearn.metrics.get_scorer("accuracy")`.
        - "auto": "loss" in the preset "plain" and for losses other than the cross-entropies.
          Otherwise "accuracy".
    calibration : {"auto", "temperature"} or None, default="auto"
        Method that calibrates predicted probabilities after training. Calibration requires held-out
        rows.

        - "temperature": the logits are divided by the temperature that minimises the cross-entropy
          of the held-out rows (Guo et al. 2017, "On Calibration of Modern Neural Networks",
          section 4.2). The temperature corrects the effects of label smoothing and of too many
          epochs on the probabilities. It does not change the class that a single network predicts.
        - None: probabilities are not calibrated.
        - "auto": "temperature" in all presets except "plain", if early stopping holds out rows and
          the loss is the cross-entropy. Otherwise None.
    callbacks : Keras callback, class or callable, list of them, or None, default=None
        Keras callbacks of each fit: objects derived from `keras.callbacks.Callback`, or classes and
        functions without arguments, which are called in each fit to create a callback. Objects of
        Keras's own classes are copied in each fit, and other objects take part themselves. What a
        callback refers to, such as a logger, is never copied. The `model` of a callback is the
        whole network as a compiled Keras model, like `model_`. Callbacks may change the weights,
        the optimizer and the learning rate of this model, and may stop training. A callback with a
        method for batches makes training slower, because each batch is then a separate call.
        `partial_fit` does not use callbacks.
    warm_start : bool, default=False
        Whether `fit` continues training from the fitted state of the previous `fit` (weights,
        optimizer state, scaling) instead of starting from new weights.
    dtype : {"float32", "float64"}, default="float32"
        Data type of the network weights and of all computations. float32 is faster. float64 is for
        results that need more than about 6 digits.
    n_jobs : int, default=None
        Number of threads that train an ensemble. The members are divided into groups, at most
        `n_members` of them, and each group is trained in a thread of its own. -1 means all cores.
        None means the number of the active ``joblib.parallel_config`` context, and without a
        context a thread for each architecture, or more for large networks. The results do not
        depend on `n_jobs` beyond rounding.
    random_state : int, RandomState instance or None, default=None
        Seed of the initial weights, the order of the rows, dropout and the selection of held-out
        rows. Pass an int for reproducible results. Global seeds are neither read nor set.
    verbose : bool or int, default=0
        Verbosity. 0 prints nothing. 1 prints the preset with its main values, and one line per
        epoch, which is updated live on a terminal and in a notebook. 2 also prints why training
        takes a slower way, if it does.

    Attributes
    ----------
    resolved_params_ : Bunch
        The preset of the last `fit`, and the value of each parameter that may be "auto".
    classes_ : ndarray of shape (n_classes,) or (n_labels, 2)
        The class labels, sorted. For a multilabel y, [0, 1] for each label.
    history_ : dict of list of float
        Losses and metrics with one value per epoch. "loss" includes the L2 penalty. "accuracy" is
        named "binary_accuracy" for a multilabel y, and is then computed over all labels. If there
        are held-out rows or X_val, "val_loss" and "val_accuracy" are computed on these rows. With a
        schedule, "learning_rate" is the learning rate of the last step.
    n_iter_ : int
        Number of epochs trained.
    validation_scores_ : ndarray of shape (`n_iter_`,)
        The score chosen by `monitor` after each epoch, or the negative of a loss, so that higher is
        better. NaN for epochs without a value. `validation_scores_`, `best_epoch_` and
        `best_score_` exist only after a `fit` with early stopping.
    best_epoch_ : int
        The epoch whose weights were kept, counted from 1. If no new epoch of a `warm_start` was
        better, `best_epoch_` is the epoch that training continued from. `warm_start` and
        `partial_fit` continue from the weights and the optimizer state of this epoch.
    best_score_ : float
        The validation score of `best_epoch_`, which is the highest score of all epochs that could
        be selected and were validated on the same rows.
    callbacks_ : list of Keras callbacks
        The callbacks of the last `fit`, in their final state. Pickles of the estimator do not
        contain `callbacks_`.
    n_features_in_ : int
        Number of values in one sample, such as 784 for an image of 28 x 28.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns. Defined only if X is a DataFrame whose column names are all strings.
    model_ : keras.Sequential
        The network as a compiled Keras model, built at each access. The input of the model is X as
        for `predict`, or for tables with categories the result of `encode`. The output is
        probabilities. The model has copies of the network weights, so that training the model does
        not change the estimator. The loss of the model does not include the L2 penalty.

    See Also
    --------
    DNNRegressor : The corresponding estimator for regression.
    compare : Cross-validation side by side with tree ensembles.
    sklearn.neural_network.MLPClassifier : Dense network of scikit-learn, without dropout or images.

    Notes
    -----
    Training runs in compiled TensorFlow, with many batches per call. Prediction runs in NumPy,
    except for many rows at once in a process that has trained a network. The compiled program of
    an architecture is cached, so that a search over learning rates, seeds and folds compiles once.

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

    If neither `hidden_layer_sizes` nor `epochs` is given, the preset chooses the values of the
    parameters that are "auto":

    >>> quick = DNNClassifier(preset="fast", batch_size=128, random_state=0).fit(X_train, y_train)
    >>> used = quick.resolved_params_
    >>> used.preset, used.batch_size, used.scaling
    ('fast', 128, 'pixelwise')

    The layers of the first classifier:

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
        "class_weight": [dict, list, one_of(Literal["balanced"]), None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left"), one_of(Auto)],
        "calibration": [one_of(Calibration), None],
    }

    @explains_unknown_arguments
    def __init__(
        self,
        hidden_layer_sizes: int | Integers | Auto = "auto",
        activation: Activation | Sequence[Activation] | Auto = "auto",
        *,
        preset: Preset = "auto",
        dropout: float | Floats | Auto = "auto",
        batch_norm: bool = False,
        kernel_initializer: Initializer | Auto = "auto",
        alpha: float = 0.0,
        scaling: Scaling | None = "auto",
        categorical_features: Columns | Auto | None = "auto",
        n_features_to_select: int | Auto | None = "auto",
        one_hot_max_size: int | Auto = "auto",
        numeric_embedding: NumericEmbedding | None = "auto",
        n_members: int | Auto = "auto",
        parametrization: Parametrization = "auto",
        blend: Blend | None = "auto",
        loss: ClassificationLoss = "auto",
        class_weight: ClassWeight | None = None,
        optimizer: Optimizer = "adam",
        learning_rate: Rate | Auto | None = "auto",
        learning_rate_schedule: LearningRateSchedule = "auto",
        warmup: float | Auto = "auto",
        momentum: float | None = None,
        weight_decay: float | Auto | None = "auto",
        clipnorm: float | None = None,
        ema_momentum: float | None = None,
        label_smoothing: float | Auto = "auto",
        epochs: int | Auto = "auto",
        time_limit: float | None = None,
        batch_size: int | Auto = "auto",
        shuffle: bool = True,
        early_stopping: bool | Auto = "auto",
        validation: ValidationRows | None = None,
        validation_fraction: float | None = None,
        n_iter_no_change: int | Patience = "auto",
        tol: float = 1e-4,
        monitor: Monitor = "auto",
        calibration: Calibration | None = "auto",
        callbacks: Any = None,
        warm_start: bool = False,
        dtype: DType = "float32",
        n_jobs: int | None = None,
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
            n_features_to_select=n_features_to_select,
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
            time_limit=time_limit,
            batch_size=batch_size,
            shuffle=shuffle,
            early_stopping=early_stopping,
            validation=validation,
            validation_fraction=validation_fraction,
            n_iter_no_change=n_iter_no_change,
            tol=tol,
            monitor=monitor,
            callbacks=callbacks,
            warm_start=warm_start,
            dtype=dtype,
            n_jobs=n_jobs,
            random_state=random_state,
            verbose=verbose,
        )
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.calibration = calibration

    @explains_unknown_arguments
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any = None, classes: Any = None, sample_weight: Any = None
    ) -> Self:
        """Continue training for one epoch on these rows.

        Training resumes from the weights and the optimizer state of the previous call. The scaling
        of the inputs is computed in the first call. No rows are held out.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Training samples, or without y an iterable of chunks as in `fit`. The network is trained
            for one epoch on each chunk.
        y : array-like of shape (n_samples,) or (n_samples, n_labels), default=None
            Class labels. None only with chunks.
        classes : array-like of shape (n_classes,), default=None
            All class labels of this and all later calls. Required in the first call, unless y is a
            multilabel indicator matrix.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows, as in `fit`.

        Returns
        -------
        self : object
            The estimator, trained for one more epoch.
        """
        owner = type(self).__name__
        if isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight='balanced' is not for {owner}.partial_fit, which does not see all "
                "rows at once: set class_weight to dict(zip(classes, sklearn.utils.class_weight."
                "compute_class_weight('balanced', classes=classes, y=y))), of a sample of y."
            )
        return self._partial_fit(X, y, sample_weight, classes)

    @explains_unknown_arguments
    @of_one_fit
    def predict_proba(self, X: Any) -> np.ndarray:
        """Predict the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples, each of the same shape as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Probabilities in the order of `classes_`, with two columns for two classes. For a
            multilabel y, the probability of each label. The dtype is float64 if X has a
            dtype that needs it, such as float64 or int64, and otherwise the parameter `dtype`.
        """
        return self._forward(X)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """Predict the logarithm of the probability of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
            Samples, each of the same shape as in `fit`.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities of `predict_proba`. Minus infinity for probability 0.
        """
        with np.errstate(divide="ignore"):
            logarithms: np.ndarray = np.log(self.predict_proba(X))
        return logarithms

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : array-like of shape (n_samples, ...)
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
        accuracy: float = super().score(X, read_target(y, type(self).__name__), sample_weight)
        return accuracy

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
