"""What "auto" stands for, and that what is given wins."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, cross_val_score

from skdnn import DNNClassifier, DNNRegressor, clear_program_cache
from skdnn._training.program_cache import PROGRAMS
from skdnn.dnn.presets import NAMES, PRESETS, Data, Task, choose, resolve
from skdnn.dnn.settings import parameters, resolve_params

# Cheap, and not plain: hidden_layer_sizes is not given.
FEW = {"batch_size": 256, "random_state": 0}
AUTO = dict.fromkeys(["hidden_layer_sizes", "epochs", "batch_size", "n_members"], "auto")


def recipe(preset, data, classifies=True, **given):
    return resolve(AUTO | given, preset, data, Task(classifies))


def test_the_example_of_the_documentation_is_one_plain_network(iris):
    clf = DNNClassifier((100,), activation="relu", optimizer="adam", epochs=5, batch_size=32)
    clf.fit(*iris)
    assert clf.n_iter_ == len(clf.history_["loss"]) == 5
    assert clf._network.spec.n_members == 1
    assert [x.name for x in clf._network.spec.layers] == ["scaling", "hidden_1", "output"]
    assert clf.resolved_params_.batch_size == 32
    assert clf.resolved_params_.preset == "plain"


@pytest.mark.parametrize(
    ("given", "preset"),
    [
        ({"hidden_layer_sizes": ()}, "plain"),
        ({"hidden_layer_sizes": [3], "epochs": 2}, "plain"),
        ({"epochs": 2}, "balanced"),
        ({"epochs": 2, "batch_size": 50, "learning_rate": 0.01}, "balanced"),
    ],
)
def test_only_a_given_width_selects_the_plain_preset(iris, given, preset):
    auto = DNNClassifier(**given, random_state=0).fit(*iris)
    named = DNNClassifier(**given, preset=preset, random_state=0).fit(*iris)
    assert auto.resolved_params_ == named.resolved_params_
    assert auto.resolved_params_.preset == preset
    np.testing.assert_array_equal(auto.predict_proba(iris[0]), named.predict_proba(iris[0]))


def test_a_search_over_epochs_trains_the_default_ensemble(iris):
    search = GridSearchCV(DNNClassifier(random_state=0), {"epochs": [1, 3]}, cv=2).fit(*iris)
    named = DNNClassifier(random_state=0, preset="balanced")
    for epochs, score in zip([1, 3], search.cv_results_["mean_test_score"], strict=True):
        expected = cross_val_score(clone(named).set_params(epochs=epochs), *iris, cv=2).mean()
        assert score == pytest.approx(expected)
    assert search.best_estimator_.resolved_params_.n_members == 4


# A value of each parameter of both estimators, and the other parameters that it changes, as the
# user guide lists them.
SAME = {"hidden_layer_sizes", "activation", "dropout", "scaling", "n_features_to_select", "warmup"}
EFFECTS = {
    "hidden_layer_sizes": ((20,), {"preset", *NAMES} - SAME),
    "batch_norm": (True, {"parametrization", "blend"}),
    "parametrization": ("standard", {"blend"}),
    "loss": ("categorical_hinge", {"label_smoothing", "monitor", "calibration"}),
    "optimizer": ("sgd", {"parametrization", "blend", "learning_rate", "weight_decay"}),
    "learning_rate_schedule": ("constant", {"n_iter_no_change"}),
    "epochs": (7, {"n_iter_no_change"}),
    "batch_size": (16, {"epochs"}),
    "early_stopping": (False, {"blend", "calibration", "epochs", "batch_size"}),
}
# Values of the parameters without an effect on others. The type of the value does not matter.
WITHOUT_EFFECT = {"quantile": None, "callbacks": None, "class_weight": None}


@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_the_effects_of_single_parameters_are_those_of_the_user_guide(kind):
    def used(**given):
        params = parameters(kind(**given))
        return resolve_params(params, kind is DNNClassifier, Data(3000, 10), None)

    auto = used()
    for name in kind().get_params():
        value, effects = EFFECTS.get(name, (WITHOUT_EFFECT.get(name, 0.05), set()))
        if name == "preset":
            continue
        if kind is DNNRegressor:  # it monitors the loss in each preset
            effects = effects - {"monitor"}
        changed = {n for n, x in used(**{name: value}).items() if n != name and x != auto[n]}
        assert changed == effects & set(auto), name


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"epochs": 2}, "preset='balanced': hidden_layer_sizes=(128, 128), n_members=4, "),
        ({"preset": "fast", "epochs": 2}, "preset='fast': hidden_layer_sizes=(128, 128), "),
        (
            {"hidden_layer_sizes": (3,), "epochs": 2},
            "preset='plain', because hidden_layer_sizes is given: hidden_layer_sizes=(3,), ",
        ),
    ],
)
@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_verbose_output_starts_with_the_preset(kind, given, reason, iris, capsys):
    kind(**given, verbose=1, random_state=0).fit(*iris)
    header, first, *_ = capsys.readouterr().out.splitlines()
    assert header.startswith(f"{kind.__name__} uses {reason}")
    assert "epochs=2, batch_size=" in header
    assert first.startswith("Epoch 1/2")


def test_verbose_output_gives_the_reason_for_the_plain_preset(iris, capsys):
    clf = DNNClassifier(epochs=1, verbose=1, warm_start=True).fit([iris]).fit(*iris)
    lines = capsys.readouterr().out.splitlines()
    begin = "DNNClassifier uses preset='plain', "
    assert lines[0].startswith(f"{begin}because the rows come in parts: ")
    assert lines[2].startswith(f"{begin}as the previous fit: ")
    clf.partial_fit(*iris)
    assert len(capsys.readouterr().out.splitlines()) == 1


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("kind", [DNNClassifier, DNNRegressor])
def test_a_preset_reports_the_values_it_used(kind, preset, iris):
    model = kind(preset=preset, epochs=2, random_state=0).fit(*iris)
    used = model.resolved_params_
    assert used.preset == preset
    assert used.epochs == model.n_iter_ == 2
    n_kinds = 2 if used.parametrization == "both" else 1
    assert n_kinds * used.n_members == model._network.spec.n_members
    # All parameters that may be "auto", and no others, are reported, and none of them is "auto".
    open_ones = {name for name, value in kind().get_params().items() if value == "auto"}
    told = set(used) - {"preset"}
    assert told == open_ones - {"preset", "loss", "categorical_features"}
    assert [name for name in told - {"scaling"} if used[name] == "auto"] == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("activation", "tanh"),
        ("batch_size", 50),
        ("dropout", 0.1),
        ("early_stopping", False),
        ("kernel_initializer", "glorot_uniform"),
        ("label_smoothing", 0.2),
        ("learning_rate", 0.01),
        ("learning_rate_schedule", "cosine"),
        ("n_iter_no_change", 3),
        ("n_members", 3),
        ("numeric_embedding", None),
        ("n_features_to_select", 2),
        ("one_hot_max_size", 3),
        ("warmup", 0.1),
    ],
)
def test_what_is_given_wins_and_the_rest_is_the_preset_s(name, value, iris):
    X, y = iris
    settings = {"preset": "fast", "epochs": 2}
    other = DNNClassifier(**settings).fit(X, y).resolved_params_
    used = DNNClassifier(**settings | {name: value}).fit(X, y).resolved_params_
    assert used[name] == value != other[name]
    follow = {"early_stopping": {"blend", "calibration"}}.get(name, set())
    assert {n for n in used if used[n] != other[n]} == {name, *follow}


@pytest.mark.parametrize("preset", PRESETS[1:])
def test_training_stops_by_cycles_on_tables_of_many_rows(preset):
    def patience(n_rows, **given):
        data = Data(n_rows, 10, **given.pop("data", {}))
        return recipe(preset, data, **{"n_iter_no_change": "auto", **given}).n_iter_no_change

    few = patience(2500)
    assert isinstance(few, int)
    assert patience(2501) == "cycle"
    assert patience(2501, epochs=30) == 30
    assert patience(2501, n_iter_no_change=7) == 7
    assert patience(2501, learning_rate_schedule="constant") == 10
    assert isinstance(patience(2501, learning_rate_schedule="cosine"), int)
    assert isinstance(patience(2501, data={"is_image": True}), int)
    assert patience(2501, data={"comes_in_parts": True}) == 10


def test_parameters_stay_as_they_were_given(iris):
    clf = DNNClassifier(**FEW, preset="fast")
    before = clf.get_params()
    clf.fit(*iris)
    assert clf.get_params() == before
    assert not hasattr(clone(clf), "resolved_params_")


@pytest.mark.parametrize("n_rows", [1000, 5000])
def test_a_larger_preset_spends_more(n_rows):
    data = Data(n_rows=n_rows, n_columns=10)
    given = {"parametrization": "auto"}
    sizes = [recipe(preset, data, **given) for preset in PRESETS[1:]]
    n_kinds = [2 if size.parametrization == "both" else 1 for size in sizes]
    work = [n * size.n_members * size.epochs for n, size in zip(n_kinds, sizes, strict=True)]
    assert work == sorted(work)
    assert work[0] < work[-1]


@pytest.mark.parametrize("classifies", [True, False])
def test_for_few_rows_fast_is_balanced_unless_more_come(classifies):
    def differ(n_rows, **kind):
        data = Data(n_rows, 10, **kind)
        given = dict.fromkeys(NAMES, "auto")
        fast, balanced = (recipe(x, data, classifies, **given) for x in ("fast", "balanced"))
        return fast | {"preset": None} != balanced | {"preset": None}

    assert not differ(1000)
    assert differ(1001)
    assert differ(1000, comes_in_parts=True)
    assert differ(1000, is_image=True)


# From the tables of the user guide: steps over the root of n, and n over the rows of a batch.
@pytest.mark.parametrize(
    ("preset", "classifies", "n", "steps", "share"),
    [
        ("fast", True, 1000, 9, 8),
        ("fast", True, 3500, 5.5, 15),
        ("fast", False, 1000, 23, 15),
        ("fast", False, 3500, 12, 15),
        ("balanced", True, 1000, 9, 8),
        ("balanced", True, 2000, 13, 15),
        ("balanced", True, 3500, 15.6, 15),
        ("balanced", False, 1000, 23, 15),
        ("balanced", False, 3500, 23, 15),
        ("best", True, 1000, 30, 30),
        ("best", True, 3500, 45, 30),
        ("best", False, 3500, 30, 30),
    ],
)
def test_steps_and_batches_are_those_of_the_user_guide(preset, classifies, n, steps, share):
    used = recipe(preset, Data(n, 10), classifies)
    n_rows = n * 7 / 8  # a fold of eight is held out
    n_steps = np.ceil(n_rows / used.batch_size) * used.epochs
    assert n_steps == pytest.approx(steps * n**0.5, rel=0.05)
    assert 2**-0.5 <= used.batch_size / (n_rows / share) <= 2**0.5  # the next power of two


@pytest.mark.parametrize(("kind", "own"), [(DNNClassifier, "selu"), (DNNRegressor, "mish")])
def test_a_given_activation_is_that_of_both_architectures(kind, own, iris):
    def activations(**given):
        model = kind(preset="fast", epochs=2, random_state=0, **given).fit(*iris)
        assert model.resolved_params_.parametrization == "both"
        hidden = [row.layer for row in model._network.spec.rows() if "hidden" in row.layer.name]
        return {x.activation for x in hidden} - {"linear"}  # of kernels, which are apart

    assert activations() == {"relu", own}
    assert activations(activation="tanh") == {"tanh"}
    assert activations(activation=["tanh", "gelu"]) == {"tanh", "gelu"}


@pytest.mark.parametrize("preset", PRESETS[1:])
@pytest.mark.parametrize("kind", [{"n_columns": 3000}, {"n_columns": 10, "is_sparse": True}])
def test_for_many_columns_there_are_two_members_of_one_architecture(preset, kind):
    for n_rows in (100, 10_000):
        wide = recipe(preset, Data(n_rows, **kind), parametrization="auto")
        assert (wide.parametrization, wide.n_members) == ("standard", 2)


@pytest.mark.parametrize("n_rows", [1, 10, 700, 7000, 1_000_000])
@pytest.mark.parametrize("preset", PRESETS[1:])
def test_epochs_and_batches_of_any_number_of_rows(preset, n_rows):
    used = recipe(preset, Data(n_rows=n_rows, n_columns=5))
    assert used.epochs >= 1
    assert 16 <= used.batch_size <= 256
    assert used.batch_size & (used.batch_size - 1) == 0


def test_images_get_wide_layers_and_a_scale_for_each_pixel(digits):
    X, y = digits
    clf = DNNClassifier(epochs=2, preset="fast").fit(X, y)
    assert clf.resolved_params_.scaling == "pixelwise"
    assert clf.resolved_params_.numeric_embedding is None
    assert clf.resolved_params_.dropout > 0
    rows = X.reshape(len(X), -1)
    spread = rows.std(axis=0) + 0.05 * (X.max() - X.min())
    np.testing.assert_allclose(clf._network.inputs.offset, rows.mean(axis=0))
    np.testing.assert_allclose(clf._network.inputs.scale, 1 / spread)


def test_many_columns_are_not_binned():
    few, many = (recipe("fast", Data(100, n), numeric_embedding="auto") for n in (20, 2000))
    assert few.numeric_embedding == "piecewise_linear"
    assert many.numeric_embedding is None


def test_only_adam_has_the_learning_rate_of_the_preset(iris):
    clf = DNNClassifier(**FEW, preset="fast", optimizer="sgd", early_stopping=False).fit(*iris)
    assert clf.resolved_params_.learning_rate is None


def test_only_the_cross_entropy_is_smoothed_and_calibrated(iris):
    clf = DNNClassifier(**FEW, preset="fast", loss="categorical_hinge").fit(*iris)
    assert clf.resolved_params_.label_smoothing == 0
    assert clf.resolved_params_.calibration is None


def test_rows_that_come_in_parts_train_a_plain_network(iris):
    X, y = iris
    clf = DNNClassifier().partial_fit(X, y, classes=[0, 1, 2])
    assert clf.resolved_params_.preset == "plain"
    assert clf._network.spec.n_members == 1
    fast = DNNClassifier(preset="fast").partial_fit(X, y, classes=[0, 1, 2])
    assert fast._network.spec.n_members == 2 * fast.resolved_params_.n_members == 4
    assert not fast.resolved_params_.early_stopping
    chunks = [(X[::2], y[::2]), (X[1::2], y[1::2])]
    assert DNNClassifier().fit(chunks).resolved_params_.preset == "plain"


def test_warm_start_and_partial_fit_continue_with_the_first_network(iris):
    X, y = iris
    clf = DNNClassifier(**FEW, preset="auto", warm_start=True, numeric_embedding=None)
    clf.fit(X, y)
    n_epochs = clf.n_iter_
    clf.set_params(epochs=3).fit(X[:90], y[:90])
    assert clf.resolved_params_.preset == "balanced"
    assert clf.n_iter_ == n_epochs + 3
    clf.partial_fit(X, y)
    assert clf._network.spec.n_members == 2 * clf.resolved_params_.n_members == 8


def test_the_preset_cannot_change_after_training_started(iris):
    clf = DNNClassifier(preset="plain", epochs=1, warm_start=True).fit(*iris)
    with pytest.raises(ValueError, match="preset"):
        clf.set_params(preset="fast").fit(*iris)


def test_unknown_presets_are_refused(iris):
    with pytest.raises(ValueError, match="'preset' parameter of DNNClassifier must be"):
        DNNClassifier(preset="huge").fit(*iris)


def test_few_rows_are_not_assigned_to_folds(iris):
    X, y = iris
    clf = DNNClassifier(**FEW).fit(X[::10], y[::10])
    assert not clf.resolved_params_.early_stopping
    assert clf.resolved_params_.calibration is None
    assert clf.predict_proba(X).shape == (150, 3)


def test_the_automatic_preset_is_as_documented():
    data = Data(100, 4)
    assert choose("best", AUTO, data) == "best"
    assert choose("auto", AUTO, data) == "balanced"
    assert choose("auto", AUTO | {"epochs": 3, "batch_size": 2, "n_members": 2}, data) == "balanced"
    assert choose("auto", AUTO | {"hidden_layer_sizes": np.array([3])}, data) == "plain"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_search_compiles_once_for_all_folds(preset, iris):
    X, y = iris
    rng = np.random.default_rng(0)
    letters = rng.choice(list("abcdefgh"), len(X), p=[0.3, 0.2, 0.2, 0.1, 0.1, 0.05, 0.04, 0.01])
    frame = pd.DataFrame(X).assign(letter=letters).rename(columns=str)
    search = GridSearchCV(
        DNNClassifier(preset=preset, epochs=2, one_hot_max_size=64, random_state=0),
        {"learning_rate": [1e-3, 1e-2]},
        cv=3,
        refit=False,
    )
    clear_program_cache()
    search.fit(frame, y)
    assert len(PROGRAMS._idle) == 1
