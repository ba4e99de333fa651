"""Estimators for scikit-learn's pipelines, searches and cross-validations, fitted by our solver.

scikit-learn is what they derive from, so that this module is loaded where one of them is asked for:
``mnistcli.LogisticRegression``, ``mnistcli.Digits``. What `registry.exports.estimator` makes of a
model of pixels is scikit-learn's own, because it has to be of use where there is no mnistcli.
"""

import math
import sys
import warnings
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_array, check_consistent_length, check_random_state, validation
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from mnistcli.arrays import Float64s
from mnistcli.features import Features
from mnistcli.linear_model.classifier import PIXEL_SCALE, LinearClassifier
from mnistcli.linear_model.newton import fit_newton
from mnistcli.memory import Room
from mnistcli.mnist import IMAGE_SHAPE, N_PIXELS
from mnistcli.model_selection.design import design_matrix
from mnistcli.model_selection.splits import Samples
from mnistcli.pictures import check_is_light_ink, digit_images
from mnistcli.ranges import check_choice
from mnistcli.settings import PRESETS, SOLVERS, Preset, SolverSettings

# Computed with as they are; other numbers become the first.
_DTYPES = (np.float64, np.float32, np.uint8)
# Samples that weigh three are three of the same, to the last digits that scikit-learn compares.
_EXACT_TOL = 1e-14


