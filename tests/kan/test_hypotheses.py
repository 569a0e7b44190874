"""How functions are put together: what is built is what is found, in any units, and the replicas agree."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.kan.hypotheses import (
    Tree,
    check_general_separability,
    check_separability,
    check_symmetry,
    check_symmetry_variable,
    detect_separability,
    hessian,
    jacobian,
    tree,
)
from ascribe.kan.hypotheses.jets import _points, jet, spreads, third_derivatives
from ascribe.kan.hypotheses.separability import interactions, partition
from ascribe.kan.hypotheses.symmetry import dependence
from reference import hypotheses as reference

float64 = torch.float64


def points(n, d, seed=0, scale=None):
    x = 0.5 + torch.rand(n, d, generator=torch.Generator().manual_seed(seed), dtype=float64)
    return x if scale is None else x * torch.as_tensor(scale, dtype=float64)


def nested(x):
    """A function of rows and of one point alike."""
    a, b, c, d = x.unbind(-1)
    return torch.exp((a**2 + torch.sin(b)) * c) + d**2 * c


def test_derivatives_are_those_of_every_row():
    x = points(6, 4)
    at = jet(nested, x)
    for row, p in enumerate(x):
        torch.testing.assert_close(at.gradient[row], reference.gradient(nested, p).detach())
        torch.testing.assert_close(at.hessian[row], torch.autograd.functional.hessian(nested, p))
    third = third_derivatives(nested, x)
    step = 1e-5 * torch.eye(4, dtype=float64)[2]
    slope = (hessian(nested, x + step) - hessian(nested, x - step)) / 2e-5
    torch.testing.assert_close(third[:, :, :, 2], slope, rtol=1e-5, atol=1e-5)
    both = jacobian(lambda x: torch.stack([nested(x), x.prod(1)], 1), x)
    torch.testing.assert_close(both[:, 0], at.gradient)
    torch.testing.assert_close(both[:, 1], x.prod(1, keepdim=True) / x)


def test_derivatives_can_be_derived():
    x = points(5, 2).requires_grad_()
    h = hessian(lambda x: x[:, :1] ** 3 * x[:, 1:], x, create_graph=True)
    (slope,) = torch.autograd.grad(h[:, 0, 0].sum(), x)
    torch.testing.assert_close(slope, 6 * torch.stack([x[:, 1], x[:, 0]], 1).detach())
    assert jacobian(lambda x: 0 * x[:, 0], x, create_graph=True).abs().max() == 0


@pytest.mark.parametrize("mode", ["add", "mul"])
def test_interactions_equal_the_replica(mode):
    x = points(5, 4, 1, [1, 10, 0.1, 1])

    def f(x):
        return nested(x / torch.tensor([1, 10, 0.1, 1], dtype=float64))

    found, _ = interactions(jet(f, x), x, mode, 0.5)
    torch.testing.assert_close(found, reference.interaction(f, x, mode, 0.5), rtol=1e-8, atol=1e-10)


def test_turning_and_ratios_equal_the_replica():
    x = points(5, 4, 2)
    at = jet(nested, x).scaled(spreads(x))
    for group in ([0, 1], [1, 2], [0, 1, 2], [3, 0]):
        torch.testing.assert_close(dependence(at, group), reference.turning(nested, x, group), rtol=1e-7, atol=1e-9)
    check = check_general_separability(nested, x, [[0], [3]])
    slow = reference.ratio(nested, x, 0, 3)
    label = torch.tensor([0, 2, 2, 1])
    assert check.value == pytest.approx(float((slow * (label[:, None] != label)).max()), rel=1e-7)


GROUPS = st.permutations(range(6)).flatmap(
    lambda order: st.lists(st.integers(1, 5), max_size=4, unique=True).map(
        lambda cuts: [sorted(order[a:b]) for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 6], strict=True)]
    )
)


@given(GROUPS, st.sampled_from(["add", "mul"]), st.floats(-6, 6), st.integers(0, 9))
def test_the_groups_of_a_sum_or_product_are_found_in_any_units(groups, mode, magnitude, seed):
    unit = 10.0**magnitude
    x = points(40, 6, seed, [1, 1e3, 1e-3, 1, 10, 1])
    u = torch.tensor([1, 1e3, 1e-3, 1, 10, 1], dtype=float64)

    def f(x):
        terms = [torch.exp((x / u)[:, g].prod(1)) for g in groups]
        return unit * (sum(terms) if mode == "add" else torch.stack(terms).prod(0))

    found = detect_separability(f, x, mode)
    assert found.groups == sorted(groups)
    assert bool(found) == (len(groups) > 1)
    assert bool(check_separability(f, x, groups, mode))
    assert found.labels == [next(n for n, g in enumerate(found.groups) if i in g) for i in range(6)]
    if len(groups) > 1:
        split = check_separability(f, x, [groups[0] + groups[1]], mode)
        assert split or len(groups) == 2


def test_what_interacts_is_not_separated_and_named():
    x = points(40, 3)
    check = check_separability(lambda x: x[:, 0] * x[:, 1] + x[:, 2], x, [[0, 2], [1]])
    assert not check
    assert set(check.against) == {0, 1}
    assert str(check).startswith("no: f is a sum over [[0, 2], [1]]")
    found = detect_separability(lambda x: x[:, 0] * x[:, 1] * x[:, 2], x, n_clusters=2)
    assert len(found.groups) == 2
    assert not found
    assert found.residual > 0.1
    assert "not separable" in str(found)


def test_few_large_values_and_rows_without_one_hide_nothing():
    """Interactions are shares of a spread that few rows do not make, and rows that are no numbers do not spoil."""
    x = points(300, 2, 0)
    assert not check_separability(lambda x: torch.exp(torch.sin(3 * x[:, 0]) + x[:, 1] ** 2), x, [[0], [1]])
    assert not check_separability(lambda x: torch.exp(5 * x[:, 0]) * x[:, 1], x, [[0], [1]])

    def partly(x, scale):
        return scale * torch.where(x[:, 0] < -1, torch.nan, x[:, 0] * x[:, 1])

    small, large = (check_separability(lambda x, s=s: partly(x, s), x, [[0], [1]]) for s in (1e-6, 1e6))
    assert small.value == pytest.approx(large.value)
    assert not small


def test_a_linear_function_is_a_sum_of_all_its_variables():
    x = points(20, 4)
    found = detect_separability(lambda x: x @ torch.arange(4.0, dtype=float64), x)
    assert found.groups == [[0], [1], [2], [3]]
    assert found.residual == 0
    assert detect_separability(lambda x: torch.full((len(x), 1), 3.0), x).groups == found.groups
    assert tree(lambda x: x.sum(1), x).kind == "sum"


def test_a_bias_turns_a_sum_into_a_product():
    x = points(40, 2)

    def f(x):
        return x[:, 0] * torch.exp(x[:, 1]) - 3

    assert not detect_separability(f, x, "mul", bias=7.0)
    assert detect_separability(f, x, "mul", bias=3.0).groups == [[0], [1]]


def test_rows_without_a_logarithm_are_left_out():
    x = points(40, 2)
    x[:5, 0] = 0
    assert detect_separability(lambda x: x[:, 0] * x[:, 1], x, "mul").groups == [[0], [1]]
    with pytest.raises(InputError, match="no finite derivatives at 40 of 40 rows"):
        detect_separability(lambda x: 0 * x[:, 0], x, "mul")


def test_symmetry_of_a_function_of_one_number():
    x = points(60, 4)

    def f(x):
        return torch.sin(x[:, 0] * x[:, 1] ** 2) * x[:, 2] + torch.exp(x[:, 3] * x[:, 0] * x[:, 1] ** 2)

    yes, no = check_symmetry(f, x, [0, 1]), check_symmetry(f, x, [1, 2])
    assert yes.value < 1e-12
    assert not no
    assert no.against[0] in (0, 3)
    assert all(check_symmetry(f, x, group) for group in ([], [2], [0, 1, 2, 3]))
    assert check_symmetry_variable(f, x, lambda x: x[:, 0] * x[:, 1] ** 2, [0, 1]).cosine.min() > 1 - 1e-12
    wrong = check_symmetry_variable(f, x, lambda x: x[:, 0] - x[:, 1], [0, 1])
    assert not wrong
    assert wrong.share < 0.1


SHAPES = st.recursive(st.none(), lambda inner: st.lists(inner, min_size=2, max_size=3), max_leaves=7).filter(bool)


def build(shape, columns, seed):
    """A function with this tree, and its strong sets: every node a function of a sum, its children twisted."""
    if shape is None:
        column = next(columns)
        return (lambda x: torch.exp((0.5 + 0.1 * column) * x[..., column])), {column}, []
    parts = [build(child, columns, seed + n) for n, child in enumerate(shape)]
    union = set().union(*(p[1] for p in parts))

    def f(x):
        return (1 + sum(p[0](x) for p in parts)) ** 1.5

    return f, union, [frozenset(union), *(s for p in parts for s in p[2])]


def sets(t: Tree):
    return {frozenset(t.variables)} | {s for child in t.children for s in sets(child)}


@given(SHAPES)
def test_the_tree_that_was_built_is_found(shape):
    f, union, strong = build(shape, iter(range(9)), 0)
    x = points(20, len(union), 3)
    found = tree(f, x, sym_th=1e-6, sep_th=1e-6)
    assert sets(found) == {frozenset({i}) for i in union} | set(strong)
    kinds = [node.kind for level in found.levels() for node in level if node.children]
    assert set(kinds) == {"of a sum"}
    levels = found.levels()
    assert all([i for node in level for i in node.variables] == list(found.variables) for level in levels)
    assert len(levels[-1]) == 1


def prime(x):
    a, b, c, d, e = x.unbind(-1)
    return torch.exp(a * b) + torch.sin(b * c) + (a + c) ** 3 * torch.log(2 + d * e + b)


@pytest.mark.parametrize(
    "f",
    [prime, lambda x: prime(x) + x[..., 0] ** 2, lambda x: x[..., 0] + torch.exp(x[..., 1:].sum(-1)) * x[..., 4]],
)
def test_trees_equal_every_set_tried(f):
    x = points(9, 5, 4)
    assert sets(tree(f, x, sym_th=1e-6)) == reference.strong_sets(f, x, 1e-6)


def test_variables_that_do_nothing_stand_last():
    x = points(30, 5)
    found = tree(lambda x: x[:, 1] * torch.exp(x[:, 2] * x[:, 4]), x)
    assert found.variables == (1, 2, 4, 0, 3)
    assert [child.variables for child in found.children] == [(1,), (2, 4), (0,), (3,)]
    assert found.kind == "product"
    assert tree(lambda x: 0 * x[:, 0] + 2, x).variables == (0, 1, 2, 3, 4)
    assert len(tree(lambda x: x[:, 3] ** 2, x).children) == 5


def test_what_a_tree_says():
    x = points(50, 4)
    found = tree(lambda x: x[:, 0] * ((x[:, 1] ** 2 + x[:, 2]) ** 2 + x[:, 3]), x, names=["m", "a", "b", "c"])
    assert str(found) == (
        "f(m, a, b, c): a product\n├─ m\n└─ f(a, b, c): a function of a sum\n   ├─ f(a, b): a function of a sum\n"
        "   │  ├─ a\n   │  └─ b\n   └─ c"
    )
    assert found.check is not None
    assert found.check.value < 1e-10
    loose = tree(lambda x: torch.exp(x[:, 0] * x[:, 1]) + torch.sin(x[:, 1] * x[:, 2] + x[:, 0] * x[:, 3]), x)
    assert loose.kind == "function"
    assert loose.check is not None
    assert loose.check.value > 0.01
    assert tree(lambda x: x.prod(1), x, kinds=False).kind == "function"
    assert tree(lambda x: torch.relu(x[:, 0] - 9) + 0 * x[:, 1], x).kind == "sum"
    assert str(tree(lambda x: x**2, x[:, :1])) == "x0"


def test_the_picture_of_a_tree():
    from matplotlib.figure import Figure

    import ascribe.plots  # noqa: F401

    found = tree(lambda x: x[:, 0] * ((x[:, 1] ** 2 + x[:, 2]) ** 2 + x[:, 3]), points(50, 4))
    picture = found.plot()
    assert isinstance(picture, Figure)
    ax = picture.axes[0]
    texts = {t.get_text(): t.get_position() for t in ax.texts}
    assert {"×", "F(+)", "$x_{0}$", "$x_{3}$"} <= set(texts)
    assert len(ax.lines) == 6
    assert texts["×"][1] > texts["$x_{0}$"][1]
    boxes = found.plot(style="box", names=["a", "b", "c", "d"]).axes[0]
    assert {"Mul", "GS", "a", "d"} <= {t.get_text() for t in boxes.texts}
    with pytest.raises(InputError, match="style='circle'"):
        found.plot(style="circle")
    with pytest.raises(InputError, match="names has 2 names"):
        found.plot(names=["a", "b"])


def test_networks_are_functions_and_stay_as_they_are():
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Dropout(0.5), nn.Linear(8, 1)).double()
    x = points(30, 3)
    before = torch.get_rng_state()
    first, second = detect_separability(net, x).interaction, detect_separability(net, x).interaction
    assert torch.equal(first, second)
    assert net.training
    assert net[2].training
    assert all(p.grad is None for p in net.parameters())
    assert torch.equal(torch.get_rng_state(), before)
    kan = KAN([3, 1], dtype=float64)
    kan.remember(x[:5])
    with torch.no_grad():
        assert detect_separability(kan, x).groups == [[0], [1], [2]]
    assert torch.equal(kan.data(), x[:5])
    assert not kan._last_input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: detect_separability(lambda x: x, x), "gives 3 numbers a row; choose one"),
        (lambda x: detect_separability(lambda x: x.sum(), x), "it has to give"),
        (lambda x: detect_separability(lambda x: x[:, 0], x, "div"), "mode='div' is not known"),
        (lambda x: detect_separability(lambda x: x[:, 0], x, n_clusters=4), "does not fit 3 variables"),
        (lambda x: detect_separability(lambda x: x[:, 0], x[:1]), "two rows or more"),
        (lambda x: detect_separability(lambda x: x[:, 0], x * torch.nan), "holds NaN"),
        (lambda x: detect_separability(lambda x: x[:, 0], x.long()), "real numbers"),
        (lambda x: check_separability(lambda x: x[:, 0], x, [[0], [0, 1]]), "at most once"),
        (lambda x: check_symmetry(lambda x: x[:, 0], x, [7]), "does not group 3 variables"),
        (lambda x: check_separability(lambda x: x[:, 0], x[:0], [[0], [1]]), "x has no rows"),
        (lambda x: check_separability(lambda x: torch.as_tensor(x.numpy())[:, 0], x, [[0]]), "torch cannot derive"),
        (lambda x: check_separability(lambda x: torch.complex(x[:, 0], x[:, 1]), x, [[0]]), "complex numbers"),
        (lambda x: check_symmetry_variable(lambda x: x[:, 0], x, lambda x: x[:, 0], []), "none of the columns"),
        (lambda x: check_symmetry_variable(lambda x: x, x, lambda x: x[:, 0], [0]), "gives 3 numbers a row"),
        (lambda x: tree(lambda x: x[:, 0], x, names=["a"]), "names 1 variables, but x has 3"),
        (lambda x: tree(lambda x: x[:, 0] * torch.nan, x), "slopes that are, at 10 of 10 rows"),
        (lambda x: check_separability(lambda x: (x[:, 0] * x[:, 1]).detach(), x, [[0], [1]]), "torch cannot derive"),
        (lambda x: check_separability(lambda x: (x[:, 0] - x[:, 1]).relu(), x, [[0], [1]]), "flat pieces"),
        (lambda x: tree(KAN([3, 2, 1], k=[3, 1], dtype=float64), x), r"order k=\[3, 1\]"),
    ],
)
def test_mistakes_are_sentences(call, message):
    with pytest.raises(InputError, match=message):
        call(points(10, 3))


def test_arrays_are_no_tensors():
    # The type checks of the tests stand before the public functions.
    with pytest.raises(InputError, match=r"type ndarray, but derivatives need a tensor.*torch.as_tensor"):
        _points(points(3, 2).numpy(), False)
    for groups in ([0, 1], [["a"]], [[0.5]], ["ab"], [[]]):
        with pytest.raises(InputError, match=r"does not group 2 variables; pass lists of numbers"):
            partition(groups, 2)
