import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, f1_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    ShuffleSplit,
    StratifiedKFold,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline

from skdnn import DNNClassifier, DNNRegressor, compare
from skdnn._data.column_warnings import ColumnWarning
from skdnn.cli import main
from skdnn.comparison import baselines, cross_validation, default_models
from skdnn.comparison.checks import check_target, find_task
from skdnn.comparison.encode_table import MAX_CATEGORIES
from skdnn.comparison.significance import corrected_t_test, holm

CHEAP = ["linear", "dummy"]


class Recorder(ClassifierMixin, BaseEstimator):
    """Predicts the first class, and records in `seen` the X that it was given."""

    seen: list = []

    def __init__(self, images=False):
        self.images = images

    def fit(self, X, y):
        self.seen.append(X)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.full(len(X), self.classes_[0])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = self.images
        return tags


class Fragile(GaussianNB):
    """Cannot be fitted on rows that begin as iris does."""

    def fit(self, X, y, sample_weight=None):
        if X[0, 0] == 5.1:
            raise RuntimeError("bad first row\nand more")
        return super().fit(X, y)


class Warner(DummyClassifier):
    def fit(self, X, y, sample_weight=None):
        warnings.warn("half as good", RuntimeWarning, stacklevel=1)
        return super().fit(X, y)


@pytest.fixture
def seen():
    Recorder.seen = []
    return Recorder.seen


@pytest.fixture
def result(iris):
    linear = LogisticRegression(max_iter=1000)
    models = {"bayes": GaussianNB(), "dummy": DummyClassifier(), "linear": linear}
    return compare(*iris, models, 4, ["accuracy", "neg_log_loss"])


