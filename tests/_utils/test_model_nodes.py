"""The graph of a Keras model, with the private names of Keras and without."""

from types import SimpleNamespace

import pytest

from skdnn._network.summary import rows_of_model
from skdnn._utils.keras_internals import model_nodes
from skdnn._utils.tensorflow import keras


@pytest.fixture
def model():
    layers = [keras.layers.Dense(3, activation="relu", name="first"), keras.layers.Flatten()]
    return keras.Sequential([keras.Input((2,)), *layers])


class TestModelNodes:
    def test_the_operations_of_a_model_are_connected(self, model):
        nodes = model_nodes(model)
        assert [node.sources for node in nodes] == [(), (0,), (1,)]
        assert [node.outputs[0].shape for node in nodes] == [(None, 2), (None, 3), (None, 3)]
        assert [node.operation for node in nodes[1:]] == model.layers

    def test_a_layer_that_is_called_twice_is_one_node(self):
        start = keras.Input((4,), name="start")
        twice = keras.layers.Dense(4, name="twice")
        end = keras.layers.Add(name="end")([start, twice(twice(start))])
        nodes = model_nodes(keras.Model(start, end))
        names = [node.operation.name for node in nodes]
        sources = {names[n]: {names[i] for i in node.sources} for n, node in enumerate(nodes)}
        assert sources == {"start": set(), "twice": {"start"}, "end": {"start", "twice"}}

    @pytest.mark.parametrize("hidden", ["_nodes_by_depth", "_inbound_nodes"])
    def test_without_the_private_names_there_are_layers_alone(self, model, hidden, monkeypatch):
        def hide(self, name):
            if name == hidden:
                raise AttributeError(name)
            return object.__getattribute__(self, name)

        for kind in (keras.Sequential, type(model._functional), keras.layers.Layer):
            monkeypatch.setattr(kind, "__getattribute__", hide)
        nodes = model_nodes(model)
        assert [node.operation for node in nodes] == model.layers
        assert not any(node.outputs or node.sources for node in nodes)
        assert [row.kind for row in rows_of_model(model)] == ["Dense (relu)", "Flatten"]

    def test_nothing_but_attributes_is_needed(self):
        layer = SimpleNamespace(name="mine")
        assert model_nodes(SimpleNamespace(layers=[layer])) == [(layer, [], ())]
