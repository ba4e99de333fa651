"""A canvas in the terminal: draw a digit and watch what a model makes of it.

The one module that imports textual, which is an optional extra; `commands.draw` says so where it is
missing.
"""

import math
from collections import deque
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from textwrap import wrap
from typing import ClassVar

import numpy as np
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Size
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Footer, Static

from mnistcli.arrays import Bytes, Float32s, Float64s
from mnistcli.cli.content.numbers import percent
from mnistcli.cli.terminal.bitmap import enlarged, png
from mnistcli.cli.terminal.pictures import Block, beside, half_blocks, stacked, texts
from mnistcli.cli.views.predict import probability_bars
from mnistcli.errors import BadImageError, MnistCliError
from mnistcli.files import write_atomically
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.prediction import Prediction, Reader
from mnistcli.registry.model_file import Model
from mnistcli.tasks import ALL_DIGITS

# Strokes come faster than the model needs to look.
LOOK_EVERY_S = 0.05
_UP, _DOWN, _ERASER = (0, 160, 160), (200, 0, 0), (200, 160, 0)
_THEMES = ("textual-dark", "textual-light")
# What stands beside the canvas; bars of more classes than so many stand in two columns.
_PANEL_WIDTH, _ONE_COLUMN = 34, 5
# Pixels across and down, however many of them a terminal shows.
SIDE = 160


