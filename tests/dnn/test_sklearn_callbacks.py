"""scikit-learn's callbacks: an epoch is a task of the fit. After scikit-learn's own tests."""

import pickle
import re
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdnn import DNNClassifier, DNNRegressor

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has none before 1.9")
theirs = import_module("sklearn.callback.tests._utils")  # where they have moved, that is to be seen
ProgressBar, ScoringMonitor = callback.ProgressBar, callback.ScoringMonitor
HOOKS = ("setup", "on_fit_task_begin", "on_fit_task_end", "teardown")


@pytest.fixture(scope="module")
def iris():
    return load_iris(return_X_y=True)


def quick(cls=DNNClassifier, **params):
    return cls((8,), **{"epochs": 4, "random_state": 0, **params})


def counts(recorder):
    return [recorder.count_hooks(name) for name in HOOKS]


def same_weights(a, b):
    pairs = zip(a._network.state.weights, b._network.state.weights, strict=True)
    return all(np.array_equal(x, y) for x, y in pairs)


@pytest.mark.parametrize("cls", [DNNClassifier, DNNRegressor])
def test_an_epoch_is_a_task(iris, cls):
    recorder = theirs.RecordingCallback()
    model = quick(cls).set_callbacks(recorder)
    assert model.fit(*iris) is model
    assert counts(recorder) == [1, 5, 5, 1]  # the fit and its epochs
    contexts = [r["context"] for r in recorder.record if r["name"] == "on_fit_task_begin"]
    assert [context.task_name for context in contexts] == ["fit"] + ["epoch"] * 4
    assert (contexts[0].max_subtasks, contexts[1].max_subtasks) == (4, 0)
    assert [context.task_id for context in contexts[1:]] == [0, 1, 2, 3]
    assert all(context.parent is contexts[0] for context in contexts[1:])


def test_callbacks_change_nothing_and_stay(iris):
    recorder = theirs.RecordingCallback()
    model = quick().set_callbacks(recorder).fit(*iris)
    plain = quick().fit(*iris)
    assert same_weights(model, plain)
    assert model.history_ == plain.history_
    assert model._skl_callbacks == [recorder]
    assert not [name for name in vars(model) if "callback" in name and name not in vars(plain)][1:]
    model.fit(*iris)
    assert counts(recorder) == [2, 10, 10, 2]
    assert clone(model)._skl_callbacks == [recorder]


def test_partial_fit_is_a_fit_of_one_epoch(iris):
    recorder = theirs.RecordingCallback()
    model = quick().set_callbacks(recorder)
    model.partial_fit(*iris, classes=[0, 1, 2]).partial_fit(*iris)
    assert counts(recorder) == [2, 4, 4, 2]
    assert model.n_iter_ == 2


def test_a_callback_stops_training(iris):
    model = quick().set_callbacks(theirs.StopFitCallback()).fit(*iris)
    assert model.n_iter_ == 1
    assert same_weights(model, quick(epochs=1).fit(*iris))


class StopAfter(theirs.RecordingCallback):
    n_epochs = 12

    def on_fit_task_end(self, estimator, context):
        super().on_fit_task_end(estimator, context)
        return context.task_id + 1 == self.n_epochs


def test_where_a_callback_stops_training_the_best_epoch_is_kept():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 5)), rng.integers(2, size=200)
    params = {"early_stopping": True, "n_iter_no_change": 100, "learning_rate": 0.02}
    model = quick(**params, epochs=100).set_callbacks(StopAfter()).fit(X, y)
    assert model.best_epoch_ < model.n_iter_ == StopAfter.n_epochs
    assert same_weights(model, quick(**params, epochs=StopAfter.n_epochs).fit(X, y))


@pytest.mark.parametrize("fail_at", HOOKS)
def test_a_callback_that_fails_is_torn_down_and_the_fitted_state_is_kept(iris, fail_at):
    recorder = theirs.FailingCallback(fail_at=fail_at)
    model = quick().set_callbacks(recorder)
    with pytest.raises(ValueError, match=f"Failing callback failed at {fail_at}"):
        model.fit(*iris)
    assert recorder.count_hooks("setup") == recorder.count_hooks("teardown") == 1
    assert not hasattr(model, "n_iter_")
    assert model._skl_callbacks == [recorder]


def test_chunks_are_rejected_rather_than_ignored(iris):
    recorder = theirs.RecordingCallback()
    with pytest.raises(ValueError, match="X in chunks, which excludes callbacks"):
        quick().set_callbacks(recorder).fit([iris])
    assert counts(recorder) == [0, 0, 0, 0]


