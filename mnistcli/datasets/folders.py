"""A folder of the user's own digits -> the files to read, and the digit that each picture shows.

What says the digit of a picture, the first that does (`gathering` puts them together):

1. a table, a text or JSON that names it (`pictures_listed_in`);
2. the folder that it lies in, or one around that: 3, three, class_3, NIST's 33 (`pictures_in`);
3. its own name: 3_12.png, x_label_3.png, three_1.png, or 3.png where there are all ten.

Where no picture has one, files of data are read, with labels in them or in files beside them
(`containers_in`). Folders called train, test or val say the part of all that is in them.
"""

import contextlib
import itertools
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from mnistcli.containers import columns, digits, records
from mnistcli.containers.compressed import unpacked
from mnistcli.containers.csv import cells_of, number_of
from mnistcli.containers.names import (
    ANSWERS,
    IMAGES,
    KINDS,
    LABELS,
    NUMBERS,
    OfPart,
    meaning_of,
    number_in,
    parts_of,
    words_in,
)
from mnistcli.containers.reading import (
    FormatError,
    check_not_foreign,
    damage_of,
    kind_of,
    open_stream,
)
from mnistcli.errors import CorruptFileError
from mnistcli.files import is_hidden, kind_of_path, storage_errors
from mnistcli.pictures.formats import is_picture, is_picture_name

_IDX = {"images": "[-.]idx3", "labels": "[-.]idx[12]"}
# Of a name, and of the size of what is in it: csvTrainImages 60k x 784.csv, ARDIS_train_2828.csv.
_ENDING = re.compile(
    r"(?i)([ _](\d+k? x \d+|28x?28))?([-.]idx\d(-\w+)?)?(\.(\w{2,4}|ubyte))?(\.(gz|xz|bz2|zip))?$"
)
_DATA = re.compile(
    r"(?i).*(\.(csv|tsv|tab|asc|amat|data|tra|tes|train|test|arff|npz)(\.(gz|xz|bz2|zip))?|\.npy|[-.]idx[123].*)"
)
# What the names of images and of their labels may differ by, where the images are called so or not.
_ROLES = IMAGES | LABELS
# What labels are called that no images are, as digits are.
_CERTAIN = LABELS - {
    "digit", "digits", "number", "ziffer", "ziffern", "digito", "digitos", "chiffre", "chiffres",
}  # fmt: skip
_NUMBERED = re.compile(
    rf"(?i)^(?:(?:{KINDS})[ _=-]*)?([0-9]+)(?:_| ?[-(]|\.(?=[a-z].*\.))|(?:{KINDS})[ _=-]*([0-9]+)"
    rf"|^({'|'.join(NUMBERS)})(?:[ _-]*\(?\d+\)?)*\.\w+$",  # five_1.png, but not one_more.png
)
# What may be a count as well, where each picture has another: 3.png, digit3.png.
_ALONE = re.compile(rf"(?:(?:{KINDS})[ _=-]*)?[0-9]", re.IGNORECASE)
# What says it anywhere in the name of a picture.
_LABELLED = re.compile(r"(?:digit|class|label|num)[ _=-]*([0-9])(?![0-9])", re.IGNORECASE)
# A day, where 2024 may be a count, if others have one: 3-11-2024.png, 5 Nov 2024.png.
_DATED = re.compile(
    r"(?i)^[0-9]{1,2}[-_. ]+(?:[0-9]{1,2}|(?:jan|feb|m[aä]r|apr|ma[iy]|ju[nl]|aug|sep|o[ck]t|nov|"
    r"de[cz])[^\W\d_]*)[-_. ]+(?:19|20)[0-9]{2}(?![0-9])"
)
# Of a table of names, which no table of pixels has.
_MOST_COLUMNS = 60
# Folders that nothing is said by, of a school, of a form and of a pupil in it.
_MAX_DEPTH = 3
LAYOUTS = (
    "expected folders called 0 to 9, pictures called 3_....png or 3-....png, a CSV or JSON file of "
    "their names and digits, or a file of labelled digits: CSV, npz, ARFF or the images of an IDX pair; with --sheet "
    "photographs of pages that mnistcli sheet made"
)


class LabelledPicture(NamedTuple):
    """A picture, the digit that it is said to show, and whether for training or the test."""

    path: Path
    digit: int | None  # None where nothing says it
    part: OfPart
    refusal: CorruptFileError | None = None  # of a folder, which stands for the pictures in it
    is_alone: bool = False  # called by a digit alone, in no folder of one


