"""What features are, and how those of a model are written down. Imports no NumPy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from mnistcli.display import Displayed
from mnistcli.errors import UsageError
from mnistcli.mnist import N_PIXELS
from mnistcli.parallel import map_blocks, one_blas_thread
from mnistcli.ranges import Checked, check_choice

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s

    Learned = dict[str, Float32s]

# What `typicality` looks at: strokes in so many directions, at points across and down.
N_WAYS, N_SPOTS = 8, 6
N_TYPICAL = N_WAYS * N_SPOTS**2

# Across and down, near each of which features tell what an image is like; arrangements are wider
# than patches, and so need fewer.
N_POINTS, CODE_POINTS = 6, 4
N_AXES = 50  # principal directions of arrangements that count

# Settings that no stage has for itself; a card names those that are not the usual ones.
OF_EVERY_KIND = "n_copies", "displacement", "whitening"

# Of images that go through several stages: what a thread works on at a time.
_IMAGES_PER_BLOCK = 128

# The class of each kind by its name, and of each stage that may follow one; filled where all of
# them are known, in the package.
FEATURE_KINDS: dict[str, type[Stage]] = {}
FURTHER_STAGES: dict[str, type[Stage]] = {}


def without_views(settings: dict[str, Any]) -> dict[str, Any]:
    """Return stored settings without ``n_views`` if it is 1, as all patches are seen since 0.2.0."""
    return {name: value for name, value in settings.items() if (name, value) != ("n_views", 1)}


@dataclass(frozen=True, slots=True)
class FeatureSpec(Checked):
    """What a model looks at: a kind of features, and deformed copies to train on as well.

    A kind is a chain of stages with a "+" between them: "patches", "patches+expansion". A further
    stage is given what comes before it; a stage that is none begins a chain anew, and a model looks
    at what all chains yield: "patches+expansion+scattering+expansion". Patches have odd sides in
    pixels, and so many filters for each. Arrangements have codes. Each expansion has principal
    directions, whitened more or less, and ramps and squares of random mixtures of them.
    """

    kind: str = "pixels"
    sides: tuple[int, ...] = ()
    n_filters: int = 0
    n_codes: int = 0
    n_copies: int = 0
    displacement: float = 1.0  # of the copies, see `copies`
    n_directions: int = 0
    whitening: float = 0.25  # of the directions, see `projection.principal_directions`
    n_relus: int = 0
    n_squares: int = 0

    def _check(self) -> None:
        first, *others = str(self.kind).split("+")
        check_choice("features", first, tuple(FEATURE_KINDS))
        for name in others:
            check_choice("further features", name, (*FURTHER_STAGES, *FEATURE_KINDS))
        firsts = [chain[0] for chain in self.chains]
        if any(len(set(names)) != len(names) for names in (firsts, *self.chains)):
            raise UsageError(f"{self.kind} has a stage twice", hint="leave one away")
        own = {"kind", *OF_EVERY_KIND, *self.settings()}
        for each in fields(self):
            if each.name not in own and (value := getattr(self, each.name)) != each.default:
                raise UsageError(f"{self.kind} have no {each.name}, which is {value} here")
        for _, stage in self.stages():
            stage.check()

    @classmethod
    def of(cls, kind: str) -> FeatureSpec:
        """Return what is meant where only a kind is named."""
        return cls(kind, **_defaults(kind))

    @staticmethod
    def kinds() -> list[str]:
        """Return the names of all kinds, and of each with a further stage."""
        return [*FEATURE_KINDS, *(f"{a}+{b}" for a in FEATURE_KINDS for b in FURTHER_STAGES)]

    def settings(self) -> dict[str, Any]:
        """Return the settings that the stages have."""
        return {name: getattr(self, name) for name in _defaults(self.kind)}

    @property
    def chains(self) -> list[list[str]]:
        """The names of the stages, chain by chain; the first of each is given images."""
        chains: list[list[str]] = []
        for name in self.kind.split("+"):
            if chains and name in FURTHER_STAGES:
                chains[-1].append(name)
            else:
                chains.append([name])
        return chains

    def stages(self) -> Iterator[tuple[str, Stage]]:
        """Yield the name of its chain and each stage, which has learned nothing yet."""
        for chain in self.chains:
            n_columns = N_PIXELS
            for name in chain:
                yield chain[0], (stage := _stage(name)(self, n_columns))
                n_columns = stage.count()

    @property
    def has_pixel_weights(self) -> bool:
        """Whether a model has a weight for each pixel, of an image as it is or straightened."""
        return len(self.chains) == 1 and _stage(self.chains[0][-1]).has_pixel_weights

    def count(self) -> int:
        """Return the number of features of an image."""
        last = dict(self.stages())  # of each chain
        return sum(stage.count() for stage in last.values())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what is learned, float32."""
        return {
            self.array_name(chain, name): shape
            for chain, stage in self.stages()
            for name, shape in stage.shapes().items()
        }

    def array_name(self, chain: str, name: str) -> str:
        """Return what an array is called, of several chains also after its own."""
        return f"{chain}.{name}" if len(self.chains) > 1 else name

    def describe(self) -> str:
        """Describe the features in a few words."""
        told: dict[str, str] = {}
        for chain, stage in self.stages():
            told[chain] = stage.describe(told.get(chain, ""))
        return ", and ".join(told.values())


def _stage(name: str) -> type[Stage]:
    return FURTHER_STAGES.get(name) or FEATURE_KINDS.get(name, Stage)


