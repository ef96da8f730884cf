"""Data in chunks."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import csr_array
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import ConvergenceWarning

from skdnn import DNNClassifier, DNNRegressor
from skdnn._data.chunks import Chunks

NAMES = np.array(["one", "three", "two"])


@pytest.fixture(scope="module")
def data():
    X, y = make_classification(600, 8, n_informative=5, n_classes=3, random_state=0)
    return X.astype("float32"), NAMES[y]


def chunks_of(*arrays, size=100):
    return [tuple(a[i : i + size] for a in arrays) for i in range(0, len(arrays[0]), size)]


def quick(kind=DNNClassifier, **params):
    return kind((16,), **{"epochs": 15, "random_state": 0, **params})


def test_one_chunk_is_trained_as_data_in_one_piece(data):
    whole = quick(shuffle=False).fit(*data)
    chunked = quick(shuffle=False).fit([data])
    assert whole.history_["loss"] == pytest.approx(chunked.history_["loss"], rel=0.2)
    assert_array_equal(chunked.classes_, whole.classes_)


def test_chunks_are_fitted(data):
    model = quick(learning_rate=0.01).fit(chunks_of(*data))
    assert model.score(*data) > 0.8
    assert len(model.history_["loss"]) == model.n_iter_ == 15
    assert model.history_["loss"][-1] < model.history_["loss"][0]


def test_the_scale_is_that_of_all_rows(data):
    X, y = data
    order = np.argsort(X[:, 0])  # no chunk is like the others
    model = quick(epochs=1).fit(chunks_of(X[order], y[order]))
    assert_allclose(model._network.inputs.offset, X.mean(axis=0), atol=1e-5)
    assert_allclose(1 / model._network.inputs.scale, X.std(axis=0), rtol=1e-5)


def test_a_label_may_come_in_one_chunk_alone(data):
    X, y = data
    order = np.argsort(y, kind="stable")
    model = quick().fit(chunks_of(X[order], y[order]))
    assert_array_equal(model.classes_, NAMES)
    assert model.predict_proba(X).shape == (600, 3)


def test_a_function_is_called_for_each_epoch(data):
    calls = []

    def source():
        calls.append(1)
        yield from chunks_of(*data)

    listed = quick(epochs=3).fit(chunks_of(*data))
    made = quick(epochs=3).fit(source)
    assert made.history_ == listed.history_
    assert len(calls) == 3 + 1  # to draw the sample


def test_validation_and_early_stopping(data):
    X, y = data
    model = quick(epochs=200, early_stopping=True, n_iter_no_change=3, learning_rate=0.05)
    model.fit(chunks_of(X[:400], y[:400]), X_val=X[400:], y_val=y[400:])
    assert model.n_iter_ < 200
    scores = model.validation_scores_
    assert model.best_score_ == scores.max() == scores[model.best_epoch_ - 1]
    onehot = model.predict_proba(X[400:])[np.arange(200), np.searchsorted(NAMES, y[400:])]
    assert -np.log(onehot).mean() == pytest.approx(-model.best_score_, rel=1e-4)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_warm_start_never_ends_worse_than_it_started(data):
    X, y = data
    parts, held_out = chunks_of(X[:400], y[:400]), {"X_val": X[400:], "y_val": y[400:]}
    model = quick(early_stopping=True, warm_start=True).fit(parts, **held_out)
    best, epoch, before = model.best_score_, model.best_epoch_, model.predict_proba(X)
    model.set_params(learning_rate=10.0, epochs=3).fit(parts, **held_out)
    assert model.best_score_ == pytest.approx(best, rel=1e-6)
    assert model.best_epoch_ == epoch
    assert model.n_iter_ == 18
    assert_array_equal(model.predict_proba(X), before)
    model.set_params(learning_rate=0.003).fit(parts, **held_out)
    assert model.best_score_ > best


def test_weights_of_chunks(data):
    X, y = data
    weight = (y != "two").astype(float)
    model = quick().fit(chunks_of(X, y, weight))
    assert (model.predict(X) == "two").mean() < 0.05


@pytest.mark.parametrize("kind", ["frame", "sparse"])
def test_chunks_of_any_type(data, kind):
    X, y = data
    if kind == "frame":
        X = pd.DataFrame(X).rename(columns=str).assign(name=np.where(y == "two", "b", "a"))
        parts = [(X[i : i + 100], y[i : i + 100]) for i in range(0, 600, 100)]
    else:
        X = csr_array(X * (np.abs(X) > 0.5))
        parts = [(X[i : i + 100], y[i : i + 100]) for i in range(0, 600, 100)]
    model = quick().fit(parts)
    assert model.score(X, y) > 0.7


def test_numbers_that_are_categories_remain_so_where_chunks_have_others():
    code = np.repeat([10, 20, 30], 20)
    whole = pd.DataFrame({"code": pd.Categorical(code), "x": np.arange(60.0)})
    parts = [whole[:40].assign(code=pd.Categorical(code[:40])), whole[40:]]
    parts[1] = parts[1].assign(code=pd.Categorical(code[40:]))
    y = np.arange(60) % 2
    one = quick(epochs=1).fit(whole, y)
    several = quick(epochs=1).fit([(parts[0], y[:40]), (parts[1], y[40:])])
    assert_array_equal(several.encode(whole), one.encode(whole))
    assert several.encode(whole)[:, 0].max() == 3


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_the_numeric_type_of_a_column_may_differ_between_chunks(library):
    pytest.importorskip(library)
    table = {"x": [1, 2, 3, 4], "name": [None] * 4}
    other = {"x": [0.5, 1.5, None, 4.0], "name": ["a", "b", "a", None]}
    make = __import__(library).DataFrame if library == "polars" else __import__(library).table
    y = [0, 1, 0, 1]
    model = quick(epochs=1).fit([(make(table), y), (make(other), y)])
    assert_array_equal(model.encode(make(other))[:, 1], [1, 2, 1, 3])


def test_regression_targets():
    X, y = make_regression(500, 5, noise=1.0, random_state=0)
    model = quick(DNNRegressor, epochs=30, learning_rate=0.01).fit(chunks_of(X, 1e6 + y))
    assert model.score(X, 1e6 + y) > 0.95


def test_partial_fit_iterates_chunks_once(data):
    parts = chunks_of(*data)
    chunked = quick().partial_fit(iter(parts), classes=NAMES)
    apart = quick()
    for X, y in parts:
        apart.partial_fit(X, y, classes=NAMES)
    assert chunked.history_ == apart.history_


def test_memory_does_not_grow_with_rows(monkeypatch):
    monkeypatch.setattr("skdnn._data.chunks._SAMPLE", 30_000)

    def source(n_chunks):
        rng = np.random.default_rng(0)
        for _ in range(n_chunks):
            X = rng.random((600, 100), dtype=np.float32)
            yield X, (X[:, 0] > 0.5).astype(int)

    def peak(n_chunks):
        model = DNNClassifier((4,), epochs=1, batch_size=150, random_state=0)
        tracemalloc.start()
        model.fit(lambda: source(n_chunks))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    peak(1)  # for what is made once
    sample = 30_000 * 100 * 4
    few, many = peak(60), peak(180)  # 14 and 43 MB; beyond the sample from 50 chunks on
    assert many < few + 0.1 * sample


def test_an_evenly_drawn_sample_holds_rows_of_all_chunks(monkeypatch):
    monkeypatch.setattr("skdnn._data.chunks._SAMPLE", 1000)
    parts = [(np.full((5000, 1), i), np.zeros(5000)) for i in range(10)]
    sample, labels = Chunks(parts, "Owner").sample(np.random.default_rng(0), False)
    assert sample.n_rows == 1000
    assert labels is None
    counts = np.bincount(sample.X[:, 0], minlength=10)
    assert np.all(np.abs(counts - 100) < 50)  # five standard deviations


@pytest.mark.parametrize(
    ("params", "chunks", "given", "message"),
    [
        ({}, iter, {}, "used up: pass the function"),
        ({}, lambda parts: lambda: [], {}, "no chunk"),
        ({}, lambda parts: lambda: [parts[0][0]], {}, r"must be tuples \(X, y\)"),
        ({"early_stopping": True}, list, {}, "early stopping without X_val and y_val"),
        ({"validation_fraction": 0.1}, list, {}, "validation_fraction: pass X_val"),
        ({"class_weight": "balanced"}, list, {}, "class_weight='balanced': pass a dict"),
        ({"warmup": 0.1}, list, {}, "warmup"),
        ({}, list, {"groups": [1, 2]}, "groups"),
        ({}, list, {"sample_weight": np.ones(600)}, r"pass chunks \(X, y, sample_weight\)"),
        ({"callbacks": []}, list, {}, "callbacks"),
    ],
)
def test_parameters_that_exclude_chunks_are_rejected(data, params, chunks, given, message):
    model = quick(**params)
    with pytest.raises((TypeError, ValueError), match=message):
        model.fit(chunks(chunks_of(*data)), **given)
    assert not hasattr(model, "n_iter_")


@pytest.mark.parametrize("change", [-1, 1])
def test_a_changed_number_of_chunks_is_an_error(data, change):
    X, y = data
    parts = chunks_of(X[:400], y[:400])
    calls = iter([parts, parts, [*parts, parts[0]] if change > 0 else parts[:-1]])
    model = quick(early_stopping=True)
    with pytest.raises(ValueError, match=f"given 4 chunks the first time, and then {4 + change}"):
        model.fit(lambda: next(calls), X_val=X[400:], y_val=y[400:])
    assert not hasattr(model, "n_iter_")


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_weights_outside_of_chunks_are_rejected_in_partial_fit(data, kind):
    with pytest.raises(ValueError, match=rf"{kind.__name__} was given X in chunks, and sample"):
        quick(kind).partial_fit(chunks_of(*data), sample_weight=np.ones(600))


def test_a_failed_chunk_loses_nothing(data):
    model = quick(epochs=2).fit(*data)
    before = model.predict_proba(data[0])
    bad = [data, (data[0][:, :3], data[1])]
    with pytest.raises(ValueError, match="dimension"):
        model.fit(lambda: bad)
    late = iter([[data], [data], bad])  # not seen when the sample is drawn
    with pytest.raises(ValueError, match="features"):
        model.fit(lambda: next(late))
    assert_array_equal(model.predict_proba(data[0]), before)


def test_predictions_are_clipped_to_the_range_of_all_chunks(data):
    X, _ = data
    y = X[:, 0].astype(float)
    settings = {"clip": True, "warm_start": True, "epochs": 2}
    model = quick(DNNRegressor, **settings).fit(chunks_of(X, y))
    model.fit(chunks_of(X, 10 * y))
    least, greatest = model._network.targets.bounds
    assert least <= 10 * y.min()
    assert greatest >= 10 * y.max()


def test_another_optimizer_starts_afresh_where_no_epoch_was_better(data):
    X, y = data
    given = {"X_val": X, "y_val": y}
    settings = {"early_stopping": True, "warm_start": True, "epochs": 2, "preset": "plain"}
    model = quick(**settings).fit(chunks_of(X, y), **given)
    n_epochs = model.best_epoch_
    worse = model.set_params(optimizer="momentum", learning_rate=1e3, clipnorm=1e3)
    with pytest.warns(ConvergenceWarning):
        worse.fit(chunks_of(X, y), **given)
    assert worse.best_epoch_ == n_epochs
    worse.set_params(learning_rate=1e-3).fit(chunks_of(X, y), **given)
    assert np.isfinite(worse.predict_proba(X)).all()


def test_chunks_continue_with_the_parameters_that_are_reported(data):
    X, y = data
    model = quick(preset="fast", early_stopping=False, warm_start=True).fit(X, y)
    assert model.resolved_params_.batch_size != 32
    model.fit(chunks_of(X, y))
    assert model.resolved_params_.batch_size == 32
    assert model.resolved_params_.learning_rate_schedule == "constant"


def test_partial_fit_logs_each_chunk(data, capsys):
    quick(verbose=1).partial_fit(chunks_of(*data, size=200), classes=NAMES)
    assert len(capsys.readouterr().out.splitlines()) == 3
