"""Datasets of digits: what exists, how it is had and checked, where it is kept.

catalog      what datasets exist and by which checksums they are known
sources      the box, mirrors, URLs, files and folders -> the four arrays of a dataset
download     single files over HTTP, verified
manifest     the files of a dataset, and what vouches for them
store        the arrays on disk, memory-mapped: ``open_dataset("mnist").train.images``
labelled     a file of the user's labelled digits; gathering, a folder of pictures or files
own          the datasets that are made of them
joins        ``open_dataset("mnist+mine")``

The catalogue alone is imported at once: help and completion name the datasets without NumPy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mnistcli.datasets.catalog import CATALOG, DatasetSpec, find_dataset

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    if name not in __all__:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from mnistcli.datasets import store

    return getattr(store, name)