@pytest.fixture
def mixed():
    """A table with text, missing values and a few numbers, and its target."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(
        {
            "size": rng.normal(size=80),
            "town": rng.choice(["north", "south", None], 80),
            "built": pd.Categorical(rng.choice([1950, 1990], 80)),
            "lift": rng.random(80) > 0.5,
        }
    )
    y = X["size"] + 3 * (X["town"] == "north") + 2 * X["lift"]
    X.loc[::9, "size"] = np.nan
    return X, y


class TestFolds:
    def test_scores_are_those_of_cross_validate_on_shuffled_stratified_folds(self, iris):
        folds = StratifiedKFold(4, shuffle=True, random_state=3)
        expected = cross_validate(GaussianNB(), *iris, cv=folds)["test_score"]
        found = compare(*iris, {"bayes": GaussianNB()}, cv=4, random_state=3)
        np.testing.assert_array_equal(found.scores["accuracy"][0], expected)

    def test_every_model_gets_the_same_rows_although_the_splitter_draws_again(self, iris, seen):
        X, y = iris
        compare(X, y, {"a": Recorder(), "b": Recorder()}, cv=ShuffleSplit(2))
        np.testing.assert_array_equal(seen[0], seen[2])
        assert not np.array_equal(seen[0], seen[1])

    def test_a_regression_on_sorted_rows_is_shuffled(self):
        X = np.arange(100.0)[:, None]
        assert compare(X, X[:, 0] + 0.5, ["linear"]).scores["r2"].min() > 0.9

    def test_groups_are_never_split(self, iris, seen):
        X, y = iris
        groups = np.repeat(np.arange(30), 5)
        numbered = np.column_stack([X, groups])
        compare(numbered, y, {"recorder": Recorder()}, cv=3, groups=groups)
        assert all(set(np.bincount(train[:, -1].astype(int))) <= {0, 5} for train in seen)

    @pytest.mark.parametrize("cv", [GroupKFold(3), KFold(3), None])
    def test_a_splitter_of_scikit_learn_is_taken_as_it_is(self, iris, cv):
        groups = np.arange(150) if isinstance(cv, GroupKFold) else None
        found = compare(*iris, ["dummy"], cv=cv, groups=groups)
        assert len(found.n_test) == (5 if cv is None else 3)

    def test_masks_are_splits_too(self, iris):
        mask = np.arange(150) % 3 == 0
        found = compare(*iris, ["dummy"], cv=[(~mask, mask)])
        assert (found.n_train.tolist(), found.n_test.tolist()) == ([100], [50])

    def test_no_fold_is_an_error(self, iris):
        with pytest.raises(ValueError, match="'cv' parameter of compare must make at least one"):
            compare(*iris, ["dummy"], cv=[])

    def test_n_jobs_changes_nothing(self, iris):
        one, two = (compare(*iris, CHEAP, n_jobs=n).scores["accuracy"] for n in (1, 2))
        np.testing.assert_array_equal(one, two)

    def test_the_seed_decides_the_folds(self, iris):
        a, b, c = (compare(*iris, ["linear"], random_state=s).scores["accuracy"] for s in (0, 0, 1))
        np.testing.assert_array_equal(a, b)
        assert not np.array_equal(a, c)


class TestModels:
    def test_given_models_are_cloned_not_fitted(self, iris):
        model = GaussianNB()
        compare(*iris, {"bayes": model}, cv=2)
        assert not hasattr(model, "classes_")

    @pytest.mark.parametrize("task", ["classification", "regression"])
    def test_all_default_models_are_made_for_the_task_and_seeded(self, task):
        models = default_models(task, random_state=7)
        assert list(models) == list(baselines.BASELINES)
        for model in models.values():
            seeds = {v for k, v in model.get_params().items() if k.endswith("random_state")}
            assert seeds <= {7}

    def test_the_network_is_compared_with_the_others(self, digits):
        X, y = digits
        found = compare(X[:200], y[:200], ["dnn", "dummy"], cv=2)
        assert found.names == ("DNN", "Dummy")
        assert found.scores["accuracy"][0].min() > 0.7

    @pytest.mark.parametrize("name", ["RandomForest", "random-forest", "random_forest"])
    def test_names_are_accepted_in_several_spellings(self, name):
        assert list(default_models("regression", names=[name])) == ["RandomForest"]

    def test_an_unknown_name_is_reported_with_the_nearest(self, iris):
        with pytest.raises(
            ValueError, match=r"Got 'randm-forest' instead. Did you mean 'random-forest'"
        ):
            compare(*iris, ["randm-forest"])

    @pytest.mark.parametrize("models", ["linear", [], {}])
    def test_models_must_be_several_names_or_estimators(self, iris, models):
        with pytest.raises(ValueError, match="'models' parameter of compare must"):
            compare(*iris, models)

    def test_a_class_is_no_estimator(self, iris):
        with pytest.raises(TypeError, match=r"models\['a'\] of compare .* write GaussianNB\(\)"):
            compare(*iris, {"a": GaussianNB})


class TestInput:
    def test_images_are_flattened_without_a_copy_for_models_of_rows(self, digits):
        X, _ = digits
        flat = cross_validation._view(X, LogisticRegression())
        assert flat.shape == (600, 64)
        assert np.shares_memory(flat, X)

    @pytest.mark.parametrize(
        "model",
        [
            DNNClassifier(),
            make_pipeline(Recorder(images=True)),
            GridSearchCV(Recorder(images=True), {}),
        ],
    )
    def test_images_stay_as_they_are_for_models_of_images(self, digits, model):
        assert cross_validation._view(digits[0], model).shape == (600, 8, 8)

    def test_colour_images_are_flattened_too(self):
        X = np.zeros((6, 4, 4, 3), dtype=np.uint8)
        assert cross_validation._view(X, LogisticRegression()).shape == (6, 48)

    def test_lists_are_accepted(self, iris):
        X, y = iris
        assert compare(X.tolist(), y.tolist(), ["dummy"]).task == "classification"

    def test_default_models_accept_text_categories_and_missing_values(self, mixed):
        found = compare(*mixed, ["linear", "extra-trees"], cv=3)
        assert not found.failures
        assert found.scores["r2"].min() > 0.6

    def test_encoding_is_fitted_inside_the_folds(self, mixed):
        X, y = mixed
        X["once"] = [f"only in row {i}" for i in range(80)]
        with pytest.warns(ColumnWarning, match="Column 'once' of X"):
            assert not compare(X, y, ["linear"], cv=3).failures

    def test_a_column_of_many_texts_makes_few_columns(self):
        X = pd.DataFrame({"id": [f"row {i}" for i in range(500)]})
        model = default_models("regression", X, names=["linear"])["Linear"]
        assert model[0].fit_transform(X).shape == (500, MAX_CATEGORIES)

    def test_columns_named_by_numbers_are_not_mixed_up(self, mixed):
        X, y = mixed
        X.columns = [3, 2, 1, 0]
        assert not compare(X, y, ["linear"], cv=3).failures

    def test_missing_values_in_an_array_are_imputed(self, iris):
        X, y = iris[0].copy(), iris[1]
        X[::7, 1] = np.nan
        assert not compare(X, y, ["linear"]).failures

    def test_plain_numbers_need_no_preparation(self, iris):
        frame = pd.DataFrame(iris[0])
        assert isinstance(
            default_models("regression", frame, names=["dummy"])["Dummy"], DummyRegressor
        )

    def test_given_models_get_the_table_untouched(self, mixed, seen):
        X, _ = mixed
        compare(X, np.arange(80) % 2, {"recorder": Recorder()}, cv=2)
        assert seen[0].columns.tolist() == X.columns.tolist()

    @pytest.mark.parametrize(
        "gap",
        [
            pd.Series(["a", None, "b"], dtype="string"),
            np.array([1.0, np.nan, 2.0]),
            ["a", None, "b"],
        ],
    )
    def test_a_missing_target_is_reported(self, gap):
        with pytest.raises(ValueError, match=r"'y' parameter .* Got 1 missing of 3"):
            compare(np.zeros((3, 1)), gap)

    def test_lengths_must_agree(self):
        with pytest.raises(ValueError, match="inconsistent numbers of samples"):
            compare(np.zeros((3, 1)), [1, 2])


class TestTask:
    @pytest.mark.parametrize(
        ("y", "task"),
        [
            (["yes", "no"] * 5, "classification"),
            (np.array([True, False] * 5), "classification"),
            (pd.Series([1, 2] * 5, dtype="category"), "classification"),
            (pd.Series([1, 2] * 5, dtype="Int64"), "classification"),
            (np.array([0.0, 1.0, 2.0, 3.0]), "classification"),
            (np.arange(31), "regression"),
            (np.array([0.5, 1.0] * 5), "regression"),
        ],
    )
    def test_is_decided_by_the_target(self, y, task):
        assert find_task("auto", {}, check_target(y)) == task

    def test_diabetes_is_a_regression(self, diabetes):
        assert compare(*diabetes, CHEAP).scorer == "r2"

    def test_is_that_of_the_given_models(self, iris):
        assert compare(*iris, {"ridge": Ridge()}).task == "regression"

    def test_can_be_given(self, iris):
        assert compare(*iris, CHEAP, task="regression").scorer == "r2"

    def test_unknown_ones_are_reported(self, iris):
        with pytest.raises(ValueError, match=r"Got 'regress' instead. Did you mean 'regression'"):
            compare(*iris, task="regress")

    def test_classifiers_and_regressors_do_not_mix(self, iris):
        with pytest.raises(ValueError, match=r"mixes .*classification: a; regression: b"):
            compare(*iris, {"a": GaussianNB(), "b": Ridge()})


class TestScoring:
    @pytest.mark.parametrize(
        ("scoring", "names"),
        [
            (None, ["accuracy"]),
            ("f1_macro", ["f1_macro"]),
            (["f1_macro", "accuracy"], ["f1_macro", "accuracy"]),
            ({"mine": "accuracy"}, ["mine"]),
            (lambda model, X, y: accuracy_score(y, model.predict(X)), ["score"]),
            (lambda model, X, y: {"a": 1.0, "b": 2.0}, ["a", "b"]),
        ],
    )
    def test_comes_under_its_names(self, iris, scoring, names):
        assert list(compare(*iris, ["dummy"], scoring=scoring).scores) == names

    def test_the_first_score_ranks(self, iris):
        models = {"worse": DummyClassifier(), "better": GaussianNB()}
        assert compare(*iris, models, scoring=["accuracy", "f1_macro"]).best == "better"

    def test_unknown_ones_are_reported_with_the_nearest(self, iris):
        with pytest.raises(
            ValueError, match=r"'scoring' .* Got 'acuracy' instead. Did you mean 'accuracy'"
        ):
            compare(*iris, CHEAP, scoring=["acuracy"])

    def test_one_that_fails_is_reported_and_does_not_affect_the_others(self, iris):
        with pytest.warns(
            UserWarning, match="Linear: a score failed: ValueError: multi_class must"
        ):
            found = compare(*iris, ["linear"], scoring=["accuracy", "roc_auc"])
        assert "-" in str(found).splitlines()[2].split()


class TestFailures:
    @pytest.fixture
    def found(self, iris):
        models = {"no": LogisticRegression(C=-1), "frail": Fragile(), "bayes": GaussianNB()}
        return compare(*iris, models, cv=KFold(5))

    def test_come_last_and_do_not_affect_the_others(self, found):
        assert found.names == ("bayes", "no", "frail")
        assert found.verdicts == ("best", "failed", "failed")

    def test_the_reason_is_reported_in_one_line(self, found):
        text = str(found)
        assert "no failed: sklearn.utils._param_validation.InvalidParameterError: The 'C'" in text
        assert "frail failed: 4 of 5 folds: RuntimeError: bad first row" in text
        assert "and more" not in text

    def test_folds_that_went_well_are_kept(self, found):
        assert np.isnan(found.scores["accuracy"][2]).sum() == 4

    def test_a_scoring_that_fails_is_reported(self, iris):
        with pytest.raises(ValueError, match="dummy: 5 of 5 folds: ValueError: multi_class must"):
            compare(*iris, {"dummy": DummyClassifier()}, scoring="roc_auc")

    def test_of_all_models_are_an_error(self, iris):
        with pytest.raises(ValueError, match=r"every model failed.\n  no: .*'C' parameter"):
            compare(*iris, {"no": LogisticRegression(C=-1)})

    def test_warnings_are_passed_on_once_with_the_name(self, iris):
        with pytest.warns(RuntimeWarning, match="^loud: half as good$") as caught:
            compare(*iris, {"loud": Warner()}, cv=3)
        assert len(caught) == 1
        assert caught[0].filename == __file__


class TestSignificance:
    def test_is_the_paired_t_test_with_its_variance_corrected(self):
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(2, 10))
        paired = stats.ttest_rel(a, b)
        factor = np.sqrt((1 / 10) / (1 / 10 + 1 / 9))
        expected = 2 * stats.t.sf(abs(paired.statistic) * factor, df=9)
        assert corrected_t_test(a - b, ratio=1 / 9) == pytest.approx(expected)

    def test_does_not_depend_on_the_sign(self):
        d = np.array([0.1, 0.3, 0.2])
        assert corrected_t_test(d, 0.5) == corrected_t_test(-d, 0.5)

    @pytest.mark.parametrize(("differences", "p"), [([0.0] * 5, 1.0), ([0.1, 0.3 - 0.2], np.nan)])
    def test_without_variance(self, differences, p):
        assert corrected_t_test(differences, 0.25) == pytest.approx(p, nan_ok=True)

    @pytest.mark.parametrize(
        ("p", "adjusted"),
        [
            ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
            ([0.5, 0.9], [1.0, 1.0]),
            ([0.02], [0.02]),
            ([], []),
            ([np.nan, 0.01, 0.02], [np.nan, 0.02, 0.02]),
        ],
    )
    def test_holm_by_hand(self, p, adjusted):
        np.testing.assert_allclose(holm(p), adjusted)

    def test_compares_each_with_the_best(self, result):
        first = result.scores["accuracy"]
        ratio = result.n_test.mean() / result.n_train.mean()
        expected = holm([corrected_t_test(first[0] - row, ratio) for row in first[1:]])
        np.testing.assert_array_equal(result.p_values[1:], expected)
        assert np.isnan(result.p_values[0])

    def test_the_verdict_follows(self, result):
        assert result.names[2] == "dummy"
        assert [verdict.split(" (")[0] for verdict in result.verdicts] == [
            "best",
            "within noise",
            "worse",
        ]

    @pytest.mark.parametrize(
        ("p", "text"),
        [
            *[(0.0004, "p < 0.001"), (0.0123, "p = 0.012"), (0.05, "p = 0.050")],
            *[(0.0496, "p = 0.0496"), (0.04998, "p = 0.04998"), (0.0504, "p = 0.0504")],
            *[(0.0999, "p = 0.100"), (0.234, "p = 0.23")],
        ],
    )
    def test_a_printed_p_value_is_on_the_side_of_its_verdict(self, result, p, text):
        word = "worse" if p < 0.05 else "within noise"
        assert result._verdict("dummy", p) == f"{word} ({text})"

    def test_equal_models_are_within_noise(self, iris):
        found = compare(*iris, {"a": GaussianNB(), "b": GaussianNB()})
        assert found.verdicts == ("best", "within noise (p = 1.00)")

    def test_one_fold_tests_nothing(self, iris):
        found = compare(*iris, CHEAP, cv=ShuffleSplit(1, random_state=0))
        assert found.verdicts == ("best", "not tested")
        assert "a test needs two folds or more" in str(found)


class TestResult:
    def test_prints_an_aligned_table_that_names_the_test(self, result, monkeypatch):
        monkeypatch.setenv("COLUMNS", "120")
        lines = str(result).splitlines()
        assert lines[0].split() == [
            *("model", "accuracy", "neg_log_loss", "fit", "s", "predict", "s", "vs", "best"),
        ]
        assert {line.index("±") for line in lines[2:5]} == {lines[2].index("±")}
        assert "Nadeau & Bengio 2003), Holm-adjusted" in " ".join(lines)
        assert repr(result) == str(result)

    def test_html_escapes_names_and_sets_no_colour(self, iris):
        html = compare(*iris, {"<b>&": DummyClassifier()})._repr_html_()
        assert "&lt;b&gt;&amp;" in html
        assert "color" not in html

    def test_dict_is_json_and_has_every_fold(self, result):
        back = json.loads(json.dumps(result.to_dict(), allow_nan=False))
        assert [model["name"] for model in back["models"]] == list(result.names)
        folds = [model["scores"]["accuracy"]["folds"] for model in back["models"]]
        np.testing.assert_array_equal(folds, result.scores["accuracy"])

    def test_dict_of_a_failure_is_json(self, iris):
        models = {"no": LogisticRegression(C=-1), "dummy": DummyClassifier()}
        told = compare(*iris, models).to_dict()["models"][1]
        assert json.loads(json.dumps(told, allow_nan=False))["scores"]["accuracy"]["mean"] is None

    def test_frame_has_a_row_for_each_model(self, result):
        frame = result.to_frame()
        assert frame.index.tolist() == list(result.names)
        np.testing.assert_allclose(frame["accuracy"], result.scores["accuracy"].mean(axis=1))

    def test_frame_without_pandas_names_what_to_install(self, result, monkeypatch):
        monkeypatch.setitem(sys.modules, "pandas", None)
        with pytest.raises(ImportError, match=r'pip install "\.\[plot\]"'):
            result.to_frame()

    def test_plot_draws_the_scores(self, result):
        display = result.plot(scorer="neg_log_loss")
        assert display.axes_[0].get_xlabel() == "neg_log_loss"


class TestProgress:
    def test_verbose_names_the_model_and_counts_folds(self, iris, capsys):
        compare(*iris, {"bayes": GaussianNB(), "frail": Fragile()}, cv=KFold(5), verbose=1)
        out, err = capsys.readouterr()
        assert not out
        assert "bayes" in err
        assert "/10" in err

    def test_is_silent_by_default(self, iris, capsys):
        compare(*iris, ["dummy"])
        assert capsys.readouterr() == ("", "")


class TestRareClasses:
    """A hint under the table if the accuracy is hardly above the share of one class."""

    HINT = "90% of the rows are of class 'no', so that the accuracy says little"

    @pytest.fixture
    def rare(self):
        X = np.random.default_rng(0).normal(size=(200, 2))
        return X, np.where(np.arange(200) % 10 == 0, "yes", "no")

    def test_have_a_hint_that_names_another_score(self, rare):
        found = compare(*rare, ["dummy", "linear"], cv=2)
        assert found.frequent_class == ("'no'", 0.9)
        assert self.HINT in " ".join(str(found).split())
        assert 'scoring="roc_auc"' in str(found)
        assert self.HINT.replace("'", "&#x27;") in " ".join(found._repr_html_().split())
        ranked = compare(*rare, ["dummy", "linear"], cv=2, scoring=["roc_auc", "neg_log_loss"])
        assert "says little" not in str(ranked)

    def test_that_are_found_and_frequent_classes_need_none(self, rare, iris):
        X, y = rare
        X = np.column_stack([X, y == "yes"])
        assert "says little" not in str(compare(X, y, ["linear", "dummy"], cv=2))
        assert "says little" not in str(compare(*iris, ["dummy"], cv=2))

    def test_in_the_command_the_hint_names_the_option(self, rare, tmp_path, capsys):
        table = pd.DataFrame(rare[0], columns=["a", "b"]).assign(y=rare[1])
        table.to_csv(tmp_path / "rare.csv", index=False)
        args = [str(tmp_path / "rare.csv"), "--target", "y", "--models", "dummy", "--cv", "2"]
        assert main(["compare", *args, "--quiet"]) == 0
        assert "such as --scoring roc_auc." in " ".join(capsys.readouterr().out.split())

    def test_a_score_of_the_class_1_names_the_way_out(self, rare):
        with pytest.raises(ValueError, match=r"make_scorer\(f1_score, pos_label='yes'\), or pass"):
            compare(*rare, ["dummy"], cv=2, scoring="f1")
        f1 = make_scorer(f1_score, pos_label="yes")
        assert compare(*rare, ["dummy"], cv=2, scoring=f1).scores["score"].mean() == 0


class TestColumns:
    """Columns that differ in nearly every row, and y that keeps every digit."""

    @pytest.fixture
    def visits(self):
        days = pd.date_range("2024-01-01", periods=60).astype(str)
        return pd.DataFrame({"day": days, "x": np.arange(60.0)})

    def test_are_named_once_and_not_once_per_model_and_fold(self, visits):
        models = {"a": DNNRegressor((4,), epochs=1), "b": DNNRegressor((4,), epochs=1)}
        with pytest.warns(ColumnWarning) as caught:
            compare(visits, np.arange(60.0), models, cv=3)
        messages = [str(w.message) for w in caught]
        assert len(messages) == 1
        assert caught[0].filename == __file__
        assert messages[0].startswith("Column 'day' of X holds text or categories that differ")

    @pytest.mark.filterwarnings("default::skdnn._data.column_warnings.ColumnWarning")
    def test_are_named_for_the_default_models_and_in_the_command(self, visits, tmp_path, capsys):
        visits.assign(y=np.arange(60) % 2).to_csv(tmp_path / "visits.csv", index=False)
        args = [str(tmp_path / "visits.csv"), "--target", "y", "--models", "dummy,linear"]
        assert main(["compare", *args, "--cv", "2", "--quiet"]) == 0
        lines = capsys.readouterr().err.splitlines()
        assert len(lines) == 1
        assert "Column 'day' of X holds" in lines[0]
        assert (
            "--drop NAME,NAME, and turn dates and text into numbers in the file: see 'Dates, i"
            in (lines[0])
        )

    @pytest.mark.filterwarnings("default::skdnn._data.column_warnings.ColumnWarning")
    def test_the_command_has_advice_for_a_shell(self, visits, tmp_path, capsys):
        table = visits.assign(day=np.resize(visits["day"][:9], 60), y=np.arange(60) % 2)
        table.to_csv(tmp_path / "visits.csv", index=False)
        args = [str(tmp_path / "visits.csv"), "--target", "y", "--models", "dummy"]
        assert main(["compare", *args, "--cv", "2", "--quiet"]) == 0
        message = capsys.readouterr().err
        assert "Column 'day' of X holds dates as text" in message
        assert "into numbers in the file, or use --drop NAME,NAME: see 'Dates, ident" in message
        assert "skrub" not in message

    def test_large_labels_stay_apart(self):
        y = pd.Series(1_790_000_000_000_000_000 + np.arange(40) % 2, dtype="Int64")
        X = np.column_stack([np.arange(40) % 2, np.arange(40)]).astype(float)
        result = compare(X, y, ["linear"], cv=2, task="classification")
        assert result.scores["accuracy"].mean() == 1

    def test_missing_targets_name_the_rows(self):
        with pytest.raises(
            ValueError, match=r"'y' parameter of compare .* Got 1 missing of 4 .*row 2"
        ):
            compare(np.zeros((4, 1)), ["a", "b", None, "a"], ["dummy"])
