"""`python -m benchmarks`, from the checkout: speed, memory, files, accuracy, what peers offer."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from benchmarks import (
    accuracy,
    cores,
    deploy,
    fit_times,
    fuzz,
    gather,
    growth,
    kill,
    memory,
    peers,
    picture,
    readme,
    report,
    scoreboard,
    search,
    sizes,
    sparse,
    speed,
    standings,
    tables,
    wins,
)
from benchmarks.systems import require
from benchmarks.work import ROOT, WORKS

FOLDER = ROOT / "docs" / "development" / "benchmarks"
FILES = {"json": "speed.json", "markdown": "speed.md", "plot": "growth.svg"}
NAMES = [*WORKS, "growth"]


def names_of(text: str) -> list[str]:
    """Return the works that were asked for."""
    return known_names(text, NAMES, "work")


def needs_of(text: str) -> list[str]:
    """Return the needs that were asked for."""
    return known_names(text, list(peers.NEEDS), "need")


def known_names(text: str, known: list[str], what: str) -> list[str]:
    """Return the names that stand between commas, all of which must be known."""
    names = text.split(",")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise argparse.ArgumentTypeError(
            f"unknown {what} {', '.join(unknown)}; there are: {', '.join(known)}"
        )
    return names


def run_speed(arguments: argparse.Namespace) -> None:
    """Measure speed. A complete run is written into the documentation."""
    complete = arguments.only is None and not arguments.quick
    names = arguments.only or NAMES
    paths = {
        option: getattr(arguments, option) or (FOLDER / name if complete else None)
        for option, name in FILES.items()
    }
    if paths["plot"]:
        require({"matplotlib"})
    result = speed.run(names, arguments.rounds, arguments.quick)
    text = report.markdown(result)
    print(text)
    write(paths["json"], json.dumps(result, indent=1) + "\n")
    write(paths["markdown"], text)
    if paths["plot"] and "growth" in result:
        growth.plot(result["growth"], str(paths["plot"]))


def write(path: Path | None, text: str) -> None:
    """Write a text where there is a place for it."""
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def publish(name: str, result: dict[str, Any], text: str, folder: Path | None) -> None:
    """Print a result, and write it as JSON and as Markdown where there is a folder for it."""
    print(text)
    write(folder and folder / f"{name}.json", json.dumps(result, indent=1) + "\n")
    write(folder and folder / f"{name}.md", text)


def run_memory(arguments: argparse.Namespace) -> None:
    """Measure memory; a complete run goes into the documentation."""
    require({"psutil", "matplotlib"})
    curves = memory.run(arguments.quick)
    print(memory.show(curves))
    folder = arguments.folder or (None if arguments.quick else FOLDER)
    if folder:
        memory.write(curves, folder)


def run_sizes(arguments: argparse.Namespace) -> None:
    """Measure memory over fits of random sizes."""
    print(sizes.show(sizes.run(arguments.fits, arguments.quick)))


def run_sparse(arguments: argparse.Namespace) -> None:
    """Measure an epoch on a large sparse matrix."""
    print(sparse.show(sparse.run(arguments.quick)))


def run_deploy(arguments: argparse.Namespace) -> None:
    """Measure saved models; a complete run goes into the documentation."""
    result = deploy.run(arguments.data, arguments.rounds, arguments.quick)
    folder = arguments.folder or (None if arguments.quick else FOLDER)
    publish("deploy", result, deploy.markdown(result), folder)


def run_fit_times(arguments: argparse.Namespace) -> None:
    """Measure fit times beside a random forest's; a complete run goes into the documentation."""
    result = fit_times.run(arguments.quick, arguments.tasks, arguments.cache)
    is_part = arguments.quick or set(arguments.tasks) != set(fit_times.TASKS)
    folder = arguments.folder or (None if is_part else FOLDER)
    publish("fit-times", result, fit_times.markdown(result), folder)


def run_cores(arguments: argparse.Namespace) -> None:
    """Measure fits with several threads; a complete run goes into the documentation."""
    result = cores.run(arguments.rounds, arguments.quick)
    folder = arguments.folder or (None if arguments.quick else FOLDER)
    publish("cores", result, cores.markdown(result), folder)


