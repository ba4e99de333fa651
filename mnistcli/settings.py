"""What can be asked of a training: values that check themselves, and nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from numbers import Integral, Real
from typing import Any, Literal, get_args

from mnistcli.errors import UsageError

Penalty = Literal["l2", "l1", "elasticnet", "none"]
SolverName = Literal[
    "auto", "newton", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"
]
ClassWeight = Literal["balanced"]
SplitKind = Literal["standard", "random"]
FeatureKind = Literal["pixels", "deskew", "patches"]
Preset = Literal["fast", "better", "best"]


@dataclass(frozen=True, slots=True)
class Solver:
    """What a solver can minimise, and what it does unless told otherwise.

    Attributes
    ----------
    penalties : tuple of str
    tol, max_iter : float, int
        Its defaults. What `tol` bounds is the solver's own affair.
    max_classes : int or None
        The most classes of one fit; None for any number.
    keeps_float32 : bool
        Whether it computes in the precision of its data; the others convert to float64.
    intercept_scaling : float
        See scikit-learn's LogisticRegression; only liblinear penalises the intercept.
    """

    penalties: tuple[Penalty, ...]
    tol: float = 1e-4
    max_iter: int = 1000
    max_classes: int | None = None
    keeps_float32: bool = False
    intercept_scaling: float = 1.0

    def can_fit(self, penalty: Penalty, n_classes: int) -> bool:
        """Tell whether it minimises a penalty for so many classes."""
        return penalty in self.penalties and n_classes <= (self.max_classes or n_classes)


# The faster come first: `auto` takes the first that can. "newton" is ours (`linear_model.newton`),
# whose tolerance is a proven relative distance of the objective to the optimum. The bound behind
# the proof is 50 to 1000 times the true distance, so fits end far closer to the optimum; one to
# four steps after 1e-6 buy predictions that do not depend on the order of the rows.
SOLVERS: dict[SolverName, Solver] = {
    "newton": Solver(("l2", "none"), tol=1e-9, max_iter=500),
    "lbfgs": Solver(("l2", "none"), keeps_float32=True),
    # It penalises intercept^2 / (2 * 100^2).
    "liblinear": Solver(("l2", "l1"), max_classes=2, intercept_scaling=100.0),
    "newton-cg": Solver(("l2", "none"), keeps_float32=True),
    "newton-cholesky": Solver(("l2", "none")),
    "sag": Solver(("l2", "none"), keeps_float32=True),
    "saga": Solver(("l2", "l1", "elasticnet", "none"), keeps_float32=True),
}


def solvers_for(penalty: Penalty, n_classes: int = 2) -> list[SolverName]:
    """List the solvers that minimise a penalty, the fastest first."""
    return [name for name, solver in SOLVERS.items() if solver.can_fit(penalty, n_classes)]


@dataclass(frozen=True, slots=True)
class Range:
    """The numbers that a setting may be, both ends included unless it is open."""

    kind: type[int | float]
    low: float
    high: float
    option: str = ""
    is_open: bool = False

    def __str__(self) -> str:
        """Return the range in words: "1 to 1,000,000,000"."""
        low, high = (
            f"{end:,}" if self.kind is int else f"{end:g}" for end in (self.low, self.high)
        )
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
        whole = "a whole number, " if self.kind is int else ""
        raise UsageError(
            f"{name} = {shown} makes no sense",
            hint=f"{self.option or name} takes {whole}{self}",
        )


# Within these every solver ends, with finite numbers. Seeds are as large as scikit-learn's.
RANGES = {
    "C": Range(float, 1e-10, 1e10, "--C"),
    "l1_ratio": Range(float, 0.0, 1.0, "--l1-ratio"),
    "tol": Range(float, 1e-16, 1.0, "--tol"),
    "max_iter": Range(int, 1, 10**9, "--max-iter"),
    "test_size": Range(float, 0.0, 1.0, "--test-size", is_open=True),
    "seed": Range(int, 0, 2**32 - 1, "--seed"),
    "limit": Range(int, 1, 10**9, "--limit"),
    "n_filters": Range(int, 0, 1024),
    "n_views": Range(int, 1, 4),
    "n_copies": Range(int, 0, 1024),
    "n_folds": Range(int, 2, 10**6, "--cv"),
    "n_repeats": Range(int, 1, 10**6, "--repeats"),
    "n_jobs": Range(int, -1, 1024, "--jobs"),
}


@dataclass(frozen=True, slots=True)
class _Checked:
    """Settings whose numbers are within their `RANGES`."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        for each in fields(self):
            value = getattr(self, each.name)
            if each.name in RANGES and not (value is None and each.default is None):
                object.__setattr__(self, each.name, RANGES[each.name].checked(each.name, value))
        self._check()

    def _check(self) -> None:
        """Refuse values that do not go together."""


