"""The formula that a network computes, checked against it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, final

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from ascribe.errors import InputError, need
from ascribe.kan.structure import Network
from ascribe.kan.symbolic.compose import compose
from ascribe.kan.symbolic.evaluate import evaluate
from ascribe.kan.symbolic.gather import gathered
from ascribe.kan.symbolic.graph import inner_first, size
from ascribe.kan.symbolic.library import LIBRARY
from ascribe.kan.symbolic.plain import plain, rounded
from ascribe.kan.symbolic.sample import Normalizer, Sample, largest, means_and_deviations
from ascribe.kan.symbolic.snap import snap
from ascribe.kan.symbolic.source import python_source, pytorch_source

# Numbers and names that are shown unasked; that are written out when they are asked for, in some seconds.
_SHOWN, _WRITTEN = 500, 20_000
# Shares of a sum that are tried as rounding errors: these powers of the network's precision.
_ROUNDINGS = (0.6, 0.8)


@final
@dataclass(frozen=True)
class Formula:
    """One sympy expression an output, in the variables of the columns.

    It unpacks, as in pykan, into the list of expressions and the list of variables. `check` is the largest difference
    between the formula and the network on the data it was read with; None where there was none.
    """

    expressions: tuple[Any, ...]
    variables: tuple[Any, ...]
    check: float | None = None

    def __iter__(self) -> Iterator[list[Any]]:
        return iter((list(self.expressions), list(self.variables)))

    def __getitem__(self, place: int) -> list[Any]:
        return list(self)[place]

    def __call__(self, x: Float[Tensor, "*batch columns"]) -> Float[Tensor, "*batch outputs"]:
        """The formula at rows of data, by torch; NaN where it is not real.

        Raises InputError for a wrong number of columns, and for what is no tensor.
        """
        if not isinstance(x, Tensor):  # pyright: ignore[reportUnnecessaryIsInstance] - users' values
            raise InputError(
                f"x has type {type(x).__name__}; pass a tensor, or call the function that python() writes."
            )
        if x.ndim == 0 or x.shape[-1] != len(self.variables):
            raise InputError(f"x has shape {tuple(x.shape)}, but the formula takes (*, {len(self.variables)}) columns.")
        values = {variable.name: column for variable, column in zip(self.variables, x.unbind(-1), strict=True)}
        functions = {name: function.torch for name, function in LIBRARY.items()}
        return torch.stack([evaluate(expr, values, functions).expand(x.shape[:-1]) for expr in self.expressions], -1)

    def round(self, digits: int) -> Formula:
        """With numbers of so many significant digits, and no check."""
        return Formula(tuple(rounded(expr, digits) for expr in self.expressions), self.variables)

    def snapped(self, x: Float[Tensor, "n columns"], y: Float[Tensor, "n outputs"]) -> Formula:
        """With constants fitted to y and made exact wherever the data allow it (see `snap`); `check` is against y.

        Raises InputError where the formula is not real on x, for one in pieces, and for y of another shape.
        """
        if y.shape != (len(x), len(self.expressions)):
            raise InputError(
                f"y has shape {tuple(y.shape)}; for {len(x)} rows of x and {len(self.expressions)} outputs pass"
                f" {(len(x), len(self.expressions))}."
            )
        if self.in_pieces:
            raise InputError(
                "the formula has edges in pieces, whose constants are not those of a law; call fix_symbolic or"
                " auto_symbolic first."
            )
        found = [snap(each, self.variables, x, y[:, n]).expression for n, each in enumerate(self.expressions)]
        exact = Formula(tuple(found), self.variables)
        return replace(exact, check=float((exact(x.detach().double()) - y.detach()).abs().max()))

    def text(self, digits: int | None = None) -> str:
        """One line an output, as sympy writes it; a name that is no word stands in back quotes.

        Raises InputError, as `latex` does, for a formula that nobody could read: above 20,000 numbers and names.
        """
        shown = self if digits is None else self.round(digits)
        return "\n".join(map(plain, shown._written()))

    def latex(self, digits: int | None = None) -> str:
        """One line an output, in LaTeX; a name that is no word stands as text."""
        sympy = need("sympy", extra="pykan")
        shown = self if digits is None else self.round(digits)
        names = {v: f"\\text{{{_escaped(v.name)}}}" for v in self.variables if not v.name.isidentifier()}
        return "\n".join(sympy.latex(each, symbol_names=names, full_prec=False) for each in shown._written())

    def python(self, name: str = "formula") -> str:
        """The source of a function of numpy arrays, one argument a variable."""
        return python_source(self.expressions, self.variables, name)

    def pytorch(self, name: str = "Formula") -> str:
        """The source of an nn.Module from (*, columns) to (*, outputs), its numbers written out."""
        return pytorch_source(self.expressions, self.variables, name)

    def _written(self) -> tuple[Any, ...]:
        """The expressions, where they may be written out: shared parts then stand as often as they are used."""
        if self.size > _WRITTEN:
            raise InputError(
                f"written out, the formula has {self.size:,} numbers and names; python() and pytorch() write once what"
                " stands several times. For a shorter one prune, fix edges by auto_symbolic, or look at edge_formula."
            )
        return self.expressions

    @cached_property
    def size(self) -> int:
        """How many numbers, names and operations there are, written out."""
        return size(self.expressions)

    @cached_property
    def in_pieces(self) -> bool:
        """Whether edges come in one expression a cell."""
        return any(part.is_Piecewise for part in inner_first(self.expressions))

    def __repr__(self) -> str:
        checked = "not checked" if self.check is None else f"differs by {self.check:.2e} at most"
        if self.size > _SHOWN:
            return f"Formula({self.size:,} numbers and names, too many to show; {checked})"
        return f"Formula({', '.join(self.text(digits=4).splitlines())}; {checked})"

    def _repr_latex_(self) -> str | None:
        """For notebooks, which show the words of `repr` where there is none."""
        if self.size > _SHOWN:
            return None
        return f"$\\displaystyle {self.latex(digits=4)}$".replace("\n", "$\n\n$\\displaystyle ")


def symbolic_formula(
    kan: Network,
    var: Sequence[Any] | None = None,
    normalizer: Normalizer | None = None,
    output_normalizer: Normalizer | None = None,
    x: Tensor | None = None,
    digits: int | None = None,
    splines: Literal["error", "piecewise"] = "error",
) -> Formula:
    """What the network computes, as sympy expressions: it unpacks as pykan's ([expression an output], [variables]).

    `var` names the columns (texts or symbols); without it they are the network's own names, or x_1, x_2, ... .
    `normalizer=[mean, std]` writes (column - mean)/std for every column, `output_normalizer` gives outputs times std
    plus mean. On the training data, or on x (as the network takes it, normalized), the formula is compared with the
    network: see `check`. There, terms go whose loss no row shows beyond what the network itself rounds: its largest
    error on the data, and some 64 roundings of the row's own output and of the median one. That is little in float64,
    and 1e-5 of them in float32; `check` counts it. Such a term may matter on other data: without data all stay.
    `digits` rounds the numbers, and the comparison is of the rounded ones.
    Edges of other families than splines come in their closed form between the ends of their grids, and in the lines
    that they are outside: sums of waves, polynomials, quotients (see docs/layers.md). With `splines="piecewise"` so do
    B-splines, as one polynomial a cell. It is exact, and long: a node's formula stands in every term of the next edge.
    Raises InputError where an edge is a spline (and names it), or for names and normalizers that do not fit.

    >>> from ascribe.kan.network import KAN
    >>> kan = KAN([2, 1])
    >>> kan.fix(0, 0, 0, "sin", (2, 0, 3, 1)); kan.fix(0, 1, 0, "x^2", (1, 0, 1, 0))
    >>> (expression,), variables = symbolic_formula(kan)
    >>> expression, variables
    (x_2**2 + 3*sin(2*x_1) + 1, [x_1, x_2])
    """
    formula = composed(kan, var, normalizer, output_normalizer, splines)
    if x is None and not kan.has_data:
        return formula if digits is None else formula.round(digits)
    sample = Sample.of(kan, kan.data(x), normalizer, output_normalizer)
    formula, differences = _plain(formula, sample)
    if digits is not None:
        formula = formula.round(digits)
        differences = sample.differences(formula)
    return replace(formula, check=float(largest(differences).max()))


def composed(
    kan: Network,
    var: Sequence[Any] | None = None,
    normalizer: Normalizer | None = None,
    output_normalizer: Normalizer | None = None,
    splines: Literal["error", "piecewise"] = "error",
) -> Formula:
    """The formula as the network's edges and nodes give it, compared with nothing; the arguments of
    `symbolic_formula`."""
    sympy = need("sympy", extra="pykan")
    variables = _variables(kan, var)
    columns = [v if isinstance(v, sympy.Symbol) else sympy.Symbol(str(v)) for v in variables]
    inputs = columns
    if normalizer is not None:
        mean, std = means_and_deviations(normalizer, len(columns), "normalizer")
        inputs = [(v - m) / s for v, m, s in zip(columns, mean, std, strict=True)]
    outputs = compose(kan, [inputs[i] for i in kan.input_id.tolist()], splines)
    if output_normalizer is not None:
        mean, std = means_and_deviations(output_normalizer, len(outputs), "output_normalizer")
        outputs = [out * sympy.Float(s) + sympy.Float(m) for out, m, s in zip(outputs, mean, std, strict=True)]
    return Formula(tuple(outputs), tuple(columns))


def _plain(formula: Formula, sample: Sample) -> tuple[Formula, Float64[Tensor, "n outputs"]]:
    """The formula gathered, where the sample shows that only rounding errors go; and its differences there."""
    differences = sample.differences(formula)
    if formula.size > _WRITTEN // 10 or formula.in_pieces:
        return formula, differences
    # A row whose output is small shows terms that are nothing beside the output of another row; one without a number
    # shows nothing of the others.
    nowhere = differences.isinf()
    bound = (largest(differences.masked_fill(nowhere, 0.0)) + sample.rounding).masked_fill(nowhere, torch.inf)
    for power in _ROUNDINGS:
        share = sample.precision**power
        found = Formula(tuple(gathered(each, share) for each in formula.expressions), formula.variables)
        if found.size <= formula.size:
            after = sample.differences(found)
            if bool((after <= bound).all()):
                return found, after
    return formula, differences


_LATEX = {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    **{each: f"\\{each}" for each in "_%&#${}"},
}


def _escaped(name: str) -> str:
    """As LaTeX writes a text, in one line."""
    return " ".join("".join(_LATEX.get(letter, letter) for letter in name).split())


def _variables(kan: Network, var: Sequence[Any] | None) -> list[Any]:
    given = var if var is not None else kan.names or [f"x_{i + 1}" for i in range(kan.columns)]
    if len(given) != kan.columns or len(set(map(str, given))) != len(given):
        raise InputError(
            f"{list(given)!r} does not name {kan.columns} columns, each once; pass var with one name a column."
        )
    return list(given)
