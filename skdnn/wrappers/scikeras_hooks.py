"""Private methods of SciKeras that skdnn does not have, and what to write in their place."""

from typing import Any, NoReturn

# The method, and what a subclass overrides instead.
_NOT_CALLED = {
    "_build_keras_model": "`_keras_build_fn`, which builds the network",
    "_check_model_param": "`_keras_build_fn`, which builds the network",
    "_ensure_compiled_model": "`_get_compile_kwargs`, or compile the network in `_keras_build_fn`",
    "_fit": "`fit` and `partial_fit`",
    "_fit_keras_model": "`fit` and `partial_fit`, or `train_step` of the Keras model",
    "_initialize_callbacks": "`_initialize`, and set the parameter `callbacks` there",
    "_validate_sample_weight": "`fit`, `partial_fit` and `score`, which receive the sample weights",
}
_EPOCHS = "set warm_start=True and call fit(X, y, epochs=n), which trains for n more epochs"


class _Absent:
    """An attribute of SciKeras whose use raises an error that says what to write instead."""

    def __init__(self, instead: str):
        self.instead = instead

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> NoReturn:
        raise AttributeError(
            f"{owner.__name__!r} object has no attribute {self.name!r}, which SciKeras has and "
            f"skdnn does not: {self.instead}."
        )


class ScikerasHooks:
    """Base class of wrappers, with errors for what only the wrappers of SciKeras have."""

    _build_keras_model = _Absent("call initialize(X, y), which builds the network `model_`")
    _check_model_param = _Absent("leave the call out, because fit and initialize check `model`")
    _ensure_compiled_model = _Absent("leave the call out, because fit and initialize compile")
    _fit = _Absent(_EPOCHS)
    _fit_keras_model = _Absent(_EPOCHS)
    _initialize_callbacks = _Absent("set the parameter `callbacks`, which fit reads")
    _tags = _Absent("call `__sklearn_tags__()`")
    _validate_sample_weight = _Absent("leave the call out, because fit and score check the weights")
    _wrapper_params = _Absent("call get_params(deep=False)")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        check_hooks(cls)


def check_hooks(cls: type) -> None:
    """Raise an error if a subclass of a wrapper has a method of SciKeras that is never called.

    Parameters
    ----------
    cls : type
        The subclass. Inherited methods are checked, too, because a mixin may have the method.
    """
    for name, replacement in _NOT_CALLED.items():
        found = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
        if any(not isinstance(attribute, _Absent) for attribute in found):
            raise TypeError(
                f"{cls.__name__} defines `{name}`, which SciKeras calls and skdnn does not: "
                f"override {replacement}."
            )
