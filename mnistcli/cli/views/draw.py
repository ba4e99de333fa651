"""A canvas in the terminal: draw a digit and watch what a model makes of it.

The one module that imports textual, which is an optional extra; `commands.draw` says so where it is
missing.
"""

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Size
from textual.widgets import Footer, Static

from mnistcli.arrays import Bytes, Float32s, Float64s
from mnistcli.cli.numbers import percent
from mnistcli.cli.terminal import bitmap
from mnistcli.cli.terminal.bitmap import enlarged
from mnistcli.cli.terminal.layout import beside
from mnistcli.cli.terminal.pictures import half_blocks
from mnistcli.cli.views.predict import probability_bars
from mnistcli.errors import BadImageError, MnistCliError
from mnistcli.files import write_atomically
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.prediction import Prediction, predict_picture
from mnistcli.registry.model_file import Model
from mnistcli.tasks import ALL_DIGITS

# The model looks after a stroke has rested so long, or as often while it goes on.
LOOK_EVERY_S = 0.05
_UP, _DOWN, _ERASER = (0, 160, 160), (200, 0, 0), (200, 160, 0)
_THEMES = ("textual-dark", "textual-light")
# Bars of more classes than this stand in two columns.
_ONE_COLUMN, _BARS_WIDTH = 5, 34
# Pixels across and down, however many of them a terminal shows.
SIDE = 160

Spot = Sequence[float] | Float64s  # x and y


class Sketch:
    """Light ink, 0 to 1, on black, drawn with a round, soft brush."""

    def __init__(self) -> None:
        self.pixels: Float32s = np.zeros((SIDE, SIDE), np.float32)
        self._past: deque[Float32s] = deque(maxlen=100)

    @property
    def is_blank(self) -> bool:
        """Whether there is no ink."""
        return not self.pixels.any()

    @property
    def grey(self) -> Bytes:
        """The drawing as a picture."""
        return np.round(self.pixels * 255).astype(np.uint8)

    def begin(self, *, anew: bool = False) -> None:
        """Begin a step, which `undo` takes back, with or without what there is."""
        self._past.append(self.pixels)
        self.pixels = np.zeros_like(self.pixels) if anew else self.pixels

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        self.pixels = self._past.pop() if self._past else self.pixels

    def stroke(self, start: Spot, end: Spot, *, erase: bool = False) -> None:
        """Draw, or erase, a straight stroke between two points in pixels."""
        y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
        along = np.subtract(end, start)
        length = max(float(along @ along), 1e-12)
        # Where on the stroke each pixel's nearest point lies: 0 at the start, 1 at the end.
        nearest = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length
        nearest = np.clip(nearest, 0, 1)
        distance = np.hypot(x - start[0] - nearest * along[0], y - start[1] - nearest * along[1])
        # Strokes are as wide, compared to the canvas, as in MNIST: 2.4 of 20 pixels.
        ink = np.clip(6.4 + 0.5 - distance, 0, 1).astype(np.float32)
        self.pixels = np.minimum(self.pixels, 1 - ink) if erase else np.maximum(self.pixels, ink)


class Pixels(Static):
    """A picture in half-blocks."""

    def paint(self, image: Bytes) -> None:
        block = half_blocks(image)
        self.styles.width, self.styles.height = block.width, len(block.lines)
        self.update(block)


class Canvas(Pixels, can_focus=True):
    """Where one draws: with the mouse, or by moving a pen with the arrow keys.

    It shows a sketch in a square of ``side`` pixels, of which a cell has two; the pen is at one.
    What is to be done where the sketch has changed is ``tell``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(0, -1)", "move", show=False),
        Binding("down", "move(0, 1)", "move", show=False),
        Binding("left", "move(-1, 0)", "move", show=False),
        Binding("right", "move(1, 0)", "move", show=False),
        Binding("space", "toggle_pen", "pen up/down"),
        Binding("e", "toggle_eraser", "eraser"),
        Binding("u,ctrl+z", "undo", "undo"),
        Binding("c", "clear", "clear"),
    ]

    def __init__(self, sketch: Sketch, side: int, tell: Callable[[], None]) -> None:
        self._sketch, self._tell = sketch, tell
        self.side = side
        self.pen = side // 2, side // 4
        self.is_down = self.is_eraser = False
        self._button: int | None = None  # of the mouse, that is held
        super().__init__(id="canvas")

    def fit(self, side: int) -> None:
        x, y = (min(side - 1, place * side // self.side) for place in self.pen)
        self.side, self.pen = side, (x, y)
        self.repaint()

    def repaint(self, *, is_changed: bool = False) -> None:
        """Show the sketch, and the pen on it."""
        paper = np.uint8(0 if self.app.current_theme.dark else 255)
        shown = np.asarray(enlarged(self._sketch.grey, self.side, self.side)) ^ paper
        shown[self.pen[::-1]] = _ERASER if self.is_eraser else _DOWN if self.is_down else _UP
        self.paint(shown)
        if is_changed:
            self._tell()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the brush down; any other than the left button erases."""
        self.capture_mouse()
        self._sketch.begin()
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
            self._sketch.begin()
        self._go(self.pen, draws=self.is_down)

    def action_toggle_eraser(self) -> None:
        self.is_eraser = not self.is_eraser
        self.border_subtitle = "eraser" if self.is_eraser else ""
        self.repaint()

    def action_undo(self) -> None:
        self._sketch.undo()
        self.repaint(is_changed=True)

    def action_clear(self) -> None:
        self._sketch.begin(anew=True)
        self.is_down = False
        self.repaint(is_changed=True)

    def _go(self, to: tuple[int, int], *, draws: bool) -> None:
        """Move the pen to a pixel, within the canvas; it may leave a stroke."""
        start, last = self.pen, self.side - 1
        self.pen = min(max(to[0], 0), last), min(max(to[1], 0), last)
        if draws:
            ends = (np.array([start, self.pen]) + 0.5) * SIDE / self.side - 0.5
            is_eraser = self.is_eraser or self._button not in (None, 1)
            self._sketch.stroke(*ends, erase=is_eraser)
        self.repaint(is_changed=draws)

    def _pixel_at(self, event: events.MouseEvent) -> tuple[int, int]:
        cell = event.get_content_offset_capture(self)
        return cell.x, 2 * cell.y


