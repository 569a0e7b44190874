"""Classes that fit a simple model to what the function gives around a row."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, ClassVar, final

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from ascribe.compat.captum._utils.models.linear_model.model import SkLearnLasso
from ascribe.compat.captum._utils.models.model import Model
from ascribe.compat.captum.attr.attribution import PerturbationAttribution, as_positions
from ascribe.compat.captum.attr.door import Door, Given
from ascribe.compat.captum.attr.forms import COMPARED, FUNCTION, PIECES
from ascribe.compat.captum.attr.masks import Mask
from ascribe.compat.captum.attr.outputs import as_tuple, of_rows
from ascribe.compat.captum.attr.removal import Removal, entries_of
from ascribe.compat.captum.attr.signature import bound, takes
from ascribe.core.method import Method
from ascribe.core.state import borrowed, network_of
from ascribe.core.target import as_pick, output_tensor
from ascribe.errors import InputError, MethodError
from ascribe.maths.proximity import Cosine, Euclidean
from ascribe.maths.regression import Lasso
from ascribe.methods import kernel_shap, lime

_SAMPLED = takes(takes(feature_mask=None, n_samples=25, perturbations_per_eval=1, return_input_shape=True))


class LimeBase(Door, PerturbationAttribution):
    """Samples, similarities and a model that are all the user's own; one example at a time.

    The functions are asked with the keywords that `attribute` got beside its own. A `perturb_func` may also be a
    generator function.
    """

    construct = takes(
        forward_func=...,
        interpretable_model=...,
        similarity_func=...,
        perturb_func=...,
        perturb_interpretable_space=...,
        from_interp_rep_transform=...,
        to_interp_rep_transform=...,
    )
    arguments = takes(
        takes(inputs=..., target=None, additional_forward_args=None, n_samples=50),
        PIECES,
    )

    interpretable_model: Model
    similarity_func: Callable[..., Any]
    perturb_func: Callable[..., Any]
    perturb_interpretable_space: bool
    from_interp_rep_transform: Callable[..., Any] | None
    to_interp_rep_transform: Callable[..., Any] | None

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take the functions.  Raises MethodError where the way between the two spaces is missing."""
        super().begin(constructed)
        inside = constructed.get("perturb_interpretable_space", True)
        way = "from_interp_rep_transform" if inside else "to_interp_rep_transform"
        if type(self) is LimeBase and constructed[way] is None:
            raise MethodError(f"perturb_interpretable_space={inside} needs {way}; pass a function.")

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """What the model has learned of the samples."""
        own = {name: kwargs.pop(name) for name in [*kwargs] if name in LimeBase.arguments.parameters}
        given = bound("LimeBase.attribute", LimeBase.arguments, args, own)
        return self.fitted(given, kwargs)

    def fitted(self, given: Given, keywords: dict[str, Any]) -> Tensor:
        """The representation of the model after it has seen the samples."""
        with borrowed(network_of(self.forward_func)):
            with torch.no_grad():
                features, outputs, weights = self._seen(given, keywords)
            loader = DataLoader(TensorDataset(features, outputs, weights), batch_size=len(features))
            self.interpretable_model.fit(loader)
            return self.interpretable_model.representation()

    def _seen(self, given: Given, keywords: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """Samples, what the function gives for them, and how near they are."""
        inputs, pieces = given["inputs"], given["perturbations_per_eval"]
        seen: list[tuple[Tensor, Any, Tensor]] = []
        for sample, changed in self._samples(inputs, given["n_samples"], keywords):
            alike = torch.as_tensor(self.similarity_func(inputs, changed, sample, **keywords)).flatten()
            seen.append((sample, changed, alike))
        if not seen:
            raise MethodError("perturb_func gave no samples; let it yield at least one.")
        found = torch.cat([self._evaluated(given, seen[i : i + pieces]) for i in range(0, len(seen), pieces)])
        output = found if found.is_floating_point() else found.float()
        features, weights = (torch.cat([part[k] for part in seen]).to(output) for k in (0, 2))
        return features, output, weights

    def _samples(self, inputs: Any, count: int, keywords: dict[str, Any]) -> Generator[tuple[Any, Any]]:
        drawn: Any = self.perturb_func(inputs, **keywords) if inspect.isgeneratorfunction(self.perturb_func) else None
        for _ in range(count):
            sample = self.perturb_func(inputs, **keywords) if drawn is None else next(drawn, None)
            if sample is None:
                return
            if self.perturb_interpretable_space:
                assert self.from_interp_rep_transform is not None
                yield sample, self.from_interp_rep_transform(sample, inputs, **keywords)
            else:
                assert self.to_interp_rep_transform is not None
                yield self.to_interp_rep_transform(sample, inputs, **keywords), sample

    def _evaluated(self, given: Given, samples: list[tuple[Tensor, Any, Tensor]]) -> Tensor:
        """The function at some samples together, one number each.  Raises InputError for another number of numbers."""
        count, rows = len(samples), len(as_tuple(given["inputs"])[0])
        inputs = [
            torch.cat(list(parts)) for parts in zip(*(as_tuple(changed) for _, changed, _ in samples), strict=True)
        ]
        more = as_positions(given["additional_forward_args"]) or ()
        more = [torch.cat([m] * count) if isinstance(m, Tensor) and m.ndim and len(m) == rows else m for m in more]
        found = self.forward_func(*inputs, *more)
        if not isinstance(found, Tensor):
            found = torch.tensor([found])
        if given["target"] is not None and found.ndim > 1:
            every = torch.arange(len(found), device=found.device)
            found = as_pick(given["target"], tuple(found.shape[1:]), len(found))(
                output_tensor(found, len(found)), every
            )
        if found.numel() != count:
            raise InputError(
                f"the function gave {tuple(found.shape)} for {count} samples; let it give one number for each, pass "
                "target=, and explain one example at a time."
            )
        return found.flatten()


@final
@dataclass(frozen=True)
class ExpKernel:
    """$e^{-d^2 / 2w^2}$ of the distance between two inputs, as a `similarity_func`."""

    distance_mode: str = "cosine"
    kernel_width: float = 1.0

    def __post_init__(self) -> None:
        if self.distance_mode not in ("cosine", "euclidean"):
            raise MethodError(f"distance_mode={self.distance_mode!r} is not known; pass 'cosine' or 'euclidean'.")

    @property
    def native(self) -> Cosine | Euclidean:
        """The kernel of `ascribe.Lime` that this is."""
        kind = Cosine if self.distance_mode == "cosine" else Euclidean
        return kind(self.kernel_width, of="entries")

    def __call__(self, original_inp: Any, perturbed_inp: Any, _: Any, **keywords: Any) -> float:
        a, b = (torch.cat([x.double().flatten() for x in as_tuple(nest)]) for nest in (original_inp, perturbed_inp))
        distance = torch.dist(a, b) if self.distance_mode == "euclidean" else 1 - torch.cosine_similarity(a, b, 0)
        return math.exp(-(float(distance) ** 2) / (2 * self.kernel_width**2))


def get_exp_kernel_similarity_function(distance_mode: str = "cosine", kernel_width: float = 1.0) -> ExpKernel:
    """$e^{-d^2 / 2w^2}$ of the "cosine" or "euclidean" distance between two inputs."""
    return ExpKernel(distance_mode, kernel_width)


def default_perturb_func(original_inp: Any, **keywords: Any) -> Tensor:
    """Features present with chance 1/2 each, (1, `num_interp_features`)."""
    device = as_tuple(original_inp)[0].device
    return (torch.rand(1, keywords["num_interp_features"]) < 0.5).long().to(device)


def default_from_interp_rep_transform(curr_sample: Tensor, original_inputs: Any, **keywords: Any) -> Any:
    """The inputs with the features that are absent in the sample at `baselines`; `feature_mask` says which they are."""

    def changed(x: Tensor, mask: Tensor, baseline: Any) -> Tensor:
        there = curr_sample[0][mask].bool()
        return torch.where(there, x, torch.as_tensor(baseline, dtype=x.dtype, device=x.device))

    if isinstance(original_inputs, Tensor):
        return changed(original_inputs, keywords["feature_mask"], keywords["baselines"])
    return tuple(map(changed, original_inputs, keywords["feature_mask"], keywords["baselines"]))


class Lime(Removal, LimeBase):
    """`ascribe.Lime`; with a model or a sampler of the user's, `LimeBase` for each row."""

    construct = takes(forward_func=..., interpretable_model=None, similarity_func=None, perturb_func=None)
    arguments = takes(COMPARED, _SAMPLED, takes(show_progress=False))
    multiplies: ClassVar[bool] = False
    several: ClassVar[bool] = False

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take the functions, or what stands for those that did not come."""
        self.own = constructed["interpretable_model"] is not None or constructed["perturb_func"] is not None
        super().begin(constructed)
        self.similarity_func = constructed["similarity_func"] or ExpKernel()
        self.own = self.own or not isinstance(self.similarity_func, ExpKernel)
        self.interpretable_model = constructed["interpretable_model"] or SkLearnLasso(alpha=0.01)
        self.perturb_func = constructed["perturb_func"] or default_perturb_func
        self.perturb_interpretable_space = True
        self.from_interp_rep_transform = default_from_interp_rep_transform
        self.to_interp_rep_transform = None

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """Coefficients in the form of the inputs, or with `return_input_shape=False` one for each feature."""
        if not self.own:
            return Removal.attribute(self, *args, **kwargs)
        given = self.bind(*args, **kwargs)
        rows = len(as_tuple(given["inputs"])[0])
        found = [self._row(of_rows(given, torch.tensor([row]))) for row in range(rows)]
        if isinstance(found[0], tuple):
            return tuple(torch.cat(parts) for parts in zip(*found, strict=True))
        return torch.cat(found)

    def method(self, given: Given) -> Method:
        assert isinstance(self.similarity_func, ExpKernel)
        return lime.Lime(max(2, given["n_samples"]), self.similarity_func.native, Lasso(0.01))

    def mask(self, given: Given) -> Mask | None:
        """The mask that came; where features are to be shown, at least that of every entry by itself."""
        mask = super().mask(given)
        return entries_of(given["inputs"]) if mask is None and not given["return_input_shape"] else mask

    def shown(self, mask: Mask, values: Tensor, given: Given) -> Any:
        """The values of features at their entries, or at their numbers."""
        return mask.entries(values) if given["return_input_shape"] else mask.numbered(values)

    def _row(self, given: Given) -> Any:
        inputs = given["inputs"]
        mask = self.mask(given) or entries_of(inputs)
        numbers = mask.groups - mask.groups.min()
        count = int(numbers.max()) + 1
        lone = isinstance(inputs, Tensor)
        parts = numbers[None] if lone else Mask(numbers, mask.shapes).own()
        baselines = given["baselines"]
        if baselines is None:
            baselines = 0 if lone else (0,) * len(inputs)
        keywords = {"feature_mask": parts, "baselines": baselines, "num_interp_features": count}
        found = self.fitted(given, keywords).flatten()
        if not given["return_input_shape"]:
            return found[None]
        spread = found[numbers.to(found.device)]
        return spread[None] if lone else Mask(spread, mask.shapes).own()


class KernelShap(Lime):
    """`ascribe.KernelShap`."""

    construct = FUNCTION
    arguments = takes(COMPARED, _SAMPLED, takes(show_progress=False))

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take the function."""
        super().begin(constructed | {"interpretable_model": None, "similarity_func": None, "perturb_func": None})

    def method(self, given: Given) -> Method:
        mask = super().mask(given) or entries_of(given["inputs"])
        return kernel_shap.KernelShap(budget=max(given["n_samples"], 4 * mask.count))
