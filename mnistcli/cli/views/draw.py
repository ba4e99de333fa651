"""A canvas in the terminal: draw a digit and watch what a model makes of it.

The one module that imports textual, which is an optional extra; `commands.draw` says so where it is
missing.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Footer, Static

from mnistcli.cli.numbers import percent
from mnistcli.cli.sketch import SIDE, Sketch
from mnistcli.cli.terminal.characters import half_blocks
from mnistcli.errors import BadImageError, MnistCliError
from mnistcli.files import create_atomically, write_atomically
from mnistcli.mnist import IMAGE_SHAPE, IMAGE_SIDE
from mnistcli.prediction import Prediction, predict_picture
from mnistcli.registry.model_file import Model
from mnistcli.tasks import ALL_DIGITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual import events


# The model looks after a stroke has rested so long, or as often while it goes on.
LOOK_EVERY_S = 0.05
_PEN_UP, _PEN_DOWN = Style.parse("black on cyan"), Style.parse("black on red")
# Bars of more classes than this stand in two columns.
_ONE_COLUMN = 5


class Pixels(Widget):
    """A picture in half-blocks."""

    DEFAULT_CSS = "Pixels { height: auto; width: auto; }"

    def __init__(self, image: NDArray[np.uint8], *, id: str) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self._lines = half_blocks(image).lines
        self.styles.width = image.shape[1]
        self.styles.height = len(self._lines)

    def paint(self, image: NDArray[np.uint8]) -> None:
        self._lines = half_blocks(image).lines
        self.refresh()

    def render_line(self, y: int) -> Strip:
        return Strip(self._lines[y]) if y < len(self._lines) else Strip.blank(self.size.width)


class Canvas(Pixels, can_focus=True):
    """Where one draws: with the mouse, or by moving a pen with the arrow keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(0, -1)", "move", show=False),
        Binding("down", "move(0, 1)", "move", show=False),
        Binding("left", "move(-1, 0)", "move", show=False),
        Binding("right", "move(1, 0)", "move", show=False),
        Binding("space", "toggle_pen", "pen up/down"),
    ]

    class Changed(Message):
        """Something was drawn."""

    def __init__(self, sketch: Sketch) -> None:
        super().__init__(sketch.grey, id="canvas")
        self._sketch = sketch
        self._from: tuple[float, float] | None = None
        self._erases = False
        self.pen: tuple[int, int] | None = None  # shown once the keyboard is used
        self.is_down = False

    def render_line(self, y: int) -> Strip:
        strip = super().render_line(y)
        if self.pen is None or self.pen[1] // 2 != y:
            return strip
        x = self.pen[0]
        cursor = Segment("▀▄"[self.pen[1] % 2], _PEN_DOWN if self.is_down else _PEN_UP)
        return Strip.join([strip.crop(0, x), Strip([cursor]), strip.crop(x + 1)])

    def wipe(self) -> None:
        self._sketch.clear()
        self.is_down = False
        self._changed()

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Put the brush down; any other than the left button erases."""
        self.capture_mouse()
        self.pen = None
        self._erases = event.button != 1
        self._from = self._pixel_at(event)
        self._draw(self._from, self._from, erase=self._erases)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._from is not None:
            here = self._pixel_at(event)
            self._draw(self._from, here, erase=self._erases)
            self._from = here

    def on_mouse_up(self) -> None:
        self.release_mouse()
        self._from = None

    def action_move(self, dx: int, dy: int) -> None:
        """Move the pen, drawing if it is down."""
        x, y = self.pen or (SIDE // 2, SIDE // 4)
        self.pen = min(max(x + dx, 0), SIDE - 1), min(max(y + dy, 0), SIDE - 1)
        if self.is_down:
            self._draw((x, y), self.pen)
        self.refresh()

    def action_toggle_pen(self) -> None:
        self.pen = self.pen or (SIDE // 2, SIDE // 4)
        self.is_down = not self.is_down
        if self.is_down:
            self._draw(self.pen, self.pen)
        self.refresh()

    def _draw(
        self, start: tuple[float, float], end: tuple[float, float], *, erase: bool = False
    ) -> None:
        self._sketch.stroke(start, end, erase=erase)
        self._changed()

    def _pixel_at(self, event: events.MouseEvent) -> tuple[float, float]:
        cell = event.get_content_offset_capture(self)
        # A cell is two pixels high; the middle of it is between them.
        return float(cell.x), 2.0 * cell.y + 0.5

    def _changed(self) -> None:
        self.paint(self._sketch.grey)
        self.post_message(self.Changed())


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
        Binding("c", "clear", "clear"),
        Binding("s", "save", "save"),
        Binding("q,escape", "quit", "quit"),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self,
        model: Model,
        save_to: Path | None = None,
        keep: Callable[[list[NDArray[np.uint8]], int], str] | None = None,
    ) -> None:
        super().__init__()
        self._keep = keep
        self.model = model
        self.sketch = Sketch()
        self.prediction: Prediction | None = None
        self._save_to = save_to
        self._is_due = False

    def compose(self) -> ComposeResult:
        with Horizontal():
            with Vertical(id="left"):
                yield Canvas(self.sketch)
            with Vertical(id="right"):
                yield Static(id="answer")
                yield Static(id="notes")
                yield Pixels(np.zeros(IMAGE_SHAPE, np.uint8), id="seen")
                yield Static(id="bars")
        yield Footer()

    def on_mount(self) -> None:
        self.title = self.model.ref
        self.query_one(Canvas).focus()
        self._look()

    def on_canvas_changed(self) -> None:
        """Have the model look soon; strokes come faster than it needs to."""
        if not self._is_due:
            self._is_due = True
            self.set_timer(LOOK_EVERY_S, self._look)

    def _look(self) -> None:
        self._is_due = False
        self.prediction, problem = None, ""
        if not self.sketch.is_blank:
            try:
                self.prediction = predict_picture(self.model, self.sketch.grey)
            except BadImageError as error:
                problem = error.problem
        answer, notes = self.query_one("#answer", Static), self.query_one("#notes", Static)
        seen, bars = self.query_one("#seen", Pixels), self.query_one("#bars", Static)
        names = self.model.card.class_names
        if self.prediction is None:
            answer.update(Text("?" if problem else f"draw for {self.model.ref}"))
            how = "with the mouse, or with arrows and space"
            how += "; 0 to 9 keep it as that digit" if self._keep else ""
            notes.update(Text(problem or how))
            seen.paint(np.zeros(IMAGE_SHAPE, np.uint8))
            bars.update(_bars(names, [0.0] * len(names)))
            return
        prediction = self.prediction
        answer.update(Text(f"{prediction.answer} ({percent(prediction.probability)})"))
        notes.update(Text("; ".join(prediction.notes)))
        seen.paint(prediction.image)
        bars.update(_bars(names, prediction.probabilities.tolist()))

    def action_clear(self) -> None:
        self.query_one(Canvas).wipe()

    def on_key(self, event: events.Key) -> None:
        """Keep what was drawn as the digit whose key was pressed, and begin anew."""
        if self._keep is None or event.key not in tuple(ALL_DIGITS):
            return
        self._look()
        if self.prediction is None:
            self.notify("there is no digit to keep yet", severity="error")
            return
        try:
            told = self._keep([self.prediction.image], int(event.key))
        except MnistCliError as error:
            self.notify(error.message, severity="error", markup=False)
            return
        self.notify(told, markup=False)
        self.action_clear()

    def action_save(self) -> None:
        try:
            path = _write(self.sketch.png(), self._save_to)
        except MnistCliError as error:
            self.notify(error.message, severity="error", markup=False)
        else:
            self.notify(f"saved {path}", markup=False)


def _bars(names: tuple[str, ...], shares: list[float]) -> Text:
    """Draw a bar for each class, the most probable one in bold."""
    n_columns = 1 if len(names) <= _ONE_COLUMN else 2
    n_rows = -(-len(names) // n_columns)
    longest = max(map(len, names))
    room = max(3, (IMAGE_SIDE + 6) // n_columns - longest - 8)
    best = max(shares)
    text = Text(no_wrap=True)
    for i in range(n_rows):
        for k in range(i, len(names), n_rows):
            share = shares[k]
            bar = ("█" * round(share * room)).ljust(room)
            style = "bold" if share == best > 0 else ""
            shown = min(share, 0.99) if share < 1 else share  # no 100 % for less than all
            text.append(f"{names[k]:>{longest}} {bar} {shown:4.0%}  ", style)
        text.append("\n")
    return text


def _write(png: bytes, path: Path | None) -> Path:
    """Write where the user said, or to the first free name."""
    if path is not None:
        write_atomically(path, png)
        return path
    number = 1
    while not create_atomically(Path(f"digit-{number}.png"), png):
        number += 1
    return Path(f"digit-{number}.png")
