import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.methods.shapley import Shapley
from reference.shapley import shapley


def network(features, seed=0):
    generator = torch.Generator().manual_seed(seed)
    layer = torch.nn.Sequential(torch.nn.Linear(features, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1)).double()
    for parameter in layer.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return layer


def data(rows, features, seed=1):
    return torch.randn(rows, features, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@given(rows=st.integers(1, 3), features=st.integers(1, 5), draws=st.integers(1, 3))
def test_few_players_are_exact(rows, features, draws):
    net, x, background = network(features), data(rows, features), data(draws, features, seed=2)
    found = explain(net, x, Shapley(), background=background)
    expected = torch.stack([shapley(lambda z: net(z)[:, 0].detach(), row, background) for row in x])
    torch.testing.assert_close(found.values, expected, rtol=1e-10, atol=1e-12)
    assert not found.error.any()


def exact(net, x, background):
    found = explain(net, x, Shapley(budget=2**20), background=background)
    assert not found.error.any()
    return found.values


# Orders of rows met several times, of rows partly met twice, and of rows met by chance.
@pytest.mark.parametrize(("draws", "budget"), [(5, 320), (20, 400), (200, 300)])
def test_twice_the_error_covers_the_truth(draws, budget):
    net, x, background = network(8), data(4, 8), data(draws, 8, seed=2)
    truth = exact(net, x, background)
    runs = [explain(net, x, Shapley(budget, seed=seed), background=background) for seed in range(60)]
    off = torch.stack([run.values - truth for run in runs])
    error = torch.stack([run.error for run in runs])
    assert 0.91 < float((off.abs() < 2 * error).double().mean()) < 0.98
    # No bias that the spread over the seeds would show.
    assert float((off.mean(dim=0).abs() / (off.std(dim=0) / len(runs) ** 0.5)).mean()) < 1.5
    assert 0.9 < float(error.square().mean().sqrt() / off.square().mean().sqrt()) < 1.5


@pytest.mark.parametrize(("draws", "budget"), [(1, 110), (5, 320), (50, 120), (300, 200)])
def test_sampled_values_add_up(draws, budget):
    found = explain(network(8), data(6, 8), Shapley(budget), background=data(draws, 8, seed=2))
    assert found.error.any()
    assert float(found.gap.abs().max()) < 1e-12


def test_an_additive_score_is_exact_whatever_is_sampled():
    x, background = data(5, 30), data(4, 30, seed=2)
    found = explain(lambda z: z.sin().sum(dim=1), x, Shapley(), background=background)
    torch.testing.assert_close(found.values, x.sin() - background.sin().mean(dim=0))
    assert float(found.error.max()) < 1e-12


def test_no_question_is_asked_twice():
    seen = []
    x, background = data(1, 11), data(3, 11, seed=2)
    explain(lambda z: seen.append(z) or z.prod(dim=1), x, Shapley(budget=900), background=background)
    rows = torch.cat(seen)
    # x itself runs a few more times, by which the call learns shapes and bytes a row.
    assert len(rows) - len(rows.unique(dim=0)) <= 6
    assert len(rows) <= 900 + 3 + 1 + 6


def test_until_runs_until_then_for_every_row_by_itself():
    net, x = network(12), data(6, 12)
    loose = explain(net, x, Shapley(budget=150), baseline=0.0)
    tight = explain(net, x, Shapley(budget=150, until=0.01), baseline=0.0)
    relative = tight.error.amax(dim=1) / tight.values.abs().amax(dim=1)
    assert float((loose.error.amax(dim=1) / loose.values.abs().amax(dim=1)).max()) > 0.01
    assert float(relative.max()) <= 0.01
    alone = [explain(net, row[None], Shapley(budget=150, until=0.01), baseline=0.0) for row in x]
    assert len({one.evaluations for one in alone}) > 1
    torch.testing.assert_close(torch.cat([one.values for one in alone]), tight.values)


def test_until_ends_at_the_exact_values_or_at_the_limit():
    net, x = network(12), data(2, 12)
    found = explain(net, x, Shapley(budget=150, until=1e-9), baseline=0.0)
    torch.testing.assert_close(found.values, exact(net, x, torch.zeros(1, 12, dtype=torch.float64)))
    assert not found.error.any()
    stopped = explain(net, x, Shapley(budget=150, until=1e-9, limit=400), baseline=0.0)
    assert stopped.error.any()
    assert stopped.evaluations <= 2 * 400 + 2 + 1 + 6


def test_the_pieces_do_not_matter_and_the_seed_does():
    net, x, background = network(9), data(30, 9), data(40, 9, seed=2)
    first = explain(net, x, Shapley(budget=200), background=background)
    small = explain(net, x, Shapley(budget=200), background=background, memory="2 KB")
    torch.testing.assert_close(small.values, first.values, rtol=1e-12, atol=1e-12)
    assert torch.equal(explain(net, x, Shapley(budget=200), background=background).values, first.values)
    assert not torch.equal(explain(net, x, Shapley(budget=200, seed=1), background=background).values, first.values)


def test_every_target_has_its_own_background_score():
    x, background = data(4, 3), data(700, 3, seed=2)
    found = explain(torch.nn.Flatten(), x, Shapley(budget=100), target=[0, 2, 1, 0], background=background)
    expected = torch.zeros_like(x)
    for row, target in enumerate([0, 2, 1, 0]):
        expected[row, target] = x[row, target] - background[:, target].mean()
    torch.testing.assert_close(found.values, expected)


def test_groups_and_many_players():
    image = data(2, 100).reshape(2, 1, 10, 10)
    quarters = torch.arange(100).reshape(1, 10, 10) // 25
    found = explain(lambda z: z.flatten(1).sum(dim=1), image, Shapley(), groups=quarters)
    torch.testing.assert_close(found.values, image.reshape(2, 4, 25).sum(dim=2))
    whole = explain(lambda z: z.flatten(1).sum(dim=1), image, Shapley())
    torch.testing.assert_close(whole.values, image)


def test_too_small_a_budget_says_what_to_type():
    with pytest.raises(MethodError, match=r"100 players needs 400 evaluations.*budget is 300; pass budget=400"):
        explain(lambda z: z.sum(dim=1), data(1, 100), Shapley(budget=300))
    with pytest.raises(MethodError, match="4 players needs 40 evaluations"):
        explain(lambda z: z.sum(dim=1), data(1, 4), Shapley(budget=30), background=data(50, 4))
    assert explain(network(4), data(1, 4), Shapley(budget=40), background=data(50, 4)).error.isfinite().all()


def test_float32_in_float32_out():
    found = explain(network(3).float(), data(2, 3).float(), Shapley())
    assert found.values.dtype == found.error.dtype == torch.float32
