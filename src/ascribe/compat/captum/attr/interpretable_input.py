"""Captum's inputs with interpretable features, over the prompts of ascribe."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.attr.visualization.mask import draw_mask_border, draw_mask_legend
from ascribe.errors import InputError, need
from ascribe.prompts.image import MaskedImage
from ascribe.prompts.prompt import Filled, Grouped, Prompt
from ascribe.prompts.template import Fields, Template
from ascribe.prompts.tokens import Tokens


class InterpretableInput(ABC):
    """A model's input with features that may be absent; subclasses say how it looks without some."""

    n_itp_features: int
    values: list[str]

    @abstractmethod
    def to_tensor(self) -> Tensor:
        """(1, n_itp_features): all features present."""

    @abstractmethod
    def to_model_input(self, perturbed_tensor: Tensor | None = None) -> Any:
        """The model's input where these features are present; nothing means all."""

    def format_attr(self, itp_attr: Tensor) -> Tensor:
        """Attributions of the features in the form that the user wants them."""
        return itp_attr

    def prompt(self, draws: int = 1) -> Prompt:
        """The prompt of ascribe that this stands for, with so many draws of its baselines where they are random."""
        return _Interpreted(self)


class _Interpreted(Prompt):
    """A user's own interpretable input."""

    def __init__(self, inp: InterpretableInput) -> None:
        self.inp = inp

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(number) for number in range(self.inp.n_itp_features))

    def filled(self, codes: Tensor) -> Filled:
        return self.inp.to_model_input(codes[None].to(self.inp.to_tensor().dtype))


class TextTemplateInput(InterpretableInput):
    """`ascribe.prompts.Template`; `mask` numbers the segments, and those of one number are one feature.

    Baselines that are a function are drawn once for each of `num_trials`, over which attributions are averaged.
    """

    def __init__(
        self,
        template: str | Callable[..., str],
        values: list[str] | dict[str, str],
        baselines: Fields | Callable[[], Fields] | None = None,
        mask: list[int] | dict[str, int] | None = None,
    ) -> None:
        self.dict_keys = list(values) if isinstance(values, dict) else []
        self.template, self._fields, self._baselines = template, values, baselines
        whole = self._template(1)
        self.values = list(values.values()) if isinstance(values, dict) else list(values)
        self.baselines = baselines if callable(baselines) else self._listed(whole.absences[0], "")
        self.format_fn = template.format if isinstance(template, str) else template
        self.n_features = len(self.values)
        self.mask = None if mask is None else self._listed(mask)
        numbers = list(range(self.n_features)) if self.mask is None else self.mask
        if len(numbers) != self.n_features:
            raise InputError(f"mask has {len(numbers)} entries for {self.n_features} segments; pass one for each")
        self.formatted_mask = [sorted(set(numbers)).index(number) for number in numbers]
        self.n_itp_features = len(set(numbers))

    def _listed(self, given: Any, default: Any = None) -> list[Any]:
        """One entry a segment, of a dict in the order of the values."""
        if not self.dict_keys:
            return list(given)
        missing = [key for key in self.dict_keys if key not in given]
        if missing and default is None:
            raise InputError(f"mask does not number {missing[0]!r}; pass one number for each of {self.dict_keys}")
        return [given.get(key, default) for key in self.dict_keys]

    def _template(self, draws: int) -> Template:
        baselines: Any = self._baselines
        if callable(baselines):
            baselines = [baselines() for _ in range(draws)]
        return Template(self.template, self._fields, baselines)

    def prompt(self, draws: int = 1) -> Prompt:
        whole = self._template(draws)
        return whole if self.mask is None else Grouped(whole, self.formatted_mask)

    def to_tensor(self) -> Tensor:
        return torch.ones(1, self.n_itp_features)

    def to_model_input(self, perturbed_tensor: Tensor | None = None) -> str:
        present = self.to_tensor() if perturbed_tensor is None else perturbed_tensor
        text = self.prompt().filled((present[0] != 0).long().cpu())
        assert isinstance(text, str)
        return text

    def format_attr(self, itp_attr: Tensor) -> Tensor:
        """One attribution a segment: that of its feature."""
        return itp_attr[..., torch.tensor(self.formatted_mask, device=itp_attr.device)]


