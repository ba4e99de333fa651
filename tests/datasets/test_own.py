"""Somebody's own labelled digits become a dataset, which is as safe as can be and joins with +."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import mnistcli
from mnistcli.comparison import compare
from mnistcli.datasets.catalog import check_own_name
from mnistcli.datasets.dataset import LabelledImages, joined
from mnistcli.datasets.gathering import gather, read_to_judge, shared_out
from mnistcli.datasets.store import DatasetStore
from mnistcli.errors import (
    BadImageError,
    CorruptFileError,
    DataUnavailableError,
    UsageError,
)
from mnistcli.evaluation import evaluate
from mnistcli.features import FeatureSpec
from mnistcli.model_selection import design
from mnistcli.model_selection.splits import sample_weights, training_samples
from mnistcli.pictures.read import read_all, read_batches
from mnistcli.prediction import unfold
from mnistcli.registry.card import ModelCard
from mnistcli.settings import FoldSpec, SolverSettings, SplitSpec, TrainingSettings
from mnistcli.tasks import parse_task
from mnistcli.training import reproduce, train
from tests.containers import making
from tests.europeans import draw_europeans

from .conftest import idx_bytes


@pytest.fixture(scope="module")
def drawings(tmp_path_factory):
    return draw_europeans(tmp_path_factory.mktemp("europe") / "drawings", 10)


@pytest.fixture
def own(tmp_path):
    return DatasetStore(tmp_path / "datasets")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture(scope="module")
def few(digits):
    """200 real digits and their labels."""
    return digits["test-images"][:200], digits["test-labels"][:200]


def everything(gathered):
    """Images and labels of both parts, in an order of their own."""
    images = np.concatenate([gathered.train.images, gathered.test.images])
    labels = np.concatenate([gathered.train.labels, gathered.test.labels])
    order = np.lexsort((*images.reshape(len(images), -1).T[::-1], labels))
    return images[order], labels[order]


def assert_same_digits(gathered, few):
    images, labels = few
    order = np.lexsort((*images.reshape(len(images), -1).T[::-1], labels))
    got_images, got_labels = everything(gathered)
    np.testing.assert_array_equal(got_images, images[order])
    np.testing.assert_array_equal(got_labels, labels[order])


# --------------------------------------------------------------------------------------- gathering


def class_folders(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        (folder / str(label)).mkdir(exist_ok=True, parents=True)
        Image.fromarray(image).save(folder / str(label) / f"{i}.png")


def named_files(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        apart = ("_", "-", " (", " - Copy (", ".im0.jpg.")[i % 5]
        Image.fromarray(image).save(folder / f"{label}{apart}{i}).png")


ODD_NAMES = [
    "zero",
    "Digit_1",
    "02",
    "class 3",
    "\u0664",
    "label=5",
    "6",
    "Seven",
    "8-samples",
    "\uff19",
]


def odd_folders(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        kept = (
            folder
            / "5b"
            / ("Ann", "Bj\u00f6rn")[i % 2]
            / ODD_NAMES[label]
            / ("", "May")[i % 3 == 0]
        )
        kept.mkdir(exist_ok=True, parents=True)
        Image.fromarray(image).save(kept / f"{i}.png")
    (folder / "5b" / "notes").mkdir()


def labelled_inside(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        Image.fromarray(image).save(folder / f"img_{i}_label_{label}.png")


def counted_inside(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        Image.fromarray(image).save(folder / f"{i:06}-num{label}.png")


def called_in_words(folder, images, labels):
    words = ["zero", "one", "Zwei", "three", "four", "fünf", "six", "seven", "eight", "neun"]
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        Image.fromarray(image).save(folder / f"{words[label]}{('_2_', ' ')[i % 2]}({i}).png")


def numbered_by_windows(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        Image.fromarray(image).save(folder / f"{('', 'digit ')[i % 2]}{label} ({i}).png")


def csv(folder, images, labels):
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    header = ",".join(["label", *(f"pixel{i}" for i in range(784))])
    np.savetxt(folder / "digits.csv", rows, "%d", ",", header=header, comments="")


def npz(folder, images, labels):
    np.savez(folder / "digits.npz", images=images, labels=labels)


def idx(folder, images, labels):
    (folder / "train-images-idx3-ubyte").write_bytes(idx_bytes(images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    for name in ("images-idx3", "labels-idx1"):  # torchvision keeps both
        path = folder / f"train-{name}-ubyte"
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))


def listed(folder, images, labels):
    (folder / "all").mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / "all" / f"{i}.png")
    slash = "/\\"  # as Windows names them, too
    rows = (f"{i};{label};all{slash[i % 2]}{i}.png\n" for i, label in enumerate(labels.tolist()))
    (folder / "names.csv").write_text(f"\ufeffid;Digit;picture\n{''.join(rows)}", "utf-8")


def listed_by_excel(folder, images, labels):
    (folder / "Bilder").mkdir()
    names = [f"\u00dcbung {i}.PNG" for i in range(len(images))]
    for name, image in zip(names, images, strict=True):
        # macOS takes letters and their marks apart.
        Image.fromarray(image).save(folder / "Bilder" / unicodedata.normalize("NFD", name))
    rows = [
        f"Bilder\\{name.lower()};{label}\r\n" for name, label in zip(names, labels, strict=True)
    ]
    (folder / "names.csv").write_bytes("".join(["Datei;Ziffer\r\n", *rows]).encode("cp1252"))


def arrays(folder, images, labels):
    np.save(folder / "X_train.npy", images)
    np.save(folder / "y_train.npy", labels.astype(str))


def in_nists_folders(folder, images, labels):
    for i, (image, label) in enumerate(zip(images, labels.tolist(), strict=True)):
        kept = folder / "by_class" / f"{0x30 + label:x}" / "hsf_0"
        kept.mkdir(exist_ok=True, parents=True)
        Image.fromarray(image).save(kept / f"hsf_0_{i:05}.png")
    (folder / "by_class" / "4a").mkdir()


def tables_apart(folder, images, labels):
    np.savetxt(folder / "X_train.csv", images.reshape(len(images), -1), "%d", ",")
    named = "".join(f"{i},{label}\n" for i, label in enumerate(labels.tolist()))
    (folder / "y_train.csv").write_text(f"id,label\n{named}")


def texts_apart(folder, images, labels):
    np.savetxt(folder / "train-images.txt", images.reshape(len(images), -1), "%d")
    np.savetxt(folder / "train-labels.txt", labels, "%d")
    (folder / "README.txt").write_text("ours\n")


def pandas_frames_apart(folder, images, labels):
    header = ",".join(map(str, range(784)))
    pixels = images.reshape(len(images), -1)
    np.savetxt(folder / "X.csv", pixels, "%d", ",", header=header, comments="")
    np.savetxt(folder / "y.csv.gz", labels, "%d", header="0", comments="")


def packed_and_called_by_parts(folder, images, labels):
    (folder / "train.gz").write_bytes(gzip.compress(idx_bytes(images)))
    (folder / "train_labels.gz").write_bytes(gzip.compress(idx_bytes(labels)))


def arrays_called_digits(folder, images, labels):
    np.save(folder / "digits.npy", images)
    np.save(folder / "digits_target.npy", labels)


def an_array_and_a_table(folder, images, labels):
    np.save(folder / "X.npy", images)
    np.savetxt(folder / "y.csv", labels, "%d", header="label", comments="")


def a_table_and_an_array(folder, images, labels):
    np.savetxt(folder / "X.csv", images.reshape(len(images), -1), "%d", ",")
    np.save(folder / "y.npy", labels)


def listed_in_a_text(folder, images, labels):
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i}.png")
    rows = [f"{i}.png {label}\n" for i, label in enumerate(labels.tolist())]
    (folder / "train.txt").write_text("".join(rows))
    (folder / "val.txt").write_text("0.png\n1.png\n")


@pytest.mark.parametrize(
    "write",
    [
        in_nists_folders,
        tables_apart,
        texts_apart,
        packed_and_called_by_parts,
        arrays_called_digits,
        pandas_frames_apart,
        listed_in_a_text,
        class_folders,
        odd_folders,
        named_files,
        labelled_inside,
        counted_inside,
        called_in_words,
        numbered_by_windows,
        listed,
        listed_by_excel,
        csv,
        npz,
        idx,
        arrays,
    ],
)
def test_every_layout_gives_the_same_digits(folder, few, write):
    write(folder, *few)
    found = gather(folder)
    assert_same_digits(found, few)
    assert (len(found.train.labels), len(found.test.labels)) == (160, 40)
    # every digit keeps its share, and the seed decides which images
    counts = np.bincount(few[1]) * 0.2
    assert (np.abs(np.bincount(found.test.labels, minlength=10) - counts) < 1).all()
    again, other = gather(folder), gather(folder, seed=1, test_size=0.5)
    np.testing.assert_array_equal(again.test.images, found.test.images)
    assert len(other.test.labels) == 100
    shutil.make_archive(str(folder.parent / "a"), "zip", folder.parent, folder.name)
    packed = gather(folder.parent / "a.zip")
    assert not packed.failures
    np.testing.assert_array_equal(packed.test.images, found.test.images)
    judged = read_to_judge(folder.parent / "a.zip")
    assert len(judged.labels) == 200
    np.testing.assert_array_equal(read_to_judge(folder).labels, judged.labels)
    if write in (csv, npz, listed):
        file = next(each for each in folder.iterdir() if each.name != "all")
        np.testing.assert_array_equal(gather(file).test.images, found.test.images)


def test_a_table_of_names_says_what_pictures_beside_it_show(folder, few):
    images, _ = few
    for i in range(6):
        Image.fromarray(images[i]).save(folder / f"9_{i}.png")
    (folder / "test.csv").write_text("9_0.png,1\n 9_1.png , 2 \n")
    (folder / "train.tsv").write_text(
        "9_2.png\t3\n\ngone.png\t4\n9_3.png\tnone\n9_4.png\na\0b.png\t1\n"
    )
    found = gather(folder)
    assert found.test.labels.tolist() == [1, 2]
    assert found.train.labels.tolist() == [3, 9]  # what no table names is called 9_5.png
    np.testing.assert_array_equal(found.train.images, images[[2, 5]])
    nothing = "nothing says which digit it shows"
    assert found.failures == (
        (str(folder / "gone.png"), "no such file or directory"),
        (str(folder / "9_3.png"), nothing),
        (str(folder / "9_4.png"), nothing),
        (str(folder / "a\ufffdb.png"), "no such file or directory"),
    )


@pytest.mark.parametrize(
    "rows",
    [
        "# of 7b\nfile,label\n{}.png,{}.0\n", "sep=;\nfile;label\n{}.png;{}\n", "{}.png {}\n",
        "id|class|name\n5|{1}|{0}.png\n",
        "label,writer,id\n{1},8,{0}\n", "{}\t{}\n", "../source/{}.png,{},TRUE\n",
        "time,img_path,prediction,true_label,corrected\n9:00,./{0}.png,7,{1},no\n",
    ],
)  # fmt: skip
def test_a_table_of_names_is_read_as_other_tables_are(folder, few, rows):
    head, row = rows.rsplit("\n", 2)[:2] if rows.count("\n") > 1 else ("", rows.strip())
    text = "\n".join(
        [head, *(row.format(i, label) for i, label in enumerate(few[1][:20].tolist()))]
    )
    (folder / "names.csv").write_text(text, "utf-16")
    for i, image in enumerate(few[0][:20]):
        Image.fromarray(image).save(folder / f"{i}.png")
    assert_same_digits(gather(folder), (few[0][:20], few[1][:20]))


@pytest.mark.parametrize(
    ("text", "n"), [("file,writer,shown by\n0.png,1,7\n", 0), ("0,0.png,7\n1,1.png,2\n", 2)]
)
def test_a_column_of_digits_that_may_be_another_is_not_guessed(folder, few, text, n):
    (folder / "names.csv").write_text(text)
    problem = f"has {n} columns that may be the digits of its pictures"
    for path in (folder, folder / "names.csv"):
        with pytest.raises(CorruptFileError, match=problem):
            gather(path)
    class_folders(folder, *few)
    found = gather(folder)
    assert_same_digits(found, few)
    assert found.failures == ((str(folder / "names.csv"), problem),)


def test_a_workbook_called_csv_spoils_no_folder(folder, few):
    class_folders(folder, *few)
    with zipfile.ZipFile(folder / "names.csv", "w") as workbook:
        workbook.writestr("[Content_Types].xml", "")
    found = gather(folder)
    assert_same_digits(found, few)
    assert found.failures == (
        (str(folder / "names.csv"), "is an Excel, Word or OpenDocument file"),
    )


def test_numbers_of_pictures_are_no_labels(folder, few):
    for i, (image, label) in enumerate(zip(few[0][:12], few[1], strict=False)):
        Image.fromarray(image).save(folder / f"{i}_{label}.png")
    with pytest.raises(CorruptFileError, match="are called by a number or a day of their own"):
        gather(folder)
    (folder / "10_0.png").unlink()
    (folder / "11_6.png").rename(folder / "5_20241126.png")
    (folder / "20241126_5.png").write_bytes(b"")  # of a phone
    assert len(gather(folder).failures) == 1


NAMES = (
    "null eins zwei drei vier fünf sechs sieben acht neun",
    "0_zero 1_one 2-two three_3 4.four 5five 6.six 7_seven 8_eight nine(9)",
    "cls_0 Ziffer1 num2 class_3 Klasse-4 number5 zahl_6 label7 digit_8 Digit9",
)


@pytest.mark.parametrize("name", ["{}", "class_{}", "{:02}"])
def test_folders_that_count_from_one_to_ten_are_not_half_taken(folder, few, name):
    for i, image in enumerate(few[0][:12]):  # ten may be zero or nine, or they are twelve pupils
        (folder / name.format(i + 1)).mkdir()
        Image.fromarray(image).save(folder / name.format(i + 1) / "a.png")
    with pytest.raises(CorruptFileError, match="called 1 to 12, which count no digits") as caught:
        gather(folder)
    assert "called 0 to 9" in caught.value.hint
    (folder / name.format(10)).rename(folder / "0")
    assert len(everything(gather(folder))[1]) == 10


@pytest.mark.parametrize("name", ["{}", "{:02}", "class {}"])
def test_folders_of_more_classes_than_digits_and_letters_are_none_of_digits(folder, few, name):
    for i in range(64):  # as of all letters of ASCII, or of numbers of two digits
        (folder / name.format(i)).mkdir()
        Image.fromarray(few[0][i]).save(folder / name.format(i) / "a.png")
    with pytest.raises(CorruptFileError, match="has folders called 0 to 63, which count no digits"):
        gather(folder)
    for i in (62, 63):
        shutil.rmtree(folder / name.format(i))
    assert sorted(everything(gather(folder))[1]) == [*range(10)]  # of EMNIST, the others letters


def test_a_folder_that_is_no_class_spoils_not_those_that_are(folder, few):
    class_folders(folder / "digits", *few)
    class_folders(folder / "digits" / "100", *few)  # which counts nothing, as there is no 10
    class_folders(folder / "3 writers" / "1", *few)
    (folder / "shots").mkdir()
    for i in range(3):
        Image.fromarray(few[0][i]).save(folder / "shots" / f"2024-01-{i + 10}.png")
    found = gather(folder)
    assert_same_digits(found, few)
    told = {Path(source).relative_to(folder).as_posix(): why for source, why in found.failures}
    assert told.keys() == {"digits/100", "3 writers/1", "shots"}
    assert "by a number or a day of their own" in told["shots"]
    np.testing.assert_array_equal(read_to_judge(folder).labels, everything(found)[1])


@pytest.mark.parametrize("name", ["1", "one", "class 1"])
def test_folders_of_all_ten_digits_in_one_of_a_digit_are_not_guessed(folder, few, name):
    class_folders(folder / name, *few)
    problem = "is called after 1, and the folders in it after all ten digits"
    with pytest.raises(CorruptFileError, match=problem):
        gather(folder)
    (folder / name).rename(folder / "anna")
    assert_same_digits(gather(folder), few)


def test_a_file_of_which_nothing_can_be_used_counts_its_rows(folder, few):
    images, labels = few
    np.savez(folder / "good.npz", images=images, labels=labels)
    np.savez(folder / "blank.npz", images=np.full((5, 28, 28), 9, np.uint8), labels=np.arange(5))
    assert [source for source, _ in gather(folder).failures] == [
        f"{folder / 'blank.npz'}[{i}]" for i in range(5)
    ]
    (folder / "good.npz").unlink()
    with pytest.raises(CorruptFileError, match=r"blank.npz\[0\]: is blank"):
        gather(folder)


@pytest.mark.parametrize("name", ["digit{0}", "label_{0}", "my digit {0}", "{1}_{2}"])
def test_pictures_that_are_counted_are_not_labelled(folder, few, name):
    for i, image in enumerate(few[0][:60], 1):  # or called after 25 pupils
        Image.fromarray(image).save(folder / f"{name.format(i, i % 25, i // 25)}.png")
    with pytest.raises(CorruptFileError, match="are called by a number or a day of their own"):
        gather(folder)


@pytest.mark.parametrize("name", ["{}", "digit{}", "Number {}", "label_{}"])
def test_pictures_called_by_a_digit_alone_are_asked_about(folder, few, name):
    for i, image in enumerate(few[0][:9]):
        Image.fromarray(image).save(folder / f"{name.format(i)}.png")
    Image.fromarray(few[0][9]).save(folder / "mine.png")
    with pytest.raises(CorruptFileError, match=r"0\.png: is called by a digit alone") as caught:
        gather(folder)
    assert f"call it {name.format(0)}_.png" in caught.value.hint
    for i in range(9):
        (folder / f"{name.format(i)}.png").rename(folder / f"{name.format(i)}_.png")
    assert sorted(everything(gather(folder))[1]) == [*range(9)]


@pytest.mark.parametrize("name", ["{}", "digit{}"])
@pytest.mark.parametrize("below", ["", "anna"])
def test_ten_pictures_called_by_all_digits_are_labelled_and_told(folder, few, name, below):
    (folder / below).mkdir(exist_ok=True)
    for label, image in zip(few[1][::-1].tolist(), few[0][::-1], strict=True):
        Image.fromarray(image).save(folder / below / f"{name.format(label)}.png")
    first = [few[1].tolist().index(k) for k in range(10)]
    told = "10 pictures called by a digit alone, taken for the label: {}/{}.png, ..."
    archive = Path(shutil.make_archive(str(folder), "zip", folder))
    for path in (folder, archive):
        found = gather(path)
        assert_same_digits(found, (few[0][first], few[1][first]))
        notes = told.format(path / below, name.format(0))
        assert (found.notes[0], found.failures) == (notes, ())
        assert read_to_judge(path).notes[0] == notes
    Image.fromarray(few[0][0]).save(folder / below / f"{name.format(10)}.png")
    with pytest.raises(CorruptFileError, match="called by a"):
        gather(folder)


@pytest.mark.parametrize("copy", ["3_2", "3 (2)", "3-b"])
def test_a_digit_alone_is_a_label_beside_another_picture_of_it(folder, few, copy):
    for i, name in enumerate(["0", "1", "3", copy]):
        Image.fromarray(few[0][i]).save(folder / f"{name}.png")
    found = gather(folder)
    assert (sorted(everything(found)[1]), found.failures) == ([0, 1, 3, 3], ())
    assert "3 pictures called by a digit alone" in found.notes[0]


def test_pictures_beside_folders_of_labelled_ones_are_left_out_with_a_note(folder, few):
    class_folders(folder / "mine", *few)
    for name in ("mine/logo.png", "screenshot.png", "photo 12.jpg"):
        Image.fromarray(few[0][0]).save(folder / name)
    Image.fromarray(few[0][1]).save(folder / "mine" / "3" / "0.png")  # no label, in a folder of one
    archive = Path(shutil.make_archive(str(folder), "zip", folder))
    for path in (folder, archive):
        told = f"3 pictures without a label, left out: {path}/mine/logo.png, ..."
        found = gather(path)
        assert (len(everything(found)[1]), found.failures) == (len(few[1]) + 1, ())
        assert found.notes[0] == told
        assert read_to_judge(path).notes[0] == told
    (folder / "mine" / "3_1.png").symlink_to("logo.png")  # now others there are labelled, too
    found = gather(folder)
    assert found.failures == ((f"{folder}/mine/logo.png", "nothing says which digit it shows"),)
    assert "2 pictures without a label" in found.notes[0]


@pytest.mark.parametrize("day", ["{}-11-2024", "{}_11_2024 (2)", "{}-Nov-2024 14.22", "0{}-3-2024"])
def test_days_are_no_labels(folder, few, day):
    for i, image in enumerate(few[0][:18]):
        Image.fromarray(image).save(folder / f"{day.format(1 + i % 9)}{'.png' * (1 + i // 9)}")
    with pytest.raises(CorruptFileError, match="are called by a number or a day of their own"):
        gather(folder)


def test_a_count_that_looks_like_a_year_is_one_beside_others(folder, few):
    for i, image in enumerate(few[0]):
        count = 1950 + i if i < 80 else i
        Image.fromarray(image).save(folder / f"{few[1][i]}_11_{count}.png")
    assert_same_digits(gather(folder), few)


@pytest.mark.parametrize("name", ["one more.png", "zero_shot_5.png", "One-to-one.png"])
def test_a_word_is_a_label_where_nothing_but_a_count_follows(folder, few, name):
    Image.fromarray(few[0][0]).save(folder / "three.png")
    Image.fromarray(few[0][1]).save(folder / "Zwei-4.png")
    Image.fromarray(few[0][2]).save(folder / name)
    found = gather(folder)
    assert sorted(everything(found)[1]) == [2, 3]
    assert found.failures == ((str(folder / name), "nothing says which digit it shows"),)


@pytest.mark.parametrize("names", NAMES)
def test_folders_may_be_called_in_words_and_in_german(folder, few, names):
    class_folders(folder, *few)
    for digit, name in enumerate(names.split()):
        (folder / str(digit)).rename(folder / name)
    assert_same_digits(gather(folder), few)
    with zipfile.ZipFile(folder.parent / "a.zip", "w") as archive:
        for path in folder.rglob("*.png"):  # which Info-ZIP writes in UTF-8 and does not say so
            name = str(path.relative_to(folder))
            archive.write(path, name.encode().decode("cp437"))
    assert_same_digits(gather(folder.parent / "a.zip"), few)


@pytest.mark.parametrize("strange", ["pupil_3", "true", "2 or 7", "1st", "28x28", "9_eight", "12"])
def test_folders_beside_those_of_digits_are_left_out_and_told(folder, few, strange):
    class_folders(folder, *few)
    told = ((str(folder / strange), "nothing says which digit it shows"),)
    (folder / strange / "empty").mkdir(parents=True)
    assert not gather(folder).failures
    class_folders(folder / strange, few[0][:9], few[1][:9] * 0)  # none of its own, but below it
    found = gather(folder)
    assert_same_digits(found, few)
    assert found.failures == told
    shutil.copytree(folder / strange / "0", folder / strange, dirs_exist_ok=True)
    assert gather(folder).failures == told


def test_folders_of_digits_in_another_lie_beside_pictures_that_their_names_label(folder, few):
    (folder / "test").mkdir(parents=True)
    for i in range(20):
        Image.fromarray(few[0][i]).save(folder / "test" / f"{few[1][i]}({i}).png")
    class_folders(folder / "captured", few[0][20:], few[1][20:])
    Image.fromarray(few[0][0]).save(folder / "captured" / "cover.png")
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, few)
    assert len(found.test.labels) == 20
    shutil.move(folder / "captured" / "3", folder / "captured" / "tree")
    assert len(gather(folder).failures) == 1  # as where they lie alone
    (folder / "test").rename(folder / "train")
    found = gather(folder)  # whose training images are all there
    assert_same_digits(found, (few[0][:20], few[1][:20]))
    assert found.failures == ((str(folder / "captured"), "nothing says which digit it shows"),)


def test_copies_in_folders_of_digits_below_are_not_taken_again(folder, few):
    for i in range(20):
        Image.fromarray(few[0][i]).save(folder / f"{few[1][i]}_{i}.png")
    class_folders(folder / "backup", few[0][:20], few[1][:20])
    found = gather(folder)
    assert_same_digits(found, (few[0][:20], few[1][:20]))
    assert found.failures == ((str(folder / "backup"), "nothing says which digit it shows"),)


def test_an_archive_in_a_folder_is_told_of(folder, few):
    class_folders(folder / "digits", *few)
    shutil.make_archive(folder / "train" / "digits", "zip", folder / "digits")
    shutil.rmtree(folder / "digits")
    with pytest.raises(CorruptFileError, match=r"digits\.zip: is an archive of several files"):
        gather(folder)
    assert_same_digits(gather(folder / "train" / "digits.zip"), few)


def test_pictures_of_one_of_several_people_that_nothing_is_said_of_are_told(folder, few):
    class_folders(folder / "anna", *few)
    shutil.copytree(folder / "anna" / "3", folder / "ben" / "form" / "scans")
    found = gather(folder)
    assert_same_digits(found, few)
    assert {Path(source).parent for source, _ in found.failures} == {folder / "ben/form/scans"}
    assert {reason for _, reason in found.failures} == {"nothing says which digit it shows"}


def test_digits_lie_in_folders_below_and_where_these_are_too_many_that_is_told(folder, few):
    class_folders(folder / "all", *few)
    for digit in map(str, range(10)):
        shutil.move(folder / "all" / digit, folder / digit / "school" / "form" / "pupil")
    assert_same_digits(gather(folder), few)
    shutil.move(folder / "3" / "school", folder / "3" / "a" / "school")
    told = (
        str(folder / "3" / "a" / "school" / "form" / "pupil"),
        "is a folder, expected a picture",
    )
    assert gather(folder).failures == (told,)


def test_a_table_names_pictures_that_lie_in_folders_below(folder, few):
    names = [f"{i}.png" for i in range(10)]
    for part, n in (("train", 0), ("test", 10)):
        class_folders(folder / "all" / part, few[0][n : n + 10], np.zeros(10, int))
        (folder / "all" / part / "0").rename(folder / "all" / part / "pictures")
        rows = zip(names, few[1][n : n + 10].tolist(), strict=True)
        text = "".join(f"C:\\Users\\me\\{name},{label}\n" for name, label in rows)
        (folder / f"{part}.csv").write_text(text)
    found = gather(folder)
    assert not found.failures
    np.testing.assert_array_equal(found.train.images, few[0][:10])
    np.testing.assert_array_equal(found.test.images, few[0][10:20])
    (folder / "test.csv").rename(folder / "t.csv")
    with pytest.raises(CorruptFileError, match="no such file"):  # which of two is not said
        gather(folder / "t.csv")


@pytest.mark.parametrize(
    "rows",
    [
        "name,label,split\n{0}.png,{1},{2}\n",
        "{2} {0}.png {1}\n",
        "Usage,x,digit,f\n{2},5,{1},{0}.png\n",
        "Usage,f,digit\n{2},{0}.png,{1},,note {0}\n",
        "{2},{0}.png,{1},\n",
        "{2}/{0}.png;{1}\n",
    ],
)
def test_a_column_or_a_folder_says_which_pictures_are_for_the_test(folder, few, rows):
    for i, image in enumerate(few[0][:20]):
        place = folder / (("train", "test")[i >= 15] if rows[3] == "/" else "") / f"{i}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(place)
    head, row = rows.rsplit("\n", 2)[:2] if rows.count("\n") > 1 else ("", rows.strip())
    parts = ("Training", "PublicTest") if "Usage" in head else ("train", "test")
    lines = [row.format(i, few[1][i], parts[i >= 15]) for i in range(20)]
    (folder / "names.csv").write_text("\n".join([head, *lines]))
    found = gather(folder)
    assert not found.failures
    if ",split" in rows:
        text = (folder / "names.csv").read_text().replace("train", "", 2)  # said of some
        (folder / "names.csv").write_text(text)
        found = gather(folder)
    np.testing.assert_array_equal(found.train.images, few[0][:15])
    np.testing.assert_array_equal(found.test.labels, few[1][15:20])


@pytest.mark.parametrize("suffix", [".amat", ".tab", ".asc", ".tra"])
def test_tables_by_other_names(folder, few, suffix):
    rows = np.column_stack([few[0].reshape(200, -1) / 255, few[1]])
    np.savetxt(folder / f"mnist_train{suffix}", rows[:150], "%.7g")
    np.savetxt(folder / f"mnist_test{suffix}", rows[150:], "%.7g")
    (folder / "README").touch()
    found = gather(folder)
    assert (found.train.labels.tolist(), found.failures) == (few[1][:150].tolist(), ())
    np.testing.assert_array_equal(found.test.images, few[0][150:])


def test_an_empty_table_beside_folders_of_digits_changes_nothing(folder, few):
    class_folders(folder, *few)
    (folder / "odd.csv").write_text("\n")
    found = gather(folder)
    assert_same_digits(found, few)


def test_a_table_that_names_pictures_in_another_column_each_time_is_refused(folder, few):
    class_folders(folder, *few)
    (folder / "odd.csv").write_text("x,5,z,3/0.png,1\na,0.png\n")
    with pytest.raises(CorruptFileError, match="columns that may be the digits of its pictures"):
        gather(folder / "odd.csv")


def test_pictures_of_a_table_are_looked_for_three_folders_below_it(folder, few):
    (folder / "names.csv").write_text("0.png,1\n1.png,2\n2.png,3\n3.png,4\n")
    for i, place in enumerate(("a", "a/b", "a/b/c", "a/b/c/d")):
        (folder / place).mkdir()
        Image.fromarray(few[0][i]).save(folder / place / f"{i}.png")
    found = gather(folder / "names.csv")
    assert found.failures == ((str(folder / "3.png"), "no such file or directory"),)


def metadata(folder, images, labels):
    """As Hugging Face's folders of images have it."""
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:04d}.png")
    rows = [f"{i:04d}.png,{label}\n" for i, label in enumerate(labels.tolist())]
    (folder / "metadata.csv").write_text("".join(["file_name,label\n", *rows]))


