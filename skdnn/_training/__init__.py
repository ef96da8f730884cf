"""Training with compiled programs. This package does not depend on scikit-learn."""
