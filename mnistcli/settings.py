"""What can be asked of a training: values that check themselves, and nothing heavy."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from mnistcli.errors import UsageError

Penalty = Literal["l2", "l1", "elasticnet", "none"]
Solver = Literal[
    "auto", "newton", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"
]
ClassWeight = Literal["balanced"]
SplitKind = Literal["standard", "random"]
FeatureKind = Literal["pixels", "deskew", "patches"]
Preset = Literal["fast", "better", "best"]

# What each solver can minimise; the first is the fastest, which `auto` takes.
SOLVERS_FOR: dict[Penalty, tuple[Solver, ...]] = {
    "l2": ("newton", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"),
    "l1": ("liblinear", "saga"),
    "elasticnet": ("saga",),
    "none": ("newton", "lbfgs", "newton-cg", "newton-cholesky", "sag", "saga"),
}
_TWO_CLASSES_ONLY = ("liblinear",)


@dataclass(frozen=True, slots=True)
class SolverSettings:
    """What is minimised, and how.

    Attributes
    ----------
    C : float
        Weight of the data against the penalty, > 0.
    penalty : {"l2", "l1", "elasticnet", "none"}
    l1_ratio : float or None
        Share of L1 in the elastic net, in [0, 1]; None with the other penalties.
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
    solver: Solver = "auto"
    tol: float | None = None
    max_iter: int | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        _check_choice("penalty", self.penalty, get_args(Penalty))
        _check_choice("solver", self.solver, get_args(Solver))
        _check_choice("class_weight", self.class_weight, (*get_args(ClassWeight), None))
        _check_positive("C", self.C)
        _check_positive("tol", self.tol)
        _check_positive("max_iter", self.max_iter)
        if (self.l1_ratio is None) == (self.penalty == "elasticnet"):
            raise UsageError(
                "an L1 ratio and the penalty elasticnet go together",
                hint="for example --penalty elasticnet --l1-ratio 0.5",
            )
        if self.l1_ratio is not None and not 0 <= self.l1_ratio <= 1:
            raise UsageError(f"the L1 ratio {self.l1_ratio:g} is not between 0 and 1")
        if self.solver != "auto" and self.solver not in SOLVERS_FOR[self.penalty]:
            raise UsageError(
                f"the solver {self.solver} does not do the penalty {self.penalty}",
                hint=f"these do: {', '.join(SOLVERS_FOR[self.penalty])}",
            )

    @property
    def l1_share(self) -> float:
        """The share of L1 in the penalty."""
        if self.penalty == "elasticnet":
            return self.l1_ratio or 0.0
        return 1.0 if self.penalty == "l1" else 0.0

    def solver_for(self, n_classes: int) -> Solver:
        """Say which solver does it; refuse one that cannot do so many classes."""
        able = [
            solver
            for solver in SOLVERS_FOR[self.penalty]
            if n_classes == 2 or solver not in _TWO_CLASSES_ONLY
        ]
        if self.solver == "auto":
            return able[0]
        if self.solver not in able:
            raise UsageError(
                f"the solver {self.solver} does two classes, this task has {n_classes}",
                hint=f"these do more: {', '.join(able)}",
            )
        return self.solver


@dataclass(frozen=True, slots=True)
class SplitSpec:
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

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        _check_choice("split", self.kind, get_args(SplitKind))
        if not 0 < self.test_size < 1:
            raise UsageError(f"the test size {self.test_size:g} is not between 0 and 1")
        if self.seed < 0:
            raise UsageError(f"the seed {self.seed} is negative")
        _check_positive("limit", self.limit)


@dataclass(frozen=True, slots=True)
class FeatureSpec:
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

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        _check_choice("features", self.kind, get_args(FeatureKind))
        if (self.kind == "patches") != bool(self.sides and self.n_filters):
            raise UsageError("patches have sizes and filters, other features have none")
        if not all(type(side) is int and side % 2 and 3 <= side <= 27 for side in self.sides):
            raise UsageError(f"patches of {self.sides} pixels make no sense", hint="3, 5, ... 27")
        if len(set(self.sides)) != len(self.sides):
            raise UsageError("a size of patches is there twice")
        if self.n_views not in ((1, 4) if self.kind == "patches" else (1,)):
            raise UsageError(f"{self.n_views} views make no sense", hint="patches have 1 or 4")
        for name in ("n_filters", "n_views", "n_copies"):
            value = getattr(self, name)
            if type(value) is not int or not 0 <= value <= 1024:
                raise UsageError(f"{name} = {value} makes no sense", hint="0 to 1024")


@dataclass(frozen=True, slots=True)
class FoldSpec:
    """How to divide the training set for cross-validation.

    Attributes
    ----------
    n_folds : int
    n_repeats : int
        More than one shuffles the samples for each repeat.
    """

    n_folds: int = 5
    n_repeats: int = 1

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        if self.n_folds < 2:
            raise UsageError(f"{self.n_folds} folds are no cross-validation", hint="use 2 or more")
        _check_positive("repeats", self.n_repeats)


@dataclass(frozen=True, slots=True)
class TrainingSettings:
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

    def __post_init__(self) -> None:
        """Refuse what makes no sense before any data is touched."""
        if self.search and self.solver.penalty == "none":
            raise UsageError("without a penalty there is no C to choose")
        if self.n_jobs is not None and self.n_jobs < 1 and self.n_jobs != -1:
            raise UsageError(f"{self.n_jobs} jobs make no sense", hint="use 1 or more, or -1")


def _check_positive(name: str, value: float | None) -> None:
    if value is not None and not (value > 0 and math.isfinite(value)):
        raise UsageError(f"{name} = {value:g} makes no sense", hint="it has to be above 0")


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
