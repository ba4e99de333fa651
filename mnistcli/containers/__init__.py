"""NPY, npz, IDX, CSV, ARFF and what compresses them, told by content -> blocks of arrays.

The only reader of each in the package: what one command reads, every command reads, and means the
same by it. Bytes come in order, as from a pipe; memory does not grow with the file; whatever is
wrong with a file is a `reading.FormatError`.
"""
