"""A user's pictures: `read` makes grey arrays of them.

Nothing is imported here, so that a command which needs neither Pillow nor NumPy does not pay for
them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]
