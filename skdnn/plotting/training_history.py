"""Loss and metric over the epochs, as a plot."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from skdnn.plotting.common import innermost, pyplot

History = Mapping[str, Any]  # one value per epoch
# Of training and validation; the marker is for values without neighbours.
_STYLES: dict[str, Any] = {
    "": {"linestyle": "-", "marker": "o"},
    "val_": {"linestyle": "--", "marker": "X"},
}
_LEGEND_ROWS = 20
_FEW = 6  # histories with large marks


class TrainingHistoryDisplay:
    """Loss and metric per epoch, for training and validation.

    Make it with :meth:`from_estimator` or :meth:`from_history`; draw it again with :meth:`plot`.

    Parameters
    ----------
    histories : dict of str to dict of str to list of float
        For each name in the legend what `history_` holds: "loss", metrics, and the same of the
        validation rows ("val_loss"), one value per epoch. NaN leaves a gap; but validation goes on
        from one epoch that has a value to the next, with a mark at each. Lengths may differ.
    best_epochs : dict of str to int, default=None
        Which epoch to mark, for those that have one; the first is 1.
    metric : str or list of str, default=None
        What to draw, each on Axes of its own. None is the loss and the first metric there is.
    mean_name : str, default=None
        If given, the histories are folds of one model: all have one colour, and their mean is
        drawn under this name, over the epochs that all of them have.

    Attributes
    ----------
    ax_ : Axes or ndarray of Axes
        One for each thing drawn, in the order of `metric`.
    figure_ : Figure
        The figure they are in.
    lines_ : dict of str to dict of str to Line2D
        For each name, and `mean_name`, the lines by their names in the history.

    See Also
    --------
    NetworkDisplay : The layers of a network.
    sklearn.model_selection.LearningCurveDisplay : Scores over the number of training rows.

    Examples
    --------
    >>> from skdnn import TrainingHistoryDisplay
    >>> history = {"loss": [0.9, 0.4, 0.3], "val_loss": [0.8, 0.5, 0.6]}
    >>> display = TrainingHistoryDisplay({"network": history}, best_epochs={"network": 2})
    >>> sorted(display.plot().lines_["network"])
    ['loss', 'val_loss']
    """

    def __init__(
        self,
        histories: Mapping[str, History],
        *,
        best_epochs: Mapping[str, int] | None = None,
        metric: str | Sequence[str] | None = None,
        mean_name: str | None = None,
    ):
        self.histories = histories
        self.best_epochs = best_epochs
        self.metric = metric
        self.mean_name = mean_name

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        metric: str | Sequence[str] | None = None,
        ax: Any = None,
        name: str | Sequence[str] | None = None,
        line_kw: Mapping[str, Any] | None = None,
    ) -> "TrainingHistoryDisplay":
        """Draw how one or several estimators were trained.

        The epoch marked is `best_epoch_` where the estimator has that, else the one with the least
        loss on the validation rows, if there were any.

        Parameters
        ----------
        estimator : estimator, list or dict of them, or result of `cross_validate`
            Fitted: `DNNClassifier`, `DNNRegressor`, `KerasClassifier`, `KerasRegressor`, or a
            pipeline or search that has one inside. Of a dict the keys are the names. What
            `cross_validate` returns with `return_estimator=True` is drawn as folds, with their
            mean.
        metric : str or list of str, default=None
            What to draw, each on Axes of its own: "loss" or a metric in `history_`. None is the
            loss and the first metric, or the loss alone where `ax` is one Axes.
        ax : Axes or array of Axes, default=None
            Where to draw. None makes a figure.
        name : str or list of str, default=None
            What the legend says, one for each estimator. None is the name of the class.
        line_kw : dict, default=None
            Keywords for `matplotlib.pyplot.plot`, for all lines.

        Returns
        -------
        display : TrainingHistoryDisplay
            Drawn.

        Raises
        ------
        NotFittedError
            If an estimator is not fitted.
        TypeError
            If an estimator keeps no history.
        ValueError
            If there is nothing to draw, no such metric, or not as many Axes or names as needed.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skdnn import DNNClassifier, TrainingHistoryDisplay
        >>> clf = DNNClassifier(epochs=5, validation_fraction=0.2, random_state=0)
        >>> clf.fit(*load_iris(return_X_y=True))
        DNNClassifier(epochs=5, random_state=0, validation_fraction=0.2)
        >>> display = TrainingHistoryDisplay.from_estimator(clf)
        >>> [ax.get_ylabel() for ax in display.ax_]
        ['loss', 'accuracy']
        """
        named, is_folds = _named_estimators(estimator, name)
        inner = {key: innermost(value) for key, value in named.items()}
        for value in inner.values():
            if not hasattr(value, "history_"):
                raise TypeError(
                    "TrainingHistoryDisplay.from_estimator draws estimators that were trained by "
                    "epochs and keep a history_, such as DNNClassifier. "
                    f"Got {type(value).__name__} instead."
                )
        histories = {key: value.history_ for key, value in inner.items()}
        found = {key: _best_epoch(value) for key, value in inner.items()}
        display = cls(
            histories,
            best_epochs={key: epoch for key, epoch in found.items() if epoch},
            metric=metric,
            mean_name=_mean_name(name, len(histories)) if is_folds else None,
        )
        return display.plot(ax=ax, line_kw=line_kw)

    @classmethod
    def from_history(
        cls,
        history: Any,
        *,
        metric: str | Sequence[str] | None = None,
        ax: Any = None,
        name: str = "network",
        line_kw: Mapping[str, Any] | None = None,
    ) -> "TrainingHistoryDisplay":
        """Draw one history, also of a network that Keras has trained.

        The epoch with the least loss on the validation rows is marked, if there were any.

        Parameters
        ----------
        history : dict of str to list of float, or keras.callbacks.History
            Per epoch, as in `history_`, or what Keras's `fit` returns.
        metric : str or list of str, default=None
            What to draw, as in :meth:`from_estimator`.
        ax : Axes or array of Axes, default=None
            Where to draw. None makes a figure.
        name : str, default="network"
            What the legend says.
        line_kw : dict, default=None
            Keywords for `matplotlib.pyplot.plot`, for all lines.

        Returns
        -------
        display : TrainingHistoryDisplay
            Drawn.

        Raises
        ------
        ValueError
            If there is nothing to draw, no such metric, or not as many Axes as needed.

        Examples
        --------
        >>> from skdnn import TrainingHistoryDisplay
        >>> display = TrainingHistoryDisplay.from_history({"loss": [0.9, 0.4, 0.3]})
        >>> display.ax_.get_xlabel()
        'epoch'
        """
        history = getattr(history, "history", history)
        epoch = _least(history)
        display = cls({name: history}, best_epochs={name: epoch} if epoch else None, metric=metric)
        return display.plot(ax=ax, line_kw=line_kw)

    def plot(
        self, ax: Any = None, *, line_kw: Mapping[str, Any] | None = None
    ) -> "TrainingHistoryDisplay":
        """Draw the curves.

        Parameters
        ----------
        ax : Axes or array of Axes, default=None
            Where to draw: one for each of `metric`; one Axes and no `metric` get the loss. None
            makes a figure.
        line_kw : dict, default=None
            Keywords for `matplotlib.pyplot.plot`, for all lines.

        Returns
        -------
        display : TrainingHistoryDisplay
            Itself, with `ax_`, `figure_` and `lines_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there is nothing to draw, no such metric, or not as many Axes as needed.
        """
        plt = pyplot("TrainingHistoryDisplay.plot")
        figures = self._figures(None if ax is None else np.size(ax))
        is_own = ax is None
        if is_own:
            size = (1.8 + 4.1 * len(figures), 3.4)
            _, ax = plt.subplots(1, len(figures), figsize=size, layout="constrained")
        axes = np.ravel(ax)
        if len(axes) != len(figures):
            raise ValueError(
                f"The 'ax' parameter must be as many Axes as there is to draw, {len(figures)}: "
                f"{', '.join(figures)}. Got {len(axes)} instead."
            )
        self.ax_ = axes if len(axes) > 1 else axes[0]
        self.figure_ = axes[0].figure
        self.lines_: dict[str, dict[str, Any]] = {}
        curves = self._curves(self._colours(axes[0]))
        for figure, axis in zip(figures, axes, strict=True):
            for curve in curves:
                self._draw(axis, figure, curve, line_kw or {})
            axis.set(xlabel="epoch", ylabel=figure)
            if all(len(x) <= 1 for history in self.histories.values() for x in history.values()):
                axis.set(xlim=(0.5, 1.5), xticks=[1])
            else:
                axis.xaxis.get_major_locator().set_params(integer=True)
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        self._write_legend(axes[-1], is_own)
        return self

    def _figures(self, n_axes: int | None) -> list[str]:
        """Return what is drawn, one for each Axes."""
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

    def _colours(self, ax: Any) -> list[Any]:
        """Return a colour for each history, of the style in force while there are enough."""
        from matplotlib import colormaps, rcParams

        n_colours = 1 if self.mean_name else len(self.histories)
        if n_colours > len(rcParams["axes.prop_cycle"]):
            return list(colormaps["turbo"](np.linspace(0.12, 0.88, n_colours)))
        lines = [ax.plot([], [])[0] for _ in range(n_colours)]  # the cycle of the Axes moves on
        for line in lines:
            line.remove()
        colours = [line.get_color() for line in lines]
        return colours * len(self.histories) if self.mean_name else colours

    def _curves(self, colours: list[Any]) -> list["_Curve"]:
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
            self.mean_name, _mean(histories), colours[0], {"linewidth": 2.2}, self.mean_name
        )
        return [*folds, mean]

    def _draw(self, ax: Any, figure: str, curve: "_Curve", line_kw: Mapping[str, Any]) -> None:
        """Draw training and validation of one history, and mark its best epoch."""
        lines = self.lines_.setdefault(curve.name, {})
        label, marked = curve.label, None
        for prefix, style in _STYLES.items():
            values = np.asarray(curve.history.get(prefix + figure, ()), dtype=float)
            there = np.isfinite(values)
            if not there.any():
                continue
            epochs, shown, marks = np.arange(1, len(values) + 1), values, _alone(values)
            if prefix and not there.all():  # epochs that were not looked at: no gaps in learning
                epochs, shown, marks = epochs[there], values[there], list(range(there.sum()))
            options = {
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
            ring = {"marker": "o", "markersize": 9 if few else 5, "zorder": 3}
            ax.plot(
                [epoch], [marked[epoch - 1]], color=curve.colour, mfc="none", label="_best", **ring
            )
            if len(self.histories) == 1:
                ax.axvline(epoch, color=curve.colour, linestyle=":", linewidth=1, label="_best")

    def _write_legend(self, ax: Any, is_own: bool) -> None:
        """Say which colour is whose, and which line style is what."""
        from matplotlib.lines import Line2D

        shown, labels = ax.get_legend_handles_labels()  # also what was there before
        handles: list[Any] = [copy(handle) for handle in shown]
        for handle in handles:
            if isinstance(handle, Line2D) and handle.get_markevery() is not None:
                handle.set_marker("")
        ink = ax.xaxis.label.get_color()
        best = list((self.best_epochs or {}).values())
        number = f" {best[0]}" if len(best) == len(labels) == 1 else ""
        drawn = {key: line for lines in self.lines_.values() for key, line in lines.items()}
        if any(key.startswith("val_") for key in drawn):
            has_marks = any(line.get_markevery() for line in drawn.values())
            for word, style in zip(("training", "validation"), _STYLES.values(), strict=True):
                shape = style if has_marks else {**style, "marker": ""}
                handles.append(Line2D([], [], color=ink, markersize=5, **shape))
                labels.append(word)
        if best:
            handles.append(Line2D([], [], color=ink, linestyle="", marker="o", mfc="none"))
            labels.append(f"best epoch{number}")
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)} if is_own else {"loc": "best"}
        n_columns = -(-len(labels) // _LEGEND_ROWS)
        small = "small" if len(labels) > 8 else None
        ax.legend(handles, labels, frameon=not is_own, ncols=n_columns, fontsize=small, **place)


class _Curve(NamedTuple):
    """A history, and how it is drawn."""

    name: str
    history: History
    colour: Any
    options: dict[str, Any]
    label: str


def _named_estimators(estimator: Any, name: Any) -> tuple[dict[str, Any], bool]:
    """Return estimators by their names, and whether they are the folds of a cross-validation."""
    if isinstance(estimator, Mapping) and "fit_time" in estimator:
        if "estimator" not in estimator:
            raise ValueError(
                "This result of cross_validate has no estimators: call cross_validate with "
                "return_estimator=True."
            )
        folds = enumerate(estimator["estimator"], start=1)
        return {f"fold {number}": fold for number, fold in folds}, True
    if isinstance(estimator, Mapping):
        named = dict(estimator)
    elif isinstance(estimator, Iterable) and not hasattr(estimator, "fit"):
        estimators = list(estimator)
        named = dict(zip(_names(estimators, name), estimators, strict=True))
    else:
        named = {type(estimator).__name__ if name is None else str(name): estimator}
    if not named:
        raise ValueError("There is nothing to draw: no estimator was given.")
    return named, False


def _names(estimators: list[Any], given: Any) -> list[str]:
    if given is None:
        classes = [type(x).__name__ for x in estimators]
        count = Counter(classes)
        return [
            f"{one} {classes[: place + 1].count(one)}" if count[one] > 1 else one
            for place, one in enumerate(classes)
        ]
    names = [given] if isinstance(given, str) else list(given)
    if len(names) != len(estimators) or len(set(names)) != len(names):
        raise ValueError(
            f"The 'name' parameter must be {len(estimators)} different names, one for each "
            f"estimator. Got {given!r} instead."
        )
    return names


def _mean_name(name: Any, n_folds: int) -> str:
    mean = f"mean of {n_folds} folds"
    return mean if name is None else f"{name}, {mean}"


def _mean(histories: list[History]) -> dict[str, np.ndarray]:
    """Average over folds the epochs that all of them have: one that stops early makes no jump."""
    common = set.intersection(*(set(history) for history in histories))
    means = {}
    for key in common:
        n_epochs = min(len(history[key]) for history in histories)
        means[key] = np.mean([history[key][:n_epochs] for history in histories], axis=0)
    return means


def _best_epoch(estimator: Any) -> int | None:
    told = getattr(estimator, "best_epoch_", None)  # 0 where no epoch was better than the start
    return _least(estimator.history_) if told is None else told


def _least(history: History) -> int | None:
    """Return the epoch with the least validation loss, from 1; None where there is none."""
    values = np.asarray(history.get("val_loss", ()), dtype=float)
    there = np.isfinite(values)
    return int(np.argmin(np.where(there, values, np.inf))) + 1 if there.any() else None


def _alone(values: np.ndarray) -> list[int]:
    """Find the values that no line would show, because their neighbours are not there."""
    there = np.pad(np.isfinite(values), 1)
    return np.flatnonzero(there[1:-1] & ~there[:-2] & ~there[2:]).tolist()
