"""Reading a `torch.export` program as data: JSON and raw numbers, never a pickle, never generated code.

`torch.export.load` unpickles sample inputs and constants, evaluates text found in the file and may load compiled
libraries from it, so a file from elsewhere could run anything. Here a program is a list of calls, each to an operator
of torch's own ATen library or to plain arithmetic; whatever else a file asks for is refused by name.
"""

from __future__ import annotations

import json
import math
import operator
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ascribe.errors import FileError
from ascribe.report.program import Call, Name, Program

# The numbers of torch.export's schema, which are not those of torch.
DTYPES = {1: torch.uint8, 2: torch.int8, 3: torch.int16, 4: torch.int32, 5: torch.int64, 6: torch.float16,
          7: torch.float32, 8: torch.float64, 12: torch.bool, 13: torch.bfloat16}  # fmt: skip
MEMORY_FORMATS = {1: torch.contiguous_format, 2: torch.channels_last, 4: torch.preserve_format}
ARITHMETIC = {"add", "sub", "mul", "truediv", "floordiv", "mod", "neg", "pow", "abs", "getitem",
              "eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "not_"}  # fmt: skip
# Operators of ATen that read files, write to the console, or draw from the global generator.
REFUSED = re.compile(r"from_file|_print|rand.*|bernoulli.*|normal.*|multinomial|native_dropout")


def read_program(path: Path) -> Program:
    """The network in a file that `torch.export.save` wrote.

    Raises FileError when the file is none, needs more or less than one input, or holds anything but data and calls.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return assemble(Archive(archive, path.name))
    except FileNotFoundError as error:
        raise FileError(f"there is no file {path}; name one that torch.export.save wrote.") from error
    except (zipfile.BadZipFile, IsADirectoryError, LookupError, TypeError, ValueError, AttributeError) as error:
        raise FileError(f"{path.name} is no torch.export program; write one with torch.export.save.") from error


class Archive:
    """The members of a `.pt2` file by their names below its one root folder."""

    def __init__(self, archive: zipfile.ZipFile, name: str) -> None:
        self.archive, self.name = archive, name
        models = [member for member in archive.namelist() if member.endswith("/models/model.json")]
        if len(models) != 1:
            raise FileError(
                f"{name} holds no program that can be read as data; export it with torch 2.8 or later: "
                "torch.export.save(torch.export.export(net, (x,)), 'net.pt2')."
            )
        self.root = models[0].removesuffix("models/model.json")

    def json(self, member: str) -> dict[str, Any]:
        return json.loads(self.archive.read(self.root + member))

    def tensor(self, folder: str, entry: dict[str, Any]) -> Tensor:
        """A tensor from its raw bytes."""
        if entry["use_pickle"]:
            raise FileError(f"{self.name} holds pickled weights, which could run code; they are not read.")
        meta = entry["tensor_meta"]
        raw = bytearray(self.archive.read(f"{self.root}data/{folder}/{entry['path_name']}"))
        sizes, strides = ([size["as_int"] for size in meta[key]] for key in ("sizes", "strides"))
        if not raw:
            return torch.zeros(sizes, dtype=DTYPES[meta["dtype"]])
        flat = torch.frombuffer(raw, dtype=DTYPES[meta["dtype"]])
        return flat.as_strided(sizes, strides, meta["storage_offset"]["as_int"]).clone()


def assemble(archive: Archive) -> Program:
    """The program of an archive."""
    graph_module = archive.json("models/model.json")["graph_module"]
    graph, signature = graph_module["graph"], graph_module["signature"]
    stores = {
        folder: archive.json(f"data/{folder}/model_{folder}_config.json")["config"]
        for folder in ("weights", "constants")
    }
    inputs, tensors = [], {}
    for spec in signature["input_specs"]:
        kind, value = only(spec)
        if kind == "user_input":
            inputs.append(value["arg"])
            continue
        if kind not in ("parameter", "buffer", "tensor_constant"):
            raise FileError(f"{archive.name} has an input of kind {kind}, which is not read; export plain tensors.")
        full = value[f"{kind}_name"]
        folder = "weights" if full in stores["weights"] else "constants"
        tensors[value["arg"]["name"]] = (full, archive.tensor(folder, stores[folder][full]))
    outputs = [value["arg"] for kind, value in map(only, signature["output_specs"]) if kind == "user_output"]
    source, result = single(inputs, "input", archive.name), single(outputs, "output", archive.name)
    calls = [read_call(node, archive.name) for node in graph["nodes"]]
    rows, columns = shape_of(graph["tensor_values"][source], archive.name)
    return Program(calls, tensors, source, result, rows, columns)


def shape_of(meta: dict[str, Any], name: str) -> tuple[int | None, int]:
    """The rows a program was exported for, None for any number, and its columns."""
    sizes, dtype = [size.get("as_int") for size in meta["sizes"]], DTYPES[meta["dtype"]]
    if len(sizes) != 2 or sizes[1] is None or dtype != torch.float32:
        shape = "x".join("any" if size is None else str(size) for size in sizes)
        raise FileError(f"{name} reads {dtype} of shape {shape}; a network for a table reads float32 (rows, columns).")
    return sizes[0], sizes[1]


def single(arguments: list[dict[str, Any]], what: str, name: str) -> str:
    """The name of the one tensor that goes in or comes out."""
    if len(arguments) != 1 or only(arguments[0])[0] != "as_tensor":
        raise FileError(
            f"{name} has {len(arguments)} {what}s, and exactly one tensor is needed: the table's columns go in as one "
            "(rows, columns) tensor; wrap the network so, and export it again."
        )
    return arguments[0]["as_tensor"]["name"]


def only(union: dict[str, Any]) -> tuple[str, Any]:
    """The kind and the value of a tagged union."""
    ((kind, value),) = union.items()
    return kind, value


def read_call(node: dict[str, Any], name: str) -> Call:
    function = resolve(node["target"], name)
    decoded = [(entry["name"], entry.get("kind"), decode(entry["arg"], name)) for entry in node["inputs"]]
    if any(argument in ("training", "train") and value is True for argument, _, value in decoded):
        raise FileError(f"{name} was exported in training mode; call net.eval() and export it again.")
    return Call(
        function,
        tuple(value for _, kind, value in decoded if kind != 2),
        {argument: value for argument, kind, value in decoded if kind == 2},
        tuple(result_names(output) for output in node["outputs"]),
    )


def resolve(target: str, name: str) -> Callable[..., Any]:
    """The function a call names, if it is one that only computes."""
    if match := re.fullmatch(r"torch\.ops\.aten\.(\w+)\.(\w+)", target):
        operation, overload = match.groups()
        if not REFUSED.fullmatch(operation) and hasattr(getattr(torch.ops.aten, operation, None), overload):
            return getattr(getattr(torch.ops.aten, operation), overload)
    elif (match := re.fullmatch(r"_operator\.(\w+)", target)) and match[1] in ARITHMETIC:
        return getattr(operator, match[1])
    elif match := re.fullmatch(r"math\.([a-z]\w*)", target):
        return getattr(math, match[1])
    elif match := re.fullmatch(r"torch\.(sym_\w+)", target):
        return getattr(torch, match[1])
    raise FileError(
        f"{name} calls {target[:80]}, which is not read from a file; use torch's own deterministic operators."
    )


def decode(union: dict[str, Any], name: str) -> Any:
    """An argument: a plain value, or the name of an earlier result."""
    kind, value = only(union)
    if kind not in DECODERS:
        raise FileError(f"{name} passes an argument of kind {kind}, which is not read; use plain tensors and numbers.")
    return DECODERS[kind](value)


def reference(value: Any) -> Any:
    """A tensor's or a symbolic number's name; or a number that is known, or None."""
    kind, inner = next(iter(value.items()))
    if kind == "as_tensor":
        return Name(inner["name"])
    return None if kind == "as_none" else Name(inner) if kind in ("name", "as_name") else inner


def references(values: list[Any]) -> list[Any]:
    return [reference(value) for value in values]


def same(value: Any) -> Any:
    return value


DECODERS: dict[str, Callable[[Any], Any]] = {
    "as_none": lambda value: None,
    "as_float": float,  # infinities and NaN come as text
    "as_floats": lambda values: [float(value) for value in values],
    "as_scalar_type": DTYPES.__getitem__,
    "as_memory_format": MEMORY_FORMATS.__getitem__,
    "as_layout": lambda value: {7: torch.strided}[value],
    "as_device": lambda value: torch.device("cpu"),
    **dict.fromkeys(("as_int", "as_ints", "as_bool", "as_bools", "as_string"), same),
    **dict.fromkeys(("as_tensor", "as_optional_tensor", "as_sym_int", "as_sym_bool", "as_sym_float"), reference),
    **dict.fromkeys(("as_tensors", "as_optional_tensors", "as_sym_ints", "as_sym_bools", "as_sym_floats"), references),
}


def result_names(output: dict[str, Any]) -> Any:
    """The name under which a result is kept; a tuple for a list of results, None for one that nobody uses."""
    kind, value = only(output)
    if kind == "as_tensors":
        return tuple(item["name"] for item in value)
    name = reference(output if kind == "as_tensor" else value) if isinstance(value, dict) else None
    return name.name if isinstance(name, Name) else None