def one_hot_metadata(folder, images, labels):
    """As Roboflow exports it."""
    metadata(folder, images, labels)
    rows = ["filename," + ",".join(f" {digit}" for digit in range(10))]
    rows += [
        f"{i:04d}.png," + ",".join(map(str, np.eye(10, dtype=int)[label]))
        for i, label in enumerate(labels)
    ]
    (folder / "metadata.csv").rename(folder / "_classes.csv").write_text("\n".join(rows))


@pytest.mark.parametrize("write", [metadata, one_hot_metadata, arrays, tables_apart, csv])
def test_tables_and_arrays_may_lie_in_folders_called_after_parts(folder, few, write):
    for part, rows in (("train", slice(0, 150)), ("test", slice(150, 200))):
        (folder / part).mkdir()
        write(folder / part, few[0][rows], few[1][rows])
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, few)
    np.testing.assert_array_equal(found.test.images, few[0][150:])
    np.testing.assert_array_equal(read_to_judge(folder).labels, few[1][150:])


def test_a_table_that_contradicts_the_folders_is_not_believed(folder, few):
    """fastai's mnist_sample has threes and sevens, and a table that calls them 0 and 1."""
    is_wanted = np.isin(few[1], [3, 7])
    images, labels = few[0][is_wanted], few[1][is_wanted]
    class_folders(folder / "train", images, labels)
    rows = [f"train/{label}/{i}.png,{label // 7}\n" for i, label in enumerate(labels.tolist())]
    (folder / "labels.csv").write_text("".join(["name,label\n", *rows]))
    found = gather(folder)
    assert_same_digits(found, (images, labels))
    (failure,) = found.failures
    assert re.fullmatch("says [01] of a picture in a folder that is called after [37]", failure[1])
    right = f"train/{labels[0]}/0.png,{labels[0]}"
    (folder / "labels.csv").write_text(f"name,label\n{right}\n{rows[1]}")  # one in two is corrected
    assert not gather(folder).failures


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        ("ARDIS_train_2828.csv", "ARDIS_train_labels.csv"),
        ("csvTrainImages 60k x 784.csv", "csvTrainLabel 60k x 1.csv"),
        ("train.csv", "train_labels.csv"),
    ],
)
def test_labels_beside_images_need_not_have_the_size_in_their_name(folder, few, images, labels):
    np.savetxt(folder / images, few[0].reshape(200, 784))
    np.savetxt(folder / labels, few[1])
    for path in (folder, folder / images):
        found = gather(path)
        assert not found.failures
        assert_same_digits(found, few)


