"""Features as nodes of an ONNX graph: what `features` computes, in float32 as there."""

from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from onnx import NodeProto, TensorProto, helper, numpy_helper

from mnistcli.errors import UsageError
from mnistcli.features import Features, FeatureSpec, Stage, codebook, likeness, wavelets
from mnistcli.features.expansion import Expansion
from mnistcli.features.geometry import upright, upright_and_sized
from mnistcli.features.kinds import N_POINTS, Deskew, Pixels
from mnistcli.features.measured import Arrangements, Measured, Patches, Scattering
from mnistcli.mnist import IMAGE_SHAPE, IMAGE_SIDE, N_PIXELS

# Others are called by the first three letters of NumPy's names.
_NAMES = {"matmul": "MatMul", "sqrt": "Sqrt", "floor": "Floor"}


class Node(NDArrayOperatorsMixin):
    """What a node of a graph yields, in the place of an array: calculating with it adds nodes.

    Constants are found by their content.
    """

    def __init__(
        self, name: str, nodes: list[NodeProto], constants: dict[bytes, TensorProto]
    ) -> None:
        self.name, self.nodes, self.constants = name, nodes, constants

    def add(self, op: str, *inputs: Any, name: str = "", **attributes: Any) -> Any:
        """Add a node to the graph and return it; numbers and arrays become constants."""
        name = name or f"{op}_{len(self.nodes)}"
        names = [each.name if isinstance(each, Node) else self._constant(each) for each in inputs]
        self.nodes.append(helper.make_node(op, names, [name], **attributes))
        return Node(name, self.nodes, self.constants)

    def of(self, op: str, *more: Any, **attributes: Any) -> Any:
        """Return what an operator of ONNX makes of it."""
        return self.add(op, self, *more, **attributes)

    def _constant(self, value: Any) -> str:
        array = np.array(value, np.float32 if isinstance(value, (int, float)) else None, order="C")
        tensor = numpy_helper.from_array(array)
        # Chains have many in common.
        known = self.constants.setdefault(tensor.SerializeToString(), tensor)
        known.name = known.name or f"constant_{len(self.constants) - 1}"
        return str(known.name)

    def __array_ufunc__(self, ufunc: np.ufunc, _method: str, *inputs: Any) -> Any:
        return self.add(_NAMES.get(ufunc.__name__, ufunc.__name__[:3].title()), *inputs)

    def __getitem__(self, places: tuple[slice | None, ...]) -> Any:
        """Return it with new axes where an index is None."""
        return self.of("Unsqueeze", np.flatnonzero([each is None for each in places]))

    def sum(self, axis: int) -> Any:  # noqa: D102 - as of arrays
        return self.of("ReduceSum", np.array([axis]), keepdims=0)

    def clip(self, low: float, high: float, **_: None) -> Any:  # noqa: D102
        return self.of("Max", low).of("Min", high)

    def reshape(self, *shape: int) -> Any:  # noqa: D102 - 0 is what it was
        return self.of("Reshape", np.array(shape))


def add_features(features: Features | None, pixels: Any) -> Any:
    """Add what turns pixels, uint8 (n, 28, 28), into features: whole numbers as float32, (n, k)."""
    ink = pixels.of("Cast", to=TensorProto.FLOAT)
    seen = []
    for stages in features.chains.values() if features else [[Pixels(FeatureSpec())]]:
        seen.append(ink)
        for stage in stages:
            seen[-1] = _add_stage(stage, seen[-1])
    return seen[0].of("Concat", *seen[1:], axis=1) if len(seen) > 1 else seen[0]


def _add_stage(stage: Stage, given: Any) -> Any:
    if isinstance(stage, Expansion):
        (mixture, offset), n_relus = stage.functions, stage.spec.n_relus
        z = given @ stage.arrays["directions"].T - stage.arrays["shift"]
        ramps = (z @ mixture[:, :n_relus] + offset).of("Max", 0)
        roots = z @ mixture[:, n_relus:]
        return _as_bytes(ramps.of("Concat", roots * roots, axis=1))
    if isinstance(stage, Measured):
        ink = _sampled(given, *upright_and_sized(given)) / 255
        if isinstance(stage, Patches):
            return _as_bytes(_likeness(stage, ink) * stage.arrays["factors"])
        if isinstance(stage, (Scattering, Arrangements)):
            near = _scattered(ink) if isinstance(stage, Scattering) else _arranged(stage, ink)
            return _as_bytes(np.sqrt(near) * stage.arrays["factors"])
    if isinstance(stage, Deskew):
        return _sampled(given, *upright(given)).of("Round").of("Flatten")
    if isinstance(stage, Pixels):
        return given.of("Flatten")
    raise UsageError(f"onnx has no graph for features of the class {type(stage).__name__}")


def _as_bytes(numbers: Any) -> Any:
    return np.floor(np.minimum(numbers, 255) + 0.5)