def run_search(arguments: argparse.Namespace) -> None:
    """Measure what random searches gain; a complete run goes into the documentation."""
    if "LightGBM" in (arguments.only_systems or search.SYSTEMS):
        require({"lightgbm"}, "accuracy", "")
    partial = arguments.quick or arguments.only_tables or arguments.only_systems
    result = search.run(arguments)
    folder = arguments.folder or (None if partial else FOLDER)
    publish("search", result, search.markdown(result), folder)


def run_accuracy(arguments: argparse.Namespace) -> None:
    """Measure accuracy; the defaults on all tables of a kind go into the documentation."""
    page = accuracy.page_of(arguments, parser().parse_args(["accuracy"]))
    result = accuracy.run(arguments)
    result["summaries"] = standings.summaries(result)
    text = scoreboard.markdown(result)
    print(text)
    write(arguments.json or (page and FOLDER / f"{page}.json"), accuracy.to_json(result))
    write(arguments.markdown or (page and FOLDER / f"{page}.md"), text)


def run_wins(arguments: argparse.Namespace) -> None:
    """Write the page of wins and losses from what `accuracy` stored."""
    text = wins.page(arguments.results)
    print(text)
    write(arguments.markdown, text)


def run_gather(arguments: argparse.Namespace) -> None:
    """Write the folder of public tables."""
    gather.run(arguments.folder)


def run_peers(arguments: argparse.Namespace) -> None:
    """Try what each library offers; a complete run goes into the documentation."""
    result = peers.run(arguments.only)
    folder = arguments.folder or (None if arguments.only else FOLDER)
    publish("peers", result, peers.markdown(result), folder)


def run_picture(arguments: argparse.Namespace) -> None:
    """Draw the picture of the README."""
    require({"matplotlib"}, "plot", "")
    print(picture.run(arguments.folder))


def run_readme(arguments: argparse.Namespace) -> None:
    """Write the figures of the pages into the README."""
    print(readme.update(arguments.file))


def run_fuzz(arguments: argparse.Namespace) -> None:
    """Load damaged model files."""
    print(fuzz.run(arguments.files, arguments.models, arguments.folder, arguments.report))


def run_kill(arguments: argparse.Namespace) -> None:
    """Kill processes that save a model."""
    print(kill.run(arguments.times, arguments.models))