def kind_of_name(path: Path) -> Literal["picture", "json", "data", "text", ""]:
    """Tell by the name of a file in a folder what it is read as: "data" and "text" are tables or arrays.

    A text, or what is packed or has no kind, is read where it is called like them: X_test.txt, test.gz.
    """
    suffix = path.suffix.lower()
    if is_picture_name(path.name):
        return "picture"
    if suffix in (".json", ".jsonl", ".ndjson"):
        return "json"
    if _DATA.fullmatch(path.name):
        return "data"
    role, part, _ = meaning_of(_stem_of(path))
    if not (role or part) or suffix not in (".txt", ".gz", ".bin", ".dat", ".idx", ".ubyte", ""):
        return ""
    return "text" if suffix or _is_idx(path) else ""  # folders and scripts are called so, too


def _is_idx(path: Path) -> bool:
    """Return whether a file is one of IDX, by its content."""
    if kind_of_path(path) == "file":
        with contextlib.suppress(OSError), open_stream(path) as file:
            return kind_of(file.head()) == "idx"
    return False


def is_list(path: Path) -> bool:
    """Return whether a file can only list pictures, labels or the names of classes."""
    kind = kind_of_name(path)
    if kind == "text" and _holds("labels", path) and not _is_idx(path):
        return bool(_CERTAIN & {*words_in(_stem_of(path))}) or _lists_labels(path)  # digits.txt
    return kind == "json"


def descended(folder: Path) -> Path:
    """Return the folder itself or, where nothing else is in it that is read, the only one in it."""
    for _ in range(4):
        content = content_of(folder)
        if any(kind_of_path(path) != "folder" and _is_read(path) for path in content):
            break
        below = [path for path in content if kind_of_path(path) == "folder"]
        if len(below) != 1 or _said_by(below[0], folder) != ("", None):
            break
        folder = below[0]
    return folder


def _is_read(path: Path) -> bool:
    """Return whether a file is read, by its name and, if it can only list pictures, its content."""
    with contextlib.suppress(CorruptFileError):
        if kind_of_name(path):
            return not is_list(path) or bool(pictures_listed_in(path, ""))
    return False


def content_of(folder: Path) -> list[Path]:
    """List what is in a folder and not hidden."""
    with storage_errors("read", folder):
        return sorted(each for each in folder.iterdir() if not is_hidden(each.name))


def labels_beside(path: Path) -> Path | None:
    """Find the labels of images in a file of their own beside it, called so: y.csv of X.csv.

    Where nothing else lies there these two may be called by other words.
    """
    return _pairs_in(content_of(path.parent), path).get(path)


def _pairs_in(content: Iterable[Path], *others: Path) -> dict[Path, Path]:
    """Find those of all files of data in a folder, and of others, however they are called."""
    data = {path for path in content if kind_of_name(path) in ("data", "text")}
    words = {path: {*words_in(_stem_of(path))} for path in sorted(data.union(others), reverse=True)}
    by_stem: dict[str, Path] = {}
    for path in words:  # packed too: the plain one
        stem = _stem_of(path).lower()
        if stem not in by_stem or kind_of_path(path) == "file":  # and no folder called so
            by_stem[stem] = path
    named = (path for path in by_stem.values() if _holds("labels", path))
    alike: dict[frozenset[str], list[Path]] = {}
    for path in (path for path in named if kind_of_path(path) == "file"):  # no pipe
        alike.setdefault(frozenset(words[path] - _ROLES), []).append(path)
    found = {}
    for path, own in words.items():
        is_of_images = _holds("images", path)
        more = own if _holds("labels", path) else set[str]()  # digits.npy, digits_target.npy
        beside = [
            each
            for each in alike.get(frozenset(own - _ROLES), [])
            if words[each] > more and (is_of_images or words[each] & _CERTAIN)
        ]
        if not beside and len(by_stem) == 2 and not own & _CERTAIN:
            parts = "", meaning_of(_stem_of(path)).part
            beside = [each for each in itertools.chain(*alike.values()) if words[each] & _CERTAIN]
            beside = [each for each in beside if meaning_of(_stem_of(each)).part in parts]
            beside = [each for each in beside if _lists_labels(each)]
        if len(beside) == 1:
            found[path] = beside[0]
    return found


