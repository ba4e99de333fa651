"""The task language: which digits are told apart from which.

    task   = group "v" group { "v" group }
    group  = digit { digit }            one class made of these digits
           | "rest"                     all digits not named before; only as the last group

``0v1`` tells 0 from 1, ``2vrest`` 2 from everything else, ``17v49`` {1, 7} from {4, 9}, and
``0v1v2`` three classes. ``digits`` is short for all ten, ``even-odd`` for ``02468v13579``.
``pairs`` are all ten again, told apart by the 45 models ``0v1``, ``0v2``, ..., ``8v9`` together.

The positive class of a two-class task is the first group when the last is ``rest``, else the last
group. Classes are numbered so that the positive one is class 1, as scikit-learn has it.
"""

import contextlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mnistcli.errors import TaskError, UsageError
from mnistcli.mnist import DIGIT_WORDS

if TYPE_CHECKING:
    from mnistcli.arrays import Int64s, Labels

ALL_DIGITS = "0123456789"
ALIASES = {"digits": "v".join(ALL_DIGITS), "even-odd": "02468v13579"}
PAIRS = "pairs"
REST = "rest"


@dataclass(frozen=True, slots=True)
class Task:
    """A classification task on digit images; ``parse_task(task.name) == task``.

    `groups` are the digits of each class, in class order: ``("013456789", "2")`` for ``2vrest``,
    whose positive class comes last. `class_names` are what to call them. With `is_pairwise` there
    is a model for each pair of classes.
    """

    name: str
    groups: tuple[str, ...]
    class_names: tuple[str, ...]
    is_pairwise: bool = False

    @property
    def n_classes(self) -> int:
        """The number of classes, at least 2."""
        return len(self.groups)

    @property
    def n_outputs(self) -> int:
        """The number of linear functions: one for two classes, or for each class or pair."""
        n = self.n_classes
        return n * (n - 1) // 2 if self.is_pairwise or n == 2 else n

    @property
    def n_classes_per_fit(self) -> int:
        """The number of classes that a solver tells apart at once: two where there are pairs."""
        return 2 if self.is_pairwise else self.n_classes

    @property
    def is_binary(self) -> bool:
        """Whether there are two classes, and so a positive one: class 1."""
        return self.n_classes == 2

    def class_index(self, name: str) -> int:
        """Return the index of the class of that name; raise UsageError where there is none."""
        if name not in self.class_names:
            hint = f"the classes of {self.name} are {', '.join(self.class_names)}"
            raise UsageError(f"{name!r} is no class of {self.name}", hint=hint)
        return self.class_names.index(name)

    def encode(self, labels: "Labels") -> "Int64s":
        """Return the class index of each label, int64, -1 where the digit takes no part."""
        import numpy as np

        class_of_digit = np.full(len(ALL_DIGITS) + 1, -1, dtype=np.int64)
        for index, group in enumerate(self.groups):
            class_of_digit[[int(digit) for digit in group]] = index
        known = (labels >= 0) & (labels < len(ALL_DIGITS))
        # The extra last entry answers for everything that is not a digit.
        encoded: Int64s = class_of_digit[np.where(known, labels, len(ALL_DIGITS))]
        return encoded


def parse_task(text: str | Task) -> Task:
    """Read a task: ``parse_task("2vrest")``; raise TaskError, which says what makes no sense."""
    if isinstance(text, Task):
        return text
    if not isinstance(text, str):
        raise TaskError(repr(text)[:40], f"it is no text but {type(text).__name__}")
    try:
        return _parse(text.strip().lower())
    except ValueError as error:
        raise TaskError(text, str(error), nearest(text)) from None


def nearest(text: str) -> str:
    """Return the task that somebody who typed `text` may have meant, "" if none comes to mind."""
    from difflib import get_close_matches

    words = re.sub(r"[^\W\d_]+", lambda word: str(DIGIT_WORDS.get(word[0], word[0])), text.lower())
    written = re.sub(r"others?\b|all\b|not \d+", REST, words)
    sides = re.sub(r"versus|against|vs", "v", written)
    between = "" if "v" in sides else "v"
    groups = re.sub(r"and|or|[^0-9a-z]+", between, sides).split("v")
    groups = sorted(filter(None, groups), key=REST.__eq__)
    if len(groups) == 1:
        groups = list(groups[0]) if len(groups[0]) > 1 else [*groups, REST]
    meant = get_close_matches(text.lower(), (*ALIASES, PAIRS), 1, cutoff=0.5)
    for guess in ("v".join(groups), *meant):
        with contextlib.suppress(ValueError):
            return _parse(guess).name
    return ""


def _parse(written: str) -> Task:
    if written == PAIRS:
        return Task(PAIRS, tuple(ALL_DIGITS), tuple(ALL_DIGITS), is_pairwise=True)
    groups = ALIASES.get(written, written).split("v")
    if REST in groups[:-1]:
        raise ValueError("'rest' can only be the last group")
    seen = ""
    for group in groups if groups[-1] != REST else groups[:-1]:
        if not group:
            raise ValueError("a group is empty" if len(groups) > 1 else "it is empty")
        for character in group:
            if character not in ALL_DIGITS:
                raise ValueError(f"{group!r} is neither digits nor 'rest'")
            if character in seen:
                raise ValueError(f"the digit {character} occurs twice")
            seen += character
    if len(groups) < 2:
        raise ValueError("it needs at least two groups, separated by 'v'")
    if groups[-1] == REST and len(seen) == len(ALL_DIGITS):
        raise ValueError("nothing is left for 'rest'")
    canonical = ["".join(sorted(group)) if group != REST else REST for group in groups]
    plain = "v".join(canonical)
    name = next((alias for alias, meaning in ALIASES.items() if meaning == plain), plain)
    class_names = ("even", "odd") if name == "even-odd" else tuple(canonical)
    if canonical[-1] == REST:
        canonical[-1] = "".join(digit for digit in ALL_DIGITS if digit not in seen)
        if len(canonical) == 2:
            canonical.reverse()
            class_names = class_names[::-1]
    return Task(name=name, groups=tuple(canonical), class_names=class_names)
