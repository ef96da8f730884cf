"""Functions and classes that convert arrays and tables: preprocessing, targets and splits."""
