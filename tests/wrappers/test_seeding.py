"""Seeded fits: the same in any thread, and no global generator is touched meanwhile."""

import pickle
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import keras
import numpy as np
import pytest
from keras.layers import Dense, Dropout
from numpy.testing import assert_array_equal

from skdnn import DNNClassifier, KerasClassifier
from skdnn.wrappers.seeding import seeded

SILENT = {"verbose": 0, "random_state": 0}
LAYERS = [Dense(4), Dropout(0.5), Dense(3, "softmax")]  # Keras has drawn their seeds here


def build():
    units = np.random.randint(3, 9) + random.randrange(3)
    return keras.Sequential([Dense(units, "relu"), Dropout(0.5), Dense(3, "softmax")])


class Drawing:
    """A thread that draws from the global generators until the block ends."""

    def __enter__(self):
        random.seed(1)
        np.random.seed(1)
        self.python, self.numpy, self.stop = [], [], threading.Event()
        self.thread = threading.Thread(target=self.draw)
        self.thread.start()
        return self

    def draw(self):
        while not self.stop.is_set():
            self.python += [random.random(), random.randint(0, 9), random.gauss(0, 1)]
            self.numpy += [np.random.random(), np.random.randint(9), np.random.normal()]

    def __exit__(self, *args):
        self.stop.set()
        self.thread.join()

    def check(self):
        """Compare with the same draws from generators of their own."""
        assert len(self.python) > 3
        python, numpy = random.Random(1), np.random.RandomState(1)
        for drawn in zip(*[iter(self.python)] * 3, strict=True):
            assert drawn == (python.random(), python.randint(0, 9), python.gauss(0, 1))
        for drawn in zip(*[iter(self.numpy)] * 3, strict=True):
            assert drawn == (numpy.random_sample(), numpy.randint(9), numpy.normal())


@pytest.fixture(autouse=True)
def global_generators():
    before = random.getstate(), np.random.get_state()
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])


@pytest.mark.parametrize(
    "make",
    [
        lambda: KerasClassifier(build, **SILENT),
        lambda: KerasClassifier(LAYERS, **SILENT),
        lambda: KerasClassifier(**SILENT),
        lambda: DNNClassifier(preset="plain", dropout=0.5, epochs=1, random_state=0),
    ],
    ids=["function", "layers", "default", "dense"],
)
def test_a_thread_that_draws_meanwhile_gets_its_own_numbers(iris, make):
    with Drawing() as drawing:
        clf = make().fit(*iris)
        twin = pickle.loads(pickle.dumps(clf))
        assert_array_equal(twin.predict(iris[0]), clf.predict(iris[0]))
        make().fit(*iris).partial_fit(*iris)
    drawing.check()


def test_fits_in_threads_are_those_of_one_thread(iris):
    def fit(seed):
        clf = KerasClassifier(build, verbose=0, random_state=seed).initialize(*iris)
        return clf.model_.get_weights()

    expected = [fit(seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        for weights, own in zip(pool.map(fit, range(4)), expected, strict=True):
            for one, other in zip(weights, own, strict=True):
                assert_array_equal(one, other)


def test_draws_in_a_block_are_those_of_the_seed():
    with seeded(3):
        drawn = random.random(), np.random.rand(), random.choice("abc"), np.random.permutation(4)
    python, numpy = random.Random(3), np.random.RandomState(3)
    expected = python.random(), numpy.rand(), python.choice("abc"), numpy.permutation(4)
    assert drawn[:3] == expected[:3]
    assert_array_equal(drawn[3], expected[3])


@pytest.mark.parametrize("name", ["random", "random_sample", "ranf", "sample"])
def test_every_name_of_a_function_draws_from_the_seed(name):
    before = np.random.get_state()[1].tolist()
    with seeded(3):
        drawn = getattr(np.random, name)(4)
    assert_array_equal(drawn, np.random.RandomState(3).random_sample(4))
    assert np.random.get_state()[1].tolist() == before


def test_blocks_can_be_nested_and_leave_the_modules_as_they_were():
    functions = dict(vars(random)), dict(vars(np.random))
    with seeded(1):
        first = random.random()
        with seeded(1):
            assert random.random() == first
        second = random.random()
    own = random.Random(1)
    assert (first, second) == (own.random(), own.random())
    assert (dict(vars(random)), dict(vars(np.random))) == functions


def test_a_build_function_that_seeds_does_not_seed_the_process(iris):
    def build():
        random.seed(5)
        np.random.seed(5)
        return keras.Sequential([Dense(3, "softmax")])

    before = random.getstate(), np.random.get_state()[1].tolist()
    KerasClassifier(build, **SILENT).fit(*iris)
    assert before == (random.getstate(), np.random.get_state()[1].tolist())


def test_modules_are_restored_after_an_error():
    functions = dict(vars(random)), dict(vars(np.random))
    with pytest.raises(ZeroDivisionError), seeded(1):
        raise ZeroDivisionError
    assert (dict(vars(random)), dict(vars(np.random))) == functions
