"""Errors for fitted attributes that other estimators have, which name what to write instead."""

_IMPORTANCE = "use sklearn.inspection.permutation_importance(model, X, y)"
_WEIGHTS = "use model_.get_weights()"
_INSTEAD = {
    **dict.fromkeys(["feature_importances_", "feature_importance", "coef_"], _IMPORTANCE),
    **dict.fromkeys(["coefs_", "intercept_", "intercepts_"], _WEIGHTS),
    **dict.fromkeys(["loss_curve_", "loss_", "train_score_", "evals_result_"], "use history_"),
    "validation_score_": "use history_",
}


def check_attribute(name: str, owner: object) -> None:
    """Raise an AttributeError if a missing attribute is one that other estimators have."""
    if name in _INSTEAD and not hasattr(type(owner), name):
        text = f"{type(owner).__name__!r} object has no attribute {name!r}: {_INSTEAD[name]}."
        raise AttributeError(text, name=name, obj=owner)
