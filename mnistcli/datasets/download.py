"""Fetch single files over HTTP, verified.

A download is kept in memory, or beyond 32 MiB in a file without a name, so that nothing unverified
ever lies under a name and nothing is left behind however the process ends.

The standard library fetches. A size cap, a deadline, the refusal of some redirects and a word on
each mirror that failed would have to be written around pooch or requests just the same.
"""

import base64
import http.client
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from textwrap import shorten
from typing import IO, Any

from mnistcli._version import __version__
from mnistcli.datasets.catalog import RemoteFile, public_url
from mnistcli.errors import CorruptFileError, DownloadError
from mnistcli.files import scratch_errors
from mnistcli.progress import SILENT, Progress

IN_MEMORY_BYTES = 32 << 20
CHUNK_BYTES = 1 << 16
# Headers, chunk sizes and the like may take so much beside a file.
MAX_OVERHEAD_BYTES = 1 << 20
# For a connection, and for each piece of an answer. From twice so long after the request, redirects
# and headers included, a server must have sent so much of the file for each second beyond.
TIMEOUT_S, MIN_BYTES_PER_S = 10.0, 5_000
RETRY_WAIT_S = 0.5  # before the second and last attempt, if the failure may pass


def fetch(
    url: str, expected: RemoteFile | None, max_bytes: int, progress: Progress = SILENT
) -> IO[bytes]:
    """Download one http(s) URL, up to ``max_bytes``.

    The file is at its start, in memory or without a name, gone when closed. Where nothing is
    expected it may be gzip data, whatever the URL says: the body is left as it was sent.

    Raises DownloadError for no answer, one that says no, is too slow or cut short twice, or a
    redirect that leaves https or the web; CorruptFileError for a web page, what is too large or of
    another size or checksum than published; StorageError without room for a large download.
    """
    is_second = False
    while True:
        exchange = _Exchange(url, expected, max_bytes, progress)
        try:
            return exchange.fetch()
        except (OSError, ValueError, http.client.HTTPException) as error:
            reason, may_pass = _explained(error)
            if is_second or not may_pass:
                reason = shorten(reason, 200, placeholder="...")  # which may be a server's words
                raise exchange.failure(f"{reason}{', twice' * may_pass}") from None
        time.sleep(RETRY_WAIT_S)
        is_second = True


