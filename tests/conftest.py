"""What every test starts from: no screen, one seed, one thread, hypothesis without a clock."""

from __future__ import annotations

import os
import shutil

os.environ.setdefault("MPLBACKEND", "Agg")

import hypothesis
import numpy as np
import pytest
import torch

# Shared machines are noisy, so a deadline would test the machine. The examples are the same on every run.
hypothesis.settings.register_profile("ascribe", deadline=None, derandomize=True, max_examples=25)
hypothesis.settings.load_profile("ascribe")


@pytest.fixture(autouse=True)
def _global_state_is_given_back():
    """Tests may seed what they like; what ascribe must leave alone is compared before and after every test."""
    dtype, grad, threads = torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        numpy_state = np.random.get_state()  # noqa: NPY002
        yield
        np.random.set_state(numpy_state)  # noqa: NPY002
    assert (torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()) == (dtype, grad, threads)


@pytest.fixture(autouse=True)
def _library_is_given_back():
    """Functions that a test adds are gone after it."""
    # Not at the top: what is imported before the checks of types are set up is not checked.
    from ascribe.kan.symbolic.library import LIBRARY

    before = dict(LIBRARY)
    yield
    LIBRARY.clear()
    LIBRARY.update(before)


@pytest.fixture(scope="module")
def chromium():
    """A browser; without one, or without playwright, the test is skipped."""
    sync_api = pytest.importorskip("playwright.sync_api")
    usual = map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))
    browser = os.environ.get("CHROMIUM") or next(filter(None, usual), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()