@dataclass(frozen=True, slots=True)
class SolverSettings(_Checked):
    """What is minimised, and how.

    Attributes
    ----------
    C : float
        Weight of the data against the penalty.
    penalty : {"l2", "l1", "elasticnet", "none"}
    l1_ratio : float or None
        Share of L1 in the elastic net; None with the other penalties.
    class_weight : {None, "balanced"}
        "balanced" weighs samples so that every class counts the same in total.
    solver : str
        "auto" takes the fastest for the penalty.
    tol : float or None
        The solver's own tolerance; None is the solver's default.
    max_iter : int or None
        None is the solver's default.
    """

    C: float = 1.0
    penalty: Penalty = "l2"
    l1_ratio: float | None = None
    class_weight: ClassWeight | None = None
    solver: SolverName = "auto"
    tol: float | None = None
    max_iter: int | None = None

    def _check(self) -> None:
        _check_choice("penalty", self.penalty, get_args(Penalty))
        _check_choice("solver", self.solver, get_args(SolverName))
        _check_choice("class_weight", self.class_weight, (*get_args(ClassWeight), None))
        if (self.l1_ratio is None) == (self.penalty == "elasticnet"):
            raise UsageError(
                "an L1 ratio and the penalty elasticnet go together",
                hint="for example --penalty elasticnet --l1-ratio 0.5",
            )
        able = solvers_for(self.penalty)
        if self.solver not in ("auto", *able):
            raise UsageError(
                f"the solver {self.solver} does not do the penalty {self.penalty}",
                hint=f"these do: {', '.join(able)}",
            )

    @property
    def l1_share(self) -> float:
        """The share of L1 in the penalty."""
        if self.penalty == "elasticnet":
            return self.l1_ratio or 0.0
        return 1.0 if self.penalty == "l1" else 0.0

    def solver_for(self, n_classes: int) -> SolverName:
        """Return the name of the solver that does it; refuse one that cannot do so many classes."""
        able = solvers_for(self.penalty, n_classes)
        if self.solver == "auto":
            return able[0]
        if self.solver not in able:
            most = SOLVERS[self.solver].max_classes
            raise UsageError(
                f"the solver {self.solver} does {most} classes, this task has {n_classes}",
                hint=f"these do more: {', '.join(able)}",
            )
        return self.solver


@dataclass(frozen=True, slots=True)
class SplitSpec(_Checked):
    """Which images are for training and which for the test.

    Attributes
    ----------
    kind : {"standard", "random"}
        The dataset's own two parts, or all its images split anew, class by class.
    test_size : float
        The share of the images that a random split keeps for the test.
    seed : int
        Of the random split, the subset and the permutation of the training set.
    limit : int or None
        Train on a stratified subset of this many images; the test part stays whole.
    """

    kind: SplitKind = "standard"
    test_size: float = 0.2
    seed: int = 0
    limit: int | None = None

    def _check(self) -> None:
        _check_choice("split", self.kind, get_args(SplitKind))


