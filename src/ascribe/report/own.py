"""A network that the user brings: what its outputs are, and whether it fits the table."""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from ascribe.errors import InputError
from ascribe.report.explained import Explained, outputs, target_units
from ascribe.report.prepare import Data
from ascribe.report.program import Program
from ascribe.report.program_file import read_program


class Outputs(nn.Module):
    """A program whose outputs are (rows, 1), or (rows, classes) for more than two classes.

    Of two classes the second is kept: its probability, or its logit less the first one's.
    """

    def __init__(self, program: Program, two: bool, likely: bool) -> None:
        super().__init__()
        self.program, self.two, self.likely = program, two, likely

    def forward(self, x: Float[Tensor, "rows columns"]) -> Float[Tensor, "rows outputs"]:
        output = self.program(x)
        output = output[:, None] if output.ndim == 1 else output
        if not self.two or output.shape[1] == 1:
            return output
        return output[:, 1:] if self.likely else output[:, 1:] - output[:, :1]


def own_network(path: Path, data: Data) -> Explained:
    """The network in a `.pt2` file, with what it gives made out.

    Raises FileError for a file that holds none, InputError where it does not fit the table.
    """
    program = read_program(path)
    width, classes = data.features.shape[1], data.target.classes
    if program.columns != width:
        raise InputError(
            f"{path.name} takes {program.columns} columns, but the table has {width} beside the target: "
            f"{', '.join(data.encoder.features[:12])}; leave some out with --drop."
        )
    try:
        output = outputs(program, data.features)
    except (RuntimeError, TypeError, ValueError, LookupError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path.name} does not run on {len(data.features)} rows of the table: {reason}") from error
    check_outputs(output, path.name, data)
    likely = bool(classes) and are_probabilities(output.reshape(len(output), -1))
    note = target_units(data.target.name, classes)
    if likely:
        note = f"in probability of {classes[1]}" if len(classes) == 2 else "in probability of the predicted class"
    weights = {name: tensor.clone() for name, tensor in program.tensors().items()}
    return Explained(
        path.stem,
        Outputs(program, len(classes) == 2, likely).eval(),
        note,
        likely=likely,
        weights=weights,
        notes=(f"If {path.name} was trained on rows of this table, its test figures flatter it.",),
    )


def check_outputs(output: Tensor, name: str, data: Data) -> None:
    """Raises InputError where the outputs cannot be the target."""
    classes = data.target.classes
    if not bool(torch.isfinite(output).all()):
        raise InputError(f"{name} gives NaN or infinity on this table; look at its columns' order and units.")
    count = output.shape[1] if output.ndim == 2 else 1
    wanted = {1, 2} if len(classes) == 2 else {len(classes) or 1}
    if output.ndim > 2 or count not in wanted:
        needed = f"one logit for each of the {len(classes)} classes" if classes else "one number a row"
        raise InputError(
            f"{name} gives {tuple(output.shape[1:])} outputs a row, but the target {data.target.name!r} needs {needed}."
        )


def are_probabilities(output: Float[Tensor, "rows outputs"]) -> bool:
    """Whether outputs lie in [0, 1] and, where there are several, sum to 1."""
    within = bool(((output >= 0) & (output <= 1)).all())
    return within and (output.shape[1] == 1 or bool(((output.sum(1) - 1).abs() < 1e-4).all()))
