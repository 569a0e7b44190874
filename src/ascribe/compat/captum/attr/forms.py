"""Arguments that many classes share, as parts of signatures, and what they mean natively."""

from __future__ import annotations

from typing import Any, get_args

from ascribe.compat.captum.attr.signature import takes
from ascribe.errors import MethodError
from ascribe.maths.quadrature import GaussLegendre, Quadrature, Riemann, Side

FUNCTION = takes(forward_func=...)
FUNCTION_TIMES = takes(forward_func=..., multiply_by_inputs=True)
MODEL = takes(model=...)
LAYER = takes(forward_func=..., layer=..., device_ids=None)
LAYER_TIMES = takes(LAYER, multiply_by_inputs=True)
MODEL_LAYER = takes(model=..., layer=..., device_ids=None)
MODEL_LAYER_TIMES = takes(model=..., layer=..., multiply_by_inputs=True)

PLAIN = takes(inputs=..., target=None, additional_forward_args=None)
COMPARED = takes(inputs=..., baselines=None, target=None, additional_forward_args=None)
AGAINST = takes(inputs=..., baselines=..., target=None, additional_forward_args=None)
DRAWS = takes(inputs=..., baselines=..., n_samples=5, stdevs=0.0, target=None, additional_forward_args=None)
DELTA = takes(return_convergence_delta=False)
RULE = takes(n_steps=50, method="gausslegendre", internal_batch_size=None)
LAYER_INPUT = takes(attribute_to_layer_input=False)
NEURON_INPUT = takes(attribute_to_neuron_input=False)
GRAD = takes(grad_kwargs=None)
CUSTOM = takes(custom_attribution_func=None)
PIECES = takes(perturbations_per_eval=1, show_progress=False)


def quadrature(name: str, steps: int) -> Quadrature:
    """The rule that Captum calls so.  Raises MethodError for a name that it does not have."""
    rules: dict[str, Quadrature] = {"gausslegendre": GaussLegendre(steps)}
    rules |= {f"riemann_{side}": Riemann(steps, side) for side in get_args(Side)}
    if name not in rules:
        raise MethodError(f"method={name!r} is not known; pass one of {', '.join(map(repr, rules))}.")
    return rules[name]


def deviations(stdevs: Any, inputs: Any) -> Any:
    """The standard deviation of the noise, or one for each of several inputs.  Raises MethodError for other numbers."""
    if not isinstance(stdevs, (tuple, list)):
        return float(stdevs)
    count = len(inputs) if isinstance(inputs, tuple) else 1
    if len(stdevs) != count:
        raise MethodError(f"stdevs={stdevs!r} for {count} inputs; pass one number, or one for each input.")
    given = tuple(map(float, stdevs))
    return given[0] if len(set(given)) == 1 else given
