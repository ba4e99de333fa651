"""NPY, npz, IDX, CSV, ARFF and what compresses them, told by content -> blocks of arrays."""
