"""A user's pictures: `read` makes grey arrays of them."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mnistcli.arrays import Bytes
from mnistcli.errors import UsageError
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS

Grey = Bytes


def numbers_in(values: Any, what: str = "pictures") -> NDArray[Any]:
    """Return an array of what may be one, with the pixels of a frame in the order that their names say.

    Raises UsageError for parts of several sizes or masked ones.
    """
    if hasattr(values, "filled") and np.any(values.mask):  # which numpy.asarray would not heed
        raise UsageError(f"{what} are masked", hint="say what is there: array.filled(0)")
    if hasattr(values, "columns"):
        from mnistcli.containers.columns import pixel_order

        names = tuple(map(str, values.columns))
        if (order := pixel_order(names)) is not None and len(order) == len(names):
            values = np.asarray(values)[:, order]
    try:
        array = np.asarray(values)
        # Words, pandas' own whole numbers, or a column of pictures.
        return np.array(array.tolist()) if array.dtype == object else array
    except ValueError:
        raise UsageError(f"{what} in one array are all of one size") from None


def grey_levels(values: ArrayLike, *, is_one: bool = False) -> Grey:
    """Return an array, 0 to 255 or 0 to 1, in bytes; raise UsageError for what is none.

    If ``is_one`` it is one picture, of shape (h, w).
    """
    array = numbers_in(values)
    if array.dtype.kind not in "buif" or (is_one and (array.ndim != 2 or not array.size)):
        shape = ", (h, w)" if is_one else ""
        problem = f"pictures are grey numbers{shape}, not {array.shape} of {array.dtype}"
        raise UsageError(problem, hint='of a file or of colours: Image.open(file).convert("L")')
    # With nothing above 1, as masks of labels are, they are ink and paper.
    if not array.size or (array.dtype == np.uint8 and array.max() > 1):
        return array.astype(np.uint8, copy=False)
    from mnistcli.containers.digits import Scale
    from mnistcli.containers.reading import FormatError

    faults: dict[int, FormatError] = {}
    n = len(array) if array.ndim > 2 or array.shape[1:] == (N_PIXELS,) else 1
    try:
        scaled = Scale().to_bytes(array.reshape(n, -1), faults, ("",) * n)
    except FormatError as error:
        raise UsageError(f"the array {error}", hint=error.hint) from None
    for fault in faults.values():
        raise UsageError(f"the picture {fault}", hint=fault.hint)
    return scaled.reshape(array.shape)


def digit_images(images: ArrayLike) -> Grey:
    """Return images (n, 28, 28) or (n, 784) in bytes; raise UsageError for what is none."""
    grey = grey_levels(images)
    one = (IMAGE_SHAPE, (N_PIXELS,), (*IMAGE_SHAPE, 1), (1, *IMAGE_SHAPE))
    if grey.shape[1:] not in one and grey.shape in one:
        grey = grey[None]
    if grey.shape[1:] not in one:
        problem = f"images have shape (n, 28, 28), (n, 784) or (28, 28), not {grey.shape}"
        raise UsageError(problem, hint="of a picture of any size: mnistcli.conform(picture).image")
    return grey


def check_is_light_ink(images: Grey) -> None:
    """Raise UsageError for images, taken as they are, whose paper is lighter than their ink."""
    if 2 * np.count_nonzero(images > 127) > images.size:
        raise UsageError("the images are dark ink on light paper", hint="turn them: 255 - X")
