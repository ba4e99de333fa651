"""A user's pictures: `read` makes grey arrays of them."""

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]