def _lists_labels(path: Path) -> bool:
    """Return whether a file holds labels and nothing else, by its content."""
    with contextlib.suppress(FormatError), storage_errors("read", path), open_stream(path) as file:
        return not np.isnan(digits.read_labels(file)).any()
    return False


def _holds(role: str, path: Path) -> bool:
    return meaning_of(_stem_of(path)).role == role or bool(re.search(_IDX[role], path.name))


def _stem_of(path: Path) -> str:
    return _ENDING.sub("", path.name)


def containers_in(
    folder: Path, part: OfPart = "train"
) -> tuple[dict[Path, OfPart], dict[Path, Path]]:
    """Return which part each container holds, in folders called after parts as well, and their labels.

    Those are there which lie in a file of their own, see `labels_beside`.
    """
    content, found = content_of(folder), dict[Path, OfPart]()
    labels = _pairs_in(content)
    taken = {*labels.values()}
    for path in content:
        of = meaning_of(path.name).part
        # No train-images-idx3/, which is called like a file.
        if of and not kind_of_name(path) and kind_of_path(path) == "folder":
            parts, beside = containers_in(path, of)
            found |= parts
            labels |= beside
    for path in content:
        if kind_of_name(path) in ("", "picture"):
            continue
        if taken & {path, path.with_suffix("")} or path.with_suffix("") in found:
            continue  # read with what it goes with, or the same, compressed
        if re.search(_IDX["labels"], path.name) and _stem_of(path) in map(_stem_of, taken):
            continue  # train-labels-idx1-ubyte beside train-labels
        alike = (each for each in found if _stem_of(each) == _stem_of(path))
        if re.search(_IDX["images"], path.name) and any(map(_is_idx, alike)):
            continue  # train-images-idx3-ubyte beside train-images
        if "submission" in words_in(_stem_of(path)):
            continue  # answers, of Kaggle's sample all the same
        if kind_of_path(path) == "file":
            own = meaning_of(path.name).part
            found[path] = own if own in ("test", "val") else part
    return found, labels


def pictures_in(
    folder: Path, part: OfPart = "", digit: int | None = None, depth: int = 0
) -> list[LabelledPicture]:
    """Return the pictures in a folder, of a part and a digit where it is said, and in those below it.

    Folders whose names say neither are entered within one of a digit, or where nothing beside them
    has a label, and around such if they have most of the pictures, and neither these nor training
    images are beside them; else those with pictures are told of, as pictures without a digit are.
    """
    content = content_of(folder)
    numbers, is_nists = _numbers_of(content, folder, digit), _are_of_nist(content, folder, digit)
    found, unnamed = list[LabelledPicture](), list[Path]()
    for path in content:
        if is_picture(path):
            number = numbers.get(path, "")
            own = int(number) if digit is None and len(number) == 1 else digit
            is_alone = digit is None and bool(_ALONE.fullmatch(path.stem))
            found.append(LabelledPicture(path, own, part, is_alone=is_alone))
            continue
        of, own = _said_by(path, folder)
        if is_nists and 30 <= (code := number_in(path.name)) < 40:
            own = code - 30
        said = part or of, own if digit is None else digit
        if said != (part, digit):
            if kind_of_path(path) == "folder":
                found += _pictures_below(path, *said)
        elif kind_of_path(path, follow=False) == "folder":
            unnamed.append(path)
    is_entered = digit is not None or all(each.digit is None for each in found)
    is_whole = _has_folders_of_digits(folder) or any(each.part == "train" for each in found)
    for path in unnamed:
        is_around = not is_whole and _has_folders_of_digits(path)
        is_open = depth < _MAX_DEPTH and (is_entered or is_around)
        below = _pictures_below(path, part, digit, depth + 1) if is_open else []
        if is_open and (is_entered or len(below) > len(found)):  # fewer may be copies
            found += below
        elif any(map(is_picture, all_below(path))):  # which is told
            found.append(LabelledPicture(path, digit, part))
    return found


def _has_folders_of_digits(folder: Path) -> bool:
    return any(_said_by(path, folder)[1] is not None for path in folder.glob("*/"))


