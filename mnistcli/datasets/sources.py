"""Where the four arrays of a dataset come from: the box, mirrors, URLs, files, folders.

Which sources there are is told by ``mnistcli help data``. What kind of file one is, its content
says, not its name. Everything is verified against the catalogue before it is handed on: by the
identity of its payload where that is known, else as the published file.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TypeVar

import numpy as np

from mnistcli import errors
from mnistcli.arrays import Bytes
from mnistcli.containers.compressed import as_folder, unpacked
from mnistcli.containers.digits import Block, label_faults, read_digits, read_labels
from mnistcli.containers.npy_idx import find_idx, open_idx
from mnistcli.containers.reading import FormatError, Stream, damage_of
from mnistcli.datasets.catalog import NAMED_SOURCES, DatasetSpec, PartSpec, RemoteFile, public_url
from mnistcli.datasets.dataset import Loaded, concatenated, in_parts
from mnistcli.datasets.folders import descended
from mnistcli.datasets.labelled import labelled_images
from mnistcli.datasets.manifest import sha256_of
from mnistcli.files import kind_of_path, storage_errors
from mnistcli.paths import expand
from mnistcli.progress import SILENT, Progress

S = TypeVar("S")
T = TypeVar("T")

BUNDLE = Path(__file__).with_name("bundled")
# mnist_784.arff, the largest file that is ever fetched, has about 122 million bytes as text.
MAX_CONTAINER_BYTES = 256 << 20
_OWN = "or for digits of your own: --as NAME"


def load(spec: DatasetSpec, source: str = "auto", *, progress: Progress = SILENT) -> Loaded:
    """Get the arrays of a dataset from a source and verify them.

    Raises UsageError where there is no such source for this dataset, DataUnavailableError where
    nothing is there (a `DownloadError` names each mirror and how it failed), CorruptFileError where
    something is, but not this dataset.
    """
    try:
        return _Loader(spec, progress).load(source)
    except errors.CorruptFileError as error:
        right = f"get the right bytes with: mnistcli download --dataset {spec.name} --force"
        error.hint = error.hint or right
        raise


@dataclass(frozen=True)
class _Loader:
    """Looks for one dataset, and keeps what failed on the way."""

    spec: DatasetSpec
    progress: Progress
    failures: list[tuple[str, str]] = field(default_factory=list)

    def load(self, source: str) -> Loaded:
        if source in NAMED_SOURCES:
            return self._named(source)
        if source.startswith(("http://", "https://")):
            return self._url(source)
        if "://" in source:
            hint = "use http://, https:// or a path"
            raise errors.UsageError(f"cannot fetch {source!r}", hint=hint)
        path = expand(Path(source))
        with as_folder(path, lambda _: True) as place:
            found = self._path(place if place is path else descended(place))
            return found._replace(origin=found.origin.replace(str(place), str(path)))

    def _named(self, source: str) -> Loaded:
        spec = self.spec
        if source == "auto" and spec.bundled:
            try:
                return self._named("bundled")
            except errors.MnistCliError as error:
                self.failures.append((str(BUNDLE), error.message))
        mirrors: Sequence[str | Path] = spec.mirrors
        published = {"auto": mirrors, "mirror": mirrors, "bundled": [BUNDLE] * spec.bundled}
        if bases := published.get(source):
            return self._published(bases, "mirror" if source == "auto" else source)
        if whole := {"openml": spec.openml_urls, "keras": spec.keras_urls}.get(source):
            get = partial(self._fetched, source=source)
            return self._first(whole, get, f"{spec.title} from {source}")[1]
        hint = f"mnistcli download --dataset {spec.name}"
        if source == "bundled":
            problem = f"{spec.title} is not part of this package and has to be downloaded once"
            raise errors.DataUnavailableError(problem, hint=hint)
        raise errors.UsageError(f"{spec.title} cannot be had from {source}", hint=hint)

    def fetch(self, url: str, expected: RemoteFile | None = None) -> IO[bytes]:
        from mnistcli.datasets.download import fetch

        return fetch(url, expected, MAX_CONTAINER_BYTES, self.progress)

    def _path(self, path: Path) -> Loaded:
        names = [part.file.name for part in self.spec.parts]
        kind = kind_of_path(path)
        if kind == "nothing":
            hint = f"a source is {', '.join(NAMED_SOURCES)}, a URL, a file or a folder"
            problem = f"there is no file, folder or source {str(path)!r}"
            raise errors.DataUnavailableError(problem, hint=hint)
        if kind == "folder" and all(find_idx(path, name) for name in names):
            return self._published([path], "path")
        if kind == "file":
            with storage_errors("read", path):
                return self._container(path.open("rb"), "path", str(path))
        problem, hint = f"{path} holds no {self.spec.title}", f"expected {', '.join(names)}, {_OWN}"
        raise errors.DataUnavailableError(problem, hint=hint)

    def _fetched(self, url: str, source: str) -> Loaded:
        return self._container(self.fetch(url), source, public_url(url))

    def _container(self, file: IO[bytes], source: str, origin: str) -> Loaded:
        """Read a file with everything, and close it."""
        spec = self.spec
        n_train, n_test = spec.sizes
        self.progress.update(f"decoding {spec.title}", 0, None)
        with file, damage_of(origin), Stream(file) as stream:
            if not spec.has_known_payload:
                names = ", ".join(part.file.name for part in spec.parts)
                problem = f"{origin}: {spec.title} can only be verified as its published files"
                hint = f"give a folder or a base URL with {names}"
                raise errors.DataUnavailableError(problem, hint=hint)
            blocks = _at_most(n_train + n_test, read_digits(stream, None))
            found = concatenated([*labelled_images(blocks, origin, raw=True).values()])
            n_bytes = file.seek(0, 2)
        images, labels = found.images, found.labels
        if len(images) != n_train + n_test:
            problem = f"has {len(images):,} images, expected {n_train:,} and {n_test:,}"
            raise errors.CorruptFileError(origin, problem, hint=_OWN * (source == "path"))
        parts = images[:n_train], labels[:n_train], images[n_train:], labels[n_train:]
        return self._verified(parts, source, origin, n_bytes)

    def _verified(
        self, arrays: Sequence[Bytes], source: str, origin: str, n_bytes_read: int
    ) -> Loaded:
        """Check the identity of the arrays, as far as the catalogue knows it."""
        for part, array in zip(self.spec.parts, arrays, strict=True):
            if part.payload_sha256 and (got := sha256_of(array)) != part.payload_sha256:
                what = f"{part.name} of {self.spec.title} from {origin}"
                raise errors.ChecksumMismatchError(what, expected=part.payload_sha256, got=got)
        return Loaded(*in_parts(arrays), source, origin, n_bytes_read, tuple(self.failures))

    def _published(self, places: Sequence[str | Path], source: str) -> Loaded:
        """Read each published file from the first base URL, or folder, that delivers it.

        One that has failed is asked last from then on.
        """
        arrays: list[Bytes] = []
        delivered: dict[str, None] = {}
        n_bytes_read, total = 0, sum(math.prod(part.shape) for part in self.spec.parts)
        for part in self.spec.parts:
            i, (shown, file) = self._first(places, partial(self._opened, part), part.file.name)
            with storage_errors("read", Path(shown)), file:
                if part.payload_sha256 is None:
                    part.file.check(file, shown)
                arrays.append(_decode_idx(part, file, shown))
                n_bytes_read += file.seek(0, 2)
            places = [*places[i:], *places[:i]]
            first = places[0]
            delivered[public_url(first) if isinstance(first, str) else str(first)] = None
            n_done = sum(array.size for array in arrays)
            self.progress.update(f"decoding {self.spec.title}", n_done, total)
        return self._verified(arrays, source, ", ".join(delivered), n_bytes_read)

    def _opened(self, part: PartSpec, place: str | Path) -> tuple[str, IO[bytes]]:
        """Open a published file that is to be had there; return what to call it, too."""
        name = part.file.name
        if isinstance(place, Path):
            path = find_idx(place, name) or place / name
            with storage_errors("read", path):
                return str(path), path.open("rb")
        return public_url(place + name), self.fetch(place + name, part.file)

    def _first(self, urls: Sequence[S], get: Callable[[S], T], what: str) -> tuple[int, T]:
        """Return the first of the places that works, by its number, and what it gives."""
        for i, url in enumerate(urls):
            try:
                return i, get(url)
            except (errors.DownloadError, errors.CorruptFileError) as error:
                self.failures.extend(error.failures)
                if len(urls) == len(self.failures) == 1:
                    raise
        raise errors.DownloadError(what, self.failures)

    def _url(self, url: str) -> Loaded:
        """Take a URL as one file with everything or, if it is none, as a base URL."""
        if self.spec.has_known_payload and not url.endswith("/"):
            try:
                file = self.fetch(url)
            except (errors.DownloadError, errors.CorruptFileError) as error:
                self.failures.extend(error.failures)
            else:
                return self._container(file, "url", public_url(url))
        return self._published([url if url.endswith("/") else f"{url}/"], "url")


def _at_most(n: int, blocks: Iterable[Block]) -> Iterator[Block]:
    n_left = n
    for block in blocks:
        n_left -= len(block.images)
        if n_left < 0:
            raise FormatError(f"has more than {n:,} images")
        yield block


def _decode_idx(part: PartSpec, file: IO[bytes], source: str) -> Bytes:
    with damage_of(source), Stream(file) as stream:
        if len(part.shape) == 1:
            labels = read_labels(stream)
            for _, fault in label_faults(labels):
                raise fault
            array = labels.astype(np.uint8)
        else:
            array = open_idx(unpacked(stream)).whole()
    if array.shape != part.shape:
        problem = f"{part.name} has the shape {array.shape}, expected {part.shape}"
        raise errors.CorruptFileError(source, problem)
    return array
