"""A model as a scikit-learn Pipeline in a file that cannot run code."""

from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model

# What makes features is ours; all else are types that skops knows.
_TRUSTED = ["mnistcli.registry.exports.estimator.features_of"]


def encode(model: Model) -> bytes:
    """Return the bytes that ``skops.io.load`` reads; beyond pixels it is told to trust one type."""
    import skops.io

    from mnistcli.registry.exports.estimator import make_estimator

    return bytes(skops.io.dumps(make_estimator(model)))


EXPORTER = Exporter(
    encode,
    what="that Pipeline in a file that runs no code",
    good_for="handing that Pipeline to others, with about the same scikit-learn: pixels 0 to 255",
    trust="loading it builds types that skops knows, and of features one function of mnistcli's",
    use=f"skops.io.load({{file}}, trusted={_TRUSTED}).predict(images.reshape(-1, 784))",
)