def test_an_archive_of_arrays_and_tables_is_a_folder(tmp_path, folder, few):
    an_array_and_a_table(folder, *few)
    file = shutil.make_archive(str(tmp_path / "digits"), "zip", folder)
    assert_same_digits(gather(Path(file)), few)
    assert len(read_to_judge(Path(file)).labels) == 200


def test_a_table_of_digits_beside_labelled_pictures_is_told(folder, few):
    class_folders(folder, *few)
    csv(folder, *few)
    (folder / "counts.csv").write_text("digit,count\n3,20\n")
    found = gather(folder)
    assert_same_digits(found, few)
    told = f"2 files beside labelled pictures, not read: {folder / 'counts.csv'}, ..."
    assert told in found.notes
    assert not found.failures
    assert told in read_to_judge(folder).notes


def test_drawings_in_letters_that_are_called_after_their_digits_are_pictures(folder, tmp_path, few):
    for part, of in (("trainingDigits", slice(0, 60)), ("testDigits", slice(60, 80))):
        (folder / part).mkdir()
        for i, (image, label) in enumerate(zip(few[0][of], few[1][of], strict=True)):
            lines = ("".join(str(int(pixel > 100)) for pixel in row) for row in image)
            (folder / part / f"{label}_{i}.txt").write_text("\n".join(lines))
        (folder / part / "3_99.txt").write_text("3 0.5 0.5 0.2 0.3")  # a detector's, of 3_99.jpg
    archive = shutil.make_archive(str(tmp_path / "digits"), "zip", folder)
    for path in (folder, Path(archive)):
        found = gather(path)
        assert not found.failures
        assert sorted(found.train.labels) == sorted(few[1][:60])
        assert sorted(found.test.labels) == sorted(few[1][60:80])
    inputs = [*read_all(unfold([folder / "testDigits"]))]
    assert [batch.notes for batch in inputs] == [("a drawing in letters",)] * 20
    assert [batch.notes for batch in read_batches(Path(archive))] == [inputs[0].notes] * 80
    table = folder / "testDigits" / "3.txt"  # called so, and no drawing
    np.savetxt(table, np.hstack([few[1][:, None], few[0].reshape(-1, 784)]), "%d", ",")
    assert_same_digits(gather(table), few)
    table.unlink()
    (folder / "own").mkdir()
    for name in ("3.txt", "7.txt"):  # which a count may be as well
        shutil.copy(next((folder / "testDigits").glob(f"{name[0]}_?*.txt")), folder / "own" / name)
    assert len([*read_all(unfold([folder / "own"]))]) == 2
    with pytest.raises(CorruptFileError, match="called by a digit alone") as caught:
        gather(folder / "own")
    assert "call it 3_.txt" in caught.value.hint
    for name in ("3.txt", "7.txt"):
        (folder / "own" / name).rename(folder / "own" / f"{name[0]}_.txt")
    assert sorted(everything(gather(folder / "own"))[1]) == [3, 7]


@pytest.mark.parametrize("side", [10, 15])
def test_samples_and_responses_of_opencvs_tutorial_belong_together(folder, few, side):
    samples = [np.asarray(Image.fromarray(image).resize((side, side))) for image in few[0][:60]]
    np.savetxt(folder / "generalsamples.data", np.reshape(samples, (60, -1)))
    np.savetxt(folder / "generalresponses.data", few[1][:60])
    for path in (folder, folder / "generalsamples.data"):
        assert sorted(everything(gather(path))[1]) == sorted(few[1][:60])


def test_pictures_on_the_web_are_not_fetched(folder):
    (folder / "list.csv").write_text("img_path,label\nhttps://example.org/9/49.png,9\n")
    for read in (gather, read_to_judge):
        with pytest.raises(CorruptFileError, match="names pictures on the web") as caught:
            read(folder / "list.csv")
        assert caught.value.hint == "fetch them first, into a folder beside it"


