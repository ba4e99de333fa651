from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import re
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnistcli.datasets.containers import (
    kind_of,
    npy_header,
    npz_names,
    read_arff,
    read_idx,
    read_npy,
    read_npz,
)
from mnistcli.errors import CorruptFileError

from .conftest import BUNDLE, idx_bytes

SMALL = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def file_of(data: bytes) -> io.BytesIO:
    return io.BytesIO(data)


def npy_bytes(array, **options) -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), **options)
    return file.getvalue()


def npz_bytes(**arrays) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def hand_made_npy(header: str, payload: bytes = b"") -> bytes:
    body = header.encode("latin-1") + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(body)) + body + payload


# -------------------------------------------------------------------------------------------- IDX


@pytest.mark.parametrize("compress", [bytes, gzip.compress])
def test_idx_of_real_digits(digits, compress):
    images = digits["test-images"][:50]
    read = read_idx(file_of(compress(idx_bytes(images))), "digits")
    assert read.dtype == np.uint8
    assert read.flags.c_contiguous
    np.testing.assert_array_equal(read, images)


def test_idx_of_integers_is_in_native_byte_order():
    labels = np.array([[5, 0, 70_000], [3, -1, 2]])
    read = read_idx(file_of(idx_bytes(labels)), "labels")
    assert read.dtype == np.dtype("=i4")
    np.testing.assert_array_equal(read, labels)


GOOD = idx_bytes(SMALL)
ZIPPED = gzip.compress(GOOD, mtime=0)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is not an IDX file"),
        (b"\0\0\x08", "is not an IDX file"),
        (b"<html>", "is not an IDX file"),
        (b"\0\0\x0d\x01\0\0\0\1\0\0\0\0", "is not an IDX file"),
        (b"\0\0\x08\x00", "is not an IDX file"),
        (b"\0\0\x08\x09" + b"\0" * 36, "is not an IDX file"),
        (GOOD[:10], "ends within its header"),
        (GOOD[:-1], "ends after 23 of 24 bytes"),
        (GOOD + b"x", "has bytes after its 24 bytes"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "declares 79,228,162,458,924,105,385,300,197,375 bytes"),
        (ZIPPED[:-9], "ends too early"),
        (ZIPPED[:-1], "ends too early"),
        (ZIPPED[:3], "ends too early"),
        (ZIPPED[:12] + b"\xff\xff\xff\xff" + ZIPPED[16:], "is damaged"),
        (ZIPPED[:-8] + b"\0" * 8, "is damaged"),
        (ZIPPED + b"tail", "is damaged"),
        (b"\x1f\x8b\x09" + ZIPPED[3:], "is damaged"),
    ],
)
def test_wrong_idx_is_refused_with_the_reason(data, problem):
    with pytest.raises(CorruptFileError, match=re.escape(problem)) as caught:
        read_idx(file_of(data), "some.idx")
    assert caught.value.message.startswith("some.idx: ")


def test_a_gzip_bomb_costs_neither_time_nor_memory():
    header = b"\0\0\x08\x01" + struct.pack(">I", 1000)
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(header)
    bomb += b"".join(packer.compress(bytes(1 << 20)) for _ in range(256)) + packer.flush()
    assert len(bomb) < 300_000
    tracemalloc.start()
    try:
        with pytest.raises(CorruptFileError, match="bytes after its 1,000"):
            read_idx(file_of(bomb), "bomb", max_bytes=1000)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_idx_is_capped_before_anything_is_read():
    with pytest.raises(
        CorruptFileError, match="declares 24 bytes of elements, expected at most 23"
    ):
        read_idx(file_of(GOOD), "digits", max_bytes=23)


@given(npst.arrays(st.sampled_from([np.uint8, np.int32]), npst.array_shapes(max_dims=4)))
def test_idx_comes_back_as_it_was_written(array):
    read = read_idx(file_of(idx_bytes(array)), "array")
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_idx_is_refused_or_has_the_shape_that_it_declares(data):
    damaged = mutate(data, data.draw(st.sampled_from([GOOD, ZIPPED])))
    try:
        array = read_idx(file_of(damaged), "damaged", max_bytes=1 << 16)
    except CorruptFileError:
        return
    assert array.nbytes <= 1 << 16


def mutate(data, original: bytes) -> bytes:
    """Overwrite, cut, insert or repeat some bytes."""
    damaged = bytearray(original)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(damaged)))
        end = data.draw(st.integers(start, min(len(damaged), start + 40)))
        damaged[start:end] = data.draw(st.binary(max_size=8))
    return bytes(damaged)


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.binary(max_size=300))
def test_only_our_errors_come_out_of_any_reader(data):
    readers = [
        lambda file: kind_of(file, "x"),
        lambda file: read_idx(file, "x", max_bytes=1 << 16),
        lambda file: read_npy(file, "x", max_bytes=1 << 16),
        lambda file: read_npz(file, "x", {"a": 1 << 16}),
        lambda file: npz_names(file, "x"),
        lambda file: read_arff(file, "x", n_rows=1, n_columns=2),
    ]
    for reader in readers:
        for prefix in (
            b"",
            b"\0\0\x08\x01",
            b"\x1f\x8b\x08\0",
            b"\x93NUMPY\1\0",
            b"PK\3\4",
            ARFF_HEAD,
        ):
            with contextlib.suppress(CorruptFileError):
                reader(file_of(prefix + data))


# -------------------------------------------------------------------------------------- npy and npz


@pytest.mark.parametrize("shape", [(60_000, 28, 28), (10_000,), (), (1, 2, 3, 4)])
def test_our_npy_header_is_numpy_s(shape):
    expected = io.BytesIO()
    facts = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(expected, facts)
    assert npy_header(shape) == expected.getvalue()


@given(
    npst.arrays(
        st.sampled_from(["u1", "i1", "<u2", ">i4", "<i8", "<f4", ">f8"]),
        npst.array_shapes(min_dims=0, max_dims=4),
    )
)
def test_npy_comes_back_as_numpy_wrote_it(array):
    read = read_npy(file_of(npy_bytes(array)), "array")
    assert read.dtype == array.dtype.newbyteorder("=")
    np.testing.assert_array_equal(read, array)


class Payload:
    """Would leave a mark if it were unpickled."""

    ran = False

    def __reduce__(self):
        return (setattr, (Payload, "ran", True))


NPY = npy_bytes(SMALL)


@pytest.mark.parametrize(
    "data",
    [
        hand_made_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (65536, 65536), }"),
        hand_made_npy(
            "{'descr': '<f8', 'fortran_order': False, 'shape': (18446744073709551616,), }"
        ),
        hand_made_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1,"),
        hand_made_npy("{'descr': ('|u1',), 'fortran_order': False, 'shape': (1,), }", b"\0"),
        hand_made_npy("{'descr': '|u1', 'fortran_order': False, 'shape': (True,), }", b"\0"),
        hand_made_npy("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,), }", b"\0"),
        hand_made_npy("{'descr': '|u1', 'fortran_order': True, 'shape': (1,), }", b"\0"),
        hand_made_npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", b"\0" * 8),
        hand_made_npy("{'descr': '|f1', 'fortran_order': False, 'shape': (1,), }", b"\0"),
        hand_made_npy("(" * 5000),
        NPY + b"x" * 40,
        NPY[:-1],
        NPY[:40],
        NPY[:9],
        b"",
        npy_bytes(np.array([Payload()], dtype=object), allow_pickle=True),
        pickle.dumps(Payload()),
        NPY.replace(b"NUMPY\x01", b"NUMPY\x02"),
    ],
    ids=range(18),
)
def test_crafted_npy_is_refused(data):
    with pytest.raises(CorruptFileError):
        read_npy(file_of(data), "crafted", max_bytes=1 << 20)
    with pytest.raises(CorruptFileError):
        read_npz(file_of(zip_of({"a.npy": data})), "crafted", {"a": 1 << 20})
    assert not Payload.ran