def with_stroke(ink: Float32s, start: Float64s, end: Float64s, *, erase: bool = False) -> Float32s:
    """Draw, or erase, a straight stroke of a round, soft brush between two points (x, y) in pixels.

    Ink is light, 0 to 1, on black.
    """
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    along = np.subtract(end, start)
    length = max(float(along @ along), 1e-12)
    # Where on the stroke each pixel's nearest point lies: 0 at the start, 1 at the end.
    nearest = np.clip(((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length, 0, 1)
    distance = np.hypot(x - start[0] - nearest * along[0], y - start[1] - nearest * along[1])
    # Strokes are as wide, compared to the canvas, as in MNIST: 2.4 of 20 pixels.
    stroke = np.clip(6.4 + 0.5 - distance, 0, 1).astype(np.float32)
    drawn: Float32s = np.minimum(ink, 1 - stroke) if erase else np.maximum(ink, stroke)
    return drawn


class Canvas(Widget, can_focus=True):
    """Where one draws: with the mouse, or by moving a pen with the arrow keys.

    It shows its ink in a square of ``side`` pixels, of which a cell has two; the pen is at one.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(0, -1)", "move", show=False),
        Binding("down", "move(0, 1)", "move", show=False),
        Binding("left", "move(-1, 0)", "move", show=False),
        Binding("right", "move(1, 0)", "move", show=False),
        Binding("space", "toggle_pen", "pen up/down"),
        Binding("e", "toggle('is_eraser')", "eraser"),
        Binding("u,ctrl+z", "undo", "undo"),
        Binding("c", "clear", "clear"),
    ]

    side: reactive[int] = reactive(16, layout=True)
    pen: reactive[tuple[int, int]] = reactive((0, 0))
    is_down: reactive[bool] = reactive(False)  # noqa: FBT003
    is_eraser: reactive[bool] = reactive(False)  # noqa: FBT003
    ink: reactive[Float32s] = reactive(
        lambda: np.zeros((SIDE, SIDE), np.float32), init=False, always_update=True
    )

    def __init__(self, side: int) -> None:
        super().__init__(id="canvas")
        self._past: deque[Float32s] = deque(maxlen=100)  # before each step
        self._button: int | None = None  # of the mouse, that is held
        self.side, self.pen = side, (side // 2, side // 4)

    @property
    def grey(self) -> Bytes:
        """The drawing as a picture."""
        return np.round(self.ink * 255).astype(np.uint8)

    def render(self) -> Block:
        """Return the ink in half-blocks, and the pen on it."""
        paper = np.uint8(0 if self.app.current_theme.dark else 255)
        shown = np.asarray(enlarged(self.grey, self.side, self.side)) ^ paper
        shown[self.pen[::-1]] = _ERASER if self.is_eraser else _DOWN if self.is_down else _UP
        return half_blocks(shown)

    def watch_side(self, before: int, side: int) -> None:
        self.styles.width, self.styles.height = side, side // 2
        x, y = (min(side - 1, place * side // before) for place in self.pen)
        self.pen = x, y

    def watch_is_eraser(self) -> None:
        self.border_subtitle = "eraser" if self.is_eraser else ""

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the brush down; any other than the left button erases."""
        self.capture_mouse()
        self._past.append(self.ink)
        self._button = event.button
        self.pen = self._pixel_at(event)
        self._go(self.pen, draws=True)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._go(self._pixel_at(event), draws=self._button is not None)

    def on_mouse_up(self) -> None:
        self.release_mouse()
        self._button = None

    def action_move(self, dx: int, dy: int) -> None:
        """Move the pen, drawing if it is down."""
        self._go((self.pen[0] + dx, self.pen[1] + dy), draws=self.is_down)

    def action_toggle_pen(self) -> None:
        self.is_down = not self.is_down
        if self.is_down:
            self._past.append(self.ink)
        self._go(self.pen, draws=self.is_down)

    def action_undo(self) -> None:
        self.ink = self._past.pop() if self._past else self.ink

    def action_clear(self) -> None:
        self._past.append(self.ink)
        self.ink = np.zeros_like(self.ink)
        self.is_down = False

    def _go(self, to: tuple[int, int], *, draws: bool) -> None:
        """Move the pen to a pixel, within the canvas; it may leave a stroke."""
        start, last = self.pen, self.side - 1
        self.pen = min(max(to[0], 0), last), min(max(to[1], 0), last)
        if draws:
            ends = (np.array([start, self.pen]) + 0.5) * SIDE / self.side - 0.5
            is_eraser = self.is_eraser or self._button not in (None, 1)
            self.ink = with_stroke(self.ink, *ends, erase=is_eraser)

    def _pixel_at(self, event: events.MouseEvent) -> tuple[int, int]:
        cell = event.get_content_offset_capture(self)
        return cell.x, 2 * cell.y


class DrawingApp(App[None]):
    """The canvas; beside it the answer, what the model saw, and its probabilities."""

    CSS_PATH = "draw.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape,ctrl+c", "quit", "quit"),  # before what a narrow terminal has no room for
        Binding("s", "save", "save"),
        Binding("t", "toggle_dark", "light/dark"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        model: Model,
        save_to: Path | None = None,
        keep: Callable[[list[Bytes], int], str] | None = None,
        *,
        is_light: bool = False,
    ) -> None:
        super().__init__()
        self.theme = _THEMES[is_light]
        self.model = model
        self.prediction: Prediction | None = None
        self.told: list[str] = []  # what was saved
        self._save_to = save_to
        self._keep = keep
        self._seen: Float32s | None = None  # the ink that the model looked at

    def compose(self) -> ComposeResult:
        self.canvas = Canvas(_side_in(self.size))
        with Horizontal():
            yield self.canvas
            panel = Static(id="panel")
            panel.styles.width = _PANEL_WIDTH
            yield panel
        yield Footer()

    def on_mount(self) -> None:
        self.set_interval(LOOK_EVERY_S, self._look)

    def on_resize(self, event: events.Resize) -> None:
        self.canvas.side = _side_in(event.size)

    def _look(self) -> None:
        """Have the model look at what was drawn since."""
        if self._seen is self.canvas.ink or not self.query("#panel"):  # the screen is taken down
            return
        self._seen = self.canvas.ink
        names, seen = self.model.card.class_names, np.zeros(IMAGE_SHAPE, np.uint8)
        self.prediction, best, shares = None, "", [math.nan] * len(names)
        answer, notes = f"draw for {self.model.ref}", "mouse, or arrows and space"
        if self._keep:
            notes += "; 0 to 9 keep it as that digit"
        if self.canvas.ink.any():
            try:
                found = self.prediction = Reader(self.model).picture(self.canvas.grey)
            except BadImageError as error:
                answer, notes = "?", error.problem
            else:
                answer = f"{found.answer} ({percent(found.probability)})"
                (digit,) = found.digits
                notes, seen = "; ".join(found.notes), digit.image
                best, shares = digit.best, digit.probabilities.tolist()
        n = len(names) if len(names) <= _ONE_COLUMN else -(-len(names) // 2)
        width = _PANEL_WIDTH if n == len(names) else _PANEL_WIDTH // 2 - 1
        columns = (slice(i, i + n) for i in range(0, len(names), n))
        bars = [probability_bars(names[part], shares[part], best, width) for part in columns]
        panel = (
            texts([answer], style="bold"),
            texts([*wrap(notes, _PANEL_WIDTH), "", ""][:2], style="dim"),
            beside(bars, 2),
            half_blocks(seen),  # last, for a low terminal cuts it off
        )
        self.query_one("#panel", Static).update(stacked(panel))

    def on_key(self, event: events.Key) -> None:
        """Keep what was drawn as the digit whose key was pressed, and begin anew."""
        if self._keep is None or event.key not in tuple(ALL_DIGITS):
            return
        self._look()
        if self.prediction is None:
            self.notify("there is no digit to keep yet", severity="error")
        elif self._told(partial(self._keep, [self.prediction.digits[0].image], int(event.key))):
            self.canvas.action_clear()

    def action_save(self) -> None:
        """Write the drawing, larger, where the user said, or to the first free name."""
        picture = png(enlarged(self.canvas.grey, 2 * SIDE, 2 * SIDE).convert("L"))

        def save() -> str:
            if self._save_to is not None:
                write_atomically(self._save_to, picture)
                return f"saved {self._save_to}"
            paths = (Path(f"digit-{number}.png") for number in count(1))
            return f"saved {next(p for p in paths if write_atomically(p, picture, is_new=True))}"

        self._told(save)

    def _told(self, act: Callable[[], str]) -> bool:
        """Do what says what it did, and tell of it; return whether it could be done."""
        try:
            self.told.append(act())
        except MnistCliError as error:
            self.notify(error.message, severity="error", markup=False)
            return False
        self.notify(self.told[-1], markup=False)
        return True


def _side_in(size: Size) -> int:
    """Return how many pixels a square canvas can have beside the rest, in lines of two."""
    return max(16, min(size.width - _PANEL_WIDTH - 4, 2 * (size.height - 3)) // 2 * 2)
