"""Watch a fit: the weights of the pixels as pictures after every step, above the falling gradient."""

import io
import math
import sys
from pathlib import Path

import numpy as np

from mnistcli.cli.call import Call
from mnistcli.cli.content.plots import Axis, Plot, Series
from mnistcli.cli.drawing import LIGHT, combine, paint
from mnistcli.cli.layout import plot_drawing, sheet_drawing
from mnistcli.cli.output import write
from mnistcli.cli.progress import Bars
from mnistcli.cli.terminal.capabilities import choose_method
from mnistcli.cli.terminal.console import PlainConsole
from mnistcli.cli.terminal.pictures import draw, stacked, texts
from mnistcli.cli.terminal.plots import draws_plainly, plot_block
from mnistcli.errors import UsageError
from mnistcli.files import check_writable, write_atomically
from mnistcli.gallery import CaptionedImage, Gallery
from mnistcli.linear_model.classifier import LinearClassifier
from mnistcli.linear_model.pace import NewtonProgress
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.paths import check_ending
from mnistcli.settings import TrainingSettings
from mnistcli.tasks import Task

_FORMATS = {".gif": "GIF", ".apng": "PNG"}
_FRAME_MS, _LAST_FRAME_MS, _MOST_FRAMES = 150, 3000, 60
# The sides of the pictures, the first that fits a terminal; and of the plot below them.
_SIDES = (28, 24, 20, 16, 14, 12, 10, 8)
_PLOT_LINES, _PLOT_WIDTH = 9, 80


def check_watchable(watch: str, task: Task, settings: TrainingSettings) -> None:
    """Raise UsageError where there is nothing to watch, or nowhere to keep it."""
    kind, solver = settings.features.kind, settings.solver.solver_for(task.n_classes_per_fit)
    if watch != "-":
        check_ending(Path(watch), (*_FORMATS,), "keep a film in")
        check_writable(Path(watch).parent)
    if task.is_pairwise:
        raise UsageError(f"--watch follows one fit, {task.name} has {task.n_outputs}")
    if not settings.features.has_pixel_weights:
        hint = "mnistcli show --filters MODEL draws what it looks for"
        raise UsageError(f"--watch draws a weight for each pixel, {kind} have none", hint=hint)
    if solver != "newton":
        raise UsageError(f"--watch follows newton, {solver} tells nothing on its way")


class Watch(Bars):
    """Draws every step of a fit on stderr, if that is a terminal; in the end keeps them in a film."""

    def __init__(self, call: Call, watch: str, task: Task) -> None:
        super().__init__(call)
        self._path, self._names = None if watch == "-" else Path(watch), task.class_names
        if not self._path and not sys.stderr.isatty():
            instead = "--watch FILE.gif keeps what there is to see"
            call.note(f"there is no terminal to watch on; {instead}")
        self.steps: list[tuple[NewtonProgress, list[CaptionedImage]]] = []
        self._n_lines = 0  # of the drawing on the screen

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        if self._path and self.steps and not any(error):
            write_atomically(self._path, self._film(_FORMATS[self._path.suffix.lower()]))
            self._call.note(f"wrote {self._path}")

    def update(self, stage: str, done: float, total: float | None, what: object = None, /) -> None:
        """Draw a step of a fit; of all else show the bar."""
        if not isinstance(what, NewtonProgress):
            super().update(stage, done, total, what)
            return
        self.stop()
        coef = what.coef()
        names = LinearClassifier(coef, np.zeros(len(coef)), self._names).output_names()
        captions = (f"for {name}" for name, _ in names)
        pictures = [*map(CaptionedImage, coef.reshape(-1, *IMAGE_SHAPE), captions)]
        self.steps.append((what, pictures))
        if sys.stderr.isatty():
            self._draw(pictures)

    def _draw(self, pictures: list[CaptionedImage]) -> None:
        console = PlainConsole(stderr=True)
        if console.is_dumb_terminal:
            return
        method = choose_method("auto", console, len(pictures))
        size, plain = (min(console.width, _PLOT_WIDTH), _PLOT_LINES), draws_plainly(console, "auto")
        plot = plot_block(self._fall(), size, plain=plain)
        said = texts([str(self.steps[-1][0])], width=console.width)
        for side in _SIDES:
            drawing = stacked([draw(pictures, console, method, in_row=True, side=side), plot, said])
            if len(drawing.lines) < console.height:
                break
        else:
            return
        up = f"\x1b[{self._n_lines}A" if self._n_lines else ""
        self._n_lines = len(drawing.lines)
        write(up, sys.stderr)
        console.print(drawing, crop=False)

    def _fall(self, n: int | None = None) -> Plot:
        """Show how the gradient has fallen in the first ``n`` steps, by its decimal digits."""
        norms = [max(step.relative_gradient_norm, step.tol / 10) for step, _ in self.steps]
        digits, last = np.log10(norms), max(1, len(norms) - 1)
        ends = math.log10(self.steps[-1][0].tol), max(0.0, float(digits.max()))
        line = np.stack([np.arange(len(digits)), digits], axis=1)[:n]
        across = Axis(0, last, is_log=False, ticks=(0, last), title="step")
        up = Axis(*ends, is_log=False, ticks=ends, title="log10", word="{:.3g}".format)
        return Plot("gradient", across, up, (Series("gradient", line, "joined"),), aspect=0.25)

    def _film(self, format_: str) -> bytes:
        """Paint steps, of many some, each on a page of its own with the curve so far at its foot."""
        every = 1 + len(self.steps) // _MOST_FRAMES
        shown = range(len(self.steps))[::-every][::-1]
        steps = [self.steps[i] for i in shown]
        pages = [sheet_drawing(Gallery(pictures, str(step))) for step, pictures in steps]
        height = max(page.height for page in pages)
        frames = []
        for i, page in zip(shown, pages, strict=True):
            curve = plot_drawing(self._fall(i + 1), page.width)
            both = combine([page._replace(height=height), curve], 0, across=False)
            frames.append(paint(both, LIGHT))
        ms = [_FRAME_MS] * (len(frames) - 1) + [_LAST_FRAME_MS]
        film = io.BytesIO()
        frames[0].save(film, format_, save_all=True, append_images=frames[1:], duration=ms, loop=0)
        return film.getvalue()
