//! Alone in its process: nothing here has loaded ONNX Runtime.

use lazaret_inspect::ContentModel;

#[test]
fn without_a_runtime_the_model_is_unavailable_and_nothing_hangs() {
    let missing = ContentModel::load().err().expect("no runtime, no model");
    assert_eq!(missing.engine, "inspect");
    assert!(missing.why.contains("scripts/setup.sh"), "{missing}");
}