def test_callbacks_are_torn_down_where_training_fails(iris):
    recorder = theirs.RecordingCallback()
    model = quick(DNNRegressor, optimizer="sgd", learning_rate=1e30).set_callbacks(recorder)
    with pytest.raises(ValueError, match="Training diverged"):
        model.fit(*iris)
    assert counts(recorder)[::3] == [1, 1]
    model.set_params(learning_rate=0.01).fit(*iris)
    assert counts(recorder)[::3] == [2, 2]


def test_invalid_data_are_an_error_before_any_callback(iris):
    recorder = theirs.RecordingCallback()
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        quick().set_callbacks(recorder).fit(iris[0], iris[1][:3])
    assert counts(recorder) == [0, 0, 0, 0]


def test_a_hook_with_an_unknown_parameter(iris):
    with pytest.raises(TypeError, match=r"not valid: \{'not_valid_kwarg'\}"):
        quick().set_callbacks(theirs.NotValidHookCallback()).fit(*iris)


@pytest.mark.parametrize("bad", [None, theirs.NotValidCallback(), theirs.RecordingCallback])
def test_objects_that_are_no_callbacks_are_rejected(bad):
    with pytest.raises(TypeError, match="must be instances following the FitCallback protocol"):
        quick().set_callbacks(bad)


# ------------------------------------------------------------ what callbacks are shown


def ends(recorder):
    return [r["kwargs"] for r in recorder.record if r["name"] == "on_fit_task_end"]


def test_callbacks_see_the_training_rows_as_they_were_given(iris):
    frame = load_iris(as_frame=True)
    X, y = frame.data, frame.target_names[frame.target]
    recorder = theirs.RecordingCallback()
    weight = np.r_[0.0, np.ones(149)]
    model = quick(validation_fraction=0.2).set_callbacks(recorder).fit(X, y, weight)
    seen = ends(recorder)[0]
    assert list(seen["X"].columns) == list(X.columns)
    assert len(seen["X"]) == len(seen["y"]) == len(seen["metadata"]["sample_weight"]) == 119
    assert set(seen["y"]) == set(model.classes_)
    assert seen["metadata"]["sample_weight"].all()


def test_all_rows_are_not_copied(iris):
    recorder = theirs.RecordingCallback()
    quick().set_callbacks(recorder).fit(*iris)
    assert all(seen["X"] is iris[0] and seen["y"] is iris[1] for seen in ends(recorder))


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("cls", "scoring"), [(DNNClassifier, "neg_log_loss"), (DNNRegressor, "r2")]
)
def test_scores_are_those_of_a_fit_that_ended_there(iris, cls, scoring, weighted):
    monitor = ScoringMonitor(scoring=scoring)
    weight = {"sample_weight": np.linspace(0.5, 2, 150)} if weighted else {}
    quick(cls, dropout=0.2).set_callbacks(monitor).fit(*iris, **weight)
    whole, *epochs = monitor.get_logs().data
    for epoch, told in enumerate(epochs, start=1):
        stopped = quick(cls, dropout=0.2, epochs=epoch).fit(*iris, **weight)
        score = get_scorer(scoring)(stopped, *iris, **weight)
        assert told[scoring] == pytest.approx(score, rel=1e-6)
    assert whole[scoring] == epochs[-1][scoring]


def test_a_fitted_estimator_can_do_all_that_one_can(iris):
    recorder = theirs.RecordingCallback()
    quick(validation_fraction=0.2).set_callbacks(recorder).fit(*iris)
    _, second, *_ = (seen["fitted_estimator"] for seen in ends(recorder))
    assert second.n_iter_ == 2
    assert len(second.history_["val_loss"]) == 2
    np.testing.assert_allclose(
        second.model_.predict(iris[0], verbose=0), second.predict_proba(iris[0]), atol=1e-5
    )
    pickle.dumps(second)


def test_the_fitted_estimator_at_the_end_is_the_best(iris):
    recorder = theirs.RecordingCallback()
    params = {"early_stopping": True, "learning_rate": 0.5, "epochs": 8}
    model = quick(**params).set_callbacks(recorder).fit(*iris)
    *_, last, whole = (seen["fitted_estimator"] for seen in ends(recorder))
    assert model.best_epoch_ < model.n_iter_
    assert same_weights(whole, model)
    assert whole.best_epoch_ == model.best_epoch_
    assert not same_weights(last, model)
    # It is not taken for the best of an earlier fit.
    assert not hasattr(last, "best_epoch_")
    model.fit(*iris)
    assert not hasattr(ends(recorder)[-2]["fitted_estimator"], "best_epoch_")


