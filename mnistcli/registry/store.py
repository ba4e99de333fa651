"""The model registry: versions that never change, tags that move.

    <folder>/0v1/1.safetensors     0v1@1
    <folder>/0v1/2.safetensors     0v1@2, also 0v1 and 0v1@latest
    <folder>/0v1/3.removed         the number 3 was given once and is not given again
    <folder>/0v1/tags/paper        the number 0v1@paper stands for, and its checksum

A model file appears under its number in one step or not at all, and of several processes one
gets the number, so nothing here needs a lock. What stands where something else should is not used:
a file knows its own number, a tag its name, and a link in place of a folder is not followed.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnistcli.errors import CorruptFileError, ModelNotFoundError, StorageError, UsageError
from mnistcli.files import (
    check_writable,
    create_atomically,
    open_regular,
    remove_file,
    storage_errors,
    sweep_dead_temporaries,
    write_atomically,
)
from mnistcli.registry.model_file import SUFFIX, Model, encode_model, load_model, read_card

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mnistcli.registry.card import ModelCard

    # Of each version the card, or None and what is wrong with the file.
    _Cards = dict[int, tuple[ModelCard | None, str]]

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}[a-z0-9]|[a-z0-9]")
LATEST, BEST = "latest", "best"
_REMOVED = ".removed"
_TRAIN_FIRST = "train one first: mnistcli train --task 0v1"
_MAX_TAG_BYTES = 256
_LIST = "see what there is: mnistcli models list"


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """The place of one stored version."""

    name: str
    version: int
    path: Path

    @property
    def ref(self) -> str:
        """What to call it: ``0v1@3``."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class ModelSummary:
    """What can be said of a stored version without loading its arrays.

    Attributes
    ----------
    entry : ModelEntry
    n_bytes : int
    tags : tuple of str
        The tags that stand for this version, ``latest`` and ``best`` among them.
    card : ModelCard or None
        None where the file cannot be read; ``problem`` then says why.
    problem : str
    """

    entry: ModelEntry
    n_bytes: int
    tags: tuple[str, ...]
    card: ModelCard | None
    problem: str


