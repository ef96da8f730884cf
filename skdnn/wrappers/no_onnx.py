"""The error of skl2onnx for the wrappers, whose networks it cannot convert."""

from typing import NoReturn


class NoOnnxMixin:
    """Mixin of estimators that no converter of skl2onnx is registered for."""

    def onnx_parser(self) -> NoReturn:
        """Refuse to be a part of an ONNX model that skl2onnx builds, which calls this method.

        Raises
        ------
        NotImplementedError
            Always.

        Examples
        --------
        >>> from skdnn import KerasClassifier
        >>> KerasClassifier().onnx_parser()
        Traceback (most recent call last):
            ...
        NotImplementedError: skl2onnx cannot convert the Keras network of KerasClassifier: write ...
        """
        owner = type(self).__name__
        raise NotImplementedError(
            f"skl2onnx cannot convert the Keras network of {owner}: write it with "
            "model_.export('network.onnx', format='onnx'), and convert the steps before it by "
            "themselves. DNNClassifier and DNNRegressor are converted within a pipeline."
        )