@dataclass(slots=True)
class _Exchange:
    """One request and all that comes back, redirects and headers included, against the clock.

    A timeout alone never ends with a server that sends a byte now and then.
    """

    url: str
    expected: RemoteFile | None
    max_bytes: int
    progress: Progress
    started_s: float = field(default_factory=time.monotonic)
    n_received: int = 0  # bytes of any kind
    n_done: int = 0  # bytes of the file

    @property
    def shown(self) -> str:
        return public_url(self.url)

    @property
    def name(self) -> str:
        return self.expected.name if self.expected else self.shown.rstrip("/").rpartition("/")[2]

    def failure(self, reason: str) -> DownloadError:
        return DownloadError(self.name, [(self.shown, reason)])

    def check(self) -> None:
        """Raise DownloadError or CorruptFileError if it goes on for too long."""
        elapsed_s = time.monotonic() - self.started_s
        if self.n_done < (elapsed_s - 2 * TIMEOUT_S) * MIN_BYTES_PER_S:
            raise self.failure(f"too slow: {self.n_done:,} bytes in {elapsed_s:.0f} s")
        limit = (self.expected and self.expected.n_bytes) or self.max_bytes
        if max(self.n_done, self.n_received - MAX_OVERHEAD_BYTES) > limit:
            raise CorruptFileError(self.shown, f"has more than {limit:,} bytes")

    def fetch(self) -> IO[bytes]:
        body = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY_BYTES)  # noqa: SIM115 - returned
        try:
            with self.opener().open(self.request(), timeout=TIMEOUT_S) as response:
                self.receive(response, body)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        return body

    def request(self) -> urllib.request.Request:
        headers = {
            "User-Agent": f"mnistcli/{__version__}",
            # OpenML sends its 122 MB of text as 15 MB if asked. The published files are gzip data
            # themselves and have to come as they are.
            "Accept-Encoding": "identity" if self.expected else "gzip",
        }
        parts = urllib.parse.urlsplit(self.url)
        user, _, host = parts.netloc.rpartition("@")
        url = parts._replace(netloc=host).geturl()
        request = urllib.request.Request(url, headers=headers)  # noqa: S310 - see load
        if user:
            secret = base64.b64encode(urllib.parse.unquote_to_bytes(user)).decode()
            request.add_unredirected_header("Authorization", f"Basic {secret}")
        return request

    def opener(self) -> urllib.request.OpenerDirector:
        exchange = self

        class Response(http.client.HTTPResponse):
            def __init__(self, *arguments: Any, **options: Any) -> None:
                super().__init__(*arguments, **options)
                socket: Any = self.fp.raw
                socket.readinto = partial(exchange.receive_into, socket.readinto)

        class Web(urllib.request.HTTPSHandler, urllib.request.HTTPHandler):
            def do_open(self, http_class: Any, *request: Any, **options: Any) -> Any:
                watched: Any = type("Watched", (http_class,), {"response_class": Response})
                return super().do_open(watched, *request, **options)

        return urllib.request.build_opener(_NoDowngrade, Web)

    def receive_into(self, readinto: Callable[[Any], int | None], buffer: Any) -> int | None:
        """Receive what a socket has, against the clock."""
        self.check()
        n_bytes = readinto(buffer)
        self.n_received += n_bytes or 0
        return n_bytes

    def receive(self, response: http.client.HTTPResponse, body: IO[bytes]) -> None:
        """Copy the body of an answer, with a limit to everything, and verify it."""
        total = (self.expected and self.expected.n_bytes) or response.length
        # read1 returns what is there: read would wait for all of it, deaf to the clock.
        while chunk := response.read1(CHUNK_BYTES):
            if not self.n_done and chunk.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<"):
                raise CorruptFileError(self.shown, "is a web page (HTML)")
            self.n_done += len(chunk)
            self.check()
            with scratch_errors():
                body.write(chunk)
            self.progress.update(self.name, self.n_done, total)
        if response.length:
            n_declared = self.n_done + response.length
            raise ConnectionError(f"the answer ended after {self.n_done:,} of {n_declared:,} bytes")
        if self.expected:
            self.expected.check(body, self.shown)


class _NoDowngrade(urllib.request.HTTPRedirectHandler):
    """Follows redirects, but neither from https to http nor out of the web."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, *answer: Any
    ) -> urllib.request.Request | None:
        headers, target = answer[-2:]
        allowed = ("https://",) if req.type == "https" else ("https://", "http://")
        if not target.lower().startswith(allowed) or "@" in target.partition("?")[0]:
            refusal = f"refused to be redirected to {public_url(target)}"
            raise urllib.error.HTTPError(req.full_url, code, refusal, headers, fp)
        return super().redirect_request(req, fp, code, *answer)


def _explained(error: object) -> tuple[str, bool]:
    """Say what a network error means, and whether the same request may succeed in a moment."""
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        may_pass = error.code in {408, 425, 429, 500, 502, 503, 504}
        return f"HTTP {error.code} {error.reason}", may_pass
    if isinstance(error, urllib.error.URLError):
        return _explained(error.reason)
    if isinstance(error, TimeoutError):
        return f"no answer within {TIMEOUT_S:g} s", False
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused", False
    if isinstance(error, (ConnectionError, http.client.HTTPException)):
        return f"the connection broke ({error or type(error).__name__})", True
    # No such host, no network, an untrusted certificate, a URL that is none.
    return getattr(error, "strerror", None) or str(error), False