def zip_of(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def test_npz_gives_the_arrays_asked_for():
    data = npz_bytes(x=SMALL, y=np.array([5, 0]), other=np.array(["not", "looked", "at"]))
    assert npz_names(file_of(data), "npz") == ("x", "y", "other")
    arrays = read_npz(file_of(data), "npz", {"x": 24, "y": 16})
    assert set(arrays) == {"x", "y"}
    np.testing.assert_array_equal(arrays["x"], SMALL)
    np.testing.assert_array_equal(arrays["y"], [5, 0])


NPZ = npz_bytes(a=SMALL)


def test_encrypted_and_oddly_compressed_members_are_refused():
    encrypted = bytearray(NPZ)
    encrypted[6] |= 1
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    for data in (bytes(encrypted), zip_of({"a.npy": NPY}, zipfile.ZIP_LZMA)):
        with pytest.raises(CorruptFileError):
            read_npz(file_of(data), "npz", {"a": 24})


@pytest.mark.parametrize(
    ("data", "limit", "problem"),
    [
        (NPZ, 23, "npz: a: declares 24 bytes of elements, expected at most 23"),
        (npz_bytes(b=SMALL), 24, "npz: has no array 'a'"),
        (zip_of({f"{i}.npy": b"" for i in range(65)}), 24, "npz: has more than 64 arrays"),
        (zip_of({"a.npy": NPY + bytes(1 << 24)}), 24, "npz: a: has bytes after its 24 bytes"),
        (NPZ[:-30], 24, "npz: is a damaged .npz file"),
        (b"PK\3\4" + b"\0" * 100, 24, "npz: is a damaged .npz file"),
    ],
)
def test_wrong_npz_is_refused_with_the_reason(data, limit, problem):
    with pytest.raises(CorruptFileError, match=re.escape(problem)):
        read_npz(file_of(data), "npz", {"a": limit})


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_npz_is_refused_or_the_same(tmp_path_factory, data):
    damaged = mutate(data, NPZ)
    path = tmp_path_factory.getbasetemp() / "damaged.npz"  # a real file fails in other ways
    path.write_bytes(damaged)
    with path.open("rb") as file:
        try:
            arrays = read_npz(file, "damaged", {"a": 1 << 16})
        except CorruptFileError:
            return
    np.testing.assert_array_equal(arrays["a"], SMALL)


# ------------------------------------------------------------------------------------------- ARFF

ARFF_HEAD = b"@relation r\n@attribute pixel1 real\n@attribute class {0,1}\n@data\n"


def arff(rows: str, **size) -> tuple[list, list]:
    values, classes = read_arff(
        file_of(ARFF_HEAD + rows.encode()), "t.arff", **{"n_rows": 2, "n_columns": 2, **size}
    )
    return values.tolist(), classes.tolist()


@pytest.mark.parametrize(
    "rows",
    [
        "7,1\n255,0\n",
        "7,1\n255,0",
        "7,'1'\n255,'0'\n",
        '7,"1"\n255,"0"\n',
        "7,1\r\n255,0\r\n",
        "\n% a comment\n7,1\n   % another, with a comma\n\n255,0\n\n",
        " 7, 1\n255 ,'0'\n",
        "7.0,1\n255,0\n",
    ],
)
def test_ways_to_write_arff(rows):
    assert arff(rows) == ([[7], [255]], [1, 0])


@pytest.mark.parametrize(
    "head",
    [
        ARFF_HEAD,
        ARFF_HEAD.upper(),
        b"% @data\n%\n\n" + ARFF_HEAD,
        ARFF_HEAD.replace(b"\n", b"\r\n"),
        ARFF_HEAD.replace(b"class", b"'class'").replace(b"pixel1", b'"a pixel"'),
        ARFF_HEAD.replace(b"@", b"  @").replace(b" r", b"\t\tr"),
    ],
)
def test_ways_to_write_an_arff_header(head):
    data = head + b"7,1\n255,0\n"
    for file in (file_of(data), file_of(gzip.compress(data))):
        assert kind_of(file, "t.arff") == "arff"
        values, classes = read_arff(file, "t.arff", n_rows=2, n_columns=2)
        assert (values.tolist(), classes.tolist()) == ([[7], [255]], [1, 0])


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("7,1\n256,0\n", "row 2, column 1: '256' is not a whole number from 0 to 255"),
        ("7,1\n\n% c\n-1,0\n", "row 2, column 1: '-1' is not"),
        ("7,1\n5,?\n", "row 2, column 2: '?' is not"),
        ("7,1\n5,\n", "row 2, column 2: '' is not"),
        ("7,True\n5,True\n", "row 1, column 2: 'True' is not"),
        ("7.5,1\n5,1\n", "row 1, column 1: '7.5' is not"),
        ("99999999999999999999,1\n5,1\n", "row 1, column 1: '99999999999999999999' is not"),
        ("7,1\n5\n", "row 2 has 1 values, expected 2"),
        ("7,1\n5,1,0\n", "row 2 has 3 values, expected 2"),
        ("7,1\n", "has 1 rows, expected 2"),
        ("", "has 0 rows, expected 2"),
        ("7,1\n" * 3, "has more than 2 rows"),
        ("{0 7, 1 1}\n7,1\n", "row 1, column 1: '{0 7' is not"),
        ("7,'1\n5,1'\n", "cannot be read"),
        ("7\0,1\n5,1\n", "row 1, column 1: '7\\x00' is not"),
        ("7," + "1" * 3_000_000, "row 1, column 2"),
        ("%" * 9_000_000, "has a line that never ends"),
        ("\n" * 9_000_000, "bytes of text"),
    ],
)
def test_wrong_arff_is_refused_naming_the_row(rows, problem):
    with pytest.raises(CorruptFileError, match=re.escape(problem)) as caught:
        arff(rows)
    assert caught.value.message.startswith("t.arff: ")
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        (b"", "has no @data line"),
        (b"@relation r\n", "has no @data line"),
        (b"@relation r\n% @data\n", "has no @data line"),
        (b"@relation r\n@data\n", "has 0 attributes, expected 2"),
        (ARFF_HEAD.replace(b"class", b"label"), "its last attribute is b'label', expected 'class'"),
        (gzip.compress(ARFF_HEAD, mtime=0)[:-10], "ends too early"),
    ],
)
def test_wrong_arff_headers_are_refused(head, problem):
    with pytest.raises(CorruptFileError, match=re.escape(problem)):
        read_arff(file_of(head), "t.arff", n_rows=2, n_columns=2)


