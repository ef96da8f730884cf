"""The class `TrainingHistoryDisplay`, a plot of the loss and metrics per epoch."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from skdnn._utils.annotations import Axes, Figure, Line2D
from skdnn.plotting.collect_histories import (
    History,
    best_epoch,
    isolated,
    least_epoch,
    mean_history,
    mean_name,
    named_estimators,
    training_label,
)
from skdnn.plotting.common import flat_axes, innermost, pyplot
from skdnn.plotting.history_legend import STYLES, write_legend

_FEW = 6  # up to this many histories have large markers


class TrainingHistoryDisplay:
    """Plot of the loss and metrics per epoch, for training and validation.

    Create a display with :meth:`from_estimator` or :meth:`from_history`. Draw the display again
    with :meth:`plot`.

    Parameters
    ----------
    histories : dict of str to dict of str to list of float
        Training histories, such as `history_`, by their names in the legend. A history has one
        value per epoch for "loss", for metrics, and for their validation values ("val_loss").
        NaN interrupts the line of training values. The line of validation values connects all
        finite values, with a marker at each value if some values are NaN. Histories may differ in
        length.
    best_epochs : dict of str to int, default=None
        Best epochs to mark, by the name of the history. The first epoch is 1. Histories without a
        best epoch are omitted.
    metric : str or list of str, default=None
        Loss and metrics to plot, each on its own Axes. None is the loss and the first metric.
    mean_name : str, default=None
        Name of the mean history in the legend, if the histories are folds of one model. All folds
        then have the same colour, and the mean is drawn for the epochs that all folds have.
    training_label : str, default="training"
        Label of the training values in the legend. :meth:`from_estimator` adds what only the
        training loss has, such as "training (smoothed labels, dropout)".

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        The Axes of each loss or metric, in the order of `metric`.
    figure_ : Figure
        The figure of the Axes.
    lines_ : dict of str to dict of str to Line2D
        The lines of each history, and of the mean, by the names in `histories` and `mean_name`.
        The keys of the inner dict are the keys of the history.

    See Also
    --------
    NetworkDisplay : The layers of a network.
    sklearn.model_selection.LearningCurveDisplay : Scores over the number of training rows.

    Notes
    -----
    The training loss of an epoch and the validation loss after the epoch are different measures:

    - The training loss is the mean over the batches of the epoch, while the weights change. The
      validation loss is computed with the weights at the end of the epoch, or with their moving
      average if `ema_momentum` is set.
    - Dropout is only active in training.
    - With `label_smoothing`, the training loss is computed with smoothed labels, and the validation
      loss with the original labels. The smoothed loss is at least the entropy of a smoothed label,
      which is 0.29 for ``label_smoothing=0.1`` and three classes.

    The training loss can therefore be above the validation loss, and the distance of the lines does
    not measure overfitting. Overfitting shows as a validation loss that rises. Both losses include
    the L2 penalty of `alpha`.

    Examples
    --------
    >>> from skdnn import TrainingHistoryDisplay
    >>> history = {"loss": [0.9, 0.4, 0.3], "val_loss": [0.8, 0.5, 0.6]}
    >>> display = TrainingHistoryDisplay({"network": history}, best_epochs={"network": 2})
    >>> sorted(display.plot().lines_["network"])
    ['loss', 'val_loss']
    """

    ax_: Any  # an Axes, or an array of several Axes
    figure_: Figure | Any  # a SubFigure, if the Axes are in one
    lines_: dict[str, dict[str, Line2D]]

    def __init__(
        self,
        histories: Mapping[str, History],
        *,
        best_epochs: Mapping[str, int] | None = None,
        metric: str | Sequence[str] | None = None,
        mean_name: str | None = None,
        training_label: str = "training",
    ):
        self.histories = histories
        self.best_epochs = best_epochs
        self.metric = metric
        self.mean_name = mean_name
        self.training_label = training_label

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        metric: str | Sequence[str] | None = None,
        ax: Axes | Sequence[Axes] | None = None,
        name: str | Sequence[str] | None = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Plot the training histories of one or several estimators.

        The marked epoch is `best_epoch_` if the estimator has this attribute, and otherwise the
        epoch with the lowest validation loss, if there are validation values.

        Parameters
        ----------
        estimator : estimator, list or dict of estimators, or result of `cross_validate`
            Fitted `DNNClassifier`, `DNNRegressor`, `KerasClassifier` or `KerasRegressor`, or a
            pipeline or search that contains one. The keys of a dict are the names. The result of
            `cross_validate` with `return_estimator=True` is drawn as folds and their mean.
        metric : str or list of str, default=None
            Loss and metrics to plot, each on its own Axes. Each name is "loss" or a metric in
            `history_`. None is the loss and the first metric, or only the loss if `ax` is a single
            Axes.
        ax : Axes or array of Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str or list of str, default=None
            Names in the legend, one for each estimator. None uses the names of the classes.
        line_kw : dict, default=None
            Keyword arguments of `matplotlib.pyplot.plot`, for all lines.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display, plotted.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If an estimator has no training history.
        ValueError
            If there is nothing to draw, if a metric is unknown, or if the number of Axes or names
            is wrong.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import DNNClassifier, TrainingHistoryDisplay
        >>> clf = DNNClassifier((16,), epochs=5, validation_fraction=0.2, random_state=0)
        >>> clf.fit(*load_iris(return_X_y=True))
        DNNClassifier(epochs=5, hidden_layer_sizes=(16,), random_state=0,
                      validation_fraction=0.2)
        >>> display = TrainingHistoryDisplay.from_estimator(clf)
        >>> [ax.get_ylabel() for ax in display.ax_]
        ['loss', 'accuracy']
        """
        named, is_folds = named_estimators(estimator, name)
        inner = {key: innermost(value) for key, value in named.items()}
        for value in inner.values():
            if not hasattr(value, "history_"):
                raise TypeError(
                    "TrainingHistoryDisplay.from_estimator draws estimators that were trained by "
                    "epochs and keep a history_, such as DNNClassifier. "
                    f"Got {type(value).__name__} instead."
                )
        histories = {key: value.history_ for key, value in inner.items()}
        found = {key: best_epoch(value) for key, value in inner.items()}
        display = cls(
            histories,
            best_epochs={key: epoch for key, epoch in found.items() if epoch},
            metric=metric,
            mean_name=mean_name(name, len(histories)) if is_folds else None,
            training_label=training_label(inner.values()),
        )
        return display.plot(ax=ax, line_kw=line_kw)

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        metric: str | Sequence[str] | None = None,
        ax: Axes | Sequence[Axes] | None = None,
        name: str = "network",
        line_kw: Mapping[str, Any] | None = None,
    ) -> Self:
        """Plot one training history, such as that of a Keras model.

        The epoch with the lowest validation loss is marked, if there are validation values.

        Parameters
        ----------
        history : dict of str to list of float, or keras.callbacks.History
            Values per epoch, as in `history_`, or the result of `fit` of a Keras model.
        metric : str or list of str, default=None
            Loss and metrics to plot, as in :meth:`from_estimator`.
        ax : Axes or array of Axes, default=None
            Axes to draw on. None creates a new figure.
        name : str, default="network"
            Name in the legend.
        line_kw : dict, default=None
            Keyword arguments of `matplotlib.pyplot.plot`, for all lines.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display, plotted.

        Raises
        ------
        ValueError
            If there is nothing to draw, if a metric is unknown, or if the number of Axes is wrong.

        Examples
        --------
        >>> from skdnn import TrainingHistoryDisplay
        >>> display = TrainingHistoryDisplay.from_history({"loss": [0.9, 0.4, 0.3]})
        >>> display.ax_.get_xlabel()
        'epoch'
        """
        history = getattr(history, "history", history)
        epoch = least_epoch(history)
        display = cls({name: history}, best_epochs={name: epoch} if epoch else None, metric=metric)
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(
        self, ax: Axes | Sequence[Axes] | None = None, *, line_kw: Mapping[str, Any] | None = None
    ) -> Self:
        """Plot the histories.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Axes to draw on, one for each of `metric`. Without `metric`, a single Axes shows the
            loss. None creates a new figure.
        line_kw : dict, default=None
            Keyword arguments of `matplotlib.pyplot.plot`, for all lines.

        Returns
        -------
        display : TrainingHistoryDisplay
            The display itself, with the attributes `ax_`, `figure_` and `lines_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is nothing to draw, if a metric is unknown, or if the number of Axes is wrong.
        """
        plt = pyplot("TrainingHistoryDisplay.plot")
        figures = self._figures(None if ax is None else len(flat_axes(ax)))
        is_own = ax is None
        if ax is None:
            size = (1.8 + 4.1 * len(figures), 3.4)
            _, ax = plt.subplots(1, len(figures), figsize=size, layout="constrained")
        axes = flat_axes(ax)
        if len(axes) != len(figures):
            raise ValueError(
                f"The 'ax' parameter must be as many Axes as there is to draw, {len(figures)}: "
                f"{', '.join(figures)}. Got {len(axes)} instead."
            )
        self.ax_ = np.array(axes) if len(axes) > 1 else axes[0]
        self.figure_ = axes[0].figure
        self.lines_ = {}
        curves = self._curves(self._colours(axes[0]))
        for figure, axis in zip(figures, axes, strict=True):
            for curve in curves:
                self._draw(axis, figure, curve, line_kw or {})
            axis.set(xlabel="epoch", ylabel=figure)
            if all(len(x) <= 1 for history in self.histories.values() for x in history.values()):
                axis.set(xlim=(0.5, 1.5), xticks=[1])
            else:
                locator: Any = axis.xaxis.get_major_locator()
                locator.set_params(integer=True)
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        best = list((self.best_epochs or {}).values())
        write_legend(axes[-1], self.lines_, best, self.training_label, is_own=is_own)
        return self

    def _figures(self, n_axes: int | None) -> list[str]:
        """Return the names of the loss and metrics to plot, one for each Axes."""
        known = list(dict.fromkeys(key for x in self.histories.values() for key, y in x.items()))
        plain = [key for key in known if not key.startswith("val_")]
        if not any(np.isfinite(x[key]).any() for x in self.histories.values() for key in x):
            raise ValueError("There is nothing to draw: no history has a finite value.")
        if self.metric is None:
            others = [key for key in plain if key != "loss"]
            chosen = [key for key in plain if key == "loss"] + others[:1]
            return chosen[:1] if n_axes == 1 else chosen
        chosen = [self.metric] if isinstance(self.metric, str) else list(self.metric)
        for key in chosen:
            if key not in plain:
                raise ValueError(
                    f"The 'metric' parameter must be in the history: {', '.join(plain)}. "
                    f"Got {key!r} instead."
                )
        return chosen

    def _colours(self, ax: Axes) -> list[Any]:
        """Return a colour for each history.

        The colours are those of the current style if the style has enough colours.
        """
        from matplotlib import colormaps, rcParams

        n_colours = 1 if self.mean_name else len(self.histories)
        if n_colours > len(rcParams["axes.prop_cycle"]):
            return list(colormaps["turbo"](np.linspace(0.12, 0.88, n_colours)))
        lines = [ax.plot([], [])[0] for _ in range(n_colours)]  # advances the colour cycle
        for line in lines:
            line.remove()
        colours = [line.get_color() for line in lines]
        return colours * len(self.histories) if self.mean_name else colours

    def _curves(self, colours: list[Any]) -> list["_Curve"]:
        """Return a curve for each history, and a curve for the mean if there are folds."""
        names, histories = list(self.histories), list(self.histories.values())
        if not self.mean_name:
            return [_Curve(*x, {}, x[0]) for x in zip(names, histories, colours, strict=True)]
        thin = {"alpha": 0.6, "linewidth": 0.8}
        folds = [
            _Curve(name, history, colour, thin, "" if number else "each fold")
            for number, (name, history, colour) in enumerate(
                zip(names, histories, colours, strict=True)
            )
        ]
        mean = _Curve(
            self.mean_name, mean_history(histories), colours[0], {"linewidth": 2.2}, self.mean_name
        )
        return [*folds, mean]

    def _draw(self, ax: Axes, figure: str, curve: "_Curve", line_kw: Mapping[str, Any]) -> None:
        """Draw the training and validation values of a history, and mark the best epoch."""
        lines = self.lines_.setdefault(curve.name, {})
        label, marked = curve.label, None
        for prefix, style in STYLES.items():
            values = np.asarray(curve.history.get(prefix + figure, ()), dtype=float)
            finite = np.isfinite(values)
            if not finite.any():
                continue
            epochs, shown, marks = np.arange(1, len(values) + 1), values, isolated(values)
            if prefix and not finite.all():  # connect the epochs with a validation
                epochs, shown, marks = epochs[finite], values[finite], list(range(finite.sum()))
            options: dict[str, Any] = {
                "color": curve.colour,
                "markersize": 5,
                "markevery": marks,
                "label": label or f"_{curve.name}",
                **style,
                **curve.options,
                **line_kw,
            }
            (lines[prefix + figure],) = ax.plot(epochs, shown, **options)
            label, marked = "", values
        epoch = (self.best_epochs or {}).get(curve.name, 0)
        if marked is not None and 1 <= epoch <= len(marked):
            few = len(self.histories) <= _FEW and not self.mean_name
            ring: dict[str, Any] = {"marker": "o", "markersize": 9 if few else 5, "zorder": 3}
            ax.plot(
                [epoch], [marked[epoch - 1]], color=curve.colour, mfc="none", label="_best", **ring
            )
            if len(self.histories) == 1:
                ax.axvline(epoch, color=curve.colour, linestyle=":", linewidth=1, label="_best")


class _Curve(NamedTuple):
    """A history with the name, colour, line options and legend label of the lines."""

    name: str
    history: History
    colour: Any
    options: dict[str, Any]
    label: str
