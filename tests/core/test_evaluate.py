"""The memory budget: pieces, back-off, counting, and nothing evaluated twice."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from ascribe import GaussLegendre, InputXGradient, IntegratedGradients, Saliency, explain
from ascribe.core.asking import asked
from ascribe.core.evaluate import rows_together, sweep, value_and_gradient, values
from ascribe.errors import InputError


class Counting(nn.Module):
    """Notes how many rows came together; runs out of memory above so many."""

    def __init__(self, room: int = 10**9, error: type[Exception] = torch.OutOfMemoryError) -> None:
        super().__init__()
        self.room, self.error, self.sizes = room, error, list[int]()

    def forward(self, x: Tensor) -> Tensor:
        if len(x) > self.room:
            raise self.error("DefaultCPUAllocator: not enough memory: you tried to allocate 1 bytes")
        self.sizes.append(len(x))
        return (x**2).sum(1)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError, MemoryError])
def test_pieces_that_do_not_fit_are_halved(error: type[Exception]) -> None:
    x = torch.randn(300, 4).double()
    net = Counting(room=37, error=error)
    a = explain(net, x, InputXGradient())
    torch.testing.assert_close(a.values, 2 * x**2)
    assert max(net.sizes) <= 37
    assert a.evaluations < 3 * 300 + 10


def test_other_errors_are_not_taken_for_memory() -> None:
    def work(index: Tensor) -> None:
        raise RuntimeError("mine")

    with asked(Counting(), torch.zeros(3, 2)) as question, pytest.raises(RuntimeError, match="mine"):
        sweep(question.place.f, 10, work, gradients=False)


def test_the_budget_bounds_what_autograd_keeps() -> None:
    """Bytes a row are measured as the tape grows, without the parameters."""
    net, x = nn.Sequential(nn.Linear(8, 1000), nn.Tanh(), nn.Linear(1000, 1)), torch.randn(64, 8)
    with asked(net, x) as question:
        f = question.place.f
        rows_together(f, 10**6, True)
    assert 4 * 1000 <= f.footprint.measured[True] <= 3 * 4 * 1000
    counted = Counting()
    explain(nn.Sequential(net, nn.Flatten(), counted), x, IntegratedGradients(GaussLegendre(20)), memory="100 KB")
    assert max(counted.sizes) <= 25


def test_sweep_covers_everything_once_in_order() -> None:
    with asked(Counting(), torch.zeros(3, 2), memory="1 KB") as question:
        seen: list[int] = []
        sweep(question.place.f, 1001, lambda index: seen.extend(index.tolist()), gradients=False)
    assert seen == list(range(1001))


@pytest.mark.parametrize("memory", [2**17, 2**20, 2**23])
@pytest.mark.parametrize(
    "net",
    [nn.LSTM(16, 64, batch_first=True), nn.TransformerEncoderLayer(16, 4, 256, batch_first=True)],
    ids=["LSTM", "transformer"],
)
def test_no_tape_outgrows_the_budget_though_functions_hide_their_steps(net: nn.Module, memory: int) -> None:
    own = {p.untyped_storage().data_ptr() for p in net.parameters()}
    kept, peaks = dict[int, int](), list[int]()

    class Weighed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: Tensor) -> Tensor:
            kept.clear()
            values = self.net(x)
            peaks.append(sum(nbytes for storage, nbytes in kept.items() if storage not in own))
            return (values[0] if isinstance(values, tuple) else values)[:, -1].sum(1)

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor.detach()

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        explain(Weighed(), torch.randn(100, 20, 16), Saliency(), memory=memory)
    assert 0 < max(peaks) <= 1.1 * memory


def test_nothing_is_evaluated_twice() -> None:
    net, x = Counting(), torch.randn(50, 4)
    a = explain(net, x, IntegratedGradients(GaussLegendre(10)))
    # Every node of every row, the rows, and one baseline; before, a row to look at.
    assert a.evaluations == 50 * 10 + 50 + 1
    assert sum(net.sizes) == a.evaluations + 1
    # The scores of the rows come with their gradients.
    assert explain(net, x, InputXGradient()).evaluations == 50 + 1
    # Larger work measures first what one row more takes.
    a = explain(net, x, IntegratedGradients(GaussLegendre(10)), memory="20 KB")
    assert a.evaluations == 50 * 10 + 50 + 1 + 2 * 3
    with asked(net, x) as question:
        f, z = question.place.f, question.place.z
        first = values(f, z)
        before = f.budget.evaluations
        assert values(f, z) is first
        assert f.budget.evaluations == before
        z.mul_(2)
        torch.testing.assert_close(values(f, z), 4 * first)


def test_gradients_come_with_their_values() -> None:
    x = torch.randn(9, 3).double()
    with asked(Counting(), x) as question:
        scores, slope = value_and_gradient(question.place.f, question.place.z)
    torch.testing.assert_close(scores, (x**2).sum(1))
    torch.testing.assert_close(slope, 2 * x)


def test_inputs_that_a_score_ignores_have_no_slope() -> None:
    a = explain(lambda a, b: a.sum(1), (torch.ones(2, 2), torch.ones(2, 3)), Saliency())
    assert torch.equal(a.values[1], torch.zeros(2, 3))


def test_rows_must_be_named_when_there_are_others() -> None:
    with asked(Counting(), torch.zeros(3, 2)) as question, pytest.raises(InputError, match="which data row"):
        question.place.f(torch.zeros(4, 2))


def test_a_first_operation_in_place_spares_the_data() -> None:
    x = torch.randn(5, 3)
    before = x.clone()
    explain(nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 1)), x, IntegratedGradients())
    assert torch.equal(x, before)


@pytest.mark.parametrize("memory", ["lots", "-1 MB", 0, "5 parsecs"])
def test_memory_is_a_size(memory: object) -> None:
    with pytest.raises(InputError, match="is not a size"):
        explain(Counting(), torch.zeros(3, 2), Saliency(), memory=memory)  # pyright: ignore


def test_progress_is_shown_where_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    explain(Counting(), torch.zeros(3, 2), Saliency())
    assert capsys.readouterr().err == ""
    explain(Counting(), torch.zeros(3, 2), Saliency(), progress=True)
    assert "Saliency" in capsys.readouterr().err
