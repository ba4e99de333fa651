"""What a command is given: where things are in this call, and how it answers."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mnistcli.cli.content.parts import Words
from mnistcli.cli.output import Answer, Format, json_text, to_stderr, write
from mnistcli.cli.terminal.capabilities import Render
from mnistcli.cli.words import visible
from mnistcli.errors import ModelNotFoundError, StorageError, UsageError
from mnistcli.paths import find_places

if TYPE_CHECKING:
    from mnistcli.cli.figure import FigureFile
    from mnistcli.datasets.dataset import Dataset, LabelledImages
    from mnistcli.datasets.store import DatasetStore
    from mnistcli.registry.model_file import Model
    from mnistcli.registry.store import ModelRegistry

T = TypeVar("T")

_STARTED = time.monotonic()


@dataclass(frozen=True)
class Call:
    """Where things are, and the door out; ``home`` is the value of ``--home``.

    For ``render`` see `terminal.capabilities`.
    """

    home: Path | None = None
    format: Format = "table"
    render: Render = "auto"
    verbose: bool = False
    defaults: Sequence[str] = ()  # that change the answer, as a shell sets them
    figure: FigureFile | None = None
    cluster: AbstractContextManager[None] = field(default_factory=nullcontext)  # for a block

    @property
    def is_for_paper(self) -> bool:
        """Whether a table is for people to read in a document."""
        return self.format in ("markdown", "latex")

    def emit(self, answer: Answer) -> None:
        """Draw a result into the figure, if there is one, and print it to stdout in the format."""
        if self.figure and answer.panels:
            self.note(self.figure.draw(*answer.panels))
        if self.format == "json":
            write(json_text(answer.schema, answer.document))
        elif self.format == "jsonl":
            for schema, record in answer.records:
                write(json_text(schema, record, indent=None))
        elif self.format == "quiet":
            for line in answer.quiet:
                write(f"{visible(line)}\n")
        elif self.format == "table":
            from mnistcli.cli.terminal.console import renderables, to_text

            shown = answer.parts or [Words("\n".join(map(visible, answer.quiet)), "")]
            texts = to_text(answer.draw or partial(renderables, shown), self.render)
            for text in texts if answer.draw else ("".join(texts),):  # `head` hears all or nothing
                write(text)
        else:
            from mnistcli.cli.tabular import lines_of

            rows = answer.rows or (list(answer.document), list(answer.document.values()))
            for line in lines_of(rows, self.format):
                write(line)

    def note(self, *messages: str) -> None:
        """Say things in passing, on stderr; nothing in quiet mode."""
        for message in messages if self.format != "quiet" else ():
            to_stderr(visible(message))

    def detail(self, message: str) -> None:
        """Say on stderr, where --verbose asks for it, what is done, and when after the start."""
        if self.verbose:
            to_stderr(f"{time.monotonic() - _STARTED:7.2f} s  {visible(message)}")

    def warn(self, *messages: str) -> None:
        """Tell on stderr what must not be missed, in quiet mode too."""
        for message in messages:
            to_stderr(f"warning: {visible(message)}")

    def remove(
        self,
        what: Mapping[str, T],
        remove: Callable[[], Sequence[str]],
        shown: Callable[[Sequence[T]], Answer],
        *,
        yes: bool,
        dry_run: bool,
    ) -> None:
        """Remove what is named, if it is confirmed, and say so; show what was, or would be.

        ``remove`` returns which of them: another process may have been quicker.
        """
        question = f"Remove {', '.join(what)} for good?"
        removes = what and not dry_run and (yes or self._is_confirmed(question))
        removed = remove() if removes else []
        self.note(f"removed {', '.join(removed)}" if removed else "nothing removed")
        if self.format != "table" or dry_run:
            answer = shown([what[each] for each in (what if dry_run else removed)])
            answer.document.update({"dry_run": True} if dry_run else {})
            self.emit(answer)

    def _is_confirmed(self, question: str) -> bool:
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to confirm the removal", hint="add --yes")
        to_stderr(f"{visible(question)} [y/N] ", end="")
        answer = sys.stdin.readline()
        if not answer.endswith("\n"):  # Ctrl-D leaves the cursor behind the question
            to_stderr("")
        return answer.strip().lower() in ("y", "yes")

    def store(self) -> DatasetStore:
        """Return the dataset store."""
        from mnistcli.datasets.store import DatasetStore

        places = find_places(self.home)
        return DatasetStore(places.datasets_dir, own_folder=places.own_dir)

    def registry(self) -> ModelRegistry:
        """Return the model registry."""
        from mnistcli.registry.store import ModelRegistry

        return ModelRegistry(find_places(self.home).models_dir)

    def features(self) -> Path:
        """Return the folder where features are kept."""
        return find_places(self.home).features_dir

    def model(self, ref: str | None) -> Model:
        """Load a model; where none is asked for and none is there, the one that always is."""
        from mnistcli.registry.store import BUILTIN

        try:
            return self.registry().load(ref)
        except ModelNotFoundError:
            if ref is not None:
                raise
        self.note(
            f"there is no model of yours: {BUILTIN} answers, see mnistcli models info {BUILTIN}"
        )
        return self.registry().load(BUILTIN)

    def dataset(self, name: str) -> Dataset:
        """Open a dataset; what happens on the way is noted on stderr."""
        from mnistcli.cli.progress import Bars

        return self.store().open(name, progress=Bars(self, hidden=True))

    def dataset_of(self, model: Model, name: str | None = None) -> Dataset:
        """Open the dataset that a model was trained on, or another by its name."""
        own = model.card.dataset
        if name not in (None, own):
            return self.dataset(name)
        from mnistcli.datasets.given import own_dataset

        return own_dataset(model.ref, own, self.dataset)

    def images(
        self, model: Model, name: str | None, data: Path | None, *, raw: bool
    ) -> Dataset | LabelledImages:
        """Open what a model is judged on: a file or folder of the user's own, or see `dataset_of`."""
        if data is None:
            return self.dataset_of(model, name)
        from mnistcli.datasets.gathering import read_to_judge

        return read_to_judge(data, raw=raw)

    def add_hint(self, error: StorageError) -> None:
        """Point to ``--home`` where it is one of our own folders that the system refuses."""
        if not error.hint:
            refused = Path(error.path)
            try:
                folders: tuple[Path, ...] = find_places(self.home)
            except StorageError:
                folders = (refused,)
            if any(refused in (each, *each.parents) or each in refused.parents for each in folders):
                error.hint = "choose another place with --home FOLDER or MNISTCLI_HOME=FOLDER"
