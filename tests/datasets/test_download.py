from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import ssl
import subprocess
import tempfile
import time
import tracemalloc
import zlib
from dataclasses import replace

import numpy as np
import pytest

from mnistcli.datasets import download
from mnistcli.datasets.catalog import CATALOG
from mnistcli.datasets.sources import load
from mnistcli.errors import (
    ChecksumMismatchError,
    CorruptFileError,
    DataUnavailableError,
    DownloadError,
    MnistCliError,
    UsageError,
)
from mnistcli.progress import Progress
from tests.conftest import Recorder

from .conftest import (
    BUNDLE,
    arff_text,
    cut_short,
    dribbling,
    dripping,
    endless,
    flipped,
    good,
    half,
    html,
    idx_bytes,
    in_turn,
    not_http,
    redirect,
    resetting,
    serving,
    stalling,
    status,
    undeclared_half,
)

pytestmark = pytest.mark.promise("Downloads", "answers, mirrors and files")

TRAIN_IMAGES = "train-images-idx3-ubyte.gz"


@pytest.fixture(autouse=True)
def litter(tmp_path, monkeypatch):
    """Whatever a download does, no file of its own may be left in the temporary folder."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


def assert_same(loaded, tiny):
    for got, array in zip(loaded.arrays, tiny.arrays.values(), strict=True):
        assert got.dtype == np.uint8
        assert got.flags.c_contiguous
        np.testing.assert_array_equal(got, array)


def fetch(site, tiny, behaviour):
    """Ask for the published training images; the page behaves as told."""
    published = tiny.spec.parts[0].file
    site.pages["/file.gz"] = behaviour(tiny.published[published.name])
    url = f"{site.url}/file.gz"
    with download.fetch(url, published, 1 << 20) as file:
        return file.read()


# ------------------------------------------------------------------------------------ single files


def test_a_good_answer(site, tiny):
    assert fetch(site, tiny, good) == tiny.published[TRAIN_IMAGES]
    [(_, headers)] = site.requests
    assert headers["User-Agent"].startswith("mnistcli/")
    assert headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    ("behaviour", "reason", "n_requests"),
    [
        (cut_short, r"broke \(the answer ended after [\d,]+ of [\d,]+ bytes\), twice", 2),
        (resetting, "the connection broke", 2),
        (not_http, "the connection broke", 2),
        (lambda _: status(403), "HTTP 403 Forbidden", 1),
        (lambda _: status(404), "HTTP 404 Not Found", 1),
        (lambda _: status(500), "HTTP 500 Internal Server Error, twice", 2),
        (lambda _: redirect("file:///etc/passwd"), "file:///etc/passwd", 1),
        (lambda _: redirect("ftp://127.0.0.1/file.gz"), "ftp://127.0.0.1/file.gz", 1),
        (lambda _: redirect("/file.gz"), "HTTP 302", None),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_answers_that_are_none(site, tiny, behaviour, reason, n_requests):
    with pytest.raises(DownloadError, match=reason) as caught:
        fetch(site, tiny, behaviour)
    assert f"{site.url}/file.gz" in caught.value.message
    assert n_requests in (None, len(site.requests))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [(stalling, "no answer within 0.5 s"), (dribbling, r"too slow: \d+ bytes in")],
)
def test_answers_that_do_not_come(site, tiny, behaviour, reason):
    with pytest.raises(DownloadError, match=f"{site.url}/file.gz.*{reason}"):
        fetch(site, tiny, behaviour)
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("behaviour", "problem"),
    [
        (half, r"has [\d,]+ bytes, expected [\d,]+"),
        (undeclared_half, r"has [\d,]+ bytes, expected [\d,]+"),
        (endless, r"has more than [\d,]+ bytes"),
        (lambda data: good(data + b"x"), r"has more than [\d,]+ bytes"),
        (lambda _: good(b""), r"has 0 bytes, expected [\d,]+"),
        (html, r"is a web page \(HTML\)"),
    ],
)
def test_answers_of_the_wrong_kind_or_size(site, tiny, behaviour, problem):
    with pytest.raises(CorruptFileError, match=problem) as caught:
        fetch(site, tiny, behaviour)
    assert caught.value.source == f"{site.url}/file.gz"
    assert len(site.requests) == 1


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("beginning", "drop"),
    [
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (b"HTTP/1.1 200 ", b"x"),
        (OK, b"X: y\r\n"),
        (OK + b"X: ", b"y"),
        (CHUNKED + b"5;", b"a"),
        (CHUNKED + b"5\r\nabcde\r\n0\r\n", b"X: y\r\n"),
        (b"HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n", b"moved "),
    ],
    ids=["100 Continue", "status line", "headers", "a header", "chunk", "trailers", "redirect"],
)
def test_no_part_of_an_answer_may_drip_for_ever(site, tiny, beginning, drop):
    with pytest.raises(DownloadError, match=r"too slow: [05] bytes in \d s"):
        fetch(site, tiny, lambda _: dripping(beginning, drop))


@pytest.mark.usefixtures("impatient")
def test_redirects_are_on_the_same_clock(site, tiny):
    def slowly(request):
        time.sleep(0.3)
        redirect(f"{request.path}x")(request)

    for n in range(12):
        site.pages[f"/file.gz{'x' * n}"] = slowly
    with pytest.raises(DownloadError, match=r"too slow: 0 bytes in \d s"):
        fetch(site, tiny, lambda _: slowly)


@pytest.mark.usefixtures("impatient")
def test_a_slow_beginning_is_forgiven_and_the_deadline_grows_with_what_has_come(site, tiny):
    def slowly(data):
        def answer(request):
            for part in (data[i : i + 20_000] for i in range(0, len(data), 20_000)):
                time.sleep(0.25)
                request.wfile.write(part)

        return lambda request: (request.wfile.write(OK + b"\r\n"), answer(request))

    started_s = time.monotonic()
    assert fetch(site, tiny, slowly) == tiny.published[TRAIN_IMAGES]
    assert time.monotonic() - started_s > 1


@pytest.mark.parametrize("expected", [True, False])
def test_what_is_larger_than_allowed_is_not_read_to_its_end(site, tiny, expected):
    site.pages["/x"] = endless(b"")
    published = tiny.spec.parts[0].file if expected else None
    limit = published.n_bytes if published else 1 << 20
    with pytest.raises(CorruptFileError, match=f"has more than {limit:,} bytes"):
        download.fetch(f"{site.url}/x", published, 1 << 20)
    site.pages["/y"] = dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000, 0)
    with pytest.raises(CorruptFileError, match=f"has more than {limit:,} bytes"):
        download.fetch(f"{site.url}/y", published, 1 << 20)


@pytest.mark.usefixtures("impatient")
def test_a_server_s_words_are_bounded(site, tiny):
    for answer in (b"HTTP/1.1 404 " + b"no " * 20_000, b"HTTP/1.1 x" + b"y" * 60_000):
        with pytest.raises(DownloadError) as caught:
            fetch(site, tiny, lambda _, a=answer: dripping(a + b"\r\n\r\n", b""))
        assert len(caught.value.message) < 600
    with pytest.raises(DownloadError) as caught:
        fetch(site, tiny, lambda _: redirect("ftp://x/" + "y" * 50_000))
    assert len(caught.value.message) < 600


def test_secrets_in_a_url_are_used_and_not_told(site, tiny, tmp_path):
    host = site.url.removeprefix("http://")
    secret = f"http://ann:s3cr%40t@{host}/data.npz?token=s3cret&x=1"
    site.pages["/data.npz?token=s3cret&x=1"] = good(npz_of(tiny.arrays))
    store = tiny.store(tmp_path / "store")
    done = store.install("tiny", secret)
    assert done.manifest.origin == f"{site.url}/data.npz?..."
    [(_, headers)] = site.requests
    assert headers["Authorization"] == "Basic YW5uOnMzY3JAdA=="
    manifest = (tmp_path / "store" / "tiny" / "manifest.json").read_text()
    assert "s3cr" not in manifest
    for answer in (status(403), html(), flipped(npz_of(tiny.arrays)), redirect(secret)):
        site.pages["/data.npz?token=s3cret&x=1"] = answer
        with pytest.raises((DownloadError, CorruptFileError)) as caught:
            store.install("tiny", secret)
        assert "s3cr" not in caught.value.message + caught.value.hint
    with pytest.raises(DownloadError) as caught:
        store.install("tiny", "http://ann:s3cret@[::1/x")
    assert "s3cret" not in caught.value.message


def test_a_content_encoding_that_was_not_asked_for(site, tiny):
    data, headers = tiny.published[TRAIN_IMAGES], {"Content-Encoding": "gzip"}
    with pytest.raises(CorruptFileError):
        fetch(site, tiny, lambda _: good(gzip.compress(data), **headers))
    # What some servers say of .gz files, which come as they are.
    assert fetch(site, tiny, lambda _: good(data, **headers)) == data


def test_one_flipped_bit(site, tiny):
    with pytest.raises(ChecksumMismatchError) as caught:
        fetch(site, tiny, flipped)
    expected = tiny.spec.parts[0].file.checksum.removeprefix("sha256:")
    assert f"expected {expected}" in caught.value.message


def test_md5_decides_where_nothing_better_is_published(site, tiny):
    data = b"anything"
    site.pages["/x"] = good(data)
    published = tiny.spec.parts[0].file._replace(
        checksum=f"md5:{hashlib.md5(data, usedforsecurity=False).hexdigest()}",
        n_bytes=None,
    )
    with download.fetch(f"{site.url}/x", published, 100) as file:
        assert file.read() == data
    site.pages["/x"] = good(b"anythinG")
    with pytest.raises(CorruptFileError, match=r"md5 is .*, expected"):
        download.fetch(f"{site.url}/x", published, 100)
    with pytest.raises(CorruptFileError, match="has more than 7 bytes"):
        download.fetch(f"{site.url}/x", published, 7)


@pytest.mark.parametrize("first", [status(500), status(503), resetting(), not_http()])
def test_a_failure_that_passes(site, tiny, first):
    assert fetch(site, tiny, lambda data: in_turn(first, good(data)))
    assert len(site.requests) == 2


def test_a_body_cut_short_once(site, tiny):
    assert fetch(site, tiny, lambda data: in_turn(cut_short(data), good(data)))


def test_redirects_within_http(site, tiny):
    site.pages["/moved.gz"] = good(tiny.published[TRAIN_IMAGES])
    assert fetch(site, tiny, lambda _: redirect("/moved.gz")) == tiny.published[TRAIN_IMAGES]


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """A certificate for 127.0.0.1 that this process trusts."""
    if shutil.which("openssl") is None:
        pytest.skip("needs the openssl command")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    extension = "subjectAltName=IP:127.0.0.1"
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(
        [*command.split(), "-addext", extension, *files], check=True, capture_output=True
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_https_is_never_left(site, tiny, certificate):
    data = tiny.published[TRAIN_IMAGES]
    site.pages["/plain.gz"] = good(data)
    with serving(certificate) as secure:
        secure.pages["/moved.gz"] = good(data)
        assert fetch(secure, tiny, good) == data
        assert fetch(secure, tiny, lambda _: redirect("/moved.gz")) == data
        assert fetch(site, tiny, lambda _: redirect(f"{secure.url}/moved.gz")) == data
        site.requests.clear()
        with pytest.raises(DownloadError, match="refused to be redirected to http://"):
            fetch(secure, tiny, lambda _: redirect(f"{site.url}/plain.gz"))
        assert site.requests == []


def test_an_unknown_certificate_is_refused(tiny, certificate, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with serving(certificate) as secure, pytest.raises(DownloadError, match=r"(?i)certificate"):
        fetch(secure, tiny, good)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "http://127.0.0.1:99999999/x",
        "http://[::1/x",
        "http://host name/x",
        "http://127.0.0.1:1/\u00e9\n",
        "http://" + "a" * 70 + "/",
        "http://",
    ],
)
def test_urls_that_lead_nowhere(tiny, url):
    with pytest.raises(DownloadError):
        download.fetch(url, tiny.spec.parts[0].file, 100)


def test_a_large_body_goes_to_a_file_without_a_name(site, litter, monkeypatch):
    monkeypatch.setattr("mnistcli.datasets.download.IN_MEMORY_BYTES", 1000)
    body = b"\x1f\x8b" + os.urandom(300_000)  # what begins with < is taken for a web page
    site.pages["/big"] = good(body)
    with download.fetch(f"{site.url}/big", None, 1 << 20) as file:
        assert list(litter.iterdir()) == []
        assert file.read() == body


def test_an_interrupted_download_leaves_nothing(site, tiny, litter, monkeypatch):
    monkeypatch.setattr("mnistcli.datasets.download.IN_MEMORY_BYTES", 10)

    class Interrupting(Progress):
        def update(self, *_):
            raise KeyboardInterrupt

    site.pages["/x"] = good(tiny.published[TRAIN_IMAGES])
    with pytest.raises(KeyboardInterrupt):
        download.fetch(f"{site.url}/x", None, 1 << 20, Interrupting())


# ----------------------------------------------------------------------------------------- mirrors


def test_mirrors_in_order_each_failure_named(site, tiny):
    bases = [
        site.publish("/forbidden/", tiny.published, lambda _: status(403)),
        site.publish("/login/", tiny.published, html),
        site.publish("/damaged/", tiny.published, flipped),
        site.publish("/good/", tiny.published, good),
        site.publish("/never-asked/", tiny.published, good),
    ]
    told = Recorder()
    spec = replace(tiny.spec, mirrors=tuple(bases))
    loaded = load(spec, progress=told)
    assert_same(loaded, tiny)
    assert loaded.source == "mirror"
    assert loaded.origin == bases[3]
    assert loaded.n_bytes_read == sum(map(len, tiny.published.values()))
    failed, reasons = zip(*loaded.failures, strict=True)
    assert failed == tuple(base + TRAIN_IMAGES for base in bases[:3])
    assert reasons[0] == "HTTP 403 Forbidden"
    assert reasons[1].startswith("is a web page (HTML)")
    assert reasons[2].startswith("sha256 is ")
    assert not any("never-asked" in path for path in site.paths())
    for name, data in tiny.published.items():
        assert (name, len(data), len(data), None) in told.updates


@pytest.mark.usefixtures("impatient")
def test_a_mirror_that_failed_is_asked_last_from_then_on(site, tiny):
    slow = site.publish("/slow/", tiny.published, stalling)
    quick = site.publish("/quick/", tiny.published, good)
    load(replace(tiny.spec, mirrors=(slow, quick)), "mirror")
    assert [path for path in site.paths() if "slow" in path] == [f"/slow/{TRAIN_IMAGES}"]


def test_a_mirror_that_lacks_one_file_does_not_cost_the_others(site, tiny):
    first = site.publish("/first/", tiny.published, good)
    second = site.publish("/second/", tiny.published, good)
    del site.pages["/first/t10k-images-idx3-ubyte.gz"]
    loaded = load(replace(tiny.spec, mirrors=(first, second)), "mirror")
    assert_same(loaded, tiny)
    assert loaded.origin == f"{first}, {second}"
    assert sum(path.endswith(TRAIN_IMAGES) for path in site.paths()) == 1


def test_when_all_mirrors_fail_all_are_named(site, tiny):
    bases = tuple(
        site.publish(f"/{behave.__name__}/", tiny.published, behave)
        for behave in (html, half, flipped, cut_short)
    )
    with pytest.raises(DownloadError) as caught:
        load(replace(tiny.spec, mirrors=bases), "mirror")
    assert caught.value.exit_code == 3
    assert [url for url, _ in caught.value.failures] == [base + TRAIN_IMAGES for base in bases]
    assert all(base in caught.value.message for base in bases)
    assert caught.value.hint


def test_the_only_mirror_s_own_error_comes_through(site, tiny):
    base = site.publish("/x/", tiny.published, flipped)
    with pytest.raises(ChecksumMismatchError) as caught:
        load(replace(tiny.spec, mirrors=(base,)), "mirror")
    assert caught.value.source == base + TRAIN_IMAGES
    assert "mnistcli download" in caught.value.hint


# --------------------------------------------------------------------------- every other container


def npz_of(arrays) -> bytes:
    import io

    file = io.BytesIO()
    keys = ("x_train", "y_train", "x_test", "y_test")
    np.savez_compressed(file, **dict(zip(keys, arrays.values(), strict=True)))
    return file.getvalue()


def test_openml_and_keras(site, tiny):
    text = arff_text(tiny.arrays, quote="'").encode()
    site.pages["/down"] = status(503)
    site.pages["/data.arff"] = good(gzip.compress(text), **{"Content-Encoding": "gzip"})
    site.pages["/data.npz"] = good(npz_of(tiny.arrays))
    spec = replace(
        tiny.spec,
        openml_urls=(f"{site.url}/down", f"{site.url}/data.arff"),
        keras_urls=(f"{site.url}/data.npz",),
    )
    loaded = load(spec, "openml")
    assert_same(loaded, tiny)
    assert loaded.source == "openml"
    assert loaded.failures == ((f"{site.url}/down", "HTTP 503 Service Unavailable, twice"),)
    assert site.requests[-1][1]["Accept-Encoding"] == "gzip"
    loaded = load(spec, "keras")
    assert_same(loaded, tiny)
    assert loaded.origin == f"{site.url}/data.npz"


def test_openml_down_is_said_so(site, tiny):
    spec = replace(tiny.spec, openml_urls=(f"{site.url}/a", f"{site.url}/b"))
    with pytest.raises(DownloadError, match=r"/a: HTTP 404 Not Found; .*/b: HTTP 404 Not Found"):
        load(spec, "openml")
    with pytest.raises(UsageError, match="cannot be had from keras"):
        load(spec, "keras")
    with pytest.raises(UsageError, match="cannot be had from mirror"):
        load(CATALOG["europeans"], "mirror")


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_base_url(site, tiny, ending):
    base = site.publish("/base/", tiny.published, good)
    site.pages["/base"] = html()
    loaded = load(tiny.spec, base.rstrip("/") + ending)
    assert_same(loaded, tiny)
    assert (loaded.source, loaded.origin) == ("url", base)


@pytest.mark.parametrize("name", ["mnist.arff", "data", "mnist.npz"])
def test_a_url_of_one_file_whatever_its_name(site, tiny, name):
    arff = arff_text(tiny.arrays).encode()
    for data in (arff, gzip.compress(arff), npz_of(tiny.arrays)):
        site.pages[f"/{name}"] = good(data)
        assert_same(load(tiny.spec, f"{site.url}/{name}"), tiny)


@pytest.mark.parametrize("packed", ["a large table", "half a table, then nothing"])
def test_a_gzip_bomb_is_refused_and_nothing_is_kept(site, tiny, tmp_path, packed):
    """Some 300 kB that unpack to 256 MiB."""
    table = arff_text(tiny.arrays).encode()
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(table if packed == "a large table" else table[: len(table) // 2])
    bomb += b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    assert len(bomb) < len(gzip.compress(table)) + 300_000
    site.pages["/bomb.arff.gz"] = good(bomb)
    store = tiny.store(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError) as caught:
            store.install("tiny", source=f"{site.url}/bomb.arff.gz")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert caught.value.message.endswith("is longer than 65,536 bytes")
    assert not any(map(store.has, store.catalog))
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".npy", ".tmp")]


def test_a_url_of_nothing_names_what_was_tried(site, tiny):
    site.pages["/page"] = html()
    with pytest.raises(DownloadError) as caught:
        load(tiny.spec, f"{site.url}/page")
    assert caught.value.failures == (
        (f"{site.url}/page", "is a web page (HTML)"),
        (f"{site.url}/page/{TRAIN_IMAGES}", "HTTP 404 Not Found"),
    )


def plain(tiny) -> dict[str, bytes]:
    return {name: gzip.decompress(data) for name, data in tiny.published.items()}


def lay_out(folder, files, rename=lambda name: name):
    for name, data in files.items():
        path = folder / rename(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize(
    ("compressed", "rename"),
    [
        (True, lambda name: name),
        (False, lambda name: name.removesuffix(".gz")),
        (False, lambda name: name.removesuffix(".gz").replace("-idx", ".idx")),
        (True, lambda name: name.replace("-idx", ".idx")),
        (False, lambda name: "/".join([name.removesuffix(".gz")] * 2)),
        (False, lambda name: name),  # not gzipped, whatever the name says
    ],
)
def test_a_folder_of_idx_files(tiny, tmp_path, compressed, rename):
    lay_out(tmp_path / "in", tiny.published if compressed else plain(tiny), rename)
    loaded = load(tiny.spec, str(tmp_path / "in"))
    assert_same(loaded, tiny)
    assert loaded.source == "path"
    archive = shutil.make_archive(str(tmp_path / "in"), "zip", tmp_path, "in")
    packed = load(tiny.spec, archive)
    assert_same(packed, tiny)
    assert packed.origin == loaded.origin.replace(str(tmp_path / "in"), f"{archive}/in")


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_of_openml(tiny, tmp_path, compressed):
    arff = arff_text(tiny.arrays).encode()
    path = tmp_path / "mnist_784.arff"
    path.write_bytes(gzip.compress(arff) if compressed else arff)
    loaded = load(tiny.spec, str(path))
    assert_same(loaded, tiny)
    assert loaded.origin == str(path)


def test_npz_labels_may_be_wide(tiny, tmp_path):
    arrays = {name: a.astype(np.int64) if a.ndim == 1 else a for name, a in tiny.arrays.items()}
    lay_out(tmp_path, {"x": npz_of(arrays)})
    assert_same(load(tiny.spec, str(tmp_path / "x")), tiny)


@pytest.mark.parametrize(
    ("change", "error", "problem"),
    [
        (lambda a: a + 256, CorruptFileError, "its label is 261, expected a digit"),
        (lambda a: a - 1, CorruptFileError, "its label is -1"),
        (lambda a: a + 0.5, CorruptFileError, "its label is 5.5"),
        (lambda a: a * np.nan, CorruptFileError, "its label is no number"),
        (lambda a: a[:-1], CorruptFileError, "holds 599 labels for images of shape"),
        (lambda a: a[::-1].copy(), ChecksumMismatchError, "train-labels of Tiny MNIST from"),
    ],
)
def test_an_npz_of_something_else(tiny, tmp_path, change, error, problem):
    arrays = dict(tiny.arrays)
    arrays["train-labels"] = change(arrays["train-labels"].astype(np.int32))
    lay_out(tmp_path, {"x.npz": npz_of(arrays)})
    with pytest.raises(error, match=problem) as caught:
        load(tiny.spec, str(tmp_path / "x.npz"))
    assert "mnistcli download" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"<html>", "is a web page, an SVG or other XML"),
        (idx_bytes(np.zeros(2, np.uint8)), "is an IDX file of labels, not of images"),
        (b"", "is empty"),
        (b"\x1f\x8b\x08", "ends too early"),
    ],
)
def test_a_file_of_the_wrong_kind(tiny, tmp_path, data, problem):
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(CorruptFileError, match=problem):
        load(tiny.spec, str(tmp_path / "x"))


def test_digits_of_ones_own_need_a_name(tiny, tmp_path):
    np.savez(tmp_path / "x.npz", images=np.eye(28, dtype=np.uint8)[None], labels=[1])
    for path in (tmp_path / "x.npz", tmp_path):
        with pytest.raises(MnistCliError) as caught:
            load(tiny.spec, str(path))
        assert caught.value.hint.endswith("or for digits of your own: --as NAME")


def test_swapped_files_are_noticed(tiny, tmp_path):
    files = dict(tiny.published)
    files["t10k-labels-idx1-ubyte.gz"] = files["train-labels-idx1-ubyte.gz"]
    lay_out(tmp_path / "in", files)
    with pytest.raises(CorruptFileError, match=r"t10k-labels.*has the shape"):
        load(tiny.spec, str(tmp_path / "in"))


def test_paths_that_hold_nothing(tiny, tmp_path):
    with pytest.raises(DataUnavailableError, match="there is no file, folder or source 'bundlde'"):
        load(tiny.spec, "bundlde")
    with pytest.raises(DataUnavailableError, match="holds no Tiny MNIST"):
        load(tiny.spec, str(tmp_path))
    for url in ("ftp://x/y", "file://server/share", "file://["):
        with pytest.raises(UsageError, match="cannot fetch"):
            load(tiny.spec, url)
    with pytest.raises(DataUnavailableError, match="is not part of this package"):
        load(tiny.spec, "bundled")


def test_without_a_known_payload_only_published_files_are_trusted(unpinned, site, tmp_path):
    base = site.publish("/base/", unpinned.published, good)
    lay_out(tmp_path / "published", unpinned.published)
    assert_same(load(unpinned.spec, base), unpinned)
    assert_same(load(unpinned.spec, base.rstrip("/")), unpinned)
    assert_same(load(unpinned.spec, str(tmp_path / "published")), unpinned)

    lay_out(tmp_path / "plain", plain(unpinned))
    with pytest.raises(CorruptFileError, match=r"has \d+,\d+ bytes, expected"):
        load(unpinned.spec, str(tmp_path / "plain"))
    lay_out(tmp_path, {"x.npz": npz_of(unpinned.arrays)})
    with pytest.raises(DataUnavailableError, match="can only be verified as its published files"):
        load(unpinned.spec, str(tmp_path / "x.npz"))


def test_labels_of_qmnist_are_the_first_column(tiny, tmp_path):
    table = np.zeros((600, 8), np.int32)
    table[:, 0] = tiny.arrays["train-labels"]
    table[:, 1:] = 70_000
    files = plain(tiny)
    files["train-labels-idx1-ubyte.gz"] = gzip.compress(idx_bytes(table))
    lay_out(tmp_path / "in", files)
    assert_same(load(tiny.spec, str(tmp_path / "in")), tiny)


# ------------------------------------------------------------------------------------ all of MNIST


def test_the_box(digits):
    told = Recorder()
    loaded = load(CATALOG["mnist"], progress=told)
    assert loaded.source == "bundled"
    assert loaded.origin == str(BUNDLE)
    assert loaded.n_bytes_read == 11_594_722
    for got, array in zip(loaded.arrays, digits.values(), strict=True):
        np.testing.assert_array_equal(got, array)
    assert told.updates[-1] == ("decoding MNIST", 54_950_000, 54_950_000, None)


def test_a_damaged_box_is_named_and_the_mirrors_asked(site, tmp_path, monkeypatch):
    box = tmp_path / "box"
    shutil.copytree(BUNDLE, box)
    (box / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    monkeypatch.setattr("mnistcli.datasets.sources.BUNDLE", box)
    with pytest.raises(CorruptFileError, match=r"t10k-labels.*is no file of labels") as caught:
        load(CATALOG["mnist"], "bundled")
    assert "mnistcli download" in caught.value.hint

    files = {path.name: path.read_bytes() for path in BUNDLE.glob("*.gz")}
    mirror = site.publish("/mnist/", files, good)
    spec = replace(CATALOG["mnist"], mirrors=(mirror,))
    loaded = load(spec)
    assert (loaded.source, loaded.origin) == ("mirror", mirror)
    assert [source for source, _ in loaded.failures] == [str(box)]


def test_the_bundled_folder_is_a_path_like_any_other():
    assert load(CATALOG["mnist"], str(BUNDLE)).source == "path"


def test_mnist_is_not_fashion_mnist():
    with pytest.raises(CorruptFileError, match="has 9,912,422 bytes, expected 26,421,880"):
        load(CATALOG["fashion-mnist"], str(BUNDLE))
