"""Where the four arrays of a dataset come from: the box, mirrors, URLs, files, folders.

    auto          the box if the dataset is in it, else the mirrors
    bundled       the four IDX files inside this package
    mirror        the published IDX files, from the mirrors of the catalogue in order
    openml        one ARFF file from OpenML
    keras         one npz file from Keras
    http(s)://    an ARFF or npz file, or the base URL of the published IDX files
    PATH          an ARFF or npz file, a folder with the four IDX files (gzipped or not),
                  or the cache folder of torchvision, Keras or scikit-learn

What kind of file it is, its content says, not its name. Everything is verified against the
catalogue before it is handed on: by the identity of its payload where that is known, else as the
published file.
"""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from mnistcli.containers.digits import Block, checked_labels, read_digits, read_labels
from mnistcli.containers.npy import find_idx
from mnistcli.containers.reading import FormatError, damage_of, stream_of
from mnistcli.datasets.catalog import NAMED_SOURCES, DatasetSpec, PartName, PartSpec
from mnistcli.datasets.download import (
    CHUNK_BYTES,
    OFFLINE_HINT,
    Client,
    Patience,
    check_published,
    public_url,
)
from mnistcli.datasets.manifest import Arrays, Loaded
from mnistcli.errors import (
    ChecksumMismatchError,
    CorruptFileError,
    DataUnavailableError,
    DownloadError,
    MnistCliError,
    UsageError,
)
from mnistcli.files import kind_of_path, storage_errors
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.paths import expand
from mnistcli.progress import SILENT, Progress

T = TypeVar("T")

BUNDLE = Path(__file__).with_name("bundled")
# mnist_784.arff, the largest file that is ever fetched, has about 122 million bytes as text.
MAX_CONTAINER_BYTES = 256 << 20


def load(
    spec: DatasetSpec,
    source: str = "auto",
    *,
    progress: Progress = SILENT,
    patience: Patience | None = None,
) -> Loaded:
    """Get the arrays of a dataset from a source (see the top of this module) and verify them.

    Raises UsageError where there is no such source for this dataset, DataUnavailableError where
    nothing is there (a `DownloadError` names each mirror and how it failed), CorruptFileError where
    something is, but not this dataset.
    """
    try:
        return _Loader(spec, Client(progress, patience or Patience())).load(source)
    except CorruptFileError as error:
        right = f"get the right bytes with: mnistcli download --dataset {spec.name} --force"
        error.hint = error.hint or right
        raise


