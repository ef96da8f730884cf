"""Side-by-side measurements; `python -m benchmarks --help`. Never part of the tests."""
