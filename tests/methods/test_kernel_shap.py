import pandas as pd
import pytest
import torch

from ascribe.core.explain import explain
from ascribe.errors import InputError, MethodError
from ascribe.methods.banzhaf import Banzhaf
from ascribe.methods.kernel_shap import KernelShap
from ascribe.methods.shapley import Shapley
from ascribe.methods.shapley_interactions import ShapleyInteractions
from reference import interactions as reference
from reference.shapley import worth


def network(features, seed=0, outputs=1):
    generator = torch.Generator().manual_seed(seed)
    layers = torch.nn.Sequential(torch.nn.Linear(features, 7), torch.nn.Tanh(), torch.nn.Linear(7, outputs)).double()
    for parameter in layers.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator, dtype=torch.float64)
    return layers


def data(rows, features, seed=1):
    return torch.randn(rows, features, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


SAMPLED = [
    KernelShap(budget=120),
    Banzhaf(budget=120),
    ShapleyInteractions(budget=120),
    ShapleyInteractions(index="STII", budget=120),
    ShapleyInteractions(index="FSII", budget=120),
]
DEFINITIONS = {
    KernelShap(): lambda game: reference.nearest(game, order=1)[0],
    Banzhaf(): lambda game: torch.tensor(reference.banzhaf(game), dtype=torch.float64),
    ShapleyInteractions(): reference.shapley_interactions,
    ShapleyInteractions(index="STII"): reference.shapley_taylor,
    ShapleyInteractions(index="FSII"): reference.faithful,
}


@pytest.mark.parametrize("method", DEFINITIONS, ids=repr)
def test_few_players_are_exact(method):
    net, x, background = network(4), data(2, 4), data(3, 4, seed=2)
    found = explain(net, x, method, background=background)
    assert not found.error.any()
    for row, values in zip(x, found.values, strict=True):
        coalitions = (frozenset(i for i in range(4) if code >> i & 1) for code in range(16))
        game = {s: worth(lambda z: net(z)[:, 0].detach(), row, background, set(s)) for s in coalitions}
        torch.testing.assert_close(values, DEFINITIONS[method](game), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("method", "draws"), [*((method, 1) for method in SAMPLED), *((method, 30) for method in SAMPLED[:3])], ids=repr
)
def test_sampled_values_come_with_their_errors(method, draws):
    net, x, background = network(9), data(5, 9), data(draws, 9, seed=2) / 3
    truth = explain(net, x, type(method)(budget=2**16, **index_of(method)), background=background)
    assert not truth.error.any()
    found = explain(net, x, method, background=background)
    assert found.values.shape == found.error.shape == truth.values.shape
    within = (found.values - truth.values).abs() <= 4 * found.error + 1e-9
    assert float(within.double().mean()) > 0.95
    assert found.evaluations <= 5 * (120 + 1) + draws + 6
    if "complete" in method.laws:
        assert float(found.gap.abs().max()) < 1e-11


def index_of(method):
    return {"index": method.index} if isinstance(method, ShapleyInteractions) else {}


@pytest.mark.parametrize("method", [*SAMPLED[:2], SAMPLED[4]], ids=repr)
def test_an_additive_score_is_exact_whatever_is_sampled(method):
    x = data(4, 12)
    found = explain(lambda z: z.sin().sum(dim=1), x, method)
    expected = x.sin() if found.values.ndim == 2 else torch.diag_embed(x.sin())
    torch.testing.assert_close(found.values, expected, rtol=1e-8, atol=1e-8)
    assert float(found.error.max()) < 1e-8


def test_pairs_of_a_score_of_pairs():
    x = data(3, 12)
    found = explain(lambda z: z[:, 0] * z[:, 5] + 2 * z[:, 3], x, ShapleyInteractions(budget=400))
    expected = torch.zeros(3, 12, 12, dtype=torch.float64)
    expected[:, 0, 5] = expected[:, 5, 0] = x[:, 0] * x[:, 5] / 2
    expected[:, 3, 3] = 2 * x[:, 3]
    assert bool(((found.values - expected).abs() <= 4 * found.error + 1e-9).double().mean() > 0.98)
    assert float((found.values - expected).abs().max()) < 0.02


@pytest.mark.parametrize("method", SAMPLED[:1], ids=repr)
def test_no_question_is_asked_twice(method):
    seen = []
    explain(lambda z: seen.append(z) or z.prod(dim=1), data(1, 11), method, background=data(3, 11, seed=2))
    rows = torch.cat(seen)
    # x itself runs a few more times, by which the call learns shapes and bytes a row.
    assert len(rows) - len(rows.unique(dim=0)) <= 6


@pytest.mark.parametrize("kind", [KernelShap, ShapleyInteractions])
def test_until_runs_until_then_for_every_row_by_itself(kind):
    net, x = network(10), data(3, 10)
    tight = explain(net, x, kind(budget=60, until=0.05), baseline=0.0)
    relative = tight.error.flatten(1).amax(dim=1) / tight.values.flatten(1).abs().amax(dim=1)
    assert float(relative.max()) <= 0.05
    alone = explain(net, x[:1], kind(budget=60, until=0.05), baseline=0.0)
    torch.testing.assert_close(alone.values, tight.values[:1])


def test_until_ends_at_the_exact_values():
    net, x = network(10), data(2, 10)
    found = explain(net, x, KernelShap(budget=60, until=1e-9))
    assert not found.error.any()
    torch.testing.assert_close(found.values, explain(net, x, Shapley(budget=2000)).values)


def test_against_one_baseline_shapley_is_the_regression():
    net, x = network(12), data(3, 12)
    found = explain(net, x, Shapley(budget=100, seed=2))
    assert torch.equal(found.values, explain(net, x, KernelShap(budget=100, seed=2)).values)


@pytest.mark.parametrize("method", [SAMPLED[0], SAMPLED[2]], ids=repr)
def test_pieces_and_company_do_not_matter_and_the_seed_does(method):
    net, x = network(9), data(8, 9)
    first = explain(net, x, method)
    small = explain(net, x, method, memory="8 KB")
    torch.testing.assert_close(small.values, first.values, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(explain(net, x[4:6], method).values, first.values[4:6], rtol=1e-8, atol=1e-8)
    other = type(method)(budget=method.budget, seed=1, **index_of(method))
    assert not torch.equal(explain(net, x, other).values, first.values)


def test_groups_frames_and_token_ids():
    frame = pd.DataFrame(data(3, 6).numpy(), columns=list("abcdef"))
    found = explain(
        lambda f: (f["a"] * f["b"] + f["f"]).to_numpy(), frame, ShapleyInteractions(), groups={"ab": ["a", "b"]}
    )
    assert found.names[0] == "ab"
    assert found.values.shape == (3, 5, 5)
    torch.testing.assert_close(found.values[:, 0, 0], torch.tensor((frame["a"] * frame["b"]).to_numpy()))
    torch.testing.assert_close(found.values[:, 4, 4], torch.tensor(frame["f"].to_numpy()))
    ids = torch.randint(1, 9, (2, 12), generator=torch.Generator().manual_seed(0))
    table = data(9, 5)
    heads = explain(lambda t: table[t].sum(dim=(1, 2)), ids, KernelShap(budget=60))
    torch.testing.assert_close(heads.values.double(), table[ids].sum(2) - table[0].sum(), rtol=1e-5, atol=1e-5)


def test_every_output_at_the_price_of_one():
    net, x = network(9, outputs=3), data(4, 9)
    found = explain(net, x, KernelShap(budget=100), target="all")
    alone = [explain(net, x, KernelShap(budget=100), target=k) for k in range(3)]
    torch.testing.assert_close(found.values, torch.stack([one.values for one in alone]), rtol=1e-8, atol=1e-8)
    assert found.evaluations <= alone[0].evaluations + 12


def test_one_player_equal_rows_and_a_score_that_never_changes():
    x = data(1, 1).expand(3, 1).contiguous()
    for method in (KernelShap(), Banzhaf(), ShapleyInteractions()):
        found = explain(lambda z: z[:, 0] ** 2, x, method)
        torch.testing.assert_close(found.values.flatten(1), x**2)
    many = data(1, 30).expand(4, 30).contiguous()
    found = explain(lambda z: z[:, 0] * 0 + 3, many, KernelShap())
    assert not found.values.any()
    assert not found.error.any()


@pytest.mark.parametrize("method", [KernelShap(), KernelShap(budget=60), Shapley(budget=60)], ids=repr)
def test_a_score_that_is_nowhere_defined_between_is_refused(method):
    x = data(3, 9).abs() + 1
    x[1] = 0.5
    # Fine at x, where no feature is 0, and at the baseline, where all are.
    with pytest.raises(InputError, match="infinity for row 0 of x with some of its features replaced"):
        explain(lambda z: z.prod(dim=1).log().where(z.any(dim=1), 0.0), x, method)


def test_many_players_and_little_memory():
    # More coalitions of a size than are listed by number, and two players who work together.
    x = data(2, 90)
    found = explain(lambda z: z[:, 0] * z[:, 1] + z.sum(dim=1), x, KernelShap(budget=400), memory="1 MB")
    expected = x.clone()
    expected[:, :2] += (x[:, 0] * x[:, 1] / 2)[:, None]
    assert bool(((found.values - expected).abs() <= 4 * found.error + 1e-9).double().mean() > 0.98)


def test_mistakes_say_what_to_type():
    for kind in (KernelShap, Banzhaf, ShapleyInteractions):
        with pytest.raises(MethodError, match=r"30 players needs 120 evaluations.*pass budget=120"):
            explain(lambda z: z.sum(dim=1), data(1, 30), kind(budget=100))
    with pytest.raises(MethodError, match=r"index='SII' is not known.*FSII"):
        ShapleyInteractions(index="SII")
    with pytest.raises(MethodError, match="budget=0 is no number of evaluations"):
        KernelShap(budget=0)
    with pytest.raises(MethodError, match="part of the largest value"):
        KernelShap(until=0.0)
