"""Everything that is done with a network is done with edges of any family."""

from __future__ import annotations

import pytest
import torch

from ascribe import DeepLift, explain
from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.maths.families import FAMILIES

float64 = torch.float64
families = pytest.mark.parametrize("family", sorted(FAMILIES))


def data(n: int = 300) -> tuple[torch.Tensor, torch.Tensor]:
    x = torch.rand(n, 3, dtype=float64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    return x, torch.sin(3 * x[:, :1]) + x[:, 1:2] ** 2


@families
@pytest.mark.parametrize("opt", ["LBFGS", "LM", "Adam"])
def test_fits(family, opt):
    kan, (x, y) = KAN([3, 2, 1], edge=family, dtype=float64), data()
    steps, lr = (50, 2e-2) if opt == "Adam" else (4, 1.0)
    history = kan.fit((x, y), opt=opt, steps=steps, lr=lr, progress=False)
    error = float((kan(x) - y).detach().square().mean().sqrt())
    assert error < (0.7 if opt == "Adam" else 0.1) * float(y.std())
    assert error <= 1.001 * min(history.results["train_loss"])


@families
def test_the_regulariser_shuts_what_does_not_matter(family):
    kan, (x, y) = KAN([3, 2, 1], edge=family, dtype=float64), data()
    kan.fit((x, y), steps=8, lamb=5e-3, progress=False)
    score = kan.feature_score
    assert float(score[2]) < 0.05 * float(score[:2].max())
    assert kan.prune_input().input_id.tolist() == [0, 1]
    assert kan.prune().edge == [family] * 2


@families
def test_grids_move_as_far_as_they_may_and_refine_where_they_are_nested(family):
    kan, (x, _) = KAN([3, 2, 1], edge=family, noise_scale=2.0, dtype=float64), data()
    before = kan(x).detach()
    update = kan.update_grid(x, tolerance=1e-2)
    change = float((kan(x).detach() - before).std() / before.std())
    assert max(float(c.max()) for c in update.change) <= 1e-2
    assert change < 0.1
    if FAMILIES[family].nested:
        wide = 3 * x
        torch.testing.assert_close(kan.refine(9)(wide), kan(wide), rtol=1e-9, atol=1e-9)
    else:
        with pytest.warns(UserWarning, match=f"{family} edges on 4 cells.*fit again"):
            kan.refine(4)


def test_a_family_a_layer_is_kept_in_copies_versions_and_files(tmp_path):
    kan = KAN([3, 2, 1], edge=["fourier", "bspline"], grid=[4, 5], k=[1, 3])
    kan.save(tmp_path / "kan.safetensors")
    for other in (
        kan.copy(),
        KAN.load(tmp_path / "kan.safetensors"),
        kan.refine(6),
        kan.prune_edge(-1.0, x=torch.rand(9, 3)),
    ):
        assert other.edge == ["fourier", "bspline"]


@pytest.mark.parametrize(
    ("edge", "message"),
    [(["fourier"], r"edge=\['fourier'\] has 1 entries for 2 layers"), ("sine", "edge='sine' is not known")],
)
def test_wrong_families_are_sentences(edge, message):
    with pytest.raises(InputError, match=message):
        KAN([3, 2, 1], edge=edge)


def test_a_sparse_start_trains_only_what_is_there():
    kan, (x, y) = KAN([3, 6, 1], sparse_init=True, dtype=float64), data()
    masks = [layer.mask.clone() for layer in kan.layers]
    assert kan.n_edge == 6 + 6
    kan.fit((x, y), steps=3, progress=False)
    for layer, mask in zip(kan.layers, masks, strict=True):
        assert torch.equal(layer.mask, mask)


@families
def test_deep_lift_shares_out_all_there_is(family):
    kan = KAN([3, 4, 1], edge=family, noise_scale=2.0, dtype=float64)
    x = 2 * data(6)[0]  # some of it outside the grids
    found = explain(kan, x, DeepLift(), target=0)
    assert float(found.gap.abs().max()) < 1e-10 * float(kan(x).detach().abs().max())
