"""A training as a film: the network drawn while `fit` runs, written as a GIF, an MP4 or single images."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np
from jaxtyping import UInt8
from torch import Tensor

from ascribe.errors import FileError, InputError, need
from ascribe.kan.picture import Metric, picture
from ascribe.kan.structure import Network
from ascribe.plots.network import TITLE, network, taken, variables
from ascribe.plots.sheet import MOST, plan

if TYPE_CHECKING:
    from PIL import Image

Frame = UInt8[np.ndarray, "height width 3"]

COLOURS = 96
"""Of a frame in a GIF: lines in a few tones on paper need no more, and fewer make the file small."""
LAST = 1.6
"""Seconds that the last frame stays, so that one can look at where it ended."""


@dataclass(frozen=True)
class _Still:
    """One frame, packed, with the number of its step."""

    step: int
    packed: bytes
    shape: tuple[int, int]

    @property
    def pixels(self) -> Frame:
        return np.frombuffer(zlib.decompress(self.packed), np.uint8).reshape(*self.shape, 3)


@final
class Film:
    """The callback of `fit` that draws the network after every `every`-th step.

    `x` is the data that the pictures look at (by itself the data that the network remembers), `dpi` the pixels of an
    inch, `in_vars`, `out_vars`, `beta`, `metric` and `scale` are those of `kan.plot`. All frames have the size of the
    first. They are kept packed, some 60 kB each (half a megabyte with 1,000 edges), at most `most` of them: a longer
    film keeps every second of its frames, and from then on draws half as often. Steps of several fits count on.
    Price: some 80 ms a frame (a second with 1,000 edges).

    >>> from ascribe import KAN
    >>> film = Film(KAN([1, 1]), every=2, dpi=40)
    >>> for step in range(5):
    ...     film(step)
    >>> film
    Film(3 frames of steps 0 to 4, every=2)
    """

    def __init__(
        self,
        kan: Network,
        *,
        every: int = 1,
        x: Tensor | None = None,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        beta: float | int = 3,
        metric: Metric | str = "backward",
        scale: float | int = 0.5,
        dpi: int = 80,
        most: int = 400,
    ) -> None:
        if every < 1 or most < 2:
            raise InputError(f"every={every} and most={most} make no film; pass every >= 1 and most >= 2.")
        self.kan, self.every, self.most = kan, int(every), int(most)
        self._x, self._dpi, self._scale = x, dpi, scale
        self._metric = metric
        self._names: dict[str, Any] = {"in_vars": in_vars, "out_vars": out_vars, "beta": beta}
        self._size: tuple[float, float] | None = None
        self._stills: list[_Still] = []
        self._offset, self._last = 0, -1

    def __repr__(self) -> str:
        steps = self.steps
        reach = f" of steps {steps[0]} to {steps[-1]}" if steps else ""
        return f"Film({len(steps)} frames{reach}, every={self.every})"

    def __len__(self) -> int:
        return len(self._stills)

    @property
    def steps(self) -> list[int]:
        """The step of every frame."""
        return [still.step for still in self._stills]

    @property
    def frames(self) -> Iterator[Frame]:
        """The pixels of every frame, unpacked one at a time."""
        return (still.pixels for still in self._stills)

    def __call__(self, step: int) -> None:
        """Draw the network as it is now, if a frame is due at this step."""
        if step <= self._last:
            self._offset += self._last + 1
        self._last = step
        number = step + self._offset
        if number % self.every == 0:
            pixels = self._draw(f"Step {number}")
            self._stills.append(_Still(number, zlib.compress(pixels.tobytes(), 1), pixels.shape[:2]))
        if len(self._stills) > self.most:
            self._stills, self.every = self._stills[::2], 2 * self.every

    def _draw(self, title: str) -> Frame:
        need("matplotlib", extra="plot")
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        drawn = picture(self.kan, self._x, self._metric, most=MOST)
        if self._size is None:
            inputs = variables(taken(self._names["in_vars"], drawn), drawn.in_names, "in_vars")
            outputs = variables(self._names["out_vars"], drawn.out_names, "out_vars")
            width, height = plan(drawn, inputs, outputs, scale=2.0 * self._scale).inches
            self._size = width, height + TITLE
        # never known to pyplot: a film opens no window
        figure = Figure(self._size, dpi=self._dpi, layout="constrained")
        canvas = FigureCanvasAgg(figure)
        network(drawn, **self._names, title=title, ax=figure.add_subplot())
        canvas.draw()
        return np.asarray(canvas.buffer_rgba())[..., :3].copy()

    def save(self, path: str | os.PathLike[str], fps: float | int = 8) -> Path:
        """Write the film, `fps` frames a second, as the suffix of `path` says: .gif, or .mp4 where there is ffmpeg.

        Raises InputError for another suffix, without frames, and for .mp4 without ffmpeg; FileError without a folder.
        """
        target = Path(path)
        if not target.parent.is_dir():
            raise FileError(f"{target} is in no folder that exists; make {target.parent} first.")
        self._require_frames()
        if fps <= 0:
            raise InputError(f"fps={fps} shows nothing; pass a number of frames a second above 0.")
        if target.suffix.lower() == ".gif":
            self._gif(target, float(fps))
        elif target.suffix.lower() == ".mp4":
            self._mp4(target, float(fps))
        else:
            raise InputError(f"{target.name!r} is no film that can be written; end it in .gif or .mp4.")
        return target

    def save_frames(self, folder: str | os.PathLike[str], suffix: str = ".jpg") -> list[Path]:
        """Write every frame as an image of its own, named after its step, into `folder`, which is made if need be.

        Raises InputError without frames.
        """
        self._require_frames()
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        written = [place / f"{still.step}{suffix}" for still in self._stills]
        for path, still in zip(written, self._stills, strict=True):
            _image(still.pixels).save(path)
        return written

    def _require_frames(self) -> None:
        if not self._stills:
            raise InputError("the film has no frames yet; draw some first: kan.fit(dataset, callback=film).")

    def _gif(self, path: Path, fps: float) -> None:
        from PIL import Image

        # by the nearest colour: dithered paper would not compress
        slides = [_image(p).quantize(COLOURS, dither=Image.Dither.NONE) for p in self.frames]
        # a viewer counts in hundredths of a second, and takes less than two of them for ten
        pause = max(20, round(1000 / fps))
        pauses = [pause] * (len(slides) - 1) + [max(pause, round(1000 * LAST))]
        slides[0].save(path, "GIF", save_all=True, append_images=slides[1:], duration=pauses, loop=0)

    def _mp4(self, path: Path, fps: float) -> None:
        from matplotlib.animation import FFMpegWriter
        from matplotlib.figure import Figure

        if not FFMpegWriter.isAvailable():
            raise InputError(
                f"{path.name!r} needs the program ffmpeg, which is not on the PATH; install it, or end it in .gif."
            )
        height, width = self._stills[0].shape
        # the codec takes pairs of pixels: a last odd row or column stays out
        figure = Figure((width // 2 * 2 / 100, height // 2 * 2 / 100), dpi=100)
        shown = figure.figimage(next(self.frames))
        writer = FFMpegWriter(fps=fps, codec="h264")  # pyright: ignore[reportArgumentType]
        with writer.saving(figure, str(path), 100):
            for pixels in self.frames:
                shown.set_data(pixels)
                writer.grab_frame()


def _image(pixels: Frame) -> Image.Image:
    from PIL import Image

    return Image.fromarray(pixels)