def test_a_place_on_a_map_is_no_digit_where_another_column_is(folder, few):
    (folder / "pictures").mkdir()
    rows = ["img_path,label,y"]
    for i, (image, label) in enumerate(zip(few[0][:20], few[1], strict=False)):
        Image.fromarray(image).save(folder / "pictures" / f"{i}.png")
        rows.append(f"pictures/{i}.png,{label},{i / 3}")
    (folder / "clusters.csv").write_text("\n".join(rows))
    assert_same_digits(gather(folder), (few[0][:20], few[1][:20]))


def test_pictures_without_a_label_beside_data_are_told(folder, few):
    csv(folder, *few)
    for name in ("own_1.png", "own_2.png"):
        Image.fromarray(few[0][0]).save(folder / name)
    found = gather(folder)
    assert_same_digits(found, few)
    told = f"2 pictures without a label, left out: {folder / 'own_1.png'}, ..."
    assert told in found.notes
    assert told in read_to_judge(folder).notes


def test_labels_are_no_digits_that_another_table_has(folder, few):
    csv(folder, few[0][:100], few[1][:100])
    (folder / "digits.csv").rename(folder / "train.csv")
    csv(folder, few[0][100:], few[1][100:])
    (folder / "digits.csv").rename(folder / "train_digits.csv")
    assert_same_digits(gather(folder), few)


@pytest.mark.parametrize("pupil", ["{}", "class {}"])
def test_folders_of_people_that_are_called_like_digits_are_not_guessed(folder, few, pupil):
    for i, (image, label) in enumerate(zip(few[0][:60], few[1].tolist(), strict=False)):
        place = folder / pupil.format(i % 3 + 1)
        place.mkdir(exist_ok=True)
        Image.fromarray(image).save(place / f"{label}_{i}.png")
    problem = f"{pupil.format(1)}: is called after 1, and its pictures after other digits"
    with pytest.raises(CorruptFileError, match=problem):
        gather(folder)


@pytest.mark.parametrize(
    "names",
    [
        ("1_a", "2_a", "3_a"),
        ("1 (1)", "1 (2)", "1 (3)"),
        ("7_1", "1_2", "7_3"),
        ("12_1", "12_2", "3_1", "3_2"),
    ],
)
def test_pictures_in_folders_of_digits_may_be_counted(folder, few, names):
    (folder / "7").mkdir()
    for name, image in zip(names, few[0], strict=False):
        Image.fromarray(image).save(folder / "7" / f"{name}.png")
    assert everything(gather(folder))[1].tolist() == [7] * len(names)


def test_a_picture_that_is_named_twice_shows_one_digit(folder, few):
    """Where there are boxes in pictures, or two people who label them."""
    for i in range(2):
        Image.fromarray(few[0][i]).save(folder / f"{i}.png")
    (folder / "labels.csv").write_text("file,label\n0.png,7\n1.png,2\n0.png,7\n")
    assert gather(folder / "labels.csv").train.labels.tolist() == [7, 2]
    (folder / "labels.csv").write_text("file,label,xmin\n0.png,7,1\n1.png,2,1\n0.png,3,30\n")
    with pytest.raises(CorruptFileError, match="several times, with different digits"):
        gather(folder / "labels.csv")


def test_names_are_found_as_windows_and_macos_find_them(folder, few):
    (folder / "scans").mkdir()
    for i in range(20):
        Image.fromarray(few[0][i]).save(folder / "scans" / f"Bla\u0308tter {i}.PNG")
    rows = (f"BL\u00c4TTER {i}.png,{few[1][i]}\n" for i in range(20))
    (folder / "labels.csv").write_text("".join(rows), "utf-8")
    found = gather(folder)
    assert_same_digits(found, (few[0][:20], few[1][:20]))
    assert not found.failures


@pytest.mark.parametrize("apart", [",", "\n"])
def test_pictures_are_found_by_the_end_of_the_way_to_them(folder, few, apart):
    """Which is another where a table was written; the digit may stand below a name."""
    rows = []
    for i, label in enumerate(few[1][:60].tolist()):
        way = Path(("train", "test")[i > 40], "pictures", "abc"[label % 3], f"{i // 9}.png")
        if not (folder / way).exists():
            (folder / way).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(few[0][i]).save(folder / way)
            rows.append((i, f"D:\\me\\{way}{apart}{label}\n".replace("/", "\\")))
    (folder / "all.txt").write_text("".join(row for _, row in rows))
    found, which = gather(folder / "all.txt"), [i for i, _ in rows]
    assert not found.failures
    assert_same_digits(found, (few[0][which], few[1][which]))


@pytest.mark.parametrize(
    ("titles", "numbers"),
    [
        ("image_id,image_name\n", range(3, 9)),
        ("Index,file\n", range(3, 9)),
        ("", range(12)),
        ("no,file\n", range(1, 13)),
    ],
)
def test_what_counts_the_pictures_is_no_digit(folder, few, titles, numbers):
    rows = [f"{number},im{i}.png\n" for i, number in enumerate(numbers)]
    for image, i in zip(few[0], range(len(rows)), strict=False):
        Image.fromarray(image).save(folder / f"im{i}.png")
    (folder / "names.csv").write_text(titles + "".join(rows))
    with pytest.raises(
        CorruptFileError, match="has 0 columns that may be the digits of its pictures"
    ):
        gather(folder / "names.csv")


def test_a_name_beside_pixels_is_of_no_picture(folder, few):
    titles = ",".join(["filename", "label", *(f"pixel{i}" for i in range(784))])
    rows = np.column_stack([few[1], few[0].reshape(200, 784)]).tolist()
    lines = [",".join(map(str, [f"im{i}.png", *row])) for i, row in enumerate(rows)]
    (folder / "digits.csv").write_text("\n".join([titles, *lines]))
    assert_same_digits(gather(folder), few)


def test_a_list_of_names_says_which_pictures_are_for_the_test(folder, few):
    class_folders(folder, few[0][:40], few[1][:40])
    names = [f"{label}/{i}.png\n" for i, label in enumerate(few[1][:40].tolist())]
    (folder / "train.txt").write_text("".join(names[:30]))
    (folder / "test.txt").write_text("".join(names[30:]))
    found = gather(folder)
    assert sorted(found.test.labels) == sorted(few[1][30:40])
    for digit in {*few[1][:40].tolist()}:  # which are of somebody
        (folder / str(digit)).rename(folder / "anna")
        (folder / str(digit)).mkdir()
        (folder / "anna").rename(folder / str(digit) / "anna")
    (folder / "test.txt").write_text("".join(names[30:]).replace("/", "/anna/"))
    (folder / "train.txt").unlink()
    assert sorted(gather(folder).test.labels) == sorted(few[1][30:40])


def test_folders_called_like_the_files_in_them_are_no_folders_of_a_part(folder, few):
    """As Kaggle has MNIST: twice."""
    for name, array in zip(("images-idx3", "labels-idx1"), few, strict=True):
        place = folder / f"train-{name}-ubyte"
        place.mkdir()
        for path in (folder / f"train-{name.replace('-', '.')}-ubyte", place / place.name):
            path.write_bytes(idx_bytes(array))
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, few)


def test_a_folder_of_a_kind_that_is_not_read_says_which(folder):
    (folder / "data").mkdir()
    (folder / "README.md").write_text("<h1>MNIST</h1>\n" * 99)
    (folder / "data" / "train-00000.parquet").write_bytes(b"PAR1\x15\x04" + bytes(99))
    for read in (gather, read_to_judge):
        with pytest.raises(CorruptFileError, match=r"train-00000\.parquet: is a Parquet file"):
            read(folder)
    (folder / "labels.json").write_text('[{"file": "data/a.png", "label": 7}]' * 9)
    with pytest.raises(CorruptFileError, match=r"labels\.json: is JSON"):  # beside one folder
        gather(folder)


@pytest.mark.parametrize("write", [an_array_and_a_table, a_table_and_an_array])
def test_images_and_labels_may_be_of_two_kinds(folder, few, write):
    write(folder, *few)
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, few)


def test_numbers_of_pupils_are_no_codes_of_digits(folder, few):
    for pupil in range(29, 33):
        (folder / f"{pupil}").mkdir()
        named_files(folder / f"{pupil}", few[0][:5], few[1][:5])
    found = gather(folder)
    assert sorted(everything(found)[1]) == sorted(few[1][:5].tolist() * 4)


def test_labels_beside_images_are_those_called_like_them(folder, few):
    pixels = few[0].reshape(200, 784)
    for name, of in (("a", slice(0, 90)), ("b-test", slice(90, 200))):
        np.savetxt(folder / f"{name}-images.csv", pixels[of], "%d", ",")
        np.savetxt(folder / f"{name}-labels.csv.gz", few[1][of], "%d")
        packed = gzip.compress((folder / f"{name}-images.csv").read_bytes())
        (folder / f"{name}-images.csv.gz").write_bytes(packed)
    found = gather(folder)
    assert not found.failures
    np.testing.assert_array_equal(found.train.images, few[0][:90])
    np.testing.assert_array_equal(found.test.labels, few[1][90:])


@pytest.mark.parametrize(
    ("images", "labels", "is_pair"),
    [
        ("testData.csv", "dataLabel.csv", True),
        ("digits.csv", "labels.csv.gz", True),
        ("mnist_images.csv", "my_target.csv", True),
        ("testData.csv", "trainLabels.csv", False),
    ],
)
def test_labels_alone_beside_images_may_be_called_by_other_words(
    folder, few, images, labels, is_pair
):
    np.savetxt(folder / images, few[0].reshape(200, 784), "%d", ",")
    np.savetxt(folder / labels, few[1], "%d")
    if is_pair:
        assert_same_digits(gather(folder), few)
        assert_same_digits(gather(folder / images), few)
        shutil.copy(folder / labels, folder / "more_labels.csv")  # which are they?
    with pytest.raises(BadImageError, match=r"[23] of [23] inputs cannot be used"):
        gather(folder)


def test_a_folder_of_many_files_is_looked_through_once(folder, few, monkeypatch):
    for i in range(40):
        np.savez(folder / f"{i}.npz", X=few[0][i : i + 2], y=few[1][i : i + 2])
        np.save(folder / f"{i}_images.npy", few[0][i : i + 2])
        np.save(folder / f"{i}_labels.npy", few[1][i : i + 2])
    looked, real = [], Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: looked.append(path) or real(path))
    assert len(everything(gather(folder))[1]) == 160
    assert len(looked) < 5
    (folder / "40_images.npy").write_bytes((folder / "0_images.npy").read_bytes())
    assert len(read_to_judge(folder).labels) == 160  # the one without labels is no error
    np.save(folder / "40_labels.npy", few[1][:3])
    with pytest.raises(CorruptFileError, match=r"40_images\.npy: holds 2 images and 3 labels"):
        read_to_judge(folder)
    assert len(looked) < 15


def test_pictures_of_many_lists_are_looked_for_once(folder, few, monkeypatch):
    (folder / "images").mkdir()
    for i in range(40):
        Image.fromarray(few[0][i]).save(folder / "images" / f"im{i}.png")
        said = {"image": f"im{i}.bmp", "label": int(few[1][i])}  # before they were converted
        (folder / f"im{i}.json").write_text(json.dumps(said))
        (folder / f"{i}.csv").write_text("a,b\n1,2\n")
    looked, real = [], Path.glob
    monkeypatch.setattr(Path, "glob", lambda path, mask: looked.append(path) or real(path, mask))
    assert_same_digits(gather(folder), (few[0][:40], few[1][:40]))
    assert len(looked) < 10


@pytest.mark.parametrize("names", ["samples{}", "x_{}", "training-images {}", "data_batch_{}"])
def test_images_and_labels_of_one_number_are_a_pair(folder, few, names):
    labels = names.replace("samples", "responses").replace("images", "labels").replace("x_", "y_")
    labels = labels.replace("data", "labels")
    for i in range(1, 4):
        here = slice(60 * (i - 1), 60 * i)
        np.savetxt(folder / f"{names.format(i)}.txt", few[0][here].reshape(60, 784), "%d")
        np.savetxt(folder / f"{labels.format(i)}.txt", few[1][here], "%d")
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, (few[0][:180], few[1][:180]))
    alone = folder / f"{names.format(2)}.txt"
    assert_same_digits(gather(alone), (few[0][60:120], few[1][60:120]))