@dataclass(frozen=True, slots=True)
class _Loader:
    """Looks for one dataset, and keeps what failed on the way."""

    spec: DatasetSpec
    client: Client
    failures: list[tuple[str, str]] = field(default_factory=list)

    def load(self, source: str) -> Loaded:
        if source == "auto":
            return self._auto()
        if source == "bundled":
            return self._bundled()
        if source == "mirror":
            return self._published(self.spec.mirrors, source)
        if source in ("openml", "keras"):
            return self._container_urls(source)
        if source.startswith(("http://", "https://")):
            return self._url(source)
        if "://" in source:
            raise UsageError(f"cannot fetch {source!r}", hint="use http://, https:// or a path")
        return self._path(expand(Path(source)))

    def _auto(self) -> Loaded:
        if self.spec.bundled:
            try:
                return self._bundled()
            except MnistCliError as error:
                self.failures.append((str(BUNDLE), error.message))
        return self._published(self.spec.mirrors, "mirror")

    # -------------------------------------------------------------------- the box, files, folders

    def _bundled(self) -> Loaded:
        if not self.spec.bundled:
            raise DataUnavailableError(
                f"{self.spec.title} is not part of this package and has to be downloaded once",
                hint=f"mnistcli download --dataset {self.spec.name}",
            )
        paths = {part.name: BUNDLE / part.file.name for part in self.spec.parts}
        return self._idx_files(paths, "bundled", BUNDLE)

    def _path(self, path: Path) -> Loaded:
        kind = kind_of_path(path)
        if kind == "folder":
            return self._folder(path)
        if kind == "file":
            return self._container_file(path)
        raise DataUnavailableError(
            f"there is no file, folder or source {str(path)!r}",
            hint=f"a source is {', '.join(NAMED_SOURCES)}, a URL, a file or a folder",
        )

    def _folder(self, folder: Path) -> Loaded:
        for candidate in _idx_folders(self.spec, folder):
            paths = {part.name: find_idx(candidate, part.file.name) for part in self.spec.parts}
            if all(paths.values()):
                return self._idx_files(cast("dict[PartName, Path]", paths), "path", candidate)
        for container in _container_files(self.spec, folder):
            if kind_of_path(container) == "file":
                return self._container_file(container)
        raise DataUnavailableError(
            f"{folder} holds no {self.spec.title}",
            hint=f"it should hold {', '.join(part.file.name for part in self.spec.parts)}",
        )

    def _idx_files(self, paths: Mapping[PartName, Path], source: str, origin: Path) -> Loaded:
        arrays: dict[PartName, NDArray[np.uint8]] = {}
        n_bytes_read = 0
        total = sum(math.prod(part.shape) for part in self.spec.parts)
        for part in self.spec.parts:
            path = paths[part.name]
            with storage_errors("read", path), path.open("rb") as file:
                if part.payload_sha256 is None:
                    check_published(part.file, file, str(path))
                arrays[part.name] = _decode_idx(part, file, str(path))
                n_bytes_read += file.seek(0, 2)
            done = sum(array.size for array in arrays.values())
            self.client.progress.update(f"decoding {self.spec.title}", done, total)
        return self._verified(arrays, source, str(origin), n_bytes_read)

    def _container_file(self, path: Path) -> Loaded:
        with storage_errors("read", path), path.open("rb") as file:
            return self._container(file, "path", str(path))

    # ------------------------------------------------------------------- bytes to verified arrays

    def _container(self, file: BinaryIO, source: str, origin: str) -> Loaded:
        spec = self.spec
        if not spec.has_known_payload:
            names = ", ".join(part.file.name for part in spec.parts)
            raise DataUnavailableError(
                f"{origin}: {spec.title} can only be verified as its published files",
                hint=f"give a folder or a base URL with {names}",
            )
        n_train, n_test = (part.shape[0] for part in spec.parts[1::2])
        self.client.progress.update(f"decoding {spec.title}", 0, None)
        with damage_of(origin), stream_of(file) as stream:
            images, values = _gathered(read_digits(stream, None), n_train + n_test)
            if values is None:
                raise FormatError(
                    "holds no labels beside its images",
                    hint="give an ARFF, npz or CSV file, or the folder with the four IDX files",
                )
            labels = checked_labels(values)
        if len(images) != n_train + n_test:
            problem = f"has {len(images):,} images, expected {n_train:,} and {n_test:,}"
            raise CorruptFileError(origin, problem)
        arrays: Arrays = {
            "train-images": images[:n_train],
            "train-labels": labels[:n_train],
            "test-images": images[n_train:],
            "test-labels": labels[n_train:],
        }
        return self._verified(arrays, source, origin, file.seek(0, 2))

    def _verified(self, arrays: Arrays, source: str, origin: str, n_bytes_read: int) -> Loaded:
        """Check the identity of the arrays, as far as the catalogue knows it."""
        for part in self.spec.parts:
            got, expected = hashlib.sha256(arrays[part.name].data).hexdigest(), part.payload_sha256
            if expected not in (None, got):
                what = f"{part.name} of {self.spec.title} from {origin}"
                raise ChecksumMismatchError(what, expected=str(expected), got=got)
        return Loaded(arrays, source, origin, n_bytes_read, tuple(self.failures))

    # ------------------------------------------------------------------------------------ network

    def _published(self, bases: Sequence[str], source: str) -> Loaded:
        """Fetch each published file from the first base URL that delivers it.

        One that has failed is asked last from then on.
        """
        arrays: dict[PartName, NDArray[np.uint8]] = {}
        delivered: dict[str, None] = {}
        n_bytes_read = 0
        for part in self.spec.parts:
            name, max_bytes = part.file.name, part.file.n_bytes
            max_bytes = max_bytes or _max_decoded_bytes(part) + CHUNK_BYTES
            urls = [base + name for base in bases]
            fetch = partial(self.client.fetch, expected=part.file, max_bytes=max_bytes)
            i, file = self._first(urls, fetch, name)
            with file:
                arrays[part.name] = _decode_idx(part, file, public_url(urls[i]))
                n_bytes_read += file.seek(0, 2)
            bases = [*bases[i:], *bases[:i]]
            delivered[public_url(bases[0])] = None
        return self._verified(arrays, source, ", ".join(delivered), n_bytes_read)

    def _first(self, urls: Sequence[str], get: Callable[[str], T], what: str) -> tuple[int, T]:
        """Return the first of the URLs that works, by its number, and what it gives."""
        for i, url in enumerate(urls):
            try:
                return i, get(url)
            except (DownloadError, CorruptFileError) as error:
                self.failures.append(_failure_of(error))
                if len(urls) == len(self.failures) == 1:
                    raise
        raise DownloadError(what, self.failures, hint=OFFLINE_HINT)

    def _container_urls(self, source: str) -> Loaded:
        spec = self.spec
        keras_urls = (spec.keras_url,) if spec.keras_url else ()
        urls = spec.openml_urls if source == "openml" else keras_urls
        if not urls:
            raise UsageError(
                f"{spec.title} cannot be had from {source}",
                hint=f"mnistcli download --dataset {spec.name} --source mirror",
            )

        def get(url: str) -> Loaded:
            with self.client.fetch(url, None, MAX_CONTAINER_BYTES) as file:
                return self._container(file, source, url)

        return self._first(urls, get, f"{spec.title} from {source}")[1]

    def _url(self, url: str) -> Loaded:
        """Take a URL as one file with everything or, if it is none, as a base URL."""
        if self.spec.has_known_payload and not url.endswith("/"):
            try:
                file = self.client.fetch(url, None, MAX_CONTAINER_BYTES)
            except (DownloadError, CorruptFileError) as error:
                self.failures.append(_failure_of(error))
            else:
                with file:
                    return self._container(file, "url", public_url(url))
        return self._published((url if url.endswith("/") else f"{url}/",), "url")