def test_without_callbacks_many_epochs_are_one_call(iris, monkeypatch):
    from skdnn._training.dense_program import Program

    calls = []
    run = Program.run

    def counted(self, *args):
        calls.append(args[0])
        return run(self, *args)

    monkeypatch.setattr(Program, "run", counted)
    quick(epochs=40).fit(*iris)
    assert len(calls) < 20
    calls.clear()
    quick(epochs=40).set_callbacks(theirs.RecordingCallback()).fit(*iris)
    assert len(calls) == 40


# ------------------------------------------------------------------ inside other estimators


def test_callbacks_reach_epochs_through_search_and_pipeline(iris):
    recorder = theirs.RecordingAutoPropagatedCallback()
    pipe = make_pipeline(StandardScaler(), quick(epochs=3))
    search = GridSearchCV(pipe, {"dnnclassifier__alpha": [0, 0.1]}, cv=2)
    search.set_callbacks(recorder).fit(*iris)
    epochs = [
        record["context"]
        for record in recorder.record
        if record["name"] == "on_fit_task_end" and record["context"].task_name == "epoch"
    ]
    assert len(epochs) == (2 * 2 + 1) * 3  # candidates, folds, and once more the best
    assert counts(recorder)[::3] == [1, 1]
    fit = epochs[0].parent
    assert (fit.source_task_name, fit.estimator_name) == ("fit-final-estimator", "DNNClassifier")
    assert not hasattr(search.best_estimator_[-1], "_skl_callbacks")
    assert not hasattr(search.best_estimator_[-1], "_parent_callback_ctx")


def test_a_callback_of_its_own_inside_others(iris):
    recorder = theirs.RecordingCallback()
    clf = quick(epochs=2).set_callbacks(recorder)
    cross_val_score(clf, *iris, cv=3)
    BaggingClassifier(clf, n_estimators=2).fit(*iris)
    assert counts(recorder) == [5, 15, 15, 5]


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_progress_bar_shows_candidates_folds_and_epochs(iris, n_jobs, capsys):
    pytest.importorskip("rich")
    pipe = make_pipeline(StandardScaler(), quick(epochs=3))
    search = GridSearchCV(pipe, {"dnnclassifier__alpha": [0, 0.1]}, cv=2, n_jobs=n_jobs)
    search.set_callbacks(ProgressBar(max_propagation_depth=None)).fit(*iris)
    shown = capsys.readouterr().out
    for i in range(4):
        assert re.search(rf"candidate-split-evaluation \| Pipeline - fit #{i}", shown)
    assert len(re.findall(r"fit-final-estimator \| DNNClassifier - fit #1", shown)) >= 5
    assert not re.search(r"\b[0-9]{1,2}%", shown)  # all are complete


def test_scores_come_from_worker_processes(iris):
    logs = []
    for n_jobs in (1, 2):
        monitor = ScoringMonitor(scoring="neg_log_loss")
        search = GridSearchCV(
            quick(epochs=2).set_callbacks(monitor), {"alpha": [0, 0.1]}, cv=2, n_jobs=n_jobs
        )
        search.fit(*iris)
        rows = monitor.get_logs().data
        logs.append({row["task_id_path"]: row["neg_log_loss"] for row in rows})
    one, two = logs
    assert len(one) == (2 * 2 + 1) * 3
    assert one == {path: pytest.approx(score, rel=1e-4) for path, score in two.items()}


# --------------------------------------------------------------- older versions of scikit-learn


def test_where_scikit_learn_has_no_callbacks_the_method_is_absent():
    code = """
import builtins
importing = builtins.__import__

def without(name, globals=None, *args, **kwargs):
    if name == "sklearn.callback" and (globals or {}).get("__name__", "").startswith("skdnn"):
        raise ImportError(name)
    return importing(name, globals, *args, **kwargs)

builtins.__import__ = without
from skdnn import DNNClassifier
clf = DNNClassifier((4,), epochs=2, random_state=0)
assert not hasattr(clf, "set_callbacks")
clf.fit([[0.0], [1.0]] * 5, [0, 1] * 5)
assert clf.n_iter_ == 2
print(clf.partial_fit([[0.0], [1.0]], [0, 1]).n_iter_)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "3\n", done.stderr


class Marking(theirs.RecordingCallback):
    """Sets an attribute on the estimator that is fitted."""

    def setup(self, estimator, context):
        super().setup(estimator, context)
        estimator.mark = "seen"


def test_attributes_that_callbacks_set_are_kept(iris):
    model = quick().set_callbacks(Marking()).fit(*iris)
    assert model.mark == "seen"


def test_callbacks_and_a_sparse_multilabel_y(iris):
    X, _ = iris
    y = np.random.default_rng(0).integers(2, size=(len(X), 3))
    recorder = theirs.RecordingCallback()
    quick().set_callbacks(recorder).fit(X, csr_matrix(y))
    assert counts(recorder)[::3] == [1, 1]