def run_fashion_mnist(arguments: argparse.Namespace) -> None:
    """Run the lesson."""
    from benchmarks import fashion_mnist

    fashion_mnist.main()


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    whole = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = whole.add_subparsers(dest="command", required=True)
    one = commands.add_parser("speed", help="all systems on the same work (the default)")
    one.add_argument("--rounds", type=int, help=f"default: {speed.ROUNDS}, or 1 with --quick")
    one.add_argument("--only", type=names_of, metavar="WORK,...", help=", ".join(NAMES))
    one.add_argument("--json", type=Path, metavar="FILE", help="where to write every figure")
    one.add_argument("--markdown", type=Path, metavar="FILE", help="where to write the tables")
    one.add_argument("--plot", type=Path, metavar="FILE", help="where to draw the growth")
    two = commands.add_parser("memory", help="resident memory over many fits")
    two.add_argument("--folder", type=Path, help="where to write memory.json, .md and .svg")
    six = commands.add_parser("sizes", help="resident memory over fits of random sizes")
    six.add_argument("--fits", type=int, help=f"default: {sizes.FITS}, or {sizes.QUICK_FITS}")
    three = commands.add_parser("sparse", help="an epoch on a large sparse matrix")
    four = commands.add_parser("accuracy", help="all systems with defaults on many tables")
    accuracy.add_options(four)
    four.add_argument("--json", type=Path, metavar="FILE", help="where to write every figure")
    four.add_argument("--markdown", type=Path, metavar="FILE", help="where to write the tables")
    seven = commands.add_parser("deploy", help="saved models: time, memory, and sizes of files")
    seven.add_argument("--rounds", type=int, help=f"default: {deploy.ROUNDS}, or 1 with --quick")
    seven.add_argument(
        "--data",
        type=Path,
        default=tables.default_folder(),
        metavar="FOLDER",
        help="tables and their index.json; without the table adult, a random one of its shape",
    )
    seven.add_argument("--folder", type=Path, help="where to write deploy.json and deploy.md")
    thirteen = commands.add_parser("fit-times", help="fits of many sizes beside a random forest's")
    thirteen.add_argument("--tasks", nargs="+", choices=fit_times.TASKS, default=fit_times.TASKS)
    thirteen.add_argument("--cache", type=Path, metavar="FILE", help="keeps finished tables")
    thirteen.add_argument("--folder", type=Path, help="for fit-times.json and fit-times.md")
    fourteen = commands.add_parser("cores", help="default fits with several threads")
    fourteen.add_argument("--rounds", type=int, help=f"default: {cores.ROUNDS}, or 1 with --quick")
    fourteen.add_argument("--folder", type=Path, help="for cores.json and cores.md")
    sixteen = commands.add_parser("search", help="what random searches gain over the defaults")
    search.add_options(sixteen)
    for command in (one, two, three, four, six, seven, thirteen, fourteen, sixteen):
        command.add_argument("--quick", action="store_true", help="very little work, as a trial")
    five = commands.add_parser("gather", help="write folders of public tables for `accuracy`")
    five.add_argument("folder", type=Path, help="older tables in it are replaced")
    eight = commands.add_parser("fuzz", help="load damaged model files: nothing else may happen")
    eight.add_argument("--files", type=int, default=fuzz.FILES, help="default: %(default)s")
    eight.add_argument("--folder", type=Path, help="where to keep files that are not refused well")
    eight.add_argument("--report", type=Path, metavar="FILE", help="is written every few seconds")
    nine = commands.add_parser("kill", help="kill -9 and a full disk while a model is saved")
    nine.add_argument("--times", type=int, default=kill.TIMES, help="default: %(default)s")
    for command in (eight, nine):
        command.add_argument("--models", type=Path, default=fuzz.MODELS, help="default: of tests")
    ten = commands.add_parser("peers", help="what each library offers: one program for each need")
    ten.add_argument("--only", type=needs_of, metavar="NEED,...", help=", ".join(peers.NEEDS))
    ten.add_argument("--folder", type=Path, help="for peers.json and peers.md")
    eleven = commands.add_parser("picture", help="draw the picture of the README")
    eleven.add_argument("--folder", type=Path, default=picture.FOLDER, help="default: %(default)s")
    twelve = commands.add_parser("readme", help="write the figures of these pages into the README")
    twelve.add_argument("--file", type=Path, default=readme.FILE, help="default: %(default)s")
    fifteen = commands.add_parser("wins", help="where the default wins and loses: a page")
    fifteen.add_argument(
        "--results", type=Path, default=FOLDER, metavar="FOLDER", help="JSON files of `accuracy`"
    )
    fifteen.add_argument("--markdown", type=Path, default=FOLDER / "wins.md", metavar="FILE")
    commands.add_parser("fashion-mnist", help="a first course's lesson, beside plain Keras")
    return whole


COMMANDS = {
    "speed": run_speed,
    "memory": run_memory,
    "sizes": run_sizes,
    "sparse": run_sparse,
    "cores": run_cores,
    "deploy": run_deploy,
    "fit-times": run_fit_times,
    "accuracy": run_accuracy,
    "wins": run_wins,
    "gather": run_gather,
    "fuzz": run_fuzz,
    "kill": run_kill,
    "peers": run_peers,
    "picture": run_picture,
    "readme": run_readme,
    "search": run_search,
    "fashion-mnist": run_fashion_mnist,
}


def main(words: list[str] | None = None) -> None:
    """Run one of the commands; `speed` where none is named."""
    words = sys.argv[1:] if words is None else words
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words = ["speed", *words]
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # Keras's and SciKeras's own start is loud
    arguments = parser().parse_args(words)
    COMMANDS[arguments.command](arguments)


if __name__ == "__main__":
    main()
