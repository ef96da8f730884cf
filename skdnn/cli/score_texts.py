"""How the scores on held-out rows are named in model files, and how they are printed."""

SCORES = {"accuracy": "accuracy", "log_loss": "log-loss", "r2": "R2", "mae": "MAE"}
HELD_OUT = "held_out_"  # prefix of a score in the metadata of a model file


def number(value: float) -> str:
    """Return a number of four digits, without an exponent if it is not very small."""
    return f"{value:,.0f}" if 1000 <= abs(value) < 1e15 else f"{value:.4g}"
