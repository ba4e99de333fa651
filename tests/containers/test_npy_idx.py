"""NPY, npz and IDX: headers are not believed, shapes are pictures in one way or refused."""

from __future__ import annotations

import io
import pickle
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from mnistcli.containers.digits import labels_of, read_labels
from mnistcli.containers.npy_idx import Npz, npy_header, open_idx, open_npy
from mnistcli.containers.reading import FormatError, Stream

from .making import digits_in, idx, mutate, npy, npz, raw_npy, zip_of

SMALL = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def whole(data: bytes, opened=open_npy, **options):
    with Stream(io.BytesIO(data)) as stream:
        return opened(stream).whole(**options)


@pytest.mark.parametrize("shape", [(60_000, 28, 28), (10_000,), (), (1, 2, 3, 4)])
def test_our_npy_header_is_numpys(shape):
    expected = io.BytesIO()
    facts = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(expected, facts)
    assert npy_header(shape) == expected.getvalue()


@given(
    npst.arrays(
        st.sampled_from(["?", "u1", "i1", "<u2", ">i4", "<i8", "<f4", ">f8", "<U3", "S2"]),
        npst.array_shapes(min_dims=0, max_dims=4),
    ),
    st.booleans(),
)
def test_npy_comes_back_as_numpy_wrote_it(array, is_fortran):
    read = whole(npy(np.asfortranarray(array) if is_fortran else array))
    assert read.dtype == array.dtype
    np.testing.assert_array_equal(read, array)


@given(npst.arrays(st.sampled_from([np.uint8, np.int32]), npst.array_shapes(max_dims=4)))
def test_idx_comes_back_as_it_was_written(array):
    np.testing.assert_array_equal(whole(idx(array), open_idx), array)


class Payload:
    """Would leave a mark if it were unpickled."""

    ran = False

    def __reduce__(self):
        return (setattr, (Payload, "ran", True))


HEADER = "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 28, 28), }"
BAD_NPY = {
    "a size that is not there": (HEADER.replace("(1,", "(65536,"), "ends too early"),
    "an impossible size": (HEADER.replace("(1,", f"({2**64},"), "has a damaged NPY header"),
    "half a header": ("{'descr': '|u1', ", "has a damaged NPY header"),
    "a structured type": (HEADER.replace("'|u1'", "('|u1',)"), "holds ('|u1',), expected numbers"),
    "True": (HEADER.replace("(1,", "(True,"), "has a damaged NPY header"),
    "-1": (HEADER.replace("(1,", "(-1,"), "has a damaged NPY header"),
    "f1": (HEADER.replace("|u1", "|f1"), "holds '|f1', expected numbers"),
    "complex": (HEADER.replace("|u1", "<c16"), "holds '<c16', expected numbers"),
    "parentheses": ("(" * 3000, "has a damaged NPY header"),
    "another order": (HEADER.replace("False", "0"), "has a damaged NPY header"),
}


@pytest.mark.parametrize("name", BAD_NPY)
def test_crafted_npy_headers_are_refused(name):
    header, problem = BAD_NPY[name]
    for data in (raw_npy(header), zip_of({"a.npy": raw_npy(header)})):
        with pytest.raises(FormatError) as caught:
            digits_in(data)
        assert problem in str(caught.value)
        assert ("numpy.savez" in caught.value.hint) == ("expected numbers" in problem)


@pytest.mark.parametrize(
    ("data", "opened", "problem"),
    [
        (npy(SMALL) + b"x", open_npy, "goes on after its last element"),
        (npy(SMALL)[:-1], open_npy, "ends too early: truncated"),
        (npy(SMALL)[:40], open_npy, "has a damaged NPY header"),
        (npy(SMALL)[:7], open_npy, "has a damaged NPY header"),
        (b"\x93NUMPY\x07\0" + bytes(80), open_npy, "has a damaged NPY header"),
        (pickle.dumps(Payload()), open_npy, "has a damaged NPY header"),
        (npy(np.array([Payload()], object), allow_pickle=True), open_npy, "holds Python objects"),
        (b"", open_idx, "is not an IDX file"),
        (b"\0\0\x08\0", open_idx, "is not an IDX file"),
        (b"\0\0\x08\x09" + bytes(36), open_idx, "is not an IDX file"),
        (idx(SMALL)[:10], open_idx, "ends within its IDX header"),
        (idx(SMALL)[:-1], open_idx, "ends too early: truncated"),
        (idx(SMALL) + b"x", open_idx, "goes on after its last element"),
        (b"\0\0\x08\3" + b"\xff" * 12, open_idx, "has 79,228,162,458,924,105,385,300,197,375 bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_array_is_told(data, opened, problem):
    with pytest.raises(FormatError, match=re.escape(problem)):
        whole(data, opened)
    assert not Payload.ran


def test_an_array_is_capped_before_anything_is_read():
    with pytest.raises(FormatError, match="has 24 bytes of elements, expected at most 23"):
        whole(idx(SMALL), open_idx, max_bytes=23)


@pytest.mark.parametrize(
    ("shape", "pictures"),
    [
        ((784,), (1, 28, 28)), ((1, 784), (1, 28, 28)), ((3, 784), (3, 28, 28)),
        ((3, 1, 784), (3, 28, 28)), ((3, 784, 1), (3, 28, 28)), ((784, 3), None),
        ((28, 28), (1, 28, 28)), ((3, 28, 28), (3, 28, 28)), ((28, 28, 7), None),
        ((28, 28, 28), (28, 28, 28)), ((5, 28, 28, 1), (5, 28, 28)), ((5, 1, 28, 28), (5, 28, 28)),
        ((5, 28, 28, 3), (5, 28, 28)), ((5, 3, 28, 28), (5, 28, 28)), ((1, 28, 28, 3), (1, 28, 28)),
        ((5, 40, 30), (5, 40, 30)), ((5, 40, 30, 3), (5, 40, 30)), ((5, 3, 40, 30), (5, 40, 30)),
        ((40, 30), (1, 40, 30)), ((40, 30, 3), (1, 40, 30)), ((640, 480), (1, 640, 480)),
        ((1, 785), (1, 28, 28)), ((784, 785), (784, 28, 28)), ((9, 28, 28, 1, 1), (9, 28, 28)),
        ((0, 784), None), ((), None), ((5,), None), ((28, 28, 3), None), ((3, 40, 30), None),
        ((785, 3), None), ((3, 786), None), ((784, 784), None), ((500, 783), None),
        ((40, 40, 7), None), ((9, 2, 30), None), ((2, 5, 4, 5), None), ((9, 28, 28, 4), None),
        ((28, 28, 225), (225, 28, 28)), ((28, 28, 224), None),
        ((1, 5000, 5000), None), ((0,), None), ((3, 0, 0), None),
    ],
)  # fmt: skip
def test_shapes_are_pictures_in_one_way_or_refused(shape, pictures):
    array = np.zeros(shape, np.uint8)
    for data in (npy(array), npy(np.asfortranarray(array))):
        if pictures is None:
            with pytest.raises(FormatError, match=r"shape|pictures|785"):
                digits_in(data)
        else:
            assert digits_in(data)[0].shape == pictures


def test_a_fortran_array_that_fills_the_memory_is_refused():
    header = "{'descr': '<f8', 'fortran_order': True, 'shape': (60000, 784), }"
    with pytest.raises(FormatError, match="has 376,320,000 bytes of elements, expected at most"):
        digits_in(raw_npy(header))


@pytest.mark.parametrize(
    ("names", "part", "pair"),
    [
        ("images labels", "test", ("images", "labels")),
        ("X y", "test", ("X", "y")),
        ("x_train y_train x_test y_test", "test", ("x_test", "y_test")),
        ("x_train y_train x_test y_test", "train", ("x_train", "y_train")),
        ("x_train y_train", "test", ("x_train", "y_train")),
        ("test_images test_labels train_images train_labels", "train", ("train_images", "train_labels")),
        ("data target target_names", "test", ("data", "target")),
        ("x_train y_train x_val y_val", "test", ("x_val", "y_val")),
        ("d/mnist_images d/labels noisy_labels", "test", ("d/mnist_images", "d/labels")),
        ("anything", "test", ("anything", None)),
        ("imgs labs", "test", ("imgs", "labs")),
        ("Xtrain Xtest ytest", "test", ("Xtest", "ytest")),
        ("images x", "test", None),
        ("a b", "test", None),
    ],
)  # fmt: skip
def test_names_of_arrays_tell_what_they_are(names, part, pair):
    with Stream(io.BytesIO(npz(**dict.fromkeys(names.split(), SMALL)))) as stream:
        opened = Npz(stream)
        if pair is None:
            with pytest.raises(FormatError, match=r"arrays|any of"):
                opened.pair(part)
        else:
            assert opened.pair(part)[:2] == pair


def test_labels_beside_images_are_of_one_kind():
    for values in (np.zeros((3, 2)), np.zeros((3, 10)), np.ones((3, 10), int)):
        with pytest.raises(FormatError, match="expected one label for each image"):
            labels_of(values)
    wide = np.arange(24, dtype=np.int32).reshape(3, 8)
    with Stream(io.BytesIO(idx(wide))) as stream:
        assert read_labels(stream).tolist() == [0, 8, 16]
    with Stream(io.BytesIO(idx(wide.astype(np.uint8)))) as stream, pytest.raises(FormatError):
        read_labels(stream)
    for rows, labels in ((b"7\n8", [7, 8]), (b"id,y\n1,seven\n2,8", [7, 8]), (b"0,7\n1,8", [7, 8])):
        with Stream(io.BytesIO(rows)) as stream:
            assert read_labels(stream).tolist() == labels
    for rows in (b"1,2\n3", b"", b"1,2\n3,4", b"\x93NUMPY"):
        with Stream(io.BytesIO(rows)) as stream, pytest.raises(FormatError):
            read_labels(stream)


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_npz_is_refused_or_the_same(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.npz"  # a real file fails in other ways
    path.write_bytes(mutate(data.draw, npz(a=SMALL), st))
    with path.open("rb") as file, Stream(file) as stream:
        try:
            array = Npz(stream).open("a").whole(1 << 16)
        except FormatError:
            return
    np.testing.assert_array_equal(array, SMALL)


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_idx_is_refused_or_has_the_shape_that_it_declares(data):
    damaged = mutate(data.draw, idx(SMALL), st)
    try:
        array = whole(damaged, open_idx, max_bytes=1 << 16)
    except FormatError:
        return
    assert struct.unpack(f">{array.ndim}I", damaged[4 : 4 + 4 * array.ndim]) == array.shape
