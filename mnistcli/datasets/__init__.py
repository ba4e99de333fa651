"""Datasets of digits: what exists, how it is had and checked, where it is kept.

catalog      what datasets exist and by which checksums they are known
containers   IDX, ARFF, npz bytes -> arrays
download     the box, mirrors, URLs, files and folders -> the four arrays of a dataset
store        the arrays on disk, memory-mapped: ``open_dataset("mnist").train.images``
"""

from mnistcli.datasets.catalog import CATALOG, DatasetSpec, find_dataset
from mnistcli.datasets.store import (
    Dataset,
    DatasetStore,
    Installation,
    InstalledFile,
    LabelledImages,
    open_dataset,
)

__all__ = [
    "CATALOG",
    "Dataset",
    "DatasetSpec",
    "DatasetStore",
    "Installation",
    "InstalledFile",
    "LabelledImages",
    "find_dataset",
    "open_dataset",
]
