"""What a picture is on its way to 28x28: ink, a digit in it, or the reason why there is none.

*Ink* is a float32 array in which 0 is paper and 1 is a stroke. It may be a little negative where
the paper is noisy: area averaging then cancels noise instead of adding it up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ink = NDArray[np.float32]
    Mask = NDArray[np.bool_]

# The longest side of a digit in MNIST, and where its centre of mass lies.
BOX = 20
CENTRE = 14

# Share of full ink below which a pixel counts as paper: resampling rings up to about that.
FAINTEST_INK = 0.05


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


class Digit(NamedTuple):
    """A digit found in a picture.

    Attributes
    ----------
    ink : ndarray of shape (height, width), float32
        0 outside the digit's surroundings.
    box : Box
        Where the digit lies in it.
    reduction : int
        Each pixel of `ink` is the mean of so many squared of the picture's.
    noise : float
        Standard deviation of the paper, in units of full ink.
    steps : tuple of str
        What was found and done.
    """

    ink: Ink
    box: Box
    reduction: int
    noise: float
    steps: tuple[str, ...]


class NoDigitError(Exception):
    """Nothing to conform; `conform` adds which picture it was."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


class FrameError(NoDigitError):
    """Ink inside a frame, as in the box of a form."""

    def __init__(self, inside: Box, reduction: int) -> None:
        super().__init__("is framed more than once", "cut out what is in the frames")
        self.box = inside
        self.reduction = reduction


class AllInkError(NoDigitError):
    """One filled shape; perhaps a sheet of paper on a table."""

    def __init__(self, box: Box, reduction: int) -> None:
        super().__init__("is all ink: one filled shape, no strokes")
        self.box = box
        self.reduction = reduction
