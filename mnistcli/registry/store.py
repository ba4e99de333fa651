"""The model registry: versions that never change, tags that move.

    <folder>/0v1/1.safetensors     0v1@1
    <folder>/0v1/2.safetensors     0v1@2, also 0v1 and 0v1@latest
    <folder>/0v1/3.removed         the number 3 was given once and is not given again
    <folder>/0v1/tags/paper        the number 0v1@paper stands for, and its checksum

A model file is read back, and then appears under its number in one step or not at all; of several
processes one gets the number, so nothing here needs a lock. What stands where something else should
is not used: a file knows its own number, a tag its name, and a link in place of a folder is not
followed. Which model is the newest, the order of saving decides: each card counts on from the
largest count it finds, so who begins to save after another has ended has the larger one.

Beside the folder there is `BUILTIN`, a model that is installed with the program: found by its name
alone, never the newest, never changed, and nothing can be saved under its name.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from mnistcli import files
from mnistcli.errors import CorruptFileError, ModelNotFoundError, StorageError, UsageError
from mnistcli.paths import NAME, check_name, did_you_mean, find_places
from mnistcli.registry.card import MAX_ORDER, ModelCard
from mnistcli.registry.model_file import SUFFIX, Model, encode_model, read_card, read_model

LATEST, BEST = "latest", "best"
BUILTIN = "builtin"
_REMOVED = ".removed"
_TRAIN_FIRST = (
    f"train one first: mnistcli train --task 0v1; or name {BUILTIN}, which is always there"
)
_MAX_TAG_BYTES = 256
_MOST_DIGITS = 9
_LIST = "see what there is: mnistcli models list"


class ModelEntry(NamedTuple):
    """The place of one stored version, or of `BUILTIN`; 0 where a name has no versions to be read."""

    name: str
    version: int
    path: Path

    @property
    def ref(self) -> str:
        """What to call it: ``0v1@3``."""
        return f"{self.name}@{self.version}" if self.version else self.name

    @property
    def is_builtin(self) -> bool:
        """Whether it came with the program."""
        return self == _BUILTIN_ENTRY


_BUILTIN_ENTRY = ModelEntry(BUILTIN, 0, Path(__file__).with_name(f"{BUILTIN}{SUFFIX}"))


class ModelSummary(NamedTuple):
    """What can be said of a stored version without loading its arrays.

    The tags are those that stand for it, ``latest`` and ``best`` among them. There is no card where
    the file cannot be read; ``problem`` then says why.
    """

    entry: ModelEntry
    n_bytes: int
    tags: tuple[str, ...]
    card: ModelCard | None
    problem: str


def check_new_name(name: str) -> str:
    """Return the name if models can be saved under it."""
    if name.lower() == BUILTIN:
        hint = "choose another name"
        raise UsageError(f"{BUILTIN} is the model that came with the program", hint=hint)
    return check_name(name)


class ModelRegistry:
    """The models in one folder, made when the first is saved, and the one in the box."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, model: Model, name: str) -> ModelEntry:
        """Store a model under the next free version of ``name``, if it can be loaded again."""
        first = self._last_number(check_new_name(name)) + 1
        order = max((card.order for _, card in self._latest() if card), default=0) + 1
        model = replace(model, card=replace(model.card, order=min(order, MAX_ORDER)))
        for version in range(first, 10**_MOST_DIGITS):
            entry = self._entry(name, version)
            try:
                content, check = encode_model(model, entry.ref), partial(_read_back, entry)
                if files.write_atomically(entry.path, content, is_new=True, check=check):
                    return entry
            except (ValueError, CorruptFileError) as error:  # a number that JSON has no word for
                problem = getattr(error, "problem", error)
                raise CorruptFileError(entry.ref, f"cannot be saved: {problem}") from error
        raise UsageError(f"{name} has no number left", hint="choose another name")

    def load(self, ref: str | None = None) -> Model:
        """Load a model by reference, see `find`; a path to a model file does as well."""
        if ref is not None and (path := _path_in(ref)):
            return read_model(path, ref=ref)
        while True:
            entry = self.find(ref)
            try:
                return read_model(entry.path, stored_as=entry.ref)
            except CorruptFileError as error:
                if entry.is_builtin:
                    error.hint = "it came with the program: install mnistcli again"
                if entry.is_builtin or os.path.lexists(entry.path):
                    raise
                # Another process removed it just now; look again.

    def find(self, ref: str | None = None) -> ModelEntry:
        """Find ``NAME@VERSION``, ``NAME@TAG``, the latest of ``NAME``, `BUILTIN`, or the newest.

        Raises ModelNotFoundError, with what to type next, or CorruptFileError for a damaged tag, and
        for a damaged file that may be the newest model, or the best.
        """
        if ref is None:
            return self._newest()
        if ref == BUILTIN:
            return _BUILTIN_ENTRY
        name, at, which = ref.partition("@")
        versions = self._existing_versions(name)
        if not at or which == LATEST:
            return self._entry(name, versions[-1])
        if _is_number(which):
            version = int(which)
        elif which == BEST:
            found = [*self._summaries_of(name)]
            for each in found:
                if not each.card:  # it may be the best
                    _check_whole(each.entry)
            version = next((each.entry.version for each in found if BEST in each.tags), 0)
        else:
            version = self._tagged(name, which)
        if version in self._versions(name):
            return self._entry(name, version)
        there = ", ".join(self.refs_of(name)[-6:])
        raise ModelNotFoundError(f"there is no model {ref!r}", hint=f"there is {there}")

    def summary(self, ref: str | None = None) -> ModelSummary:
        """Describe one version, see `find`, or the model file of a path."""
        if ref is not None and (path := _path_in(ref)):
            n_bytes, entry = path.stat().st_size, ModelEntry(ref, 0, path)
            return ModelSummary(entry, n_bytes, (), read_card(path), "")
        entry = self.find(ref)
        if entry.is_builtin:
            return _summary_of(entry)
        for summary in self._summaries_of(entry.name):
            if summary.entry == entry:
                return summary
        raise ModelNotFoundError(f"{entry.ref} was removed just now", hint=_LIST)

    def summaries(self, name: str | None = None) -> tuple[ModelSummary, ...]:
        """List what is stored, by name and version; what cannot be read is listed as such."""
        if name == BUILTIN:
            return (_summary_of(_BUILTIN_ENTRY),)
        if name is not None:
            self._existing_versions(name)
            return tuple(self._summaries_of(name))
        found: list[ModelSummary] = []
        for each in self._names():
            try:
                found += self._summaries_of(each)
            except (CorruptFileError, StorageError) as error:
                entry = ModelEntry(each, 0, self.folder / each)
                found.append(ModelSummary(entry, 0, (), None, error.message))
        return tuple(found)

    def names(self) -> list[str]:
        """Return the names of which there is a version."""
        return [entry.name for entry, *_ in self._entries()]

    def refs_of(self, name: str) -> list[str]:
        """Return everything that a version of a model can be called; no model file is read."""
        versions = self._versions(check_name(name))
        which = [*map(str, versions), LATEST, BEST, *self._own_tags(name)]
        return [f"{name}@{each}" for each in which] if versions else []

    def tag(self, ref: str, tag: str) -> ModelEntry:
        """Let ``NAME@tag`` stand for this version from now on."""
        if tag.lower() in (LATEST, BEST) or _is_number(check_name(tag, what="tag")):
            raise UsageError(f"{tag!r} is taken", hint="choose another word for the tag")
        entry = self._find_own(ref)
        files.write_atomically(entry.path.parent / "tags" / tag, _tag_content(entry, tag))
        return entry

    def untag(self, ref: str) -> ModelEntry:
        """Forget the tag of ``NAME@TAG``; the version stays."""
        entry = self._find_own(ref)
        tag = ref.partition("@")[2]
        path = entry.path.parent / "tags" / tag
        if not self._tagged(entry.name, tag) or not files.remove_file(path):
            raise UsageError(f"{ref!r} does not end in a tag of yours", hint=_LIST)
        return entry

    def removable(self, *refs: str, force: bool = False) -> tuple[list[ModelEntry], list[str]]:
        """Return the versions that references name, and the references of versions removed before.

        Raises if one was never there, or is tagged without ``force``.
        """
        entries: dict[ModelEntry, None] = {}
        gone: dict[str, None] = {}
        for ref in refs:
            try:
                entries[self._find_own(ref)] = None
            except ModelNotFoundError:
                name, _, which = ref.partition("@")
                if not _is_number(which) or int(which) > self._last_number(name):
                    raise
                gone[ref] = None
        for entry in entries:
            if files.kind_of_path(entry.path, follow=False) == "folder":
                raise CorruptFileError(entry.path, "is a folder and no model", hint="remove it")
            own = self._own_tags(entry.name)
            tags = [tag for tag, version in own.items() if version == entry.version]
            if tags and not force:
                problem = f"{entry.ref} is tagged {', '.join(tags)}"
                raise UsageError(problem, hint="add --force to remove it all the same")
        return list(entries), list(gone)

    def remove(self, *refs: str, force: bool = False) -> list[ModelEntry]:
        """Delete versions for good, or none where `removable` raises; no number is used again.

        Returns those that no other process was quicker to delete.
        """
        entries, removed = self.removable(*refs, force=force)[0], []
        for entry in entries:
            folder = entry.path.parent
            files.write_atomically(folder / f"{entry.version}{_REMOVED}", b"", is_new=True)
            # A tag of what is not there is no tag. To remove its file would race with those who
            # just now let it stand for another version.
            removed += [entry] * files.remove_file(entry.path)
            # Only the highest number given has to be remembered.
            *lower, _ = _numbers(folder, _REMOVED)
            for version in lower:
                files.remove_file(folder / f"{version}{_REMOVED}")
        return removed

    def _find_own(self, ref: str) -> ModelEntry:
        entry = self.find(ref)
        if entry.is_builtin:
            raise UsageError(f"{BUILTIN} is part of mnistcli, not removed or tagged", hint=_LIST)
        return entry

    def _last_number(self, name: str) -> int:
        return max(_numbers(self._folder_of(name), SUFFIX, _REMOVED), default=0)

    def _existing_versions(self, name: str) -> list[int]:
        if versions := self._versions(check_name(name)):
            return versions
        if name == BUILTIN:
            raise ModelNotFoundError(f"{BUILTIN} has no versions and no tags", hint=_LIST)
        names = self.names()
        hint = did_you_mean(name, [*names, BUILTIN]) or (_LIST if names else _TRAIN_FIRST)
        if files.kind_of_path(Path(name)) != "nothing":
            hint = f"that is a file or folder, for: mnistcli evaluate MODEL --data {name}"
        raise ModelNotFoundError(f"there is no model {name!r}", hint=hint)

    def _entry(self, name: str, version: int) -> ModelEntry:
        return ModelEntry(name, version, self.folder / name / f"{version}{SUFFIX}")

    def _folder_of(self, name: str) -> Path:
        """Return the folder of a name, not followed if it is a link, and without litter."""
        folder = self.folder / name
        for each in (folder, folder / "tags"):
            files.refuse_link(each)
            files.sweep_dead_temporaries(each)
        return folder

    def _names(self) -> list[str]:
        files.sweep_dead_temporaries(self.folder)
        paths = (path for path in _content_of(self.folder) if NAME.fullmatch(path.name))
        return sorted(p.name for p in paths if files.kind_of_path(p, follow=False) == "folder")

    def _versions(self, name: str) -> list[int]:
        return _numbers(self._folder_of(name), SUFFIX)

    def _entries(self) -> Iterator[list[ModelEntry]]:
        """Yield the versions of each name that has some and can be read, the latest first."""
        for name in self._names():
            with contextlib.suppress(CorruptFileError, StorageError):
                if versions := self._versions(name):
                    yield [self._entry(name, version) for version in reversed(versions)]

    def _newest(self) -> ModelEntry:
        latest = [*self._latest()]
        # Models of before there was an order come first, by the clock.
        whole = {(card.order, card.created): entry for entry, card in latest if card}
        newest = whole[max(whole)] if whole else None
        for entry, card in latest:
            # A damaged file says no order, but when it was written.
            if not card and (newest is None or _written_at(entry) > _written_at(newest)):
                _check_whole(entry)
        if newest is None:
            raise ModelNotFoundError("there is no model yet", hint=_TRAIN_FIRST)
        return newest

    def _latest(self) -> Iterator[tuple[ModelEntry, ModelCard | None]]:
        """Yield the versions of each name from its last one on, to the first that can be read."""
        for entries in self._entries():
            for entry in entries:
                yield entry, (card := _summary_of(entry).card)
                if card:
                    break

    def _summaries_of(self, name: str) -> Iterator[ModelSummary]:
        found = [_summary_of(self._entry(name, version)) for version in self._versions(name)]
        tags = {LATEST: found[-1].entry.version} if found else {}
        cards = {each.entry.version: each.card for each in found if each.card}
        scores = {version: card.metrics.get("test_accuracy") for version, card in cards.items()}
        if known := [(score, version) for version, score in scores.items() if score is not None]:
            tags[BEST] = max(known)[1]  # of equal ones the newest
        tags |= self._own_tags(name)
        for each in found:
            if os.path.lexists(each.entry.path):  # or another process has removed it meanwhile
                own = tuple(tag for tag, version in tags.items() if version == each.entry.version)
                yield each._replace(tags=own)

    def _own_tags(self, name: str) -> dict[str, int]:
        tags = {}
        for path in sorted(_content_of(self.folder / name / "tags")):
            # Removed just now, not a file, damaged, or out of reach.
            with contextlib.suppress(CorruptFileError, StorageError):
                tags[path.name] = self._tagged(name, path.name)
        return {tag: version for tag, version in tags.items() if version}

    def _tagged(self, name: str, tag: str) -> int:
        """Return which version a tag stands for, 0 if it is not there; raise for a damaged one."""
        path = self.folder / name / "tags" / tag
        if not NAME.fullmatch(tag) or not os.path.lexists(path):
            return 0
        with files.storage_errors("read", path), files.open_regular(path) as file:
            content = file.read(_MAX_TAG_BYTES)
        number = content.partition(b" ")[0].decode("ascii", "replace")
        version = int(number) if _is_number(number) else 0
        if content != _tag_content(self._entry(name, version), tag):
            hint = f"tag the version again: mnistcli models tag {name}@VERSION {tag}"
            raise CorruptFileError(path, "the tag is damaged", hint=hint)
        return version


