"""A model as a scikit-learn Pipeline in a file that cannot run code."""

from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model


def encode(model: Model) -> bytes:
    """Return the bytes that ``skops.io.load`` reads without being told to trust anything."""
    import skops.io

    from mnistcli.registry.exports.estimator import make_estimator

    content: bytes = skops.io.dumps(make_estimator(model))
    return content


EXPORTER = Exporter(
    encode,
    what="that Pipeline in a file that runs no code",
    good_for="handing that Pipeline to others who use scikit-learn, of about the same version",
    trust="loading it builds types that skops knows, and nothing else runs",
    use="skops.io.load({file}).predict(images.reshape(-1, 784))",
)