class TextTokenInput(InterpretableInput):
    """`ascribe.prompts.Tokens`."""

    def __init__(
        self,
        text: str,
        tokenizer: Any,
        baselines: int | str = 0,
        skip_tokens: Sequence[int | str] | None = None,
    ) -> None:
        self._tokens = Tokens(text, tokenizer, baselines, tuple(skip_tokens or ()))
        self.tokenizer, self.skip_tokens = tokenizer, skip_tokens
        self.baselines: int = self._tokens.absences[0]
        self.inp_tensor: Tensor = self._tokens.ids[None]
        self.itp_mask: Tensor | None = self._tokens.players[None] if skip_tokens else None
        self.itp_tensor: Tensor = self._tokens.ids[self._tokens.players][None]
        self.values = list(tokenizer.convert_ids_to_tokens(self.itp_tensor[0].tolist()))
        self.n_itp_features = len(self.values)

    def prompt(self, draws: int = 1) -> Prompt:
        return self._tokens

    def to_tensor(self) -> Tensor:
        return torch.ones_like(self.itp_tensor)

    def to_model_input(self, perturbed_tensor: Tensor | None = None) -> Tensor:
        if perturbed_tensor is None:
            return self.inp_tensor
        present = (perturbed_tensor == 1).long().cpu()
        return torch.cat([self._tokens.filled(row) for row in present]).to(perturbed_tensor.device)


class ImageMaskInput(InterpretableInput):
    """`ascribe.prompts.MaskedImage`; `mask_list` goes before `mask`."""

    def __init__(
        self,
        image: Any,
        mask: Tensor | None = None,
        mask_list: list[Tensor] | None = None,
        baseline: tuple[int, int, int] = (255, 255, 255),
        processor_fn: Callable[[Any], Any] = lambda image: image,
    ) -> None:
        self._image = MaskedImage(image, mask if mask_list is None else mask_list, baseline, processor_fn)
        self.image, self.baseline, self.processor_fn = image, baseline, processor_fn
        self.mask_list: list[Tensor] = mask_list or []
        self.mask = mask
        self.mask_id_to_idx = {int(number): place for place, number in enumerate(self._image.numbers)}
        self.n_itp_features = len(self.mask_id_to_idx)
        self.values = [f"image_feature_{number}" for number in self.mask_id_to_idx]
        self.original_model_inputs = processor_fn(image)

    def prompt(self, draws: int = 1) -> Prompt:
        return self._image

    def to_tensor(self) -> Tensor:
        return torch.ones(1, self.n_itp_features)

    def to_model_input(self, perturbed_tensor: Tensor | None = None) -> Any:
        if perturbed_tensor is None:
            return self.original_model_inputs
        return self._image.filled((perturbed_tensor[0] != 0).long().cpu())

    def get_mask_list(self) -> list[Tensor]:
        """The pixels of every feature."""
        return list(self._image.masks)

    def format_pixel_attr(self, itp_attr: Tensor) -> Tensor:
        """(1, height, width): every pixel with the attribution of its segment, summed where segments overlap."""
        return self._image.spread(itp_attr)

    def plot_mask_overlay(self, show: bool = False, border_width: int = 0, show_legends: bool = True) -> Any:
        """The image with a colour for every segment: (figure, axes), or nothing where it is shown."""
        pyplot: Any = need("matplotlib.pyplot", extra="plot")
        figure, ax = pyplot.subplots()
        ax.imshow(self.image)
        colours = pyplot.get_cmap("hsv")
        for place, (number, mask) in enumerate(zip(self.mask_id_to_idx, self.get_mask_list(), strict=True)):
            colour = colours(place / self.n_itp_features)[:3]
            pixels = mask.numpy()
            ax.imshow(pixels[..., None] * torch.tensor([*colour, 0.6]).numpy())
            if border_width > 0:
                draw_mask_border(ax, pixels, border_width, (*colour, 0.8))
            if show_legends:
                draw_mask_legend(ax, pixels, label=str(number))
        ax.axis("off")
        return shown(figure, ax, show)


def shown(figure: Any, ax: Any, show: bool) -> Any:
    """What Captum's pictures return: nothing where they were shown, and else (figure, axes)."""
    if not show:
        return figure, ax
    need("matplotlib.pyplot", extra="plot").show()
    return None


class ProductBaselines:
    """Baselines of which each field draws its own; a tuple of names is drawn together.

    The draws come from a random stream of their own, which `seed` begins.
    """

    def __init__(
        self, baseline_values: Sequence[Sequence[Any]] | Mapping[str | tuple[str, ...], Sequence[Any]], seed: int = 0
    ) -> None:
        self.dict_keys = list(baseline_values) if isinstance(baseline_values, Mapping) else []
        self.baseline_values: list[Sequence[Any]] = list(
            baseline_values.values() if isinstance(baseline_values, Mapping) else baseline_values
        )
        if not self.baseline_values or not all(len(values) for values in self.baseline_values):
            raise InputError("every field needs a baseline at least; pass a list of them for each")
        self._stream = random.Random(seed)

    def sample(self) -> list[Any] | dict[str, Any]:
        """One baseline for each field."""
        drawn = [self._stream.choice(values) for values in self.baseline_values]
        if not self.dict_keys:
            return drawn
        named: dict[str, Any] = {}
        for key, value in zip(self.dict_keys, drawn, strict=True):
            named.update(zip(key, value, strict=True) if isinstance(key, tuple) else [(key, value)])
        return named

    def __call__(self) -> list[Any] | dict[str, Any]:
        """A sample."""
        return self.sample()
