"""Loads many damaged model files: each must load correctly or be refused, and nothing else.

The files are damaged copies of models in a folder. Every load is watched for memory, imports and
other events of the interpreter, and time. What loads must predict, or raise a ValueError.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.fuzz_worker import CHUNK, MEGABYTES
from benchmarks.work import ROOT

FILES = 20_000
MODELS = ROOT / "tests" / "persistence" / "files"
SILENCE = 300  # seconds without a chunk, until a worker counts as hanging
MOST_KINDS = 60
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


class Tally:
    """The sums over all chunks."""

    def __init__(self) -> None:
        self.loads, self.refused, self.raised = Counter[str](), Counter[str](), Counter[str]()
        self.bad: list[dict[str, Any]] = []
        self.modules, self.events = set[str](), Counter[str]()
        self.longest, self.longest_use, self.peak, self.n = [0.0, -1], [0.0, -1], 0, 0
        self.lock = threading.Lock()

    def add(self, chunk: dict[str, Any]) -> None:
        """Add one chunk."""
        with self.lock:
            for name in ("loads", "refused", "raised", "events"):
                getattr(self, name).update(chunk[name])
            self.bad += chunk["bad"]
            self.modules.update(chunk["modules"])
            self.longest = max(self.longest, chunk["longest"])
            self.longest_use = max(self.longest_use, chunk["longest_use"])
            self.peak = max(self.peak, chunk["peak"])
            self.n = self.loads.total() + self.refused.total() + self._n_not_loaded()

    def _n_not_loaded(self) -> int:
        return sum(not item["name"].startswith("use") for item in self.bad)


def follow(number: int, words: list[str], tally: Tally, folder: Path) -> None:
    """Run one worker to its end; start it again behind a file that it has died of."""
    first, step, n = number, int(words[2]), int(words[3])
    while first < -(-n // CHUNK):
        command = [sys.executable, "-m", "benchmarks.fuzz_worker", words[0], str(folder)]
        numbers = map(str, (number, first, step, n))
        errors = folder / f"worker-{number}.txt"
        with errors.open("w") as stream:
            worker = subprocess.Popen(
                [*command, *numbers],
                cwd=ROOT,
                env={**os.environ, **_ENVIRONMENT},
                stdout=subprocess.PIPE,
                stderr=stream,
                text=True,
            )
            first = _chunks_of(worker, first, step, tally)
        if worker.returncode and first < -(-n // CHUNK):
            if not _note_death(number, worker.returncode, errors, tally, folder):
                return
            first += step  # the rest of this chunk is not loaded


def _chunks_of(worker: subprocess.Popen[str], first: int, step: int, tally: Tally) -> int:
    """Add the chunks of a worker; return the chunk after its last one."""
    assert worker.stdout
    timer = threading.Timer(SILENCE, worker.kill)
    timer.start()
    for line in worker.stdout:
        timer.cancel()
        timer = threading.Timer(SILENCE, worker.kill)
        timer.start()
        tally.add(json.loads(line))
        first += step
    worker.wait()
    timer.cancel()
    return first


def _note_death(number: int, code: int, errors: Path, tally: Tally, folder: Path) -> bool:
    """Keep the file that a worker has died of; return whether there was one."""
    seed_path, path = folder / f"worker-{number}.seed", folder / f"worker-{number}.skdnn"
    seed = seed_path.read_text() if seed_path.exists() else "-1"
    if path.exists():
        shutil.copy(path, folder / f"death-{seed}.skdnn")
    item = {"seed": int(seed), "kind": "?", "name": f"the process ended with {code}"}
    tally.bad.append({**item, "trace": errors.read_text()[-2000:]})
    return seed != "-1"


def show(tally: Tally, n: int, seconds: float, folder: Path, allowed: int) -> str:
    """Return the report."""
    bad = Counter(item["name"] for item in tally.bad)
    lines = [
        f"{tally.n:,} of {n:,} damaged files in {seconds:,.0f} s",
        f"{tally.loads.total():>9,} loaded: "
        + ", ".join(f"{count:,} with changed {kind}" for kind, count in tally.loads.items()),
        f"{tally.refused.total():>9,} InvalidFileError, of {len(tally.refused):,} kinds",
        f"{len(tally.bad):>9,} anything else",
        f"{tally.raised.total():>9,} of those that loaded raised a ValueError in predict",
        f"peak memory: {tally.peak / 2**20:.1f} MB above the start; "
        f"twice the largest file and {MEGABYTES} MB are {allowed / 2**20:.1f} MB",
        f"modules imported: {', '.join(sorted(tally.modules)) or 'none'}",
        "events of the interpreter while loading: "
        + ", ".join(f"{name} {count:,}" for name, count in tally.events.most_common()),
        f"longest load: {tally.longest[0] * 1000:.0f} ms of computing (seed {tally.longest[1]})",
        f"longest use: {tally.longest_use[0] * 1000:.0f} ms (seed {tally.longest_use[1]})",
    ]
    for title, counts in (("refused", tally.refused), ("raised in predict", tally.raised)):
        lines += ["", f"{title}:"]
        lines += [f"{c:>9,} {kind}" for kind, c in counts.most_common(MOST_KINDS)]
        rest = counts.total() - sum(c for _, c in counts.most_common(MOST_KINDS))
        lines += [f"{rest:>9,} of {len(counts) - MOST_KINDS:,} other kinds"] if rest else []
    lines += ["", f"anything else, kept in {folder}:" if bad else "nothing else."]
    for name, count in bad.most_common(MOST_KINDS):
        first = next(item for item in tally.bad if item["name"] == name)
        lines += [f"{count:>9,} {name} (seed {first['seed']}, {first['kind']})"]
        lines += ["    " + line for line in first["trace"].splitlines()[-12:]]
    return "\n".join(lines) + "\n"


def run(n: int, models: Path, folder: Path | None, report: Path | None) -> str:
    """Load `n` damaged files, and return a report; it is written every few seconds too."""
    files = sorted(models.rglob("*.skdnn"))
    if not files:
        raise SystemExit(f"There are no .skdnn files in {models}.")
    disk = Path("/dev/shm") if folder is None and Path("/dev/shm").is_dir() else None
    folder = folder or Path(tempfile.mkdtemp(prefix="skdnn-fuzz-", dir=disk))
    folder.mkdir(parents=True, exist_ok=True)
    allowed = 2 * max(file.stat().st_size for file in files) + MEGABYTES * 2**20
    workers = len(os.sched_getaffinity(0))
    tally, start = Tally(), time.monotonic()
    words = [str(models), str(folder), str(workers), str(n)]
    threads = [
        threading.Thread(target=follow, args=(number, words, tally, folder))
        for number in range(workers)
    ]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        for thread in threads:
            thread.join(5)
        text = show(tally, n, time.monotonic() - start, folder, allowed)
        if report:
            report.write_text(text, encoding="utf-8")
    for file in folder.glob("worker-*"):
        file.unlink()
    return text