def load_model(ref: "Model | str | os.PathLike[str] | None" = None) -> Model:
    """Load the newest model, or the one that is named or given; raise UsageError for what is none."""
    if isinstance(ref, Model):
        return ref
    if not isinstance(ref, (str, os.PathLike, type(None))):
        hint = "name one, or give mnistcli.train(...).model"  # type: ignore[unreachable]
        raise UsageError(f"{type(ref).__name__} is no model", hint=hint)
    registry = ModelRegistry(find_places().models_dir)
    return registry.load(None if ref is None else os.fspath(ref))


@cache
def builtin_model() -> Model:
    """Return `BUILTIN`, which is read once."""
    return load_model(BUILTIN)


def save_model(model: Model | str, name: str | None = None) -> ModelEntry:
    """Keep a model in the user's registry, by default under the name of its task."""
    model = load_model(model)
    return ModelRegistry(find_places().models_dir).save(model, str(name or model.card.task.name))


def _check_whole(entry: ModelEntry) -> None:
    """Raise CorruptFileError for a damaged file that may be the model that was asked for."""
    try:
        read_card(entry.path, stored_as=entry.ref)
    except CorruptFileError as error:
        error.hint = f"name another model, or: mnistcli models rm {entry.ref}"
        if os.path.lexists(entry.path):  # or another process has removed it meanwhile
            raise


