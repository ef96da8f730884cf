"""Loads damaged files in a process of its own, and prints a line of counts for every chunk.

python -m benchmarks.fuzz_worker MODELS FOLDER NUMBER FIRST STEP N: NUMBER names this worker; it
takes every STEP-th chunk from FIRST on, up to N files. A file is written to FOLDER before it is
loaded, with its seed beside it, so that it is there if the process dies of it.
"""

import json
import re
import resource
import signal
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from benchmarks.mutations import mutate

CHUNK = 500
SECONDS = 20  # of computing, until a load counts as a hang
MEGABYTES = 64
_NAMES = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[.*\]|\{.*\}|-?\d[\w.,+-]*")


class Subject(NamedTuple):
    """What is done with a file, and what it may raise."""

    load: Callable[[Path], Any]
    use: Callable[[Any, Path], None]
    refusal: type[Exception]


class HangError(BaseException):
    """A load has computed for too long."""


def status(key: str) -> int:
    """Return a figure of the memory of this process in bytes."""
    with open("/proc/self/status", encoding="ascii") as lines:
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(key))


def kind_of(error: BaseException, path: Path) -> str:
    """Return an error's text without names and numbers."""
    text = str(error).replace(str(path), "FILE").partition("\n")[0]
    return _NAMES.sub("_", text)[:90]


class Watch:
    """Counts the audit events of Python while it is on: what opens, imports, compiles or runs."""

    def __init__(self) -> None:
        self.on, self.events = False, Counter[str]()
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: Any) -> None:
        if self.on:
            self.events[event] += 1


class Examination:
    """Loads and uses one file after the other; `counts` are of one chunk."""

    def __init__(self, subject: Subject, path: Path, watch: Watch) -> None:
        self.subject, self.path, self.watch = subject, path, watch
        self.modules = set(sys.modules)
        self.start()

    def start(self) -> None:
        """Begin a chunk."""
        self.loads, self.refused, self.raised = Counter[str](), Counter[str](), Counter[str]()
        self.bad: list[dict[str, Any]] = []
        self.longest, self.longest_use = (0.0, -1), (0.0, -1)
        self.watch.events.clear()

    def examine(self, seed: int, kind: str, content: bytes) -> None:
        """Load a file, and use what comes out."""
        self.path.write_bytes(content)
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        self.watch.on = True
        try:
            loaded = self.subject.load(self.path)
        except self.subject.refusal as error:
            self.watch.on = False
            self.refused[kind_of(error, self.path)] += 1
            self.longest = max(self.longest, (time.process_time() - begin, seed))
            return
        except BaseException as error:
            self.note(seed, kind, "load", error)
            return
        finally:
            self.watch.on = False
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.longest = max(self.longest, (time.process_time() - begin, seed))
        self.loads[kind] += 1
        self.use(seed, kind, loaded)

    def use(self, seed: int, kind: str, loaded: Any) -> None:
        """Predict with what was loaded: only a ValueError may come of it."""
        begin = time.process_time()
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            self.subject.use(loaded, self.path)
        except ValueError as error:
            self.raised[kind_of(error, self.path)] += 1
        except BaseException as error:
            self.note(seed, kind, "use", error)
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        self.longest_use = max(self.longest_use, (time.process_time() - begin, seed))

    def note(self, seed: int, kind: str, step: str, error: BaseException) -> None:
        """Keep a file with an error that should not be."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        kept = self.path.with_name(f"{step}-{type(error).__name__}-{seed}.skdnn")
        kept.write_bytes(self.path.read_bytes())
        name = f"{step}: {type(error).__name__} at {Path(where.filename).name}:{where.lineno}"
        text = "".join(traceback.format_exception(error))[-2000:]
        self.bad.append({"seed": seed, "kind": kind, "name": name, "trace": text})

    def counts(self) -> dict[str, Any]:
        """Return what this chunk has given."""
        modules = sorted(set(sys.modules) - self.modules)
        names = ("loads", "refused", "raised", "bad", "longest", "longest_use")
        counts = {name: getattr(self, name) for name in names}
        return {**counts, "modules": modules, "events": self.watch.events}


def limit_memory(most: int) -> None:
    """Let allocations fail that exceed what this process has now by more than `most` bytes."""
    resource.setrlimit(resource.RLIMIT_AS, (status("VmSize") + most, resource.RLIM_INFINITY))


def run(folder: Path, numbers: dict[str, int], bases: list[bytes], subject: Subject) -> None:
    """Examine the chunks of one worker."""
    name = f"worker-{numbers['number']}"
    path, seed_path = folder / f"{name}.skdnn", folder / f"{name}.seed"
    watch = Watch()
    warm = Examination(subject, path, watch)
    for content in bases:  # everything that a load and its use import
        for damaged in (content, content[:-1], content[:8] + b"{" + content[9:], b"\x80\x04"):
            warm.examine(-1, "none", damaged)
    assert not warm.bad, warm.bad
    resident = status("VmRSS")
    examination = Examination(subject, path, watch)
    largest = max(map(len, bases))
    limit_memory(2 * largest + MEGABYTES * 2**20)
    for chunk in range(numbers["first"], -(-numbers["n"] // CHUNK), numbers["step"]):
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        for seed in range(chunk * CHUNK, min(numbers["n"], (chunk + 1) * CHUNK)):
            seed_path.write_text(str(seed))
            rng = Random(seed)
            kind, damaged = mutate(rng.choice(bases), bases, rng)
            examination.examine(seed, kind, damaged)
        counts = examination.counts()
        peak = status("VmHWM") - resident
        print(json.dumps({"chunk": chunk, "peak": peak, **counts}), flush=True)
        examination.start()


def _hang(*_: Any) -> None:
    raise HangError


def main(words: list[str]) -> None:
    """Run one worker."""
    models, folder, *numbers = words
    signal.signal(signal.SIGVTALRM, _hang)
    warnings.simplefilter("ignore")
    from benchmarks.fuzz_subject import subject

    bases = [path.read_bytes() for path in sorted(Path(models).rglob("*.skdnn"))]
    named = dict(zip(("number", "first", "step", "n"), map(int, numbers), strict=True))
    run(Path(folder), named, bases, subject())


if __name__ == "__main__":
    main(sys.argv[1:])
