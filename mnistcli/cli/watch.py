"""Watch a fit: the weights of the pixels as pictures after every step, beside the falling gradient."""

from __future__ import annotations

import contextlib
import io
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnistcli.cli.output import write
from mnistcli.cli.progress import Bars
from mnistcli.errors import UsageError
from mnistcli.files import check_writable, write_atomically
from mnistcli.gallery import CaptionedImage
from mnistcli.linear_model.classifier import LinearClassifier
from mnistcli.linear_model.newton import NewtonProgress
from mnistcli.mnist import IMAGE_SHAPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from rich.console import Console

    from mnistcli.cli.output import Output
    from mnistcli.cli.terminal.layout import Block
    from mnistcli.settings import TrainingSettings
    from mnistcli.tasks import Task

_FORMATS = {".gif": "GIF", ".apng": "PNG"}
_FRAME_MS, _LAST_FRAME_MS, _MOST_FRAMES = 150, 3000, 60
# The sides of the pictures, the first that fits a terminal; a plot, below or beside them.
_SIDES = (28, 24, 20, 16, 14, 12, 10, 8)
_PLOT_LINES, _PLOT_WIDTH = 8, 40
# The curve in a film, in pixels.
_CURVE, _CURVE_HEIGHT, _MARGIN = (34, 116, 224), 160, 16


def check_watchable(watch: str, task: Task, settings: TrainingSettings) -> None:
    """Raise UsageError where there is nothing to watch, or nowhere to keep it."""
    kind, solver = settings.features.kind, settings.solver.solver_for(task.n_classes_per_fit)
    if watch != "-" and Path(watch).suffix.lower() not in _FORMATS:
        raise UsageError(f"cannot keep a film in {watch}", hint="use a name in .gif or .apng")
    if task.is_pairwise:
        raise UsageError(f"--watch follows one fit, {task.name} has {task.n_outputs}")
    if not settings.features.features.has_pixel_weights:
        hint = "mnistcli show --filters MODEL draws what it looks for"
        raise UsageError(f"--watch draws a weight for each pixel, {kind} have none", hint=hint)
    if solver != "newton":
        raise UsageError(f"--watch follows newton, {solver} tells nothing on its way")
    if watch != "-":
        check_writable(Path(watch).parent)


@contextlib.contextmanager
def watching(out: Output, watch: str, task: Task) -> Iterator[Watch]:
    """Draw the steps of a fit while the block runs; at its end write the film that was asked for."""
    shown = Watch(out, task.class_names)
    if watch == "-" and not sys.stderr.isatty():
        out.note("there is no terminal to watch on; --watch FILE.gif keeps what there is to see")
    try:
        yield shown
    finally:
        shown.stop()
    if watch != "-" and shown.steps:
        write_atomically(Path(watch), shown.film(_FORMATS[Path(watch).suffix.lower()]))
        out.note(f"wrote {watch}")


class Watch(Bars):
    """Draws every step of a fit on stderr, if that is a terminal, and keeps them for a film."""

    def __init__(self, out: Output, class_names: tuple[str, ...]) -> None:
        super().__init__(out)
        self._names = class_names
        self.steps: list[tuple[NewtonProgress, list[CaptionedImage]]] = []
        self._n_lines = 0  # of the drawing on the screen

    def update(
        self, stage: str, done: float, total: float | None, detail: object = None, /
    ) -> None:
        """Draw a step of a fit; of all else show the bar."""
        if not isinstance(detail, NewtonProgress):
            super().update(stage, done, total, detail)
            return
        self.stop()
        coef = detail.coef()
        names = LinearClassifier(coef, np.zeros(len(coef)), self._names).output_names()
        pictures = [
            CaptionedImage(weights.reshape(IMAGE_SHAPE), f"for {name}")
            for (name, _), weights in zip(names, coef, strict=True)
        ]
        self.steps.append((detail, pictures))
        if sys.stderr.isatty():
            self._draw(pictures)

    def _draw(self, pictures: list[CaptionedImage]) -> None:
        from mnistcli.cli.terminal.capabilities import choose_method
        from mnistcli.cli.terminal.console import PlainConsole
        from mnistcli.cli.terminal.layout import beside, stacked, words
        from mnistcli.cli.terminal.pictures import draw_row

        console = PlainConsole(stderr=True)
        if console.is_dumb_terminal:
            return
        method = choose_method("auto", console, len(pictures))
        said = words([str(self.steps[-1][0])], width=console.width)
        for side in _SIDES:
            grid = draw_row(pictures, console, method, side)
            spare, n_lines = console.width - grid.width - 2, len(grid.lines)
            if spare >= _PLOT_WIDTH:
                plot = self._plot(console, (min(spare, 2 * _PLOT_WIDTH), max(n_lines, _PLOT_LINES)))
                drawing = stacked([beside([grid, plot], 2), said])
            else:
                plot = self._plot(console, (min(console.width, 2 * _PLOT_WIDTH), _PLOT_LINES))
                drawing = stacked([grid, plot, said])
            if len(drawing.lines) < console.height:
                break
        else:
            return
        up = f"\x1b[{self._n_lines}A" if self._n_lines else ""
        self._n_lines = len(drawing.lines)
        write(up, sys.stderr)
        console.print(drawing, crop=False)

    def _plot(self, console: Console, size: tuple[int, int]) -> Block:
        """Draw how the gradient has fallen so far, by its decimal digits."""
        from mnistcli.cli.terminal.plots import draws_plainly, line_plot

        digits = self._digits()
        return line_plot(
            np.arange(len(digits), dtype=np.float64),
            digits,
            x_range=(0.0, max(1.0, len(digits) - 1)),
            y_range=(math.log10(self.steps[-1][0].tol), max(0.0, digits.max())),
            names=("step", "log10"),
            title="gradient",
            size=size,
            plain=draws_plainly(console, "auto"),
        )

    def _digits(self) -> NDArray[np.float64]:
        norms = [max(step.relative_gradient_norm, step.tol / 10) for step, _ in self.steps]
        return np.log10(norms)

    def film(self, format_: str) -> bytes:
        """Paint steps, of many some, each on a page of its own with the curve so far at its foot."""
        from PIL import Image, ImageDraw

        from mnistcli.cli.terminal.bitmap import sheet

        every = 1 + len(self.steps) // _MOST_FRAMES
        pages = [sheet(pictures, str(step)) for step, pictures in self.steps[::-every][::-1]]
        width, height = pages[0].width, max(page.height for page in pages)
        digits = self._digits()[::-every][::-1]
        x = np.linspace(_MARGIN, width - _MARGIN, max(2, len(digits)))[: len(digits)]
        y = height + (digits.max() - digits) / (np.ptp(digits) or 1.0) * (_CURVE_HEIGHT - _MARGIN)
        frames = []
        for i, page in enumerate(pages):
            frame = Image.new("RGB", (width, height + _CURVE_HEIGHT), "white")
            frame.paste(page)
            pen = ImageDraw.Draw(frame)
            pen.line(list(zip(x[: i + 1], y[: i + 1], strict=True)), _CURVE, 3)
            pen.ellipse((x[i] - 4, y[i] - 4, x[i] + 4, y[i] + 4), _CURVE)
            frames.append(frame)
        durations = [_FRAME_MS] * (len(frames) - 1) + [_LAST_FRAME_MS]
        film = io.BytesIO()
        frames[0].save(
            film, format_, save_all=True, append_images=frames[1:], duration=durations, loop=0
        )
        return film.getvalue()
