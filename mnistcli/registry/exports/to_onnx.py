"""A model as an ONNX graph, from raw pixels to the answer.

pixels          uint8 (n, 28, 28)            0 paper, 255 ink
label           string (n,)                  the name of the most probable class
probabilities   double (n, n_classes)        in the order of the class names
"""

from mnistcli.mnist import IMAGE_SIDE
from mnistcli.registry.exports import Exporter
from mnistcli.registry.model_file import Model

# Neither is the newest: runtimes of the last years read them, and nothing newer is needed.
_OPSET, _IR_VERSION = 17, 8


def encode(model: Model) -> bytes:
    """Return the bytes of an ``.onnx`` file; equal models give equal bytes."""
    import numpy as np
    from onnx import TensorProto, helper

    from mnistcli.registry.exports.onnx_features import Node, add_features

    classifier = model.classifier
    weights, intercept = classifier.coef, classifier.intercept
    if classifier.n_classes == 2:
        # The softmax of (0, score) is the logistic function, so one graph does for all tasks.
        weights = np.concatenate([np.zeros_like(weights), weights])
        intercept = np.concatenate([[0.0], intercept])
    pixels = Node("pixels", [], {})
    rows = add_features(classifier.features, pixels)
    seen = rows.of("Cast", to=TensorProto.DOUBLE, name="features") * np.array(classifier.scale)
    scores = seen.of("Gemm", weights.T, intercept)
    scores.of("Softmax", axis=1, name="probabilities")
    names = np.array(classifier.class_names, dtype=object)
    pixels.add("Gather", names, scores.of("ArgMax", axis=1, keepdims=0), name="label")
    info = helper.make_tensor_value_info
    given = info("pixels", TensorProto.UINT8, ["n", IMAGE_SIDE, IMAGE_SIDE])
    label = info("label", TensorProto.STRING, ["n"])
    shares = info("probabilities", TensorProto.DOUBLE, ["n", classifier.n_classes])
    nodes, constants = pixels.nodes, [*pixels.constants.values()]
    graph = helper.make_graph(nodes, "mnistcli", [given], [label, shares], constants)
    proto = helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
        producer_name="mnistcli",
        producer_version=model.card.versions.get("mnistcli", ""),
        doc_string=f"{model.ref}: logistic regression for {model.card.task.name} on {model.card.dataset}",
    )
    helper.set_model_props(proto, {"card": model.card.to_json()})
    return bytes(proto.SerializeToString(deterministic=True))


EXPORTER = Exporter(
    encode,
    what="a graph from pixels to an answer",
    good_for="other languages, servers, browsers and phones: bytes (n, 28, 28) in, answers out",
    trust="nothing in it runs but a few products and sums; the runtime that reads it has to be sound",
    use="onnxruntime.InferenceSession({file}).run(None, {{'pixels': images}})",
)
