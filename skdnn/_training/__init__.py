"""The training engine; knows nothing of scikit-learn."""
