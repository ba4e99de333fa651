"""The numbers that settings may be, and settings that check themselves."""

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any, NamedTuple, get_args

from mnistcli.errors import UsageError


class Range(NamedTuple):
    """The numbers that a setting may be, both ends included unless it is open."""

    kind: type[int | float]
    low: float
    high: float
    option: str = ""
    is_open: bool = False
    sizes: str = ""  # what the option takes, where it is no plain number

    def __str__(self) -> str:
        """Return the range in words: "1 to 1,000,000,000"."""
        written = "{:,}" if self.kind is int else "{:g}"
        low, high = map(written.format, (self.low, self.high))
        return f"above {low} and below {high}" if self.is_open else f"{low} to {high}"

    def checked(self, name: str, value: Any) -> int | float:
        """Return the value as a plain number, or raise `UsageError`."""
        is_number = isinstance(value, Integral if self.kind is int else Real)
        if is_number and not isinstance(value, bool):
            at_end = value in (self.low, self.high)
            if self.low < value < self.high or (at_end and not self.is_open):  # never NaN
                return self.kind(value)
        if isinstance(value, int) and abs(value) > 2**64:
            shown = f"about 2^{value.bit_length()}"  # Python refuses to print very long ones
        else:
            shown = f"{value:g}" if isinstance(value, float) else repr(value)[:40]
        hint = self._replace(option="", sizes="").hint(name)
        error = UsageError(f"{name} = {shown} makes no sense", hint=hint)
        error.typed_hint = self.hint(name)
        raise error

    def hint(self, name: str) -> str:
        """Return what the setting takes, where it is an option under the name of that."""
        takes = self.sizes or ("a whole number, " if self.kind is int else "") + str(self)
        return f"{self.option or name} takes {takes}"


# Within these every solver ends, with finite numbers. Seeds are as large as scikit-learn's.
RANGES = {
    "C": Range(float, 1e-10, 1e10, "--C"),
    "l1_ratio": Range(float, 0.0, 1.0, "--l1-ratio"),
    "weight": Range(float, 1e-6, 1e6, "--weight", sizes="NAME=NUMBER, 1e-06 to 1e+06"),
    "tol": Range(float, 1e-16, 1.0, "--tol"),
    "max_iter": Range(int, 1, 10**9, "--max-iter"),
    "test_size": Range(float, 0.0, 1.0, "--test-size", is_open=True),
    "seed": Range(int, 0, 2**32 - 1, "--seed"),
    "limit": Range(int, 1, 10**9, "--limit"),
    "n_filters": Range(int, 0, 1024),
    "n_codes": Range(int, 0, 1024),
    "n_copies": Range(int, 0, 1024, "--copies"),
    "displacement": Range(float, 0.0, 4.0),
    "n_directions": Range(int, 0, 512),
    "whitening": Range(float, 0.0, 1.0),
    "n_relus": Range(int, 0, 16384),
    "n_squares": Range(int, 0, 16384),
    "n_folds": Range(int, 2, 10**6, "--cv"),
    "n_repeats": Range(int, 1, 10**6, "--repeats"),
    "memory_bytes": Range(int, 10**8, 10**15, "--memory", sizes="100MB to 1000TB"),
    "disk_bytes": Range(int, 0, 10**15, "--disk", sizes="0 to 1000TB"),
    "n_jobs": Range(int, -1, 1024, "--jobs"),
}
# How much images can be disturbed by `robustness.disturb`, and what that counts.
DISTURBANCES = {
    "noise": (Range(float, 0, 10), "share of white"),
    "blur": (Range(float, 0, 28), "pixels"),
    "rotate": (Range(float, -180, 180), "degrees"),
    "shift": (Range(float, 0, 28), "pixels"),
    "thickness": (Range(float, -14, 14), "pixels"),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """Settings whose numbers are within their `RANGES`."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in RANGES and not (value is None and each.default is None):
                object.__setattr__(self, each.name, RANGES[each.name].checked(each.name, value))
            for kind in get_args(each.type) or (each.type,):
                if isinstance(kind, type) and issubclass(kind, Checked) and value is not None:
                    check_kind(each.name, value, kind)
        self._check()

    def _check(self) -> None:
        """Refuse values that do not go together."""


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Raise `UsageError` for a value that is none of the choices."""
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices if choice is not None)
        raise UsageError(f"{value!r} is no {name.replace('_', ' ')}", hint=f"choose from {known}")


def check_kind(name: str, value: object, kind: type) -> None:
    """Raise `UsageError` for a value of another kind."""
    if not isinstance(value, kind):
        problem = f"{name} = {repr(value)[:40]} makes no sense"
        raise UsageError(problem, hint=f"{name} takes a {kind.__name__}")
