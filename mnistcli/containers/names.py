"""What names mean: of arrays in a file, of files and folders, and of the columns of a table."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from typing import Literal, NamedTuple

from mnistcli.containers.reading import FormatError
from mnistcli.mnist import DIGIT_WORDS

Part = Literal["train", "test"]
OfPart = Literal["train", "test", "val", ""]

IMAGES = frozenset(
    "images image imgs x data pixels features patterns samples generalsamples bilder daten".split()  # noqa: SIM905
)
# Also of the columns of a table.
LABELS = frozenset(
    "label labels lbl lbls class classes y target targets digit digits number category truth "  # noqa: SIM905
    "klasse klassen ziffer ziffern choice actual responses generalresponses clase clases classe "
    "digito digitos chiffre chiffres etiqueta etiquetas etiquette etiquettes rotulo rotulos".split()
)
_ABOUT_LABELS = {"true", "real", "correct", "ground", "expected"}  # true_label
_NAMED = {"label", "class"}  # class_id and label_name are labels, digit_id numbers the digits
# Of a column of what somebody or something said, which is not to be learned.
ANSWERS = frozenset("answer answers pred preds predicted prediction predictions guess".split())  # noqa: SIM905
PARTS: dict[str, OfPart] = {
    "train": "train", "training": "train", "tra": "train",
    "test": "test", "testing": "test", "tes": "test", "t10k": "test", "holdout": "test",
}  # fmt: skip
PARTS |= dict.fromkeys("val valid validation validate dev eval evaluation".split(), "val")  # noqa: SIM905
NUMBERS = DIGIT_WORDS | {"null": 0}
# What may stand before a digit in the name of a folder or of a picture, and in a label.
KINDS = "digit|class|cls|label|number|num|klasse|zahl|ziffer"
# Words that train and test are written together with: "xtrain", "mnisttest", but not "latest";
# and those that a number is: "samples2".
_BESIDE = "|".join(sorted({*IMAGES, *LABELS, "img", "is", "mnist", "set", "val"}))
_GLUED = re.compile(
    rf"([a-z0-9]*(?:{_BESIDE}))?(train(?:ing)?|test(?:ing)?|t10k)s?(?:({_BESIDE})s?)?([0-9]+k?)?"
    rf"|({_BESIDE})([0-9]+)"
)


class Meaning(NamedTuple):
    """What a name says: "X_test" are images for the test."""

    role: str  # "images", "labels" or ""
    part: OfPart
    n_words: int  # beside that of the part


def words_in(name: str) -> list[str]:
    """Return the words in a name in lower case: "XTrain_2" -> x, train, 2."""
    words: list[str] = []
    apart = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[0-9])(?=[A-Z][a-z])", " ", name)  # not T10 K
    for word in re.findall("[a-z0-9]+", apart.lower()):
        glued = _GLUED.fullmatch(word)
        words += filter(None, glued.groups()) if glued else [word]
    return words


def meaning_of(name: str) -> Meaning:
    """Tell what a name, or the last part of a path, means; its last word but numbers says the role."""
    words = words_in(name.rpartition("/")[2])
    others = [word for word in words if word not in PARTS] or [""]
    part: OfPart = next((PARTS[word] for word in words if word in PARTS), "")
    named = [word for word in others if not word.isdecimal() and word != "batch"]  # data_batch_1
    last = named[-1] if named else ""
    role = "images" if last in IMAGES else "labels" if last in LABELS | {"labs"} else ""
    return Meaning(role, part, len(others))


def says_labels(name: str) -> bool:
    """Return whether a column is called as labels are: label, actual_digit, classLabels."""
    words = {*words_in(name)}
    beside = _ABOUT_LABELS | {"id", "name"} if words & _NAMED else _ABOUT_LABELS
    return words <= LABELS | beside and bool(words & LABELS)


def number_in(text: str) -> int:
    """Return the one number in a text, in digits or a word: 3 of 03, three or digit_3; else -1."""
    words = re.findall(r"[^\W\d_]+|\d+", unicodedata.normalize("NFC", text.lower()))
    said = {
        int(word) if word.isdecimal() and len(word) < 4 else NUMBERS.get(word, -1)  # 00000 counts
        for word in words
        if not re.fullmatch(f"{KINDS}|samples", word)
    }
    return said.pop() if len(said) == 1 else -1


def names_meaning(role: str, part: str, names: Iterable[str]) -> list[str]:
    """Return the names of a role and a part, of several those with the fewest words."""
    found = {}
    for name in names:
        of, own, n_words = meaning_of(name)
        if of == role and part == (own or meaning_of(name.rpartition("/")[0]).part):  # train/data
            found[name] = n_words
    return [name for name, n_words in found.items() if n_words == min(found.values())]


def part_in(cell: str, column: str) -> OfPart | None:
    """Return the part that a cell says, "" where it is empty; None where it says something else.

    It is called after a part, or says yes or no to the name of its column: 1 in is_test.
    """
    asked = _asked_by(column)
    if asked and cell.lower() in ("1", "1.0", "true", "t", "yes", "y"):
        return asked
    if asked and cell.lower() in ("0", "0.0", "false", "f", "no", "n"):
        return "test" if asked == "train" else "train"
    return meaning_of(cell).part or (None if cell else "")


def _asked_by(column: str) -> OfPart:
    return meaning_of(column).part if {*words_in(column)} <= {"is", "for", *PARTS} else ""


def part_for_test(parts: Collection[OfPart]) -> OfPart:
    """Return which part is for the test: what is to validate on only where there is no other."""
    return "test" if "test" in parts else "val"


def parts_of(cells: Sequence[str], column: str) -> list[OfPart]:
    """Return the parts that the cells of a column say; nothing where it is no column of parts.

    Raises FormatError for what one that is called so does not say.
    """
    said = {cell: part_in(cell, column) for cell in {*cells}}
    odd = sorted(cell for cell, part in said.items() if part is None)
    if odd and (_asked_by(column) or {"split", "splits", "partition"} & {*words_in(column)}):
        problem = f"says {listed(odd)} in {column!r}: is that for training or for the test?"
        raise FormatError(problem, hint="write train, val or test there, or call it otherwise")
    return [said[cell] or "" for cell in cells] if not odd and any(said.values()) else []


def listed(names: Sequence[str]) -> str:
    """Return names in quotes, the first six at most."""
    shown = ", ".join(repr(name[:40]) for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
