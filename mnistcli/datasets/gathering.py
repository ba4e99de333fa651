"""A folder or a file of the user's own labelled pictures -> what becomes a dataset.

What may lie there is told by ``mnistcli help own-digits``. What cannot be used is left out and told
of.
"""

import contextlib
import itertools
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import IO

import numpy as np

from mnistcli.containers import columns, digits
from mnistcli.containers.compressed import as_folder
from mnistcli.containers.names import OfPart, Part, part_for_test
from mnistcli.containers.reading import FormatError, damage_of, open_stream
from mnistcli.datasets import folders
from mnistcli.datasets.dataset import LabelledImages, Loaded, concatenated, in_parts
from mnistcli.datasets.labelled import as_predicted, labelled_images, read_parts
from mnistcli.display import counted
from mnistcli.errors import BadImageError, CorruptFileError, DataUnavailableError, MnistCliError
from mnistcli.files import copy_bytes, kind_of_path, scratch_file, storage_errors
from mnistcli.mnist import IMAGE_SHAPE
from mnistcli.parallel import flat_map_forked
from mnistcli.pictures.formats import is_picture
from mnistcli.pictures.read import Batch, read_all, read_pictures
from mnistcli.progress import SILENT, Progress
from mnistcli.ranges import RANGES
from mnistcli.sampling import first_alike, stratified_sample
from mnistcli.sheets import PHOTOGRAPH_SIDE, SheetRead, read_sheet

_OF_FRAMES = "the others are not read"
# Of what is no file of labelled digits, and not a damaged one.
HINTS = digits.HINT, columns.HINT, columns.OF_SHAPE


def gather(
    path: Path,
    *,
    raw: bool = False,
    sheet: Callable[[SheetRead], None] | None = None,
    test_size: float | None = 0.2,
    seed: int = 0,
    progress: Progress = SILENT,
) -> Loaded:
    """Read labelled digits from a folder, a file or "-", each picture as a prediction reads it.

    ``raw`` takes 28 x 28 pixels as they are. With ``sheet``, photographs of pages that
    `mnistcli.sheets` drew are read, and it is handed what was found on each. Where nothing says
    which images are for the test, their share is drawn digit by digit, unless that is None.
    Raises DataUnavailableError where nothing is labelled, CorruptFileError or BadImageError where
    fewer than two can be used.
    """
    if test_size is not None:
        RANGES["test_size"].checked("test_size", test_size)
    RANGES["seed"].checked("seed", seed)
    with _opened(path) as (place, stdin):
        kind = "file" if stdin else kind_of_path(place)
        if kind == "nothing":
            raise DataUnavailableError(f"there is no file or folder {path}", hint=folders.LAYOUTS)
        if sheet is None and kind == "file" and is_picture(place):
            hint = "name a folder of pictures, or add --sheet for a photographed page of mnistcli sheet"
            raise CorruptFileError(path, "is one picture and has no label", hint=hint)
        reading = _Reading(raw, progress, stdin)
        if sheet:
            reading.sheets(place, sheet)
        elif kind == "folder":
            reading.folder(place)
        else:
            reading.file(place)
    renamed = [(source.replace(str(place), str(path)), why) for source, why in reading.failures]
    failures = tuple(dict.fromkeys(renamed))
    train, test = reading.joined("train"), reading.joined("test")
    n = len(train.labels) + len(test.labels)
    if n < 2:
        raise _too_few(path, n, failures, is_folder=kind == "folder" or sheet is not None)
    told = itertools.chain(reading.notes, *(each.notes for _, each in reading.parts))
    notes = tuple(dict.fromkeys(note.replace(str(place), str(path)) for note in told))
    if test_size is not None and not (len(test.labels) and len(train.labels)):
        if not len(train.labels):
            notes += ("all images are for the test, by their names: they are shared out anew",)
        train, test = shared_out(train if len(train.labels) else test, test_size, seed=seed)
    alike, n_train = first_alike(itertools.chain(train.images, test.images)), len(train.labels)
    # None, where they were shared out here.
    if n_same := np.count_nonzero(alike[n_train:] < n_train):
        notes += (f"{n_same:,} of {len(test.labels):,} test images are training images as well",)
    labels = np.concatenate([train.labels, test.labels])
    if n_torn := len({*alike[labels[alike] != labels].tolist()}):
        torn = f"the same, pixel for pixel, under several labels: {counted(n_torn, 'image')}"
        notes = (*notes, f"{torn}; see mnistcli show --suspects")
    origin = "standard input" if str(path) == "-" else str(path)
    others = frozenset(reading.others)
    return Loaded(train, test, "path", origin, reading.n_bytes_read, failures, notes, others)


