"""What features are, and how those of a model are written down. Imports no NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

from mnistcli.errors import UsageError
from mnistcli.mnist import N_PIXELS
from mnistcli.ranges import Checked, check_choice

if TYPE_CHECKING:
    from mnistcli.arrays import Bytes, Float32s

    Learned = Mapping[str, Float32s]

# What `typicality` looks at: strokes in so many directions, at points across and down.
N_DIRECTIONS, N_POINTS = 8, 6
N_STROKES = N_DIRECTIONS * N_POINTS**2

# The class of each kind by its name, and of each stage that may follow one; filled where all of
# them are known, in the package.
FEATURE_KINDS: dict[str, type[Features]] = {}
FURTHER_STAGES: dict[str, type[Features]] = {}


@dataclass(frozen=True, slots=True)
class FeatureSpec(Checked):
    """What a model looks at: a kind of features, and deformed copies to train on as well.

    A kind is a chain of stages with a "+" between them: "patches", "patches+expansion". A further
    stage is given what comes before it; a stage that is none begins a chain anew, and a model looks
    at what all chains yield: "patches+expansion+scattering+expansion". Patches have odd sides in
    pixels, so many filters for each, and a number of views: drawings of every image, a little
    turned and moved, over which they are averaged. Each expansion has principal directions, and
    ramps and squares of random mixtures of them.
    """

    kind: str = "pixels"
    sides: tuple[int, ...] = ()
    n_filters: int = 0
    n_views: int = 1
    n_copies: int = 0
    n_directions: int = 0
    n_relus: int = 0
    n_squares: int = 0

    def _check(self) -> None:
        first, *others = str(self.kind).split("+")
        check_choice("features", first, tuple(FEATURE_KINDS))
        for stage in others:
            check_choice("further features", stage, (*FURTHER_STAGES, *FEATURE_KINDS))
        chains = [kind.split("+") for kind in chains_of(self.kind)]
        firsts = [first for first, *_ in chains]
        if any(len(set(stages)) != len(stages) for stages in (firsts, *chains)):
            raise UsageError(f"{self.kind} has a stage twice")
        own = {"kind", "n_copies", *self.settings()}
        for each in fields(self):
            if each.name not in own and (value := getattr(self, each.name)) != each.default:
                raise UsageError(f"{self.kind} have no {each.name}, which is {value} here")
        self.features.check(self)

    @classmethod
    def of(cls, kind: str) -> FeatureSpec:
        """Return what is meant where only a kind is named."""
        return cls(kind, **_defaults(kind))

    @staticmethod
    def kinds() -> list[str]:
        """Return the names of all kinds, and of each with a further stage."""
        return [*FEATURE_KINDS, *(f"{a}+{b}" for a in FEATURE_KINDS for b in FURTHER_STAGES)]

    @property
    def features(self) -> type[Features]:
        """The class of the kind: `Beside`, or that of the last stage, which knows those before."""
        return _stages(self.kind)[-1] if len(chains_of(self.kind)) == 1 else Beside

    @property
    def before(self) -> FeatureSpec:
        """What a further stage is given."""
        return self.of_kind(self.kind.rpartition("+")[0])

    def of_kind(self, kind: str) -> FeatureSpec:
        """Return a kind that is part of this one, with the settings from here."""
        return FeatureSpec(kind, **{name: getattr(self, name) for name in _defaults(kind)})

    def settings(self) -> dict[str, Any]:
        """Return the settings that the stages have."""
        return {name: getattr(self, name) for name in _defaults(self.kind)}


def chains_of(kind: str) -> list[str]:
    """Return the chains of a kind; each begins with a stage that is given images."""
    chains: list[str] = []
    for stage in kind.split("+"):
        if chains and stage in FURTHER_STAGES:
            chains[-1] += f"+{stage}"
        else:
            chains.append(stage)
    return chains


def _stages(kind: str) -> list[type[Features]]:
    known = {**FEATURE_KINDS, **FURTHER_STAGES}
    return [known.get(name, Features) for name in kind.split("+")]


def _defaults(kind: str) -> dict[str, Any]:
    return {name: value for stage in _stages(kind) for name, value in stage.defaults.items()}


class Features:
    """A kind of features; an instance holds what was learned from training images."""

    # What the kind is, for the help; its settings, and what they are where only it is named.
    summary: ClassVar[str]
    defaults: ClassVar[dict[str, Any]] = {}
    # Whether a model has a weight for each pixel, of an image as it is or straightened.
    has_pixel_weights: ClassVar[bool] = True

    @classmethod
    def check(cls, _spec: FeatureSpec, /) -> None:
        """Refuse settings that make no sense together, by a `UsageError`."""

    @classmethod
    def learn(cls, spec: FeatureSpec, _images: Bytes, _seed: int, /) -> Features | None:
        """Learn from training images of shape (n, 28, 28), without labels; None for pixels."""
        return cls.from_arrays(spec, {})

    @classmethod
    def from_arrays(cls, _spec: FeatureSpec, _arrays: Learned, /) -> Features | None:
        """Return what was learned before, from its `arrays`; None for pixels."""
        return cls()

    @classmethod
    def shapes(cls, _spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the `arrays`, which are float32."""
        return {}

    @classmethod
    def count(cls, _spec: FeatureSpec, /) -> int:
        """Return the number of features of an image."""
        return N_PIXELS

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        """Describe the features in a few words."""
        raise NotImplementedError

    def transform(self, images: Bytes) -> Bytes:
        """Turn images of shape (n, 28, 28) into features of shape (n, n_features)."""
        raise NotImplementedError

    def arrays(self) -> dict[str, Float32s]:
        """Return what was learned, by name."""
        return {}

    def filters(self) -> tuple[Float32s, ...]:
        """Return patterns that can be drawn, each array of shape (n_filters, side, side)."""
        return ()