@pytest.mark.parametrize("ending", ["", "-idx3-ubyte", ".idx3-ubyte"])
@pytest.mark.parametrize("other", ["-idx3-ubyte", ".idx3-ubyte"])
def test_a_pair_of_idx_files_under_two_spellings_is_read_once(folder, few, ending, other):
    for end in (ending, other):
        for name, array in zip(("images", "labels"), few, strict=True):
            n = end.replace("3", "31"[name == "labels"])
            (folder / f"train-{name}{n}").write_bytes(idx_bytes(array))
    found = gather(folder)
    assert (len(everything(found)[1]), found.failures) == (200, ())


@pytest.mark.parametrize("ending", ["", "-idx1-ubyte"])
def test_idx_labels_without_their_images_are_told(folder, few, ending):
    for name, array in zip(("images-idx3-ubyte", "labels-idx1-ubyte"), few, strict=True):
        (folder / f"t10k-{name}").write_bytes(idx_bytes(array))
    (folder / f"train-labels{ending}").write_bytes(idx_bytes(few[1]))
    ((source, reason),) = gather(folder).failures
    assert source == str(folder / f"train-labels{ending}")
    assert reason == "is an IDX file of labels, not of images"


@pytest.mark.parametrize("ending", [".bin", ".dat", ".idx", ".ubyte", ""])
def test_idx_files_of_no_kind_by_their_name_are_a_pair(folder, few, ending):
    for name, array in zip(("digit_images", "digit_labels"), few, strict=True):
        (folder / f"{name}{ending}").write_bytes(idx_bytes(array))
    (folder / f"weights{ending}").write_bytes(bytes(200))
    (folder / "test").write_text("#!/bin/sh\necho nothing to do with it\n")
    for path in (folder, folder / f"digit_images{ending}"):
        assert_same_digits(gather(path), few)


def test_that_images_for_the_test_are_shared_out_is_said(folder, few):
    """MNIST without its training images."""
    for kind, n, array in zip(("images", "labels"), (3, 1), few, strict=True):
        (folder / f"t10k-{kind}-idx{n}-ubyte").write_bytes(idx_bytes(array))
    (folder / "t10k-labels.idx1-ubyte").write_bytes(
        idx_bytes(few[1])
    )  # the same, in another spelling
    (folder / "train-labels-idx1-ubyte").write_bytes(idx_bytes(few[1]))
    found = gather(folder)
    said = "all images are for the test, by their names: they are shared out anew"
    assert (len(found.train.labels), found.notes) == (len(few[1]) * 4 // 5, (said,))
    alone = str(folder / "train-labels-idx1-ubyte"), "is an IDX file of labels, not of images"
    assert found.failures == (alone,)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_idx_files_called_by_one_word_are_a_pair(folder, few, ending):
    for name, array in zip(("mnist.idx3", "mnist.idx1"), few, strict=True):
        content = idx_bytes(array)
        (folder / f"{name}{ending}").write_bytes(gzip.compress(content) if ending else content)
    for path in (folder, folder / f"mnist.idx3{ending}"):
        assert_same_digits(gather(path), few)


def test_a_text_of_digits_is_read_in_a_folder_where_it_is_one_of_images(folder, few):
    rows = np.column_stack([few[0].reshape(200, 784), few[1]])
    np.savetxt(folder / "digits.txt", rows, "%d")
    (folder / "names.csv").write_text("names,labels\na,b\n")
    assert_same_digits(gather(folder), few)
    (folder / "digits.txt").rename(folder.parent / "digits.txt")
    (folder / "digits.txt").write_text("3.14159\n")
    np.savetxt(folder / "x_labels.csv", rows, "%d", ",")  # they lie in it
    assert_same_digits(gather(folder), few)


def test_what_is_wrong_with_all_rows_is_said_once_with_a_hint(folder, few):
    rows = np.column_stack([few[0].reshape(200, 784) - 100.0, few[1]])
    np.savetxt(folder / "digits.csv", rows, "%g", ",")
    with pytest.raises(CorruptFileError, match=r"digits\.csv row 1: column 1 holds -100") as caught:
        gather(folder)
    assert "before they were standardised" in caught.value.hint


def test_labels_that_lie_beside_images_are_one_for_each(folder, few):
    tables_apart(folder, *few)
    (folder / "y_train.csv").write_text("1\n2\n3\n")
    with pytest.raises(CorruptFileError, match=r"X_train\.csv: holds 200 images and 3 labels"):
        gather(folder)
    (folder / "y_train.csv").unlink()
    os.mkfifo(folder / "y_train.csv")
    with pytest.raises(CorruptFileError, match="has no labels"):
        gather(folder / "X_train.csv")
    (folder / "y_train.csv").unlink()
    (folder / "y_train.csv").write_text("1,2\n3\n")
    with pytest.raises(CorruptFileError, match=r"y_train\.csv: is no file of labels"):
        gather(folder / "X_train.csv")


@pytest.mark.parametrize("parts", [("train", "val", "test"), ("train", "validation")])
def test_images_for_validation_are_not_lost(folder, few, parts):
    n = 200 // len(parts)
    for k, part in enumerate(parts):
        class_folders(folder / part, few[0][k * n : (k + 1) * n], few[1][k * n : (k + 1) * n])
    arrays = {f"{part}_{of}": each[k * n : (k + 1) * n] for k, part in enumerate(parts)
              for of, each in zip(("images", "labels"), few, strict=True)}  # fmt: skip
    np.savez(folder.parent / "m.npz", **arrays)
    (tables := folder.parent / "tables").mkdir()
    for k, part in enumerate(parts):
        csv(tables, few[0][k * n : (k + 1) * n], few[1][k * n : (k + 1) * n])
        (tables / "digits.csv").rename(tables / f"{part}.csv")
    for path in (folder, folder.parent / "m.npz", tables):
        found = gather(path)
        assert len(found.test.labels) == n
        assert_same_digits(found, (few[0][: n * len(parts)], few[1][: n * len(parts)]))


def test_files_beside_those_with_labels_are_left_out_and_told(folder, few):
    csv(folder, *few)
    (folder / "digits.csv").rename(folder / "train.csv")
    (folder / "counts.csv").write_text("digit,count\n1,0\n2,0\n")
    (folder / "test.csv").write_text(
        ",".join(f"pixel{i}" for i in range(784)) + "\n" + "0," * 783 + "9"
    )
    found = gather(folder)
    assert_same_digits(found, few)
    assert found.failures == (
        (str(folder / "counts.csv"), "has 2 columns in its first line"),
        (str(folder / "test.csv"), "has no labels: its 784 columns are all pixels"),
    )
    for path in (folder, Path(shutil.make_archive(str(folder), "zip", folder))):
        judged = read_to_judge(path)
        np.testing.assert_array_equal(judged.labels, few[1])
        told = [
            f"{path}/{source.removeprefix(f'{folder}/')}: {why}: left out"
            for source, why in found.failures
        ]
        assert judged.notes == tuple(told)
    (folder / "more.csv.gz").write_bytes(gzip.compress(b"0" * 99)[:20])
    with pytest.raises(CorruptFileError, match=r"more\.csv\.gz: "):
        read_to_judge(folder)


def split_folders(folder, images, labels):
    class_folders(folder / "training", images[:150], labels[:150])
    class_folders(folder / "testing", images[150:], labels[150:])


def split_csv(folder, images, labels):
    csv(folder, images[:150], labels[:150])
    (folder / "digits.csv").rename(folder / "mnist_train.csv")
    csv(folder, images[150:], labels[150:])
    (folder / "digits.csv").rename(folder / "mnist_test.csv")


def split_npz(folder, images, labels):
    parts = {"x_train": images[:150], "x_test": images[150:]}
    np.savez(folder / "m.npz", **parts, y_train=labels[:150], y_test=labels[150:])


def split_idx(folder, images, labels):
    idx(folder, images[:150], labels[:150])
    (folder / "t10k-images-idx3-ubyte").write_bytes(idx_bytes(images[150:]))
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx_bytes(labels[150:]))


@pytest.mark.parametrize("write", [split_folders, split_csv, split_npz, split_idx])
def test_test_images_are_those_that_are_called_so(folder, few, write):
    write(folder, *few)
    found = gather(folder)
    assert_same_digits(found, few)
    assert sorted(found.test.labels.tolist()) == sorted(few[1][150:].tolist())
    if write is not split_folders:  # whose pictures come digit by digit
        np.testing.assert_array_equal(found.test.images, few[0][150:])


@pytest.mark.parametrize(
    ("name", "of_train", "of_test"),
    [
        ("split", "train", "test"), ("Usage", "Training", "PublicTest"), ("set", "TRAIN", "val"),
        ("dataset", "", "test"), ("is_test", 0, 1), ("train", "True", "False"), ("train", 1.0, 0.0),
    ],
)  # fmt: skip
def test_a_column_beside_pixels_says_which_rows_are_for_the_test(
    folder, few, name, of_train, of_test
):
    images, labels = few
    is_test = np.arange(200) % 3 == 1
    rows = making.table([labels, *images.reshape(200, -1).T], making.KAGGLE).splitlines()
    of = np.where(is_test, of_test, of_train)
    said = [name, *of.tolist()]
    (folder / "digits.csv").write_bytes(
        b"\n".join(row + f",{of}".encode() for row, of in zip(rows, said, strict=True))
    )
    for file, apart in (("digits", of), ("column", of[:, None])):
        arrays = {name: apart, "by": np.array([{}] * 200)}
        np.savez(folder / f"{file}.npz", X=images, y=labels, **arrays)
    for path in (folder / "digits.csv", folder / "digits.npz", folder / "column.npz"):
        gathered = gather(path)
        for part, rows in ((gathered.train, ~is_test), (gathered.test, is_test)):
            np.testing.assert_array_equal(part.images, images[rows])
            np.testing.assert_array_equal(part.labels, labels[rows])
        judged = read_to_judge(path)
        np.testing.assert_array_equal(judged.images, images[is_test])
        assert judged.notes[-1:] == ("67 of 200 images are for the test",)


def test_columns_beside_pixels_that_say_no_part_are_left_alone(folder, few):
    images, labels = few
    columns = [labels, *images.reshape(200, -1).T, ["train", *["ann"] * 199], [0, 1] * 100]
    for name in ("writer", "test_smudged"):
        titles = [*making.KAGGLE, "by", name]
        (folder / "digits.csv").write_bytes(making.table(columns, titles))
        assert_same_digits(gather(folder / "digits.csv"), few)
        assert len(read_to_judge(folder / "digits.csv").labels) == 200


@pytest.mark.parametrize("form", ["csv", "npz", "pictures"])
def test_a_split_in_numbers_is_refused(folder, few, form):
    images, labels, split = few[0][:20], few[1][:20], np.arange(20) % 3
    columns, titles = [labels, split, *images.reshape(20, -1).T], ["label", "split"]
    if form == "npz":
        np.savez(folder / "digits.npz", images=images, labels=labels, split=split)
    elif form == "csv":
        (folder / "digits.csv").write_bytes(making.table(columns, [*titles, *making.KAGGLE[1:]]))
    else:
        for i, image in enumerate(images):
            Image.fromarray(image).save(folder / f"{i}.png")
        names = [f"{i}.png" for i in range(20)]
        (folder / "digits.csv").write_bytes(making.table([names, *columns[:2]], ["file", *titles]))
    for path in folder.glob("digits.*"):
        with pytest.raises(CorruptFileError, match="says '0', '1', '2' in 'split': is that for"):
            gather(path)


def test_a_row_that_is_of_no_part_is_told(folder, few):
    images, labels = few[0].repeat(6, axis=0), few[1].repeat(6)
    said = ["train"] * 1198 + ["extra", "test"]
    columns = [labels, *images.reshape(1200, -1).T, said]
    (folder / "digits.csv").write_bytes(making.table(columns, [*making.KAGGLE, "split"]))
    gathered = gather(folder / "digits.csv")
    assert (len(gathered.train.labels), len(gathered.test.labels)) == (1198, 1)
    (failure,) = gathered.failures
    assert failure == (
        f"{folder / 'digits.csv'} row 1199",
        "is neither for training nor for the test",
    )