def check_name(name: str, *, what: str = "model name") -> str:
    """Return the name if it is one: a name is never a path.

    Raises
    ------
    UsageError
        Lower case only, so that two models do not become one on a file system that folds case.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name!r} is not a {what}",
            hint="up to 64 lower-case letters, digits, '.', '_' and '-', a letter or digit at both ends",
        )
    return name


class ModelRegistry:
    """The models in one folder; made when the first model is saved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, model: Model, name: str) -> ModelEntry:
        """Store a model under the next free version of ``name``."""
        check_name(name)
        folder = self._folder_of(name)
        version = max(_numbers(folder, SUFFIX, _REMOVED), default=0) + 1
        while True:
            entry = self._entry(name, version)
            if create_atomically(entry.path, encode_model(model, entry.ref)):
                return entry
            version += 1

    def load(self, ref: str | None = None) -> Model:
        """Load a model by reference, see `find`; a path to a model file does as well."""
        if ref is not None and (ref.endswith(SUFFIX) or "/" in ref or "\\" in ref):
            path = Path(ref)
            if "\0" in ref or not os.path.lexists(path):
                raise ModelNotFoundError(f"there is no model file {ref}", hint=_LIST)
            return load_model(path, ref=ref)
        while True:
            entry = self.find(ref)
            try:
                return load_model(entry.path, stored_as=entry.ref)
            except CorruptFileError:
                if os.path.lexists(entry.path):
                    raise
                # Another process removed it just now; look again.

    def find(self, ref: str | None = None) -> ModelEntry:
        """Find a stored version.

        Parameters
        ----------
        ref : str, optional
            ``NAME`` for its latest version, ``NAME@VERSION`` or ``NAME@TAG``; without it the
            model that was created last.

        Raises
        ------
        ModelNotFoundError
            With what to type next.
        CorruptFileError
            There is such a tag, but it is damaged.
        """
        if ref is None:
            return self._newest()
        name, at, which = ref.partition("@")
        versions = self._versions(check_name(name))
        if not versions:
            raise ModelNotFoundError(f"there is no model {name!r}", hint=self._suggest(name))
        if not at or which == LATEST:
            return self._entry(name, versions[-1])
        if _is_number(which):
            version = int(which)
            known = [f"{name}@{each}" for each in versions[-5:]]
        else:
            tags = self._tags(name, self._cards(name, versions))
            version = tags.get(which, 0)
            known = [f"{name}@{tag}" for tag in tags]
        if version not in versions:
            self._check_tag(name, which)
            hint = f"there is {', '.join(known)}"
            raise ModelNotFoundError(f"there is no model {ref!r}", hint=hint)
        return self._entry(name, version)

    def summary(self, ref: str | None = None) -> ModelSummary:
        """Describe one stored version; see `find`."""
        entry = self.find(ref)
        for summary in self.summaries(entry.name):
            if summary.entry == entry:
                return summary
        raise ModelNotFoundError(f"{entry.ref} was removed just now", hint=_LIST)

    def summaries(self, name: str | None = None) -> tuple[ModelSummary, ...]:
        """List what is stored, by name and version; unreadable files are listed as such."""
        names = self._names() if name is None else (check_name(name),)
        return tuple(summary for each in names for summary in self._summaries_of(each))

    def names(self) -> list[str]:
        """Name the models of which there is a version."""
        return [name for name in self._names() if self._versions(name)]

    def refs_of(self, name: str) -> list[str]:
        """Give everything that a version of a model can be called; no model file is read."""
        versions = self._versions(check_name(name))
        if not versions:
            return []
        which = [*map(str, versions), LATEST, BEST, *self._own_tags(name)]
        return [f"{name}@{each}" for each in which]

    def tag(self, ref: str, tag: str) -> ModelEntry:
        """Let ``NAME@tag`` stand for this version from now on."""
        if check_name(tag, what="tag") in (LATEST, BEST) or _is_number(tag):
            raise UsageError(f"{tag!r} is taken", hint="choose another word for the tag")
        entry = self.find(ref)
        write_atomically(self._tag_path(entry.name, tag), _tag_content(entry, tag))
        return entry

    def untag(self, ref: str) -> ModelEntry:
        """Forget the tag of ``NAME@TAG``; the version stays."""
        entry = self.find(ref)
        tag = ref.partition("@")[2]
        if tag not in self._own_tags(entry.name):
            raise UsageError(f"{ref!r} does not end in a tag of yours", hint=_LIST)
        remove_file(self._tag_path(entry.name, tag))
        return entry

    def remove(self, *refs: str, force: bool = False) -> tuple[ModelEntry, ...]:
        """Delete versions for good; their numbers are not given again.

        Raises
        ------
        ModelNotFoundError, UsageError
            One of them is not there, or is tagged and ``force`` is not set; then all stay.
        """
        entries = tuple(dict.fromkeys(self.find(ref) for ref in refs))
        for entry in entries:
            tags = self._tags_of(entry)
            if tags and not force:
                problem = f"{entry.ref} is tagged {', '.join(tags)}"
                raise UsageError(problem, hint="add --force to remove it all the same")
        for entry in entries:
            self._remove(entry)
        return entries

    def _remove(self, entry: ModelEntry) -> None:
        folder = entry.path.parent
        create_atomically(folder / f"{entry.version}{_REMOVED}", b"")
        # A tag of what is not there is no tag. To remove its file would race with those who just
        # now let it stand for another version.
        remove_file(entry.path)
        # Only the highest number given has to be remembered.
        *lower, _ = sorted(_numbers(folder, _REMOVED))
        for version in lower:
            remove_file(folder / f"{version}{_REMOVED}")

    def _tags_of(self, entry: ModelEntry) -> list[str]:
        own = self._own_tags(entry.name)
        return [tag for tag, version in own.items() if version == entry.version]

    def check_writable(self) -> None:
        """Raise StorageError where a model could not be saved; better before a long fit."""
        check_writable(self.folder)

    def _entry(self, name: str, version: int) -> ModelEntry:
        return ModelEntry(name, version, self.folder / name / f"{version}{SUFFIX}")

    def _folder_of(self, name: str) -> Path:
        """Give the folder of a name, not followed if it is a link, and without litter."""
        folder = self.folder / name
        for each in (folder, folder / "tags"):
            if each.is_symlink():
                raise CorruptFileError(each, "is a link in place of a folder", hint="remove it")
            sweep_dead_temporaries(each)
        return folder

    def _tag_path(self, name: str, tag: str) -> Path:
        return self.folder / name / "tags" / tag

    def _names(self) -> list[str]:
        with storage_errors("read", self.folder):
            if not self.folder.is_dir():
                return []
            sweep_dead_temporaries(self.folder)
            return sorted(
                path.name
                for path in self.folder.iterdir()
                if _NAME.fullmatch(path.name) and path.is_dir() and not path.is_symlink()
            )

    def _versions(self, name: str) -> list[int]:
        return sorted(_numbers(self._folder_of(name), SUFFIX))

    def _newest(self) -> ModelEntry:
        newest: tuple[str, ModelEntry] | None = None
        for name in self._names():
            # Later versions are younger, so one card for each name is enough.
            for version in reversed(self._versions(name)):
                entry = self._entry(name, version)
                card, _ = _card_or_problem(entry)
                if card is not None:
                    if newest is None or card.created > newest[0]:
                        newest = card.created, entry
                    break
        if newest is None:
            raise ModelNotFoundError("there is no model yet", hint=_TRAIN_FIRST)
        return newest[1]

    def _summaries_of(self, name: str) -> Iterator[ModelSummary]:
        cards = self._cards(name, self._versions(name))
        tags = self._tags(name, cards)
        for version, (card, problem) in cards.items():
            entry = self._entry(name, version)
            try:
                n_bytes = entry.path.lstat().st_size
            except FileNotFoundError:
                continue  # removed by another process since the folder was listed
            own = tuple(tag for tag, tagged in tags.items() if tagged == version)
            yield ModelSummary(entry, n_bytes, own, card, problem)

    def _cards(self, name: str, versions: list[int]) -> _Cards:
        """Read the card of each version once, in the order of the versions."""
        return {version: _card_or_problem(self._entry(name, version)) for version in versions}

    def _tags(self, name: str, cards: _Cards) -> dict[str, int]:
        tags = {LATEST: max(cards)} if cards else {}
        best = _best(cards)
        if best is not None:
            tags[BEST] = best
        return tags | {t: v for t, v in self._own_tags(name).items() if v in cards}

    def _own_tags(self, name: str) -> dict[str, int]:
        folder = self.folder / name / "tags"
        with storage_errors("read", folder):
            paths = sorted(folder.iterdir()) if folder.is_dir() else []
        tags = {path.name: self._read_tag(name, path) for path in paths}
        return {tag: version for tag, version in tags.items() if version}

    def _read_tag(self, name: str, path: Path) -> int:
        """Say which version a tag stands for; 0 for what is no tag, or damaged."""
        if not _NAME.fullmatch(path.name):
            return 0
        try:
            with storage_errors("read", path), open_regular(path) as file:
                content = file.read(_MAX_TAG_BYTES)
        except CorruptFileError:  # removed by another process just now, or not a file
            return 0
        number = content.partition(b" ")[0].decode("ascii", "replace")
        version = int(number) if _is_number(number) else 0
        return version if content == _tag_content(self._entry(name, version), path.name) else 0

    def _check_tag(self, name: str, tag: str) -> None:
        path = self._tag_path(name, tag)
        if _NAME.fullmatch(tag) and os.path.lexists(path) and not self._read_tag(name, path):
            hint = f"tag the version again: mnistcli models tag {name}@VERSION {tag}"
            raise CorruptFileError(path, "the tag is damaged", hint=hint)

    def _suggest(self, name: str) -> str:
        import difflib

        names = self._names()
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        if close:
            return f"did you mean {' or '.join(close)}?"
        return _LIST if names else _TRAIN_FIRST


def _tag_content(entry: ModelEntry, tag: str) -> bytes:
    checksum = hashlib.sha256(f"{entry.name}@{tag} is {entry.ref}".encode()).hexdigest()
    return f"{entry.version} {checksum}\n".encode()


def _best(cards: _Cards) -> int | None:
    """Find the version with the highest test accuracy; of equal ones the newest."""
    scored = [
        (card.metrics["test_accuracy"], version)
        for version, (card, _) in cards.items()
        if card is not None and isinstance(card.metrics.get("test_accuracy"), float)
    ]
    return max(scored)[1] if scored else None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and text[0] != "0" and len(text) <= 9


def _numbers(folder: Path, *suffixes: str) -> Iterator[int]:
    with storage_errors("read", folder):
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.suffix in suffixes and _is_number(path.stem):
                yield int(path.stem)


def _card_or_problem(entry: ModelEntry) -> tuple[ModelCard | None, str]:
    try:
        return read_card(entry.path, stored_as=entry.ref), ""
    except (CorruptFileError, StorageError) as error:
        return None, error.message
