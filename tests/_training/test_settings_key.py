"""Text that identifies the settings of a loss or an optimizer."""

import copy

import numpy as np

from skdnn._training.settings_key import settings_key


class Part:
    """An object whose configuration is not complete, with a reference to itself."""

    def __init__(self, size):
        self.size = size
        self.itself = {"self": self}

    def get_config(self):
        return {}

    def __repr__(self):
        return f"Part({self.size})"


def test_equal_settings_have_an_equal_key():
    settings = {"rate": 0.1, "levels": np.array([1.0, 2.0]), "part": Part(2)}
    turned = dict(reversed(list(copy.deepcopy(settings).items())))
    assert settings_key(settings) == settings_key(turned)


def test_other_settings_have_another_key():
    keys = {settings_key([value]) for value in (np.ones(2), np.zeros(2), Part(1), Part(2), len)}
    assert len(keys) == 5


def test_every_value_of_a_long_array_counts():
    first, second = np.zeros(5000), np.zeros(5000)
    second[2500] = 1
    assert settings_key({"levels": first}) != settings_key({"levels": second})
