"""Training with compiled programs; knows nothing of scikit-learn."""
