"""All uses of private names of Keras, each with a public fallback.

A private name may be missing in the next release. Each function in this module uses one private
name or a few related names. The docstring of the function documents the fallback, which may be
slower or more limited.

Five functions need no fallback. `slot` and `uses_weight_decay` are called only by the steps of
`with_step`, which checks for the private names first. `tf_variable`, `mark_as_called` and
`forget_model` use public names.

TensorFlow and Keras are imported inside the functions, because some functions only read existing
objects and some work on every backend of Keras.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

_SEED_GENERATOR = "global_seed_generator"
# A step of an optimizer for all variables: (optimizer, gradients, variables, learning rate).
Step = Callable[[Any, Sequence[Any], Sequence[Any], Any], bool]
Decay = Callable[[Any, Iterable[Any]], None]


def tf_variable(variable: Any) -> Any:
    """Return the TensorFlow variable of a Keras variable, which is the public `value`."""
    import keras

    return variable.value if isinstance(variable, keras.Variable) else variable


def mark_as_called(model: Any) -> None:
    """Call a model with its symbolic inputs, because Keras exports no model before its first call.

    The call computes nothing and takes a few milliseconds. A model of a user's class has no
    symbolic inputs.
    """
    import keras

    if getattr(model, "inputs", None):
        model(model.inputs[0] if isinstance(model, keras.Sequential) else model.input)


def learning_rate_variable(optimizer: Any) -> Any:
    """Return the variable of the learning rate. None if the rate is a schedule or a function.

    Tested with Keras 3.8 to 3.15. Without the private name, the public property gives the same
    variable.
    """
    import keras

    rate = getattr(optimizer, "_learning_rate", None)
    rate = optimizer.learning_rate if rate is None else rate
    return rate if isinstance(rate, keras.Variable) else None


def learning_rate_rule(optimizer: Any) -> Any:
    """Return the schedule or function that computes the learning rate, or None if there is none.

    Tested with Keras 3.8 to 3.15. Without `_learning_rate`, the schedule is created again from the
    optimizer's configuration. This works for the schedules of Keras and for classes registered with
    Keras.
    """
    import keras

    if hasattr(optimizer, "_learning_rate"):
        rate = optimizer._learning_rate
    else:
        rate = optimizer.get_config().get("learning_rate")
        rate = keras.optimizers.schedules.deserialize(rate) if isinstance(rate, dict) else rate
    return rate if callable(rate) else None


def weight_averages(optimizer: Any) -> list[Any]:
    """Return the variables of the moving averages of weights, in the order of the weights.

    Tested with Keras 3.8 to 3.15. Without the private name, the variables are found by the suffix
    of their names.
    """
    averages = getattr(optimizer, "_model_variables_moving_average", None)
    if averages is None:
        averages = [v for v in optimizer.variables if v.path.endswith("_average")]
    return list(averages)


def can_clip_by_tensor(optimizer: Any) -> bool:
    """Whether `clip_by` has an effect. Otherwise the caller must clip the gradients.

    Tested with Keras 3.8 to 3.15. Clipping by the caller differs from clipping by Keras only
    if the optimizer accumulates gradients or scales the loss.
    """
    return hasattr(optimizer, "_clip_by_norm")


def clip_by(optimizer: Any, norm: Any) -> None:
    """Let an optimizer clip each gradient to a maximum norm, which is a tensor.

    The `clipnorm` of the optimizer remains a number, because Keras checks this number to decide
    whether to clip. Without the private name, the optimizer does not clip.
    """
    import tensorflow as tf

    if can_clip_by_tensor(optimizer):
        vars(optimizer)["_clip_by_norm"] = lambda gradient: tf.clip_by_norm(gradient, norm)
    else:
        vars(optimizer)["clipnorm"] = None


def uses_weight_decay(optimizer: Any, variable: Any) -> bool:
    """Whether an optimizer applies weight decay to a variable.

    Tested with Keras 3.8 to 3.15. Only steps of `with_step` call this function, and `with_step`
    checks for the private name.
    """
    return bool(optimizer._use_weight_decay(variable))


def may_exclude_from_weight_decay(optimizer: Any) -> bool:
    """Whether variables may have been excluded from the weight decay of an optimizer.

    The configuration of an optimizer does not contain this information. Tested with Keras 3.8 to
    3.15. Without the private names, the result is True for every optimizer with weight decay.
    """
    names = ("_exclude_from_weight_decay", "_exclude_from_weight_decay_pattern")
    if optimizer.weight_decay is None:
        return False
    return not hasattr(optimizer, "_use_weight_decay") or any(
        getattr(optimizer, name, None) for name in names
    )


def slot(optimizer: Any, slots: Sequence[Any], variable: Any) -> Any:
    """Return the entry of a variable in an optimizer's list with one entry per variable.

    Tested with Keras 3.8 to 3.15. Only steps of `with_step` call this function, and `with_step`
    checks for the private name.
    """
    return slots[optimizer._get_variable_index(variable)]


def adam_slots(optimizer: Any) -> tuple[Sequence[Any], Sequence[Any]] | None:
    """Return the lists of Adam's first and second moments, with one entry per variable.

    Tested with Keras 3.8 to 3.15. Without the private names the result is None, and Keras updates
    the variables.
    """
    moments = (getattr(optimizer, name, None) for name in ("_momentums", "_velocities"))
    first, second = moments
    return None if first is None or second is None else (first, second)


def with_step(kind: type, step: Step, decay: Decay | None = None) -> type:
    """Return a subclass of a Keras optimizer that updates all variables in one function call.

    Parameters
    ----------
    kind : type
        The class of the Keras optimizer.
    step : callable
        Updates the variables and returns True, or returns False to let Keras update them.
    decay : callable, default=None
        Applies weight decay to the variables of the optimizer.

    Returns
    -------
    type
        The subclass, or `kind` itself if Keras lacks the private methods. Tested with Keras 3.8 to
        3.15.
    """
    hooks = ["_backend_update_step", "_get_variable_index"]
    hooks += ["_apply_weight_decay", "_use_weight_decay"] if decay is not None else []
    if not all(hasattr(kind, name) for name in hooks):
        return kind

    def _backend_update_step(
        self: Any, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        if not step(self, grads, trainable_variables, learning_rate):
            kind._backend_update_step(  # type: ignore[attr-defined]
                self, grads, trainable_variables, learning_rate
            )

    methods: dict[str, Any] = {"_backend_update_step": _backend_update_step}
    if decay is not None:
        methods["_apply_weight_decay"] = decay
    return type(kind.__name__, (kind,), {"__doc__": kind.__doc__, **methods})


def compile_settings(model: Any) -> dict[str, Any]:
    """Return the arguments with which a model was compiled, as the original objects.

    Uses `Model._compile_config`, tested with Keras 3.8 to 3.15. Without the private name the
    metrics are created again from the public configuration, which requires classes that Keras can
    find by name.

    Raises
    ------
    TypeError
        If Keras cannot create the objects from the public configuration.
    """
    config = getattr(model, "_compile_config", None)
    if config is not None:
        return dict(config.config)
    import keras

    kept = {"optimizer": model.optimizer, "loss": model.loss}
    try:
        public = model.get_compile_config()
        rest = {name: value for name, value in public.items() if name not in kept}
        return {**kept, **keras.saving.deserialize_keras_object(rest)}
    except (TypeError, ValueError, AttributeError, LookupError, RuntimeError) as error:
        raise TypeError(f"what {model.name} was compiled with cannot be read: {error}") from error


def is_jit_compiled(model: Any) -> bool:
    """Whether a model was compiled with `jit_compile=True` instead of the default "auto".

    Tested with Keras 3.8 to 3.15. Without the private name the public configuration is read.
    """
    config = getattr(model, "_compile_config", None)
    settings = model.get_compile_config() if config is None else config.config
    return settings.get("jit_compile") is True


def build_metrics(model: Any, batch: Any) -> None:
    """Create the variables of the metrics of a compiled model before their first use.

    Tested with Keras 3.8 to 3.15. Without the private name the model is evaluated on the batch
    once.

    Parameters
    ----------
    model : keras.Model
        A model that is compiled and built.
    batch : tuple of (x, y) or (x, y, weight)
        Some rows, which determine the shapes and dtypes of the variables.
    """
    build = getattr(model, "_symbolic_build", None)
    if build is not None:
        build(data_batch=batch)
        return
    if model.optimizer is not None and not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    model.test_on_batch(*batch)
    model.reset_metrics()


def all_layers(layer: Any) -> list[Any]:
    """Return a layer and all layers inside the layer, without duplicates.

    Uses `Layer._flatten_layers`, tested with Keras 3.8 to 3.15. The fallback searches the
    attributes of each layer.
    """
    flatten = getattr(layer, "_flatten_layers", None)
    return list(flatten()) if flatten is not None else _found_layers(layer)


def _found_layers(layer: Any) -> list[Any]:
    import keras

    found: dict[int, Any] = {}
    waiting = [layer]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, keras.layers.Layer) and id(value) not in found:
            found[id(value)] = value
            waiting += [*getattr(value, "layers", []), *vars(value).values()]
        elif isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return list(found.values())


class ModelNode(NamedTuple):
    """A layer or other operation in the graph of a Keras model."""

    operation: Any
    outputs: list[Any]  # Keras tensors of the first call of the operation
    sources: tuple[int, ...]  # indices of the nodes whose outputs are the input of the operation


def model_nodes(model: Any) -> list[ModelNode]:
    """Return the operations of a Keras model with their connections, from input to output.

    Keras has no public name for the connections. If the private names are missing, or the model is
    subclassed, the result holds the layers without connections.

    Only attributes of the model are read, so that Keras is not imported.
    """
    try:
        return _connected(model)
    except AttributeError:
        return [ModelNode(layer, [], ()) for layer in model.layers]


def _connected(model: Any) -> list[ModelNode]:
    graph = getattr(model, "_functional", None) or model  # a Sequential contains a functional model
    own = {id(call) for calls in graph._nodes_by_depth.values() for call in calls}
    nodes: list[ModelNode] = []
    position: dict[int, int] = {}
    for operation in graph.operations:
        calls = [call for call in operation._inbound_nodes if id(call) in own]
        before = {position.get(id(x.operation)) for call in calls for x in call.parent_nodes}
        sources = tuple(sorted(x for x in before if x is not None))
        outputs = [tensor for call in calls[:1] for tensor in call.output_tensors]
        position[id(operation)] = len(nodes)
        nodes.append(ModelNode(operation, outputs, sources))
    return nodes


def starting_epoch(model: Any) -> int:
    """Return the first epoch to train, counted from 0, which `BackupAndRestore` may have set.

    Tested with Keras 3.8 to 3.15. Without the private name training starts again from epoch 0.
    """
    return getattr(model, "_initial_epoch", None) or 0


def function_options(thing: Any) -> Mapping[str, Any]:
    """Return the keyword arguments that a loss or metric passes to its wrapped function.

    Tested with Keras 3.8 to 3.15. No public configuration has all of the arguments.

    Raises
    ------
    TypeError
        If the private name is missing and the loss or metric wraps a function.
    """
    import keras

    options = getattr(thing, "_fn_kwargs", None)
    is_wrapper = isinstance(thing, keras.metrics.MeanMetricWrapper) or (
        isinstance(thing, keras.losses.Loss) and hasattr(thing, "fn")
    )
    if options is None and is_wrapper:
        raise TypeError(f"the settings of {thing!r} cannot be read")
    return options or {}


def forget_model(callback: Any) -> None:
    """Remove the model from a callback, even if the callback's `set_model` requires a model."""
    import keras

    keras.callbacks.Callback.set_model(callback, None)


