"""The same file means the same to a prediction and to an evaluation, whatever holds the digits."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mnistcli.conforming.background import INVERTED
from mnistcli.conforming.placing import conform_all
from mnistcli.containers.digits import TRANSPOSED
from mnistcli.containers.reading import FormatError
from mnistcli.datasets.labelled import read_parts
from mnistcli.errors import BadImageError, CorruptFileError, MnistCliError
from mnistcli.mnist import DIGIT_WORDS
from mnistcli.pictures.read import read_batches

from .making import (
    KAGGLE,
    Pipe,
    digits_in,
    idx,
    mutate,
    npy,
    npz,
    table,
    zip_of,
    zipped,
)

LABELS = np.array([7, 2, 1, 0, 4, 1, 4, 9, 5, 9, 0, 6])


@pytest.fixture(scope="module")
def images(test_images):
    return test_images[:12].copy()


def read_labelled(path, **how):
    return read_parts(path, part="test", **how)[None]


def columns_of(images):
    return list(images.reshape(-1, 784).T)


def shuffled(names, columns, seed=3):
    order = np.random.default_rng(seed).permutation(len(names))
    return [columns[i] for i in order], [names[i] for i in order]


def arff(images, labels, quote=""):
    names = [f"pixel{i}" for i in range(1, 785)]
    head = "% made by hand\n@RELATION digits\n" + "".join(f"@attribute {n} real\n" for n in names)
    head += "@attribute 'class' {0,1,2,3,4,5,6,7,8,9}\n@DATA\n% rows\n"
    cells = [f"{quote}{label}{quote}" for label in labels]
    return head.encode() + table([*columns_of(images), cells])


def one_hot(labels):
    return np.eye(10, dtype=np.int64)[labels]


WORDS = list(DIGIT_WORDS)[:10]
LABELLED = {
    "Kaggle": lambda x, y: table([y, *columns_of(x)], KAGGLE),
    "no header": lambda x, y: table([y, *columns_of(x)]),
    "no header, label last": lambda x, y: table([*columns_of(x), y]),
    "label last": lambda x, y: table([*columns_of(x), y], [*KAGGLE[1:], "class"]),
    "shuffled": lambda x, y: table(*shuffled(KAGGLE, [y, *columns_of(x)])),
    "alphabetical": lambda x, y: table(
        *(list(z) for z in zip(*sorted(zip([y, *columns_of(x)], KAGGLE, strict=True),
                                        key=lambda pair: pair[1]), strict=True))),
    "pixel1 to pixel784": lambda x, y: table(
        [y, *columns_of(x)], ["Target", *(f"pixel{i}" for i in range(1, 785))]),
    "1x1 to 28x28": lambda x, y: table(
        [y, *columns_of(x)], ["label", *(f"{r}x{c}" for r in range(1, 29) for c in range(1, 29))]),
    "x0y0, columns first": lambda x, y: table(
        [y, *columns_of(x)], ["y", *(f"x{c}y{r}" for r in range(28) for c in range(28))]),
    "pandas' numbers": lambda x, y: table([y, *columns_of(x)], ["label", *map(str, range(784))]),
    "pandas without names": lambda x, y: table([y, *columns_of(x)], list(map(str, range(785)))),
    "R": lambda x, y: table(
        [range(1, 13), y, *columns_of(x)], [f"V{i}" for i in range(1, 786)]),
    "index": lambda x, y: table([range(12), y, *columns_of(x)], ["", *KAGGLE]),
    "names of files": lambda x, y: table(
        [[f"{i}.png" for i in range(12)], y, *columns_of(x)], ["file", *KAGGLE]),
    "Unnamed: 0": lambda x, y: table([range(12), *columns_of(x), y],
                                     ["Unnamed: 0", *KAGGLE[1:], "digit"]),
    "trailing comma": lambda x, y: table([y, *columns_of(x), [""] * 12], [*KAGGLE, ""]),
    "trailing comma, rows only": lambda x, y: table([y, *columns_of(x), [""] * 12]),
    "comments": lambda x, y: b"# by np.savetxt\n\n" + table([y, *columns_of(x)]) + b"# end\n\n",
    "R's decimal commas": lambda x, y: b"\n".join(
        b";".join(f"{v:g}".replace(".", ",").encode() for v in [k, *(each.ravel() / 255)])
        for each, k in zip(x, y.tolist(), strict=True)),
    "a title": lambda x, y: b"Digits of 7b, 2026\n\n" + table(*shuffled(KAGGLE, [y, *columns_of(x)])),
    "Excel's title": lambda x, y: b"sep=;\r\nDigits" + b";" * 784 + b"\r\n" + table(
        *shuffled(KAGGLE, [y, *columns_of(x)]), separator=";", end="\r\n"),
    "two byte-order marks": lambda x, y: b"\xef\xbb\xbf" * 2 + table([y, *columns_of(x)], KAGGLE),
    "lists": lambda x, y: "\n".join(
        str([label, *pixels]) for label, pixels in zip(y.tolist(), x.reshape(-1, 784).tolist(), strict=True)
    ).encode(),
    "semicolons": lambda x, y: table([y, *columns_of(x)], KAGGLE, separator=";"),
    "tabs": lambda x, y: table([y, *columns_of(x)], KAGGLE, separator="\t"),
    "blanks": lambda x, y: table([y, *columns_of(x)], KAGGLE, separator="  "),
    "comma and blank": lambda x, y: table([y, *columns_of(x)], KAGGLE, separator=", "),
    "CRLF": lambda x, y: table([y, *columns_of(x)], KAGGLE, end="\r\n"),
    "CR": lambda x, y: table([y, *columns_of(x)], KAGGLE, end="\r"),
    "byte-order mark": lambda x, y: b"\xef\xbb\xbf" + table([y, *columns_of(x)], KAGGLE),
    "quoted": lambda x, y: table([[f'"{v}"' for v in y], *columns_of(x)],
                                 [f'"{name}"' for name in KAGGLE]),
    "text of Excel's": lambda x, y: table(
        [[f'="{v}"' for v in column] for column in [y, *columns_of(x)]],
        [f'="{name}"' for name in KAGGLE]),
    "no line end": lambda x, y: table([y, *columns_of(x)], KAGGLE)[:-1],
    "floats 0..1": lambda x, y: table([y, *columns_of(x / 255)], KAGGLE),
    "floats, no header": lambda x, y: table([y, *columns_of(x / 255)]),
    "floats 0..255": lambda x, y: table([y.astype(float), *columns_of(x.astype(float))]),
    "Excel's": lambda x, y: b"sep=;\r\n" + table(
        [y, *columns_of(x)], KAGGLE, separator=";", end="\r\n"),
    "Excel's UTF-16": lambda x, y: table(
        [y, *columns_of(x)], KAGGLE, separator="\t", end="\r\n").decode().encode("utf-16"),
    "decimal commas": lambda x, y: table(
        [y, *columns_of(x / 255)], KAGGLE, separator=";").replace(b".", b","),
    "decimal commas, no header": lambda x, y: table(
        [y.astype(float), *columns_of(x / 255)], separator=";").replace(b".", b","),
    "commas in quotes": lambda x, y: table(
        [['"a,b"', '"c"'] * 6, y, *columns_of(x)], ["file", *KAGGLE]),
    "decimal commas in quotes": lambda x, y: table(
        [y, *([f'"{v}"'.replace(".", ",") for v in column] for column in columns_of(x / 255))], KAGGLE),
    "bars": lambda x, y: table([y, *columns_of(x)], KAGGLE, separator="|"),
    "names in a comment": lambda x, y: b"# " + table([y, *columns_of(x)], KAGGLE),
    "many trailing commas": lambda x, y: table([y, *columns_of(x), *[[""] * 12] * 9]),
    "empty last cells": lambda x, y: table(
        [y, *columns_of(x), ["", "odd"] * 6, [""] * 12], [*KAGGLE, "note", "more"]),
    "rows of commas": lambda x, y: table([y, *columns_of(x)], KAGGLE) + b"," * 784 + b"\n",
    "commas above": lambda x, y: b"," * 784 + b"\n" + table([y, *columns_of(x)], KAGGLE),
    "units": lambda x, y: table(
        [y, *columns_of(x)], ["label", *(f"pixel[{i}] (0-255)" for i in range(784))]),
    "two words, as an attribute of Weka's": lambda x, y: table([y, *columns_of(x)], ["classLabels", *KAGGLE[1:]]),
    "the digit and its name": lambda x, y: table(
        [y, ["a"] * 12, *columns_of(x)], ["target", "target_name", *KAGGLE[1:]]),
    "numbers of pandas.concat": lambda x, y: table(
        [y, *columns_of(x)], ["0", *map(str, range(784))]),
    "the same, last and with an index": lambda x, y: table(
        [range(12), *columns_of(x), y], ["", *map(str, range(784)), "0"]),
    "R's, one renamed": lambda x, y: table(
        [y, *columns_of(x)], ["label", *(f"V{i}" for i in range(2, 786))]),
    "rows and columns of two digits": lambda x, y: table(
        [y, *columns_of(x)], ["label", *(f"px{i // 28 + 1:02}{i % 28 + 1:02}" for i in range(784))]),
    "tuples": lambda x, y: table(
        [y, *columns_of(x)], ["label", *(f'"({i // 28}, {i % 28})"' for i in range(784))]),
    "words": lambda x, y: table([np.array(WORDS)[y], *columns_of(x)]),
    "bytes": lambda x, y: table([[f"b'{v}'" for v in y], *columns_of(x)], KAGGLE),
    "one-hot": lambda x, y: table(
        [*(one_hot(y) > 0).T, *columns_of(x)], [*(f"class_{i}" for i in range(10)), *KAGGLE[1:]]),
    "Latin-1": lambda x, y: table(
        [y, y, *columns_of(x)], ["label", "caf\u00e9", *KAGGLE[1:]]).decode().encode("latin-1"),
    "UTF-8 names": lambda x, y: table([y, y, *columns_of(x)], ["label", "caf\u00e9", *KAGGLE[1:]]),
    "ARFF": arff,
    "ARFF quoted": lambda x, y: arff(x, y, "'"),
    "words before digits": lambda x, y: table([[f"digit_{label}" for label in y], *columns_of(x)]),
    "npz words": lambda x, y: npz(images=x, labels=np.array(WORDS)[y]),
    "npz (1, n)": lambda x, y: npz(images=x, labels=y[None].astype(float).astype(str)),
    "npz of any names": lambda x, y: npz(Xte=x, yte=y),
    "npy (n, 785)": lambda x, y: npy(np.column_stack([y, x.reshape(-1, 784)])),
    "npy (n, 785), label last": lambda x, y: npy(np.column_stack([x.reshape(-1, 784), y])),
    "npz": lambda x, y: npz(images=x, labels=y),
    "npz Keras": lambda x, y: npz(x_train=x[:3], y_train=y[:3], x_test=x, y_test=y),
    "npz TensorFlow": lambda x, y: npz(
        train_images=x[:3], train_labels=y[:3], test_images=x, test_labels=y),
    "npz X, y": lambda x, y: npz(X=x.reshape(-1, 784), y=y),
    "npz Xtest": lambda x, y: npz(Xtest=x, Ytest=y),
    "npz data, target": lambda x, y: npz(data=x, target=y, note=np.array("mine")),
    "npz arr_0": lambda x, y: npz(arr_0=x, arr_1=y),
    "npz arr_0, labels first": lambda x, y: npz(arr_0=y, arr_1=x),
    "one-hot of another name": lambda x, y: table(
        [*one_hot(y).T, *columns_of(x)], [*(f"d{i}" for i in range(10)), *KAGGLE[1:]]),
    "npz arr_0, one-hot": lambda x, y: npz(arr_0=x, arr_1=one_hot(y)),
    "npz rows of 784, columns first": lambda x, y: npz(X=np.asfortranarray(x.reshape(12, -1)), y=y),
    "npz a hair beyond 0..1": lambda x, y: npz(X=x / 254.9, y=y),
    "npz a hair below 0": lambda x, y: npz(X=x / 255 - 1e-4, y=y),
    "npz text": lambda x, y: npz(images=x, labels=y.astype(str)),
    "npz bytes": lambda x, y: npz(images=x, labels=y.astype("S")),
    "npz floats": lambda x, y: npz(images=x, labels=y.astype(np.float32)),
    "npz one-hot": lambda x, y: npz(images=x, labels=one_hot(y)),
    "npz one-hot floats": lambda x, y: npz(images=x, labels=one_hot(y).astype(np.float32)),
    "npz (n, 1)": lambda x, y: npz(images=x[..., None], labels=y[:, None]),
    "npz channel first": lambda x, y: npz(images=x[:, None], labels=y.astype(np.int8)),
    "npz Fortran": lambda x, y: npz(images=np.asfortranarray(x), labels=y),
    "npz big-endian": lambda x, y: npz(images=x.astype(">u2"), labels=y.astype(">i8")),
    "npz gzipped": lambda x, y: zipped(npz(images=x, labels=y)),
    "npz from -1 to 1": lambda x, y: npz(X=(x / 127.5 - 1).astype(np.float32), y=y),
    "NPY files in an archive": lambda x, y: zip_of({"d/X.npy": npy(x), "d/y.npy": npy(y)}),
    "one-hot without header": lambda x, y: table([*columns_of(x), *one_hot(y).T]),
    "one-hot first, without header": lambda x, y: table([*one_hot(y).T, *columns_of(x)]),
    "CSV gzipped": lambda x, y: zipped(table([y, *columns_of(x)], KAGGLE)),
    "CSV in a zip archive": lambda x, y: zip_of(
        {"__MACOSX/._a": b"", "a.csv": table([y, *columns_of(x)], KAGGLE)}),
}  # fmt: skip
UNLABELLED = {
    "pixels only": lambda x: table(columns_of(x), KAGGLE[1:]),
    "no header": lambda x: table(columns_of(x)),
    "shuffled": lambda x: table(*shuffled(KAGGLE[1:], columns_of(x))),
    "savetxt": lambda x: "\n".join(
        " ".join(f"{v:.18e}" for v in row) for row in x.reshape(-1, 784)
    ).encode(),
    "no name of the last": lambda x: table([*columns_of(x), range(12)], [*KAGGLE[1:], ""]),
    "no name of labels": lambda x: table([range(12), *columns_of(x)], ["id", *KAGGLE[1:]]),
    "(n, 28, 28)": npy,
    "(n, 784)": lambda x: npy(x.reshape(-1, 784)),
    "(n, 28, 28, 1)": lambda x: npy(x[..., None]),
    "(n, 1, 28, 28)": lambda x: npy(x[:, None]),
    "(n, 28, 28, 3)": lambda x: npy(np.stack([x] * 3, axis=-1)),
    "(n, 3, 28, 28)": lambda x: npy(np.stack([x] * 3, axis=1)),
    "Fortran": lambda x: npy(np.asfortranarray(x)),
    "version 2": lambda x: npy(x, version=(2, 0)),
    "uint16": lambda x: npy(x.astype(np.uint16) * 257),
    "uint16 of 8 bits": lambda x: npy(x.astype(np.uint16)),
    "int64": lambda x: npy(x.astype(np.int64)),
    "floats": lambda x: npy(x / 255),
    "floats 0..255": lambda x: npy(x.astype(np.float32)),
    "colour in floats": lambda x: npy(np.stack([x / 255] * 3, axis=-1)),
    "one npz array": lambda x: npz(whatever=x),
    "IDX gzipped": lambda x: zipped(idx(x)),
    "IDX (n, 784)": lambda x: idx(x.reshape(-1, 784)),
}


def predicted(data, file=io.BytesIO):
    batches = list(read_batches("-", stdin=file(data)))
    return np.concatenate([batch.greys for batch in batches])


@pytest.mark.promise("One reader", "labelled layouts, as files and pipes")
@pytest.mark.parametrize("layout", LABELLED)
@pytest.mark.parametrize("file", [io.BytesIO, Pipe])
def test_labelled_digits_mean_the_same_to_every_command(images, layout, file):
    data = LABELLED[layout](images, LABELS)
    own = read_labelled("-", stdin=file(data))
    assert np.array_equal(own.images, images)
    assert np.array_equal(own.labels, LABELS)
    assert np.array_equal(predicted(data, file), images)


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize("form", ["label first", "label last", "one-hot", "header", "numbers"])
def test_tables_of_smaller_and_larger_pictures(images, side, form):
    pictures = np.resize(images, (12, side, side)) // (16 if side == 8 else 1)
    pictures[:, 0, 0], pictures[:, -1, -1] = 0, 16 if side == 8 else 255  # as large as they get
    pixels = pictures.reshape(12, -1)
    names = [f"pixel_{i}_{j}" for i in range(side) for j in range(side)]
    data = {
        "label first": lambda: table([LABELS, *pixels.T]),
        "label last": lambda: table([*pixels.T, LABELS]),
        "one-hot": lambda: table([*pixels.T, *one_hot(LABELS).T], separator=" "),
        "header": lambda: table([*pixels.T, LABELS], [*names, "target"]),
        "numbers": lambda: table(
            [range(12), *pixels.T, LABELS], ["", *map(str, range(side**2 + 1))]
        ),
    }[form]()
    got, labels, faults = digits_in(data)
    assert np.array_equal(got, np.rint(pictures * (255 / 16)) if side == 8 else pictures)
    assert np.array_equal(labels, LABELS)
    assert not faults


def test_what_is_written_column_by_column_is_transposed(test_images):
    many, labels = test_images[:60], np.arange(60) % 10
    turned = many.transpose(0, 2, 1)
    for image_of, notes in ((many, ()), (turned, (TRANSPOSED,)), (255 - turned, (TRANSPOSED,))):
        own = read_labelled("-", raw=True, stdin=io.BytesIO(npz(X=image_of, y=labels)))
        assert own.notes == notes
        assert np.array_equal(own.images, 255 - many if image_of[0, 0, 0] else many)
    for n, told in ((12, many), (11, turned)):  # which are too few to tell
        few = read_labelled("-", raw=True, stdin=io.BytesIO(npz(X=turned[:n], y=labels[:n])))
        assert np.array_equal(few.images, told[:n])


@pytest.mark.parametrize("order", "CF")
def test_pictures_may_lie_along_the_last_axis_where_labels_say_how_many(images, order):
    for x in (images, images.reshape(12, -1), np.stack([images] * 3, axis=1)):
        along_last = np.array(np.moveaxis(x, 0, -1), order=order)
        got, labels, faults = digits_in(npz(X=along_last, y=LABELS))
        assert np.array_equal(got, images)
        assert np.array_equal(labels, LABELS)
        assert not faults


def test_the_same_pictures_in_several_shapes(images):
    data = npz(images=images, data=images.reshape(12, -1), target=LABELS, target_names=[*"0123"])
    got, labels, _ = digits_in(data)
    assert np.array_equal(got, images)
    assert np.array_equal(labels, LABELS)


@pytest.mark.parametrize(
    "cells",
    [
        '"65,535",0,"1,028"',
        "65,535;0;1,028",
        "65.535;0;1.028",
        "65,535\t0\t1,028",
        "65.535|0|1.028",
    ],
)
def test_a_separator_of_thousands_is_no_decimal_point(cells):
    mark = next(mark for mark in ";\t|," if mark in cells)
    row = mark.join(["7", cells, *["0"] * 781])
    with pytest.raises(CorruptFileError, match="holds 65535, expected 0 to 255") as caught:
        read_labelled("-", stdin=io.BytesIO(f"{row}\n".encode()))
    assert caught.value.hint == "divide pixels of 16 bits by 257"


def test_what_is_no_number_of_16_bits_is_not_to_be_divided(images):
    values = images.astype(np.float32)
    values[3, 0, 0] = np.inf
    with pytest.raises(CorruptFileError, match="holds inf, expected 0 to 255") as caught:
        read_labelled("-", stdin=io.BytesIO(npz(images=values, labels=LABELS)))
    assert not caught.value.hint


@pytest.mark.parametrize(
    "cells", ['"0,535",0,"1,000"', "0,535;0,000;1,000", "0.535;1.000;0.000", "255,000;,5;1,028"]
)
def test_a_decimal_comma_of_three_digits_is_one(cells):
    mark = next(mark for mark in ";\t|," if mark in cells)
    data = f"{mark.join(['7', cells, *['0'] * 781])}\n".encode()
    assert digits_in(data)[2] == []


@pytest.mark.promise("One reader", "layouts without labels")
@pytest.mark.parametrize("layout", UNLABELLED)
def test_digits_without_labels_are_predicted_and_not_judged(images, layout):
    data = UNLABELLED[layout](images)
    assert np.array_equal(predicted(data), images)
    with pytest.raises(MnistCliError, match=r"has no labels|labels of - are not"):
        read_labelled("-", stdin=io.BytesIO(data))


@pytest.mark.parametrize("shape", [(28, 28), (784,), (1, 784), (1, 28, 28), (28, 28, 1)])
def test_one_picture_as_an_array(images, shape):
    assert np.array_equal(predicted(npy(images[0].reshape(shape))), images[:1])


def test_the_training_part_is_read_when_it_is_asked_for(images):
    data = npz(x_train=images[:7], y_train=LABELS[:7], x_test=images[7:], y_test=LABELS[7:])
    for part, n in (("train", 7), ("test", 5)):
        assert len(digits_in(data, part)[0]) == n
    assert len(digits_in(npz(x_train=images, y_train=LABELS))[0]) == 12
    (note,) = read_labelled("-", stdin=io.BytesIO(data)).notes
    assert note == "'x_test' was read, of 'x_train', 'y_train', 'x_test', 'y_test'"


@pytest.mark.parametrize("text", [np.array([b"\xff"] * 12), np.frombuffer(b"\xff" * 48, "<U1")])
def test_text_that_is_none_is_no_part_and_an_error_of_labels(images, text):
    assert np.array_equal(digits_in(npz(X=images, y=LABELS, by=text))[1], LABELS)
    with pytest.raises(FormatError, match="'y' in it holds text that cannot be read"):
        digits_in(npz(X=images, y=text))


def test_arrays_that_are_not_read_are_told(images):
    folds = {"X": images, "y": LABELS, "train_idx": np.arange(9), "test_idx": np.arange(9, 12)}
    (note,) = read_labelled("-", stdin=io.BytesIO(npz(**folds))).notes
    assert note == "'X' was read, of 'X', 'y', 'train_idx', 'test_idx'"


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("side", [8, 16])
def test_rows_of_scikit_learn_are_squares_where_labels_say_how_many(order, side):
    levels = np.arange(12 * side * side).reshape(12, side, side) % 17
    rows = np.array(levels.reshape(12, -1) / 16, order=order)
    for x in (rows, np.array(rows * 16 if side == 8 else rows * 255, order=order)):
        images, labels, _ = digits_in(npz(data=x, target=LABELS))
        assert np.array_equal(images, np.rint(levels / 16 * 255))
        assert np.array_equal(labels, LABELS)


def test_small_pictures_cropped_to_the_ink_have_the_paper_of_their_file(test_images):
    cropped = [Image.fromarray(each).crop(Image.fromarray(each).getbbox()) for each in test_images]
    coarse = np.array([each.resize((8, 8), Image.Resampling.BOX) for each in cropped[:300]])
    x = (coarse > 90).astype(np.uint8)
    x = x[x.mean(axis=(1, 2)) < 0.5]  # not nearly all ink, as a 1 is
    for pixels, n_inverted in ((x, 0), (1 - x, len(x))):
        (batch,) = read_batches("-", stdin=io.BytesIO(npz(x=pixels)))
        every = conform_all(batch.greys, batch.sources, paper=batch.paper)
        steps = [each.steps for each in every]
        assert sum(INVERTED in each for each in steps) == n_inverted
    thick = coarse > 10
    thick = thick[thick.mean(axis=(1, 2)) > 0.5]
    for pixels in (thick, ~thick):  # most of each is ink, and paper is in its corners
        (batch,) = read_batches("-", stdin=io.BytesIO(npz(x=pixels)))
        assert batch.paper is None


@pytest.mark.parametrize("kind", ["zeros and ones", "bool", "dark on light", "both", "32 x 32"])
def test_an_evaluation_sees_what_a_prediction_sees(images, kind):
    from mnistcli.conforming.placing import conform

    ink = images > 127
    x = {
        "zeros and ones": ink.astype(np.uint8),
        "bool": ink,
        "dark on light": 255 - images,
        "both": 1 - ink.astype(float),
        "32 x 32": np.pad(images, ((0, 0), (2, 2), (2, 2))),
    }[kind]
    data = npz(images=x, labels=LABELS)
    own = read_labelled("-", stdin=io.BytesIO(data))
    assert np.array_equal(own.images, [conform(grey).image for grey in predicted(data)])
    if kind == "dark on light":
        assert np.array_equal(own.images, images)
        assert own.notes == (
            "12 of 12 images were brought into MNIST's form: dark ink on light paper, inverted",
        )
    if kind != "32 x 32":
        untouched = read_labelled("-", raw=True, stdin=io.BytesIO(data))
        assert np.array_equal(untouched.images, predicted(data))
        assert not untouched.notes


STROKES = np.zeros((20, 28, 28), np.uint8)
STROKES[:, 4:24, 14] = 255
REFUSED = {
    "transposed or a picture": (npy(np.zeros((784, 640))), r"shape (784, 640): one picture of"),
    "(784, n)": (npy(np.zeros((784, 20))), "one picture of 784 x 20 pixels, or 20 of 784 pixels?"),
    "(28, 28, n)": (npy(np.zeros((28, 28, 9))), "or 9 of 28 x 28 along the last axis?"),
    "784 x 784": (npy(np.zeros((784, 784))), "one picture of 784 x 784 pixels, or 784 of 784"),
    "(n, 783)": (npy(np.zeros((20, 783))), "20 of 783 pixels"),
    "flat 32 x 32": (npy(np.zeros((20, 1024))), "20 of 1,024 pixels"),
    "(28, 28, 4)": (npy(np.zeros((28, 28, 4))), "one coloured picture, or 4 pictures"),
    "(50, 64)": (npy(np.zeros((50, 64))), "one picture of 50 x 64 pixels, or 50 of 64 pixels?"),
    "(28, 28, 3)": (npy(np.zeros((28, 28, 3))), "one coloured picture, or 3 pictures"),
    "(32, 32, n)": (npy(np.zeros((32, 32, 20))), "32 pictures of 32 x 20 pixels, or 20 of 32 x 32"),
    "(n, 28, 28, 4)": (npy(np.zeros((9, 28, 28, 4))), "has shape (9, 28, 28, 4)"),
    "int8": (npy(np.full((20, 784), -3, np.int8)), "holds -3, expected 0 to 255 or 0 to 1, in every"),
    "standardised": (npy(np.full((20, 784), -0.42)), "holds -0.42"),
    "256": (npy(np.full((20, 784), 256)), "holds 256, expected 0 to 255 or 0 to 1, in every"),
    "3 bits": (npy(STROKES // 36), "holds no value above 7, expected ink up to 255 or 1"),
    "three levels": (
        table([*columns_of(STROKES // 127), [3, 7] * 10]),
        "holds no value above 2, expected ink up to 255 or 1",
    ),
    "either end": (
        table([[1, 2, 3], *columns_of(STROKES[:3])[1:], [4, 5, 6]]),
        "may have its labels in the first of its 785 columns or in the last",
    ),
    "neither end": (
        table([[10, 11], *columns_of(STROKES[:2])[1:], [12, 255]]),
        "neither the first nor the last holds labels",
    ),
    "an endless number at one end": (
        table([["1e999", 1], *columns_of(STROKES[:2])[1:], [12, 255]]),
        "neither the first nor the last holds labels",
    ),
    "objects": (npz(images=STROKES, labels=np.array([{}] * 20, object)), "holds Python objects"),
    "fewer labels": (npz(images=STROKES, labels=np.zeros(19)), "holds 19 labels for images of"),
    "as many labels as rows": (npz(images=STROKES, labels=np.zeros(28)), "holds 28 labels for"),
    "more labels": (npz(images=STROKES, labels=np.zeros(21)), "holds 21 labels for images of"),
    "labels of two columns": (npz(images=STROKES, labels=np.zeros((20, 2))), "has shape (20, 2)"),
    "two pairs": (npz(images=STROKES, x=STROKES, y=np.zeros(20)), "in any of 'images', 'x', 'y'"),
    "four arrays": (npz(arr_0=STROKES, arr_1=LABELS, arr_2=STROKES, arr_3=LABELS), "has the arrays 'arr_0'"),
    "above 1": (npy(np.full((20, 784), 1.2)), "holds 1.2, expected 0 to 1, as the other values, in every"),
    "unknown names": (npz(a=STROKES, b=np.zeros((20, 3))), "has the arrays 'a', 'b'"),
    "names without order": (
        table(columns_of(STROKES), [f"c{i}{'x' * (i % 2)}" for i in range(784)]), "order of 784 pixels"
    ),
    "pixel1 to pixel785 but one": (
        table(columns_of(STROKES), [f"pixel{i + (i > 9)}" for i in range(784)]), "order of 784 pixels"
    ),
    "786 columns": (table([*columns_of(STROKES), LABELS[:1].repeat(20), range(20)]), "786 columns"),
    "a web page": (b"<!DOCTYPE html><html>", "is a web page"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(20), "is compressed by zstd"),
    "7-Zip": (b"7z\xbc\xaf\x27\x1c", "or a 7-Zip"),
    "tar": (bytes(257) + b"ustar" + bytes(500), "or tar archive"),
    "Parquet": (b"PAR1\x15\x04" + bytes(9), "is a Parquet file"),
    "PyTorch": (zip_of({"a/data.pkl": b"", "a/data/0": b""}), "is a pickle of PyTorch"),
    "HDF5": (b"\x89HDF\r\n\x1a\n", "is HDF5 data"),
    "MATLAB": (b"MATLAB 5.0 MAT-file", "is MATLAB data"),
    "MATLAB 7.3": (b"MATLAB 7.3 MAT-file", "is HDF5 data"),
    "R": (zipped(b"X\n\0\0\0\3\0\4\3\1"), "is data of another program"),
    "a pickle": (pickle.dumps(STROKES), "is a Python pickle"),
    "JSON": (b'[{"label": 7, "pixel0": 0}]', "is JSON"),
    "LIBSVM": (b"7 " + b" ".join(b"%d:3" % i for i in range(100, 220)), "is a LIBSVM file"),
    "Stata": (b"<stata_dta><header>", "is data of another program"),
    "Arrow": (b"\xff\xff\xff\xff\x88\1\0\0\x10\0\0\0" + bytes(99), "is data of another program"),
    "a pickle of a list": (b"(lp1\ncnumpy.core.multiarray\n_reconstruct\np2\n", "is a Python pickle"),
    "the pickle of deeplearning.net": (b"((cnumpy.core.multiarray\n_reconstruct\np1\n", "is a Python pickle"),
    "pixels in one cell": (b'label,pixels\n7,"' + b"0 " * 783 + b'9"', "is a table with lists in its cells"),
    "a table of tabs": (b"1\t2\t0\n" * 9, "has 3 columns in its first line"),
    "a notebook": (b'{\n "cells": [\n', "is a notebook"),
    "sparse ARFF": (b"@relation a\n@attribute b numeric\n@data\n{0 5, 3 255}\n", "is a sparse ARFF file"),
    "JSON by line": (b'{"label": 7}\n{"label": 1}\n', "is JSON, line by line"),
    "JSON of nothing": (b"{}", "is JSON"),
    "a bracket": (b"[", "is a list in JSON"),
    "an empty list": (b"[ ]\n", "is a list in JSON"),
    "lists in JSON": (b"[[0, 0], [1, 2]]", "is a list in JSON"),
    "a list by line": (b"[\n 0,\n 0\n]", "is a list in JSON"),
    "a list of objects by line": (b'[\n  {\n  "label": 7', "is JSON"),
    "JSON by name": (b'{"images": [[0]], "labels": [4]}', "is JSON"),
    "Excel": (zip_of({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "is an Excel, Word or OpenDocument file"),
    "Git LFS": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a pointer of Git LFS"),
    "names of columns in letters": (b",".join([b"a"] * 65) + b"\n" + b"1," * 64 + b"7", "does not tell the order of 64 pixels"),
    "nothing": (b"", "is empty"),
    "header only": (",".join(KAGGLE).encode(), "has a header and no rows"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_may_be_read_in_two_ways_is_refused_by_every_command(name):
    data, problem = REFUSED[name]
    for read in (predicted, lambda data: read_labelled("-", stdin=io.BytesIO(data))):
        with pytest.raises((BadImageError, CorruptFileError)) as caught:
            read(data)
        assert problem in caught.value.message
        assert "\n" not in caught.value.message


def as_libsvm(path, rows):
    import sklearn.datasets

    sklearn.datasets.dump_svmlight_file(rows.astype(float), LABELS, str(path), zero_based=False)


def as_matlab(path, rows):
    import scipy.io

    scipy.io.savemat(path, {"X": rows, "y": LABELS[:, None]})


def as_pickle(path, rows):
    path.write_bytes(pickle.dumps({"data": rows, "target": LABELS}))


def as_python_2_wrote_it(path, rows):
    """As deeplearning.net's mnist.pkl.gz."""
    array = (
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n({}tcnumpy\n"
        "dtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntbI00\nS{}\ntbs"
    )
    lines = "(dp0\n"
    for name, values in (("data", rows), ("target", LABELS.astype(np.uint8))):
        sizes = "".join(f"I{size}\n" for size in values.shape)
        lines += f"S'{name}'\n" + array.format(sizes, repr(values.tobytes())[1:])
    path.write_text(lines + ".")


def as_joblib(path, rows, **options):
    import joblib

    joblib.dump({"data": rows, "target": LABELS}, path, **options)


def as_lists_in_cells(path, rows):
    import pandas as pd

    lists = [row.reshape(28, 28).tolist() for row in rows]
    pd.DataFrame({"image": lists, "label": LABELS.astype(int)}).to_csv(path, index=False)


def as_json(path, rows):
    objects = [
        {"label": int(label), "image": row.tolist()}
        for row, label in zip(rows, LABELS, strict=True)
    ]
    path.write_text(json.dumps(objects))


def as_json_by_line(path, rows):
    as_json(path, rows)
    path.write_text("\n".join(map(json.dumps, json.loads(path.read_text()))))


def as_a_table_in_json(path, rows, *, lines):
    import pandas as pd

    frame = pd.DataFrame(rows.astype(int), columns=KAGGLE[1:])
    frame.insert(0, "label", LABELS.astype(int))
    frame.to_json(path, orient="records", lines=lines)


def as_fann(path, rows):
    lines = [each for pair in zip(rows / 255, one_hot(LABELS), strict=True) for each in pair]
    text = "\n".join(" ".join(f"{value:g}" for value in line) for line in lines)
    path.write_text(f"{len(rows)} 784 10\n{text}\n")


@pytest.mark.parametrize(
    "write",
    [as_fann, as_libsvm, as_matlab, as_json, as_json_by_line, as_pickle, as_python_2_wrote_it, as_joblib,
     partial(as_joblib, compress=3), as_lists_in_cells, partial(as_a_table_in_json, lines=True),
     partial(as_a_table_in_json, lines=False)],
)  # fmt: skip
def test_what_a_hint_says_makes_a_file_that_is_read(images, write, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "digits", images.reshape(12, 784))
    with pytest.raises(CorruptFileError) as caught:
        read_labelled(tmp_path / "digits")
    line = caught.value.hint.partition(": ")[2].replace("FILE", "'digits'")
    imports = "import joblib, json, numpy, pandas, pickle, re, scipy.io, sklearn.datasets\n"
    subprocess.run([sys.executable, "-c", imports + line], check=True)
    (made,) = tmp_path.glob("digits.*")
    found = read_labelled(made, raw=True)
    assert np.array_equal(found.images, images)
    assert np.array_equal(found.labels, LABELS)


def test_pictures_in_the_cells_of_a_table_become_files(images, tmp_path, monkeypatch):
    import pandas as pd

    monkeypatch.chdir(tmp_path)
    cells = []
    for image in images:
        Image.fromarray(image).save(file := io.BytesIO(), "PNG")
        cells.append({"bytes": file.getvalue(), "path": None})
    pd.DataFrame({"image": cells, "label": LABELS.astype(int)}).to_csv("FILE", index=False)
    with pytest.raises(CorruptFileError, match="is a table with files in its cells") as caught:
        read_labelled(Path("FILE"))
    line = caught.value.hint.partition(": ")[2].replace("FILE", "'FILE'")
    subprocess.run([sys.executable, "-c", f"import ast, pandas\n{line}"], check=True)
    names = sorted(path.name for path in Path().glob("*.png"))
    assert names == sorted(f"{label:.0f}_{i}.png" for i, label in enumerate(LABELS))


def test_drawings_in_letters_become_arrays(images, tmp_path, monkeypatch):
    """Berkeley's digitdata, of which a line is longer than the others."""
    monkeypatch.chdir(tmp_path)
    lines = ["".join(" +#"[level] for level in row) for row in (images // 100).reshape(-1, 28)]
    Path("FILE").write_text("\n".join([*lines[:30], lines[30] + " ", *lines[31:]]) + "\n")
    np.savetxt("LABELS", LABELS, "%d")
    with pytest.raises(CorruptFileError, match="is drawings in letters") as caught:
        read_labelled(Path("FILE"))
    line = caught.value.hint.partition(": ")[2].replace("FILE", "'FILE'")
    line = line.replace("LABELS", "'LABELS'")
    subprocess.run([sys.executable, "-c", f"import numpy\n{line}"], check=True)
    found = read_labelled(Path("digits.npz"), raw=True)
    assert np.array_equal(found.images, np.where(images >= 100, 255, 0))
    assert np.array_equal(found.labels, LABELS)


def test_drawings_of_zeros_and_ones_become_arrays(images, tmp_path, monkeypatch):
    """UCI's optdigits-orig, which tells its sizes first."""
    monkeypatch.chdir(tmp_path)
    ink = np.pad(images > 127, ((0, 0), (2, 2), (2, 2))).astype(int)
    lines = [*("".join(map(str, row)) for each in ink for row in each)]
    drawings = ["\n".join(lines[i : i + 32]) for i in range(0, len(lines), 32)]
    told = [f"{each}\n {label:.0f}\n" for each, label in zip(drawings, LABELS, strict=True)]
    Path("FILE").write_text("entwidth,entheight = 32,32\nntot = 12\n\n" + "".join(told))
    with pytest.raises(CorruptFileError, match="is drawings of 32 x 32 zeros and ones") as caught:
        read_labelled(Path("FILE"))
    line = caught.value.hint.partition(": ")[2].replace("FILE", "'FILE'")
    subprocess.run([sys.executable, "-c", f"import numpy, re\n{line}"], check=True)
    with np.load("digits.npz") as found:
        assert np.array_equal(found["images"], ink)
        assert np.array_equal(found["labels"], LABELS)


@pytest.mark.parametrize("separator", [" ", ","])
def test_rows_of_pictures_that_are_no_squares_become_arrays(
    images, separator, tmp_path, monkeypatch
):
    """UCI's mfeat-pix, and the characters of a tutorial of OpenCV's, 20 x 30."""
    monkeypatch.chdir(tmp_path)
    cut = images[:, :, 4:24]
    Path("FILE").write_bytes(table(cut.reshape(12, -1).T, separator=separator))
    np.savetxt("LABELS", LABELS)
    with pytest.raises(CorruptFileError, match="has 560 columns in its first line") as caught:
        read_labelled(Path("FILE"))
    line = caught.value.hint.partition(": ")[2].replace("FILE", "'FILE'").replace("H, W", "28, 20")
    line = line.replace("LABELS", "'LABELS'")
    subprocess.run([sys.executable, "-c", f"import numpy\n{line}"], check=True)
    found = read_labelled(Path("digits.npz"))
    assert len(found.images) == 12
    assert np.array_equal(found.labels, LABELS)


def test_what_is_compressed_is_to_be_unpacked_before_a_recipe(images):
    packed = zipped(pickle.dumps(images))
    with pytest.raises(CorruptFileError) as caught:
        read_labelled("-", stdin=io.BytesIO(packed))
    assert caught.value.hint.startswith("unpack it; in Python, ")


@pytest.mark.parametrize("shape", [(12, 784), (12, 28, 28)])
def test_lists_in_json_become_arrays(images, shape, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = [("X", images.reshape(shape)), ("y", LABELS.astype(int))]
    for name, values in names:
        Path("FILE").write_text(json.dumps(values.tolist(), indent=1 if name == "y" else None))
        with pytest.raises(CorruptFileError, match="is a list in JSON") as caught:
            read_labelled(Path("FILE"))
        line = caught.value.hint.partition(": ")[2].partition(", and")[0]
        line = line.replace("X.npy", f"{name}.npy").replace("FILE", "'FILE'")
        subprocess.run([sys.executable, "-c", f"import json, numpy\n{line}"], check=True)
    found = read_labelled(Path("X.npy"), raw=True)
    assert np.array_equal(found.images, images)
    assert np.array_equal(found.labels, LABELS)


@pytest.mark.parametrize("brackets", ["[]", "{}", '""', "  "])
@pytest.mark.parametrize("order", [1, -1])
def test_a_table_of_lists_becomes_arrays(images, brackets, order, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lists = [
        f'"{str(each.tolist()).translate({91: brackets[0], 93: brackets[1]})}"' for each in images
    ]
    if "[" not in brackets and "{" not in brackets:  # as FER2013 has its pixels
        lists = [" ".join(map(str, each.ravel())).join(brackets).strip() for each in images]
    cells, titles = [lists, LABELS.astype(int)][::order], ["image", "label"][::order]
    Path("FILE").write_bytes(table(cells, titles))
    with pytest.raises(CorruptFileError, match="is a table with lists in its cells") as caught:
        read_labelled(Path("FILE"))
    line = caught.value.hint.partition(": ")[2].replace("FILE", "'FILE'")
    code = f"import numpy, pandas, re\n{line.replace('digits.npz', 'out.npz')}"
    subprocess.run([sys.executable, "-c", code], check=True)
    found = read_labelled(Path("out.npz"), raw=True)
    assert np.array_equal(found.images, images)
    assert np.array_equal(found.labels, LABELS)


def test_semicolons_are_no_decimal_points_in_small_pictures_either(images):
    small = np.reshape(
        [np.asarray(Image.fromarray(each).resize((8, 8))) for each in images], (12, 64)
    )
    cells = [[f"{value:.2f}".replace(".", ",") for value in row] for row in small.T / 255]
    rows = table([LABELS, *cells], separator=";")
    assert np.array_equal(digits_in(rows)[1], LABELS)


@pytest.mark.parametrize("side", [8, 16, 20, 32])
def test_a_table_of_small_pictures_alone_has_its_labels_beside_it(images, side, tmp_path):
    small = [np.asarray(Image.fromarray(each).resize((side, side))) for each in images]
    (tmp_path / "X.csv").write_bytes(table(np.reshape(small, (12, -1)).T))
    assert [len(batch.greys) for batch in read_batches(tmp_path / "X.csv")] == [12]
    with pytest.raises(CorruptFileError, match=f"its {side * side:,} columns are all pixels"):
        read_labelled(tmp_path / "X.csv")
    (tmp_path / "y.csv").write_bytes(table([LABELS]))
    assert np.array_equal(read_labelled(tmp_path / "X.csv").labels, LABELS)


@pytest.mark.parametrize(
    ("labels", "problem", "hint"),
    [
        (np.where(LABELS == 0, 10, LABELS), "-[3]: its label is 10", "labels begin with 1"),
        (LABELS + 256, "-[0]: its label is 263, expected a digit", "take it out"),
        (LABELS - 1, "-[3]: its label is -1", "take it out, or: mnistcli download"),
        (LABELS + 0.5, "-[0]: its label is 7.5", ""),
        (LABELS * np.nan, "-[0]: its label is no number", ""),
        (LABELS + np.inf, "-[0]: its label is inf", ""),
        (np.where(LABELS == 9, "ninth", "1"), "-[7]: its label is no number", ""),
    ],
)
def test_labels_that_are_no_digits_are_never_dropped(images, labels, problem, hint):
    with pytest.raises(CorruptFileError) as caught:
        read_labelled("-", stdin=io.BytesIO(npz(images=images, labels=labels)))
    assert problem in caught.value.message
    assert caught.value.hint.startswith(hint)


def test_bytes_that_wrapped_round_have_a_hint(images):
    wrapped = images.view(np.int8)
    with pytest.raises(CorruptFileError) as caught:
        read_labelled("-", stdin=io.BytesIO(npz(images=wrapped, labels=LABELS)))
    assert caught.value.hint.startswith("array.view('uint8') for bytes that wrapped round")


def test_the_labels_of_qmnist_are_the_first_of_eight_columns(images, tmp_path):
    wide = np.column_stack([LABELS, *[np.arange(12)] * 7]).astype(np.int32)
    (tmp_path / "a-images-idx3-ubyte").write_bytes(idx(images))
    (tmp_path / "a-labels-idx2-int").write_bytes(idx(wide))
    own = read_labelled(tmp_path / "a-images-idx3-ubyte")
    assert np.array_equal(own.labels, LABELS)


BAD_CELLS = {
    "short": (b"1,2", "has 2 columns, expected 785"),
    "long": (b"1" + b",0" * 785, "has 786 columns, expected 785"),
    "equation": (
        b"1,3=4" + b",0" * 783,
        "column pixel0 holds '3=4', expected a number from 0 to 255",
    ),
    "equation beside quotes": (
        b'"1",3=4' + b",0" * 783,
        "column pixel0 holds '3=4', expected a number from 0 to 255",
    ),
    "text": (b"1,x" + b",0" * 783, "column pixel0 holds 'x', expected a number from 0 to 255"),
    "nothing": (b"1" + b",0" * 782 + b",,0", "column pixel782 holds ''"),
    "nan": (b"1" + b",0" * 783 + b",nan", "column pixel783 holds 'nan'"),
    "256": (b"1,256" + b",0" * 783, "column pixel0 holds 256"),
    "65535": (b"1,65535" + b",0" * 783, "column pixel0 holds 65535"),
    "1e400": (b"1,1e400" + b",0" * 783, "column pixel0 holds inf"),
    "-1": (b"1,-1" + b",0" * 783, "column pixel0 holds -1"),
    "hexadecimal": (b"1,0x1" + b",0" * 783, "column pixel0 holds '0x1'"),
    "other digits": ("1,\u0667".encode() + b",0" * 783, "column pixel0 holds"),
    "NUL": (b"1,\0" + b",0" * 783, "column pixel0 holds"),
}


@pytest.mark.parametrize("cell", BAD_CELLS)
@pytest.mark.parametrize("row", [1, 5])
def test_a_bad_row_is_told_and_the_others_are_answered(images, cell, row):
    line, problem = BAD_CELLS[cell]
    lines = table([LABELS, *columns_of(images)], KAGGLE).splitlines()
    lines[row] = line
    data = b"\n".join(lines)
    (batch,) = read_batches("-", stdin=io.BytesIO(data))
    assert list(batch.faults) == [row - 1]
    assert batch.faults[row - 1].message.startswith(f"- row {row}: {problem}")
    others = np.arange(12) != row - 1
    assert np.array_equal(batch.greys[others], images[others])
    with pytest.raises(CorruptFileError) as caught:
        read_labelled("-", stdin=io.BytesIO(data))
    assert caught.value.message == batch.faults[row - 1].message


@pytest.mark.parametrize("first", ["nan", "x", "inf", "0.0e+00", "1e-05"])
def test_n_rows_without_a_header_give_n_answers(images, first):
    lines = table(columns_of(images)).splitlines()
    lines[0] = first.encode() + lines[0][1:]
    (batch,) = read_batches("-", stdin=io.BytesIO(b"\n".join(lines)))
    assert len(batch.greys) == 12
    assert list(batch.faults) == ([0] if first in ("nan", "x", "inf") else [])


def test_an_array_with_one_bad_picture_gives_the_others(images):
    values = images.astype(np.float32)
    values[4, 3, 3] = np.nan
    got, _, faults = digits_in(npy(values))
    assert faults == ["[4]: holds nan, expected 0 to 255 or 0 to 1"]
    assert np.array_equal(np.delete(got, 4, axis=0), np.delete(images, 4, axis=0))


def test_what_follows_ones_stays_within_them():
    values = np.zeros((1030, 28, 28))
    values[:, 5, 5] = 1
    values[1029] = 7
    _, _, faults = digits_in(npy(values))
    assert faults == ["[1029]: holds 7, expected 0 to 1, as the other values"]


def test_a_broken_picture_of_ones_own_is_named(images):
    blank = images.copy()
    blank[3] = 0
    with pytest.raises(CorruptFileError, match=r"-\[3\]: is blank") as caught:
        read_labelled("-", stdin=io.BytesIO(npz(images=blank, labels=LABELS)))
    assert "--raw" in caught.value.hint


SEEDS = [
    table([LABELS[:2], *columns_of(STROKES[:2])], KAGGLE), table(columns_of(STROKES[:2] / 3)),
    table([LABELS[:2], *columns_of(STROKES[:2])], separator=" "), arff(STROKES[:2], LABELS[:2]),
    npy(STROKES[:2]), npy(np.asfortranarray(STROKES[:2])), npz(images=STROKES[:2], labels=LABELS[:2]),
    idx(STROKES[:2]), zipped(idx(STROKES[:2])), zipped(npz(x=STROKES[:2])), zip_of({"a": npy(STROKES[:2])}),
]  # fmt: skip


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(st.data())
def test_mutated_files_are_refused_or_read(data):
    only_digits_or_one_line(mutate(data.draw, data.draw(st.sampled_from(SEEDS)), st))


@pytest.mark.promise("Parsers", "readers, 2,000 made-up inputs each")
@given(
    st.binary(max_size=200), st.sampled_from([b"", *(seed[:4] for seed in SEEDS), SEEDS[3][:300]])
)
def test_random_bytes_are_refused_or_read(data, start):
    only_digits_or_one_line(start + data)


def only_digits_or_one_line(data):
    try:
        images, labels, _ = digits_in(data)
    except FormatError as error:
        assert "\n" not in str(error)
        assert len(str(error)) < 400
        return
    assert images.ndim == 3
    assert labels is None or len(labels) == len(images)
