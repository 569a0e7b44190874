"""Whatever a user types first works: no registry waits for a module that nobody has imported."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import torch

from ascribe.core.explain import explain
from ascribe.kan.network import KAN
from ascribe.methods.saliency import Saliency
from house.fresh import run

# Each runs in a process of its own, in a folder with the files that `files` writes.
FIRST_LINES = {
    "a picture in a notebook": """
from ascribe.core.explain import explain
from ascribe.methods.saliency import Saliency
a = explain(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(192, 1)), torch.ones(1, 3, 8, 8), Saliency())
assert "data:image/png" in a._repr_html_()
""",
    "pictures of what a file holds": """
from ascribe import Attribution
a = Attribution.load("attribution.parquet")
assert {"bar", "beeswarm", "waterfall"} <= set(dir(a.plot))
a.plot.bar()
""",
    "a comparison": """
import ascribe
c = ascribe.compare(torch.nn.Linear(3, 1), torch.eye(3), [ascribe.Saliency(), ascribe.LRP(ascribe.rules.Epsilon())])
assert {"deletion", "infidelity"} <= set(c.table[0])
assert dir(c.plot) == ["agreement", "methods"]
""",
    "a picture of one's own instead of ours": """
from ascribe.core.drawing import draws
from ascribe.core.attribution import Attribution
@draws(Attribution)
def bar(a):
    return "mine"
assert Attribution.load("attribution.parquet").plot() == "mine"
""",
    "a network from a file": """
from ascribe import KAN
kan = KAN.load("kan.safetensors")
torch.testing.assert_close(kan(torch.ones(5, 2)), torch.load("values.pt"))
assert {"network", "edge", "html"} <= set(dir(kan.plot))
""",
    "a network from a pickle": """
import pickle
kan = pickle.loads(open("kan.pickle", "rb").read())
torch.testing.assert_close(pickle.loads(pickle.dumps(kan))(torch.ones(5, 2)), torch.load("values.pt"))
""",
    "an exported network": """
import ascribe.maths.kernels
program = torch.export.load("kan.pt2").module()
torch.testing.assert_close(program(torch.ones(5, 2)), torch.load("values.pt"))
""",
    "a layer": """
from ascribe import KANLayer
from ascribe.testing import check_edge
from ascribe.kan.edges import edge_named
KANLayer(2, 1, edge="fourier")(torch.ones(3, 2))
check_edge(edge_named("rational", order=3, extrapolate="linear"))
""",
    "rooms of the house": """
import ascribe
assert len(ascribe.kan.feynman.PROBLEMS) == 120
assert ascribe.kan.symbolic.library.LIBRARY["sin"]
assert ascribe.testing.check_method and ascribe.prompts.Prompt and ascribe.compat.captum.attr.Saliency
assert ascribe.core.evaluate.gradient and ascribe.maths.splines
""",
    "methods by name": """
from ascribe.report.attribute import choose_methods
assert [m.name for m in choose_methods(["lrp,Shapley"], seed=1)] == ["LRP", "Shapley"]
""",
    "Captum's names": """
from ascribe.compat.captum.attr import IntegratedGradients
IntegratedGradients(torch.nn.Linear(3, 1)).attribute(torch.ones(2, 3))
""",
    "pykan's names": """
from ascribe.compat.pykan import KAN, create_dataset
KAN([2, 1])(torch.ones(3, 2))
""",
    "a law": """
from ascribe.testing import check_method
from ascribe.methods import InputXGradient
check_method(InputXGradient())
""",
    "a function by name": """
from ascribe.kan.symbolic.library import function_named
assert function_named("tan").complexity
""",
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    explain(torch.nn.Linear(3, 1), torch.eye(3), Saliency()).save(folder / "attribution.parquet")
    kan = KAN([2, 2, 1], edge="chebyshev", seed=1).eval()
    kan.fix_symbolic(0, 0, 0, "sin", fit_params=False)
    torch.save(kan(torch.ones(5, 2)).detach(), folder / "values.pt")
    kan.save(folder / "kan.safetensors")
    (folder / "kan.pickle").write_bytes(pickle.dumps(kan))
    torch.export.save(torch.export.export(kan, (torch.ones(5, 2),)), folder / "kan.pt2")
    return folder


@pytest.mark.parametrize("what", FIRST_LINES)
def test_every_first_line_works(what: str, files: Path) -> None:
    run(FIRST_LINES[what], files)
