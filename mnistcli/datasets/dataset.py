"""What a dataset is: labelled images, in a part for training and one for the test."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from mnistcli.arrays import Bytes
from mnistcli.display import Displayed, counted
from mnistcli.errors import UsageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.pictures import digit_images

# The four of a dataset, in the order of `catalog.PART_NAMES`.
Arrays = tuple[Bytes, ...]


@dataclass(frozen=True, slots=True, repr=False)
class LabelledImages(Displayed):
    """Images of digits, ink 255 and paper 0, and what they show.

    Any that `digit_images` takes and whole numbers will do; others raise UsageError.
    """

    images: Bytes  # read-only, memory-mapped where the store can be used
    labels: Bytes
    notes: tuple[str, ...] = ()  # what was done to the user's own images

    def __post_init__(self) -> None:
        images, labels = digit_images(self.images), np.asarray(self.labels)
        is_whole = labels.dtype.kind in "iu" and not ((labels < 0) | (labels > 255)).any()
        if labels.shape != (len(images),) or not is_whole:
            given = f"{labels.shape} of {labels.dtype}"
            raise UsageError(f"{len(images):,} images have as many labels, 0 to 255, not {given}")
        object.__setattr__(self, "images", images.reshape(-1, *IMAGE_SHAPE))
        object.__setattr__(self, "labels", labels.astype(np.uint8, copy=False))

    def _in_words(self) -> str:
        return counted(len(self.labels), "image")


@dataclass(frozen=True, slots=True, repr=False)
class Dataset(Displayed):
    """A dataset with its official split.

    Its identity, whatever the container that it came in, is the sha256 of the four payloads' sha256
    in hexadecimal, in the order train images, train labels, test images, test labels, each followed
    by a newline. Of ``"mnist+mine"`` the parts are the datasets that it is joined of.
    """

    name: str
    title: str
    train: LabelledImages
    test: LabelledImages
    sha256: str
    parts: "tuple[Dataset, ...]" = ()

    def _in_words(self) -> str:
        n_train, n_test = len(self.train.labels), len(self.test.labels)
        return f"{self.name}, {n_train:,} training and {n_test:,} test images"


class Loaded(NamedTuple):
    """Labelled digits from somewhere, in training and test images."""

    train: LabelledImages
    test: LabelledImages
    source: str  # "bundled", "mirror", "openml", "keras", "url" or "path"
    origin: str  # the folder, the file or the URL; of several mirrors, all that delivered
    n_bytes_read: int  # as stored or sent, mostly compressed
    failures: tuple[tuple[str, str], ...] = ()  # what was tried before or left out, and why
    notes: tuple[str, ...] = ()  # what was done to pictures to read them as a prediction does
    others: frozenset[str] = frozenset()  # of the failures, files of something else than digits

    @property
    def arrays(self) -> Arrays:
        """All of it, in the order of `PART_NAMES`."""
        return self.train.images, self.train.labels, self.test.images, self.test.labels


def identity(payload_sha256: Sequence[str]) -> str:
    """Return the one checksum of a dataset, see `Dataset`."""
    lines = "".join(f"{sha256}\n" for sha256 in payload_sha256)
    return hashlib.sha256(lines.encode("ascii")).hexdigest()


def concatenated(parts: Sequence[LabelledImages]) -> LabelledImages:
    """Put parts one after the other; one alone is not copied."""
    if len(parts) == 1:
        return parts[0]
    images = np.concatenate([part.images for part in parts])
    labels = np.concatenate([part.labels for part in parts])
    images.flags.writeable = labels.flags.writeable = False
    return LabelledImages(images, labels)


def joined(datasets: Sequence[Dataset]) -> Dataset:
    """Join datasets in their order: training part to training part, test part to test part.

    The sha256 of the whole is that of the lines of its parts' sha256, as that of a dataset is of
    its four arrays'.
    """
    return Dataset(
        name="+".join(each.name for each in datasets),
        title=" + ".join(each.title for each in datasets),
        train=concatenated([each.train for each in datasets]),
        test=concatenated([each.test for each in datasets]),
        sha256=identity([each.sha256 for each in datasets]),
        parts=tuple(datasets),
    )


def in_parts(arrays: Sequence[Bytes]) -> tuple[LabelledImages, LabelledImages]:
    """Return the training and the test part that four arrays are."""
    train, train_labels, test, test_labels = arrays
    return LabelledImages(train, train_labels), LabelledImages(test, test_labels)
