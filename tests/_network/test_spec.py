"""The network as plain data."""

import pytest

from skdnn._network.architectures import dense_network
from skdnn._network.layers import CategoryEmbedding, ColumnTransform
from skdnn._network.summary import text_table

pytestmark = pytest.mark.quick


@pytest.fixture
def textbook():
    return dense_network((28, 28), [(100, "relu", 0.0)], (10, "softmax"), scaled=True)


def test_summary_of_the_textbook_network(textbook):
    rows = [line.split() for line in text_table(textbook).splitlines()]
    counts = {row[0]: row[-1] for row in rows if row[0] in {"hidden_1", "output", "Total"}}
    assert counts == {"hidden_1": "78,500", "output": "1,010", "Total": "79,510"}
    assert "(None, 784)" in text_table(textbook)


def test_summary_tells_trainable_parameters_from_moving_averages():
    spec = dense_network((4,), [(8, "relu", 0.5)], (2, "softmax"), scaled=False, batch_norm=True)
    # 4 * 8 + 8 weights, gamma and beta of 8 units, 8 * 2 + 2 weights; two averages of 8 units.
    assert "Trainable parameters: 74\n" in text_table(spec)
    assert "Non-trainable parameters: 16" in text_table(spec)


def test_layers_stand_in_the_order_of_the_paper():
    spec = dense_network((2, 2), [(3, "relu", 0.1)], (1, "linear"), scaled=True, batch_norm=True)
    assert [layer.name for layer in spec.layers] == [
        "flatten",
        "scaling",
        "hidden_1",
        "hidden_1_batch_norm",
        "hidden_1_activation",
        "hidden_1_dropout",
        "output",
    ]


def test_body_leaves_out_what_training_does_not_change(textbook):
    assert textbook.body.input_shape == (784,)
    assert [layer.name for layer in textbook.body.layers] == ["hidden_1", "output"]


def test_a_user_function_is_named_in_the_summary():
    def bent_identity(x):
        return x

    spec = dense_network((2,), [(3, bent_identity, 0.0)], (1, "linear"), scaled=False)
    assert "Dense (bent_identity)" in text_table(spec)


def test_the_body_begins_behind_columns_and_scaling():
    entry = ColumnTransform((0, 2), (2,), (1,)), CategoryEmbedding((4,), (3,))
    spec = dense_network((3,), [(5, "relu", 0.0)], (1, "linear"), scaled=True, entry=entry)
    assert [layer.name for layer in spec.layers[:3]] == ["columns", "scaling", "embedding"]
    assert spec.body.input_shape == (4,)
    assert spec.body.layers[0] == entry[1]
    assert "Total parameters: 53\n" in text_table(spec)  # 4 * 3, 6 * 5 + 5, 5 + 1
