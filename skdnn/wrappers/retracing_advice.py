"""Hides TensorFlow's advice on functions that are traced again, which does not apply here."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_retracing_advice() -> Iterator[None]:
    """Context manager that hides TensorFlow's advice on retracing functions.

    The advice does not apply, because each fit has its own network.
    """
    logger = logging.getLogger("tensorflow")
    logger.addFilter(_is_not_retracing_advice)
    try:
        yield
    finally:
        logger.removeFilter(_is_not_retracing_advice)


def _is_not_retracing_advice(record: logging.LogRecord) -> bool:
    return "triggered tf.function retracing" not in record.getMessage()
