//! Just enough of a protobuf writer to make tiny ONNX models; the field numbers are those of `onnx.proto`.

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

fn bytes(field: u64, value: &[u8]) -> Vec<u8> {
    [varint(field << 3 | 2), varint(value.len() as u64), value.to_vec()].concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    bytes(field, value.as_bytes())
}

/// A float32 input or output.
fn value(name: &str, shape: &[u64]) -> Vec<u8> {
    let dims: Vec<u8> = shape.iter().flat_map(|&dim| bytes(1, &number(1, dim))).collect();
    let tensor = [number(1, 1), bytes(2, &dims)].concat();
    [text(1, name), bytes(2, &bytes(1, &tensor))].concat()
}

pub fn node(op: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|name| text(1, name)).collect();
    bytes(1, &[inputs, text(2, output), text(4, op)].concat())
}

/// A constant: `data_type` 1 is float32, 7 is int64.
fn constant(name: &str, data_type: u64, dims: &[usize], raw: &[u8]) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&dim| number(1, dim as u64)).collect();
    bytes(5, &[dims, number(2, data_type), text(8, name), bytes(9, raw)].concat())
}

pub fn floats(name: &str, values: &[f32]) -> Vec<u8> {
    constant(name, 1, &[values.len()], &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

/// A matrix, row by row.
fn matrix<const N: usize>(name: &str, rows: &[[f32; N]]) -> Vec<u8> {
    let raw: Vec<u8> = rows.as_flattened().iter().flat_map(|v| v.to_le_bytes()).collect();
    constant(name, 1, &[rows.len(), N], &raw)
}

pub fn integers(name: &str, values: &[i64]) -> Vec<u8> {
    constant(name, 7, &[values.len()], &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>())
}

/// A model from `pixels` to the outputs, of opset 13; `parts` are nodes and constants.
pub fn model(input: &[u64], outputs: &[(&str, &[u64])], parts: &[Vec<u8>]) -> Vec<u8> {
    let outputs: Vec<u8> = outputs.iter().flat_map(|(name, shape)| bytes(12, &value(name, shape))).collect();
    let graph = [parts.concat(), text(2, "test"), bytes(11, &value("pixels", input)), outputs].concat();
    let opset = [text(1, ""), number(2, 13)].concat();
    [number(1, 8), bytes(7, &graph), bytes(8, &opset)].concat()
}

/// The softmax of the pixel's three channels times `gain`. A gain of 1e38 overflows on all but the darkest pixels, so
/// that the model says NaN.
pub fn softmax_of_a_pixel(gain: f32) -> Vec<u8> {
    let parts = [
        node("Flatten", &["pixels"], "flat"),
        floats("gain", &[gain]),
        node("Mul", &["flat", "gain"], "logits"),
        node("Softmax", &["logits"], "scores"),
    ];
    model(&[1, 1, 1, 3], &[("scores", &[1, 3])], &parts)
}

/// A detector that is shown two by two pixels, channel by channel, and has a box for each: how much of a colour is in a
/// quarter of the picture's corners.
pub fn boxes_of_corners() -> Vec<u8> {
    // Of a quarter its middle and its size, and then its red, green and blue.
    let mut shares = [[0.0; 3]; 7];
    for channel in 0..3 {
        shares[4 + channel][channel] = 1.0 / 255.0;
    }
    let mut places = [[0.0; 4]; 7];
    places[0] = [0.5, 1.5, 0.5, 1.5];
    places[1] = [0.5, 0.5, 1.5, 1.5];
    (places[2], places[3]) = ([1.0; 4], [1.0; 4]);
    let parts = [
        integers("shape", &[1, 3, 4]),
        node("Reshape", &["pixels", "shape"], "channels"),
        matrix("shares", &shares),
        node("MatMul", &["shares", "channels"], "amounts"),
        matrix("places", &places),
        node("Add", &["amounts", "places"], "boxes"),
    ];
    model(&[1, 3, 2, 2], &[("boxes", &[1, 7, 4])], &parts)
}
