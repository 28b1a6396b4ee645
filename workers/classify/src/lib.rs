//! ONNX models, described by manifests.
