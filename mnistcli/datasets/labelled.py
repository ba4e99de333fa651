"""Somebody's own labelled digits, in any container -> LabelledImages."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import IO

import numpy as np

from mnistcli.arrays import Bools, Float64s
from mnistcli.conforming.placing import conform_all
from mnistcli.containers.digits import HINT, Block, label_faults, read_digits, read_labels
from mnistcli.containers.names import OfPart, Part, part_for_test
from mnistcli.containers.reading import FormatError, Input, damage_of, open_stream
from mnistcli.datasets.dataset import LabelledImages
from mnistcli.datasets.folders import labels_beside
from mnistcli.errors import BadImageError, DataUnavailableError
from mnistcli.files import storage_errors
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.paths import hint_of_missing

_TAKE_OUT = "take it out, or: mnistcli download --source FILE --as NAME, which does"


def read_parts(
    path: Input,
    labels_of: Callable[[Path], Path | None] = labels_beside,
    *,
    raw: bool = False,
    transposes: bool = True,
    stdin: IO[bytes] | None = None,
    part: Part | None = None,
    failures: list[tuple[str, str]] | None = None,
) -> dict[Part | None, LabelledImages]:
    """Read labelled digits, each picture as a prediction reads it, with ``raw`` or without.

    It is a file or pipe that `containers.digits.read_digits` reads, "-" being standard input or
    what stands in for it. They are under None, but where it says which are for the test, and of an
    npz file with both parts if none is asked for, under each. Labels may lie where ``labels_of`` says.
    Pictures that cannot be used are left out where ``failures`` receives (source, reason) of each.

    Raises DataUnavailableError where there is no such file, or the labels of IDX images are
    missing, CorruptFileError, which names row and column, where something is wrong with it or a
    picture.
    """
    try:
        with damage_of(path), open_stream(path, stdin) as stream:
            blocks = read_digits(stream, part, transposes=transposes)
            return labelled_images(blocks, path, failures, labels_of, raw=raw)
    except FileNotFoundError:
        hint = HINT if Path(path).suffix else f"a dataset goes by its name: --dataset {path}"
        hint = hint_of_missing(path, hint)
        raise DataUnavailableError(f"there is no file {path}", hint=hint) from None
    except OSError as error:
        raise DataUnavailableError(f"cannot read {path}: {error.strerror or error}") from None


def labelled_images(
    blocks: Iterable[Block],
    path: Path | str,
    failures: list[tuple[str, str]] | None = None,
    labels_of: Callable[[Path], Path | None] = labels_beside,
    *,
    raw: bool,
) -> dict[Part | None, LabelledImages]:
    """Put blocks of pictures together, part by part; raise FormatError, see `read_parts`."""
    images = bytearray()  # grows without a second copy
    labels: list[Float64s] = []
    where: list[str] = []
    parts: list[OfPart] = []
    faults: dict[int, FormatError] = {}
    steps: Counter[tuple[str, ...]] = Counter()
    note, beside = "", None
    for block in blocks:
        if block.labels is not None:
            labels.append(block.labels)
        elif (beside := beside or labels_of(Path(path))) is None:
            if block.without_labels:
                raise FormatError(block.without_labels, hint=HINT)
            hint = "expected a file named ...-labels-idx1-ubyte"
            raise DataUnavailableError(f"the labels of {path} are not beside it", hint=hint)
        found = as_predicted(block, raw=raw)
        if failures is None and found.faults:
            raise found.faults[min(found.faults)]
        faults |= {len(where) + i: fault for i, fault in found.faults.items()}
        images += found.images.data
        steps.update(found.steps)
        where += block.where
        parts += block.parts or [""] * len(block.where)
        note = block.note
    values = np.concatenate([np.empty(0), *labels])
    if beside:
        with storage_errors("read", beside), damage_of(beside), open_stream(beside) as file:
            values = read_labels(file)
        if len(values) == len(where) + 1 and values[0] == 0:
            values = values[1:]  # what pandas calls a column without a name
    digits = np.frombuffer(images, np.uint8).reshape(-1, *IMAGE_SHAPE)
    if len(digits) != len(values):
        raise FormatError(f"holds {len(digits):,} images and {len(values):,} labels")
    notes = [note] if note else []
    del steps[()]  # nothing
    if steps:
        done = ", ".join(dict.fromkeys(step for kind, _ in steps.most_common() for step in kind))
        n_done = f"{steps.total():,} of {len(digits):,} images"
        notes.append(f"{n_done} were brought into MNIST's form: {done}")
    for_test = part_for_test(parts)
    for i, fault in label_faults(values, where):
        if failures is None:
            fault.hint = fault.hint or _TAKE_OUT
            raise fault
        faults.setdefault(i, fault)
    if failures is not None and faults:
        failures += [(f"{path}{where[i]}", fault.problem) for i, fault in sorted(faults.items())]
        if len(faults) == len(values) > 1 and path:
            raise faults[0]  # which is the file's, with its hint
        good = np.delete(np.arange(len(values)), list(faults))
        digits, values, parts = digits[good], values[good], [parts[i] for i in good]
    is_test = np.array([of == for_test for of in parts], dtype=bool)
    if 0 < (n_test := is_test.sum()) < len(is_test):
        notes.append(f"{n_test:,} of {len(is_test):,} images are for the test")
    whole = LabelledImages(digits, values.astype(np.uint8), tuple(notes))
    if not any(parts):
        return {None: whole}
    named: dict[Part | None, Bools] = {"train": ~is_test, "test": is_test}
    return {
        of: replace(whole, images=whole.images[rows], labels=whole.labels[rows])
        for of, rows in named.items()
        if rows.any()
    }


def as_predicted(block: Block, *, raw: bool) -> Block:
    """Return a block whose pictures are in MNIST's form, black where there is a fault."""
    n, height, width = block.images.shape
    if raw and n > 1 and (height, width) != IMAGE_SHAPE:
        raise FormatError(f"has pictures of {width} x {height} pixels, expected 28 x 28")
    images, faults, steps = np.zeros((n, *IMAGE_SHAPE), np.uint8), {**block.faults}, []
    every = conform_all(block.images, block.where, raw=raw, paper=block.paper)
    for i, found in enumerate(every):
        if i in block.faults:
            continue
        if isinstance(found, BadImageError):
            hint = found.hint if raw else "or take all pixels as they are: --raw"
            if not raw and (height, width) != IMAGE_SHAPE:
                hint = _TAKE_OUT
            faults[i] = FormatError(found.problem, where=block.where[i], hint=hint)
        else:
            images[i] = found.image
            steps.append(found.steps)
    return block._replace(images=images, faults=faults, steps=steps)