@dataclass(frozen=True, slots=True)
class FeatureSpec(_Checked):
    """What a model looks at; see `features`.

    Attributes
    ----------
    kind : {"pixels", "deskew", "patches"}
        The pixels as they are, those of straightened digits, or how much of which patch is where.
    sides : tuple of int
        The sizes of patches in pixels, odd.
    n_filters : int
        For each size.
    n_views : int
        Drawings of every image, a little turned and moved, over which patches are averaged; 1 or 4.
    n_copies : int
        Distorted copies of every training image to train on as well.
    """

    kind: FeatureKind = "pixels"
    sides: tuple[int, ...] = ()
    n_filters: int = 0
    n_views: int = 1
    n_copies: int = 0

    def _check(self) -> None:
        _check_choice("features", self.kind, get_args(FeatureKind))
        if (self.kind == "patches") != bool(self.sides and self.n_filters):
            raise UsageError("patches have sizes and filters, other features have none")
        if not all(type(side) is int and side % 2 and 3 <= side <= 27 for side in self.sides):
            raise UsageError(f"patches of {self.sides} pixels make no sense", hint="3, 5, ... 27")
        if len(set(self.sides)) != len(self.sides):
            raise UsageError("a size of patches is there twice")
        if self.n_views not in ((1, 4) if self.kind == "patches" else (1,)):
            raise UsageError(f"{self.n_views} views make no sense", hint="patches have 1 or 4")


@dataclass(frozen=True, slots=True)
class FoldSpec(_Checked):
    """How to divide the training set for cross-validation.

    Attributes
    ----------
    n_folds : int
    n_repeats : int
        More than one shuffles the samples for each repeat.
    """

    n_folds: int = 5
    n_repeats: int = 1


@dataclass(frozen=True, slots=True)
class TrainingSettings(_Checked):
    """How to train.

    Attributes
    ----------
    solver : SolverSettings
        What is minimised, and how.
    split : SplitSpec
        Which images are for training.
    features : FeatureSpec
        What the model looks at.
    folds : FoldSpec or None
        Cross-validate on the training set first.
    search : bool
        Search for C by cross-validation on the training set; that of `solver` then plays no part.
    n_jobs : int or None
        Processes for folds and pairs; -1 for as many as there are cores, None for what
        ``joblib.parallel_config`` says, one process without it.
    """

    solver: SolverSettings = field(default_factory=SolverSettings)
    split: SplitSpec = field(default_factory=SplitSpec)
    features: FeatureSpec = field(default_factory=FeatureSpec)
    folds: FoldSpec | None = None
    search: bool = False
    n_jobs: int | None = None

    def _check(self) -> None:
        if self.search and self.solver.penalty == "none":
            raise UsageError("without a penalty there is no C to choose")
        if self.n_jobs == 0:
            raise UsageError("0 jobs make no sense", hint="use 1 or more, or -1")
        n_each = 1 + self.features.n_copies
        if self.solver.C / n_each < RANGES["C"].low:
            raise UsageError(f"C = {self.solver.C:g} is too small for {n_each} of each image")


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices if choice is not None)
        raise UsageError(f"{value!r} is no {name.replace('_', ' ')}", hint=f"choose from {known}")


@dataclass(frozen=True, slots=True)
class PresetSettings:
    """Features, the C that goes with them, and how close to the optimum the solver has to go.

    Chosen on a split of the training images.
    """

    features: FeatureSpec
    C: float
    tol: float | None = None


_PATCHES = FeatureSpec("patches", sides=(5, 9), n_filters=24)
FEATURES: dict[FeatureKind, FeatureSpec] = {
    "pixels": FeatureSpec(),
    "deskew": FeatureSpec("deskew"),
    "patches": _PATCHES,
}
PRESETS: dict[Preset, PresetSettings] = {
    "fast": PresetSettings(FeatureSpec(), 1.0),
    "better": PresetSettings(_PATCHES, 1.0, tol=1e-6),
    "best": PresetSettings(
        FeatureSpec("patches", sides=(5, 9), n_filters=64, n_views=4, n_copies=3), 1.0, tol=1e-6
    ),
}
