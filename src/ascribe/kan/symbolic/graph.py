"""An expression as a graph: what stands in it several times is looked at once, however long it is written out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from ascribe.errors import need
from ascribe.maths.closed_form import piecewise


def inner_first(expressions: Iterable[Any]) -> dict[Any, int]:
    """Every distinct part after all that it is made of, and how many places of other parts it takes."""
    uses: Counter[Any] = Counter()
    done: dict[Any, None] = {}
    waiting = [*expressions]
    uses.update(waiting)
    while waiting:
        part = waiting[-1]
        missing = [] if part in done else [other for other in part.args if other not in done]
        waiting.extend(missing)
        if not missing:
            waiting.pop()
            if part not in done:
                done[part] = None
                uses.update(part.args)
    return {part: uses[part] for part in done}


def size(expressions: Iterable[Any]) -> int:
    """How many numbers, names and operations stand in the expressions when they are written out.

    >>> import sympy
    >>> x = sympy.Symbol("x"); size([x + 1]), size([sympy.sin(x + 1) * (x + 1)])
    (3, 8)
    """
    expressions = list(expressions)
    sizes: dict[Any, int] = {}
    for part in inner_first(expressions):
        sizes[part] = 1 + sum(sizes[other] for other in part.args)
    return sum(sizes[each] for each in expressions)


def replaced(expression: Any, leaf: Callable[[Any], Any]) -> Any:
    """The expression with every number and name put through `leaf`; its pieces and their conditions stay as they are.

    >>> import sympy
    >>> x = sympy.Symbol("x"); replaced(sympy.sin(x) + x**2, lambda part: sympy.Integer(3) if part is x else part)
    sin(3) + 9
    """
    sympy = need("sympy", extra="pykan")
    new: dict[Any, Any] = {}
    for part in inner_first([expression]):
        args = [new[other] for other in part.args]
        if not args:
            new[part] = leaf(part)
        elif all(a is b for a, b in zip(args, part.args, strict=True)):
            new[part] = part
        elif part.is_Piecewise:
            new[part] = piecewise(pair.args for pair in args)
        elif part.is_Relational:
            new[part] = part.func(*args, evaluate=False)
        elif isinstance(part, sympy.functions.elementary.piecewise.ExprCondPair):
            new[part] = sympy.Tuple(*args)
        else:
            new[part] = part.func(*args)
    return new[expression]
