"""What a picture is on its way to 28x28: ink, a digit in it, or the reason why there is none.

*Ink* is a float32 array in which 0 is paper and 1 is a stroke. It may be a little negative where
the paper is noisy: area averaging then cancels noise instead of adding it up.
"""

from typing import NamedTuple

from mnistcli.arrays import Bools, Float32s

Ink = Float32s
Mask = Bools

# The longest side of a digit in MNIST, and where its centre of mass lies.
BOX = 20
CENTRE = 14

# Nothing can be read from fewer pixels than this.
MIN_SIDE = 4

# Share of full ink below which a pixel counts as paper: resampling rings up to about that.
FAINTEST_INK = 0.05
# Share of full ink that a piece must reach somewhere to be more than noise.
DARK = 0.4

# The problem where no ink is found.
BLANK = "is blank: nothing on it stands out from the paper"

# What to do about several digits.
SEVERAL_HINT = "read them all with predict --number, or cut it into pictures of one digit each"


class Box(NamedTuple):
    """A rectangle in pixels; edges, not centres, so that a whole picture is (0, h, 0, w)."""

    top: float
    bottom: float
    left: float
    right: float

    @property
    def height(self) -> float:
        """Pixels from top to bottom."""
        return self.bottom - self.top

    @property
    def width(self) -> float:
        """Pixels from left to right."""
        return self.right - self.left

    @property
    def longest(self) -> float:
        """The longer side."""
        return max(self.height, self.width)

    def moved(self, scale: float, down: float, right: float) -> "Box":
        """Return the box in the pixels of a picture that this one was cut out of and shrunk."""
        top, bottom = self.top * scale + down, self.bottom * scale + down
        return Box(top, bottom, self.left * scale + right, self.right * scale + right)

    def turned_back(self, turns: int, height: int, width: int) -> "Box":
        """Return the box in a picture of that size which was turned by `numpy.rot90` so many times."""
        box = self
        for k in range(turns, 0, -1):  # a turn back moves the left edge to the top
            side = width if k % 2 else height
            box = Box(box.left, box.right, side - box.bottom, side - box.top)
        return box


class Digit(NamedTuple):
    """A digit found in a picture."""

    ink: Ink  # 0 outside the digit's surroundings
    box: Box  # where the digit lies in it
    steps: tuple[str, ...]  # what was found and done


class NoDigitError(Exception):
    """Nothing to conform; `conform` adds which picture it was."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint
