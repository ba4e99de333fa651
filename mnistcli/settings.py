"""What can be asked of a training: values that check themselves, and nothing heavy."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple, get_args

from mnistcli.errors import UsageError
from mnistcli.features import FeatureSpec
from mnistcli.parallel import check_jobs
from mnistcli.ranges import RANGES, Checked, check_choice

Penalty = Literal["l2", "l1", "elasticnet", "none"]
SolverName = Literal[
    "auto", "newton", "lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"
]
ClassWeight = Literal["balanced"]
SplitKind = Literal["standard", "random"]
Preset = Literal["fast", "better", "best"]
MOST_WITHOUT = 5000


class Solver(NamedTuple):
    """What a solver can minimise, and what it does unless told; each has its own use of ``tol``."""

    penalties: tuple[Penalty, ...]
    tol: float = 1e-4
    max_iter: int = 1000
    max_classes: int | None = None  # of one fit; None for any number
    keeps_float32: bool = False  # computes in the precision of its data; others convert to float64
    intercept_scaling: float = 1.0  # see LogisticRegression; only liblinear penalises the intercept


# The faster come first: `auto` takes the first that can. "newton" is ours (`linear_model.newton`),
# whose tolerance is a proven relative distance of the objective to the optimum. The bound behind
# the proof is 50 to 1000 times the true distance, so fits end far closer to the optimum; one to
# four steps after 1e-6 buy predictions that do not depend on the order of the rows.
SOLVERS: dict[SolverName, Solver] = {
    "newton": Solver(("l2", "none"), tol=1e-9),
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
    able = {name: each for name, each in SOLVERS.items() if penalty in each.penalties}
    return [name for name, each in able.items() if n_classes <= (each.max_classes or n_classes)]


@dataclass(frozen=True, slots=True)
class SolverSettings(Checked):
    """What is minimised, and how; ``tol`` and ``max_iter`` are the solver's own where None."""

    C: float = 1.0  # weight of the data against the penalty
    penalty: Penalty = "l2"
    l1_ratio: float | None = None  # share of L1 in the elastic net; None with the other penalties
    class_weight: ClassWeight | None = None  # "balanced": every class counts the same in total
    solver: SolverName = "auto"  # "auto" takes the fastest for the penalty
    tol: float | None = None
    max_iter: int | None = None

    def _check(self) -> None:
        check_choice("penalty", self.penalty, get_args(Penalty))
        check_choice("solver", self.solver, get_args(SolverName))
        check_choice("class_weight", self.class_weight, (*get_args(ClassWeight), None))
        if (self.l1_ratio is None) == (self.penalty == "elasticnet"):
            hint = "for example --penalty elasticnet --l1-ratio 0.5"
            raise UsageError("an L1 ratio and the penalty elasticnet go together", hint=hint)
        able = solvers_for(self.penalty)
        if self.solver not in ("auto", *able):
            problem = f"the solver {self.solver} does not do the penalty {self.penalty}"
            raise UsageError(problem, hint=f"these do: {', '.join(able)}")

    @property
    def C_or_inf(self) -> float:  # noqa: N802 - the field's own name
        """C, infinite without a penalty."""
        return math.inf if self.penalty == "none" else self.C

    @property
    def l1_share(self) -> float:
        """The share of L1 in the penalty."""
        return {"elasticnet": self.l1_ratio or 0.0, "l1": 1.0}.get(self.penalty, 0.0)

    def solver_for(self, n_classes: int) -> SolverName:
        """Return the name of the solver that does it; refuse one that cannot do so many classes."""
        able = solvers_for(self.penalty, n_classes)
        if self.solver == "auto":
            return able[0]
        if self.solver not in able:
            most = SOLVERS[self.solver].max_classes
            problem = f"the solver {self.solver} does {most} classes, this task has {n_classes}"
            raise UsageError(problem, hint=f"these do more: {', '.join(able)}")
        return self.solver


