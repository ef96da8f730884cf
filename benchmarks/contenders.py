"""The systems whose accuracy is measured: each with its defaults, fed as its own users would.

A system is one row of `BASELINES`; skdnn's are made of the parameters that the command is given.
Nothing heavy is imported before a system is asked to fit.
"""

import argparse
import ast
import hashlib
import json
from collections.abc import Callable
from functools import cache, partial
from importlib.metadata import packages_distributions, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

MINE = "skdnn"


class System(NamedTuple):
    """One system.

    `make(kind, seed, **params)` returns the estimator whose name ends in `kind`, "Classifier" or
    "Regressor". `feeds` are functions of X that return the steps before the estimator: the first
    one that it accepts counts, and those behind it are for tables with categories or gaps.
    The versions of `modules` decide its results.
    """

    make: Callable[..., Any]
    feeds: tuple[Callable[[Any], list], ...]
    modules: tuple[str, ...] = ("sklearn",)
    params: dict[str, Any] = {}

    @property
    def version(self) -> str:
        """What has to be the same for results to be the same."""
        return ", ".join(f"{module} {version_of(module)}" for module in self.modules)

    @property
    def mine(self) -> bool:
        """Whether it is skdnn."""
        return MINE in self.modules


def raw(X: Any) -> list:
    """Leave the table as it is."""
    return []


def ordinal(X: Any) -> list:
    """Give categories numbers, in alphabetical order; gaps stay gaps."""
    from sklearn.compose import make_column_transformer
    from sklearn.preprocessing import OrdinalEncoder

    encode = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    categories = categorical(X)
    if not any(categories):
        return []
    return [make_column_transformer((encode, categories), remainder="passthrough")]


def imputed(X: Any) -> list:
    """Fill gaps in numbers with medians; categories stay as they are."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer

    fill = SimpleImputer(strategy="median")
    categories = categorical(X)
    if not any(categories):
        return [fill]
    keep = make_column_transformer(
        ("passthrough", categories), remainder=fill, verbose_feature_names_out=False
    )
    return [keep.set_output(transform="pandas")]


def scaled(X: Any) -> list:
    """Standardise numbers, medians in their gaps; one column for each category."""
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    scale = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    categories = categorical(X)
    if not any(categories):
        return [scale]
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return [make_column_transformer((encode, categories), remainder=scale)]


def categorical(X: Any) -> list[bool]:
    """Tell which columns are categories."""
    return [str(dtype) == "category" for dtype in X.dtypes] if hasattr(X, "dtypes") else []


def is_plain(X: Any) -> bool:
    """Whether there are only numbers, without gaps."""
    if hasattr(X, "dtypes"):
        return not any(categorical(X)) and not X.isna().to_numpy().any()
    return X.dtype.kind != "f" or not np.isnan(X).any()


def make_ensemble(name: str, kind: str, seed: int, **params: Any) -> Any:
    """Make one of scikit-learn's ensembles."""
    from sklearn import ensemble

    return getattr(ensemble, name + kind)(random_state=seed, **params)


def make_mlp(kind: str, seed: int) -> Any:
    """Make scikit-learn's network; numbers to predict are standardised as the columns are."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.preprocessing import StandardScaler

    if kind == "Classifier":
        return MLPClassifier(random_state=seed)
    return TransformedTargetRegressor(MLPRegressor(random_state=seed), transformer=StandardScaler())


def make_lightgbm(kind: str, seed: int) -> Any:
    """Make LightGBM's, which is silent only if told so."""
    import lightgbm

    return getattr(lightgbm, f"LGBM{kind}")(random_state=seed, verbose=-1)


def make_xgboost(kind: str, seed: int) -> Any:
    """Make XGBoost's, which takes categories if told so."""
    import xgboost

    return getattr(xgboost, f"XGB{kind}")(random_state=seed, enable_categorical=True)


def make_pytabkit(name: str, kind: str, seed: int) -> Any:
    """Make one of pytabkit's networks, on the CPU as all others are."""
    import pytabkit

    return getattr(pytabkit, f"{name}_{kind}")(random_state=seed, device="cpu")


def make_skdnn(kind: str, seed: int, **params: Any) -> Any:
    """Make skdnn's."""
    import skdnn

    return getattr(skdnn, f"DNN{kind}")(**{"random_state": seed} | params)


