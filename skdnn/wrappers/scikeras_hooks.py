"""Private methods of SciKeras that subclasses may have overridden and that skdnn does not call."""

# The method, and the replacement that an error recommends.
_NOT_CALLED = {
    "_build_keras_model": "`_keras_build_fn`, which builds the network",
    "_check_model_param": "`_keras_build_fn`, which builds the network",
    "_ensure_compiled_model": "`_get_compile_kwargs`, or compile the network in `_keras_build_fn`",
    "_fit": "`fit` and `partial_fit`",
    "_fit_keras_model": "`fit` and `partial_fit`, or `train_step` of the Keras model",
    "_initialize_callbacks": "`_initialize`, and set the parameter `callbacks` there",
    "_validate_sample_weight": "`fit`, `partial_fit` and `score`, which receive the sample weights",
}


def check_hooks(cls: type) -> None:
    """Raise an error if a subclass of a wrapper has a method of SciKeras that is never called.

    Parameters
    ----------
    cls : type
        The subclass. Inherited methods are checked, too, because a mixin may have the method.
    """
    for name, replacement in _NOT_CALLED.items():
        if hasattr(cls, name):
            raise TypeError(
                f"{cls.__name__} defines `{name}`, which SciKeras calls and skdnn does not: "
                f"override {replacement}."
            )