def read_to_judge(path: Path, *, raw: bool = False) -> LabelledImages:
    """Read labelled digits to judge a model on; the same errors as `gather`'s, or `read_parts`'s.

    Of a folder, an archive or a table of names they are those for the test, where it says which
    are, and all of its pictures must be usable; files without labels are told of.
    """
    with _opened(path) as (place, stdin):
        is_folder = not stdin and kind_of_path(place) == "folder"
        if stdin or not (is_folder or folders.pictures_listed_in(place, "")):
            parts = read_parts(path, raw=raw, stdin=stdin, part="test")
            return parts.get("test") or next(iter(parts.values()))
        found = gather(place, raw=raw, test_size=None)
        notes = list(found.notes)
        for source, reason in found.failures:
            is_other = source in found.others or kind_of_path(Path(source)) == "folder"
            if not reason.endswith(_OF_FRAMES) and not is_other:
                hint = f"to go without it: mnistcli download --source {path} --as NAME"
                raise CorruptFileError(source, reason, hint=hint)
            notes.append(f"{source}: {reason}: left out")
    part = found.test if len(found.test.labels) else found.train
    return replace(part, notes=tuple(note.replace(str(place), str(path)) for note in notes))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Path, IO[bytes] | None]]:
    """Yield where it lies, an archive unpacked, or a copy of standard input, to be read twice."""
    copy = None
    with contextlib.ExitStack() as closing:
        if str(path) == "-":
            copy = closing.enter_context(scratch_file())
            with storage_errors("read", path), damage_of(path), open_stream(path) as stream:
                copy_bytes(stream.read, copy, sys.maxsize)
            copy.seek(0)
        place = closing.enter_context(as_folder(path, folders.kind_of_name, copy))
        yield place, copy if place is path else None


def _too_few(
    path: Path, n: int, failures: Sequence[tuple[str, str]], *, is_folder: bool
) -> MnistCliError:
    if failures and is_folder:
        problem = f"{len(failures):,} of {len(failures) + n:,} inputs cannot be used"
        shown = "; ".join(map(": ".join, failures[:2]))
        return BadImageError(str(path), problem, hint=f"the first: {shown}")
    if failures:
        return CorruptFileError(*failures[0])
    one = "one labelled digit" if n else "no labelled digits"
    hint = "a dataset takes two at least" if n else folders.LAYOUTS
    return DataUnavailableError(f"{path} holds {one}", hint=hint)


def shared_out(
    data: LabelledImages, test_size: float = 0.2, *, seed: int
) -> tuple[LabelledImages, LabelledImages]:
    """Keep a share of every digit for the test, one image at least if any digit has two.

    Those that are the same stay together, and where a digit has but one, it is to be learned.
    """
    place = first_alike(data.images)
    once = np.flatnonzero(np.bincount(place))
    once = once[np.bincount(data.labels[once])[data.labels[once]] > 1]
    if len(once):
        n_test = min(max(1, round(test_size * len(once))), len(once) - 1)
        rng = np.random.default_rng([seed, 0])
        once = once[stratified_sample(data.labels[once], n_test, rng)]
    is_test = np.isin(place, once)
    return in_parts([a[of] for of in (~is_test, is_test) for a in (data.images, data.labels)])


