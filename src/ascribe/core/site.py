"""The places in a network that `z` takes: values at cuts, and inputs beside them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import final

from jaxtyping import Float, Int, Shaped
from torch import Tensor

from ascribe.core.before import Before
from ascribe.core.cut import Cut
from ascribe.core.inputs import Inputs
from ascribe.core.kinds import TensorKind


@final
@dataclass(frozen=True)
class Site:
    """Part k of `z` is put at `cuts[k]`, or where there is no cut given to the model as input k.

    What is `before` the cuts does not run again.
    """

    form: Inputs
    cuts: tuple[Cut | None, ...]
    before: Before

    @classmethod
    def of(cls, cuts: Sequence[Cut | None], values: Sequence[Float[Tensor, "rows *_"]], before: Before) -> Site:
        """The site where these values were found."""
        keys = None if len(cuts) == 1 else tuple(range(len(cuts)))
        return cls(Inputs(keys, tuple(TensorKind(value[:0]) for value in values), tuple(values)), tuple(cuts), before)

    @contextmanager
    def holding(
        self, z: Float[Tensor, "n *shape"], parts: Sequence[Shaped[Tensor, "n *_"]], rows: Int[Tensor, " n"]
    ) -> Iterator[tuple[Shaped[Tensor, "n *_"], ...]]:
        """While the network runs on these data rows, `z` is at the cuts; yields the inputs to run it on."""
        given = list(parts)
        with ExitStack() as stack:
            stack.enter_context(self.before.passing_over(rows))
            # Packed together, parts of several dtypes have one.
            pieces = [kind.give(piece) for kind, piece in zip(self.form.kinds, self.form.unpack(z), strict=True)]
            for place, (cut, piece) in enumerate(zip(self.cuts, pieces, strict=True)):
                if cut is None:
                    given[place] = piece
                else:
                    stack.enter_context(cut.seeing(lambda _, piece=piece: piece))
            yield tuple(given)
