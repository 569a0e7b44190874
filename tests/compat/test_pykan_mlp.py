"""kan.MLP: pykan's numbers from their definitions, and training that lowers the loss."""

from __future__ import annotations

import pytest
import torch
from matplotlib.figure import Figure

from ascribe.compat.pykan import create_dataset
from ascribe.compat.pykan.MLP import MLP
from ascribe.errors import InputError, TrainingError


def network():
    net = MLP([2, 4, 3, 1], seed=3)
    x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0))
    net.get_act(x)
    return net, x


def test_it_is_linear_layers_and_silu():
    net, x = network()
    before = torch.get_rng_state()
    again = MLP([2, 4, 3, 1], seed=3)
    assert torch.equal(torch.get_rng_state(), before)
    h = x
    for l, layer in enumerate(again.linears):
        h = layer(h)
        h = torch.nn.functional.silu(h) if l < 2 else h
    assert torch.equal(net(x), h)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first = torch.nn.Linear(2, 4)
    assert torch.equal(first.weight, net.w[0])
    assert torch.equal(first.bias, net.linears[0].bias)


def test_scores_from_their_definition():
    net, _ = network()
    node = torch.ones(1)
    values = [*net.acts, net(net.acts[0])]
    for l in (2, 1, 0):
        std_in, std_out = values[l].std(0), values[l + 1].std(0)
        edge = torch.stack(
            [
                torch.stack(
                    [(net.w[l][i, j] * std_in[j]).abs() * node[i] / (std_out[i] + 1e-4) for j in range(len(std_in))]
                )
                for i in range(len(std_out))
            ]
        )
        torch.testing.assert_close(net.edge_scores[l], edge)
        node = edge.sum(0) / edge.shape[1] ** 0.5
        torch.testing.assert_close(net.node_scores[l], node)
    net.attribute()
    assert net.wa_backward[0].shape == (4, 2)


@pytest.mark.parametrize("metric", ["w", "act", "fa", "a"])
def test_penalties_from_their_definition(metric):
    net, _ = network()
    found = {"w": net.w, "act": net.wa_forward, "fa": net.edge_scores, "a": net.acts_scale}[metric]
    total = torch.zeros(())
    for v in (v.detach().abs() for v in found):
        total = total + v.sum()
        for dim in (1, 0) if v.ndim == 2 else (0,):
            p = v / (v.sum(dim, keepdim=True) + 1)
            total = total - 2 * (p * torch.log2(p + 1e-4)).sum(dim).mean()
    torch.testing.assert_close(net.reg(metric, 1.0, 2.0).detach(), total)


def test_swaps_keep_the_function_and_auto_swap_shortens():
    net, x = network()
    y, cost = net(x), float(net.connection_cost)
    net.swap(1, 0, 2)
    net.auto_swap()
    torch.testing.assert_close(net(x), y)
    assert float(net.connection_cost) <= cost


@pytest.mark.parametrize(("opt", "steps"), [("LBFGS", 15), ("Adam", 300)])
def test_it_learns(opt, steps):
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], train_num=100, test_num=50)
    net = MLP([2, 8, 1])

    def parameters():
        return sum(p.abs().sum() for p in net.parameters())

    before = torch.get_rng_state()
    found = net.fit(
        data, opt=opt, steps=steps, batch=50, lr=1e-2 if opt == "Adam" else None, metrics=[parameters], progress=False
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert set(found) == {"train_loss", "test_loss", "reg", "parameters"}
    assert all(len(column) == steps for column in found.values())
    assert torch.equal(net.acts[0], data["train_input"])
    error = (net(data["test_input"]) - data["test_label"]).square().mean().sqrt().item()
    assert found["test_loss"][-1] == pytest.approx(error)
    assert error < 0.5 * float(data["test_label"].std())
    again = MLP([2, 8, 1]).fit(data, opt=opt, steps=2, lamb=0.01, progress=False)
    assert again["reg"][0] > 0


def test_the_bar_shows_the_figures_of_the_last_step(capsys: pytest.CaptureFixture[str]):
    x = torch.linspace(-1, 1, 20)[:, None]
    found = MLP([1, 3, 1]).fit({"train_input": x, "train_label": x, "test_input": x, "test_label": x}, steps=2)
    shown = capsys.readouterr().err
    assert all(f"{name}={found[name][-1]:.3g}" in shown for name in ("train_loss", "test_loss", "reg"))


def test_pictures_and_trees():
    net, _ = network()
    assert isinstance(net.tree(), Figure)
    lines = net.plot(metric="fa").axes[0].collections[0]
    assert len(lines.get_segments()) == 2 * 4
    for metric in ("w", "act"):
        assert isinstance(net.plot(metric=metric), Figure)


def test_mistakes_are_sentences():
    net = MLP([2, 3, 1])
    with pytest.raises(InputError, match="seen no data"):
        net.attribute()
    with pytest.raises(InputError, match="reg_metric='b'"):
        net.reg("b", 1.0, 1.0)
    with pytest.raises(InputError, match="metric='b'"):
        net.plot(metric="b")
    data = create_dataset(lambda x: x[:, [0]], train_num=10, test_num=5)
    with pytest.raises(TrainingError, match="opt='SGD'"):
        net.fit(data, opt="SGD")
    with pytest.raises(TrainingError, match="no longer a number"):
        net.fit({**data, "train_label": data["train_label"] * torch.nan}, steps=1, progress=False)
