"""How unlike the images that a model was trained on a picture is.

    distance      its strokes lie far from those of every prototype
    oddness       it looks pieced together from digits, and not whole
    doubt         the model's scores are small
    strangeness   it looks like a piece, a letter or a sign, and not like the digit that is answered
    pairedness    it looks like two digits that touch, and not like one

In standard deviations among training images, at least -1, the first measures are added up:

    distance + strangeness + 0.5 doubt + 0.3 oddness    where features were learned,
    distance + 0.7 (oddness + doubt)                     elsewhere

Typicality is the share of training images of which the sum is as large. The last two are told where
features were learned. What a measure has learned is learned by the function before it.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnistcli.arrays import Bytes, Float32s, Float64s, Floats
from mnistcli.features.copies import deformed
from mnistcli.features.counterexamples import pieced_together, side_by_side, signs
from mnistcli.features.geometry import IMAGES_PER_BLOCK, normalised
from mnistcli.features.kinds import N_SPOTS, N_TYPICAL, N_WAYS
from mnistcli.mnist import IMAGE_SIDE
from mnistcli.parallel import map_blocks, one_blas_thread

# Shares of training images whose unlikeness is kept, to tell how usual one is.
SHARES = (1.0, 0.5, 0.2, 0.1, 0.05, 0.02)
# What fewer of the training images are as unlike as, is unlike all of them.
UNLIKE_BELOW = 0.0065
# Fewer images tell nothing. One in so many is looked at, more of them where training takes longer,
# and where there are few.
LEAST_IMAGES, ONE_IN, ONE_IN_LEARNED, USEFUL_IMAGES = 100, 24, 3, 500
# At most so many images times features squared: an expansion has more, each of all that were
# before. Of those that are pieced together, and of pairs one above the other, fewer tell enough.
_N_STRANGE, _N_PIECED, _N_STACKED = 34_560_000_000, 6000, 3000
_N_COPIES = 2  # of each training image, and one of each letter and sign: then copies tell nothing
_LEAST_UNLIKE = -1.0  # standard deviations, of each measure
_LEAST_TAIL = 0.1  # standard deviations from the share of 0.2 to the last
MAX_PROTOTYPES, IMAGES_PER_PROTOTYPE = 40, 50
# So many standard deviations above the mean of training images one may as well be two: side by
# side, or one above the other.
LEAST_PAIRED, _STRANGENESS_OF_PAIRS = (5.8, 5.5), 0.3
# What a prototype's spreads are mixed with: those of all prototypes, as if of so many images more.
_PRIOR_IMAGES, _LEAST_VARIANCE = 20, 0.2
_N_ROUNDS, _N_CAREFUL_STEPS = 10, 40
_STRANGE_SHARE = 0.4  # of what is strange, where digits count 1: few of these are to be flagged
_FULL_STROKE, _MIDDLING = 0.6, 100  # becomes 255, and about the mean
_LEAST_DEVIATION = 1e-3  # of the mean
_REACH = 5.0  # pixels around a point

Scores = Callable[[Bytes], Floats]


class Seen(NamedTuple):
    """What is known of images to be measured."""

    directions: Float32s  # see `stroke_directions`
    rows: NDArray[np.generic]  # features
    outputs: Floats  # the model's scores, (n, n_classes)


@dataclass(frozen=True, slots=True, eq=False)
class Typicality:
    """What the training images of a model were like."""

    means: Bytes  # of `prototypes`
    spreads: Bytes
    # Means and standard deviations of what is measured, then unlikeness by `SHARES`.
    levels: Float32s
    oddness: Float32s  # weights, see `oddness_of`
    # Weights of features where those were learned, the last column being taken off.
    pairs: Floats | None = None
    strangeness: Floats | None = None

    @property
    def counts(self) -> Float64s:
        """How much each measure counts: distance, oddness, doubt and strangeness."""
        return np.array([1, 0.7, 0.7] if self.strangeness is None else [1, 0.3, 0.5, 1])

    def measure(self, seen: Seen) -> Float64s:
        """Measure images in each way that counts, (n_measures, n)."""
        measured = [distance_of(seen, self.means, self.spreads)]
        measured += [oddness_of(seen, self.oddness), doubt_of(seen)]
        if self.strangeness is not None:
            measured.append(strangeness_of(seen, self.strangeness))
        return np.stack(measured)

    def unlikeness(self, measured: Float64s) -> Float64s:
        """Return what was measured, (n_measures, n), added up, (n,)."""
        n = len(measured)
        means, deviations = self.levels[:n, None], self.levels[n : 2 * n, None]
        # None makes up for the others: an empty image is not odd, and a full one not doubted.
        return np.asarray(self.counts @ np.maximum((measured - means) / deviations, _LEAST_UNLIKE))

    def with_levels(self, seen: Seen) -> "Typicality":
        """Return the same with the levels of some images."""
        measured = self.measure(seen)
        means = measured.mean(axis=1)
        moments = np.concatenate([means, _above_rounding(measured.std(axis=1), means)])
        # Of few images the tail is known badly: a standard error on the side that flags less.
        n = measured.shape[1]
        n_beyond = np.array(SHARES) * n
        careful = np.maximum(n_beyond - np.sqrt(n_beyond), 0) / n
        careful[0] = 1
        # numpy.quantile imports numpy.ma.
        unlikeness = np.sort(replace(self, levels=moments).unlikeness(measured))
        usual = np.interp((1 - careful) * (n - 1), np.arange(n), unlikeness)
        return replace(self, levels=np.concatenate([moments, usual]).astype(np.float32))

    def of(
        self, images: Bytes, rows: NDArray[np.generic], scores: Floats
    ) -> tuple[Float64s, Floats]:
        """Return the share of training images that are as unlike the others as each image, (n,).

        Then follows pairedness of digits side by side and stacked, (n, 2), in standard deviations
        among training images, 0 being undecided; where it is not known, NaN, (n, 1). Images have
        shape (n, 28, 28), their features (n, n_features), the model's scores (n,) or (n,
        n_classes). Beyond the most unlike training images the share falls as it did before.
        """
        measured = self.measure(Seen(stroke_directions(images), rows, _outputs(scores)))
        usual, unlikeness = self.levels[-len(SHARES) :], self.unlikeness(measured)
        logs = np.interp(unlikeness, usual, np.log(SHARES))
        slope = np.log(SHARES[-1] / SHARES[2]) / max(usual[-1] - usual[2], _LEAST_TAIL)
        shares = np.exp(logs + slope * np.maximum(unlikeness - usual[-1], 0))
        if self.pairs is None:
            return shares, np.full((len(rows), 1), np.nan)
        strangeness = measured[-1][:, None]  # two digits look strange as well
        return shares, _linear(rows, self.pairs) + _STRANGENESS_OF_PAIRS * strangeness

    @property
    def is_sound(self) -> bool:
        """Whether all of it can be reckoned with."""
        n = len(self.counts)
        is_rising = (np.diff(self.levels[2 * n :]) >= 0).all()
        return bool(is_rising and (self.levels[n : 2 * n] > 0).all() and (self.spreads > 0).all())

    def arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return all of it, by name."""
        every = {f"usual_{each.name}": getattr(self, each.name) for each in fields(self)}
        return {name: array for name, array in every.items() if array is not None}


