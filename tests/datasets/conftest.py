"""Real digits, a small dataset made of some of them, and a web server that can misbehave."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.server
import socket
import struct
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import mnistcli.datasets
from mnistcli.datasets import download
from mnistcli.datasets.catalog import CATALOG, DatasetSpec, RemoteFile
from mnistcli.datasets.store import DatasetStore

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Behaviour = Callable[[http.server.BaseHTTPRequestHandler], None]

BUNDLE = Path(mnistcli.datasets.__file__).with_name("bundled")
N_TRAIN, N_TEST = 600, 100


@pytest.fixture(autouse=True)
def soon_again(monkeypatch):
    monkeypatch.setattr(download, "RETRY_WAIT_S", 0.01)


@pytest.fixture
def impatient(monkeypatch):
    """For what waits; a busy machine may take longer over what comes."""
    monkeypatch.setattr(download, "TIMEOUT_S", 0.5)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a proxy of this machine out of requests to it."""
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")


def read_bundled(name: str) -> NDArray[np.uint8]:
    """Decode a file of the box in the plainest way, as the reference."""
    data = gzip.decompress((BUNDLE / name).read_bytes())
    if "labels" in name:
        return np.frombuffer(data, np.uint8, offset=8)
    return np.frombuffer(data, np.uint8, offset=16).reshape(-1, 28, 28)


@pytest.fixture(scope="session")
def digits() -> dict[str, NDArray[np.uint8]]:
    return {part.name: read_bundled(part.file.name) for part in CATALOG["mnist"].parts}


def idx_bytes(array: NDArray[np.generic]) -> bytes:
    """Write an array as IDX: uint8, or int32 for anything else."""
    code, dtype = (0x08, ">u1") if array.dtype == np.uint8 else (0x0C, ">i4")
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(dtype).tobytes()


def arff_text(arrays: dict[str, NDArray[np.uint8]], quote: str = "") -> str:
    """Write a dataset as OpenML has it: 784 pixels, then the class, train before test."""
    images = np.concatenate([arrays["train-images"], arrays["test-images"]]).reshape(-1, 784)
    labels = np.concatenate([arrays["train-labels"], arrays["test-labels"]])
    lines = ["% a comment", "@RELATION mnist_784", ""]
    lines += [f"@ATTRIBUTE pixel{i} real" for i in range(1, 785)]
    lines += ["@ATTRIBUTE class {0,1,2,3,4,5,6,7,8,9}", "", "@DATA"]
    numbers = [str(i) for i in range(256)]
    for row, label in zip(images.tolist(), labels.tolist(), strict=True):
        lines.append(",".join([numbers[value] for value in row]) + f",{quote}{label}{quote}")
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Tiny:
    """The first 600 and 100 real digits as a dataset of its own, and its published files."""

    spec: DatasetSpec
    arrays: dict[str, NDArray[np.uint8]]
    published: dict[str, bytes]

    def store(self, folder: Path, **changes: object) -> DatasetStore:
        spec = replace(self.spec, **changes)
        return DatasetStore(folder, catalog={spec.name: spec})

    def write_to(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in self.published.items():
            (folder / name).write_bytes(data)
        return folder


@pytest.fixture(scope="session")
def tiny(digits: dict[str, NDArray[np.uint8]]) -> Tiny:
    arrays = {
        name: array[: N_TRAIN if "train" in name else N_TEST] for name, array in digits.items()
    }
    parts, published = [], {}
    for part in CATALOG["mnist"].parts:
        array = arrays[part.name]
        data = gzip.compress(idx_bytes(array), mtime=0)
        published[part.file.name] = data
        sha256 = hashlib.sha256(data).hexdigest()
        parts.append(
            part._replace(
                shape=array.shape,
                file=RemoteFile(part.file.name, f"sha256:{sha256}", len(data)),
                payload_sha256=hashlib.sha256(array.tobytes()).hexdigest(),
            )
        )
    spec = DatasetSpec("tiny", "Tiny MNIST", tuple(parts), (), "see mnist", "see mnist")
    return Tiny(spec, arrays, published)


@pytest.fixture
def unpinned(tiny: Tiny) -> Tiny:
    """The same where only the published files' checksums are known, as for Fashion-MNIST."""
    parts = tuple(part._replace(payload_sha256=None) for part in tiny.spec.parts)
    return replace(tiny, spec=replace(tiny.spec, parts=parts))


# ----------------------------------------------------------------------------------- the web server


@dataclass
class Site:
    """A web server's pages; each is a function that answers one request."""

    url: str
    pages: dict[str, Behaviour] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def publish(
        self, base: str, files: dict[str, bytes], behave: Callable[[bytes], Behaviour]
    ) -> str:
        """Serve files under a base path, all in the same manner; return the base URL."""
        for name, data in files.items():
            self.pages[f"{base}{name}"] = behave(data)
        return f"{self.url}{base}"

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Site]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append((self.path, dict(self.headers.items())))
            with contextlib.suppress(OSError):
                site.pages.get(self.path, status(404))(self)

        def log_message(self, *args: object) -> None:
            pass

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https" if context else "http"
        site = Site(f"{scheme}://127.0.0.1:{server.server_address[1]}")
        server.site = site
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield site
        finally:
            site.closing.set()
            server.shutdown()
            thread.join()


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as running:
        yield running


