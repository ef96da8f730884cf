"""TensorFlow's advice on retracing, which does not apply to fits."""

import logging

from skdnn.wrappers.retracing_advice import no_retracing_advice


def test_advice_on_retracing_is_held_back(caplog):
    with no_retracing_advice():
        logging.getLogger("tensorflow").warning("5 calls triggered tf.function retracing")
        logging.getLogger("tensorflow").warning("something else")
    assert "retracing" not in caplog.text
    assert "something else" in caplog.text
