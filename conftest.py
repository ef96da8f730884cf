"""Threads of NumPy and scikit-learn in all tests and examples, set before these are imported.

pytest runs as many processes as there are processors. Each would have as many threads again, which
wait for one another without sleeping: a small product of matrices then takes ten times as long.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