def _written_at(entry: ModelEntry) -> float:
    """Return the time of a file's last change, 0 where it is gone."""
    try:
        return entry.path.lstat().st_mtime
    except OSError:
        return 0.0


def _tag_content(entry: ModelEntry, tag: str) -> bytes:
    checksum = hashlib.sha256(f"{entry.name}@{tag} is {entry.ref}".encode()).hexdigest()
    return f"{entry.version} {checksum}\n".encode()


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and text[0] != "0" and len(text) <= _MOST_DIGITS


def _numbers(folder: Path, *suffixes: str) -> list[int]:
    stems = [path.stem for path in _content_of(folder) if path.suffix in suffixes]
    return sorted(int(stem) for stem in stems if _is_number(stem))


def _content_of(folder: Path) -> list[Path]:
    if files.kind_of_path(folder) != "folder":
        return []
    with files.storage_errors("read", folder):
        return list(folder.iterdir())


def _read_back(entry: ModelEntry, written: Path) -> None:
    try:
        read_model(written, stored_as=entry.ref)
    except StorageError as error:
        raise StorageError("read back", entry.path, error.reason) from error


def _path_in(ref: str) -> Path | None:
    """Return the model file that a reference is a path of; None where it is no path."""
    if not (ref.endswith(SUFFIX) or "/" in ref or "\\" in ref):
        return None
    path = Path(ref)
    if files.kind_of_path(path) == "nothing":
        raise ModelNotFoundError(f"there is no model file {ref}", hint=_LIST)
    return path


def _summary_of(entry: ModelEntry) -> ModelSummary:
    """Describe what is stored in a place, its tags aside."""
    card, problem, n_bytes = None, "", 0
    try:
        card = read_card(entry.path, stored_as=entry.ref)
    except (CorruptFileError, StorageError) as error:
        problem = error.message
    with contextlib.suppress(OSError):
        n_bytes = entry.path.lstat().st_size
    return ModelSummary(entry, n_bytes, (), card, problem)