def _numbers_of(content: Iterable[Path], folder: Path, digit: int | None) -> dict[Path, str]:
    """Return the numbers that pictures in a folder, of a digit perhaps, are called after.

    Raises CorruptFileError where these are no digits, or others than its own.
    """
    pictures = [path for path in content if is_picture_name(path.name)]
    alone = {path: path.stem[-1] for path in pictures if _ALONE.fullmatch(path.stem)}
    others = [path for path in pictures if path not in alone]
    numbers = {path: number for path in others if (number := _number_before(path))}
    # All ten, or one beside copies of it, and no 10.png: these count no pictures.
    is_said = digit is None and (numbers or {*alone.values()} == {*"0123456789"})
    if is_said and not any(path.stem.isdecimal() for path in others):
        numbers |= alone
    n_times = Counter(numbers.values())
    n_long = sum(len(number) > 1 or bool(_DATED.search(p.name)) for p, number in numbers.items())
    if digit is None and n_long and (max(n_times.values()) == 1 or 2 * n_long > len(numbers)):
        problem = "has pictures that are called by a number or a day of their own, not by the digit"
        raise CorruptFileError(folder, problem, hint=LAYOUTS)
    is_odd = 1 < len(n_times) < len(numbers) > 2 * n_times[str(digit)]  # some again and again
    if digit is not None and is_odd and not n_long:
        problem = f"is called after {digit}, and its pictures after other digits"
        raise CorruptFileError(folder, problem, hint="rename one of the two")
    return numbers


def _are_of_nist(content: Iterable[Path], folder: Path, digit: int | None) -> bool:
    """Return whether folders in one, of a digit perhaps, are called after codes of characters.

    In NIST's Special Database 19 digits are 30 to 39. Raises CorruptFileError where folders are
    called after no digits, or after all of them in one that is called after one.
    """
    called = {number_in(path.name) for path in content} - {-1}
    ten = {*range(digits.N_CLASSES)}
    if digit is not None and ten <= called:
        problem = f"is called after {digit}, and the folders in it after all ten digits"
        raise CorruptFileError(folder, problem, hint="call it otherwise, by a person's name say")
    is_alone = 10 not in called > ten  # and 100 something else
    is_of_more = 0 not in called >= {10} or max(called, default=0) >= columns.N_CODES
    if digit is None and is_of_more and called & ten and not is_alone:
        problem = f"has folders called {min(called)} to {max(called)}, which count no digits"
        hint = "keep those of digits, called 0 to 9; call those of people by name, as in anna/3/..."
        raise CorruptFileError(folder, problem, hint=hint)
    return len(called & {*range(30, 40)}) > 1 and all(30 <= n < 80 for n in called)


def _pictures_below(
    folder: Path, part: OfPart, digit: int | None, depth: int = 0
) -> list[LabelledPicture]:
    """Return the same of a folder beside others, which may be sound where it is refused."""
    try:
        return pictures_in(folder, part, digit, depth)
    except CorruptFileError as error:
        return [LabelledPicture(folder, None, part, error)]


def _number_before(path: Path) -> str:
    """Return the number, be it a label or a count, that a picture is called after; "" for none."""
    name = unicodedata.normalize("NFC", path.name.lower())
    match = _LABELLED.search(name) or _NUMBERED.search(name)
    number = match[match.lastindex or 0] if match else ""
    return str(NUMBERS.get(number, number))


def _said_by(folder: Path, root: Path) -> tuple[OfPart, int | None]:
    """Tell the part and the digit that a folder, or one around it below the root, is called after."""
    names = Path(os.path.relpath(folder, root)).parts
    part: OfPart = next((of for name in names if (of := meaning_of(name).part)), "")
    return part, next((n for name in names if 0 <= (n := number_in(name)) < digits.N_CLASSES), None)


def check_largest_below(folder: Path) -> None:
    """Raise CorruptFileError where the largest file in a folder is of a kind that is not read."""
    files = (each for each in all_below(folder) if kind_of_path(each) == "file")
    others = (each for each in files if not re.search(r"\.(md|html|ipynb)$|^Thumbs", each.name))
    if paths := [each for each in others if not is_picture(each)]:
        path = max(paths, key=lambda each: each.stat().st_size)
        with storage_errors("read", path), damage_of(path), open_stream(path) as stream:
            check_not_foreign(unpacked(stream), LAYOUTS)


def all_below(folder: Path) -> Iterator[Path]:
    """Yield what is in a folder, and in those below it, of a part, a form and a pupil in it."""
    levels = (folder.glob("*/" * depth + "*") for depth in range(_MAX_DEPTH + 1))
    for path in itertools.chain.from_iterable(levels):
        if not is_hidden(*path.parts[len(folder.parts) :]):
            yield path


Index = Mapping[tuple[int, str], Sequence[Path]]