@dataclass(slots=True)
class _Reading:
    """What has been read so far, and what could not be."""

    raw: bool
    progress: Progress
    stdin: IO[bytes] | None = None
    parts: list[tuple[OfPart, LabelledImages]] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    others: set[str] = field(default_factory=set)  # of the failures, files of something else
    notes: list[str] = field(default_factory=list)
    n_bytes_read: int = 0
    labels_of: Callable[[Path], Path | None] = folders.labels_beside
    index_of: Callable[[Path], folders.Index] = folders.index_below

    def joined(self, part: Part) -> LabelledImages:
        """Put together what is for training, or for the test."""
        for_test = part_for_test([of for of, _ in self.parts])
        nothing = LabelledImages(np.empty((0, *IMAGE_SHAPE), np.uint8), np.empty(0, np.uint8))
        is_test = part == "test"
        of_part = [images for of, images in self.parts if (of == for_test) == is_test]
        return concatenated(of_part or [nothing])

    def file(self, path: Path, part: OfPart = "train") -> None:
        self.progress.update(str(path), 0, None)
        if listed := folders.pictures_listed_in(path, part, self.index_of):
            self._pictures(listed, path)
            return
        told = self.failures
        found = read_parts(path, self.labels_of, raw=self.raw, stdin=self.stdin, failures=told)
        self.parts += [(of or part, images) for of, images in found.items()]
        self._count_bytes(path)

    def _count_bytes(self, path: Path) -> None:
        with storage_errors("read", path):
            self.n_bytes_read += self.stdin.seek(0, 2) if self.stdin else path.stat().st_size

    def folder(self, whole: Path) -> None:
        """Read labelled pictures or, where there are none, files of data."""
        folder = folders.descended(whole)
        data, labels = folders.containers_in(folder)
        # Thousands of lists may be of pictures in one folder.
        self.labels_of, self.index_of = labels.get, cache(folders.index_below)
        listed = dict[Path, list[folders.LabelledPicture]]()
        for path, part in data.items():
            try:
                listed[path] = folders.pictures_listed_in(path, part, self.index_of)
            except CorruptFileError as error:
                self.failures.append((str(path), error.problem))
        pictures = [*itertools.chain(*listed.values())]
        known = {each.path for each in pictures}
        found = [each for each in folders.pictures_in(folder) if each.path not in known]
        labelled = [each for each in (*pictures, *found) if each.digit is not None]
        # A logo beside folders, or beside data, and what Kaggle asks for.
        places = {each.path.parent for each in labelled}
        around = {*itertools.chain(*(place.parents for place in places))} - places
        is_asked = not any(each.part == "test" for each in labelled)
        unlabelled = {
            each.path
            for each in found
            if (is_asked and each[1:4] == (None, "test", None))
            or (is_picture(each.path) and (each.path.parent in around or not labelled))
        }
        self._note("picture", unlabelled, "without a label, left out")
        pictures += [each for each in found if each.path not in unlabelled]
        data = {path: part for path, part in data.items() if not folders.is_list(path)}
        if labelled:
            unread = {path for path in data if listed.get(path) == []}
            self._note("file", unread, "beside labelled pictures, not read")
            alone = {each.path for each in labelled if each.is_alone}
            self._note("picture", alone, "called by a digit alone, taken for the label")
            self._pictures(pictures, folder)
            return
        self._data(data)
        if self.parts:
            return
        for each in sorted(found, key=lambda each: not each.refusal):
            if each.refusal:
                raise each.refusal
            if each.is_alone:
                problem = "is called by a digit alone: a label, or a count?"
                hint = f"if a label: call it {each.path.stem}_{each.path.suffix}, and the others so too"
                raise CorruptFileError(each.path, problem, hint=hint)
        folders.check_largest_below(whole)

    def _data(self, data: Mapping[Path, OfPart]) -> None:
        """Read files of data, of which some may be something else."""
        for path, part in data.items():
            n_told = len(self.failures)
            try:
                self.file(path, part)
            except (CorruptFileError, DataUnavailableError) as error:
                if len(data) == 1:
                    raise
                if len(self.failures) == n_told:
                    self.failures.append((str(path), error.message.removeprefix(f"{path}: ")))
                if isinstance(error, DataUnavailableError) or error.hint in HINTS:
                    self.others.add(str(path))

    def _note(self, kind: str, paths: Collection[Path], what: str) -> None:
        if paths:
            shown = f"{min(paths)}{', ...' * (len(paths) > 1)}"
            self.notes.append(f"{counted(len(paths), kind)} {what}: {shown}")

    def _pictures(self, pictures: list[folders.LabelledPicture], place: Path) -> None:
        if len({each[:2] for each in pictures}) > len({each.path for each in pictures}):
            problem = "has tables that say different digits of the same pictures"
            raise CorruptFileError(place, problem, hint="take all but one of them away")
        pictures.sort(key=lambda each: ["train", "", "val", "test"].index(each.part))
        pictures = [*{each.path: each for each in pictures}.values()]
        found = labelled_images(self._blocks(pictures), "", self.failures, raw=True)
        self.parts += [(of or "train", replace(images, notes=())) for of, images in found.items()]

    def _blocks(self, pictures: list[folders.LabelledPicture]) -> Iterator[digits.Block]:
        """Read pictures on all cores, each in MNIST's form."""
        every = zip(pictures, flat_map_forked(self._conformed, pictures), strict=True)
        for n_done, (picture, batches) in enumerate(every, 1):
            self.progress.update("pictures", n_done, len(pictures))
            for block, batch in batches:
                yield block
                self._tell_of_frames(batch.sources[0], batch.notes, batch.n_frames)
            if not batch.faults:
                self._count_bytes(picture.path)

    def _conformed(
        self, picture: folders.LabelledPicture
    ) -> Iterator[list[tuple[digits.Block, Batch]]]:
        """Yield the batches of pictures in one file, in MNIST's form, as a list."""
        path, digit, part, refusal, _ = picture
        reason = refusal.problem if refusal else "nothing says which digit it shows"
        unsaid, found = BadImageError(str(path), reason), []
        for batch in read_all([unsaid if digit is None else path]):
            n, faults = len(batch.sources), batch.faults.items()
            problems = {i: FormatError(error.problem) for i, error in faults}
            labels, parts = np.full(n, digit or 0, float), (part,) * n
            block = digits.Block(batch.greys, labels, batch.sources, problems, parts=parts)
            block = as_predicted(block, raw=self.raw)
            found.append((block, replace(batch, greys=block.images)))  # a photograph is large
        yield found

    def _tell_of_frames(self, source: str, notes: Sequence[str], n_frames: int) -> None:
        if n_frames > 1:
            self.failures.append((source, f"{notes[0]}: {_OF_FRAMES}"))

    def sheets(self, path: Path, on_page: Callable[[SheetRead], None]) -> None:
        """Read the photograph of a page, or those in a folder and below; one alone must be a page."""
        is_folder = kind_of_path(path) == "folder"
        paths = [path]
        if is_folder:
            found = sorted(folders.all_below(path))
            paths = [each for each in found if is_picture(each) or each.suffix.lower() == ".pdf"]
        for i, each in enumerate(paths, 1):
            try:
                for picture in read_pictures(each, stdin=self.stdin, side=PHOTOGRAPH_SIDE):
                    page = read_sheet(picture.grey, source=picture.source)
                    on_page(page)
                    self.failures += page.failures
                    self._tell_of_frames(picture.source, picture.notes, picture.n_frames)
                    n, n_empty = len(page.labels), len(page.empties)
                    note = f"{picture.source}: {n} digits, {n_empty} boxes empty"
                    self.parts.append(("train", LabelledImages(page.images, page.labels, (note,))))
            except BadImageError as error:
                if not is_folder:
                    raise
                self.failures.append((str(error.source), error.problem))
            self._count_bytes(each)
            self.progress.update("pages", i, len(paths))
        if not self.failures and not any(len(part.labels) for _, part in self.parts):
            hint = "expected the photograph of a page of mnistcli sheet, or a folder of them"
            problem = "nothing is written on it" if paths else "holds no pictures"
            raise BadImageError(str(path), problem, hint=hint)
