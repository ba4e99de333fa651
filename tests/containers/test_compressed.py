"""What compresses a file is told by its content, undone twice at most, and bounded."""

from __future__ import annotations

import bz2
import io
import lzma
import tracemalloc
import zipfile
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnistcli.containers.compressed import unpacked
from mnistcli.containers.reading import FormatError, Stream, kind_of

from .making import Pipe, digits_in, mutate, zip_of, zipped

TEXT = b"1,2,3\n" * 50
WAYS = {
    "gzip": zipped,
    "gzip in members": lambda data: zipped(data[:7]) + zipped(data[7:]) + bytes(700),
    "xz": lzma.compress,
    "bzip2": bz2.compress,
    "zip": lambda data: zip_of({"a/": b"", "a/a.csv": data}),
    "stored": lambda data: zip_of({"a.csv": data}, zipfile.ZIP_STORED),
}


def plain(data: bytes, file=io.BytesIO) -> bytes:
    with Stream(file(data)) as stream:
        inner = unpacked(stream)
        parts = iter(lambda: inner.read(101), b"")
        return b"".join(parts)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("outer", ["", *WAYS])
@pytest.mark.parametrize("file", [io.BytesIO, Pipe])
def test_twice_compressed_data_is_read(way, outer, file):
    data = WAYS[way](TEXT)
    assert plain(WAYS[outer](data) if outer else data, file) == TEXT


@pytest.mark.parametrize("way", WAYS)
def test_truncated_and_damaged_data_is_one_line(way):
    data = WAYS[way](TEXT)
    for damaged in (
        data[: len(data) // 2],
        data[:12],
        data[: len(data) // 3] + b"\xff" * 9 + data[len(data) // 3 + 9 :],
    ):
        if way == "gzip in members" and damaged == data[: len(data) // 2]:
            continue  # half of its zeros are there
        with pytest.raises(FormatError, match=r"damaged|too early") as caught:
            plain(damaged)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (zipped(TEXT) + b"tail", "is damaged gzip data"),
        (zipped(TEXT)[:-8] + bytes(8), "is damaged gzip data"),
        (zipped(zipped(zipped(TEXT))), "is compressed more than twice"),
        (zip_of({"a": TEXT}, zipfile.ZIP_LZMA), "'a' in it is compressed in a rare way"),
        (lzma.compress(TEXT, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]),
         "Memory usage limit"),
    ],
)  # fmt: skip
def test_what_is_not_unpacked(data, problem):
    with pytest.raises(FormatError) as caught:
        plain(data)
    assert problem in str(caught.value)
    assert caught.value.hint == "unpack it first" * ("'a' in it" in problem or "twice" in problem)


def test_an_encrypted_archive_is_refused():
    data = bytearray(zip_of({"a": TEXT}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(FormatError, match="'a' in it is encrypted") as caught:
        plain(bytes(data))
    assert caught.value.hint == "unpack it first"


def test_what_zipfile_says_is_kept_short():
    data = bytearray(zip_of({"a" * 300: TEXT}))
    data[40:50] = b"b" * 10
    with pytest.raises(FormatError, match="is damaged zip data") as caught:
        plain(bytes(data))
    assert len(str(caught.value)) < 120


def deflated(*parts: bytes) -> bytes:
    packer = zlib.compressobj(1, wbits=31)
    return b"".join(packer.compress(part) for part in parts) + packer.flush()


@pytest.mark.parametrize(  # made when they are wanted: some are large
    ("make", "problem"),
    [
        (lambda: deflated(*[b"0," * (1 << 19)] * 100), "line 1 is longer than 65,536 bytes"),
        (lambda: b",".join([b"0"] * 100_001), "line 1 is longer than 65,536 bytes"),
        (lambda: deflated(*[b"\n" * (1 << 20)] * 100), "is empty"),
        (lambda: deflated(*[(b" " * 60_000 + b"\n") * 17] * 100), "is empty"),
        (lambda: deflated(b"\x93NUMPY\x02\0\xff\xff\xff\xff", *[bytes(1 << 20)] * 100), "NPY header"),
        (lambda: b"\x1f\x8b\x08\x08\0\0\0\0\0\x03" + b"a" * (30 << 20) + b"\0" + zipped(b"1,2")[10:],
         "has 2 columns"),
    ],
    ids=["one line", "100,001 columns", "empty lines", "blanks", "a header", "30 MB of name"],
)  # fmt: skip
def test_a_bound_is_hit_before_time_or_memory_is(make, problem):
    data = make()
    tracemalloc.start()
    try:
        with pytest.raises(FormatError) as caught:
            digits_in(data)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    assert problem in str(caught.value)


def test_too_much_for_a_copy_is_refused(monkeypatch):
    monkeypatch.setattr("mnistcli.containers.reading.MAX_COPIED_BYTES", 1000)
    assert plain(zip_of({"a": TEXT}), Pipe) == TEXT
    with pytest.raises(FormatError, match="too much to be unpacked"):
        plain(zip_of({"a": TEXT * 99}, zipfile.ZIP_STORED), Pipe)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x93NUMPY\1", "npy"), (b"PK\3\4", "zip"), (b"\0\0\x08\3", "idx"), (b"\0\0\x07\3", "unknown"),
        (b"% c\n", "arff"),
        (b"\r\n @RELATION x", "arff"), (b"%PDF-1.4", "text"), ("label,\u00e9".encode()[:-1], "text"),
        (b"\xff\xfe1", "unknown"), (b"1,\0", "unknown"), (b"", "text"), (b"\0\0\x08", "unknown"),
    ],
)  # fmt: skip
def test_kinds_are_told_by_the_first_bytes(head, kind):
    assert kind_of(head) == kind


@given(st.binary(max_size=3000), st.sampled_from(sorted(WAYS)))
def test_compressed_bytes_come_back(data, way):
    if data.startswith((b"\x1f\x8b", b"BZh", b"PK", b"\xfd7z", b"\xff\xfe", b"\xfe\xff")):
        data = b"1" + data
    assert plain(WAYS[way](data)) == data


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_compressed_data_is_refused_or_read(data):
    original = WAYS[data.draw(st.sampled_from(sorted(WAYS)))](TEXT)
    try:
        plain(mutate(data.draw, original, st))
    except FormatError as error:
        assert "\n" not in str(error)