def sample_slice(n_images: int, *, is_learned: bool) -> slice:
    """Return which training images `learn_typicality` is to be given."""
    one_in = ONE_IN_LEARNED if is_learned else ONE_IN
    return slice(None, None, max(1, min(one_in, n_images // USEFUL_IMAGES)))


def is_unlike(typicality: float) -> bool:
    """Return whether so typical an image is unlike all the images that a model was trained on."""
    return typicality < UNLIKE_BELOW


@one_blas_thread
def learn_typicality(
    images: Bytes,
    rows: Bytes,
    scores: Scores,
    transform: Callable[[Bytes], Bytes] | None,
) -> Typicality | None:
    """Learn what some training images are like: two in three of them, the others are the measure.

    Their features are the rows, which ``scores`` turns into the model's scores; ``transform`` turns
    images into features where those were learned. Returns None for fewer than `LEAST_IMAGES`.
    """
    if len(images) < LEAST_IMAGES:
        return None
    is_measure = np.arange(len(images)) % 3 == 2
    known, held = images[~is_measure], rows[is_measure]
    measure = Seen(stroke_directions(images[is_measure]), held, _outputs(scores(held)))
    strokes, pairs, strangeness = stroke_directions(known), None, None
    if transform:
        one, known = rows[~is_measure], known[: _N_STRANGE // rows.shape[1] ** 2]
        pieced = transform(pieced_together(known[:_N_PIECED]))
        oddness = _separating(one[: len(pieced)], pieced)
        copies = [transform(_copied(known, k + 1)) for k in range(_N_COPIES)]
        one = np.concatenate([one[: len(known)], *copies])
        strange = np.concatenate([pieced, transform(_copied(signs(len(known)), 1))])
        strangeness = strangeness_weights(one, strange, measure, scores)
        stacked = side_by_side(known[:_N_STACKED].swapaxes(1, 2)).swapaxes(1, 2)
        two = [*map(transform, (side_by_side(known), stacked))]
        pairs = pairedness_weights(one[::3], two, held)
    else:
        odd = stroke_directions(pieced_together(known[::2]))
        oddness = _separating(_curved(strokes), _curved(odd))
    levels = np.zeros(0, np.float32)
    learned = Typicality(*prototypes(strokes), levels, oddness, pairs, strangeness)
    return learned.with_levels(measure)


def prototypes(strokes: Float32s) -> tuple[Bytes, Bytes]:
    """Return the means and the standard deviations of prototypes of images with such strokes.

    Both have shape (n_prototypes, N_TYPICAL).
    """
    n = min(MAX_PROTOTYPES, -(-len(strokes) // IMAGES_PER_PROTOTYPE))
    means = strokes[np.linspace(0, len(strokes) - 1, n).astype(np.intp)]
    for _ in range(_N_ROUNDS):
        nearest = (strokes @ means.T - (means * means).sum(axis=1) / 2).argmax(axis=1)
        groups = [strokes[nearest == k] for k in range(n)]
        means = np.stack(
            [g.mean(axis=0) if len(g) else m for g, m in zip(groups, means, strict=True)]
        )
    squares = [((g - m) ** 2).sum(axis=0) for g, m in zip(groups, means, strict=True)]
    usual = np.sum(squares, axis=0) / len(strokes)
    least = _LEAST_VARIANCE * usual.mean()
    sizes = np.array([len(g) for g in groups])[:, None]
    variances = (squares + _PRIOR_IMAGES * (usual + least)) / (sizes + _PRIOR_IMAGES)
    spreads = np.clip(np.round(np.sqrt(np.maximum(variances, least))), 1, 255)
    return np.round(means).astype(np.uint8), spreads.astype(np.uint8)


def distance_of(seen: Seen, means: Bytes, spreads: Bytes) -> Floats:
    """Measure how far the directions of strokes are from the nearest of some prototypes, (n,).

    Every direction at every point has a mean and a spread (a Gaussian mixture, by k-means). They
    tell characters from other drawings better than pixels do (Liu, Sako and Fujisawa, Performance
    evaluation of pattern classifiers for handwritten character recognition, 2002).
    """
    strokes, middles = seen.directions.astype(np.float64), means.astype(np.float64)
    deviations = spreads.astype(np.float64)
    weights = 1 / deviations**2
    constant = (middles**2 * weights + 2 * np.log(deviations)).sum(axis=1)
    distances = strokes**2 @ weights.T - 2 * strokes @ (middles * weights).T + constant
    return np.asarray(distances.min(axis=1))


def stroke_directions(images: Bytes) -> Float32s:
    """Return how much ink begins in each direction near each point, (n, N_TYPICAL), 0 to 255."""
    smooth = np.eye(IMAGE_SIDE) / 2 + (np.eye(IMAGE_SIDE, k=1) + np.eye(IMAGE_SIDE, k=-1)) / 4
    slope = (np.eye(IMAGE_SIDE, k=1) - np.eye(IMAGE_SIDE, k=-1)) @ smooth
    smooth, slope = smooth.astype(np.float32), slope.astype(np.float32)
    margin = 0.75 * _REACH - 0.5
    at = np.linspace(margin, IMAGE_SIDE - 1 - margin, N_SPOTS)[:, None]
    near = np.maximum(1 - np.abs(at - np.arange(IMAGE_SIDE)) / _REACH, 0)
    near = (near / near.sum(axis=1, keepdims=True)).astype(np.float32)
    out = np.empty((len(images), N_WAYS, N_SPOTS, N_SPOTS), dtype=np.float32)
    slope_too, near_too = slope.T.copy(), near.T.copy()  # smooth is symmetric
    half = np.float32(np.sqrt(0.5))

    def look(block: slice) -> None:
        ink = normalised(images[block]) / np.float32(255)
        # The same rows of all images are one row: few large products are quicker than many small.
        rows = ink.swapaxes(0, 1).reshape(IMAGE_SIDE, -1)
        across = ((smooth @ rows).reshape(-1, IMAGE_SIDE) @ slope_too).reshape(rows.shape)
        down = ((slope @ rows).reshape(-1, IMAGE_SIDE) @ smooth).reshape(rows.shape)
        x, y = half * across, half * down
        ways = np.empty((N_WAYS, *rows.shape), dtype=np.float32)
        for k, (one, other) in enumerate([(across, down), (x + y, y - x)]):
            for j, along, aside in ((k, one, np.abs(other)), (k + 2, other, np.abs(one))):
                np.subtract(along, aside, out=ways[j])
                np.subtract(-aside, along, out=ways[j + N_WAYS // 2])
        np.maximum(ways, np.zeros_like(rows), out=ways)  # quicker than a number
        spots = (near @ ways).reshape(-1, IMAGE_SIDE) @ near_too
        out[block] = spots.reshape(N_WAYS, N_SPOTS, -1, N_SPOTS).transpose(2, 0, 1, 3)

    map_blocks(look, len(images), IMAGES_PER_BLOCK)
    strokes = np.sqrt(out.reshape(len(images), N_TYPICAL)) * np.float32(255 / _FULL_STROKE)
    return strokes.clip(0, 255)


def oddness_of(seen: Seen, weights: Float32s) -> Floats:
    """Measure what tells training images from what can be pieced together from them, (n,).

    It is linear in the model's features where those were learned, else in directions and squares.
    """
    is_learned = seen.rows.shape[1] == len(weights)
    columns = seen.rows.astype(np.float32) if is_learned else _curved(seen.directions)
    return np.asarray(columns @ weights)


def _curved(strokes: Float32s) -> Float32s:
    """Return what a quadratic function of strokes, without products, is linear in, twice as many."""
    from_middle = strokes - np.float32(_MIDDLING)
    return np.concatenate([from_middle, from_middle**2 / np.float32(_MIDDLING / 2)], axis=1)


def doubt_of(seen: Seen) -> Floats:
    """Measure how small the model's scores are, (n,).

    Liu, Wang, Owens and Li, Energy-based out-of-distribution detection, 2020.
    """
    return np.asarray(-np.logaddexp.reduce(seen.outputs, axis=1))


def strangeness_weights(rows: Bytes, strange: Bytes, measure: Seen, scores: Scores) -> Floats:
    """Learn what tells digits from what is strange, of each answer, (n_classes, n_features + 1)."""
    answers, odd = (_outputs(scores(each)).argmax(axis=1) for each in (rows, strange))
    weights = np.zeros((measure.outputs.shape[1], rows.shape[1] + 1), dtype=np.float32)
    for k in np.bincount(answers).nonzero()[0]:
        same = rows[answers == k], strange[odd == k]
        weights[k, :-1] = _separating(*same, _N_CAREFUL_STEPS, _STRANGE_SHARE)
    found, kinds = strangeness_of(measure, weights), measure.outputs.argmax(axis=1)
    # What is known of few images is mixed with what is known of all.
    n = np.bincount(kinds, minlength=len(weights)) + _PRIOR_IMAGES

    def mean_of_kinds(values: Floats) -> Float64s:
        sums = np.bincount(kinds, weights=values, minlength=len(weights))
        return np.asarray((sums + _PRIOR_IMAGES * values.mean()) / n)

    usual = mean_of_kinds(found)
    deviation = _above_rounding(np.sqrt(mean_of_kinds((found - usual[kinds]) ** 2)), usual)
    weights[:, -1] = usual
    weights /= deviation[:, None]
    return weights.astype(np.float16)


def strangeness_of(seen: Seen, weights: Floats) -> Floats:
    """Measure how much images look strange, (n,), in standard deviations among those answered so."""
    values = _linear(seen.rows, weights)
    return np.asarray(values[np.arange(len(values)), seen.outputs.argmax(axis=1)])


def pairedness_weights(rows: Bytes, two: list[Bytes], measure: Bytes) -> Floats:
    """Learn what tells digits from each of two kinds of pairs, (2, n_features + 1)."""
    weights = [_separating(rows, each, _N_CAREFUL_STEPS) for each in two]
    usual = measure.astype(np.float32) @ np.transpose(weights)
    mean = usual.mean(axis=0)
    deviation = _above_rounding(usual.std(axis=0), mean)
    offset = mean + LEAST_PAIRED * deviation
    pairs = np.column_stack([weights, offset]) / deviation[:, None]
    return np.asarray(pairs, dtype=np.float16)


def _separating(
    rows: Bytes | Float32s, odd: Bytes | Float32s, n_steps: int = 20, share: float | None = None
) -> Float32s:
    """Return weights that tell rows from odd ones: least squares by a few conjugate gradients.

    All odd ones together count as much as that share of the rows, or each as one of them.
    """
    X = np.concatenate([rows, odd], dtype=np.float32)
    X /= 255
    counts = np.ones(len(X), dtype=np.float32)
    if share is not None:
        counts[len(rows) :] = share * len(rows) / max(len(odd), 1)
    wanted = np.repeat(np.array([0, 1], dtype=np.float32), [len(rows), len(odd)])
    wanted -= (counts @ wanted) / counts.sum()
    X -= (counts @ X) / counts.sum()
    X *= np.sqrt(counts)[:, None]
    weights = np.zeros(X.shape[1], dtype=np.float32)
    residual = step = (wanted * np.sqrt(counts)) @ X
    for _ in range(n_steps):
        if not residual.any():
            break
        move = X @ step
        size = (residual @ residual) / (move @ move)
        weights += size * step
        rest = residual - size * (move @ X)
        residual, step = rest, rest + (rest @ rest) / (residual @ residual) * step
    return weights


def _linear(rows: NDArray[np.generic], weights: Floats) -> Floats:
    """Return linear functions of features, less the last column of their weights, (n, n_functions)."""
    plain = weights.astype(np.float32)
    return np.asarray(rows.astype(np.float32) @ plain[:, :-1].T - plain[:, -1])


def _outputs(scores: Floats) -> Floats:
    """Return scores of each class, (n, n_classes), of two classes too."""
    return scores if scores.ndim == 2 else np.outer(scores, (-0.5, 0.5))


def _above_rounding(deviations: Floats, means: Floats) -> Floats:
    """Return standard deviations about some means; where all values are alike, rounding is none."""
    return np.maximum(deviations, _LEAST_DEVIATION * (1 + np.abs(means)))


def _copied(images: Bytes, number: int) -> Bytes:
    return deformed(images, np.arange(len(images)), np.full(len(images), number), 0)
