"""`FittedNetwork`: a trained network with preprocessing, which computes predictions from X."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import issparse

from skdnn._data.flatten import as_rows
from skdnn._data.preprocessing import Inputs, may_miss
from skdnn._data.read_samples import read_samples
from skdnn._data.table import Columns
from skdnn._data.targets import Targets
from skdnn._network.spec import NetworkSpec, State, rescale_output_layers
from skdnn._training.compiled_forward import compiled_forward
from skdnn._training.process import check_not_forked
from skdnn._utils.field_state import FieldState
from skdnn._utils.tensorflow_internals import bound_kernel_cache

if TYPE_CHECKING:
    from skdnn._training.losses import LossSpec
    from skdnn._training.optimizers import OptimizerSpec

# Rows are predicted in batches, because this limits the memory that prediction needs. The constants
# are the maximum number of outputs of one layer for a batch, and the minimum rows of a batch.
_VALUES = 2**22
_LEAST_ROWS = 256
# From this number of rows on, TensorFlow may be faster than NumPy if it is already imported: see
# docs/development/decisions/0010-prediction-in-numpy.md.
_COMPILED_ROWS = 8192


@dataclass(frozen=True, eq=False)
class FittedNetwork(FieldState):
    """A trained network with its fitted preprocessing, which computes predictions from X.

    Parameters
    ----------
    columns : Columns
        Fitted encoder of the categorical columns of X.
    inputs : Inputs
        Fitted imputation and scaling.
    targets : Targets
        Fitted encoding of y.
    spec : NetworkSpec
        Specification of the layers.
    state : State
        Network weights, optimizer state and dropout seeds.
    temperatures : ndarray of shape (n_architectures,) or None, default=None
        Temperatures by which the logits of each architecture in the ensemble are divided. None if
        the logits are not calibrated.
    ensemble_weights : ndarray of shape (n_members,) or None, default=None
        Weights with which the outputs of the ensemble members are averaged, and which sum to 1.
        None means equal weights.
    residual_variance : ndarray of shape (n_outputs,) or None, default=None
        Variance of the targets that the disagreement of the ensemble members does not explain.
        None if this variance was not computed.
    """

    columns: Columns
    inputs: Inputs
    targets: Targets
    spec: NetworkSpec
    state: State
    temperatures: np.ndarray | None = None
    ensemble_weights: np.ndarray | None = None
    residual_variance: np.ndarray | None = None

    # ------------------------------------------------------------------------- weights

    @property
    def member_weights(self) -> np.ndarray:
        """Weights with which the outputs of the ensemble members are averaged, (n_members,)."""
        n_members = self.spec.n_members
        if self.ensemble_weights is None:
            return np.full(n_members, 1 / n_members)
        return self.ensemble_weights

    @cached_property
    def weights(self) -> list[np.ndarray]:
        """Network weights for prediction.

        The weights of the output layers are divided by the temperatures. If predictions use
        ensemble weights, these weights are the last array.
        """
        weights = list(self.state.weights)
        if self.temperatures is not None:
            for (_, *pair), t in zip(self.spec.outputs, self.temperatures, strict=True):
                for i in pair:
                    weights[i] = weights[i] / weights[i].dtype.type(t)
        if self.spec.is_weighted:
            weights.append(self.member_weights.astype(self.spec.dtype))
        return weights

    def uncalibrated(self) -> "FittedNetwork":
        """Return a copy without temperatures, ensemble weights and residual variance."""
        return replace(self, temperatures=None, ensemble_weights=None, residual_variance=None)

    def of_members(self, members: slice) -> "FittedNetwork":
        """Return a copy with some ensemble members of each architecture, for predictions only."""
        weights = self.spec.select_members(self.state.weights, members)
        n_members = members.stop - members.start
        return replace(self, spec=self.spec.with_members(n_members), state=State(weights))

    # ------------------------------------------------------------------------- predict

    def predict(self, X: Any) -> np.ndarray:
        """Predict class labels or regression targets.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n_samples, ...)
            Samples, each of the same shape as in training.

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Predicted class labels or regression targets.
        """
        return self.targets.decode(self.forward(self.encode(X)))

    def encode(self, X: Any) -> Any:
        """Encode samples as rows of numbers and category codes.

        Returns
        -------
        ndarray or CSR matrix of shape (n_samples, n_inputs)
            The encoded rows, before imputation and scaling.
        """
        X, shape = as_rows(read_samples(X, self.columns.owner))
        self.check_shape(shape)
        if self.columns.reads(X):
            return self.columns.transform(X)
        return X if issparse(X) else np.asarray(X)

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raise an error if samples do not have the same shape as in training."""
        fitted = self.spec.input_shape
        # The number of columns of a table is left to scikit-learn's own check.
        if shape != fitted and max(len(shape), len(fitted)) > 1:
            raise ValueError(
                f"One sample of X has shape {shape}, but {self.columns.owner} was fitted on "
                f"samples of shape {fitted}: bring X of shape (n_samples, "
                f"{', '.join(map(str, fitted))}), a single sample as X[np.newaxis]."
            )

    def takes_unchecked(self, X: Any) -> bool:
        """Return whether X is a finite array of the right shape, which needs no further check.

        For a single row, the other checks would take most of the time of a prediction.
        """
        if (
            type(X) is not np.ndarray
            or X.dtype.kind not in "biuf"
            or self.columns.encoders
            or X.ndim != 2
            or len(X) == 0
            or X.shape[1:] != self.spec.input_shape
        ):
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(np.isfinite(X.sum(dtype=np.result_type(X.dtype, np.float32))))

    def forward(
        self, X: Any, *, of_members: bool = False, is_finite: bool | None = None
    ) -> np.ndarray:
        """Compute the outputs of the network.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_samples, n_inputs)
            Rows that `encode` returned.
        of_members : bool, default=False
            Whether to return the outputs of each ensemble member instead of their mean.
        is_finite : bool, default=None
            Whether all values of X are finite. None means unknown, and X is checked.

        Returns
        -------
        ndarray of shape (n_samples, n_outputs), or (n_members, n_samples, n_outputs)
            Outputs of the network, with a leading axis of members if `of_members` is True. The
            dtype is the wider of the dtypes of X and of the network, so that float64 X gives
            float64 outputs as in scikit-learn.
        """
        spec, inputs, sparse = self.spec, self.inputs, issparse(X)
        missing = not sparse and (may_miss(X) if is_finite is None else not is_finite)
        dtype = np.result_type(X.dtype, spec.dtype)
        n_rows = X.shape[0]
        body = spec.body.without_mean() if of_members else spec.body
        # The NumPy forward pass multiplies rows that stay sparse with SciPy.
        kept = sparse and inputs.keeps_zeros and spec.body.takes_sparse_rows
        network, size = self.fastest_forward(body, 0 if kept else n_rows, dtype)
        if sparse and not kept:
            size = min(size, max(1, _VALUES // spec.widest))
        members = (spec.n_members,) * of_members
        output = np.empty((*members, n_rows, self.targets.n_outputs), dtype)
        # scikit-learn's gen_batches would take as long as the forward pass of one row.
        for start in range(0, n_rows, size):
            part = slice(start, start + size)
            x = inputs.apply(X[part], dtype, missing)
            output[..., part, :] = network(
                x.toarray() if sparse and not kept and issparse(x) else x
            )
        return output

    def fastest_forward(
        self, body: NetworkSpec, n_rows: int, dtype: np.dtype
    ) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
        """Return the fastest forward pass of a network, and the batch size to call it with.

        Parameters
        ----------
        body : NetworkSpec
            The layers after preprocessing, either `spec.body` or a part of `spec.body`.
        n_rows : int
            Number of rows to predict.
        dtype : dtype
            Dtype in which the outputs are computed.

        Returns
        -------
        forward : callable
            Function that maps preprocessed rows to outputs.
        batch_size : int
            Number of rows to pass to `forward` at a time.
        """
        weights = self.weights
        if body is not self.spec.body:  # `body` may not need the last array, the ensemble weights
            weights = weights[: body.n_arrays]
        if not body.has_numpy_forward:
            return partial(_forward_with_tensorflow, body, weights), _COMPILED_ROWS
        if n_rows >= _COMPILED_ROWS and dtype == body.dtype:
            compiled = compiled_forward(body)
            if compiled is not None:
                return partial(compiled, weights), _COMPILED_ROWS
        size = max(_LEAST_ROWS, _VALUES // body.widest)
        return partial(body.forward, weights), size

    # --------------------------------------------------------------------------- Keras

    def keras_model(self, loss: "str | LossSpec", optimizer: "OptimizerSpec") -> Any:
        """Return the whole network, with its preprocessing, as a compiled Keras model.

        Parameters
        ----------
        loss : str or LossSpec
            The loss on which the network was trained.
        optimizer : OptimizerSpec
            Specification of the model's optimizer.

        Returns
        -------
        keras.Sequential
            The model. The input is the array that `encode` returns, reshaped to the shape of the
            samples.
        """
        check_not_forked()
        from skdnn._network.keras_model import build, clip_outputs, rescale_outputs
        from skdnn._training.losses import compiled_loss
        from skdnn._utils.keras_internals import mark_as_called

        targets = self.targets
        model = build(self.spec, **self.inputs.constants._asdict())
        model.set_weights(rescale_output_layers(targets.in_units, self.spec.outputs, self.weights))
        if targets.ascending:
            rescale_outputs(model, targets.unit, targets.mean)
        if targets.bounds is not None:
            clip_outputs(model, *targets.bounds)
        mark_as_called(model)
        model.compile(
            optimizer=optimizer.build(),
            loss=compiled_loss(targets.loss if isinstance(loss, str) else loss, targets.unit),
            metrics=None if targets.metric == "mean_pinball_loss" else [targets.metric],
        )
        # Without its variables, a saved model could not be loaded without a warning.
        model.optimizer.build(model.trainable_variables)
        bound_kernel_cache()
        return model


def _forward_with_tensorflow(
    body: NetworkSpec, weights: list[np.ndarray], x: np.ndarray
) -> np.ndarray:
    """Compute the outputs of a network that has an activation without a NumPy implementation."""
    from skdnn._training.forward_program import forward
    from skdnn._training.process import check_process

    check_process()
    return forward(body, weights, x.astype(body.dtype, copy=False))


@dataclass(frozen=True, eq=False)
class Continuation:
    """The data that warm starts and `partial_fit` need in addition to the network.

    Parameters
    ----------
    rng : numpy.random.Generator
        Random number generator for the order of rows and for dropout seeds. Every fit uses a copy.
    split_seed : int
        Seed of the split into training and held-out rows. It is stored so that every fit that
        continues training holds out the same rows.
    loss : str
        A text that identifies the loss.
    optimizer : str or None, default=None
        A text that identifies the optimizer and its settings. None before the first step.
    """

    rng: np.random.Generator
    split_seed: int
    loss: str
    optimizer: str | None = None
