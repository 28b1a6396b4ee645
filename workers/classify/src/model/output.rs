//! A model's answer to one score a label, and to the parts that a detector saw. Whatever is not a sound answer is an
//! error.

use super::parts::{self, Seen};
use crate::answer::Answer;
use crate::manifest::{Input, Output, OutputKind};
use lazaret_report::Why;

/// How far from 1 the probabilities may sum, and how far outside of 0 to 1 rounding may carry one.
const SUM_TOLERANCE: f32 = 1e-3;
const ROUNDING: f32 = 1e-4;

pub(super) fn answer(output: &Output, input: &Input, shape: &[i64], values: &[f32]) -> Result<Answer, Why> {
    match output.kind {
        OutputKind::Softmax => softmax(output.labels.len(), shape, values).map(Answer::from),
        OutputKind::Detection => detection(output.labels.len(), input, shape, values),
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
fn detection(labels: usize, input: &Input, shape: &[i64], values: &[f32]) -> Result<Answer, Why> {
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
    let scores = (4..rows)
        .map(|row| {
            (0..boxes).try_fold(0.0f32, |highest, index| Ok(highest.max(probability(at(row, index))?)))
        })
        .collect::<Result<Vec<f32>, Why>>()?;
    let parts = (4..rows).flat_map(|row| {
        let seen = (0..boxes).map(|index| Seen {
            middle: (at(0, index), at(1, index)),
            size: (at(2, index), at(3, index)),
            score: at(row, index).clamp(0.0, 1.0),
        });
        parts::parts(row - 4, seen, input)
    });
    let parts = parts.collect();
    Ok(Answer { scores, parts })
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
    use crate::answer::Part;
    use crate::manifest::{Color, Layout, Resize, Scaling};
    use lazaret_report::Region;

    const INPUT: Input = Input {
        width: 10,
        height: 20,
        layout: Layout::Nchw,
        color: Color::Rgb,
        resize: Resize::BilinearAlignCorners,
        scaling: Scaling { divide_by: 1.0, mean: [0.0; 3], std: [1.0; 3] },
    };

    fn scores(output: &Output, shape: &[i64], values: &[f32]) -> Result<Vec<f32>, Why> {
        answer(output, &INPUT, shape, values).map(|answer| answer.scores)
    }

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

    #[test]
    fn a_detector_says_where() {
        let two = output(OutputKind::Detection, &["a", "b"]);
        // Middle, size, and how much there is of each label.
        let boxes = [
            [5.0, 10.0, 4.0, 8.0, 0.6, 0.0],
            // The same thing once more, and likelier.
            [5.0, 10.0, 4.0, 9.0, 0.9, 0.0],
            // Another one, half of it beside the picture.
            [0.0, 2.0, 4.0, 4.0, 0.3, 0.1],
            // Too little beside a likelier one.
            [8.0, 18.0, 2.0, 2.0, 0.2, 0.0],
        ];
        let told = answer(&two, &INPUT, &[1, 4, 6], boxes.as_flattened()).unwrap();
        assert_eq!(told.scores, [0.9, 0.1]);
        let part = |label, score, [x, y, width, height]: [f32; 4]| Part {
            label,
            score,
            region: Region { x, y, width, height },
        };
        let half = [0.0, 0.0, 0.2, 0.2];
        let expected = [part(0, 0.9, [0.3, 0.275, 0.4, 0.45]), part(0, 0.3, half), part(1, 0.1, half)];
        assert_eq!(told.parts, expected, "of a label that is unlikely the one box that it is of");
        let crowd: Vec<[f32; 6]> =
            (0..40).map(|n| [(n % 8) as f32 + 1.0, (n / 8) as f32 * 4.0 + 1.0, 0.5, 0.5, 0.9, 0.0]).collect();
        let told = answer(&two, &INPUT, &[1, 40, 6], crowd.as_flattened()).unwrap();
        assert_eq!(told.parts.len(), Part::MOST);
        let beside = [[50.0, 50.0, 4.0, 4.0, 0.9, 0.0], [5.0, 5.0, -3.0, 4.0, 0.8, 0.0]];
        let told = answer(&two, &INPUT, &[1, 2, 6], beside.as_flattened()).unwrap();
        assert_eq!((told.scores, told.parts), (vec![0.9, 0.0], vec![]), "what is nowhere still counts");
    }
}
