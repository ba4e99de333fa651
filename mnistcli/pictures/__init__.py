"""A user's pictures: `read` makes grey arrays of them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistcli.errors import UsageError

Grey = NDArray[np.uint8]


def grey_levels(values: ArrayLike) -> Grey:
    """Return an array of any shape, 0 to 255 or 0 to 1, in bytes; raise UsageError for another."""
    array = np.asarray(values)
    if array.dtype == np.uint8:
        return array
    from mnistcli.containers.digits import Scale

    if array.dtype.kind not in "buif":
        raise UsageError(f"pictures are arrays of numbers, not of {array.dtype}")
    scaled, faults = Scale().to_bytes(array.reshape(1, -1))
    for _, fault in faults.values():
        raise UsageError(f"the picture {fault}", hint=fault.hint)
    return scaled.reshape(array.shape)


def grey_picture(values: ArrayLike) -> Grey:
    """Return the grey levels of one picture (h, w); raise UsageError for what is none."""
    grey = grey_levels(values)
    if grey.ndim != 2:
        raise UsageError(f"a grey picture has shape (h, w), not {grey.shape}")
    return grey
