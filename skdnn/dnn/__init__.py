"""The dense-network estimators."""
