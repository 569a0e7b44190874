"""Classes that share out the score itself, layer by layer."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from ascribe.compat.captum.attr._utils.lrp_rules import PropagationRule
from ascribe.compat.captum.attr.attribution import GradientAttribution, LayerAttribution
from ascribe.compat.captum.attr.door import Given, MethodDoor
from ascribe.compat.captum.attr.forms import DELTA, LAYER_INPUT, MODEL, PLAIN
from ascribe.compat.captum.attr.outputs import as_tuple
from ascribe.compat.captum.attr.places import held
from ascribe.compat.captum.attr.signature import takes
from ascribe.core.attribution import Attribution as Explanation
from ascribe.core.method import Method
from ascribe.core.state import network_of
from ascribe.errors import MethodError
from ascribe.methods import lrp
from ascribe.rules.relevance.composite import Composite
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.layer import LayerRule


class LRP(MethodDoor, GradientAttribution):
    """`ascribe.LRP` with the epsilon rule, or the rule that a module has as its attribute `rule`.

    With `verbose` the rules that modules have are printed.
    """

    construct = MODEL
    arguments = takes(PLAIN, DELTA, takes(verbose=False))
    multiplies = True

    def begin(self, constructed: dict[str, Any]) -> None:
        """Take the network.  Raises MethodError where a module has something else for a rule."""
        super().begin(constructed)
        self.rules_of(self.forward_func)

    def method(self, given: Given) -> Method:
        rules = self.rules_of(held(self.forward_func, self.layer, given["inputs"]).model)
        if given["verbose"]:
            for name, rule in rules.items():
                print(f"Applied {rule} on layer {name}")
        return lrp.LRP(Composite(Epsilon(1e-9), named=rules, sums=Epsilon(1e-9), fold=False))

    @staticmethod
    def rules_of(model: Any) -> dict[str, LayerRule]:
        """The rules that modules of the network have, by the modules' names."""
        network, rules = network_of(model), dict[str, LayerRule]()
        for name, module in () if network is None else network.named_modules():
            rule: Any = getattr(module, "rule", None)
            if rule is None or isinstance(rule, nn.Module):
                continue
            if not isinstance(rule, (PropagationRule, LayerRule)):
                raise MethodError(
                    f"module '{name}' has the rule {rule!r:.60}; set EpsilonRule(), GammaRule(), ..., or None."
                )
            rules[name] = rule.native if isinstance(rule, PropagationRule) else rule
        return rules

    def delta(self, given: Given, found: Explanation) -> Any:
        """The score less what the relevance sums to."""
        return found.gap

    def compute_convergence_delta(self, attributions: Any, output: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The outputs less what the relevance sums to."""
        total = sum(part.flatten(1).sum(1) for part in as_tuple(attributions))
        return output.flatten() - total


class LayerLRP(LRP, LayerAttribution):
    """`ascribe.LRP` at a layer, or at each of several."""

    construct = takes(model=..., layer=...)
    arguments = takes(PLAIN, DELTA, LAYER_INPUT, takes(verbose=False))

    def answer(self, given: Given, method: Method) -> Any:
        """Relevance of the layer's values; of a list of layers, a list of each one's, and of deltas."""
        if not isinstance(self.layer, list):
            return super().answer(given, method)
        each = [LayerLRP(self.forward_func, layer).answer(given, method) for layer in self.layer]
        if not given["return_convergence_delta"]:
            return each
        return [values for values, _ in each], [delta for _, delta in each]
