import pytest
import torch
from captum import attr as captum

from ascribe.core.explain import explain
from ascribe.errors import MethodError
from ascribe.methods.permutation import Permutation
from reference.permutation import permutation


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def bent(z):
    return z[:, :1] * (1 + z[:, 1:2].tanh()) + z[:, 2:].square().sum(1, keepdim=True)


def orders(rows, repeats, seed):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randperm(rows, generator=generator).tolist() for _ in range(repeats)]


def test_the_definition():
    x = normal(6, 4)
    found = explain(bent, x, Permutation(repeats=5, seed=3))
    values, errors = permutation(bent, x, orders(6, 5, 3))
    torch.testing.assert_close(found.values, values)
    torch.testing.assert_close(found.error, errors)


def test_rounds_of_until_are_one_sample():
    x = normal(6, 4)
    found = explain(bent, x, Permutation(repeats=2, until=1e-9, limit=11, seed=3))
    values, errors = permutation(bent, x, orders(6, 11, 3))
    torch.testing.assert_close(found.values, values)
    torch.testing.assert_close(found.error, errors)


def test_it_goes_on_until_the_error_is_small():
    x = normal(40, 3)
    found = explain(bent, x, Permutation(repeats=4, until=0.2, limit=10**4))
    assert bool((found.error.amax(1) <= 0.2 * found.values.abs().amax(1)).all())
    assert found.evaluations < 40 * 3 * 10**4


def test_captum_with_the_same_shuffling():
    """Captum's own function draws from the global stream; a rotation of the rows is the same for both."""
    x = normal(6, 4)
    mask = torch.tensor([[0, 1, 1, 2]])
    theirs = captum.FeaturePermutation(bent, perm_func=lambda z, m: torch.where(m, z.roll(1, 0), z))
    ours = Permutation(repeats=1, shuffle=lambda z, m: torch.where(m, z.roll(1, 0), z))
    found = explain(bent, x, ours, groups=mask[0])
    assert found.error is None
    torch.testing.assert_close(found.values[:, mask[0]], theirs.attribute(x, feature_mask=mask))


def test_captum_with_the_same_shuffling_of_several_inputs():
    inputs = (normal(5, 2), normal(5, 2, 2, seed=1))

    def model(a, b):
        return bent(torch.cat([a, b.flatten(1)], 1))

    theirs = captum.FeaturePermutation(model, perm_func=lambda z, m: torch.where(m, z.roll(2, 0), z))
    ours = Permutation(repeats=1, shuffle=lambda z, m: torch.where(m, z.roll(2, 0), z))
    for found, expected in zip(explain(model, inputs, ours).values, theirs.attribute(inputs), strict=True):
        torch.testing.assert_close(found, expected)


def test_a_user_s_permutation_is_asked_in_every_repeat():
    generator = torch.Generator().manual_seed(3)

    def deal(z, mask):
        return torch.where(mask, z[torch.randperm(len(z), generator=generator)], z)

    x = normal(6, 1)
    found = explain(lambda z: z.exp(), x, Permutation(repeats=5, shuffle=deal))
    values, errors = permutation(lambda z: z.exp(), x, orders(6, 5, 3))
    torch.testing.assert_close(found.values, values)
    torch.testing.assert_close(found.error, errors)


def test_every_output_meets_the_same_permutations():
    net = torch.nn.Linear(3, 4).double()
    x = normal(5, 3)
    for shuffle in (None, lambda z, m: torch.where(m, z.roll(1, 0), z)):
        method = Permutation(repeats=3, shuffle=shuffle)
        every = explain(net, x, method, target="all")
        for output in range(4):
            one = explain(net, x, method, target=output)
            torch.testing.assert_close(every.values[output], one.values)
            torch.testing.assert_close(every.error[output], one.error)


def test_one_row_has_nobody_to_deal_with():
    assert explain(bent, normal(1, 4), Permutation(repeats=2)).values.tolist() == [[0.0] * 4]


def test_token_ids_stay_ids():
    table = normal(9, 2)
    ids = torch.tensor([[1, 4, 6], [8, 4, 2]])
    seen = []
    explain(lambda tokens: seen.append(tokens) or table[tokens].sum((1, 2)), ids, Permutation(repeats=2))
    assert {tensor.dtype for tensor in seen} == {torch.long}
    assert set(torch.cat(seen).flatten().tolist()) <= set(ids.flatten().tolist())


def test_the_global_stream_is_untouched():
    before = torch.get_rng_state()
    explain(bent, normal(4, 4), Permutation())
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("knobs", [{"repeats": 0}, {"limit": 0}, {"until": 0.0}, {"until": 0.1, "repeats": 1}])
def test_knobs_out_of_range_are_refused(knobs):
    with pytest.raises(MethodError, match="pass"):
        Permutation(**knobs)


def test_a_shuffle_that_gives_something_else_is_refused():
    with pytest.raises(MethodError, match=r"shuffle gave \(2, 4\) for rows of shape \(5, 4\)"):
        explain(bent, normal(5, 4), Permutation(repeats=1, shuffle=lambda z, _: z[:2]))
