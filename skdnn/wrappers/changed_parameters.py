"""A warning for parameters that were changed after the network was built from them."""

from typing import TYPE_CHECKING, Any

from skdnn._utils.user_warning import warn_user
from skdnn.wrappers.parameters import is_routed
from skdnn.wrappers.scikeras_compat import keras

if TYPE_CHECKING:
    from skdnn.wrappers.base import BaseWrapper

# Parameters that only a new network uses. Another `loss` is an error (see `output_checks.py`).
_PARAMETERS = {"build_fn", "metrics", "model", "optimizer", "random_state", "run_eagerly"}
_PREFIXES = ("compile", "loss", "metrics", "model", "optimizer")
_CONFIGURED = (keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer)


def network_parameters(wrapper: "BaseWrapper") -> dict[str, str]:
    """Return the parameters that a new network is built and compiled with, as texts.

    The texts can be compared after pickling. Models, layers and arrays are described by their type
    only, because comparing them would take long.
    """
    params = wrapper.get_params(deep=False)
    given = {name for name in wrapper._user_params if "__" not in name}  # as in units=8
    names = {name for name in params if name in _PARAMETERS or is_routed(name, _PREFIXES)}
    return {name: _text(params[name]) for name in sorted(names | given) if name in params}


def warn_if_changed(wrapper: "BaseWrapper", before: dict[str, str] | None) -> None:
    """Warn about parameters that have changed, where training continues with the same network.

    Parameters
    ----------
    wrapper : BaseWrapper
        The wrapper, whose network is trained further.
    before : dict or None
        The return value of `network_parameters` when the network was built. None, which is the
        value of a wrapper that an earlier version has pickled, means that it is not known.
    """
    if before is None:
        return
    now = network_parameters(wrapper)
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    if not changed:
        return
    listed = " and ".join(f"{name}={now.get(name, 'left out')}" for name in changed)
    used = " and ".join(f"{name}={before.get(name, 'left out')}" for name in changed)
    rate = ""
    if "optimizer__learning_rate" in changed:
        rate = " To change the learning rate only, set model_.optimizer.learning_rate."
    warn_user(
        f"{type(wrapper).__name__} continues to train its network, so that {listed} "
        f"{'have' if len(changed) > 1 else 'has'} no effect. The network was made with {used}: "
        f"call fit with warm_start=False to make a new one.{rate}"
    )


def _text(value: Any) -> str:
    if isinstance(value, type) or hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    if isinstance(value, _CONFIGURED):
        config = {key: item for key, item in value.get_config().items() if key != "name"}
        return f"{type(value).__name__}({config})"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_text, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key!r}: {_text(item)}' for key, item in value.items())}}}"
    return repr(value) if isinstance(value, str | int | float | None) else type(value).__name__