def index_below(folder: Path) -> Index:
    """Find the pictures in a folder and below it, by each way in which tables may call them."""
    found: dict[tuple[int, str], list[Path]] = {}
    for path in filter(is_picture, all_below(folder)):
        for name in enumerate(_names_of(path)):
            found.setdefault(name, []).append(path)
    return found


def _names_of(path: Path) -> tuple[str, ...]:
    """Return what a table may call a picture, the surest first, as Windows and macOS compare names.

    Label Studio puts eight letters in front of a name; what comes last has another ending, or none.
    """
    folded = Path(unicodedata.normalize("NFC", str(path)).casefold())
    plain = re.sub("^[0-9a-f]{8}-", "", folded.name)
    # As it was called where the table was written: D:/train/7/12.png.
    tails = ("/".join(folded.parts[-n:]) for n in (4, 3, 2))
    return str(folded), *tails, folded.name, plain, path.stem


class _Listing(NamedTuple):
    """A table that names pictures: their names, and its other columns, without titles."""

    names: Sequence[str]
    others: Mapping[int, Sequence[str]]  # those that say anything, by their number
    titles: Sequence[str]  # of all columns, "" where it has none
    is_json: bool


def pictures_listed_in(
    path: Path, part: OfPart, index_of: Callable[[Path], Index] = index_below
) -> list[LabelledPicture]:
    """Return the pictures that a table names, and their digits; nothing where it is none of names."""
    is_json = kind_of_name(path) == "json"
    is_table = path.suffix.lower() in (".csv", ".tsv", ".txt")
    if not (is_json or is_table) or kind_of_path(path) != "file":
        return []  # a pipe can be read once
    with storage_errors("read", path), damage_of(path):
        if (listing := _listing_in(path, index_of, is_json=is_json)) is None:
            return []
        if listing.names[0].startswith(("http://", "https://")):
            hint = "fetch them first, into a folder beside it"
            raise FormatError("names pictures on the web", hint=hint)
        places = _places_of(listing.names, path, index_of)
        said_by = {place.parent: _said_by(place.parent, path.parent) for place in places}
        own = [said_by[place.parent] for place in places]
        if not listing.others:
            pictures = zip(places, own, strict=True)
            return [LabelledPicture(it, n, of or part) for it, (of, n) in pictures if n is not None]
        said = {i: parts_of(column, listing.titles[i]) for i, column in listing.others.items()}
        parts = next((each for each in said.values() if each), [of for of, _ in own])
        told = _columns_of_digits(listing, [i for i, each in said.items() if not each])
        if listing.is_json and not told:
            return []  # of what programs keep of each picture
        shown = _digits_shown(told)
        if len({*zip(places, shown, strict=True)}) > len({*places}):
            problem = "names pictures several times, with different digits"
            hint = "cut the digits out of their pictures, into folders called 0 to 9"
            raise FormatError(problem, hint=hint)
        # Labels 0 and 1 may stand for folders called 3 and 7.
        both = ((digit, it) for digit, (_, it) in zip(shown, own, strict=True))
        apart = [each for each in both if None not in each and len({*each}) > 1]
        if 2 * len(apart) > len(places):
            problem = "says {} of a picture in a folder that is called after {}".format(*apart[0])
            raise FormatError(problem, hint="take the table away, or rename the folders")
    return [*map(LabelledPicture, places, shown, [each or part for each in parts])]


def _listing_in(path: Path, index_of: Callable[[Path], Index], *, is_json: bool) -> _Listing | None:
    """Read a table that names pictures; None where its first rows name none."""
    with open_stream(path) as stream:
        rows = (records.rows_of if is_json else cells_of)(unpacked(stream))
        first = list(itertools.islice(rows, 2))
        if [*map(len, first)] == [1, 1] and not np.isnan(number_of(first[1][0])):
            every = itertools.chain(first, rows)  # a name, and below it its digit
            rows = (name + digit for name, digit in zip(every, every, strict=False))
            first = list(itertools.islice(rows, 2))
        if not first or not 0 < len(first[-1]) <= _MOST_COLUMNS:
            return None
        # Sizes and counts, which JSON is full of, are no names of counted pictures.
        if not is_json and not any(is_picture_name(cell) for cell in first[-1]):
            rows = _with_suffixes(itertools.chain(first, rows), index_of(path.parent))
            first = list(itertools.islice(rows, 2))
        is_name = [[is_picture_name(cell) for cell in row] for row in first]
        if not any(map(any, is_name)):
            return None
        has_titles = not any(is_name[0])
        name = is_name[has_titles].index(True)
        listed = [row for row in [*first[has_titles:], *rows] if len(row) > name]
    table = [*itertools.zip_longest(*listed, fillvalue="")][: max(map(len, first))]
    titles = [*first[0] * has_titles, *[""] * len(table)]  # fewer than cells, perhaps
    others = {i: column for i, column in enumerate(table) if i != name and any(column)}
    return _Listing(table[name], others, titles, is_json)