class Beside(Features):
    """What several chains of stages make of an image, one after the other.

    An array of a chain is called by the name of its first stage, a point, and its own name.
    """

    has_pixel_weights = False

    def __init__(self, parts: Mapping[str, Features | None]) -> None:
        self.parts = parts  # by the names of the first stages

    @staticmethod
    def chains(spec: FeatureSpec, /) -> dict[str, FeatureSpec]:
        """Return the chains by the names of their first stages."""
        kinds = chains_of(spec.kind)
        return {kind.partition("+")[0]: spec.of_kind(kind) for kind in kinds}

    @classmethod
    def check(cls, spec: FeatureSpec, /) -> None:
        cls.chains(spec)  # each of which is checked when it is made

    @classmethod
    def learn(cls, spec: FeatureSpec, images: Bytes, seed: int, /) -> Beside:
        chains = cls.chains(spec).items()
        return cls({name: chain.features.learn(chain, images, seed) for name, chain in chains})

    @classmethod
    def from_arrays(cls, spec: FeatureSpec, arrays: Learned, /) -> Beside:
        parts = {}
        for name, chain in cls.chains(spec).items():
            own = {each: arrays[f"{name}.{each}"] for each in chain.features.shapes(chain)}
            parts[name] = chain.features.from_arrays(chain, own)
        return cls(parts)

    @classmethod
    def shapes(cls, spec: FeatureSpec, /) -> dict[str, tuple[int, ...]]:
        return {
            f"{name}.{each}": shape
            for name, chain in cls.chains(spec).items()
            for each, shape in chain.features.shapes(chain).items()
        }

    @classmethod
    def count(cls, spec: FeatureSpec, /) -> int:
        return sum(chain.features.count(chain) for chain in cls.chains(spec).values())

    @classmethod
    def describe(cls, spec: FeatureSpec, /) -> str:
        chains = cls.chains(spec).values()
        return ", and ".join(chain.features.describe(chain) for chain in chains)

    def transform(self, images: Bytes) -> Bytes:
        import numpy as np

        return np.concatenate([seen_by(each, images) for each in self.parts.values()], axis=1)

    def arrays(self) -> dict[str, Float32s]:
        return {
            f"{name}.{each}": array
            for name, part in self.parts.items()
            if part
            for each, array in part.arrays().items()
        }

    def filters(self) -> tuple[Float32s, ...]:
        return tuple(each for part in self.parts.values() if part for each in part.filters())


def seen_by(features: Features | None, images: Bytes) -> Bytes:
    """Return the features of images of shape (n, 28, 28), or their pixels, (n, n_features)."""
    return features.transform(images) if features else images.reshape(len(images), -1)


def typicality_shapes(
    spec: FeatureSpec, n_prototypes: int, n_classes: int, *, knows_pairs: bool
) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return dtype and shape of the arrays of a `typicality.Typicality`; nothing of no prototypes."""
    if not n_prototypes:
        return {}
    strokes = "U8", (n_prototypes, N_STROKES)
    n = spec.features.count(spec)
    n_columns = n if spec.features.shapes(spec) else 2 * N_STROKES
    learned = {"usual_pairs": ("F32", (n + 1,)), "usual_strangeness": ("F16", (n_classes, n + 1))}
    return {
        "usual_levels": ("F32", (12,)),
        "usual_means": strokes,
        "usual_spreads": strokes,
        "usual_oddness": ("F32", (n_columns,)),
    } | (learned if knows_pairs else {})


class Pixels(Features):
    """The pixels as they are."""

    summary = "the pixels as they are"

    @classmethod
    def from_arrays(cls, _spec: FeatureSpec, _arrays: Learned, /) -> None:
        """Return None: nothing has to be done."""

    @classmethod
    def describe(cls, _spec: FeatureSpec, /) -> str:
        return "pixels / 255"


class Deskew(Features):
    """The pixels of straightened images; nothing is learned."""

    summary = "those of straightened digits"

    @classmethod
    def describe(cls, _spec: FeatureSpec, /) -> str:
        return "the pixels of straightened digits / 255"

    def transform(self, images: Bytes) -> Bytes:
        from mnistcli.features.geometry import straightened

        return straightened(images).round().astype("uint8").reshape(len(images), -1)


FEATURE_KINDS.update(pixels=Pixels, deskew=Deskew)
