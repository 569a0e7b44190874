"""Which rule goes where."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal, final

from ascribe.errors import MethodError
from ascribe.rules.relevance.alpha_beta import AlphaBeta
from ascribe.rules.relevance.epsilon import Epsilon
from ascribe.rules.relevance.flat import Flat
from ascribe.rules.relevance.gamma import Gamma
from ascribe.rules.relevance.layer import LayerRule
from ascribe.rules.relevance.z_box import ZBox

Kind = Literal["dense", "convolution", "norm"]


@final
@dataclass(frozen=True)
class Composite:
    """The rule of every layer, by what it is, where it is, and what it is called.

    `dense` is for matrix products, and for convolutions too unless `convolution` is given. `first` is for layers that
    no other layer comes before; a network that is explained inside (`at=`, or token ids at their embedding) has none.
    `named` goes before all of these: rules by module name, or pattern of names, as in
    {"head": Epsilon(), "features.*": Gamma()}; the first that fits is taken, also for layers inside such a module.

    `sums` is for what has no weights: residual sums, means, average pooling, products of two activations, and for
    normalisations with stored statistics. With `fold`, such a normalisation behind a layer is one with it instead:
    both are one layer with the layer's rule.
    """

    dense: LayerRule = field(default_factory=Epsilon)
    convolution: LayerRule | None = None
    first: LayerRule | None = None
    named: Mapping[str, LayerRule] = field(default_factory=dict[str, LayerRule], hash=False)
    sums: Epsilon = field(default_factory=Epsilon)
    fold: bool = True

    def __post_init__(self) -> None:
        given = {"dense": self.dense, "convolution": self.convolution, "first": self.first, "sums": self.sums}
        given |= {f"named[{name!r}]": rule for name, rule in self.named.items()}
        for where, rule in given.items():
            if not isinstance(rule, LayerRule) and not (rule is None and where in ("convolution", "first")):
                raise MethodError(f"{where}={rule!r} is no rule; pass one with its knobs, such as Epsilon(1e-6)")

    @property
    def conserves(self) -> bool:
        """Whether all relevance arrives, on every network: no rule leaves a part of it to biases."""
        rules = [self.dense, self.convolution, self.first, self.sums, *self.named.values()]
        return all(rule is None or rule.conserves for rule in rules)

    def check(self, names: Collection[str]) -> None:
        """Raises MethodError for a pattern that fits none of the modules of these names."""
        strange = [pattern for pattern in self.named if not any(fnmatchcase(name, pattern) for name in names)]
        if strange:
            there = f"there are {', '.join(map(repr, list(names)[:8]))}" if names else "the model is no torch.nn.Module"
            raise MethodError(f"named has {strange[0]!r}, which no module is called; {there}")

    def rule(self, kind: Kind, first: bool, name: str | None) -> LayerRule:
        """The rule of a layer of this kind in the module of this name."""
        if (named := self.called(name)) is not None:
            return named
        if first and self.first is not None:
            return self.first
        if kind == "norm":
            return self.sums
        return self.convolution if kind == "convolution" and self.convolution is not None else self.dense

    def called(self, name: str | None) -> LayerRule | None:
        """The rule that was given by name for this module, or for one around it."""
        if name is None:
            return None
        parts = name.split(".")
        around = [".".join(parts[:depth]) for depth in range(len(parts), 0, -1)]
        fits = (rule for pattern, rule in self.named.items() if any(fnmatchcase(path, pattern) for path in around))
        return next(fits, None)


def everywhere(rule: LayerRule) -> Composite:
    """One rule for all layers; of sums the constants absorb their part or share it as biases of layers do."""
    other = Epsilon(bias="shared" if rule.conserves else "absorbs")
    return Composite(rule, sums=rule if isinstance(rule, Epsilon) else other)


def epsilon_plus(epsilon: float = 1e-6, first: LayerRule | None = None) -> Composite:
    """The epsilon rule for dense layers, z-plus for convolutions; `first=Flat()` or `WSquare()` for the first layer.

    Source: Anders et al. (2021), "Software for dataset-wide XAI: from local explanations to global insights".
    """
    return Composite(Epsilon(epsilon), AlphaBeta(1.0, 0.0, epsilon, "ignored"), first, sums=Epsilon(epsilon))


def epsilon_gamma_box(low: float, high: float, gamma: float = 0.25, epsilon: float = 1e-6) -> Composite:
    """The epsilon rule for dense layers, gamma for convolutions, and z-box for the first layer.

    Source: Montavon et al. (2019), "Layer-wise relevance propagation: an overview".
    """
    return Composite(Epsilon(epsilon), Gamma(gamma, epsilon), ZBox(low, high, epsilon), sums=Epsilon(epsilon))


def epsilon_alpha2_beta1_flat(epsilon: float = 1e-6) -> Composite:
    """The epsilon rule for dense layers, alpha-beta with 2 and 1 for convolutions, and flat for the first layer.

    Source: Kohlbrenner et al. (2020), "Towards best practice in explaining neural network decisions with LRP".
    """
    return Composite(Epsilon(epsilon), AlphaBeta(2.0, 1.0, epsilon), Flat(), sums=Epsilon(epsilon))
