"""Converts nsfwjs's MobileNetV2 (a Keras "layers" model as TensorFlow.js stores it) to ONNX.

    convert.py PACKAGE_FOLDER OUT.onnx

PACKAGE_FOLDER is the unpacked npm package. The source files and the result are checked against the SHA-256 sums in
model.toml beside this script; the same input gives the same bytes. `scripts/setup.sh` calls it.

The layout of the weights (one byte a value, tensors one after another in the order of the manifest, value =
byte * scale + min) is that of TensorFlow.js `io.decodeWeights`. Nothing here runs the package's JavaScript: both files
are one literal in a wrapper, which is read as text.
"""

import base64
import hashlib
import json
import pathlib
import re
import sys
import tomllib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = pathlib.Path(__file__).resolve().parent
OPSET, IR_VERSION = 17, 8  # fixed, so that the bytes stay the same and old runtimes can read them


def main(package: pathlib.Path, out: pathlib.Path) -> None:
    manifest = tomllib.loads((HERE / "model.toml").read_text())
    sources = {}
    for file in manifest["source"]["files"]:
        data = (package / file["path"]).read_bytes()
        check(file["path"], data, file["sha256"])
        sources[pathlib.Path(file["path"]).name] = data.decode()
    description = read_literal(sources["model.min.js"])
    packed = re.search(r'exports="([A-Za-z0-9+/=]+)"', sources["group1-shard1of1.min.js"]).group(1)
    weights = dequantise(description["weightsManifest"][0]["weights"], base64.b64decode(packed, validate=True))

    config = description["modelTopology"]["model_config"]["config"]
    graph = Graph(weights)
    for layer in config["layers"]:
        graph.add(layer)
    model = graph.finish(config["output_layers"][0][0], len(manifest["output"]["labels"]))
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString(deterministic=True)
    check(out.name, data, manifest["sha256"])
    partial = out.with_suffix(".partial")
    partial.write_bytes(data)
    partial.replace(out)


def check(name: str, data: bytes, expected: str) -> None:
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        sys.exit(f"convert.py: {name} has SHA-256 {found}, but model.toml says {expected}")


def read_literal(source: str) -> dict:
    """The object literal after `a.exports=`, from minified JavaScript to JSON: quote the keys, write out the numbers."""
    start = re.search(r"\w\.exports=(?=\{)", source).end()
    text = re.sub(r"([{,])([A-Za-z_]\w*):", r'\1"\2":', source[start:])
    text = text.replace("!0", "true").replace("!1", "false")
    text = re.sub(r"(?<=[:,\[-])\.(?=\d)", "0.", text)
    return json.JSONDecoder().raw_decode(text)[0]


def dequantise(specs: list, data: bytes) -> dict:
    weights, at = {}, 0
    for spec in specs:
        quantised, count = spec["quantization"], int(np.prod(spec["shape"]))
        assert quantised["dtype"] == "uint8" and spec["dtype"] == "float32", spec
        raw = np.frombuffer(data, np.uint8, count, at).astype(np.float64)
        # In double precision and rounded once, as JavaScript does it.
        weights[spec["name"]] = (raw * quantised["scale"] + quantised["min"]).astype(np.float32).reshape(spec["shape"])
        at += count
    assert at == len(data), f"{len(data) - at} bytes of weights are left over"
    return weights


class Graph:
    """Keras layers, channels last, to ONNX nodes, channels first. Only what this model uses; all else is an error."""

    def __init__(self, weights: dict):
        self.weights, self.used = weights, set()
        self.nodes, self.constants, self.value, self.padded = [], [], {}, {}

    def node(self, op: str, inputs: list, name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def weight(self, name: str, transpose=None) -> str:
        self.used.add(name)
        array = self.weights[name]
        return self.constant(name, array if transpose is None else array.transpose(transpose))

    def constant(self, name: str, array) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def add(self, layer: dict) -> None:
        kind, config = layer["class_name"], layer["config"]
        assert config.get("data_format", "channels_last") == "channels_last", layer
        inputs = [self.value[source[0]] for source in layer["inbound_nodes"][0]] if layer["inbound_nodes"] else []
        self.value[config["name"]] = getattr(self, kind)(config["name"], config, *inputs)

    def InputLayer(self, name, c):
        self.size = c["batch_input_shape"][1:3]
        return self.node("Transpose", ["pixels"], name, perm=[0, 3, 1, 2])

    def ZeroPadding2D(self, name, c, x):
        # Becomes a part of the convolution after it: the same numbers, and a fifth of the time of the whole model.
        (top, bottom), (left, right) = c["padding"]
        self.padded[name] = x, [top, left, bottom, right]
        return name

    def Conv2D(self, name, c, x):
        return self.conv(name, c, x, self.weight(name + "/kernel", (3, 2, 0, 1)), 1)

    def DepthwiseConv2D(self, name, c, x):
        assert c["depth_multiplier"] == 1, c
        kernel = self.weight(name + "/depthwise_kernel", (2, 3, 0, 1))
        return self.conv(name, c, x, kernel, self.weights[name + "/depthwise_kernel"].shape[2])

    def conv(self, name, c, x, kernel, group):
        assert not c["use_bias"] and c["activation"] == "linear", c
        x, pads = self.padded.pop(x, (x, None))
        assert pads is None or c["padding"] == "valid", c
        auto = {"same": "SAME_UPPER", "valid": "VALID"}[c["padding"]]
        padding = {"auto_pad": auto} if pads is None else {"pads": pads}
        return self.node("Conv", [x, kernel], name, group=group, kernel_shape=c["kernel_size"],
                         strides=c["strides"], dilations=c["dilation_rate"], **padding)

    def BatchNormalization(self, name, c, x):
        parts = [self.weight(f"{name}/{part}") for part in ("gamma", "beta", "moving_mean", "moving_variance")]
        return self.node("BatchNormalization", [x, *parts], name, epsilon=c["epsilon"])

    def ReLU(self, name, c, x):
        assert not c["negative_slope"] and not c["threshold"], c
        low, high = (self.constant(f"{name}/{end}", np.float32(v)) for end, v in (("low", 0), ("high", c["max_value"])))
        return self.node("Clip", [x, low, high], name)

    def Add(self, name, c, x, y):
        return self.node("Add", [x, y], name)

    def AveragePooling2D(self, name, c, x):
        assert c["padding"] == "valid", c
        return self.node("AveragePool", [x], name, kernel_shape=c["pool_size"], strides=c["strides"])

    def Flatten(self, name, c, x):
        last = self.node("Transpose", [x], name + "/channels_last", perm=[0, 2, 3, 1])
        return self.node("Flatten", [last], name)

    def Dropout(self, name, c, x):
        return x  # trains only

    def Dense(self, name, c, x):
        linear = self.node("Gemm", [x, self.weight(name + "/kernel"), self.weight(name + "/bias")], name + "/linear")
        if c["activation"] == "softmax":
            return self.node("Softmax", [linear], name, axis=1)
        assert c["activation"] == "relu", c
        return self.node("Relu", [linear], name)

    def finish(self, last: str, labels: int) -> onnx.ModelProto:
        assert self.used == set(self.weights), f"unused: {set(self.weights) - self.used}"
        assert not self.padded, f"padding without a convolution: {list(self.padded)}"
        self.node("Identity", [self.value[last]], "scores")
        graph = helper.make_graph(
            self.nodes, "nsfw-mobilenet-v2",
            [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, [1, *self.size, 3])],
            [helper.make_tensor_value_info("scores", TensorProto.FLOAT, [1, labels])],
            self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="lazaret")
        model.ir_version = IR_VERSION
        return model


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