BASELINES: dict[str, System] = {
    "RandomForest": System(partial(make_ensemble, "RandomForest"), (ordinal,)),
    "ExtraTrees": System(partial(make_ensemble, "ExtraTrees"), (ordinal,)),
    # It takes categories of at most 255 values; others are numbers, as for the forests.
    "HistGradientBoosting": System(partial(make_ensemble, "HistGradientBoosting"), (raw, ordinal)),
    "MLP": System(make_mlp, (scaled,)),
    "LightGBM": System(make_lightgbm, (raw,), ("lightgbm",)),
    "XGBoost": System(make_xgboost, (raw,), ("xgboost",)),
}


# Measured with `--slow-systems`, or where they are named: a fit takes minutes.
SLOW: dict[str, System] = {
    "RealMLP_TD_S": System(partial(make_pytabkit, "RealMLP_TD_S"), (raw, imputed), ("pytabkit",)),
    "TabM": System(partial(make_pytabkit, "TabM_D"), (raw, imputed), ("pytabkit",)),
}
# Measured where they are named.
ON_REQUEST: dict[str, System] = SLOW | {
    "RandomForest-500": BASELINES["RandomForest"]._replace(
        params={"n_estimators": 500, "n_jobs": -1}
    ),
}


# What is measured where the command is given no parameters: the defaults, and two presets.
VARIANTS: list[tuple[str, dict[str, Any]]] = [
    (MINE, {}),
    (f"{MINE}-fast", {"preset": "fast"}),
    (f"{MINE}-plain", {"preset": "plain"}),
]


def variant(text: str) -> tuple[str, dict[str, Any]]:
    """Read a name and parameters of skdnn, `{...}` in JSON or `name={...}`."""
    label, brace, rest = text.partition("{")
    name = label.removesuffix("=").strip()
    try:
        params = json.loads(brace + rest)
        make_skdnn("Classifier", 0, **params)  # says at once if it knows of no such parameter
    except (ValueError, TypeError) as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not parameters of skdnn as JSON, {{...}} or name={{...}}: {error}"
        ) from error
    return f"{MINE}-{name}" if name else MINE, params


def systems(
    variants: list[tuple[str, dict[str, Any]]] | None,
    names: list[str] | None,
    *,
    slow: bool = False,
) -> dict[str, System]:
    """Return the systems of these names, skdnn's first; "skdnn" stands for all its variants.

    Without names they are all that are not measured on request alone, and with `slow` those of
    `SLOW` too.
    """
    variants = variants or VARIANTS
    repeated = sorted({n for n, _ in variants if [m for m, _ in variants].count(n) > 1})
    if repeated:
        raise SystemExit(
            f"{', '.join(repeated)} more than once: name the variants, --skdnn fast='{{...}}'."
        )
    known = {
        name: System(make_skdnn, (raw, scaled), (MINE, "tensorflow"), params)
        for name, params in variants
    } | BASELINES
    if names is not None:
        names = [*names, *(SLOW if slow else ())]
        known |= ON_REQUEST
    elif slow:
        known |= SLOW
    unknown = [name for name in names or () if name not in {MINE, *known}]
    if unknown:
        raise SystemExit(f"Unknown system {', '.join(unknown)}; there are: {', '.join(known)}.")
    return {
        name: system
        for name, system in known.items()
        if names is None or name in names or (system.mine and MINE in names)
    }


@cache
def version_of(module: str) -> str:
    """Return the version of what is installed; of skdnn, which is developed here, its code's."""
    if module == MINE:
        import skdnn

        return f"{skdnn.__version__} ({source_digest()})"
    distributions = packages_distributions().get(module)  # xgboost may come as xgboost-cpu
    return version(distributions[0]) if distributions else "unknown"


@cache
def source_digest() -> str:
    """Name the code of skdnn as it is now; comments and docstrings do not count."""
    import skdnn

    content = hashlib.sha256()
    package = Path(skdnn.__file__).parent
    for path in sorted(package.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                body[:] = [line for line in body if not is_text(line)]
        content.update(path.relative_to(package).as_posix().encode() + ast.dump(tree).encode())
    return content.hexdigest()[:8]


def is_text(node: ast.AST) -> bool:
    """Whether a statement is nothing but a constant, as docstrings are."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
