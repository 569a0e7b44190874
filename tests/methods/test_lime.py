import pytest
import torch
from captum import attr as captum
from captum._utils.models.linear_model import SkLearnLasso, SkLearnRidge

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.maths.proximity import Cosine, Euclidean
from ascribe.maths.regression import Lasso, Ridge
from ascribe.methods.ablation import Ablation
from ascribe.methods.lime import Lime
from reference.lime import lime


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def bent(z):
    return z[:, :1] * (1 + z[:, 1:2].tanh()) + z[:, 2:].square().sum(1, keepdim=True)


def coalitions(players, draws, samples, seed):
    """What the method asks about: its own random stream, drawn again."""
    generator = torch.Generator().manual_seed(seed)
    meeting = torch.randperm(draws, generator=generator)
    present = torch.rand(samples, players, generator=generator, dtype=torch.float64) < 0.5
    return present, [int(meeting[k % draws]) for k in range(samples)]


@pytest.mark.parametrize("of", ["players", "entries"])
@pytest.mark.parametrize(("distance", "kind"), [("cosine", Cosine), ("euclidean", Euclidean)])
@pytest.mark.parametrize("draws", [1, 3])
def test_the_definition(distance, kind, of, draws):
    x, background = normal(3, 4), normal(draws, 4, seed=1)
    method = Lime(60, kind(1.5, of), Ridge(0.5), seed=7)
    found = explain(bent, x, method, background=background)
    present, met = coalitions(4, draws, 60, 7)
    for row in range(3):
        values, errors = lime(bent, x[row], background, present, met, (distance, 1.5, of), 0.5)
        torch.testing.assert_close(found.values[row], values)
        torch.testing.assert_close(found.error[row], errors)


@pytest.mark.parametrize("mode", ["cosine", "euclidean"])
@pytest.mark.parametrize(
    ("ours", "theirs"), [(Lasso(0.01), SkLearnLasso(alpha=0.01, tol=1e-6)), (Ridge(1.0), SkLearnRidge(alpha=1.0))]
)
def test_captum_with_the_same_coalitions(mode, ours, theirs):
    x, mask = normal(2, 6, dtype=torch.float32), torch.tensor([0, 1, 1, 2, 3, 0])
    present, _ = coalitions(4, 1, 50, 3)
    kernel = {"cosine": Cosine, "euclidean": Euclidean}[mode](1.0, of="entries")
    found = explain(bent, x, Lime(50, kernel, ours, seed=3), groups=mask, baseline=0.2)
    for row in range(2):
        samples = iter(present.long())
        expected = captum.Lime(
            bent,
            interpretable_model=theirs,
            similarity_func=captum._core.lime.get_exp_kernel_similarity_function(mode, 1.0),
            perturb_func=lambda *_, samples=samples, **__: next(samples)[None],
        ).attribute(x[row : row + 1], baselines=0.2, feature_mask=mask[None], n_samples=50, return_input_shape=False)
        torch.testing.assert_close(found.values[row], expected.reshape(-1), rtol=1e-5, atol=2e-6)


def test_least_squares_of_a_linear_score_is_exact():
    net = torch.nn.Linear(5, 1).double()
    x, background = normal(4, 5), normal(1, 5, seed=1)
    found = explain(net, x, Lime(surrogate=Ridge(0.0)), background=background)
    torch.testing.assert_close(found.values, explain(net, x, Ablation(), background=background).values)
    assert float(found.error.max()) < 1e-10


def test_the_lasso_leaves_out_what_counts_little():
    x = normal(4, 20)
    found = explain(lambda z: 3 * z[:, 0] + 0.01 * z.sum(1), x.abs() + 1, Lime(400, surrogate=Lasso(0.05)))
    assert bool((found.values[:, 0] > 1).all())
    assert float((found.values[:, 1:] == 0).double().mean()) > 0.9


@pytest.mark.parametrize("surrogate", [Ridge(1.0), Lasso(0.02)])
def test_it_goes_on_until_the_error_is_small(surrogate):
    x = normal(5, 4) + 2
    rough = explain(bent, x, Lime(64, surrogate=surrogate))
    found = explain(bent, x, Lime(64, surrogate=surrogate, until=0.02))
    assert bool((found.error.amax(1) <= 0.02 * found.values.abs().amax(1)).all())
    assert not bool((rough.error.amax(1) <= 0.02 * rough.values.abs().amax(1)).all())


def test_the_error_covers_what_another_seed_finds():
    x = normal(3, 4)
    truth = explain(bent, x, Lime(8_000, seed=100))
    runs = [explain(bent, x, Lime(300, seed=seed)) for seed in range(25)]
    # The penalty of 1 weighs more where there are fewer samples, so that the two do not estimate quite the same.
    mean = torch.stack([a.values for a in runs]).mean(0)
    spread = torch.stack([a.values for a in runs]).std(0)
    claimed = torch.stack([a.error for a in runs]).mean(0)
    torch.testing.assert_close(claimed, spread, rtol=0.35, atol=1e-3)
    torch.testing.assert_close(mean, truth.values, rtol=0.1, atol=0.05)


def test_groups_inputs_and_outputs():
    net = torch.nn.Linear(5, 3).double()
    inputs = {"a": normal(4, 2), "b": normal(4, 3, seed=1)}

    class Net(torch.nn.Module):
        def forward(self, a, b):
            return net(torch.cat([a, b], 1))

    found = explain(Net(), inputs, Lime(64, surrogate=Ridge(0.0)), target="all")
    assert {key: tuple(value.shape) for key, value in found.values.items()} == {"a": (3, 4, 2), "b": (3, 4, 3)}
    torch.testing.assert_close(found.values["a"][1], net.weight[1, :2].detach() * inputs["a"])
    joined = explain(net, normal(4, 5), Lime(64), groups={"front": [0, 1, 2]}, target=0)
    assert joined.values.shape == (4, 3)


def test_one_evaluation_a_sample_and_row_in_any_pieces():
    x, seen = normal(20, 4), []
    explain(lambda z: seen.append(len(z)) or z.sum(dim=1), x, Lime(100), memory="4 KB")
    assert 20 * 100 + 20 + 1 <= sum(seen) <= 20 * 100 + 20 + 1 + 6
    assert max(seen) <= 4096 // 32


@pytest.mark.parametrize("knobs", [{"samples": 1}, {"limit": 0}, {"until": 0.0}])
def test_knobs_out_of_range_are_refused(knobs):
    with pytest.raises(MethodError, match="pass"):
        Lime(**knobs)


@pytest.mark.parametrize("kernel", [Cosine, Euclidean])
def test_kernels_out_of_range_are_refused(kernel):
    for width in (0.0, float("nan"), float("inf")):
        with pytest.raises(MethodError, match="pass a width above 0"):
            kernel(width)


def test_what_cannot_be_done_is_said():
    with pytest.raises(MethodError, match="so narrow that no sample counts"):
        explain(bent, normal(2, 12), Lime(20, Euclidean(1e-3)))
    with pytest.raises(MethodError, match="pass groups="):
        explain(lambda z: z.sum((1, 2, 3)), torch.zeros(1, 3, 64, 64), Lime())
