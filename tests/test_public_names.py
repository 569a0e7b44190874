"""What users may import is written down here: a name that comes or goes is a decision, not an accident."""

from __future__ import annotations

import subprocess
import sys
import types

import ascribe
import ascribe.methods
import ascribe.testing

METHODS = {
    "Ablation", "Banzhaf", "Conductance", "Deconvolution", "DeepLift", "ExactShapley", "Expected",
    "ExpectedGradients", "GradCAM", "GuidedBackprop", "GuidedGradCAM", "InputXGradient", "IntegratedGradients",
    "IntegratedHessians", "InternalInfluence", "KernelShap", "LRP", "Lime", "NeuronConductance", "Occlusion",
    "Permutation", "Saliency", "Shapley", "ShapleyInteractions", "SmoothGrad", "SmoothGradSquared", "VarGrad",
}  # fmt: skip
ERRORS = {
    "AscribeError", "FileError", "InputError", "LayerError", "MethodError", "MissingExtra", "TargetError",
    "TrainingError",
}  # fmt: skip
NOUNS = {
    "Adaptive", "Attribution", "Comparison", "Cosine", "Curve", "Discovery", "Euclidean", "GaussLegendre", "KAN",
    "KANConv2d", "KANLayer", "Lasso", "Neuron", "Polyline", "Ridge", "Riemann", "Straight", "compare", "discover",
    "explain", "kanpiler",
}  # fmt: skip


def _public(module: types.ModuleType) -> set[str]:
    listed = getattr(module, "__all__", vars(module))
    return {name for name in listed if name[0] != "_" and not isinstance(getattr(module, name), types.ModuleType)}


def test_the_door() -> None:
    assert _public(ascribe) == METHODS | ERRORS | NOUNS


def test_every_exported_method_is_at_the_door() -> None:
    assert _public(ascribe.methods) == METHODS


def test_the_law_suites() -> None:
    assert {name for name in _public(ascribe.testing) if name.startswith("check_")} == _public(ascribe.testing)


def test_the_door_imports_only_what_everybody_needs() -> None:
    optional = [
        "matplotlib", "pandas", "pyarrow", "sklearn", "scipy", "sympy", "jinja2", "cyclopts", "hypothesis", "captum",
    ]  # fmt: skip
    program = f"import sys, torch; import ascribe; print(*[m for m in {optional} if m in sys.modules])"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
