"""The result for a prompt: what every part contributed to every token of the continuation, and to all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

from jaxtyping import Float
from torch import Tensor

from ascribe.core.attribution import Attribution
from ascribe.core.drawing import Drawer
from ascribe.errors import TargetError, need


@final
@dataclass(frozen=True, repr=False, eq=False)
class PromptAttribution:
    """`whole` has one row and 1 + tokens outputs: the continuation as a whole, then its tokens in order.

    `scale` says what is shared out: "log_prob", of which the whole's is the sum of the tokens', or "prob".
    """

    whole: Attribution
    tokens: tuple[str, ...]
    scale: str

    plot: ClassVar[Drawer] = Drawer()

    @property
    def names(self) -> Sequence[str]:
        """The parts of the prompt."""
        return tuple(self.whole.names)

    @property
    def token_values(self) -> Float[Tensor, "tokens *parts"]:
        """What every part, or every pair of them, contributed to every token."""
        return self.whole.values[1:, 0]

    @property
    def token_error(self) -> Float[Tensor, "tokens *parts"] | None:
        """The error of each of `token_values`, where the method estimates it."""
        return None if self.whole.error is None else self.whole.error[1:, 0]

    @property
    def sequence(self) -> Attribution:
        """The attribution of the continuation as a whole."""
        return self._one(0, "the continuation")

    def token(self, place: int) -> Attribution:
        """The attribution of one token of the continuation; -1 is the last.  Raises TargetError for one beyond it."""
        if not -len(self.tokens) <= place < len(self.tokens):
            raise TargetError(f"token({place}), but the continuation has {len(self.tokens)} tokens; count from 0")
        place %= len(self.tokens)
        return self._one(1 + place, f"{self.tokens[place]!r} (token {place})")

    def _one(self, output: int, target: str) -> Attribution:
        whole = self.whole
        return replace(
            whole,
            values=whole.values[output],
            error=None if whole.error is None else whole.error[output],
            output=whole.output[output],
            reference=whole.reference[output],
            gap=whole.gap[output],
            target=target,
        )

    def to_table(self) -> Any:
        """A `pyarrow.Table`: the continuation and then its tokens, a column a part, and what `Attribution` adds."""
        pyarrow = need("pyarrow", extra="table")
        table = self.whole.to_table()
        return table.set_column(0, "continuation", pyarrow.array(["(all)", *self.tokens]))

    def to_frame(self) -> Any:
        """The table as a pandas DataFrame."""
        return self.to_table().to_pandas()

    def __repr__(self) -> str:
        about = self.whole
        return (
            f"PromptAttribution({len(self.tokens)} tokens x {len(self.names)} parts, {about.method!r}, "
            f"{self.scale} of {' '.join(self.tokens)!r:.60}, largest gap {float(about.gap.abs().max()):.2g}, "
            f"{about.evaluations} evaluations, {about.seconds:.2f} s)"
        )
