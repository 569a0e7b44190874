import pytest
import torch

from ascribe.maths.sampling import controlled_mean, stratified_mean


def coverage(estimate, error, truth):
    return float(((estimate - truth).abs() < 2 * error).double().mean())


def test_strata_hold_no_error_and_the_rest_is_covered():
    generator = torch.Generator().manual_seed(0)
    strata = torch.arange(33) % 5
    # Rows are repetitions: the strata differ by far more than the samples within one.
    centre = 100 * torch.arange(5.0, dtype=torch.float64)
    samples = centre[strata][None, :, None] + torch.randn(4000, 33, 1, dtype=torch.float64, generator=generator)
    mean, error = stratified_mean(samples, strata)
    assert 0.93 < coverage(mean, error, centre.mean()) < 0.97
    assert 1 < float(error.mean() / mean.std()) < 1.1


def test_a_control_takes_its_share_of_the_error_and_the_rest_is_covered():
    generator = torch.Generator().manual_seed(1)
    control = torch.randn(4000, 30, dtype=torch.float64, generator=generator)
    noise = torch.randn(4000, 30, 2, dtype=torch.float64, generator=generator)
    samples = torch.stack([3 - 2 * control, 5 + control], dim=-1) + 0.1 * noise
    mean, error = controlled_mean(samples, control, torch.zeros(4000, dtype=torch.float64))
    truth = torch.tensor([3.0, 5.0])
    assert 0.93 < coverage(mean, error, truth) < 0.97
    assert float(mean.std(dim=0).max()) < 0.03  # without the control: 2 / sqrt(30)


def test_what_sums_to_the_control_is_efficient():
    generator = torch.Generator().manual_seed(2)
    control = torch.randn(3, 8, dtype=torch.float64, generator=generator)
    samples = torch.randn(3, 8, 4, dtype=torch.float64, generator=generator)
    samples[..., -1] = 7 - control - samples[..., :-1].sum(dim=-1)
    expected = torch.tensor([0.1, -0.2, 0.5], dtype=torch.float64)
    mean, _ = controlled_mean(samples, control, expected)
    torch.testing.assert_close(mean.sum(dim=1), 7 - expected)


def test_a_constant_control_shares_its_offset():
    samples = torch.randn(1, 6, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    mean, error = controlled_mean(samples, torch.ones(1, 6).double(), torch.zeros(1).double())
    torch.testing.assert_close(mean, samples.mean(dim=1) + 0.5)
    assert torch.isfinite(error).all()


@pytest.mark.parametrize("draws", [5, 6, 8, 12])
def test_few_samples_are_covered_too(draws):
    generator = torch.Generator().manual_seed(draws)
    samples = torch.randn(20000, draws, 1, dtype=torch.float64, generator=generator)
    control = torch.randn(20000, draws, dtype=torch.float64, generator=generator)
    zero = torch.zeros(20000, dtype=torch.float64)
    for mean, error in (
        stratified_mean(samples, torch.zeros(draws, dtype=torch.long)),
        controlled_mean(samples, control, zero),
    ):
        assert 0.94 < coverage(mean, error, 0) < 0.965
