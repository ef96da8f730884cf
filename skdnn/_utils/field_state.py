"""The state of a dataclass without the values that it has cached."""

from dataclasses import fields
from typing import Any


class FieldState:
    """Mixin of dataclasses whose copies and pickles hold the fields only.

    Cached properties are left out. They would make files larger and dependent on the calls before,
    and tools such as skops cannot write all of their types.
    """

    def __getstate__(self) -> dict[str, Any]:
        return {field.name: vars(self)[field.name] for field in fields(self)}  # type: ignore[arg-type]
