"""Search spaces with Optuna: its distributions, and the values of finished trials."""

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy.stats import loguniform, norm, randint, uniform
from sklearn.model_selection import cross_val_score

from skdnn import DNNClassifier, search_space, suggest_params

SPACE = {
    "preset": ["balanced"],
    "learning_rate": loguniform(1e-3, 1e-2),
    "dropout": uniform(0.1, 0.3),
    "n_members": randint(1, 5),
    "batch_size": ["auto", 16],
    "hidden_layer_sizes": ["auto", (8, 4)],
}


@pytest.fixture(autouse=True)
def quiet():
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def study(**settings):
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **settings)


def test_distributions_are_those_of_optuna():
    trial = study().ask()
    suggest_params(trial, SPACE)
    assert trial.distributions == {
        "learning_rate": FloatDistribution(1e-3, 1e-2, log=True),
        "dropout": FloatDistribution(0.1, 0.4),
        "n_members": IntDistribution(1, 4),
        "batch_size": CategoricalDistribution(["auto", 16]),
        "hidden_layer_sizes": CategoricalDistribution(["auto", "(8, 4)"]),
    }


def test_all_values_are_suggested_sooner_or_later():
    one = study()
    suggested = [suggest_params(one.ask(), SPACE) for _ in range(40)]
    assert {params["preset"] for params in suggested} == {"balanced"}
    assert {params["n_members"] for params in suggested} == {1, 2, 3, 4}
    for name in ("batch_size", "hidden_layer_sizes"):
        assert {params[name] for params in suggested} == {*SPACE[name]}


def test_a_trial_of_a_stored_study_gives_its_values_again(tmp_path):
    storage = f"sqlite:///{tmp_path / 'study.db'}"
    suggested = []

    def objective(trial):
        suggested.append(suggest_params(trial, SPACE))
        return trial.number

    study(storage=storage, study_name="one").optimize(objective, n_trials=8)
    stored = optuna.load_study(study_name="one", storage=storage)
    assert [suggest_params(trial, SPACE) for trial in stored.trials] == suggested
    assert {params["hidden_layer_sizes"] for params in suggested} == {"auto", (8, 4)}
    assert suggest_params(stored.best_trial, SPACE) == suggested[0]


def test_a_study_of_networks(iris):
    space = search_space("classification")

    def score(trial):
        network = DNNClassifier(**suggest_params(trial, space), epochs=1, random_state=0)
        return cross_val_score(network, *iris, cv=2, scoring="neg_log_loss").mean()

    one = study(direction="maximize")
    one.optimize(score, n_trials=2)
    assert one.best_value == pytest.approx(score(one.best_trial), rel=1e-4)
    params = suggest_params(one.best_trial, space)
    assert {*params} == {*space}
    fitted = DNNClassifier(**params, epochs=1, random_state=0).fit(*iris)
    assert fitted.resolved_params_.preset == "balanced"


@pytest.mark.parametrize(
    ("values", "got"),
    [
        (norm(0, 1), "norm"),
        (loguniform(1, 10, loc=5), "loguniform"),
        ("auto", "'auto'"),
        ([], r"\[\]"),
        (0.1, "0.1"),
        ({"low": 0, "high": 1}, "{'low'"),
    ],
)
def test_values_that_optuna_cannot_suggest_are_refused(values, got):
    with pytest.raises(TypeError, match=rf"space\['dropout'\] must be a list.* Got {got}"):
        suggest_params(study().ask(), {"dropout": values})


def test_swapped_or_other_arguments_are_refused():
    with pytest.raises(TypeError, match=r"must be a trial of Optuna.* Got {}"):
        suggest_params({}, study().ask())
    with pytest.raises(TypeError, match=r"must be a dict, as search_space\(estimator\)"):
        suggest_params(study().ask(), DNNClassifier())
