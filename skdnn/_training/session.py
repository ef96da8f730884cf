"""Traced functions that run in separate TensorFlow sessions, each with a chosen number of threads.

TensorFlow sets the number of threads once per process. In a small network, waking a second thread
for an operation takes longer than the operation. A TensorFlow session can have a separate pool of
threads. Therefore a function is traced as usual, and the traced graph is then imported into the
graph of a session, in which copies replace the variables.
"""

import copy
import os
import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from skdnn._utils.keras_internals import tf_variable
from skdnn._utils.tensorflow import tf
from skdnn._utils.tensorflow_internals import (
    clear_kernel_cache,
    forget_custom_gradients,
    forget_session,
)

_v1 = tf.compat.v1


class Threads(NamedTuple):
    """The number of threads within one operation and the number of concurrent operations."""

    within: int = 1
    between: int = 1


class UnsupportedFunctionError(ValueError):
    """Raised if a function uses a resource that cannot be recreated in a TensorFlow session.

    Such resources are lookup tables, dataset iterators, and variables outside the network.
    """


class SessionFunctions:
    """A set of traced functions that share variables, and the sessions that run the functions.

    Parameters
    ----------
    variables : sequence of keras.Variable or tf.Variable
        All variables that the functions read or change. The variables serve as templates, because
        each session changes copies of the variables.
    """

    def __init__(self, variables: Sequence[Any]):
        self._templates = [tf_variable(v) for v in variables]
        self._graph = tf.Graph()
        self._sessions: dict[Threads, Any] = {}
        self._callables: dict[tuple[Threads, str], Callable[..., Any]] = {}
        self._functions: dict[str, tuple[list[Any], Any]] = {}
        self._lock = threading.Lock()
        _INSTANCES.add(self)
        with self._graph.as_default():
            self._handles = [
                tf.raw_ops.VarHandleOp(dtype=v.dtype, shape=v.shape, shared_name=f"variable_{i}")
                for i, v in enumerate(self._templates)
            ]
            values = [_v1.placeholder(v.dtype, v.shape) for v in self._templates]
            assign = [
                tf.raw_ops.AssignVariableOp(resource=handle, value=value)
                for handle, value in zip(self._handles, values, strict=True)
            ]
            reads = [
                tf.raw_ops.ReadVariableOp(resource=handle, dtype=v.dtype)
                for handle, v in zip(self._handles, self._templates, strict=True)
            ]
            self._functions["load"] = values, tf.group(*assign)
            self._functions["read"] = [], reads

    def copy(self) -> "SessionFunctions":
        """Return the same functions with sessions of their own, and so with other variables."""
        copied = copy.copy(self)
        copied._sessions, copied._callables = {}, {}
        _INSTANCES.add(copied)
        return copied

    def ensure(
        self, name: str, make: Callable[[], tuple[Callable[..., Any], Sequence[Any]]]
    ) -> None:
        """Add a function, with the arguments of `add` that `make` returns, unless it was added.

        Several threads may call the method for copies of the same functions.
        """
        with self._lock:
            if name not in self._functions:
                self.add(name, *make())

    def add(self, name: str, function: Callable[..., Any], signature: Sequence[Any]) -> None:
        """Trace a function of tensors, and import the traced graph into the graph of the sessions.

        Parameters
        ----------
        name : str
            The name of the function, which is passed to `call`.
        function : callable
            Takes one tensor for each entry of `signature`, and returns one or several tensors.
        signature : sequence of tf.TensorSpec
            The shapes and dtypes of the arguments of the function.
        """
        # TensorFlow counts the traces of a `tf.function` by the code of the function and would
        # warn at the fifth architecture. A concrete function avoids the warning.
        traced = tf.function(function, autograph=False).get_concrete_function(*signature)
        source = traced.graph
        n_given = len(source.inputs) - len(source.captures)
        with self._graph.as_default():
            given = [_v1.placeholder(spec.dtype, spec.shape) for spec in signature]
            inputs = dict(zip((t.name for t in source.inputs[:n_given]), given, strict=True))
            inputs |= {inner.name: self._moved(outer) for outer, inner in source.captures}
            names = [tensor.name for tensor in source.outputs]
            graph = source.as_graph_def()
            outputs = tf.import_graph_def(graph, inputs, names, name=name)
        forget_custom_gradients(graph)
        self._functions[name] = given, outputs[0] if len(outputs) == 1 else outputs

    def _moved(self, outer: Any) -> Any:
        for template, handle in zip(self._templates, self._handles, strict=True):
            if outer is template.handle:
                return handle
        if outer.dtype in (tf.resource, tf.variant):
            raise UnsupportedFunctionError(
                f"it uses a variable, table or iterator that is not the network's own: {outer!r}"
            )
        return tf.constant(outer.numpy())

    def call(self, threads: Threads, name: str, *arrays: Any) -> Any:
        """Run a function on arrays or numbers in a session with the given numbers of threads.

        The name is that of a function that was passed to `add`, or a predefined name. "load" sets
        all variables to the arrays, and "read" returns the values of all variables.
        """
        key = threads, name
        if key not in self._callables:
            given, outputs = self._functions[name]
            self._callables[key] = self._session(threads).make_callable(outputs, given)
        return self._callables[key](*arrays)

    def _session(self, threads: Threads) -> Any:
        if threads not in self._sessions:
            config = _v1.ConfigProto(
                intra_op_parallelism_threads=threads.within,
                inter_op_parallelism_threads=threads.between,
                use_per_session_threads=True,
                gpu_options=_v1.GPUOptions(allow_growth=True),
            )
            # The graph optimizer takes longer than it saves. These graphs are small, and the fused
            # matrix products of the optimizer are slower for small batches.
            config.graph_options.rewrite_options.disable_meta_optimizer = True
            self._sessions[threads] = _v1.Session(graph=self._graph, config=config)
        return self._sessions[threads]

    def abandon(self) -> None:
        """Drop the sessions without closing them, in a forked process.

        The threads of the sessions do not exist in the forked process, and closing a session would
        wait for these threads.
        """
        self._callables.clear()
        for session in self._sessions.values():
            forget_session(session)
        self._sessions.clear()

    def close(self) -> None:
        """Close the sessions, which frees their memory and threads."""
        self._callables.clear()
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()
        clear_kernel_cache()


# All instances, because the program cache does not hold the programs in use.
_INSTANCES: weakref.WeakSet[SessionFunctions] = weakref.WeakSet()


def _abandon_all() -> None:
    for functions in list(_INSTANCES):
        functions.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_abandon_all)


def available_threads() -> int:
    """Return the number of processors that this process may use, limited by OMP_NUM_THREADS."""
    n = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    # joblib sets this variable for its workers, and users may set it.
    limit = os.environ.get("OMP_NUM_THREADS", "")
    return min(n, int(limit)) if limit.isdecimal() and int(limit) > 0 else n
