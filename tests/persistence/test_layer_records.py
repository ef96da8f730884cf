"""The table of layers of a file, and the layers of the package."""

from dataclasses import fields

import pytest

from skdnn._network import layers
from skdnn._network.layers import Layer, NumericEmbedding
from skdnn.persistence.layer_records import LAYERS

pytestmark = pytest.mark.quick
# The fields that a record has in another form: positions are those of the inputs, stacks are lists.
ELSEWHERE = {"columns": {"numbers", "signed", "codes"}, "parallel": {"stacks"}}


def test_every_layer_of_the_package_has_a_tag():
    kinds = {kind for kind in vars(layers).values() if isinstance(kind, type)}
    kinds = {kind for kind in kinds if issubclass(kind, Layer)} - {Layer, NumericEmbedding}
    assert kinds == {kind.layer for kind in LAYERS.values()}


@pytest.mark.parametrize("tag", LAYERS)
def test_a_record_has_all_fields_of_its_layer(tag):
    kind = LAYERS[tag]
    names = {field.name for field in fields(kind.layer)}
    assert {*kind.fields} | ELSEWHERE.get(tag, set()) == names
