"""Every use of a private name of Keras or TensorFlow, each with its public fallback."""

from typing import Any, NamedTuple


class ModelNode(NamedTuple):
    """A layer, or another operation, in the graph of a Keras model."""

    operation: Any
    outputs: list[Any]  # Keras tensors; of its first call, where there are several
    sources: tuple[int, ...]  # positions of the nodes that it takes its input from


def model_nodes(model: Any) -> list[ModelNode]:
    """Return the operations of a Keras model with how they are connected, sources first.

    Keras has no public name for that. Where the private ones are missing, or the model's own code
    alone knows how its layers are connected, these are its layers without connections.

    The model is only read by its attributes, so that Keras need not be imported.
    """
    try:
        return _connected(model)
    except AttributeError:
        return [ModelNode(layer, [], ()) for layer in model.layers]


def _connected(model: Any) -> list[ModelNode]:
    graph = getattr(model, "_functional", None) or model  # a Sequential has one inside
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
