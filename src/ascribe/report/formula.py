"""The network as a formula: every curve as the named function nearest to it, in the units of the table."""

from __future__ import annotations

import copy
import time
import warnings
from dataclasses import replace

import torch

from ascribe.errors import PoorFormulaWarning
from ascribe.kan.symbolic.auto import auto_symbolic
from ascribe.kan.symbolic.formula import symbolic_formula
from ascribe.report.explained import Explained, tensor
from ascribe.report.mathematics import mathematics
from ascribe.report.prepare import Data
from ascribe.report.standardized import Standardized
from ascribe.report.study import Written
from ascribe.report.yardsticks import yardstick

# A longer formula is not read by anyone.
MOST_EDGES = 40
# Functions that most readers know, and that are finite wherever a new row may lie.
FUNCTIONS = ("x", "x^2", "x^3", "exp", "sin", "tanh", "abs", "gaussian")
# Rows that the functions are fitted to.
ROWS = 1000
DIGITS = 4


def as_formula(found: Explained, data: Data) -> Written | None:
    """The formula; None where the network is not one of ours, has too many edges, or two columns of one name.

    It approximates the network, whose outputs on the training rows it is fitted to: the truth is not looked at again.
    """
    network = found.network
    names = list(data.encoder.features)
    if not isinstance(network, Standardized) or network.kan.n_edge > MOST_EDGES or len(set(names)) < len(names):
        return None
    started = time.perf_counter()
    symbolic = copy.deepcopy(network)
    rows = tensor(data.features[data.parts.training])
    with torch.no_grad():
        symbolic.kan.remember(network.inward(rows[:: -(-len(rows) // ROWS)]))
    with warnings.catch_warnings():
        # The page shows how well the formula does.
        warnings.simplefilter("ignore", PoorFormulaWarning)
        auto_symbolic(symbolic.kan, lib=FUNCTIONS, verbose=0)
    normalizer = [symbolic.mean.tolist(), symbolic.scale.tolist()]
    outputs = symbolic.kan.nodes(symbolic.kan.depth)
    output_normalizer = [[float(symbolic.out_mean)] * outputs, [float(symbolic.out_scale)] * outputs]
    formula = symbolic_formula(symbolic.kan, names, normalizer, output_normalizer, digits=DIGITS)
    seconds = time.perf_counter() - started
    model = replace(found, name="its formula", network=symbolic.eval(), seconds=seconds)
    called = _called(data)
    lines = tuple(f"{name} = {line}" for name, line in zip(called, formula.text().splitlines(), strict=True))
    drawn = tuple(
        mathematics(name, expression, formula.variables)
        for name, expression in zip(called, formula.expressions, strict=True)
    )
    return Written(lines, drawn, formula.latex() + "\n", formula.python(), yardstick(model, data))


def _called(data: Data) -> tuple[str, ...]:
    """What the page calls each output."""
    classes = data.target.classes
    if not classes:
        return (data.target.name,)
    if len(classes) == 2:
        return (f"log-odds of {classes[1]}",)
    return tuple(f"logit of {c}" for c in classes)