def test_drawings_are_read_as_a_prediction_reads_them(drawings):
    found = gather(drawings)
    grey = np.asarray(Image.open(drawings / "7_03.png"))
    expected = mnistcli.conform(grey).image
    assert (found.train.images == expected).all(axis=(1, 2)).sum() + (
        found.test.images == expected
    ).all(axis=(1, 2)).sum() == 1


def test_what_cannot_be_used_is_left_out_and_told(folder, drawings):
    folder = shutil.copytree(drawings, folder / "d")
    (folder / "1_bad.png").write_bytes(b"nonsense")
    Image.new("L", (50, 50), 255).save(folder / "7_blank.png")
    (folder / "holiday.jpg").write_bytes(b"")
    (folder / "._1_00.png").write_bytes(b"what macOS leaves")
    (folder / "notes.txt").write_text("7")
    (folder / "1_gone.png").symlink_to(folder / "nowhere")
    (folder / "1_round.png").symlink_to(folder / "1_round.png")
    found = gather(folder)
    assert len(everything(found)[1]) == 20
    assert [source for source, _ in found.failures] == [
        str(folder / name)
        for name in ("1_bad.png", "1_gone.png", "1_round.png", "7_blank.png", "holiday.jpg")
    ]
    assert found.failures[3][1].startswith("is blank")
    assert found.failures[4][1] == "nothing says which digit it shows"


def test_frames_that_are_not_read_are_told(folder, few):
    class_folders(folder, few[0][:20], few[1][:20])
    frames = [Image.fromarray(image) for image in few[0][few[1] == 3][:3]]
    for name in ("z.gif", "z.tif"):
        frames[0].save(folder / "3" / name, save_all=True, append_images=frames[1:])
    found = gather(folder)
    assert len(found.train.labels) + len(found.test.labels) == 22
    assert found.failures == tuple(
        (str(folder / "3" / name), "frame 1 of 3: the others are not read")
        for name in ("z.gif", "z.tif")
    )
    judged = read_to_judge(folder)
    assert len(judged.labels) == 22
    assert judged.notes == tuple(f"{of}: {why}: left out" for of, why in found.failures)
    assert "3/z.gif: frame 1 of 3" in judged.notes[0]


def test_images_that_are_the_same_are_in_one_part(folder, few):
    class_folders(folder, few[0][:50].repeat(3, axis=0), few[1][:50].repeat(3))
    for found in (gather(folder), gather(folder, test_size=0.5, seed=1)):
        train, test = ({*map(bytes, part.images)} for part in (found.train, found.test))
        assert (len(train | test), train & test) == (50, set())
        assert len(found.train.labels) == 3 * len(train)


def test_test_images_that_are_training_images_as_well_are_told(folder, few):
    class_folders(folder / "train", few[0], few[1])
    class_folders(folder / "test", few[0][:30], few[1][:30])
    assert gather(folder).notes == ("30 of 30 test images are training images as well",)


def test_the_only_image_of_a_digit_is_for_training(folder, few):
    class_folders(folder, few[0][:1].repeat(2, axis=0), few[1][:1].repeat(2))
    assert (len(gather(folder).train.labels), len(gather(folder).test.labels)) == (2, 0)
    is_kept = (few[1] != 9) | (np.cumsum(few[1] == 9) == 1)
    one_nine = LabelledImages(few[0][is_kept], few[1][is_kept])
    for seed in range(20):
        train, test = shared_out(one_nine, (0.4, 0.9)[seed % 2], seed=seed)
        assert (9 in train.labels, 9 in test.labels) == (True, False)


def test_the_parts_of_arrays_and_of_archives(folder, few):
    x, y = few
    for name, part in (("train", slice(160)), ("test", slice(160, None))):
        np.save(folder / f"{name}_images.npy", x[part])
        np.save(folder / f"{name}_labels.npy", y[part])
    for path in (folder, Path(shutil.make_archive(str(folder), "zip", folder))):
        found, judged = gather(path), read_to_judge(path)
        np.testing.assert_array_equal(found.train.images, x[:160])
        np.testing.assert_array_equal(found.test.labels, y[160:])
        np.testing.assert_array_equal(judged.images, x[160:])


def test_kmnists_labels_are_in_an_npz_file_of_their_own(folder, few):
    for part, rows in (("train", slice(150)), ("test", slice(150, None))):
        np.savez(folder / f"kmnist-{part}-imgs.npz", few[0][rows])
        np.savez(folder / f"kmnist-{part}-labels.npz", few[1][rows])
    found = gather(folder)
    assert_same_digits(found, few)
    np.testing.assert_array_equal(found.test.images, few[0][150:])


def test_arrays_in_groups_are_those_of_the_group(folder, few):
    parts = {"train/data": few[0][:150], "train/target": few[1][:150]}
    np.savez(
        folder / "usps.npz", **parts, **{"test/data": few[0][150:], "test/target": few[1][150:]}
    )
    found = gather(folder / "usps.npz")
    assert_same_digits(found, few)
    np.testing.assert_array_equal(found.test.images, few[0][150:])


def test_a_submission_holds_answers_and_no_labels(folder, few):
    for i, image in enumerate(few[0][:20]):
        place = folder / ("test" if i > 14 else "train") / f"{i}.png"
        place.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(place)
    for name, rows in (("train", range(15)), ("sampleSubmission", range(15, 20))):
        lines = [f"{i},{few[1][i] if i < 15 else 0}" for i in rows]
        (folder / f"{name}.csv").write_text("\n".join(["id,label", *lines]))
    found = gather(folder)
    assert len(found.train.labels) + len(found.test.labels) == 15
    told = f"5 pictures without a label, left out: {folder / 'test' / '15.png'}, ..."
    assert found.notes == (told,)
    assert not found.failures
    assert len(read_to_judge(folder).labels) == 15
    Image.fromarray(few[0][0]).save(folder / "test" / "3_1.png")  # then the others lack theirs
    assert {reason for _, reason in gather(folder).failures} == {
        "nothing says which digit it shows"
    }


WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        ("metadata.jsonl", lambda named: "\n".join(
            json.dumps({"file_name": name, "label": label}) for name, label in named)),
        ("labels.json", lambda named: json.dumps(dict(named))),
        ("dataset.json", lambda named: json.dumps({"labels": named})),
        ("x.json", lambda named: json.dumps([{"id": 1, "image": f"/data/upload/1/0a2b3c4d-{name}",
                                              "choice": str(label)} for name, label in named])),
        ("x.json", lambda named: json.dumps({"file": [n for n, _ in named], "digit": [y for _, y in named]})),
        ("x.json", lambda named: json.dumps({y: [n for n, of in named if of == y] for _, y in named})),
        ("x.json", lambda named: json.dumps({n: {"digit": y, "by": "Ann"} for n, y in named})),
        ("x.csv", lambda named: "\n".join(["path,class_id,class_name,width", *(
            f"{name},{y},{WORDS[y]},28"
            for name, y in named)])),
        ("x.csv", lambda named: "\n".join(f"{('TRAIN', 'VALIDATE')[i > 30]},gs://mine/{name},{y}"
                                          for i, (name, y) in enumerate(named))),
    ],
    ids=["Hugging Face", "pairs", "StyleGAN", "Label Studio", "columns", "names for each digit", "objects", "ids", "Vertex"],
)  # fmt: skip
def test_digits_of_pictures_are_read_from_the_lists_that_others_write(folder, few, name, listed):
    named = [(f"im{i}.png", int(label)) for i, label in enumerate(few[1][:40])]
    for (picture, _), image in zip(named, few[0], strict=False):
        (folder / "00000").mkdir(exist_ok=True)
        Image.fromarray(image).save(folder / "00000" / picture)
    (folder / name).write_text(listed(named))
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, (few[0][:40], few[1][:40]))
    for path in (folder, folder / name, Path(shutil.make_archive(str(folder), "zip", folder))):
        parts = gather(path, test_size=None)
        expected = parts.test if len(parts.test.labels) else parts.train
        np.testing.assert_array_equal(read_to_judge(path).labels, expected.labels)


@pytest.mark.parametrize("titles", ["file,prediction", "file,answer,probability"])
def test_answers_are_no_labels(folder, few, titles):
    named_files(folder, *few)
    rows = (f"{path.name},3,0.9" for path in folder.iterdir())
    text = "\n".join([titles, *(row.rsplit(",", 3 - titles.count(",") - 1)[0] for row in rows)])
    (folder / "answers.csv").write_text(text)
    found = gather(folder)
    assert_same_digits(found, few)
    problem = "has 0 columns that may be the digits of its pictures"
    assert found.failures == ((str(folder / "answers.csv"), problem),)


def test_json_of_each_picture_says_its_digit_or_nothing(folder, few):
    for i, image in enumerate(few[0][:20]):
        Image.fromarray(image).save(folder / f"im{i}.png")
        said = {"image": f"im{i}.png", "label": int(few[1][i])}
        (folder / f"im{i}.json").write_text(json.dumps(said))
    assert_same_digits(gather(folder), (few[0][:20], few[1][:20]))
    class_folders(folder / "all", *few)
    for path in (folder / "all").rglob("*.png"):  # as labelme's
        said = {"version": "5.0", "flags": {}, "shapes": [], "imagePath": path.name}
        path.with_suffix(".json").write_text(json.dumps(said))
        (folder / "all" / f"{path.stem}.json").write_text(
            json.dumps({**said, "imagePath": f"{path.parent.name}/{path.name}"})
        )
    found = gather(folder / "all")
    assert not found.failures
    assert_same_digits(found, few)


@pytest.mark.parametrize(
    "name", ["a\0.png", "\ud800.png", "x" * 5000 + ".png", "../../../a.png", "/dev/null.png"]
)
def test_names_in_json_that_no_file_can_have_are_told(folder, few, name):
    class_folders(folder, *few)
    (folder / "labels.json").write_text(json.dumps({name: 3, "b.png": 4}))
    found = gather(folder)
    assert_same_digits(found, few)
    assert len(found.failures) == 2


def test_a_picture_in_two_tables_is_read_once(folder, few):
    for i, image in enumerate(few[0][:20]):
        Image.fromarray(image).save(folder / f"im{i}.png")
    rows = [f"im{i}.png,{label}" for i, label in enumerate(few[1][:20])]
    (folder / "all.csv").write_text("\n".join(rows))
    (folder / "test.csv").write_text("\n".join(rows[15:]))
    found = gather(folder)
    np.testing.assert_array_equal(found.train.images, few[0][:15])
    np.testing.assert_array_equal(found.test.images, few[0][15:20])
    (folder / "old.json").write_text(json.dumps({"im3.png": int(few[1][3] + 1) % 10, "im4.png": 1}))
    with pytest.raises(CorruptFileError, match="tables that say different digits of the same pic"):
        gather(folder)


@pytest.mark.parametrize(
    "text", ["{", '{"a": 1, "b": 2}', "[]", "3", '[{"a": []}, 3]', '{"a": [1], "b": [1, 2]}', "[" * 99_999, '"labels"']
)  # fmt: skip
def test_json_that_lists_no_pictures_says_nothing(folder, few, text):
    class_folders(folder, *few)
    (folder / "labels.json").write_text(text)
    found = gather(folder)
    assert not found.failures
    assert_same_digits(found, few)
    with pytest.raises(CorruptFileError, match=r"labels\.json: "):
        gather(folder / "labels.json")


HIDDEN = (
    ".DS_Store", "._3_1.png", ".ipynb_checkpoints/3_1.png", "__MACOSX/3_1.png", "Thumbs.db", "desktop.ini",
    "@eaDir/3_1.png/SYNOPHOTO_THUMB_M.png", "$RECYCLE.BIN/3_1.png", "#recycle/3_1.png", "@Recycle/3_1.png",
)  # fmt: skip


@pytest.mark.parametrize("below", ["", "3"])
def test_what_systems_keep_beside_files_is_read_by_nobody(folder, few, below):
    class_folders(folder, *few)
    for path in (folder / below / name for name in HIDDEN):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(few[0][0]).save(path, "PNG")
    archive = Path(shutil.make_archive(str(folder), "zip", folder))
    for path in (folder, archive):
        assert_same_digits(gather(path), few)
        assert len(read_to_judge(path).labels) == 200
    assert len([*read_batches(archive)]) == 200
    assert len([*unfold([folder / "3"])]) == (few[1] == 3).sum()


