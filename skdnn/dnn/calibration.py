"""Temperatures, ensemble weights and residual variance, fitted on held-out rows after training."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize_scalar

from skdnn._data.targets import Classes, Labels, NumericTargets, Quantile, Targets
from skdnn._network.activations import NUMPY_ACTIVATIONS
from skdnn._training.batches import Fetch, rows_per_fetch
from skdnn.dnn.fitted import FittedNetwork
from skdnn.dnn.settings import Settings

# Maximum number of outputs used for calibration. The second constant is the minimum number of rows
# to which this maximum limits the held-out rows.
_MOST_OUTPUTS, _FEWEST_ROWS = 2**22, 1000


class HeldOutLogits(NamedTuple):
    """Logits of the ensemble members for held-out rows, with the targets and weights of the rows.

    Parameters
    ----------
    logits : ndarray of shape (n_members, n_rows, n_outputs), float64
        Outputs of the network before the activation of the output layer.
    codes : ndarray of shape (n_rows,) or (n_rows, n_outputs)
        The targets in the encoding on which the network is trained.
    weight : ndarray of shape (n_members, n_rows), float64
        Weights of the rows for each ensemble member. 0 if the member was trained on the row.
    """

    logits: np.ndarray
    codes: np.ndarray
    weight: np.ndarray


def check_can_calibrate(settings: Settings, n_held_out: int) -> None:
    """Raise an error if `calibration` or `blend` is set explicitly but no row is held out."""
    for name in ("calibration", "blend"):
        value = settings.params.get(name)  # not resolved, because "auto" is no error
        if value not in (None, "auto") and not n_held_out:
            raise ValueError(
                f"{name}={value!r} of {settings.owner} needs rows that are not trained "
                "on: set early_stopping=True or a validation_fraction, or give fit X_val and "
                f"y_val; or set {name}=None."
            )


def calibrate(
    network: FittedNetwork,
    settings: Settings,
    fetch: Fetch,
    held_out: np.ndarray,
    by_member: bool,
) -> FittedNetwork:
    """Fit temperatures, ensemble weights and residual variance on held-out rows.

    Parameters
    ----------
    network : FittedNetwork
        The trained network, not calibrated.
    settings : Settings
        The resolved parameters.
    fetch : callable
        Function that maps row indices to (x, y) or (x, y, weight).
    held_out : ndarray of int
        Indices of the held-out rows.
    by_member : bool
        Whether each ensemble member has a held-out fold of its own.

    Returns
    -------
    FittedNetwork
        A copy of the network with the temperatures, ensemble weights and residual variance. The
        network itself if none of these is fitted.
    """
    resolved, targets = settings.resolved, network.targets
    n_members = network.spec.n_members
    blends = resolved.blend is not None and n_members > 1
    calibrates = resolved.get("calibration") is not None
    has_means = isinstance(targets, NumericTargets) and not isinstance(targets, Quantile)
    has_variance = n_members > 1 and has_means
    if not (calibrates or blends or has_variance):
        return network
    # The variance between members is that of all members, also on rows that they are trained on.
    parts = _own_folds(network) if by_member and not has_variance else [network]
    rows = _held_out_logits(network, parts, fetch, held_out)
    activate = NUMPY_ACTIVATIONS[targets.activation]
    # Each row holds the indices of the ensemble members of one architecture.
    architectures = np.arange(n_members).reshape(len(network.spec.outputs), -1)
    if calibrates and isinstance(targets, Classes | Labels):
        temperatures = fit_temperatures(targets, rows, architectures)
        network = replace(network, temperatures=temperatures)
        each = temperatures.repeat(architectures.shape[1])[:, np.newaxis, np.newaxis]
        rows = rows._replace(logits=rows.logits / each)
    outputs = activate(rows.logits)
    if blends:
        # If each member has a fold of its own, only the members of one architecture together have
        # predictions for all held-out rows.
        teams = architectures if by_member else np.arange(n_members)[:, np.newaxis]
        weights = _fit_ensemble_weights(targets, rows, outputs, teams)
        network = replace(network, ensemble_weights=weights)
    if has_variance and isinstance(targets, NumericTargets):
        errors = np.array([targets.errors(rows.codes, output) for output in outputs])
        shape = len(rows.codes), targets.n_outputs
        predicted = np.array([targets.decode(output).reshape(shape) for output in outputs])
        variance = residual_variance(errors, predicted, rows.weight, network.member_weights)
        network = replace(network, residual_variance=variance)
    return network


def _own_folds(network: FittedNetwork) -> list[FittedNetwork]:
    """Return a network for each fold, with the ensemble members that are validated on the fold."""
    n_folds = network.spec.n_members // len(network.spec.outputs)
    return [network.of_members(slice(i, i + 1)) for i in range(n_folds)]


def _held_out_logits(
    network: FittedNetwork, parts: list[FittedNetwork], fetch: Fetch, held_out: np.ndarray
) -> HeldOutLogits:
    """Return the logits of held-out rows, and 0 for members whose part does not get a row.

    If there are several parts, part i gets the rows on which member i of an architecture has a
    weight.
    """
    spec, n_parts = network.spec, len(parts)
    n_members, body = spec.n_members, spec.body
    n_values = n_members * spec.n_outputs
    rows = held_out[:: -(-len(held_out) // max(_FEWEST_ROWS, _MOST_OUTPUTS // n_values))]
    dtype = np.dtype(spec.dtype)
    forwards = [
        part.fastest_forward(
            part.spec.body.without_output_activation(), len(rows) // n_parts, dtype
        )
        for part in parts
    ]
    size = rows_per_fetch(forwards[0][1], body.n_inputs)
    logits, codes, weights = [], [], []
    for start in range(0, len(rows), size):
        x, own, *weight = fetch(rows[start : start + size])
        each = weight[0].reshape(len(x), -1) if weight else np.ones((len(x), 1))
        found = np.zeros((n_members, len(x), spec.n_outputs))
        for i, (forward, _) in enumerate(forwards):
            gets = each[:, i] > 0 if n_parts > 1 else np.ones(len(x), bool)
            found[i::n_parts, gets] = forward(x[gets])
        logits.append(found)
        codes.append(own)
        weights.append(each)
    all_weights = np.broadcast_to(np.concatenate(weights).T, (n_members, len(rows)))
    return HeldOutLogits(
        np.concatenate(logits, axis=1), np.concatenate(codes), all_weights.astype(np.float64)
    )


def fit_temperatures(
    targets: Classes | Labels, rows: HeldOutLogits, architectures: np.ndarray
) -> np.ndarray:
    """Fit one temperature for each architecture in the ensemble, shape (n_architectures,).

    If almost no row is misclassified, the optimal temperature would be close to zero. The labels
    are therefore smoothed as if there were two additional rows, one with a correct label and one
    with a wrong label (after Platt 1999, "Probabilistic Outputs for Support Vector Machines",
    section 2.2).
    """
    logits, codes, weight = rows
    activate = NUMPY_ACTIVATIONS[targets.activation]
    n_classes = 2 if targets.activation == "sigmoid" else targets.n_outputs
    found = []
    for members in architectures:
        member, row = np.nonzero(weight[members])
        smoothing = n_classes / (n_classes - 1) / (len(np.unique(row)) + 2)
        losses = partial(_losses_of_logits, targets, activate, codes[row], smoothing)
        own = members[member], row
        found.append(temperature(losses, logits[own], weight[own]))
    return np.array(found)


def _fit_ensemble_weights(
    targets: Targets, rows: HeldOutLogits, outputs: np.ndarray, teams: np.ndarray
) -> np.ndarray:
    """Return ensemble weights, chosen for each team and divided evenly among its members."""
    predictions = [
        np.einsum("mnc,mn->nc", outputs[team], _normalized(rows.weight[team])) for team in teams
    ]
    losses = partial(targets.losses, rows.codes)
    weights = greedy_ensemble_weights(losses, np.array(predictions), rows.weight.sum(axis=0))
    each: np.ndarray = weights.repeat(teams.shape[1]) / teams.shape[1]
    return each


def _losses_of_logits(
    targets: Classes | Labels,
    activate: Callable[[np.ndarray], np.ndarray],
    codes: np.ndarray,
    smoothing: float,
    logits: np.ndarray,
) -> np.ndarray:
    return targets.losses(codes, activate(logits), smoothing)


def _normalized(weight: np.ndarray) -> np.ndarray:
    """Scale weights of shape (n_members, n_samples) so that the weights of each row sum to 1."""
    total = weight.sum(axis=0)
    parts: np.ndarray = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    return parts


def temperature(
    losses: Callable[[np.ndarray], np.ndarray], logits: np.ndarray, weight: np.ndarray
) -> float:
    """Return the temperature that minimises the loss of the logits divided by the temperature.

    The method is that of Guo et al. 2017, "On Calibration of Modern Neural Networks", section 4.2.

    Parameters
    ----------
    losses : callable
        Function that returns the loss of each row, given logits.
    logits : ndarray of shape (n_samples, n_outputs)
        Outputs of the network before the activation of the output layer, for held-out rows.
    weight : ndarray of shape (n_samples,)
        Weights of the rows.

    Returns
    -------
    float
        The temperature, in [0.05, 20].
    """
    bounds = (np.log(0.05), np.log(20))
    found = minimize_scalar(
        lambda t: weight @ losses(logits / np.exp(t)), bounds=bounds, method="bounded"
    )
    return float(np.exp(found.x))


def greedy_ensemble_weights(
    losses: Callable[[np.ndarray], np.ndarray],
    outputs: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """Choose the weights of several predictions in their average by greedy ensemble selection.

    Each prediction starts with a count of 1. Each round then increases the count of the prediction
    that minimises the loss of the average (Caruana et al. 2004, "Ensemble Selection from Libraries
    of Models", section 2.1, with replacement). The weights are the counts divided by the total
    count. The total count is the smallest power of two that is at least n_predictions + 14. With a
    power of two, the weights are exact in float32.

    Parameters
    ----------
    losses : callable
        Function that returns the loss of each row, given averaged predictions.
    outputs : ndarray of shape (n_predictions, n_samples, n_outputs)
        The predictions for held-out rows.
    weight : ndarray of shape (n_samples,)
        Weights of the rows.

    Returns
    -------
    weights : ndarray of shape (n_predictions,)
        Weights of the predictions, which sum to 1.
    """
    total, counts = outputs.sum(axis=0), np.ones(len(outputs))
    n_total = 2 ** int(len(outputs) + 13).bit_length()
    for number in range(len(outputs) + 1, n_total + 1):
        found = [weight @ losses((total + output) / number) for output in outputs]
        best = int(np.argmin(found))
        total += outputs[best]
        counts[best] += 1
    weights: np.ndarray = counts / n_total
    return weights


def residual_variance(
    errors: np.ndarray, predicted: np.ndarray, weight: np.ndarray, ensemble_weights: np.ndarray
) -> np.ndarray:
    """Return the variance of the targets that the ensemble members' disagreement does not explain.

    Parameters
    ----------
    errors : ndarray of shape (n_members, n_samples, n_outputs)
        Targets minus predictions of each ensemble member, on the original scale of y.
    predicted : ndarray of shape (n_members, n_samples, n_outputs)
        The predictions of each ensemble member, on the original scale of y.
    weight : ndarray of shape (n_members, n_samples)
        Weights of the rows for each ensemble member. 0 if the member was trained on the row.
    ensemble_weights : ndarray of shape (n_members,)
        Ensemble weights, which sum to 1.

    Returns
    -------
    variance : ndarray of shape (n_outputs,)
        The mean squared error of the predictions of the members, minus the variance between the
        predictions of the members averaged over the rows. Clipped to be at least 0.
    """
    weight = weight * ensemble_weights[:, np.newaxis]
    squares = np.tensordot(weight, errors**2, 2) / weight.sum()
    mean = np.tensordot(ensemble_weights, predicted, axes=1)
    variance = np.tensordot(ensemble_weights, (predicted - mean) ** 2, axes=1)
    between = np.average(variance, axis=0, weights=weight.sum(axis=0))
    rest: np.ndarray = np.maximum(squares - between, 0)
    return rest
