"""Streaming statistics equal Captum's and those of the whole stream."""

from __future__ import annotations

from typing import Any

import captum.attr as captum
import pytest
import torch
from torch import Tensor

from ascribe.compat.captum import attr
from ascribe.errors import InputError

NAMES = ["Mean", "MSE", "Var", "StdDev", "Min", "Max", "Sum", "Count"]


def stream(dtype: torch.dtype, count: int = 7) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [(100 + 3 * torch.randn(2, 3, generator=generator, dtype=torch.float64)).to(dtype) for _ in range(count)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64])
@pytest.mark.parametrize("count", [0, 1, 2, 7])
def test_every_statistic_is_captums(dtype: torch.dtype, count: int) -> None:
    found, expected = (
        room.Summarizer([*(getattr(room, name)() for name in NAMES), room.Var(order=1), room.StdDev(order=1)])
        for room in (attr, captum)
    )
    for x in stream(dtype, count):
        found.update(x)
        expected.update(x)
    if count == 0:
        assert found.summary is None
        assert expected.summary is None
        return
    assert set(found.summary) == set(expected.summary)
    for name, value in expected.summary.items():
        torch.testing.assert_close(found.summary[name], value, rtol=1e-5, atol=1e-5)


def test_they_are_those_of_the_whole_stream() -> None:
    seen = stream(torch.float64)
    summarizer = attr.Summarizer([attr.Mean(), attr.Var(), attr.StdDev(order=1), attr.Sum(), attr.Count("times")])
    for x in seen:
        summarizer.update(x)
    whole = torch.stack(seen)
    expected: dict[str, Any] = {
        "mean": whole.mean(0),
        "variance": whole.var(0, correction=0),
        "sample_std_dev": whole.std(0),
        "sum": whole.sum(0),
    }
    assert summarizer.summary.pop("times") == 7
    for name, value in expected.items():
        torch.testing.assert_close(summarizer.summary[name], value)


def test_tuples_and_numbers() -> None:
    found, expected = (room.Summarizer(room.CommonStats()) for room in (attr, captum))
    for x in stream(torch.float32):
        for summarizer in (found, expected):
            summarizer.update((x, 2.0, x[0]))
    for mine, theirs in zip(found.summary, expected.summary, strict=True):
        assert mine.keys() == theirs.keys()
        for name in mine:
            torch.testing.assert_close(mine[name], theirs[name], rtol=1e-5, atol=1e-5)
    with pytest.raises(InputError, match="in one stream"):
        found.update(x)


def test_classes_have_their_own() -> None:
    found, expected = (room.ClassSummarizer(room.CommonStats()) for room in (attr, captum))
    for x, label in zip(stream(torch.float32), "aabbabb", strict=True):
        for summarizer in (found, expected):
            summarizer.update(x, [label, "c"])
    assert found.class_summaries.keys() == expected.class_summaries.keys() == {"a", "b", "c"}
    for label in "abc":
        for mine, theirs in zip(found.class_summaries[label], expected.class_summaries[label], strict=True):
            for name in theirs:
                torch.testing.assert_close(mine[name], theirs[name], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(found.summary[0]["mean"], expected.summary[0]["mean"])
    by_number = attr.ClassSummarizer([attr.Count()])
    by_number.update(torch.zeros(3, 2), torch.tensor([1, 0, 1]))  # Captum makes three classes of these two
    assert by_number.class_summaries == {1: [{"count": 2}], 0: [{"count": 1}]}
    with pytest.raises(InputError, match="2 labels for 3 examples"):
        by_number.update(torch.zeros(3, 2), [1, 0])
