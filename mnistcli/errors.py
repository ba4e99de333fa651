"""What can go wrong for a reason that the user can act on.

Each kind has its exit code (``mnistcli help exit-codes``), or that of the kind it derives from; 130
and 141 are Ctrl-C and a closed pipe. Each class takes facts and writes its own sentence. An error
that is not in this tree is a bug and keeps its traceback.
"""

import copyreg
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar


class MnistCliError(Exception):
    """An error to be shown as one line, with a hint of what to type next."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if hint:
            self.add_note(f"hint: {hint}")  # which a traceback shows

    def __reduce__(self) -> tuple[object, ...]:
        # Another process makes it of what it holds, and not of its message alone.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]

    @property
    def code(self) -> str:
        """The name of this kind of error in JSON: "ModelNotFoundError" -> "model_not_found"."""
        name = type(self).__name__.removesuffix("Error")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class UsageError(MnistCliError):
    """An option or an argument makes no sense."""

    exit_code = 2
    typed_hint = ""  # the hint where options were typed, if it is another


class TaskError(UsageError):
    """A word is not a sentence of the task language."""

    def __init__(self, task: str, problem: str, nearest: str = "") -> None:
        known = "tasks look like 0v1, 2vrest, 17v49, 0v1v2, even-odd, digits or pairs"
        hint = f"did you mean {nearest}?" if nearest else known
        super().__init__(f"{task!r} is not a task: {problem}", hint=hint)


class TrainingError(UsageError):
    """The training that was asked for has no answer."""


class DataUnavailableError(MnistCliError):
    """Data cannot be had from anywhere that was tried."""

    exit_code = 3


class DownloadError(DataUnavailableError):
    """Every source of a file failed, each with its reason."""

    def __init__(self, what: str, failures: Sequence[tuple[str, str]]) -> None:
        tried = "; ".join(f"{source}: {reason}" for source, reason in failures)
        hint = "mnistcli download --source PATH takes the files from a disk"
        super().__init__(f"could not get {what} ({tried})", hint=hint)
        self.failures = tuple(failures)


class NotEnoughMemoryError(DataUnavailableError):
    """The operating system has no more memory for us."""

    def __init__(self, reason: object) -> None:
        hint = "give the program more, or it less to do: train takes --limit and --memory"
        super().__init__(f"there is not enough memory: {reason}".rstrip(": "), hint=hint)


class StorageError(DataUnavailableError):
    """The operating system refused to read or write a path."""

    def __init__(self, doing: str, path: Path | str, reason: str) -> None:
        super().__init__(f"cannot {doing} {path}: {reason}")
        self.path = path
        self.reason = reason


class SourceError(MnistCliError):
    """Something is wrong with a file, a picture or what else was read."""

    def __init__(self, source: Path | str, problem: str, *, hint: str = "") -> None:
        super().__init__(f"{source}: {problem}", hint=hint)
        self.source = source
        self.problem = problem
        self.failures = ((str(source), problem),)  # as `DownloadError` has them


class CorruptFileError(SourceError):
    """Bytes are not what they claim to be."""

    exit_code = 4


class ChecksumMismatchError(CorruptFileError):
    """Bytes hash to something else than they should."""

    def __init__(
        self, source: Path | str, *, expected: str, got: str, algorithm: str = "sha256"
    ) -> None:
        super().__init__(source, f"{algorithm} is {got}, expected {expected}")


class ModelNotFoundError(MnistCliError):
    """No model answers to a name."""

    exit_code = 5


class BadImageError(SourceError):
    """A picture cannot be read, or holds nothing that looks like one digit."""

    exit_code = 6


class SomeInputsFailedError(MnistCliError):
    """Some of many inputs failed; the others were answered, or installed."""

    exit_code = 7

    def __init__(self, n_failed: int, n_inputs: int = 0, *, n_installed: int = 0) -> None:
        some = f"{n_failed} of {n_inputs} inputs failed, the others were answered"
        if n_installed:  # of files, pages and digits, which do not add up
            some = f"{n_failed:,} left out, {n_installed:,} images installed"
        super().__init__(f"all {n_inputs} inputs failed" if n_failed == n_inputs else some)


class QualityGateError(MnistCliError):
    """A model missed a bar that it had to reach."""

    exit_code = 8

    def __init__(self, ref: str, problems: Sequence[str]) -> None:
        super().__init__(f"{ref} failed: {'; '.join(problems)}")


class NotReproducedError(MnistCliError):
    """A model that was trained again from its card answers otherwise."""

    exit_code = 8

    def __init__(self, ref: str, n_different: int, n_test: int) -> None:
        problem = f"{ref} was not reproduced: {n_different:,} of {n_test:,} answers differ"
        hint = "another version of mnistcli or of a library may be why: see the report"
        super().__init__(problem, hint=hint)


class LockTimeoutError(MnistCliError):
    """Another process held a lock for longer than one is willing to wait."""

    exit_code = 9

    def __init__(self, path: Path, timeout_s: float) -> None:
        problem = f"another process has held {path} for {timeout_s:g} s"
        super().__init__(problem, hint="wait for it to finish and try again")


class ClusterError(MnistCliError):
    """A cluster cannot be reached, is of other versions, or has stopped working."""

    exit_code = 10
