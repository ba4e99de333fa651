"""A drawing in the making: pixels, and a brush."""

from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Pixels across and down, however many of them a terminal shows.
SIDE = 160
# Strokes as wide, compared to the canvas, as in MNIST: 2.4 of 20 pixels.
RADIUS = 6.4
# A saved drawing has so many pixels for each of ours.
SAVED_SCALE = 2
# How many steps can be undone.
MEMORY = 100

Spot = Sequence[float] | NDArray[np.float64]  # x and y


class Sketch:
    """Light ink, 0 to 1, on black, drawn with a round, soft brush."""

    def __init__(self) -> None:
        self.pixels: NDArray[np.float32] = np.zeros((SIDE, SIDE), np.float32)
        self._past: deque[NDArray[np.float32]] = deque(maxlen=MEMORY)

    @property
    def is_blank(self) -> bool:
        """Whether there is no ink."""
        return not self.pixels.any()

    @property
    def grey(self) -> NDArray[np.uint8]:
        """The drawing as a picture."""
        return np.round(self.pixels * 255).astype(np.uint8)

    def begin(self) -> None:
        """Begin a step, which `undo` takes back."""
        self._past.append(self.pixels)

    def undo(self) -> None:
        """Take the last step back, if there is one."""
        if self._past:
            self.pixels = self._past.pop()

    def clear(self) -> None:
        """Wipe everything away, in a step of its own."""
        self.begin()
        self.pixels = np.zeros_like(self.pixels)

    def stroke(self, start: Spot, end: Spot, *, erase: bool = False) -> None:
        """Draw, or erase, a straight stroke between two points in pixels."""
        y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
        along = np.subtract(end, start)
        length = max(float(along @ along), 1e-12)
        # Where on the stroke each pixel's nearest point lies: 0 at the start, 1 at the end.
        nearest = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length
        nearest = np.clip(nearest, 0, 1)
        distance = np.hypot(x - start[0] - nearest * along[0], y - start[1] - nearest * along[1])
        ink = np.clip(RADIUS + 0.5 - distance, 0, 1).astype(np.float32)
        self.pixels = np.minimum(self.pixels, 1 - ink) if erase else np.maximum(self.pixels, ink)

    def png(self) -> bytes:
        """Encode the drawing, larger, for people and for `mnistcli predict`."""
        from mnistcli.cli.terminal.bitmap import enlarged, png

        side = SAVED_SCALE * SIDE
        return png(enlarged(self.grey, side, side).convert("L"))
