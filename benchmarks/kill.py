"""Kills processes while they save a model, and fills the disk: the file must always load whole.

Two models are saved in turn to one file. A process that saves is started as a copy of this one,
and killed by SIGKILL at a random moment. Then this process loads the file: it must be one of the
two models, to the last bit of its predictions.
"""

import os
import resource
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

TIMES = 200
_PAGE = 4096


class Models:
    """Two models, the file that they are saved to, and which of them is in it."""

    def __init__(self, files: list[Path], target: Path) -> None:
        import skdnn

        self.models = [skdnn.load(file) for file in files]
        self.target, self.save = target, skdnn.save
        self.save(self.models[0], target)

    def save_in_turn(self) -> None:
        """Save both again and again, without an end."""
        while True:
            for model in reversed(self.models):
                self.save(model, self.target)

    def found(self) -> int:
        """Load the file; return which of the models it is."""
        import skdnn
        from benchmarks.fuzz_subject import assert_same_content, rows_of

        loaded = skdnn.load(self.target)
        for number, model in enumerate(self.models):
            if type(loaded) is type(model) and loaded.get_params() == model.get_params():
                assert_same_content(model, self.target)
                rows = rows_of(model)
                assert loaded.predict(rows).tobytes() == model.predict(rows).tobytes()
                return number
        raise AssertionError(f"{self.target} is another model.")

    def left(self) -> list[Path]:
        """Return the temporary files beside the file."""
        return [path for path in self.target.parent.iterdir() if path.name.startswith(".")]


def in_a_copy(work: Callable[[], None]) -> int:
    """Start a copy of this process that does some work; return its number."""
    child = os.fork()
    if not child:
        try:
            work()
        finally:
            os._exit(1)
    return child


def kill_at_random(models: Models, times: int, rng: Random) -> Counter[str]:
    """Kill a process that saves, many times; count what is found after each."""
    begin = time.perf_counter()
    for model in models.models:
        models.save(model, models.target)
    seconds = time.perf_counter() - begin
    counts = Counter[str]()
    for _ in range(times):
        before = models.found()
        child = in_a_copy(models.save_in_turn)
        time.sleep(rng.uniform(0, 2 * seconds))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        counts["the old model" if models.found() == before else "the new model"] += 1
        for path in models.left():
            counts["a temporary file was left, as no process could remove it"] += 1
            path.unlink()
    return counts


@contextmanager
def small_disk(n_bytes: int) -> Iterator[Path | None]:
    """Give a folder on a disk in memory, or None where mounting is not allowed."""
    with tempfile.TemporaryDirectory() as folder:
        options = f"size={n_bytes // _PAGE * _PAGE + _PAGE}"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            yield None
            return
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill_the_disk(files: list[Path], rng: Random, times: int) -> str:
    """Save where ever fewer bytes are free; return what was found."""
    size = max(file.stat().st_size for file in files)
    with small_disk(4 * size) as folder:
        if folder is None:
            return "full disk: mounting is not allowed here."
        models = Models(files, folder / "model.skdnn")
        counts = Counter[str]()
        for _ in range(times):
            before, filler = models.found(), folder / "filler"
            filler.write_bytes(bytes(_free(folder) - rng.randrange(2 * size) // _PAGE * _PAGE))
            counts[_try_to_save(models, before)] += 1
            filler.unlink()
    return f"full disk, {times} saves: {dict(counts)}"


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


def _try_to_save(models: Models, before: int) -> str:
    try:
        models.save(models.models[1 - before], models.target)
    except OSError as error:
        outcome, expected = f"{error.strerror}, and the old model is whole", before
        named = error.filename == str(models.target)
    else:
        outcome, expected, named = "saved", 1 - before, True
    assert named
    assert models.found() == expected
    assert not models.left()
    return outcome


def limit_the_file(models: Models, rng: Random, times: int) -> str:
    """Save where the system takes a part of the file only; return what was found."""
    size, counts = models.target.stat().st_size, Counter[int]()
    for _ in range(times):
        before = models.found()

        def work(before: int = before) -> None:
            most = rng.randrange(size)
            resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            outcome = _try_to_save(models, before)
            os._exit(0 if "old" in outcome else 2)

        counts[os.waitpid(in_a_copy(work), 0)[1]] += 1
        rng.random()
    assert set(counts) <= {0, 2 << 8}, counts
    return (
        f"limited size of a file, {times} saves: File too large, and the old model is whole: "
        f"{counts[0]}; saved: {counts[2 << 8]}"
    )


def run(times: int, models: Path) -> str:
    """Kill, fill and limit; return a report. Any other outcome raises an error."""
    files = sorted(models.rglob("*.skdnn"), key=lambda file: file.stat().st_size)[-2:]
    if len(files) < 2:
        raise SystemExit(f"There are no two .skdnn files in {models}.")
    rng = Random(0)
    with tempfile.TemporaryDirectory() as folder:
        saved: Any = Models(files, Path(folder, "model.skdnn"))
        lines = [f"{files[0].name} and {files[1].name} saved in turn, killed {times} times:"]
        counts = kill_at_random(saved, times, rng)
        lines += [f"{count:>6} {text}" for text, count in sorted(counts.items())]
        lines += [limit_the_file(saved, rng, times), fill_the_disk(files, rng, times)]
    return "\n".join(lines)
