"""Captum's rules for `module.rule = ...`: names for rules of `ascribe.rules`, which may stand there as well."""

from __future__ import annotations

from abc import ABC, abstractmethod

from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.gamma import Gamma
from ascribe.rules.relevance.identity import Identity
from ascribe.rules.relevance.layer import Bias, LayerRule
from ascribe.rules.relevance.z_plus import ZPlus


class PropagationRule(ABC):
    """How a layer's relevance is shared out among its inputs."""

    STABILITY_FACTOR = 1e-9

    @property
    @abstractmethod
    def native(self) -> LayerRule:
        """The rule of ascribe that this is."""


class EpsilonRule(PropagationRule):
    """`ascribe.rules.Epsilon`."""

    def __init__(self, epsilon: float = 1e-9) -> None:
        self.STABILITY_FACTOR = epsilon

    @property
    def native(self) -> LayerRule:
        """The rule of ascribe that this is."""
        return Epsilon(self.STABILITY_FACTOR)


class GammaRule(PropagationRule):
    """`ascribe.rules.Gamma`, with the bias as it is."""

    def __init__(self, gamma: float = 0.25, set_bias_to_zero: bool = False) -> None:
        self.gamma, self.set_bias_to_zero = gamma, set_bias_to_zero

    @property
    def native(self) -> LayerRule:
        """The rule of ascribe that this is."""
        return Gamma(self.gamma, self.STABILITY_FACTOR, _bias(self.set_bias_to_zero))


class Alpha1_Beta0_Rule(PropagationRule):  # noqa: N801 - Captum's name
    """`ascribe.rules.ZPlus`, with the bias as it is: what speaks for an output, where inputs are not negative."""

    def __init__(self, set_bias_to_zero: bool = False) -> None:
        self.set_bias_to_zero = set_bias_to_zero

    @property
    def native(self) -> LayerRule:
        """The rule of ascribe that this is."""
        return ZPlus(self.STABILITY_FACTOR, _bias(self.set_bias_to_zero))


class IdentityRule(EpsilonRule):
    """`ascribe.rules.Identity`."""

    @property
    def native(self) -> LayerRule:
        """The rule of ascribe that this is."""
        return Identity()


def _bias(set_to_zero: bool) -> Bias:
    return "ignored" if set_to_zero else "kept"