def test_the_folder_that_is_alone_is_entered(folder, few):
    class_folders(folder / "mnist_png" / "data" / "trainingSet" / "all", few[0][:160], few[1][:160])
    class_folders(folder / "mnist_png" / "data" / "MNIST - testing", few[0][160:], few[1][160:])
    found = gather(folder)
    assert (len(found.train.labels), len(found.test.labels)) == (160, 40)
    assert_same_digits(found, few)
    np.testing.assert_array_equal(
        np.bincount(read_to_judge(folder).labels), np.bincount(few[1][160:])
    )
    (folder / "dataset-metadata.json").write_text('{"title": "digits", "sizes": [1, 2]}')
    (folder / "labels.txt").write_text("0 zero\n1 one\n")
    assert_same_digits(gather(folder), few)
    (folder / "loop").symlink_to(".")
    (folder / "of Ann").mkdir()
    assert_same_digits(gather(folder), few)


def test_the_folder_beside_what_lists_no_pictures_is_entered(folder, few):
    (folder / "data").mkdir()
    csv(folder / "data", *few)
    (folder / "dataset-metadata.json").write_text('{"title": "digits"}')
    assert_same_digits(gather(folder), few)


def test_all_that_is_judged_on_must_be_usable(folder, few):
    class_folders(folder, few[0][:20], few[1][:20])
    (folder / "3" / "z.png").write_bytes(b"none")
    archive = Path(shutil.make_archive(str(folder), "zip", folder))
    for path in (folder, archive):
        with pytest.raises(CorruptFileError, match=r"3/z\.png: is no") as caught:
            read_to_judge(path)
        assert str(path) in caught.value.message
        assert gather(path).failures[0][0] == f"{path}/3/z.png"


def test_a_named_pipe_is_opened_once(folder, few):
    csv(folder, *few)
    os.mkfifo(folder / "pipe.csv")
    code = "import sys, pathlib, mnistcli.datasets.gathering as g; print(g.gather(pathlib.Path(sys.argv[1])).n_bytes_read)"
    with subprocess.Popen([sys.executable, "-c", code, str(folder / "pipe.csv")]) as reading:
        with contextlib.suppress(BrokenPipeError):
            (folder / "pipe.csv").write_bytes((folder / "digits.csv").read_bytes())
        try:
            assert reading.wait(timeout=120) == 0
        finally:
            reading.kill()


def test_raw_pictures_of_another_size_are_one_error(folder, few):
    np.savez(folder / "a.npz", images=np.pad(few[0], ((0, 0), (2, 2), (2, 2))), labels=few[1])
    with pytest.raises(CorruptFileError, match="has pictures of 32 x 32 pixels, expected 28 x 28"):
        gather(folder, raw=True)


def test_bad_rows_are_left_out_by_number(folder, few):
    csv(folder, *few)
    path = folder / "digits.csv"
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("1,", "x,", 1) if lines[3].startswith("1,") else "x" + lines[3][1:]
    lines[5] = "12" + lines[5][1:]
    lines[9] = lines[9].split(",")[0] + "," + ",".join(["0"] * 784)
    path.write_text("\n".join(lines))
    found = gather(path)
    assert [source for source, _ in found.failures] == [f"{path} row {i}" for i in (3, 5, 9)]
    assert len(everything(found)[1]) == 197


@pytest.mark.parametrize("beyond", [10, 26])
def test_labels_that_are_shifted_are_not_half_taken(folder, few, beyond):
    labels = few[1].astype(int) + 1
    labels[3] = beyond  # letters go on
    csv(folder, few[0], labels)
    with pytest.raises(CorruptFileError, match="10") as caught:
        gather(folder / "digits.csv")
    assert "write 0 where 10 stands for zero" in caught.value.hint


def blank_pictures(folder):
    for i in range(3):
        Image.new("L", (50, 50), 255).save(folder / f"3_{i}.png")


def one_picture(folder):
    Image.new("L", (50, 50), 255).save(folder / "3_x.png")
    draw_europeans(folder / "more", 1)
    (folder / "more" / "1_00.png").rename(folder / "1_good.png")
    shutil.rmtree(folder / "more")


@pytest.mark.parametrize(
    ("fill", "kind", "message"),
    [
        (lambda _: None, DataUnavailableError, "holds no labelled digits"),
        (blank_pictures, BadImageError, "3 of 3 inputs cannot be used"),
        (one_picture, BadImageError, "1 of 2 inputs cannot be used"),
        (lambda f: Image.new("L", (9, 9)).save(f / "IMG.png"), DataUnavailableError, "no labelled"),
        (lambda f: Image.new("L", (9, 9)).save(f / "7.png"), CorruptFileError, "a digit alone"),
        (lambda f: (f / "a.csv").write_text("label,x\n"), CorruptFileError, "a.csv"),
        (lambda f: np.savez(f / "a.npz", images=np.eye(28)[None]), CorruptFileError, "no labels"),
        (lambda f: (f / "a.csv").symlink_to(f / "gone"), DataUnavailableError, "no labelled"),
    ],
)
def test_nothing_usable_is_an_error(folder, fill, kind, message):
    fill(folder)
    with pytest.raises(kind, match=message):
        gather(folder)


