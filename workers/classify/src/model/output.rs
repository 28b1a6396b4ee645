//! A model's answer to one score a label. Whatever is not a sound answer is an error.

use crate::manifest::{Output, OutputKind};
use lazaret_report::Why;

/// How far from 1 the probabilities may sum, and how far outside of 0 to 1 rounding may carry one.
const SUM_TOLERANCE: f32 = 1e-3;
const ROUNDING: f32 = 1e-4;

pub(super) fn scores(output: &Output, shape: &[i64], values: &[f32]) -> Result<Vec<f32>, Why> {
    match output.kind {
        OutputKind::Softmax => softmax(output.labels.len(), shape, values),
        OutputKind::Detection => detection(output.labels.len(), shape, values),
    }
}

fn softmax(labels: usize, shape: &[i64], values: &[f32]) -> Result<Vec<f32>, Why> {
    if shape != [1, labels as i64] || values.len() != labels {
        return Err(wrong(format!("its shape is {shape:?} instead of [1, {labels}]")));
    }
    let scores = values.iter().map(|&value| probability(value)).collect::<Result<Vec<_>, _>>()?;
    let sum: f32 = scores.iter().sum();
    if (sum - 1.0).abs() > SUM_TOLERANCE {
        return Err(wrong(format!("the probabilities sum to {sum} instead of 1")));
    }
    Ok(scores)
}

/// The layout is that of a YOLOv8 export: a column a box, in the rows `x, y, width, height` and then the labels.
fn detection(labels: usize, shape: &[i64], values: &[f32]) -> Result<Vec<f32>, Why> {
    let rows = labels + 4;
    let (boxes, by_row) = match *shape {
        [1, r, n] if r == rows as i64 && n > 0 => (n as usize, true),
        [1, n, r] if r == rows as i64 && n > 0 => (n as usize, false),
        _ => return Err(wrong(format!("its shape is {shape:?} instead of [1, {rows}, boxes]"))),
    };
    if values.len() != rows * boxes {
        return Err(wrong(format!("it has {} values instead of {}", values.len(), rows * boxes)));
    }
    if !values.iter().all(|value| value.is_finite()) {
        return Err(wrong("a value is not finite"));
    }
    let at = |row: usize, index: usize| {
        if by_row { values[row * boxes + index] } else { values[index * rows + row] }
    };
    (4..rows)
        .map(|row| {
            (0..boxes).try_fold(0.0f32, |highest, index| Ok(highest.max(probability(at(row, index))?)))
        })
        .collect()
}

fn probability(value: f32) -> Result<f32, Why> {
    // NaN is in no range.
    if !(-ROUNDING..=1.0 + ROUNDING).contains(&value) {
        return Err(wrong(format!("{value} is not a probability")));
    }
    Ok(value.clamp(0.0, 1.0))
}

fn wrong(detail: impl Into<String>) -> Why {
    Why::new("model.output", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output(kind: OutputKind, labels: &[&str]) -> Output {
        Output { kind, name: None, labels: labels.iter().map(|label| (*label).to_owned()).collect() }
    }

    #[test]
    fn softmax_answers() {
        let two = output(OutputKind::Softmax, &["a", "b"]);
        assert_eq!(scores(&two, &[1, 2], &[0.25, 0.75]).unwrap(), [0.25, 0.75]);
        assert_eq!(scores(&two, &[1, 2], &[-0.000_05, 1.000_05]).unwrap(), [0.0, 1.0]);
        let bad: [(&[i64], &[f32]); 10] = [
            (&[1, 2], &[f32::NAN, 1.0]),
            (&[1, 2], &[f32::NAN, f32::NAN]),
            (&[1, 2], &[f32::INFINITY, 0.0]),
            (&[1, 2], &[f32::NEG_INFINITY, 1.0]),
            (&[1, 2], &[0.0, 0.0]),
            (&[1, 2], &[0.6, 0.6]),
            (&[1, 2], &[-1.0, 2.0]),
            (&[1, 3], &[0.2, 0.3, 0.5]),
            (&[2, 1], &[0.5, 0.5]),
            (&[2], &[0.5, 0.5]),
        ];
        for (shape, values) in bad {
            assert_eq!(scores(&two, shape, values).unwrap_err().code, "model.output", "{shape:?} {values:?}");
        }
    }

    #[test]
    fn detection_answers() {
        let two = output(OutputKind::Detection, &["a", "b"]);
        let by_row =
            [9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 9.0, 0.1, 0.7, 0.2, 0.4, 0.3, 0.0];
        assert_eq!(scores(&two, &[1, 6, 3], &by_row).unwrap(), [0.7, 0.4]);
        let by_box =
            [9.0, 9.0, 9.0, 9.0, 0.1, 0.4, 9.0, 9.0, 9.0, 9.0, 0.7, 0.3, 9.0, 9.0, 9.0, 9.0, 0.2, 0.0];
        assert_eq!(scores(&two, &[1, 3, 6], &by_box).unwrap(), [0.7, 0.4]);
        let spoilt = |index: usize, value: f32| {
            let mut values = by_row;
            values[index] = value;
            scores(&two, &[1, 6, 3], &values)
        };
        for (index, value) in [(0, f32::NAN), (17, f32::NAN), (13, f32::INFINITY), (13, 1.5), (12, -0.5)] {
            assert_eq!(spoilt(index, value).unwrap_err().code, "model.output", "{index} {value}");
        }
        for shape in [&[1, 5, 3][..], &[6, 3], &[1, 6, 0], &[2, 6, 3], &[1, 6, 4]] {
            assert_eq!(scores(&two, shape, &by_row).unwrap_err().code, "model.output", "{shape:?}");
        }
    }
}
