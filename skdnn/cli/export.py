"""The arguments, the manual and the steps of the command `skdnn export`."""

import argparse
import sys
from typing import Any

from skdnn._utils.text import Column, align, encodable, fit_columns, terminal_width, wrapped
from skdnn.cli.errors import CommandError, one_line, say
from skdnn.cli.model_files import check_folder, check_standard_output, model_path, size_of
from skdnn.cli.sources import STDIN

DESCRIPTION = """\
Write a model as ONNX, which programs in many languages run without Python.
Imputation, scaling and categories are part of the file.
"""

MANUAL = """\
the output:
  OUT.onnx must end in .onnx, or be - for standard output. An existing file is
  replaced, but only when the new one is complete. The command prints the inputs
  and outputs of the ONNX graph.

  A model of a table with column names has one input for each column, of shape
  (rows, 1). Any other model has one input, X. A classifier has the outputs
  label and probabilities. A regressor has the output variable. Any number of
  rows can be predicted at once. 'skdnn info' shows the order of the classes.

  Needs the extra onnx: pip install ".[onnx]" in a checkout of skdnn

examples:
  skdnn export houses.skdnn houses.onnx
  skdnn train iris -o - | skdnn export - iris.onnx

exit status:
  0 done, 2 bad input, 130 stopped by Ctrl-C
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `skdnn export` to a parser."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a .skdnn file, or - for standard input")
    add("output", metavar="OUT.onnx", help="the file to write, or - for standard output")


def run(args: argparse.Namespace) -> None:
    """Write a model as ONNX, and print its inputs and outputs."""
    if args.output == STDIN:
        check_standard_output()
    else:
        if not args.output.lower().endswith(".onnx"):
            raise CommandError(f"{args.output} must end in .onnx, or be -")
        check_folder(args.output, "OUT.onnx")
    graph = _graph(args.model)
    content = graph.SerializeToString()
    if args.output == STDIN:
        say(_about(graph))
        sys.stdout.buffer.write(content)
        return
    from skdnn.persistence.atomic_write import write_atomically

    try:
        write_atomically(args.output, content)
    except OSError as error:
        text = error.strerror or one_line(error)
        raise CommandError(f"cannot write {args.output}: {text}") from error
    saved = f"Wrote {args.output} ({size_of(args.output)}), opset {_opset(graph)}."
    print("\n".join([_about(graph), "", *wrapped(saved)]))  # noqa: T201 - the command prints


def _graph(model: str) -> Any:
    try:
        import onnx  # noqa: F401
    except ImportError as error:
        raise CommandError(
            'export needs onnx, the extra onnx: pip install ".[onnx]" in a checkout of skdnn'
        ) from error
    from skdnn import to_onnx
    from skdnn.persistence.load import load

    with model_path(model) as path:
        estimator = load(path)
    try:
        return to_onnx(estimator)
    except (TypeError, ValueError) as error:
        raise CommandError(f"{model}: {one_line(error)}") from error


def _opset(graph: Any) -> str:
    return ", ".join(f"{entry.domain} {entry.version}".strip() for entry in graph.opset_import)


def _about(graph: Any) -> str:
    """Return a table of the inputs and outputs of a graph."""
    rows = [("input", value) for value in graph.graph.input]
    rows += [("output", value) for value in graph.graph.output]
    columns = [
        Column("ONNX", [kind for kind, _ in rows], left=True),
        Column("name", [value.name for _, value in rows], left=True),
        Column("type", [_type(value) for _, value in rows], left=True, rank=1),
        Column("shape", [_shape(value) for _, value in rows], left=True, rank=2),
    ]
    return encodable("\n".join(align(fit_columns(columns, terminal_width()))))


def _type(value: Any) -> str:
    import onnx

    name: str = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
    return name.lower()


def _shape(value: Any) -> str:
    sizes = value.type.tensor_type.shape.dim
    return " x ".join(str(s.dim_value) if s.HasField("dim_value") else "rows" for s in sizes)
