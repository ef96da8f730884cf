"""
Save a model, export it to ONNX and serve it
============================================

:func:`skdnn.save` writes a fitted network to a file that runs no code when it is loaded.
:func:`skdnn.to_onnx` writes it for other languages and servers. Both hold the preprocessing, so a
server passes raw values, and neither needs TensorFlow to predict.
"""

# %%
# Train
# -----
# A table with a missing value here and there, and text.

import json
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
import onnxruntime
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import skdnn
from skdnn import DNNClassifier

rng = np.random.default_rng(0)
n = 1500
guests = pd.DataFrame(
    {
        "nights": rng.integers(1, 15, n).astype(float),
        "weeks_ahead": rng.gamma(2, 4, n).round(1),
        "price": rng.normal(110, 30, n).round(),
        "channel": rng.choice(["web", "agency", "phone"], n),
    }
)
chance = 0.12 * guests["weeks_ahead"] + 0.9 * (guests["channel"] == "agency") - 2
cancels = np.where(rng.random(n) < 1 / (1 + np.exp(-chance)), "cancels", "stays")
guests.loc[rng.random(n) < 0.1, "price"] = np.nan
X_train, X_test, y_train, y_test = train_test_split(guests, cancels, random_state=0)
network = DNNClassifier(preset="fast", epochs=20, random_state=0).fit(X_train, y_train)
print(f"accuracy on the test rows {network.score(X_test, y_test):.3f}")

# %%
# Save and load
# -------------
# ``metadata`` keeps notes in the file. A loaded model predicts the same numbers.

temporary = tempfile.TemporaryDirectory()
folder = Path(temporary.name)
skdnn.save(network, folder / "guests.skdnn", metadata={"target": "cancels", "season": 2025})
loaded = skdnn.load(folder / "guests.skdnn")
same = np.array_equal(loaded.predict_proba(X_test), network.predict_proba(X_test))
print(f"the same probabilities: {same}")

# %%
# Another process loads the file without TensorFlow. ``feature_names_in_`` puts the columns of a new
# row in the order of training, and None is a missing value, of numbers and of text:

program = """
import sys, pandas, skdnn
model = skdnn.load(sys.argv[1])
row = {"channel": "agency", "nights": 3, "weeks_ahead": 20, "price": None}
print(model.predict(pandas.DataFrame([row])[model.feature_names_in_]))
print("TensorFlow is loaded:", "tensorflow" in sys.modules)
"""
command = [sys.executable, "-c", program, str(folder / "guests.skdnn")]
print(subprocess.check_output(command, text=True))

# %%
# Export to ONNX
# --------------
# Each column is an input of the ONNX model. A missing number is NaN, and a missing text is empty.

skdnn.to_onnx(network, folder / "guests.onnx")
session = onnxruntime.InferenceSession(folder / "guests.onnx")
for value in [*session.get_inputs(), *session.get_outputs()]:
    print(f"{value.name:14} {value.type:15} {value.shape}")

# %%
# ONNX Runtime and skdnn agree to rounding:


def columns(rows):
    """Return the inputs of the ONNX model for the rows of a table."""
    return {name: rows[[name]].to_numpy(object if name == "channel" else float) for name in rows}


label, probabilities = session.run(None, columns(X_test))
difference = np.abs(probabilities - network.predict_proba(X_test)).max()
print(f"largest difference of a probability: {difference:.0e}")

# %%
# Serve it
# --------
# A small server with Python's standard library. A request is a row as JSON. For many requests, put
# the same four lines into the web framework of your choice.


class Handler(BaseHTTPRequestHandler):
    """Answers a row with the probability that the guest cancels."""

    def do_POST(self):
        row = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        table = pd.DataFrame([row])[loaded.feature_names_in_]
        probability = loaded.predict_proba(table)[0, list(loaded.classes_).index("cancels")]
        body = json.dumps({"cancels": round(float(probability), 3)}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Print no line for each request."""


server = HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
for channel in ("web", "agency"):
    row = {"nights": 3.0, "weeks_ahead": 12.0, "price": None, "channel": channel}
    with urlopen(address, json.dumps(row).encode()) as answer:
        print(channel, answer.read().decode())
server.shutdown()
server.server_close()

# %%
# The time of one row
# -------------------
# A server often predicts one row at a time. The forest gets the two columns without text and
# without missing values.

forest = RandomForestClassifier(random_state=0).fit(X_train[["nights", "weeks_ahead"]], y_train)
row = X_test[:1]
inputs, numbers = columns(row), row[["nights", "weeks_ahead"]]
ways = {
    "random forest": lambda: forest.predict_proba(numbers),
    "skdnn.load": lambda: loaded.predict_proba(row),
    "ONNX Runtime": lambda: session.run(None, inputs),
}
milliseconds = {}
for name, predict in ways.items():
    times = []
    for _ in range(200):
        start = time.perf_counter()
        predict()
        times.append(1000 * (time.perf_counter() - start))
    milliseconds[name] = np.array(times[20:])
    print(f"{name:14} median {np.median(times):.3f} ms")

# %%
# Each dot is a call on the machine that built this page. The axis is logarithmic.

fig, ax = plt.subplots(figsize=(7.6, 3.2))
colours = ["#E69F00", "#0072B2", "#009E73"]
for row_number, (times, colour) in enumerate(zip(milliseconds.values(), colours, strict=True)):
    jitter = row_number + rng.uniform(-0.25, 0.25, len(times))
    ax.plot(times, jitter, "o", color=colour, alpha=0.25, ms=4, mew=0)
    median = np.median(times)
    ax.plot([median] * 2, [row_number - 0.36, row_number + 0.36], color=colour, lw=3)
    ax.text(
        median,
        row_number - 0.4,
        f"{median:.0f} ms" if median >= 10 else f"{median:.2g} ms",
        ha="center",
        va="bottom",
        color=colour,
        fontweight="bold",
    )
ax.set(yticks=range(3), yticklabels=list(milliseconds), ylim=(2.5, -0.75))
ax.tick_params(axis="y", length=0)
ax.set(xscale="log", xlabel="milliseconds for one row (bars: medians)")
ax.set_title("One row at a time")
temporary.cleanup()

# %%
# See also
# --------
# :doc:`/user_guide/persistence` compares the file formats, :doc:`/user_guide/onnx` explains ONNX,
# and :doc:`/user_guide/deployment` lists what a server needs. On the command line, ``skdnn
# predict`` and ``skdnn export`` do the same: :doc:`/user_guide/command_line`.
