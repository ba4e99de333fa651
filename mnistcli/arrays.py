"""Arrays by what they hold."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]  # pixels, features
Bools = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Labels = NDArray[np.integer[Any]]
Places = NDArray[np.intp]