def good(data: bytes, **headers: str) -> Behaviour:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, 200, len(data), headers)
        request.wfile.write(data)

    return answer


def status(code: int, data: bytes = b"no") -> Behaviour:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, code, len(data), {})
        request.wfile.write(data)

    return answer


def html(_: bytes = b"") -> Behaviour:
    page = b"<!DOCTYPE html>\n<html><body>Please log in</body></html>"
    return good(page, **{"Content-Type": "text/html"})


def cut_short(data: bytes) -> Behaviour:
    """Declare the whole, send half."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, 200, len(data), {})
        request.wfile.write(data[: len(data) // 2])

    return answer


def half(data: bytes) -> Behaviour:
    return good(data[: len(data) // 2])


def undeclared_half(data: bytes) -> Behaviour:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, 200, None, {})
        request.wfile.write(data[: len(data) // 2])

    return answer


def flipped(data: bytes) -> Behaviour:
    middle = len(data) // 2
    return good(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])


def endless(data: bytes) -> Behaviour:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, 200, None, {})
        request.wfile.write(data)
        for _ in range(1000):  # 64 MB, so that it ends where nobody stops it
            request.wfile.write(b"\0" * 65536)

    return answer


def stalling(data: bytes) -> Behaviour:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, 200, len(data), {})
        request.wfile.write(data[:10])
        request.wfile.flush()
        request.server.site.closing.wait(10)

    return answer


def dribbling(data: bytes) -> Behaviour:
    """Send a byte now and then: no single read ever times out."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        _begin(request, 200, len(data), {})
        for byte in data:
            request.wfile.write(bytes([byte]))
            request.wfile.flush()
            time.sleep(0.05)

    return answer


def dripping(beginning: bytes, drop: bytes, wait_s: float = 0.05) -> Behaviour:
    """Answer with raw bytes and then drops that never end, and never let a read time out."""

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.wfile.write(beginning)
        for _ in range(200):
            request.wfile.write(drop)
            request.wfile.flush()
            if request.server.site.closing.wait(wait_s):
                return

    return answer


def resetting(_: bytes = b"") -> Behaviour:
    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.connection.close()

    return answer


def not_http(_: bytes = b"") -> Behaviour:
    return lambda request: request.wfile.write(b"\x16\x03\x01 what?\r\n\r\n")


def redirect(location: str) -> Behaviour:
    return lambda request: _begin(request, 302, 0, {"Location": location})


def in_turn(*answers: Behaviour) -> Behaviour:
    """Answer the first request by the first, the second by the second, and so on."""
    waiting = list(answers)

    def answer(request: http.server.BaseHTTPRequestHandler) -> None:
        behave = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        behave(request)

    return answer


def _begin(
    request: http.server.BaseHTTPRequestHandler,
    code: int,
    n_bytes: int | None,
    headers: dict[str, str],
) -> None:
    request.send_response(code)
    if n_bytes is not None:
        request.send_header("Content-Length", str(n_bytes))
    for name, value in headers.items():
        request.send_header(name, value)
    request.end_headers()