def _sampled(ink: Any, x: Any, y: Any) -> Any:
    """See `geometry.sampled`."""
    width = IMAGE_SIDE + 3
    wide = ink.of("Pad", np.array([0, 1, 1, 0, 2, 2])).reshape(0, width**2)
    x, y = x.clip(-1, IMAGE_SIDE) + 1, y.clip(-1, IMAGE_SIDE) + 1
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = x - left, y - top
    first = (top * width + left).of("Cast", to=TensorProto.INT64).reshape(0, N_PIXELS)
    a, b, c, d = (
        wide.of("GatherElements", first + np.array(step), axis=1).reshape(0, *IMAGE_SHAPE)
        for step in (0, 1, width, width + 1)
    )
    upper, lower = a * (1 - right_share) + b * right_share, c * (1 - right_share) + d * right_share
    return upper * (1 - low_share) + lower * low_share


def _likeness(features: Patches, ink: Any) -> Any:
    """See `likeness.measure`; here filters come before places, and sums of sums are one product."""
    squares = np.kron(likeness.squares(), likeness.squares()).T
    points = np.kron(likeness.points(), likeness.points()).T
    parts = []
    for filters in features.filters():
        n_filters, side, _ = filters.shape
        contrast = likeness.contrasts(ink, side)[:, None]
        products = ink[:, None].of(
            "Conv", filters[:, None], strides=[likeness.STRIDE] * 2, pads=[side // 2] * 4
        )
        found = np.maximum(products / contrast - likeness.THRESHOLD, 0)
        found = np.sqrt(found.reshape(0, n_filters, len(squares)) @ squares) @ points
        parts.append(found.of("Transpose", perm=[0, 2, 1]).of("Flatten"))
    return parts[0].of("Concat", *parts[1:], axis=1)


def _scattered(ink: Any) -> Any:
    """See `wavelets.measure`; the maps of all images come one after the other."""
    frames, n_scales = _framed(ink), wavelets.N_SCALES
    averages = [_near_points(frames, wavelets.FRAME, 1)]
    spectra, n_maps = _fourier(frames, wavelets.FRAME), wavelets.N_DIRECTIONS
    for scale in range(n_scales):
        side = wavelets.FRAME >> scale
        strokes = _moduli(spectra, scale, wavelets.FRAME)
        averages.append(_near_points(strokes, side, n_maps))
        changes = _fourier(strokes, side)
        for wider in range(scale + 1, n_scales):
            maps = _moduli(changes, wider, side)
            averages.append(_near_points(maps, wavelets.FRAME >> wider, n_maps**2))
    return averages[0].of("Concat", *averages[1:], axis=1)


def _arranged(stage: Arrangements, ink: Any) -> Any:
    """See `codebook.measure`; here the codes come before the places."""
    axes, middle, codes = stage.patterns
    spectra, n = _fourier(_framed(ink), wavelets.FRAME), wavelets.N_DIRECTIONS
    fine, wider = (
        _moduli(spectra, scale, wavelets.FRAME).reshape(-1, n, side, side)
        for scale, side in enumerate((wavelets.FRAME, wavelets.FRAME // 2))
    )
    fine = fine.of("AveragePool", kernel_shape=[2, 2], strides=[2, 2])
    strokes = np.sqrt(fine.of("Concat", wider, axis=1))
    along = strokes.of("Conv", axes.reshape(len(axes), 2 * n, codebook.N_PLACES, -1))
    along = along - middle[:, None, None]
    lengths = np.sqrt((along * along).sum(axis=1)[:, None] + codebook.PAPER)
    alike = (along / lengths).of("Conv", codes[:, :, None, None]) - codebook.THRESHOLD
    points = np.kron(*[codebook.near_places()] * 2).T
    near = np.maximum(alike, 0).reshape(0, len(codes), len(points)) @ points
    return near.of("Transpose", perm=[0, 2, 1]).of("Flatten")


def _framed(ink: Any) -> Any:
    return ink.of("Pad", np.array([0, wavelets.MARGIN, wavelets.MARGIN] * 2))


def _fourier(maps: Any, side: int) -> Any:
    columns = maps.reshape(-1, side, side, 1).of("DFT", axis=1)
    return columns.of("DFT", axis=2).reshape(-1, side**2, 2)


def _moduli(spectra: Any, scale: int, side: int) -> Any:
    places, filters = wavelets.wavelets(scale, side)
    n = filters.shape[1]
    windows = spectra.of("Gather", places, axis=1) * filters.reshape(-1, 1)
    maps = windows.reshape(-1, n, n, 2).of("DFT", axis=1, inverse=1).of("DFT", axis=2, inverse=1)
    return np.sqrt((maps * maps).sum(axis=3))


def _near_points(maps: Any, side: int, n_maps: int) -> Any:
    weights = wavelets.near_points(side, N_POINTS)
    return (weights @ maps @ weights.T).reshape(-1, n_maps * len(weights) ** 2)