class DrawingApp(App[None]):
    """The canvas, what the model saw, and its probabilities."""

    CSS = """
    Screen { align: center top; }
    #canvas { border: round $primary; box-sizing: content-box; }
    #canvas:focus { border: round $accent; }
    #left, #right { width: auto; height: auto; }
    #right { margin: 0 0 0 2; }
    #answer { text-style: bold; width: 34; }
    #notes { width: 34; height: 2; color: $text-muted; }
    #bars { width: 34; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "save"),
        Binding("t", "turn_theme", "light/dark"),
        Binding("q,escape,ctrl+c", "quit", "quit"),
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
        self.sketch = Sketch()
        self.prediction: Prediction | None = None
        self.told: list[str] = []  # what was saved
        self._save_to = save_to
        self._keep = keep
        self._is_due = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield Canvas(self.sketch, _side_in(self.size), self._look_soon)
            with Vertical(id="right"):
                yield Static(id="answer", markup=False)
                yield Static(id="notes", markup=False)
                yield Pixels(id="seen")
                yield Static(id="bars")
        yield Footer()

    def on_mount(self) -> None:
        self._look()

    def on_resize(self, event: events.Resize) -> None:
        self.query_one(Canvas).fit(_side_in(event.size))

    def _look_soon(self) -> None:
        """Have the model look soon; strokes come faster than it needs to."""
        if not self._is_due:
            self._is_due = True
            self.set_timer(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._is_due = False
        if not self.query("#answer"):  # the screen is being taken down
            return
        names, seen = self.model.card.class_names, np.zeros(IMAGE_SHAPE, np.uint8)
        self.prediction, best, shares = None, "", [0.0] * len(names)
        answer, notes = f"draw for {self.model.ref}", "mouse, or arrows and space"
        if self._keep:
            notes += "; 0 to 9 keep it as that digit"
        if not self.sketch.is_blank:
            try:
                found = self.prediction = predict_picture(self.model, self.sketch.grey)
            except BadImageError as error:
                answer, notes = "?", error.problem
            else:
                answer = f"{found.answer} ({percent(found.probability)})"
                notes, seen = "; ".join(found.notes), found.image
                best, shares = found.best, found.probabilities.tolist()
        self.query_one("#answer", Static).update(answer)
        self.query_one("#notes", Static).update(notes)
        self.query_one("#seen", Pixels).paint(seen)
        n = len(names) if len(names) <= _ONE_COLUMN else -(-len(names) // 2)
        width = _BARS_WIDTH if n == len(names) else _BARS_WIDTH // 2 - 1
        columns = (slice(i, i + n) for i in range(0, len(names), n))
        bars = [probability_bars(names[part], shares[part], best, width) for part in columns]
        self.query_one("#bars", Static).update(beside(bars, 2))

    def action_turn_theme(self) -> None:
        self.theme = _THEMES[self.current_theme.dark]
        self.query_one(Canvas).repaint()

    def on_key(self, event: events.Key) -> None:
        """Keep what was drawn as the digit whose key was pressed, and begin anew."""
        if self._keep is None or event.key not in tuple(ALL_DIGITS):
            return
        self._look()
        if self.prediction is None:
            self.notify("there is no digit to keep yet", severity="error")
        elif self._told(partial(self._keep, [self.prediction.image], int(event.key))):
            self.query_one(Canvas).action_clear()

    def action_save(self) -> None:
        """Write the drawing, larger, where the user said, or to the first free name."""
        png = bitmap.png(enlarged(self.sketch.grey, 2 * SIDE, 2 * SIDE).convert("L"))

        def save() -> str:
            if self._save_to is not None:
                write_atomically(self._save_to, png)
                return f"saved {self._save_to}"
            paths = (Path(f"digit-{number}.png") for number in count(1))
            return f"saved {next(p for p in paths if write_atomically(p, png, is_new=True))}"

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
    panel = 38  # what stands there, and the borders of both
    return max(16, min(size.width - panel, 2 * (size.height - 3)) // 2 * 2)
