"""All uses of private names of TensorFlow, each with a fallback.

TensorFlow is imported inside the functions, because a session may be forgotten in a forked process.
"""

import itertools
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

# Sessions that must never be closed, because their threads do not exist in this process.
_KEPT_SESSIONS: list[Any] = []
_N_MODELS = itertools.count(1)


def clear_kernel_cache() -> None:
    """Clear TensorFlow's kernel cache, which has a kernel for each past shape of a variable.

    Tested with TensorFlow 2.16 to 2.21. Without the private module nothing is cleared.
    """
    with suppress(ImportError, AttributeError):
        from tensorflow.python.eager import context

        context.context().clear_kernel_cache()


def bound_kernel_cache() -> None:
    """Clear TensorFlow's kernel cache in every 16th call.

    A call follows the creation of a Keras model. The cache has kernels for each variable ever made,
    which are half a megabyte for a small compiled model.
    """
    if next(_N_MODELS) % 16 == 0:
        clear_kernel_cache()


def tensorflow_has_started() -> bool:
    """Return whether TensorFlow has computed something in this process, and so has threads.

    Tested with TensorFlow 2.16 to 2.21. Without the private names the result is True if TensorFlow
    has been imported. TensorFlow is not imported.
    """
    if "tensorflow" not in sys.modules:
        return False
    context = sys.modules.get("tensorflow.python.eager.context")
    try:
        return context.context()._context_handle is not None  # type: ignore[union-attr]
    except AttributeError:
        return True


def forget_custom_gradients(graph: Any) -> None:
    """Remove the custom gradients of a traced graph from TensorFlow's registry of gradients.

    The registry would keep each custom gradient, and with it the traced graph and all its tensors,
    until the process ends. A step of most Keras optimizers has a custom gradient, and so has SiLU.
    The graph must not be differentiated later. Tested with TensorFlow 2.16 to 2.21. Without the
    private names nothing is removed.

    Parameters
    ----------
    graph : GraphDef
        The definition of the graph. Functions that the graph calls are left out, because a
        `tf.function` of the user may be differentiated again.
    """
    with suppress(ImportError, AttributeError):
        from tensorflow.python.framework import ops

        gradients = ops.gradient_registry._registry
        for node in _own_nodes(graph):
            name = node.attr["_gradient_op_type"].s.decode() if node.op == "IdentityN" else ""
            if name.startswith("CustomGradient-"):
                gradients.pop(name, None)


def _own_nodes(graph: Any) -> Iterator[Any]:
    """Yield the nodes of a graph, and of the bodies of its loops and branches."""
    functions = {function.signature.name: function for function in graph.library.function}
    waiting = [graph.node]
    while waiting:
        for node in waiting.pop():
            yield node
            if not node.op.endswith("PartitionedCall"):
                names = [part.func.name for part in node.attr.values()]
                names += [func.name for part in node.attr.values() for func in part.list.func]
                waiting += [functions.pop(name).node_def for name in names if name in functions]


def forget_session(session: Any) -> None:
    """Release a session in a forked process without closing the session.

    Closing would never return, because the threads of the session do not exist in the forked
    process. Tested with TensorFlow 2.16 to 2.21. Without the private names, the session and its
    memory are not released.
    """
    if hasattr(session, "_session") and hasattr(session, "_closed"):
        session._session, session._closed = None, True
    else:
        _KEPT_SESSIONS.append(session)
