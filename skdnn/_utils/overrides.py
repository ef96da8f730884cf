"""Detection of methods that a user has written."""

import inspect


def overrides(thing: object, base: type, *names: str) -> bool:
    """Return whether an object or its class overrides one of the named methods of a base class."""
    return any(
        inspect.getattr_static(thing, name) is not inspect.getattr_static(base, name)
        for name in names
    )