def test_rows_are_counted_across_blocks(monkeypatch):
    monkeypatch.setattr("mnistcli.datasets.containers._ARFF_BLOCK_BYTES", 100)
    rows = ["12,1"] * 200
    assert arff("\n".join(rows), n_rows=200) == ([[12]] * 200, [1] * 200)
    rows[150] = "12,x"
    with pytest.raises(CorruptFileError, match="row 151, column 2: 'x'"):
        arff("\n".join(rows), n_rows=200)


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_arff_is_refused_or_a_table(data):
    original = ARFF_HEAD + b"7,'1'\n255,0\n% c\n0,\"1\"\n"
    original = data.draw(st.sampled_from([original, gzip.compress(original)]))
    try:
        values, classes = read_arff(
            file_of(mutate(data, original)), "damaged", n_rows=3, n_columns=2
        )
    except CorruptFileError:
        return
    assert values.shape == (3, 1)
    assert classes.shape == (3,)


# ------------------------------------------------------------------------------------------- kinds


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (GOOD, "idx"),
        (ZIPPED, "idx"),
        (NPY, "npy"),
        (NPZ, "npz"),
        (gzip.compress(NPZ, mtime=0), "npz"),
        (ARFF_HEAD, "arff"),
        (b"%  a long comment\n" * 1000 + ARFF_HEAD, "arff"),
        (b"\xef\xbb\xbf" + ARFF_HEAD, "arff"),
        (b"  \n<!DOCTYPE HTML><p>", "html"),
        (b"<html>", "html"),
        (b"", "unknown"),
        (b"label,pixel0\n5,0\n", "unknown"),
        (pickle.dumps(5), "unknown"),
    ],
)
def test_the_content_says_what_it_is(data, kind):
    file = file_of(data)
    assert kind_of(file, "x") == kind
    assert file.tell() == 0


def test_the_real_files_are_idx():
    for path in BUNDLE.glob("*.gz"):
        with path.open("rb") as file:
            assert kind_of(file, path.name) == "idx"
