"""Fetch single files over HTTP, verified.

A download is kept in memory, or beyond 32 MiB in a file without a name, so that nothing unverified
ever lies under a name and nothing is left behind however the process ends.

The standard library fetches. A size cap, a deadline, the refusal of some redirects and a word on
each mirror that failed would have to be written around pooch or requests just the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, BinaryIO, cast

from mnistcli._version import __version__
from mnistcli.containers.reading import kind_of
from mnistcli.errors import ChecksumMismatchError, CorruptFileError, DownloadError
from mnistcli.files import storage_errors

if TYPE_CHECKING:
    import http.client
    import urllib.request
    from collections.abc import Iterator

    from mnistcli.datasets.catalog import RemoteFile
    from mnistcli.progress import Progress

IN_MEMORY_BYTES = 32 << 20
CHUNK_BYTES = 1 << 16
OFFLINE_HINT = "mnistcli download --source PATH takes the files from a disk"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server.

    Attributes
    ----------
    timeout_s : float
        For a connection, and for each piece of an answer.
    min_bytes_per_s : int
        A server that stays slower than this is given up after ``timeout_s``.
    retry_wait_s : float
        Before the second and last attempt, after a failure that may pass.
    """

    timeout_s: float = 10.0
    min_bytes_per_s: int = 5_000
    retry_wait_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Client:
    """Downloads single files, verified.

    Attributes
    ----------
    progress : Progress
    patience : Patience
    """

    progress: Progress
    patience: Patience

    def fetch(self, url: str, expected: RemoteFile | None, max_bytes: int) -> BinaryIO:
        """Download one http(s) URL.

        Parameters
        ----------
        url : str
        expected : RemoteFile or None
            The published file that it must be; None where only the content can tell.
        max_bytes : int
            Stop at this size.

        Returns
        -------
        binary file
            At its start, in memory or without a name, gone when closed. With ``expected=None`` it
            may be gzip data although the URL says otherwise: the body is left as it was sent.

        Raises
        ------
        DownloadError
            No answer, an answer that says no, too slow, cut short twice, or a redirect that
            leaves https or the web.
        CorruptFileError
            A web page, too large, or another size or checksum than published.
        StorageError
            There is no room for a large download.
        """
        wanted = _Wanted(url, expected, max_bytes, self)
        try:
            return _fetch_once(wanted)
        except _Passing:
            time.sleep(self.patience.retry_wait_s)
        try:
            return _fetch_once(wanted)
        except _Passing as failure:
            raise wanted.failure(f"{failure}, twice") from None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One URL, and all there is to know about it before it is asked for."""

    url: str
    expected: RemoteFile | None
    max_bytes: int
    client: Client

    @property
    def name(self) -> str:
        return self.expected.name if self.expected else self.url.rstrip("/").rpartition("/")[2]

    @property
    def n_expected(self) -> int | None:
        return self.expected.n_bytes if self.expected else None

    def failure(self, reason: str) -> DownloadError:
        return DownloadError(self.name, [(self.url, reason)], hint=OFFLINE_HINT)


class _Passing(Exception):  # noqa: N818 - not an error yet: the client tries once more
    """A failure that may be gone at the next attempt."""


def _fetch_once(wanted: _Wanted) -> BinaryIO:
    import tempfile
    import urllib.request

    headers = {
        "User-Agent": f"mnistcli/{__version__}",
        # OpenML sends its 122 MB of text as 15 MB if asked. The published files are gzip data
        # themselves and have to come as they are.
        "Accept-Encoding": "identity" if wanted.expected else "gzip",
    }
    with contextlib.ExitStack() as on_failure:
        body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - returned
        on_failure.callback(body.close)
        with _network_errors(wanted):
            request = urllib.request.Request(wanted.url, headers=headers)  # noqa: S310 - see load
            response = _opener().open(request, timeout=wanted.client.patience.timeout_s)
        with response:
            _receive(response, cast("BinaryIO", body), wanted)
        body.seek(0)
        on_failure.pop_all()
    return cast("BinaryIO", body)


def _receive(response: http.client.HTTPResponse, body: BinaryIO, wanted: _Wanted) -> None:
    """Copy the body of an answer, with a limit to everything, and verify it."""
    from tempfile import gettempdir

    declared = response.headers.get("Content-Length", "")
    n_declared = int(declared) if declared.isdecimal() and len(declared) < 16 else None
    algorithm = wanted.expected.checksum.partition(":")[0] if wanted.expected else "sha256"
    digest = hashlib.new(algorithm, usedforsecurity=False)
    n_done = 0
    started_s = time.monotonic()
    for chunk in _chunks(response, wanted):
        if not n_done:
            _check_beginning(chunk, n_declared, wanted)
        n_done += len(chunk)
        _check_size(n_done, wanted)
        with storage_errors("keep the download in", Path(gettempdir())):
            body.write(chunk)
        digest.update(chunk)
        wanted.client.progress.update(wanted.name, n_done, wanted.n_expected or n_declared)
        _check_speed(n_done, time.monotonic() - started_s, wanted)
    if n_declared is not None and n_done < n_declared:
        raise _Passing(f"the answer ended after {n_done:,} of {n_declared:,} bytes")
    if wanted.expected:
        check_published(wanted.expected, n_done, digest.hexdigest(), wanted.url)


def _chunks(response: http.client.HTTPResponse, wanted: _Wanted) -> Iterator[bytes]:
    while True:
        # read1 returns what is there: read would wait for all of it, deaf to the clock.
        with _network_errors(wanted):
            chunk = response.read1(CHUNK_BYTES)
        if not chunk:
            return
        yield chunk


def _check_beginning(chunk: bytes, n_declared: int | None, wanted: _Wanted) -> None:
    """Give up at the first bytes where they, or the declared size, already tell."""
    n_expected = wanted.n_expected
    if kind_of(chunk) == "html":
        but = f", expected {n_expected:,} bytes of data" if n_expected else ""
        raise CorruptFileError(wanted.url, f"is a web page (HTML){but}")
    if n_declared is not None and n_expected not in (None, n_declared):
        raise CorruptFileError(wanted.url, f"has {n_declared:,} bytes, expected {n_expected:,}")
    if n_declared is not None:
        _check_size(n_declared, wanted)


def _check_size(n_bytes: int, wanted: _Wanted) -> None:
    limit = wanted.n_expected or wanted.max_bytes
    if n_bytes > limit:
        raise CorruptFileError(wanted.url, f"has more than {limit:,} bytes")


def _check_speed(n_done: int, elapsed_s: float, wanted: _Wanted) -> None:
    # A timeout alone never ends with a server that sends a byte now and then.
    patience = wanted.client.patience
    if n_done < (elapsed_s - patience.timeout_s) * patience.min_bytes_per_s:
        raise wanted.failure(f"too slow: {n_done:,} bytes in {elapsed_s:.0f} s")


def _opener() -> urllib.request.OpenerDirector:
    import urllib.error
    import urllib.request

    class NoDowngrade(urllib.request.HTTPRedirectHandler):
        """Follows redirects, but neither from https to http nor out of the web."""

        def redirect_request(
            self, req: urllib.request.Request, fp: IO[bytes], code: int, *answer: Any
        ) -> urllib.request.Request | None:
            headers, target = answer[-2:]
            allowed = ("https://",) if req.type == "https" else ("https://", "http://")
            if not target.lower().startswith(allowed):
                refusal = f"refused to be redirected to {target}"
                raise urllib.error.HTTPError(req.full_url, code, refusal, headers, fp)
            return super().redirect_request(req, fp, code, *answer)

    return urllib.request.build_opener(NoDowngrade)


@contextlib.contextmanager
def _network_errors(wanted: _Wanted) -> Iterator[None]:
    """Turn what urllib and http.client raise into a DownloadError, or _Passing if it may pass."""
    import http.client

    try:
        yield
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason, may_pass = _explained(error, wanted.client.patience.timeout_s)
        raise (_Passing(reason) if may_pass else wanted.failure(reason)) from None


def _explained(error: object, timeout_s: float) -> tuple[str, bool]:
    """Say what a network error means, and whether the same request may succeed in a moment."""
    import http.client
    import urllib.error

    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return f"HTTP {error.code} {error.reason}", error.code in _PASSING_STATUS
    if isinstance(error, urllib.error.URLError):
        return _explained(error.reason, timeout_s)
    if isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s", False
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused", False
    if isinstance(error, (ConnectionError, http.client.HTTPException)):
        return f"the connection broke ({error or type(error).__name__})", True
    # No such host, no network, an untrusted certificate, a URL that is none.
    return getattr(error, "strerror", None) or str(error), False


_PASSING_STATUS = {408, 425, 429, 500, 502, 503, 504}


def check_published(expected: RemoteFile, n_bytes: int, got: str, source: str) -> None:
    """Compare size, then checksum, with the published ones: the size is the clearer message."""
    if expected.n_bytes not in (None, n_bytes):
        raise CorruptFileError(source, f"has {n_bytes:,} bytes, expected {expected.n_bytes:,}")
    algorithm, _, checksum = expected.checksum.partition(":")
    if got == checksum:
        return
    if algorithm == "sha256":
        raise ChecksumMismatchError(source, expected=checksum, got=got)
    raise CorruptFileError(source, f"{algorithm} is {got}, expected {checksum}")