def model_of(callback: Any) -> Any:
    """Return the model of a callback. None if no model was set.

    Tested with Keras 3.8 to 3.15. Without the private name the public property is read.
    """
    return callback._model if hasattr(callback, "_model") else getattr(callback, "model", None)


def profiles_batches(callback: Any) -> bool:
    """Whether a `TensorBoard` callback profiles batches and must be called for each batch.

    Tested with Keras 3.8 to 3.15. Without the private name the result is True.
    """
    return bool(getattr(callback, "_should_trace", True))


@contextmanager
def seeded_random(seed: int) -> Iterator[None]:
    """Context manager that seeds Keras's global generator and restores the generator on exit.

    Uses `keras.src.backend.common.global_state`, tested with Keras 3.8 to 3.15. Keras has no public
    way to restore its generator. The fallback does not seed the generator. This affects only calls
    of `keras.random` without a seed, because layers and initialisers take their seeds from
    Python's generator.
    """
    import keras

    try:
        from keras.src.backend.common import global_state

        before = global_state.get_global_attribute(_SEED_GENERATOR)
    except (ImportError, AttributeError):
        yield
        return
    global_state.set_global_attribute(_SEED_GENERATOR, keras.random.SeedGenerator(seed))
    try:
        yield
    finally:
        global_state.set_global_attribute(_SEED_GENERATOR, before)
