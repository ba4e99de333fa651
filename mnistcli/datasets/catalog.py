"""What datasets exist, where their files are, and by which checksums they are known.

The checksum of a published file says whether a download is that file. That of the *payload*, the
decoded pixels or labels without any header, is the identity of the data, whatever container it
arrives in (IDX, ARFF, npz); where it is not known, only the published files are accepted.

The facts stand in ``catalog.json``; an entry there is all that a dataset needs. Not in it is the
original host of MNIST, which answers 403 since 2020 and speaks plain http only. The labels of
QMNIST are IDX2 files of int32 with eight columns; the first is the digit, the others tell the
writer and the NIST source. Its test set is MNIST's 10,000 and the 50,000 "lost".

Sources of the checksums: torchvision ``datasets/mnist.py`` (md5), TensorFlow Datasets
``url_checksums`` (sha256, sizes); MNIST's payloads were hashed from the canonical files.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any, NamedTuple, cast

from mnistcli.errors import ChecksumMismatchError, CorruptFileError, UsageError
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.paths import check_name

PART_NAMES = ("train-images", "train-labels", "test-images", "test-labels")
# Where a dataset can come from, beside URLs and paths.
NAMED_SOURCES = ("auto", "bundled", "mirror", "openml", "keras")


class RemoteFile(NamedTuple):
    """A file as it is published."""

    name: str  # behind a mirror's base URL
    checksum: str  # "sha256:...", or "md5:..." where nothing better is published
    n_bytes: int | None = None

    def check(self, file: IO[bytes], source: str) -> None:
        """Raise CorruptFileError for a file of another size, the clearer message, or checksum."""
        n_bytes = file.seek(0, 2)
        if self.n_bytes not in (None, n_bytes):
            raise CorruptFileError(source, f"has {n_bytes:,} bytes, expected {self.n_bytes:,}")
        algorithm, _, checksum = self.checksum.partition(":")
        file.seek(0)
        digest = hashlib.file_digest(  # typeshed wants a protocol that IO[bytes] is not
            cast("Any", file), lambda: hashlib.new(algorithm, usedforsecurity=False)
        )
        file.seek(0)
        if (got := digest.hexdigest()) != checksum:
            raise ChecksumMismatchError(source, expected=checksum, got=got, algorithm=algorithm)


def public_url(url: str) -> str:
    """Return a URL without what may be a secret: user, password, query."""
    return re.sub(r"\?.*", "?...", re.sub(r"(?<=://)[^/?#]*@", "", url), flags=re.DOTALL)


class PartSpec(NamedTuple):
    """One of the four arrays of a dataset, all of uint8."""

    name: str
    shape: tuple[int, ...]  # (n, 28, 28) for images, (n,) for labels
    file: RemoteFile  # the published IDX file, gzipped
    payload_sha256: str | None = None  # of the array's bytes in C order, where it is known


@dataclass(frozen=True, slots=True)
class DatasetSpec:
    """All that is known of a dataset before any of its bytes is seen.

    What can be had from several places names the best first. Plain http stands only where there is
    nothing else, or last: the checksum decides, not the channel.
    """

    name: str
    title: str
    parts: tuple[PartSpec, ...]  # in the order of `PART_NAMES`
    mirrors: Sequence[str]  # base URLs
    attribution: str  # whom to thank
    licence: str
    bundled: bool = False  # the published files are inside this package
    openml_urls: Sequence[str] = ()  # the dataset as one ARFF file
    keras_urls: Sequence[str] = ()  # the dataset as one npz file

    @property
    def sizes(self) -> tuple[int, int]:
        """How many images it has for training, and for the test."""
        return self.parts[0].shape[0], self.parts[2].shape[0]

    @property
    def has_known_payload(self) -> bool:
        """Whether any container of this dataset can be trusted, not only the published files."""
        return all(part.payload_sha256 for part in self.parts)


def shapes_of(n_train: int, n_test: int) -> tuple[tuple[int, ...], ...]:
    """Return the shapes of the four arrays of a dataset."""
    return (n_train, *IMAGE_SHAPE), (n_train,), (n_test, *IMAGE_SHAPE), (n_test,)


def _read() -> dict[str, DatasetSpec]:
    """Read the catalogue, whose entries have the fields of `DatasetSpec`.

    In place of its parts stand the files, as `RemoteFile` has them, with the sha256 of their
    payload, and the number of training and test images where it is not MNIST's.
    """
    specs = {}
    for name, entry in json.loads(Path(__file__).with_name("catalog.json").read_bytes()).items():
        files, sizes = entry.pop("files"), entry.pop("sizes", (60_000, 10_000))
        payloads = [file.pop("payload_sha256", None) for file in files]
        published = [RemoteFile(**file) for file in files]
        parts = tuple(map(PartSpec, PART_NAMES, shapes_of(*sizes), published, payloads))
        specs[name] = DatasetSpec(name, parts=parts, **entry)
    return specs


CATALOG: Mapping[str, DatasetSpec] = MappingProxyType(_read())


def check_own_name(name: str) -> str:
    """Return a name that a dataset of the user's own can have; raise UsageError for others."""
    if name.lower() in (*CATALOG, "builtin"):
        raise UsageError(f"the name {name!r} is taken", hint="choose another, such as mine")
    return check_name(name, what="name of a dataset")
