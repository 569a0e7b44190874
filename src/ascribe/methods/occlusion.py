"""What is lost when a window slides over a row and covers what is under it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from operator import index
from typing import Any, ClassVar, SupportsIndex, final

from jaxtyping import Float, Int
from torch import Tensor

from ascribe.core.method import Method
from ascribe.core.removal import Change, Fill, background_fill, losses
from ascribe.core.score import Score
from ascribe.errors import MethodError
from ascribe.maths.windows import Windows

Sizes = SupportsIndex | Sequence[SupportsIndex]  # of one input
Reach = Sizes | Sequence[Sizes]  # of every input


@final
@dataclass(frozen=True)
class Occlusion(Method):
    r"""$\phi_i$ = the mean, over all windows $W \ni i$, of $f(x) - \frac1B\sum_b f(x \text{ with } W \text{ from
    background row } b)$.

    `window`: its size in the last dimensions of a row, those before it being covered whole: `3` slides along vectors,
    `(16, 16)` over images and covers all channels, `(1, 16, 16)` one channel at a time. For a tuple or dict of inputs
    one tuple for each of them: `((3,), (16, 16))`; each window then covers a part of one input.
    `strides`: how far it moves at a time, as `window` is given, or one number for all; a stride larger than the window
    would leave gaps. In every dimension the last window reaches the end, where it is cut off.

    Costs one evaluation for each window, background row and data row. With windows of one entry this is `Ablation`.

    Raises MethodError for sizes that do not fit.

    Source: Zeiler & Fergus (2014), "Visualizing and understanding convolutional networks".
    """

    window: Reach = 1
    strides: Reach = 1

    laws: ClassVar[frozenset[str]] = frozenset({"linear", "implementation_invariant"})
    reference: ClassVar[str] = "background"

    def __call__(
        self, f: Score, z: Float[Tensor, "rows *shape"], z0: Float[Tensor, "draws any *shape"]
    ) -> Float[Tensor, "rows *shape"]:
        windows = self._windows([tuple(part.shape[1:]) for part in f.form.unpack(z[:1])])
        counts = [each.count for each in windows]
        lost, _ = losses(f, z, len(z0), sum(counts), _without_window(f, z, windows, background_fill(z0)))
        pieces = zip(windows, lost.split(counts, 1), strict=True)
        return f.form.pack([each.shared(piece).to(z) for each, piece in pieces])

    def _windows(self, shapes: Sequence[tuple[int, ...]]) -> list[Windows]:
        window, strides = _of_each(self.window, shapes, "window"), _of_each(self.strides, shapes, "strides")
        found: list[Windows] = []
        for shape, size, stride in zip(shapes, window, strides, strict=True):
            stride = stride * len(size) if len(stride) == 1 else stride
            lead = len(shape) - len(size)
            try:
                found.append(Windows(shape, shape[: max(lead, 0)] + size, (1,) * lead + stride))
            except ValueError as error:
                raise MethodError(
                    f"window={self.window} and strides={self.strides} for an input whose rows have shape {shape}: "
                    f"{error}; pass at most {len(shape)} sizes, each at least 1, within the shape, and strides no "
                    "larger than them"
                ) from error
        return found


def _of_each(given: Any, shapes: Sequence[tuple[int, ...]], knob: str) -> list[tuple[int, ...]]:
    """The sizes for every input; numbers by themselves are for all."""
    nested = isinstance(given, (tuple, list)) and any(isinstance(part, (tuple, list)) for part in given)
    parts = list(given) if nested else [given] * len(shapes)
    if len(parts) != len(shapes):
        raise MethodError(f"{knob}={given} is for {len(parts)} inputs, but there are {len(shapes)}; pass one for each")
    try:
        return [tuple(map(index, part if isinstance(part, Iterable) else (part,))) for part in parts]
    except TypeError as error:
        raise MethodError(f"{knob}={given!r} are no whole numbers; pass a number, or one for each dimension") from error


def _without_window(f: Score, z: Float[Tensor, "rows *shape"], windows: Sequence[Windows], fill: Fill) -> Change:
    """Change number i covers window i, counted through all inputs."""
    nest, ends = f.form, list(accumulate(each.count for each in windows))

    def change(
        draw: Int[Tensor, " changes"], which: Int[Tensor, " changes"], rows: slice
    ) -> Float[Tensor, "changes rows *shape"]:
        covered = z[rows].expand(len(which), *z[rows].shape).clone()
        other = fill(draw, rows).expand_as(covered)
        # The parts are views into the whole.
        for number, mine, others in zip(which.tolist(), covered, other, strict=True):
            part = next(k for k, end in enumerate(ends) if number < end)
            box = (slice(None), *windows[part].box(number - ends[part] + windows[part].count))
            nest.unpack(mine)[part][box] = nest.unpack(others)[part][box]
        return covered

    return change
