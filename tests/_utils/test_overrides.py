"""Which methods a user has written."""

import pytest

from skdnn._utils.overrides import overrides


class Base:
    def one(self):
        return 1

    def two(self):
        return 2

    @staticmethod
    def three():
        return 3


class Plain(Base):
    pass


class Own(Base):
    def two(self):
        return -2


class Static(Base):
    @staticmethod
    def three():
        return -3


def with_attribute():
    thing = Plain()
    thing.one = lambda: -1
    return thing


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (Plain(), []),
        (Own(), ["two"]),
        (Static(), ["three"]),
        (with_attribute(), ["one"]),
    ],
    ids=["none", "in the class", "static", "in the object"],
)
def test_methods_of_the_users_own(thing, expected):
    names = ["one", "two", "three"]
    assert [name for name in names if overrides(thing, Base, name)] == expected
    assert overrides(thing, Base, *names) == bool(expected)