# A class whose fields are its parameters is what scikit-learn asks of an estimator.
@dataclass(eq=False, repr=False)
class LogisticRegression(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # it has no types
    """Logistic regression with a proof of how close to the optimum it came.

    The objective is that of scikit-learn's LogisticRegression, the solver `linear_model.newton`.

    Parameters
    ----------
    C : float, default=1.0
        Inverse strength of the penalty; infinity means none.
    penalty : {"l2", None}, default="l2"
    class_weight : "balanced" or dict, optional
        What each class weighs; samples weigh that times their ``sample_weight``.
    tol : float, optional
        The objective is proven to be so close, relatively, to its optimum: 1e-14 unless given, or
        1e-9 where float64 is not computed with, or nothing is penalised.
    max_iter : int
    warm_start : bool, default=False
        Start from the weights of the last `fit`.
    random_state : int, RandomState or None, default=0
        Chooses the rows that the solver looks at first; it does not move the optimum.

    Attributes
    ----------
    classes_, n_iter_ : ndarrays of shape (n_classes,) and (1,)
    coef_, intercept_ : ndarrays of shape (1, n_features) and (1,), or a row for each class
    certificate_ : Certificate
        Objective, gradient, and bounds of the distance to the optimum.

    Numbers in float64 are computed with in float64, in float32 and bytes mostly in float32, which
    takes half of the time and memory and ends, with this ``tol``, at the same optimum.
    """

    C: float | None = 1.0
    _: KW_ONLY
    penalty: Literal["l2"] | None = "l2"
    class_weight: Literal["balanced"] | dict[Any, float] | None = None
    tol: float | None = None
    max_iter: int = SOLVERS["newton"].max_iter
    warm_start: bool = False
    random_state: int | np.random.RandomState | None = 0

    classes_: NDArray[Any] = field(init=False)
    coef_: Float64s = field(init=False)
    intercept_: Float64s = field(init=False)
    _scale = 1.0  # of what the weights are multiplied with
    features_ = cast("Features | None", None)  # what makes that of images

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to X of shape (n_samples, n_features), labels of any kind and their weights.

        Raises ValueError for fewer than two classes, and where there is neither a penalty nor a
        finite optimum, UsageError for parameters; warns where ``max_iter`` ended it.
        """
        rows, labels = validation.validate_data(self, X, y, dtype=_DTYPES)
        return self._fit(rows, labels, sample_weight, self.C, self.tol)

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _fit(
        self,
        X: NDArray[Any],
        y: ArrayLike,
        sample_weight: ArrayLike | None,
        C: float | None,
        tol: float | None,
        n_each: int = 1,
    ) -> Self:
        """Fit to rows that hold ``n_each`` of every sample: all of them, and all of them again."""
        check_choice("penalty", self.penalty, ("l2", None))
        C = math.inf if self.penalty is None else cast("float", C)
        is_penalised = math.inf != C
        # For its checks:
        SolverSettings(C if is_penalised else 1.0, tol=tol, max_iter=self.max_iter)
        y = validation.column_or_1d(y, warn=True)
        first = X[: len(X) // n_each]
        check_consistent_length(first, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        weight = validation._check_sample_weight(  # noqa: SLF001
            sample_weight, first, dtype=np.float64, ensure_non_negative=True
        )
        n_classes = len(self.classes_)
        if n_classes < 2 or not np.bincount(codes, weight).all():
            raise ValueError("more than one class must occur, and each weigh something")
        if self.class_weight is not None:
            of_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=y, sample_weight=weight
            )
            weight = weight * of_class[codes]
        shape = (1 if n_classes == 2 else n_classes, X.shape[1])
        is_start = self.warm_start and getattr(self, "coef_", np.empty(0)).shape == shape
        is_exact = X.dtype == np.float64 and is_penalised
        fit = fit_newton(
            X,
            np.tile(codes, n_each),
            n_classes=n_classes,
            C=C / n_each,
            scale=self._scale,
            sample_weight=np.tile(weight, n_each),
            tol=tol or (_EXACT_TOL if is_exact else SOLVERS["newton"].tol),
            max_iter=self.max_iter,
            seed=self._seed(),
            warm_start=(self.coef_, self.intercept_) if is_start else None,
        )
        self.coef_, self.intercept_, self.certificate_ = fit.coef, fit.intercept, fit.certificate
        self.n_iter_ = np.array([fit.certificate.n_iterations], dtype=np.int32)
        if not fit.certificate.converged:
            n = fit.certificate.n_iterations
            words = (
                "raise max_iter, or tol"
                if n >= self.max_iter
                else "no step is exact enough: raise tol"
            )
            problem = f"not at the optimum after {n} iterations: {words}"
            warnings.warn(problem, ConvergenceWarning, stacklevel=3)
        return self

    def decision_function(self, X: ArrayLike) -> Float64s:
        """Return scores (n_samples,) for two classes, else (n_samples, n_classes)."""
        return self._classifier.decision_function(self._check(X))

    def predict_proba(self, X: ArrayLike) -> Float64s:
        """Return the probability of every class, (n_samples, n_classes)."""
        return self._classifier.predict_proba(self._check(X))

    def predict_log_proba(self, X: ArrayLike) -> Float64s:
        """Return the logarithms of `predict_proba`."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable class of each sample, as it was called in ``y``."""
        answers = self._classifier.predict(self._check(X))
        return self.classes_[answers]

    @property
    def _classifier(self) -> LinearClassifier:
        validation.check_is_fitted(self)
        names = tuple(map(str, self.classes_))
        return LinearClassifier(self.coef_, self.intercept_, names, self._scale, self.features_)

    def _check(self, X: ArrayLike) -> NDArray[Any]:
        checked: NDArray[Any] = validation.validate_data(self, X, dtype=_DTYPES, reset=False)
        return checked


@dataclass(eq=False, repr=False)
class Digits(LogisticRegression):
    """Images of digits in, answers out: features and logistic regression of ``mnistcli train``.

    Images are as MNIST's are, light ink on black, 0 to 255 or 0 to 1, of shape (n, 28, 28) or
    (n, 784); what they show may be called anything.

    Parameters
    ----------
    preset : {"fast", "better", "best"}, default="better"
        Pixels, learned patches, or patches of deformed copies as well: `mnistcli help features`.
    C, tol : float, optional
        The preset's own unless given.
    penalty, class_weight, max_iter, warm_start, random_state
        See `LogisticRegression`; the random state also draws patches and copies.

    Beside the attributes of LogisticRegression ``features_`` is what was learned of the images
    without their labels, None for pixels.
    """

    preset: Preset = "better"
    C: float | None = field(default=None, kw_only=True)
    _scale = PIXEL_SCALE

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Fit to images, what they show and how much each weighs; see `LogisticRegression.fit`."""
        check_choice("preset", self.preset, tuple(PRESETS))
        preset, images = PRESETS[self.preset], self._check(X, reset=True)
        nothing = np.zeros(len(images), dtype=np.int64)
        samples = Samples(images, nothing, np.arange(len(images)))
        room = Room(sys.maxsize)  # what scikit-learn is given is in memory
        design = design_matrix(samples, preset.features, seed=self._seed(), room=room)
        self.features_ = design.features
        C = preset.C if self.C is None else self.C
        tol = preset.tol if self.tol is None else self.tol
        return self._fit(design.rows[:], y, sample_weight, C, tol, 1 + design.n_copies)

    def _check(self, X: ArrayLike, *, reset: bool = False) -> NDArray[Any]:
        images = check_array(X, dtype="numeric", allow_nd=True)
        if images.shape[1:] not in (IMAGE_SHAPE, (N_PIXELS,)):
            raise ValueError(f"images are n x 28 x 28 or n x 784, not {images.shape}")
        images = digit_images(images)
        check_is_light_ink(images)
        # Columns that have names are looked at by these, as scikit-learn's own do.
        named = X if hasattr(X, "columns") else images.reshape(-1, N_PIXELS)
        validation.validate_data(self, named, reset=reset, skip_check_array=True)
        return images.reshape(-1, *IMAGE_SHAPE)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array, tags.input_tags.two_d_array = True, False
        return tags