@dataclass(frozen=True, slots=True)
class SplitSpec(Checked):
    """Which images are for training and which for the test."""

    kind: SplitKind = "standard"  # the dataset's two parts, or all images anew, class by class
    test_size: float = 0.2  # the share that a random split keeps for the test
    seed: int = 0  # of the random split, the subset and the permutation of the training set
    limit: int | None = None  # train on a stratified subset; the test part stays whole
    nested: bool = True  # larger subsets contain smaller ones; not so in cards from before 0.2
    # Images not to train on, as `Samples.index` counts, rising. A card holds all, hence a bound.
    without: tuple[int, ...] = ()

    def _check(self) -> None:
        check_choice("split", self.kind, get_args(SplitKind))
        if len(self.without) > MOST_WITHOUT:
            hint = "make a dataset of those to train on: mnistcli help own-digits"
            raise UsageError(f"at most {MOST_WITHOUT:,} images can be left out", hint=hint)
        object.__setattr__(self, "without", tuple(sorted({int(each) for each in self.without})))


@dataclass(frozen=True, slots=True)
class FoldSpec(Checked):
    """How to divide the training set; more than one repeat shuffles the samples for each."""

    n_folds: int = 5
    n_repeats: int = 1


@dataclass(frozen=True, slots=True)
class TrainingSettings(Checked):
    """How to train; for the number of jobs see `parallel.map_jobs`."""

    solver: SolverSettings = field(default_factory=SolverSettings)
    split: SplitSpec = field(default_factory=SplitSpec)
    features: FeatureSpec = field(default_factory=FeatureSpec)
    folds: FoldSpec | None = None  # cross-validate on the training set first
    search: bool = False  # search for C there; that of `solver` then plays no part
    n_jobs: int | None = None  # processes for folds and pairs
    # What an image of a part of the dataset weighs in a fit, by the part's name, and 1 for others;
    # folds and the search for C fit by it too, and judge every image alike.
    weights: dict[str, float] = field(default_factory=dict)
    # What a training may take, about; None for a share of what there is, see `design_matrix`.
    memory_bytes: int | None = None
    disk_bytes: int | None = None

    def _check(self) -> None:
        checked = RANGES["weight"].checked
        weights = {k: float(checked(f"the weight of {k}", v)) for k, v in self.weights.items()}
        object.__setattr__(self, "weights", weights)
        if self.search and self.solver.penalty == "none":
            raise UsageError("without a penalty there is no C to choose", hint="leave --C away")
        check_jobs(self.n_jobs)
        n_each = 1 + self.features.n_copies
        if self.solver.C / n_each < RANGES["C"].low:
            raise UsageError(f"C = {self.solver.C:g} is too small for {n_each} of each image")


class PresetSettings(NamedTuple):
    """What goes together, chosen on a split of the training images."""

    features: FeatureSpec
    C: float
    tol: float | None = None

    def solver_settings(self, base: SolverSettings, C: float | None = None) -> SolverSettings:
        """Return settings with its C, or another, and its tolerance where newton will be taken."""
        is_ours = base.tol is None and base.penalty == "l2" and base.solver == "auto"
        return replace(base, C=self.C if C is None else C, tol=self.tol if is_ours else base.tol)


_BETTER = FeatureSpec.of("patches+expansion")
# Expansions of 2,000 functions are hardly worse than of 3,000; fewer directions make smaller files.
_BEST = replace(
    FeatureSpec.of("patches+expansion+scattering+expansion+arrangements+expansion"),
    n_directions=120,
    n_relus=1500,
    n_squares=500,
    n_copies=3,
    displacement=1.5,
    whitening=0.125,
)
PRESETS: dict[Preset, PresetSettings] = {
    "fast": PresetSettings(FeatureSpec(), 1.0),
    "better": PresetSettings(_BETTER, 1.0, tol=1e-6),
    "best": PresetSettings(_BEST, 0.25, tol=1e-6),
}


def choose_settings(preset: Preset | None, features: str | None) -> PresetSettings:
    """Return what a preset stands for, by default fast; or other features, with the C of fast.

    Raises UsageError for what is none.
    """
    check_choice("preset", preset, (*PRESETS, None))
    chosen = PRESETS[preset or "fast"]
    return chosen if features is None else PresetSettings(FeatureSpec.of(features), chosen.C)
