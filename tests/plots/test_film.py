"""A training as a film: a frame a step that is due, all of one size, and files that others can read."""

from __future__ import annotations

import shutil

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

from ascribe.errors import InputError
from ascribe.kan import KAN
from ascribe.plots import Film


@pytest.fixture
def kan():
    kan = KAN([2, 2, 1], seed=1)
    kan.remember(2 * torch.rand(40, 2, generator=torch.Generator().manual_seed(0)) - 1)
    return kan


def test_every_second_step_has_a_frame(kan):
    film = Film(kan, every=2, dpi=30)
    for step in range(5):
        film(step)
    assert film.steps == [0, 2, 4]
    assert len({pixels.shape for pixels in film.frames}) == 1


def test_a_frame_shows_the_network_of_its_step(kan):
    film = Film(kan, dpi=30)
    film(0)
    with torch.no_grad():
        for layer in kan.layers:
            layer.coef += torch.linspace(-2, 2, layer.coef.shape[-1])
    film(1)
    first, second = film.frames
    assert (first != second).any()


def test_it_is_a_callback_of_fit(kan):
    film = Film(kan, dpi=30)
    x = kan.data()
    kan.fit((x, x[:, :1] ** 2), steps=3, progress=False, callback=film)
    kan.fit((x, x[:, :1] ** 2), steps=2, progress=False, callback=film)
    assert film.steps == [0, 1, 2, 3, 4]
    first, *_, last = film.frames
    # more than the number of the step: what was learnt in between
    assert (first != last)[25:].any()


def test_a_long_film_keeps_every_second_frame(kan):
    film = Film(kan, dpi=20, most=4)
    for step in range(11):
        film(step)
    assert film.steps == [0, 4, 8]
    assert film.every == 4


def test_all_frames_have_the_size_of_the_first(kan):
    film = Film(kan, dpi=30)
    film(0)
    film.kan = KAN([4, 5, 1], seed=1)
    film(1)
    assert len({pixels.shape for pixels in film.frames}) == 1


def test_a_gif_has_the_frames_and_rests_at_the_end(kan, tmp_path):
    film = Film(kan, dpi=30, in_vars=["a", "b"])
    for step in range(3):
        film(step)
        kan.layers[0].coef.data.mul_(-1.5)
    assert film.save(tmp_path / "training.gif", fps=10) == tmp_path / "training.gif"
    with Image.open(tmp_path / "training.gif") as read:
        assert read.n_frames == 3
        pauses = []
        for place, pixels in enumerate(film.frames):
            read.seek(place)
            pauses.append(read.info["duration"])
            # a hundred tones stand for all: near, not equal
            assert np.abs(np.asarray(read.convert("RGB"), int) - pixels).mean() < 2
    assert pauses == [100, 100, 1600]


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg is installed")
def test_an_mp4_is_written(kan, tmp_path):
    film = Film(kan, dpi=31)
    film(0)
    assert film.save(tmp_path / "training.mp4").read_bytes()[4:8] == b"ftyp"


def test_without_ffmpeg_an_mp4_is_refused_in_a_sentence(kan, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    film = Film(kan, dpi=20)
    film(0)
    with pytest.raises(InputError, match=r"needs the program ffmpeg.*end it in \.gif"):
        film.save(tmp_path / "training.mp4")


def test_frames_are_files_named_after_their_step(kan, tmp_path):
    film = Film(kan, every=5, dpi=30)
    for step in range(6):
        film(step)
    assert [path.name for path in film.save_frames(tmp_path / "video")] == ["0.jpg", "5.jpg"]
    with Image.open(tmp_path / "video" / "5.jpg") as read:
        assert read.size == next(film.frames).shape[1::-1]


def test_mistakes_are_answered_in_a_sentence(kan, tmp_path):
    with pytest.raises(InputError, match="callback=film"):
        Film(kan).save(tmp_path / "a.gif")
    film = Film(kan, dpi=20)
    film(0)
    with pytest.raises(InputError, match=r"end it in \.gif or \.mp4"):
        film.save(tmp_path / "a.avi")
    with pytest.raises(InputError, match="fps=0"):
        film.save(tmp_path / "a.gif", fps=0)
    with pytest.raises(InputError, match="every=0"):
        Film(kan, every=0)


def test_a_film_leaves_nothing_behind(kan):
    before = dict(plt.rcParams), plt.get_fignums(), torch.random.get_rng_state()
    Film(kan, dpi=20)(0)
    assert (dict(plt.rcParams), plt.get_fignums()) == before[:2]
    assert torch.equal(torch.random.get_rng_state(), before[2])
