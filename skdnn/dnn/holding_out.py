"""The part of an estimator that holds rows out, and learns from them what training cannot tell."""

from functools import partial
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import Bunch, check_consistent_length
from sklearn.utils.validation import column_or_1d

from skdnn._data.splits import ValidationData, count_groups, folds, folds_of_groups, hold_out
from skdnn._data.targets import NumericTargets, Quantile
from skdnn._network.activations import NUMPY_ACTIVATIONS
from skdnn._network.spec import NetworkSpec, State
from skdnn._training.callbacks import EarlyStopping
from skdnn.dnn.calibration import greedy_ensemble_weights, noise, temperature
from skdnn.dnn.presets import FEWEST_ROWS

_VALIDATION_FRACTION = 0.1
_LOSS_SHARE = 0.1  # of several epochs of nearly the same accuracy, the one of the least loss
_MOST_JUDGED, _FEWEST_JUDGED = 2**22, 1000  # values and rows that predictions are judged by
_MOST_FETCHED = 2**22  # values of rows fetched at once to be judged


class HoldingOut:
    """Chooses the rows that are held out, and what they decide: when to stop, how sure to be."""

    resolved_params_: Bunch
    tol: float
    validation_fraction: float | None
    _network: Any
    _noise: np.ndarray | None
    _shares: np.ndarray | None
    _spec: NetworkSpec
    _split_seed: int
    _state: State
    _targets: Any
    _temperatures: np.ndarray | None

    def _deals_folds(self, given: ValidationData | None, stops: bool, n_rows: int) -> bool:
        """Whether each member is stopped on a fold of its own, so that no row is lost to all.

        Not where members learn anything together, and not with few rows.
        """
        params = self.resolved_params_
        several = params.n_members > 1 and self.validation_fraction is None
        alone = params.numeric_embedding != "periodic" and n_rows >= FEWEST_ROWS
        return several and alone and stops and given is not None and given.X is None

    def _deal(self, y: np.ndarray, rows: np.ndarray, given: ValidationData) -> np.ndarray:
        """Return the fold of each row, -1 for those that are not trained on."""
        fold = np.full(len(y), -1)
        groups = self._check_groups(given.groups, y)
        key = y[rows].reshape(len(rows), -1)[:, 0]
        if is_classifier(self):
            key = np.unique(key, return_inverse=True)[1]
        rng = np.random.default_rng(self._split_seed)
        if groups is None:
            fold[rows] = folds(key, rng)
        else:
            count_groups(groups[rows])
            fold[rows] = folds_of_groups(groups[rows], rng)
        return fold

    def _check_groups(self, groups: Any, y: np.ndarray) -> np.ndarray | None:
        if groups is None:
            return None
        check_consistent_length(y, groups)
        return column_or_1d(groups)

    def _split(
        self, y: np.ndarray, rows: np.ndarray, given: ValidationData | None, stops: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Choose which rows to train on, and which to hold out."""
        fraction = self.validation_fraction
        if fraction is None and stops:
            fraction = _VALIDATION_FRACTION
        if given is None or given.X is not None or fraction is None:
            return rows, rows[:0]
        groups = self._check_groups(given.groups, y)
        groups = None if groups is None else groups[rows]
        labels = y[rows] if is_classifier(self) and y.ndim == 1 else None
        return hold_out(rows, labels, fraction, self._split_seed, groups)

    def _early_stopping(self, goes_on: bool, among: frozenset[int] | None = None) -> EarlyStopping:
        def measure(logs: dict[str, Any]) -> Any:
            monitor = self.resolved_params_.get("monitor", "loss")
            if monitor != "accuracy":
                return logs[f"val_{monitor}"]
            loss = logs.get("val_refinement", logs["val_loss"])
            return 1 - logs[f"val_{self._targets.metric}"] + _LOSS_SHARE * loss

        patience = self.resolved_params_.n_iter_no_change
        return EarlyStopping(measure, patience, self.tol, goes_on, among)

    def _candidates(self, plan: Any) -> frozenset[int] | None:
        """Return the epochs of which early stopping chooses one; None for all.

        Where the learning rate goes up and down and training goes on to the end, they are those
        about the end of a cycle: of many epochs at a high rate, one looks good by chance.
        """
        if plan.schedule is None or self.resolved_params_.n_iter_no_change < plan.epochs:
            return None
        return plan.schedule.ends_of_cycles(plan.epochs)

    def _check_is_judged(self, n_held_out: int) -> None:
        """Forget what the fit before was told, and refuse what nothing can tell."""
        self._temperatures = self._shares = self._noise = None
        for name in ("calibration", "blend"):
            value = getattr(self, name, None)  # as it was given
            if value not in (None, "auto") and not n_held_out:
                raise ValueError(
                    f"{name}={value!r} of {type(self).__name__} needs rows that are not trained "
                    "on: set early_stopping=True or a validation_fraction, or give fit X_val and "
                    f"y_val; or set {name}=None."
                )

    def _judge(self, fetch: Any, held_out: np.ndarray, is_dealt: bool) -> None:
        """Learn from rows that were not trained on how sure predictions are, and how good whose."""
        params, targets = self.resolved_params_, self._targets
        calibrates, blends = params.get("calibration") is not None, params.blend is not None
        n_members = self._spec.n_members
        has_means = isinstance(targets, NumericTargets) and not isinstance(targets, Quantile)
        predicts_noise = n_members > 1 and has_means
        if not (calibrates or blends or predicts_noise):
            return
        logits, codes, weight = self._logits_of(fetch, held_out)
        activate = NUMPY_ACTIVATIONS[targets.activation]
        kinds = np.arange(n_members).reshape(len(self._spec.outputs), -1)
        if calibrates:
            found = []
            for kind in kinds:
                member, row = np.nonzero(weight[kind])
                # Where hardly a row is wrong, the best temperature would be next to zero: labels
                # are smoothed as by two more rows, one right and one wrong (after Platt 1999,
                # section 2.2).
                n_classes = 2 if targets.activation == "sigmoid" else targets.n_outputs
                smoothing = n_classes / (n_classes - 1) / (len(np.unique(row)) + 2)
                losses = partial(_losses_of_logits, targets, activate, codes[row], smoothing)
                found.append(
                    temperature(losses, logits[kind[member], row], weight[kind[member], row])
                )
            self._temperatures = np.array(found)
            logits /= self._temperatures.repeat(kinds.shape[1])[:, np.newaxis, np.newaxis]
        outputs = activate(logits)
        if blends and n_members > 1:
            # Members judged on folds of their own stand for their kind, each on its fold.
            teams = kinds if is_dealt else np.arange(n_members)[:, np.newaxis]
            shown = [np.einsum("mnc,mn->nc", outputs[i], _shares_of(weight[i])) for i in teams]
            losses = partial(targets.losses, codes)
            shares = greedy_ensemble_weights(losses, np.array(shown), weight.sum(axis=0))
            self._shares = shares.repeat(teams.shape[1]) / teams.shape[1]
        if predicts_noise:
            errors = np.array([targets.errors(codes, output) for output in outputs])
            shape = len(codes), targets.n_outputs
            predicted = np.array([targets.decode(output).reshape(shape) for output in outputs])
            self._noise = noise(errors, predicted, weight, self._ensemble_weights)

    def _logits_of(
        self, fetch: Any, held_out: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what members put out before their last activation, for held-out rows.

        Returns
        -------
        logits : ndarray of shape (n_members, n_rows, n_outputs), float64
        codes : ndarray of shape (n_rows,) or (n_rows, n_outputs)
            The targets, as the network has them.
        weight : ndarray of shape (n_members, n_rows), float64
        """
        n_members, body = self._spec.n_members, self._spec.body.without_output_activation()
        values = n_members * self._spec.n_outputs
        rows = held_out[:: -(-len(held_out) // max(_FEWEST_JUDGED, _MOST_JUDGED // values))]
        network, size = self._network(body, len(rows), np.dtype(self._spec.dtype))
        size = max(1, min(size, _MOST_FETCHED // body.n_inputs))
        logits, codes, weights = [], [], []
        for start in range(0, len(rows), size):
            x, own, *weight = fetch(rows[start : start + size])
            logits.append(network(x).astype(np.float64).reshape(n_members, len(x), -1))
            codes.append(own)
            weights.append(weight[0].reshape(len(x), -1) if weight else np.ones((len(x), 1)))
        weight = np.broadcast_to(np.concatenate(weights).T, (n_members, len(rows)))
        return np.concatenate(logits, axis=1), np.concatenate(codes), weight.astype(np.float64)

    @property
    def _ensemble_weights(self) -> np.ndarray:
        """How much each member counts, (n_members,)."""
        n_members = self._spec.n_members
        return np.full(n_members, 1 / n_members) if self._shares is None else self._shares

    @property
    def _weights(self) -> list[np.ndarray]:
        """Those that predict: with temperatures, and the members' shares."""
        if self._temperatures is None and not self._spec.is_weighted:
            return self._state.weights
        weights = list(self._state.weights)
        if self._temperatures is not None:
            for (_, *pair), t in zip(self._spec.outputs, self._temperatures, strict=True):
                for i in pair:
                    weights[i] = weights[i] / weights[i].dtype.type(t)
        if self._spec.is_weighted:
            weights.append(self._ensemble_weights.astype(self._spec.dtype))
        return weights


def _losses_of_logits(
    targets: Any, activate: Any, codes: np.ndarray, smoothing: float, logits: np.ndarray
) -> np.ndarray:
    return targets.losses(codes, activate(logits), smoothing)


def _shares_of(weight: np.ndarray) -> np.ndarray:
    """Give members, of weights (n_members, n_samples), shares of each row that add up to 1."""
    total = weight.sum(axis=0)
    return np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
