"""Text that identifies the settings of a loss or an optimizer."""

import json
from typing import Any

import numpy as np


def settings_key(settings: Any) -> str:
    """Return settings as JSON text. Equal settings have equal texts.

    The caller must hold a reference to the settings as long as the text is used. The text contains
    the memory addresses of functions and of objects without a configuration. While these objects
    exist, no other object can have the same address.
    """
    return json.dumps(settings, sort_keys=True, default=_as_json)


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if hasattr(value, "get_config"):
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        # Not every configuration is complete. The attributes may refer to each other in a circle.
        attributes = {name: repr(attribute) for name, attribute in vars(value).items()}
        return [kind, value.get_config(), attributes]
    return repr(value)
