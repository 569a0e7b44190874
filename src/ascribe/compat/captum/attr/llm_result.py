"""What Captum returns of a language model: attributions of a continuation and of its tokens, and their pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from ascribe.compat.captum.attr.interpretable_input import ImageMaskInput, InterpretableInput, shown
from ascribe.compat.captum.attr.visualization.mask import draw_mask_border, draw_mask_legend
from ascribe.errors import InputError, need
from ascribe.plots.palette import DOWN, UP
from ascribe.plots.token_map import token_map


class LLMAttributionResult:
    """`seq_attr` (parts,) and `token_attr` (tokens, parts), which is checked when it is set."""

    def __init__(
        self,
        *,
        input_tokens: list[str],
        output_tokens: list[str],
        seq_attr: Any,
        token_attr: Any = None,
        output_probs: Any = None,
        inp: InterpretableInput | None = None,
    ) -> None:
        self.input_tokens, self.output_tokens = input_tokens, output_tokens
        self.seq_attr = seq_attr
        self.token_attr = token_attr
        self.output_probs = output_probs
        self.inp = inp

    @property
    def seq_attr(self) -> Tensor:
        """What each part contributed to the whole continuation."""
        return self._seq_attr

    @seq_attr.setter
    def seq_attr(self, given: Any) -> None:
        self._seq_attr = _shaped("seq_attr", given, (len(self.input_tokens),))

    @property
    def token_attr(self) -> Tensor | None:
        """What each part contributed to each token."""
        return self._token_attr

    @token_attr.setter
    def token_attr(self, given: Any) -> None:
        shape = (len(self.output_tokens), len(self.input_tokens))
        self._token_attr = None if given is None else _shaped("token_attr", given, shape)

    @property
    def output_probs(self) -> Tensor | None:
        """A probability for each token."""
        return self._output_probs

    @output_probs.setter
    def output_probs(self, given: Any) -> None:
        self._output_probs = None if given is None else _shaped("output_probs", given, (len(self.output_tokens),))

    @property
    def seq_attr_dict(self) -> dict[str, float]:
        """The parts with their contributions; of parts of one text, the last."""
        return dict(zip(self.input_tokens, self.seq_attr.tolist(), strict=True))

    def plot_token_attr(self, show: bool = False) -> Any:
        """A row a token, a column a part: (figure, axes), or nothing where it is shown."""
        values = _needed(self.token_attr).detach().double().cpu().numpy()
        figure, ax = _subplots(max(values.shape[1] * 1.3, 6.4), max(values.shape[0] / 2.5, 4.8))
        token_map(values, _printed(self.output_tokens), _printed(self.input_tokens), ax=ax)
        return shown(figure, ax, show)

    def plot_seq_attr(self, show: bool = False) -> Any:
        """A bar a part: (figure, axes), or nothing where it is shown."""
        values = self.seq_attr.detach().double().cpu().numpy()
        figure, ax = _subplots(max(len(values) / 2, 6.4), max(len(values) / 4, 4.8))
        ax.bar(range(len(values)), values, color=[UP if value > 0 else DOWN for value in values])
        ax.set_xticks(range(len(values)), _printed(self.input_tokens), rotation=30, ha="right")
        ax.set_ylabel("Sequence Attribution")
        return shown(figure, ax, show)

    def plot_image_heatmap(
        self,
        show: bool = False,
        target_token_pos: int | tuple[int, int] | None = None,
        border_width: int = 2,
        show_legends: bool = True,
    ) -> Any:
        """The image under the attributions of the whole, of a token, or of those from one place up to another."""
        if not isinstance(self.inp, ImageMaskInput):
            raise InputError(
                "plot_image_heatmap is only available for ImageMaskInput; use plot_token_attr or plot_seq_attr."
            )
        values = self.seq_attr if target_token_pos is None else self._at(target_token_pos)
        pixels = self.inp.format_pixel_attr(values[None])[0].detach().cpu().numpy()
        full = float(np.abs(pixels).max()) or 1.0
        figure, ax = _subplots(6.4, 4.8)
        grey = np.asarray(self.inp.image)
        ax.imshow(grey.mean(axis=2) if grey.ndim == 3 else grey, cmap="gray")
        colours = need("matplotlib.colors", extra="plot").LinearSegmentedColormap.from_list("", [DOWN, "white", UP])
        heat = ax.imshow(pixels, vmin=-full, vmax=full, cmap=colours, alpha=0.8)
        figure.colorbar(heat, ax=ax).ax.set_ylabel("Attribution", rotation=-90, va="bottom")
        for number, mask, value in zip(self.inp.mask_id_to_idx, self.inp.get_mask_list(), values.tolist(), strict=True):
            if border_width > 0:
                dark = [0.7 * part for part in colours((value / full + 1) / 2)[:3]]
                draw_mask_border(ax, mask.numpy(), border_width, (*dark, 0.8))
            if show_legends:
                draw_mask_legend(ax, mask.numpy(), label=str(number))
        ax.axis("off")
        return shown(figure, ax, show)

    def _at(self, tokens: int | tuple[int, int]) -> Tensor:
        each = _needed(self.token_attr)
        return each[tokens] if isinstance(tokens, int) else each[tokens[0] : tokens[1]].sum(0)

    def __repr__(self) -> str:
        return f"LLMAttributionResult({self.seq_attr_dict}, output_tokens={self.output_tokens})"


def _shaped(name: str, given: Any, shape: tuple[int, ...]) -> Tensor:
    tensor = given if isinstance(given, Tensor) else torch.tensor(given)
    if tuple(tensor.shape) != shape:
        raise InputError(f"{name} has shape {tuple(tensor.shape)}; pass {shape}, for output tokens by input tokens.")
    return tensor


def _needed(token_attr: Tensor | None) -> Tensor:
    if token_attr is None:
        raise InputError("token_attr is None: this method explained the whole continuation only; use plot_seq_attr.")
    return token_attr


def _printed(texts: list[str]) -> list[str]:
    """Line ends and the like as one writes them."""
    return [repr(text)[1:-1] for text in texts]


def _subplots(width: float, height: float) -> Any:
    return need("matplotlib.pyplot", extra="plot").subplots(figsize=(width, height), layout="constrained")
