"""The chain of layers of a Keras model, from private names of Keras. Keras is not imported."""

from typing import Any


def chain_of_layers(model: Any) -> list[Any] | None:
    """Return the layers of a model from the input layer to the output layer, if they are a chain.

    In a chain, each layer is called once, on nothing but the output of the layer before. Chains
    inside a chain are joined. The result is None for any other model, for a model of a class of the
    user's own, and if Keras lacks the private names, which were tested with Keras 3.8 to 3.15.
    """
    try:
        chain = _chain(model)
    except (AttributeError, ValueError):
        return None
    is_chain = chain is not None and len(set(map(id, chain))) == len(chain) > 1
    return chain if is_chain else None


def _chain(model: Any) -> list[Any] | None:
    graph = model._functional if _is_of_keras(model, "Sequential") else model
    if not _is_of_keras(graph, "Functional") or len(graph.outputs) != 1:
        return None
    chain: list[Any] = []
    before: Any = None
    for depth in sorted(graph._nodes_by_depth, reverse=True):
        (node,) = graph._nodes_by_depth[depth]
        if not _continues(node, before):
            return None
        layer = node.operation
        if hasattr(layer, "_nodes_by_depth") or hasattr(layer, "_functional"):
            inner = _chain(layer)
            if inner is None:
                return None
            chain += inner if before is None else inner[1:]
        elif (before is None) != _is_of_keras(layer, "InputLayer"):
            return None
        else:
            chain.append(layer)
        before = node
    return chain


def _is_of_keras(value: Any, name: str) -> bool:
    cls = type(value)
    return cls.__name__ == name and cls.__module__.startswith("keras.")


def _continues(node: Any, before: Any) -> bool:
    """Whether a node of a graph is called on the output of the node before, and on nothing else."""
    given = [x for x in node.arguments.kwargs.values() if x is not None and x is not False]
    if given or len(node.outputs) != 1:  # such as training=True or a mask
        return False
    if before is None:
        return not node.parent_nodes
    return len(node.arguments.args) == 1 and list(node.parent_nodes) == [before]