def _failure_of(error: DownloadError | CorruptFileError) -> tuple[str, str]:
    if isinstance(error, DownloadError):
        return error.failures[0]
    return public_url(str(error.source)), error.problem


def _idx_folders(spec: DatasetSpec, folder: Path) -> Iterator[Path]:
    """Say where in a folder the IDX files may be: as they are, torchvision's, Keras's layout."""
    torchvision = {"mnist": "MNIST", "fashion-mnist": "FashionMNIST"}
    yield folder
    yield folder / "raw"
    yield folder / torchvision.get(spec.name, spec.name.upper()) / "raw"
    yield folder / spec.name
    yield folder / "datasets" / spec.name


def _container_files(spec: DatasetSpec, folder: Path) -> Iterator[Path]:
    """Say where in a folder one file with everything may be: Keras's, scikit-learn's layout."""
    yield folder / f"{spec.name}.npz"
    yield folder / "datasets" / f"{spec.name}.npz"
    for url in spec.openml_urls:
        path = url.partition("://")[2]
        name = path.rpartition("/")[2]
        yield from (folder / each for each in (name, f"{name}.gz", f"{path}.gz"))
        yield folder / "openml" / f"{path}.gz"


def _decode_idx(part: PartSpec, file: BinaryIO, source: str) -> NDArray[np.uint8]:
    with damage_of(source), stream_of(file) as stream:
        if len(part.shape) == 1:
            array = checked_labels(read_labels(stream, _max_decoded_bytes(part)))
        else:
            array, _ = _gathered(read_digits(stream), part.shape[0])
    if array.shape != part.shape:
        raise CorruptFileError(
            source, f"{part.name} has the shape {array.shape}, expected {part.shape}"
        )
    return array


def _gathered(
    blocks: Iterable[Block], n_most: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64] | None]:
    """Read images of 28 x 28, at most so many, and their labels if there are any."""
    images = np.empty((n_most, *IMAGE_SHAPE), np.uint8)
    labels: list[NDArray[np.float64]] = []
    n = 0
    for block in blocks:
        for fault in block.faults.values():
            raise fault
        end = n + len(block.images)
        if end > n_most:
            raise FormatError(f"has more than {n_most:,} images")
        if block.images.shape[1:] != IMAGE_SHAPE:
            raise FormatError(f"has images of {block.images.shape[1:]}, expected {IMAGE_SHAPE}")
        images[n:end] = block.images
        if block.labels is not None:
            labels.append(block.labels)
        n = end
    return images[:n], np.concatenate(labels) if labels else None


def _max_decoded_bytes(part: PartSpec) -> int:
    # The widest labels are QMNIST's: eight columns of int32.
    return math.prod(part.shape) * (1 if len(part.shape) > 1 else 32)
