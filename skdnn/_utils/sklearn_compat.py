"""All private names of scikit-learn that skdnn uses, and replacements for older versions.

Tested with scikit-learn 1.6 to 1.9. One name is used elsewhere: an estimator class defines the
attribute `_parameter_constraints`, which is scikit-learn's protocol for the validation of
parameters.
"""

import copy
import inspect
import re
import reprlib
from collections.abc import Callable, Mapping
from html import escape, unescape
from typing import Any, TypeVar, get_args

import numpy as np

# Validates the constructor's parameters before a method runs.
from sklearn.base import _fit_context

# The base class of the scorers that `make_scorer` and `get_scorer` return.
from sklearn.metrics._scorer import _BaseScorer

# Selects rows of arrays, lists and DataFrames of any library.
from sklearn.utils import _safe_indexing as safe_indexing

# The constraints of `_parameter_constraints`, and the same validation for functions.
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)

# Validate sample weights, and y apart from X, with scikit-learn's own messages.
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn before 1.9

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Empty mixin, because this version of scikit-learn has no callbacks."""

    def with_callbacks(method: Callable[..., Any]) -> Callable[..., Any]:
        """Return a method unchanged, because this version of scikit-learn has no callbacks."""
        return method


# The URL of the documentation of the newest release, as in the metadata of the package.
DOCUMENTATION = "https://skdnn.readthedocs.io/en/stable"

_Function = TypeVar("_Function", bound=Callable[..., object])


def one_of(names: Any) -> StrOptions:
    """Return the constraint of a parameter that accepts the names of a `Literal`."""
    return StrOptions({*get_args(names)})


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[_Function], _Function]:
    """Return a decorator of `fit`, which first validates the parameters of the constructor.

    scikit-learn's decorator, with a type.
    """
    decorator: Callable[[_Function], _Function] = _fit_context(
        prefer_skip_nested_validation=prefer_skip_nested_validation
    )
    return decorator


def validated(constraints: Mapping[str, list[Any]]) -> Callable[[_Function], _Function]:
    """Return a decorator that validates the parameters of a function.

    Parameters
    ----------
    constraints : mapping of str to list
        The accepted types and values of each parameter, as in `_parameter_constraints`.
    """
    decorator: Callable[[_Function], _Function] = validate_params(
        dict(constraints), prefer_skip_nested_validation=True
    )
    return decorator


def is_scorer(value: Any) -> bool:
    """Whether an object is a scorer as `sklearn.metrics.make_scorer` returns it."""
    return isinstance(value, _BaseScorer)


def takes_sample_weight(scorer: Any) -> bool:
    """Whether a scorer or a function accepts sample weights, and metadata routing permits them."""
    if not isinstance(scorer, _BaseScorer):
        return "sample_weight" in inspect.signature(scorer).parameters
    accepts = "sample_weight" in inspect.signature(scorer._score_func).parameters
    requests = scorer.get_metadata_routing().score.requests
    return accepts and requests.get("sample_weight") is not False


def has_callbacks(estimator: Any) -> bool:
    """Whether scikit-learn callbacks were set on an estimator with `set_callbacks`."""
    return bool(getattr(estimator, "_skl_callbacks", None))


def callback_context(estimator: Any, n_epochs: int) -> Any:
    """Return the scikit-learn callback context of a fit, with one subtask per epoch."""
    return estimator._init_callback_context(max_subtasks=n_epochs)


def validate_parameters(estimator: Any) -> None:
    """Validate the constructor parameters of an estimator against `_parameter_constraints`."""
    estimator._validate_params()


def check_values(
    constraints: Mapping[str, list[Any]], values: Mapping[str, Any], owner: str
) -> None:
    """Validate values by name. Values without a constraint are not validated.

    Parameters
    ----------
    constraints : mapping of str to list
        The accepted types and values of each name, as in `_parameter_constraints`.
    values : mapping of str to object
        The values.
    owner : str
        Name of the estimator or the method, for error messages.
    """
    validate_parameter_constraints(dict(constraints), dict(values), owner)


def copy_configuration(source: Any, target: Any) -> None:
    """Copy the configuration outside the constructor parameters from an estimator to a clone.

    The configuration consists of the metadata requests, the output container chosen with
    `set_output`, and the scikit-learn callbacks. The estimator and the clone share the callbacks,
    because scikit-learn's callbacks support clones.

    Parameters
    ----------
    source, target : estimator
        The estimator, and the clone of the estimator, which is changed in place.
    """
    configuration = vars(source)
    for name in ("_metadata_request", "_sklearn_output_config"):
        if name in configuration:
            setattr(target, name, copy.deepcopy(configuration[name]))
    if "_skl_callbacks" in configuration:
        target._skl_callbacks = configuration["_skl_callbacks"]


# The methods with metadata for which the estimators of skdnn have requests.
_METHODS = ("fit", "partial_fit", "predict", "predict_proba", "predict_log_proba", "score")


def metadata_requests(estimator: Any) -> dict[str, dict[str, bool | str | None]] | None:
    """Return the metadata that the methods of an estimator request, None if none were set.

    Returns
    -------
    requests : dict of dict, or None
        By method and argument, as the `set_fit_request` method and others have set them.
    """
    own = vars(estimator).get("_metadata_request")
    if own is None:
        return None
    requests = {method: dict(getattr(own, method).requests) for method in _METHODS}
    return {method: values for method, values in requests.items() if values}


def set_metadata_requests(
    estimator: Any, requests: Mapping[str, Mapping[str, bool | str | None]]
) -> None:
    """Set the metadata requests that `metadata_requests` returned.

    Raises
    ------
    ValueError
        If the estimator has no such method, or the method no such argument.
    """
    own = estimator._get_metadata_request()
    for method, values in requests.items():
        if method not in _METHODS or not values.keys() <= getattr(own, method).requests.keys():
            raise ValueError(f"{method!r:.60} does not request {[*values]!r:.60}")
        for name, alias in values.items():
            getattr(own, method).add_request(param=name, alias=alias)
    estimator._metadata_request = own


def extend_html(table: Any, resolved: Mapping[str, Any], html: str) -> Any:
    """Add resolved values and HTML to the representation of scikit-learn's table of parameters.

    Parameters
    ----------
    table : object
        The table of parameters. A table without the private method `_html_repr` is not changed.
    resolved : mapping of str to object
        Values by the name of the parameter, which are shown in grey beside the value in the table.
    html : str
        The HTML to append.

    Returns
    -------
    table : object
        The table of parameters, which was changed in place.
    """
    parameters = getattr(table, "_html_repr", None)
    if parameters is not None:
        table._html_repr = lambda: _with_resolved(_escape_tooltips(parameters()), resolved) + html
    return table


def _escape_tooltips(html: str) -> str:
    """Escape the descriptions of parameters, which scikit-learn 1.8 does not escape."""

    def escaped(found: re.Match[str]) -> str:
        lines = (escape(unescape(line)) for line in found[2].split("<br>"))
        return f"{found[1]}{'<br>'.join(lines)}</span>"

    start = r'(<span class="param-doc-description"[^>]*>)'
    return re.sub(rf"{start}(.*?)</span>", escaped, html, flags=re.DOTALL)


def _with_resolved(html: str, resolved: Mapping[str, Any]) -> str:
    for name, value in resolved.items():
        cell = re.search(rf"""copyToClipboard\('{name}',.*?<td class="value">[^<]*""", html, re.S)
        if cell is not None:
            text = escape(reprlib.repr(value))
            note = f' <span style="color: #666" title="Value in the last fit">{text}</span>'
            html = html[: cell.end()] + note + html[cell.end() :]
    return html


class ParametersTableMixin:
    """Mixin that links the documentation, and adds to scikit-learn's table of parameters.

    scikit-learn reads `_doc_link_module`, `_doc_link_template` and `_doc_link_url_param_generator`
    of each estimator in a diagram. The class name links to its page of the documentation. From
    version 1.8 on, each parameter also links to its entry on that page and shows the entry as a
    tooltip. A subclass outside of skdnn has no links, because it has no page.

    From version 1.7 on, scikit-learn calls `_get_params_html` of each estimator in a diagram,
    including estimators in pipelines and searches. Older versions have no table of parameters and
    show nothing.
    """

    _doc_link_module = "skdnn"
    _doc_link_template = f"{DOCUMENTATION}/api/generated/{{page}}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        owner = type(self)
        module = owner.__module__.rpartition(".")[0] if owner.__name__ == "BaseWrapper" else "skdnn"
        return {"page": f"{module}.{owner.__name__}"}

    def _resolved_values(self) -> Mapping[str, Any]:
        """Return the values that replaced parameters such as "auto" in the last fit, by name."""
        return {}

    def _html_after_parameters(self) -> str:
        """Return the HTML to append."""
        return ""

    def _get_params_html(self, *args: Any, **kwargs: Any) -> Any:
        table = super()._get_params_html(*args, **kwargs)  # type: ignore[misc]
        return extend_html(table, self._resolved_values(), self._html_after_parameters())


def tree_gains(
    x: np.ndarray, y: np.ndarray, n_trees: int, seed: int, *, classifies: bool
) -> np.ndarray:
    """Return by how much each column improves the prediction of y in a few boosted trees.

    scikit-learn's histogram-based trees have no public importances.

    Parameters
    ----------
    x : ndarray of shape (n_samples, n_columns)
        Numbers, NaN for missing numbers.
    y : ndarray of shape (n_samples,)
        Class labels or regression targets.
    n_trees : int
        Number of trees, of all classes together.
    seed : int
        Seed of the columns that each split compares.
    classifies : bool
        Whether y holds class labels.

    Returns
    -------
    gains : ndarray of shape (n_columns,)
        The sum of the gains of all splits at the column. 0 for a column that is never used.
    """
    from sklearn import ensemble

    is_empty = np.isnan(x).all(axis=0)
    x = np.where(is_empty, 0, x) if is_empty.any() else x  # scikit-learn refuses such columns
    n_classes = len(np.unique(y)) if classifies else 1
    kind = "Classifier" if classifies else "Regressor"
    model = getattr(ensemble, f"HistGradientBoosting{kind}")(
        max_iter=max(1, n_trees // (n_classes if n_classes > 2 else 1)),
        learning_rate=0.2,
        max_leaf_nodes=16,
        min_samples_leaf=int(np.clip(len(x) // 50, 3, 20)),
        max_features=0.5,
        max_bins=32,
        early_stopping=False,
        random_state=seed,
    ).fit(x, y)
    gains = np.zeros(x.shape[1])
    try:
        for nodes in (tree.nodes for iteration in model._predictors for tree in iteration):
            inner = nodes[nodes["is_leaf"] == 0]
            np.add.at(gains, inner["feature_idx"], np.maximum(inner["gain"], 0))
    except (AttributeError, ValueError):  # another layout of the private trees
        forest = getattr(ensemble, f"ExtraTrees{kind}")(n_trees, max_depth=8, random_state=seed)
        return np.asarray(forest.fit(np.nan_to_num(x), y).feature_importances_)
    return gains


class ExplainedValuesMixin:
    """Mixin whose error for values that are names in other libraries says what to write instead.

    scikit-learn calls `_validate_params` at the start of a fit.
    """

    # What to write, by the name of the parameter and the value.
    _instead_of_values: Mapping[str, Mapping[str, str]] = {}

    def _validate_params(self) -> None:
        for name, advice in self._instead_of_values.items():
            value = vars(self).get(name)
            if isinstance(value, str) and value.lower() in advice:
                raise ValueError(
                    f"The {name!r} parameter of {type(self).__name__} does not take {value!r}: "
                    f"{advice[value.lower()]}."
                )
        super()._validate_params()  # type: ignore[misc]


__all__ = [
    "CallbackSupportMixin",
    "ExplainedValuesMixin",
    "HasMethods",
    "Interval",
    "Options",
    "ParametersTableMixin",
    "StrOptions",
    "callback_context",
    "check_sample_weight",
    "check_values",
    "check_y",
    "copy_configuration",
    "extend_html",
    "fit_context",
    "has_callbacks",
    "is_scorer",
    "metadata_requests",
    "one_of",
    "safe_indexing",
    "set_metadata_requests",
    "takes_sample_weight",
    "tree_gains",
    "validate_parameters",
    "validated",
    "with_callbacks",
]
