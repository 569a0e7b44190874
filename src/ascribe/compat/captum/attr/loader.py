"""Attributions of a metric over a whole data set."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from ascribe.compat.captum.attr.door import Door
from ascribe.compat.captum.attr.masks import Mask, mask_of
from ascribe.compat.captum.attr.outputs import as_tuple
from ascribe.compat.captum.attr.removal import FeatureAblation, entries_of
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.explain import explain
from ascribe.core.state import borrowed, network_of
from ascribe.errors import InputError, MethodError
from ascribe.methods.ablation import Ablation


class InputRole:
    """What a part of a batch is for."""

    need_attr = 0
    need_forward = 1
    no_forward = 2


class DataLoaderAttribution(Door):
    """`ascribe.Ablation` of the features of all rows of a `DataLoader` together.

    The batches are gone through once for as many features as the memory budget has room for, whatever
    `perturbations_per_pass` says.
    """

    construct = takes(attr_method=...)
    arguments = takes(
        takes(dataloader=..., input_roles=None, baselines=None, feature_mask=None, reduce=None, to_metric=None),
        takes(perturbations_per_pass=1, show_progress=False, return_input_shape=True),
    )

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take the class that ablates.  Raises MethodError for any other."""
        inner = constructed["attr_method"]
        if type(inner) is not FeatureAblation:
            raise MethodError(
                f"DataLoaderAttribution takes FeatureAblation, and {type(inner).__name__} came; pass "
                "FeatureAblation(model)."
            )
        super().begin(constructed)
        self.forward_func = inner.forward_func

    def attribute(self, *args: Any, **kwargs: Any) -> Any:
        """What the metric loses with each feature, in the form of the inputs with the metric's numbers in front."""
        given = self.bind(*args, **kwargs)
        # Each pass over a loader draws from the global random stream.
        with borrowed(network_of(self.forward_func)):
            return self._answer(given)

    def _answer(self, given: dict[str, Any]) -> Any:
        first = next(iter(given["dataloader"]))
        batch = tuple(first) if isinstance(first, (list, tuple)) else (first,)
        roles = given["input_roles"] or (InputRole.need_attr,) * len(batch)
        if len(roles) != len(batch) or InputRole.need_attr not in roles:
            raise InputError(
                f"input_roles={roles!r} for {len(batch)} parts of a batch; pass a role for each, at least one 0."
            )
        inputs = tuple(part[:1] for part, role in zip(batch, roles, strict=True) if role == InputRole.need_attr)
        metric = _Metric(self.forward_func, given, roles, self._mask(given, inputs), self._baselines(given, inputs))
        present, progress = torch.ones(1, metric.mask.count), bool(given["show_progress"])
        found = explain(metric, present, Ablation(), target="all", progress=progress)
        values = found.values[:, 0].to(metric.dtype)
        if not given["return_input_shape"]:
            return metric.mask.numbered(values)
        spread = metric.mask.entries(values)
        return spread if isinstance(first, (list, tuple)) else spread[0]

    def _mask(self, given: dict[str, Any], inputs: tuple[Tensor, ...]) -> Mask:
        if given["feature_mask"] is None:
            return entries_of(inputs)
        mask = mask_of(as_tuple(given["feature_mask"]), inputs)
        assert mask is not None
        return mask

    def _baselines(self, given: dict[str, Any], inputs: tuple[Tensor, ...]) -> tuple[Any, ...]:
        baselines = given["baselines"]
        found = (0,) * len(inputs) if baselines is None else as_tuple(baselines)
        wrong = len(found) != len(inputs) or any(isinstance(b, Tensor) and b.ndim and len(b) != 1 for b in found)
        if wrong:
            raise InputError(f"baselines for {len(inputs)} inputs: pass a number or one row for each.")
        return found


class _Metric:
    """The metric as a function of which features are there: one pass over the data for all that are asked together."""

    def __init__(
        self,
        function: Callable[..., Any],
        given: dict[str, Any],
        roles: tuple[int, ...],
        mask: Mask,
        baselines: tuple[Any, ...],
    ) -> None:
        self.function, self.loader, self.roles = function, given["dataloader"], roles
        self.mask, self.baselines = mask, baselines
        self.reduce = given["reduce"] or (lambda seen, output, _: output if seen is None else torch.cat([seen, output]))
        self.to_metric = given["to_metric"] or (lambda seen: seen)
        self.known: dict[tuple[bool, ...], Tensor] = {}
        self.dtype = torch.float32

    def __call__(self, present: Tensor) -> Tensor:
        keys = [tuple(row) for row in present.bool().tolist()]
        fresh = [key for key in dict.fromkeys(keys) if key not in self.known]
        if fresh:
            self._pass(fresh)
        return torch.stack([self.known[key] for key in keys])

    def _pass(self, keys: list[tuple[bool, ...]]) -> None:
        kept = [self.mask.entries(torch.tensor(key)) for key in keys]
        states: list[Any] = [None] * len(keys)
        for batch in self.loader:
            parts = tuple(batch) if isinstance(batch, (list, tuple)) else (batch,)
            for place, keep in enumerate(kept):
                changed = self._changed(parts, keep)
                forward = [p for p, role in zip(changed, self.roles, strict=True) if role != InputRole.no_forward]
                states[place] = self.reduce(states[place], self.function(*forward), changed)
        for key, state in zip(keys, states, strict=True):
            found = self.to_metric(state)
            if not isinstance(found, Tensor):
                raise MethodError(f"the metric is a {type(found).__name__}; let to_metric (or reduce) give a tensor.")
            self.dtype = found.dtype
            self.known[key] = found.detach().flatten()

    def _changed(self, parts: tuple[Any, ...], keep: tuple[Tensor, ...]) -> tuple[Any, ...]:
        """A batch whose absent features are at the baseline."""
        here = iter(zip(keep, self.baselines, strict=True))
        changed: list[Any] = []
        for part, role in zip(parts, self.roles, strict=True):
            if role == InputRole.need_attr:
                there, baseline = next(here)
                base = torch.as_tensor(baseline, dtype=part.dtype, device=part.device)
                part = torch.where(there.to(part.device), part, base)
            changed.append(part)
        return tuple(changed)