def _defaults(kind: str) -> dict[str, Any]:
    names = kind.split("+")
    return {name: value for each in names for name, value in _stage(each).defaults.items()}


class Stage:
    """A stage of features: what a `FeatureSpec` asks for, and what was learned, arrays by name."""

    # What the stage is, for the help; its settings, and what they are where only it is named.
    summary: ClassVar[str]
    words: ClassVar[str]  # which describe it, where settings say no more
    defaults: ClassVar[dict[str, Any]] = {}
    has_pixel_weights: ClassVar[bool] = True
    n_to_learn_from: ClassVar[int | None] = None  # images, or all

    def __init__(self, spec: FeatureSpec, n_columns: int = N_PIXELS) -> None:
        self.spec, self.n_columns = spec, n_columns  # that it is given
        self.arrays: Learned = {}

    def check(self) -> None:
        """Refuse settings that make no sense together, by a `UsageError`."""

    def learn(self, _given: Bytes, _seed: int, /) -> Learned:
        """Learn from training images of shape (n, 28, 28), or from what the stage before yields."""
        return {}

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of what is learned, float32."""
        return {}

    def count(self) -> int:
        """Return the number of features of an image."""
        return N_PIXELS

    def describe(self, _before: str, /) -> str:
        """Describe the features in a few words, as the stage before it is."""
        return self.words

    def transform(self, given: Bytes) -> Bytes:
        """Turn images, or what the stage before yields, into features of shape (n, n_features)."""
        raise NotImplementedError

    def filters(self) -> tuple[Float32s, ...]:
        """Return patterns that can be drawn, each array of shape (n_filters, side, side)."""
        return ()


class Features(Displayed):
    """What makes features of images: the stages of a `FeatureSpec`, and the arrays that they learned."""

    def __init__(self, spec: FeatureSpec, arrays: Learned) -> None:
        self.spec, self.arrays = spec, arrays
        self.chains: dict[str, list[Stage]] = {}  # by the names of their first stages
        for chain, stage in spec.stages():
            stage.arrays = {name: arrays[spec.array_name(chain, name)] for name in stage.shapes()}
            self.chains.setdefault(chain, []).append(stage)

    def transform(self, images: Bytes) -> Bytes:
        """Turn images of shape (n, 28, 28) into features of shape (n, n_features)."""
        import numpy as np

        parts = [_seen(stages, images) for stages in self.chains.values()]
        return np.concatenate(parts, axis=1) if len(parts) > 1 else parts[0]

    def filters(self) -> tuple[Float32s, ...]:
        """Return patterns that can be drawn, each array of shape (n_filters, side, side)."""
        found: list[Float32s] = []
        for stages in self.chains.values():
            found += next(filter(None, (stage.filters() for stage in stages)), ())
        return tuple(found)

    def _in_words(self) -> str:
        return self.spec.describe()


def restore_features(spec: FeatureSpec, arrays: Learned) -> Features | None:
    """Return the features that have learned these arrays; None for pixels."""
    return Features(spec, arrays) if spec.kind != "pixels" else None


@one_blas_thread
def learn_features(spec: FeatureSpec, images: Bytes, seed: int) -> Features | None:
    """Learn from training images of shape (n, 28, 28), without labels; None for pixels."""
    arrays: dict[str, Float32s] = {}
    before: dict[str, list[Stage]] = {}
    for chain, stage in spec.stages():
        stages = before.setdefault(chain, [])
        stage.arrays = stage.learn(_seen(stages, images[: stage.n_to_learn_from]), seed)
        arrays |= {spec.array_name(chain, name): each for name, each in stage.arrays.items()}
        stages.append(stage)
    return restore_features(spec, arrays)


def _seen(stages: Sequence[Stage], images: Bytes) -> Bytes:
    """Return what stages make of images, one after the other."""
    if len(stages) < 2:
        return stages[0].transform(images) if stages else images
    import numpy as np

    def see(block: slice) -> Bytes:
        seen = images[block]
        for stage in stages:
            seen = stage.transform(seen)
        return seen

    return np.concatenate(map_blocks(see, max(len(images), 1), _IMAGES_PER_BLOCK))


def typicality_shapes(
    spec: FeatureSpec, n_prototypes: int, n_classes: int
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return dtype and shape of the arrays of a `typicality.Typicality`; nothing of no prototypes."""
    if not n_prototypes:
        return {}
    n, is_learned = spec.count(), bool(spec.shapes())
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {
        "usual_levels": ("F32", (14 if is_learned else 12,)),
        "usual_means": ("U8", (n_prototypes, N_TYPICAL)),
        "usual_spreads": ("U8", (n_prototypes, N_TYPICAL)),
        "usual_oddness": ("F32", (n if is_learned else 2 * N_TYPICAL,)),
    }
    if is_learned:
        shapes["usual_pairs"] = "F16", (2, n + 1)
        shapes["usual_strangeness"] = "F16", (n_classes, n + 1)
    return shapes


class Pixels(Stage):
    """The pixels as they are."""

    summary = "the pixels as they are"
    words = "pixels / 255"

    def transform(self, given: Bytes) -> Bytes:
        return given.reshape(-1, N_PIXELS)


class Deskew(Stage):
    """The pixels of straightened images; nothing is learned."""

    summary = "those of straightened digits"
    words = "the pixels of straightened digits / 255"

    def transform(self, given: Bytes) -> Bytes:
        from mnistcli.features.geometry import straightened

        return straightened(given).round().astype("uint8").reshape(-1, N_PIXELS)


FEATURE_KINDS.update(pixels=Pixels, deskew=Deskew)
