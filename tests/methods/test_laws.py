"""Every exported method keeps the laws that it declares."""

from __future__ import annotations

import inspect

import pytest

import ascribe.methods
from ascribe.core.method import Method
from ascribe.maths.paths import Polyline
from ascribe.maths.proximity import Euclidean
from ascribe.maths.quadrature import Adaptive, GaussLegendre
from ascribe.maths.regression import Lasso, Ridge
from ascribe.methods import (
    Banzhaf,
    Conductance,
    Expected,
    ExpectedGradients,
    GradCAM,
    InputXGradient,
    IntegratedGradients,
    InternalInfluence,
    KernelShap,
    Lime,
    Occlusion,
    Permutation,
    ShapleyInteractions,
    SmoothGrad,
)
from ascribe.testing import check_method

EXPORTED = [kind for _, kind in inspect.getmembers(ascribe.methods, inspect.isclass)]
# Wrappers need an inner method; everything else is built with its defaults.
DEFAULTS = [kind(InputXGradient(), draws=4) if "inner" in kind.__dataclass_fields__ else kind() for kind in EXPORTED]
VARIANTS = [
    IntegratedGradients(Adaptive(tolerance=1e-4)),
    KernelShap(budget=20),
    Banzhaf(budget=20),
    ShapleyInteractions(index="FSII", budget=20),
    ShapleyInteractions(index="STII"),
    SmoothGrad(ExpectedGradients(draws=8), draws=4),
    SmoothGrad(Conductance(), draws=2),
    ExpectedGradients(draws=32, seed=3),
    IntegratedGradients(path=Polyline((0.5,))),
    SmoothGrad(GradCAM(), draws=2),
    Expected(InternalInfluence(GaussLegendre(5))),
    Lime(100, Euclidean(2.0, of="entries"), Ridge(0.0)),
    Lime(100, surrogate=Lasso(0.02)),
    Occlusion(2),
    Permutation(repeats=2, until=0.5),
]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("method", DEFAULTS, ids=lambda method: method.name)
def test_exported_methods_keep_their_laws(method: Method, seed: int) -> None:
    check_method(method, seed)


@pytest.mark.parametrize("method", VARIANTS, ids=repr)
def test_variants_keep_their_laws(method: Method) -> None:
    check_method(method)