def test_what_windows_keeps_beside_pictures_is_not_to_blame(folder):
    Image.new("L", (9, 9)).save(folder / "a.png")
    (folder / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    with pytest.raises(DataUnavailableError, match="no labelled digits"):
        gather(folder)


@pytest.mark.parametrize("options", [{"test_size": 0.0}, {"test_size": 1.0}, {"seed": -1}])
def test_shares_and_seeds_make_sense(drawings, options):
    with pytest.raises(UsageError, match="makes no sense"):
        gather(drawings, **options)


# ------------------------------------------------------------------------------------------- store


@pytest.mark.parametrize(
    "name", ["mnist", "kmnist", "builtin", "", ".", "..", "a/b", "../mine", "Mine", "a+b", "x" * 65, "é", "-a", "a\n"]
)  # fmt: skip
def test_names_that_are_none(name, own, drawings):
    with pytest.raises(UsageError):
        check_own_name(name)
    with pytest.raises(UsageError):
        own.install_own(name, gather(drawings))
    assert not own.has(name)
    assert not own.own_folder.exists()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with limits")
@pytest.mark.parametrize("is_there", [False, True])
def test_an_installation_that_fails_leaves_all_as_it_was(tmp_path, own, drawings, is_there):
    if is_there:
        own.install_own("x", gather(drawings))
    before = [path.name for path in own.own_folder.rglob("*.*") if path.name != ".x.lock"]
    limit = "import resource as r; r.setrlimit(r.RLIMIT_FSIZE, (9000, 9000))\n"  # labels have room
    words = [
        "--home",
        str(tmp_path),
        "download",
        "--source",
        str(drawings),
        "--as",
        "x",
        "--replace",
    ]
    code = f"{limit}from mnistcli.cli.app import app; app({words})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, b"File too large" in done.stderr) == (3, True)
    left = [path.name for path in own.own_folder.rglob("*.*") if path.name != ".x.lock"]
    assert sorted(left) == sorted(before)
    assert (own.own_folder / "x").exists() == is_there


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a system with limits")
@pytest.mark.parametrize("form", ["archive", "pipe", "predicted"])
def test_a_full_folder_of_temporary_files_is_named(folder, few, form):
    (split_csv if form == "archive" else arrays)(folder, *few)
    shutil.make_archive(str(folder.parent / "a"), "zip", folder.parent, folder.name)
    content = (folder.parent / "a.zip").read_bytes()
    path = folder.parent / "a.zip" if form == "archive" else "-"
    limit = "import resource as r, sys; r.setrlimit(r.RLIMIT_FSIZE, (9000, 9000))\n"
    command = (
        ["predict", "-"]
        if form == "predicted"
        else ["download", "--source", str(path), "--as", "x"]
    )
    done = subprocess.run(
        [sys.executable, "-c", f"{limit}from mnistcli.cli.app import app; app({command})"],
        input=content, capture_output=True, check=False, env={**os.environ, "TMPDIR": str(folder.parent)},
    )  # fmt: skip
    said = f"error: cannot write {folder.parent}: File too large\n"
    said += "hint: TMPDIR=FOLDER puts temporary files elsewhere\n"
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.decode().endswith(said)


def test_a_dataset_is_what_was_gathered(own, drawings):
    found = gather(drawings)
    installation = own.install_own("mine", found)
    data = own.open("mine")
    for got, expected in ((data.train, found.train), (data.test, found.test)):
        np.testing.assert_array_equal(got.images, expected.images)
        np.testing.assert_array_equal(got.labels, expected.labels)
        assert not got.images.flags.writeable
    assert (data.name, data.sha256) == ("mine", installation.sha256)
    assert own.own_names() == ("mine",)
    summary = own.summary("mine")
    assert (summary.n_train, summary.n_test, summary.origin) == (16, 4, str(drawings))
    assert summary.digits == (0, 10, 0, 0, 0, 0, 0, 10, 0, 0)


def test_the_same_name_again_needs_a_word(own, drawings, few, tmp_path):
    own.install_own("mine", gather(drawings))
    npz(tmp_path, *few)
    other = gather(tmp_path / "digits.npz")
    with pytest.raises(UsageError, match="there is a dataset 'mine' already") as caught:
        own.install_own("mine", other)
    assert "--replace" in caught.value.hint
    old = own.open("mine")
    own.install_own("mine", other, replacing=True)
    assert len(own.open("mine").train.labels) == 160
    assert len(old.train.images) == 16  # who has it open keeps it
    assert old.train.images.any()
    assert len(list((own.own_folder / "mine").glob("*.npy"))) == 4


@pytest.mark.parametrize("which", ["train-images", "test-labels", "manifest"])
def test_damage_is_named_and_nothing_is_lost(own, drawings, which):
    own.install_own("mine", gather(drawings))
    (path,) = (own.own_folder / "mine").glob(f"{which}*")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
    for use in (own.open, own.verify, lambda name: own.append(name, *one_digit())):
        with pytest.raises(CorruptFileError) as caught:
            use("mine")
        assert "from a backup" in caught.value.hint
    assert own.summary("mine").problem
    assert own.own_names() == ("mine",)
    path.write_bytes(whole)  # the backup
    assert len(own.open("mine").train.labels) == 16
    path.unlink()
    with pytest.raises((CorruptFileError, UsageError)):
        own.open("mine")


def test_removal(own, drawings):
    own.install_own("mine", gather(drawings))
    own.install_own("other", gather(drawings))
    next((own.own_folder / "mine").glob("train-images*")).write_bytes(b"damaged")
    own.remove("mine")
    assert own.own_names() == ("other",)
    assert not (own.own_folder / "mine").exists()
    with pytest.raises(UsageError, match="unknown dataset 'mine'"):
        own.remove("mine")


def test_what_bears_another_name_is_not_used(own, drawings):
    own.install_own("mine", gather(drawings))
    for name in ("other", "mnist", "No-name"):
        shutil.copytree(own.own_folder / "mine", own.own_folder / name)
    assert own.own_names() == ("mine", "other")
    with pytest.raises(CorruptFileError, match="is not about other"):
        own.open("other")
    assert "is not about other" in own.summary("other").problem
    with pytest.raises(UsageError):
        own.open("No-name")


@pytest.mark.parametrize(
    "sizes", ["[-1, 4]", "[16]", "[16.0, 4]", "[true, 4]", '["16", 4]', "null"]
)
def test_a_manifest_that_makes_no_sense(own, drawings, sizes):
    own.install_own("mine", gather(drawings))
    path = own.own_folder / "mine" / "manifest.json"
    fields = json.loads(path.read_text())
    del fields["sha256"]
    fields["sizes"] = json.loads(sizes)
    text = json.dumps(fields, indent=2) + "\n"
    fields["sha256"] = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(json.dumps(fields, indent=2) + "\n")
    with pytest.raises(CorruptFileError, match="is damaged"):
        own.open("mine")


def test_a_link_is_not_followed(own, drawings, tmp_path):
    own.install_own("mine", gather(drawings))
    (own.own_folder / "mine").rename(tmp_path / "elsewhere")
    (own.own_folder / "mine").symlink_to(tmp_path / "elsewhere")
    assert own.own_names() == ()
    with pytest.raises(CorruptFileError, match="is a link"):
        own.append("mine", *one_digit())
    assert len(list((tmp_path / "elsewhere").iterdir())) == 5


def one_digit(value=0):
    image = np.zeros((1, 28, 28), np.uint8)
    image[0, 8:20, 10:18] = 255
    image[0, 0, 0] = value
    return image, np.array([7], np.uint8)


def test_the_same_image_under_several_labels_is_told(folder, few):
    images, labels = few[0][:20], few[1][:20]
    both = (
        np.concatenate([images, images[:3]]),
        np.append(labels, [*(labels[:2] + 1) % 10, labels[2]]),
    )
    np.savez(folder / "twice.npz", images=both[0], labels=both[1])
    told = "the same, pixel for pixel, under several labels: 2 images; see mnistcli show --suspects"
    assert gather(folder / "twice.npz").notes == (told,)


def test_a_dataset_grows(own, drawings):
    own.append("mine", *one_digit(1))
    assert (len(own.open("mine").train.labels), len(own.open("mine").test.labels)) == (1, 0)
    assert own.verify("mine").files[2][1] == (0, 28, 28)
    own.install_own("mine", gather(drawings), replacing=True)
    before = own.open("mine")
    own.append("mine", *one_digit(2))
    own.append("mine", *one_digit(3))
    after = own.open("mine")
    np.testing.assert_array_equal(after.train.images[:-2], before.train.images)
    np.testing.assert_array_equal(after.train.images[-1], one_digit(3)[0][0])
    assert after.train.labels[-2:].tolist() == [7, 7]
    np.testing.assert_array_equal(after.test.images, before.test.images)
    assert after.sha256 != before.sha256
    # The second answer to the same picture is a correction of the first.
    image, _ = one_digit(2)
    own.append("mine", np.concatenate([image, one_digit(4)[0]]), np.array([1, 1], np.uint8))
    corrected = own.open("mine").train
    np.testing.assert_array_equal(corrected.images[:-1], after.train.images)
    assert corrected.labels.tolist() == [*before.train.labels, 1, 7, 1]
    assert own.summary("mine").origin == f"{drawings} + kept"
    assert len(list((own.own_folder / "mine").glob("*.npy"))) == 4
    # The same is added once, and one for the test stays there.
    test = before.test.images[:1]
    again = [*own.open("mine").test.labels]
    again[0] = (again[0] + 1) % 10
    new = np.concatenate([test, one_digit(5)[0], one_digit(5)[0]])
    own.append("mine", new, np.array([again[0], 7, 7], np.uint8))
    assert own.open("mine").train.labels.tolist() == [*corrected.labels, 7]
    assert own.open("mine").test.labels.tolist() == again
    own.remove("mine")
    own.append("mine", new[1:], np.array([7, 7], np.uint8))
    assert own.open("mine").train.labels.tolist() == [7]


KEEPING = """
import sys
from pathlib import Path
import numpy as np
from mnistcli.datasets.store import DatasetStore
for i in range(8):
    image = np.full((1, 28, 28), 10 * int(sys.argv[2]) + i, np.uint8)
    DatasetStore(Path(sys.argv[1])).append("mine", image, np.array([7], np.uint8))
"""


def test_processes_at_once_lose_nothing(own):
    own.append("mine", *one_digit(255))
    writers = [
        subprocess.Popen([sys.executable, "-c", KEEPING, str(own.folder), str(n)], cwd=Path.cwd())
        for n in range(3)
    ]
    while any(each.poll() is None for each in writers):  # and a reader always sees a whole one
        data = own.open("mine")
        assert len(data.train.images) == len(data.train.labels) > 0
    assert [each.returncode for each in writers] == [0, 0, 0]
    kept = own.open("mine").train.images[1:, 0, 0].tolist()
    assert sorted(kept) == [10 * n + i for n in range(3) for i in range(8)]


KILLED = """
import os, sys
from pathlib import Path
import numpy as np
from mnistcli import files
from mnistcli.datasets.store import DatasetStore
left = int(sys.argv[2])
for module, name in ((os, "fsync"), (os, "replace"), (Path, "replace"), (Path, "unlink")):
    def counted(*arguments, real=getattr(module, name), **more):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return real(*arguments, **more)
    setattr(module, name, counted)
image = np.full((1, 28, 28), 9, np.uint8)
DatasetStore(Path(sys.argv[1])).append("mine", image, np.array([7], np.uint8))
"""


def test_killed_anywhere_it_is_the_old_one_or_the_new(own, drawings):
    own.install_own("mine", gather(drawings))
    old = own.open("mine").sha256
    seen, after = set(), 0
    while True:
        ended = subprocess.run(
            [sys.executable, "-c", KILLED, str(own.folder), str(after)],
            check=False,
            cwd=Path.cwd(),
        )
        own.verify("mine")
        seen.add(own.open("mine").sha256)
        assert len(seen) <= 2
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL
        if own.open("mine").sha256 != old:
            own.install_own("mine", gather(drawings), replacing=True)
        after += 1
    assert after >= 6
    assert old in seen
    # what the dead have left is gone with the next write
    own.append("mine", *one_digit())
    names = sorted(path.name.rpartition("-")[0] for path in (own.own_folder / "mine").iterdir())
    assert names == ["", "test-images", "test-labels", "train-images", "train-labels"]


# ------------------------------------------------------------------------------------------- joins


@pytest.fixture
def both(store, own, drawings):
    """A store with MNIST, and 20 drawings beside it."""
    own.install_own("mine", gather(drawings))
    return DatasetStore(store.folder, own_folder=own.own_folder)


def test_a_join_is_one_after_the_other(both):
    mnist, mine, join = (both.open(name) for name in ("mnist", "mine", "mnist+mine"))
    lines = f"{mnist.sha256}\n{mine.sha256}\n"
    assert join.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    assert (join.name, join.title) == ("mnist+mine", "MNIST + mine")
    assert [part.sha256 for part in join.parts] == [mnist.sha256, mine.sha256]
    for part in ("train", "test"):
        one, other, got = (getattr(each, part) for each in (mnist, mine, join))
        index = np.random.default_rng(0).integers(0, len(got.labels), 500)
        np.testing.assert_array_equal(
            got.images[index], np.concatenate([one.images, other.images])[index]
        )
        np.testing.assert_array_equal(got.images[-len(other.labels) :], other.images)
        np.testing.assert_array_equal(got.labels, np.concatenate([one.labels, other.labels]))
        assert not got.images.flags.writeable
    assert both.open("mine+mnist").sha256 != join.sha256
    assert mnistcli.open_dataset("mnist+mine", store=both).sha256 == join.sha256


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("mnist+gone", DataUnavailableError, "mnist.gone: there is no dataset 'gone'"),
        ("gone+mnist", DataUnavailableError, "there is no dataset 'gone'"),
        ("mnist+kmnist", DataUnavailableError, "Kuzushiji-MNIST is not installed"),
        ("mnist+", UsageError, "names a dataset twice, or none"),
        ("+", UsageError, "names a dataset twice, or none"),
        ("mnist+mnist", UsageError, "names a dataset twice, or none"),
        ("mnist+../own/mine", DataUnavailableError, "there is no dataset"),
        ("gone", UsageError, "unknown dataset 'gone'"),
    ],
)
def test_joins_that_are_none(both, name, kind, message):
    with pytest.raises(kind, match=message):
        both.open(name)


def test_a_file_is_no_part_of_a_join(both, folder):
    path = folder / "digits.csv"
    path.touch()
    with pytest.raises(DataUnavailableError, match="there is no dataset") as caught:
        both.open(f"mnist+{path}")
    assert caught.value.hint == f"mnistcli download --source {path} --as NAME"
    path = path.rename(folder / "ten+digits.csv")
    with pytest.raises(DataUnavailableError, match="there is no dataset") as caught:
        both.open(str(path))
    assert caught.value.hint == f"mnistcli download --source {path} --as NAME"


SETTINGS = TrainingSettings(SolverSettings(C=0.1), SplitSpec(limit=400), weights={"mine": 3.0})


def test_a_join_is_trained_on_judged_on_and_reproduced(both, own):
    join = both.open("mnist+mine")
    model = replace(train("1v7", join, SETTINGS).model, ref="1v7@1")
    card = ModelCard.from_json(model.card.to_json())
    assert card == model.card
    assert card.dataset_parts == {part.name: part.sha256 for part in join.parts}
    assert (card.weights, card.dataset, card.n_test) == ({"mine": 3.0}, "mnist+mine", 2_167)
    result = reproduce(model, join)
    assert (result.is_identical, result.again.card.weights) == (True, {"mine": 3.0})
    other = evaluate(model, both.open("mine"))
    assert (other.on, other.evaluation.n_samples, other.notes) == ("mine test", 4, ())
    own.append("mine", *one_digit())
    with pytest.raises(DataUnavailableError, match="other data than the mine that is here"):
        reproduce(model, both.open("mnist+mine"))
    (note,) = evaluate(model, both.open("mnist+mine")).notes
    assert note.startswith("mine has changed since 1v7@1 was trained on it")


def test_images_that_may_have_been_trained_on_are_told(both):
    split = SplitSpec(kind="random", limit=400)
    model = train("1v7", both.open("mnist"), TrainingSettings(split=split)).model
    model = replace(model, ref="1v7@1")
    (note,) = evaluate(model, both.open("mnist+mine")).notes
    assert note.startswith("1v7@1 was trained on a random split of mnist: some of these images")
    assert (
        evaluate(model, both.open("mine")).notes == evaluate(model, both.open("mnist")).notes == ()
    )
    assert compare([model, model], both.open("mnist+mine")).notes[0] == note


@pytest.mark.parametrize("kind", ["standard", "random"])
def test_every_image_of_a_part_weighs_what_was_said(both, kind):
    join, spec = both.open("mnist+mine"), SplitSpec(kind=kind)
    samples = training_samples(join, parse_task("1v7"), spec)
    weight = sample_weights(join, samples.index, {"mine": 4.5})
    mine = both.open("mine")
    images = np.concatenate([mine.train.images, mine.test.images]).reshape(-1, 784)
    is_mine = np.array(
        [(images == row).all(axis=1).any() for row in samples.images.reshape(-1, 784)]
    )
    assert is_mine.sum() == 16 if kind == "standard" else is_mine.sum() > 10
    np.testing.assert_array_equal(weight, np.where(is_mine, 4.5, 1.0))
    assert sample_weights(join, samples.index, {}) is None


def test_weights_reach_the_fit_the_folds_and_the_search(both, few, monkeypatch):
    some, seen = LabelledImages(*few), []
    join = joined([replace(both.open("mnist"), train=some, test=some), both.open("mine")])
    real = design.fit_classifier

    def counted(X, *rest, sample_weight=None, **more):
        seen.append(np.bincount(sample_weight.astype(int)))
        assert sample_weight.shape == X.shape[:1]
        return real(X, *rest, sample_weight=sample_weight, **more)

    monkeypatch.setattr(design, "fit_classifier", counted)
    whole = TrainingSettings(features=FeatureSpec("pixels", n_copies=1), weights={"mine": 3.0})
    train("1v7", join, replace(whole, folds=FoldSpec(2)))
    *folds, last = seen
    train("1v7", join, replace(whole, search=True))
    for counts in seen:
        assert counts[0] == counts[2] == 0
        assert counts[3] > 0
    # 16 drawings and a copy of each; of two folds each trains on half of them
    assert [each[3] for each in (last, seen[-1])] == [32, 32]
    assert [sum(each[3] for each in folds), len(folds)] == [32, 2]
    assert len(seen) > 3 + 2 * 5  # and the search's


@pytest.mark.parametrize("weights", [{"gone": 2.0}, {"mine": 0.0}, {"mine": float("nan")}])
def test_weights_that_make_no_sense(both, weights):
    with pytest.raises(UsageError):
        train("1v7", both.open("mnist+mine"), replace(SETTINGS, weights=weights))