def _columns_of_digits(listing: _Listing, numbers: Sequence[int]) -> list[Sequence[str]]:
    """Return which of some columns of a table are the digits of its pictures: one, or ten."""
    names, columns_of, titles, is_json = listing
    is_called = any(titles) and (is_json or len(numbers) > 1)  # of JSON version: 5.0 may be alone
    called = columns.labels_among(titles, numbers) if is_called else numbers
    # An image_id, or a column with a number of its own in every row, counts the pictures.
    said = {i: {*words_in(titles[i])} for i in called}
    n = len(names)
    counts = [(*map(str, range(first, first + n)),) for first in (0, 1) if n > digits.N_CLASSES]
    told = [
        i for i, words in said.items() if not ANSWERS & words
        and (words & LABELS or not (words & {"id", "index"} or columns_of[i] in counts))
    ]  # fmt: skip
    # Of several, nothing that is asked of each picture, and no places on a map.
    asked = {i for i in told if {*map(str.lower, columns_of[i])} <= {"true", "false", ""}}
    told = [i for i in told if i not in asked] or told
    values = {i: (*map(number_of, columns_of[i]),) for i in told}
    if len(told) != digits.N_CLASSES:
        told = [i for i in told if {*values[i]} <= {*range(digits.N_CLASSES)}] or told
    if len(told) != digits.N_CLASSES:  # 3 in class_id and three in class_name are one
        told = [*{values[i]: i for i in told}.values()]
    if len(told) not in (0 if is_json else 1, 1, digits.N_CLASSES):
        problem = f"has {len(told)} columns that may be the digits of its pictures"
        raise FormatError(problem, hint="call them file and label")
    return [columns_of[i] for i in told]


def _digits_shown(told: Sequence[Sequence[str]]) -> list[int | None]:
    """Return the digits that a column tells, or one for each of them; None of what is no digit."""
    cells = np.array(told, dtype=str)
    labels = digits.labels_of(cells[0] if len(cells) == 1 else cells)
    wrong = {i for i, _ in digits.label_faults(labels)}
    return [None if i in wrong else int(label) for i, label in enumerate(labels)]


def _with_suffixes(rows: Iterator[tuple[str, ...]], index: Index) -> Iterator[tuple[str, ...]]:
    """Return the rows of a table with the names of pictures, where one column is of their stems."""
    stems = {paths[-1].stem: paths[-1].name for paths in index.values()}
    if not stems:
        return rows
    table = [*itertools.zip_longest(*rows, fillvalue="")]
    # Digits are stems too where pictures are counted, but the same again and again.
    n_known, i = max((len(stems.keys() & {*column}), i) for i, column in enumerate(table))
    if 2 * n_known > len(table[i]):
        table[i] = tuple(stems.get(cell, cell) for cell in table[i])
    return zip(*table, strict=True)


def _places_of(names: Sequence[str], table: Path, index_of: Callable[[Path], Index]) -> list[Path]:
    """Return where the files are that a table names, be it as Windows does.

    They lie beside it, or where none does, in the folders below, in one called like the table where
    several have such a name.
    """
    folder = table.parent
    named = (n if os.path.lexists(folder / n) else n.replace("\\", "/") for n in names)
    # Of data/../data/3.png the way back is left out, by which others do not find it.
    places = [Path(os.path.normpath(folder / n)) if ".." in n else folder / n for n in named]
    if all(map(os.path.lexists, places)):
        return places
    index = index_of(folder)
    for ways in zip(*(enumerate(_names_of(place)) for place in places), strict=True):
        only = {}  # by what is asked for: of a name there may be thousands
        for name in {*ways} & index.keys():
            found = index[name]
            own = [each for each in found if table.stem in each.parts] if len(found) > 1 else found
            if len(own) == 1:
                only[name] = own[0]
        closest = [only.get(name, place) for name, place in zip(ways, places, strict=True)]
        if any(map(os.path.lexists, closest)):
            return closest
    return places
