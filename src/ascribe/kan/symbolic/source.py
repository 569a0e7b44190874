"""Formulas as the source of a function of numpy arrays, and of a torch module.

Every name in the source is made here or is a plain identifier, so that no text of a user's ends up as code.
"""

from __future__ import annotations

import keyword
from collections.abc import Sequence
from typing import Any

from ascribe.errors import InputError
from ascribe.kan.symbolic.graph import inner_first

# sympy's name: what numpy and torch call it, with {} for the argument; where only one text stands it is both's.
_CALLS: dict[str, tuple[str, ...]] = {
    **{
        name: (f"{{m}}.{name}({{}})",)
        for name in ("exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "sign", "floor")
    },
    **{
        f"a{name}": (f"numpy.arc{name}({{}})", f"torch.a{name}({{}})")
        for name in ("sin", "cos", "tan", "sinh", "cosh", "tanh")
    },
    "Abs": ("{m}.abs({})",),
    "ceiling": ("{m}.ceil({})",),
    "sec": ("(1/{m}.cos({}))",),
    "csc": ("(1/{m}.sin({}))",),
    "cot": ("(1/{m}.tan({}))",),
    "sech": ("(1/{m}.cosh({}))",),
    "csch": ("(1/{m}.sinh({}))",),
    "coth": ("(1/{m}.tanh({}))",),
    "erf": ("numpy.vectorize(math.erf)({})", "torch.erf({})"),
    "erfc": ("numpy.vectorize(math.erfc)({})", "torch.erfc({})"),
}
_PAIRS = {"Max": "maximum", "Min": "minimum", "And": "logical_and", "Or": "logical_or", "atan2": "arctan2"}
_RELATIONS = {
    "StrictGreaterThan": ">",
    "GreaterThan": ">=",
    "StrictLessThan": "<",
    "LessThan": "<=",
    "Equality": "==",
    "Unequality": "!=",
}


def python_source(expressions: Sequence[Any], variables: Sequence[Any], name: str) -> str:
    """A function of one array a variable; of several outputs it returns the tuple.

    Raises InputError for a function that numpy does not have.

    >>> import sympy
    >>> x = sympy.Symbol("x")
    >>> print(python_source([sympy.exp(x) / 3], [x], "third"))
    import math
    <BLANKLINE>
    import numpy
    <BLANKLINE>
    <BLANKLINE>
    def third(x):
        return numpy.exp(x)/3
    <BLANKLINE>
    """
    arguments = _identifiers(variables)
    lines, results = _Writer("numpy", arguments).body(expressions)
    body = "".join(f"    {line}\n" for line in [*_renamed(arguments), *lines, f"return {', '.join(results)}"])
    return (
        f"import math\n\nimport numpy\n\n\ndef {_identifier(name, 'formula')}({', '.join(arguments.values())}):\n{body}"
    )


def pytorch_source(expressions: Sequence[Any], variables: Sequence[Any], name: str) -> str:
    """An nn.Module from (*, variables) to (*, expressions).

    Raises InputError for a function that torch does not have.
    """
    arguments = _identifiers(variables)
    lines, results = _Writer("torch", arguments).body(expressions)
    names = ", ".join(arguments.values())
    body = [
        *_renamed(arguments),
        f"{names}{',' if len(arguments) == 1 else ''} = inputs.unbind(-1)",
        *lines,
        f"outputs = ({', '.join(f'inputs.new_zeros(inputs.shape[:-1]) + {result}' for result in results)},)",
        "return torch.stack(outputs, -1)",
    ]
    inner = "".join(f"        {line}\n" for line in body)
    return (
        "import math\n\nimport torch\n\n\n"
        f"class {_identifier(name, 'Formula')}(torch.nn.Module):\n    def forward(self, inputs):\n{inner}"
    )


def _renamed(arguments: dict[str, str]) -> list[str]:
    """Comments that say which column an argument is, where it could not keep the column's name."""
    # What ascii() writes has no line break and no letter that could end the comment.
    return [f"# {own}: {name!a}" for name, own in arguments.items() if own != name]


def _identifier(name: str, otherwise: str) -> str:
    return name if name.isidentifier() and not keyword.iskeyword(name) else otherwise


def _identifiers(variables: Sequence[Any]) -> dict[str, str]:
    """A plain, distinct name for every variable: its own where it can be."""
    taken = {"inputs", "math", "numpy", "torch", "outputs", "self"}
    found: dict[str, str] = {}
    for place, variable in enumerate(variables):
        wanted = _identifier(variable.name, f"x_{place + 1}")
        if wanted.startswith("_") or wanted in taken or wanted in found.values():
            wanted = f"x_{place + 1}"
        while wanted in found.values():
            wanted += "_"
        found[variable.name] = wanted
    return found


def _is_work(part: Any) -> bool:
    """Whether it pays to keep a part: not a number, a name, or a name with a minus."""
    return part.is_Function or (
        (part.is_Add or part.is_Mul or part.is_Pow) and not part.is_number and not (-part).is_Symbol
    )


class _Writer:
    """Expressions in the words of one library."""

    def __init__(self, library: str, names: dict[str, str]) -> None:
        self.library, self.names = library, names
        self.parts: dict[Any, str] = {}
        self.lines: list[str] = []
        self.place = 0 if library == "numpy" else 1

    def body(self, expressions: Sequence[Any]) -> tuple[list[str], list[str]]:
        """What stands several times, or comes in pieces, gets lines of its own; and the results."""
        for part, places in inner_first(expressions).items():
            if part.is_Piecewise:
                self._choose(part)
            elif places > 1 and _is_work(part):
                line = self.write(part)
                self.lines.append(f"{self._called(part)} = {line}")
        return self.lines, [self.write(result) for result in expressions]

    def _called(self, part: Any) -> str:
        """A name for a part, which stands for it from now on."""
        name = f"part_{len(self.parts) + 1}"
        while name in self.names.values():
            name += "_"
        self.parts[part] = name
        return name

    def _choose(self, part: Any) -> None:
        """A line a piece, the last one first, as each is taken over those before it."""
        written = [(self.write(value), self.write(condition)) for value, condition in part.args]
        name = self._called(part)
        # In torch the inputs bring the dtype, should all pieces be plain numbers.
        none, any_value = (
            ("numpy.nan", "{}") if self.place == 0 else ("inputs.new_tensor(math.nan)", "inputs.new_zeros(()) + {}")
        )
        before = none
        for value, condition in reversed(written):
            line = (
                any_value.format(value)
                if condition == "True"
                else f"{self.library}.where({condition}, {value}, {before})"
            )
            self.lines.append(f"{name} = {line}")
            before = name

    def write(self, part: Any) -> str:
        name, args = part.func.__name__, part.args
        if part in self.parts:
            return self.parts[part]
        if part.is_Symbol:
            return self.names[part.name]
        if name in ("BooleanTrue", "BooleanFalse"):
            return str(bool(part))
        if getattr(part, "is_number", False):
            return self._number(part)
        if name == "Add":
            return " + ".join(self.write(a) for a in part.as_ordered_terms()).replace("+ -", "- ")
        if name == "Mul":
            return self._product(part)
        if name == "Pow":
            return self._power(*args)
        if name in _CALLS:
            call = _CALLS[name][min(self.place, len(_CALLS[name]) - 1)]
            return call.replace("{m}", self.library).replace("{}", self.write(args[0]))
        if name in _PAIRS:
            return self._pairs(name, [self.write(a) for a in args])
        if name in _RELATIONS:
            return f"({self.write(args[0])} {_RELATIONS[name]} {self.write(args[1])})"
        if name == "ITE":
            return f"{self.library}.where({', '.join(self.write(a) for a in args)})"
        if name == "Heaviside":
            u = self.write(args[0])
            return f"{self.library}.where({u} == 0, {float(args[1])!r}, ({u} > 0) + 0.0)"
        raise InputError(f"{part} holds {name}, for which {self.library} has no function.")

    def _number(self, part: Any) -> str:
        if part.is_Integer:
            return str(int(part))
        if part.is_Rational:
            return f"{int(part.p)}/{int(part.q)}"
        return {"Pi": "math.pi", "Exp1": "math.e", "NaN": "math.nan"}.get(part.func.__name__) or repr(float(part))

    def _product(self, part: Any) -> str:
        above: list[str] = []
        below: list[str] = []
        for factor in part.as_ordered_factors():
            base, exponent = factor.as_base_exp()
            if factor in self.parts:
                above.append(self.parts[factor])
            elif not factor.is_number and exponent.is_Integer and exponent < 0:
                below.append(self._inner(base**-exponent))
            elif factor.is_Rational and not factor.is_Integer:
                above += [str(int(factor.p))] if abs(factor.p) != 1 else []
                above = ["-1", *above] if factor.p == -1 else above
                below.append(str(int(factor.q)))
            else:
                above.append(self._inner(factor))
        text = "*".join(above) or "1"
        text = text.replace("-1*", "-", 1) if text.startswith("-1*") else text
        return text + "".join(f"/{each}" for each in below)

    def _inner(self, part: Any) -> str:
        """As a factor: sums in brackets."""
        text = self.write(part)
        return f"({text})" if part.func.__name__ in ("Add", "Piecewise", "Rational") else text

    def _power(self, base: Any, exponent: Any) -> str:
        half = exponent.is_Rational and abs(exponent.p) == 1 and exponent.q == 2
        if half:
            root = f"{self.library}.sqrt({self.write(base)})"
            return root if exponent.p == 1 else f"(1/{root})"
        low = self.write(base)
        low = (
            low
            if low.isidentifier() or (base.is_Function and low.startswith(self.library) and low.endswith(")"))
            else f"({low})"
        )
        if exponent == -1:
            return f"(1/{low})"
        if base.is_number and self.library == "torch":
            return f"torch.pow({self.write(base)}, {self.write(exponent)})"
        high = self.write(exponent)
        return f"{low}**{high}" if exponent.is_Integer and exponent > 0 else f"{low}**({high})"

    def _pairs(self, name: str, written: list[str]) -> str:
        call = "atan2" if name == "atan2" and self.library == "torch" else _PAIRS[name]
        total = written[0]
        for each in written[1:]:
            if self.library == "torch":
                # torch takes tensors only; the inputs are at hand, and gives the dtype.
                total, each = (f"torch.as_tensor({t}, dtype=inputs.dtype, device=inputs.device)" for t in (total, each))
            total = f"{self.library}.{call}({total}, {each})"
        return total
