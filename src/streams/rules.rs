//! What makes a frame bad, and how many of them a stream.

use super::unseen::{Kinds, Unseen};
use crate::config::units::Span;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// How bad one frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Clean,
    /// Near a threshold.
    Near,
    Bad,
    /// Beyond doubt: it alone cuts.
    Certain,
}

/// The thresholds of one label, 0 to 1.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// `model.label`, or `label` of whatever model.
    pub label: String,
    pub near: f32,
    pub bad: f32,
    /// From here on one frame is enough. Left out: no single frame ever is.
    pub certain: Option<f32>,
}

/// All that decisions on a stream depend on.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    pub labels: Vec<Limit>,
    /// How many judged frames back a decision looks.
    pub window: usize,
    /// So many bad ones of them cut; so many that are near or worse warn. At least 2: one stray frame never cuts.
    pub hits: usize,
    /// How long only clean frames must have come, the window full of them, before the stream is cleared.
    pub calm: Duration,
    /// How long a stream may go without a judged frame.
    pub deadline: Duration,
    /// Of the frames that were looked at last, so large a share may fail; beyond it the stream does not pass. 0 to 1.
    pub spoiled: f32,
    /// What of a source is not seen, and is no reason for it not to pass.
    pub tolerate: Kinds,
    /// Between two judged frames, near a threshold or after a change of scene.
    pub fastest: Duration,
    /// The same, while all is calm.
    pub slowest: Duration,
}

/// Rules as a tenant or the opener of a stream sets them; what is left out stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    pub labels: Option<Vec<Limit>>,
    pub window: Option<usize>,
    pub hits: Option<usize>,
    #[schema(value_type = Option<String>, example = "5s")]
    pub calm: Option<Span>,
    #[schema(value_type = Option<String>, example = "10s")]
    pub deadline: Option<Span>,
    pub spoiled: Option<f32>,
    pub tolerate: Option<Vec<Unseen>>,
    #[schema(value_type = Option<String>, example = "200ms")]
    pub fastest: Option<Span>,
    #[schema(value_type = Option<String>, example = "1s")]
    pub slowest: Option<Span>,
}

/// More is memory for nothing.
const WIDEST: usize = 1000;

impl Rules {
    /// # Errors
    /// What cannot be meant, with the key to change.
    pub fn tuned(&self, tuning: &Tuning) -> Result<Self, String> {
        let span = |set: Option<Span>, own: Duration| set.map_or(own, |span| span.0);
        let rules = Self {
            labels: tuning.labels.clone().unwrap_or_else(|| self.labels.clone()),
            window: tuning.window.unwrap_or(self.window),
            hits: tuning.hits.unwrap_or(self.hits),
            calm: span(tuning.calm, self.calm),
            deadline: span(tuning.deadline, self.deadline),
            spoiled: tuning.spoiled.unwrap_or(self.spoiled),
            tolerate: tuning.tolerate.as_ref().map_or(self.tolerate, |kinds| kinds.iter().copied().collect()),
            fastest: span(tuning.fastest, self.fastest),
            slowest: span(tuning.slowest, self.slowest),
        };
        rules.check().map(|()| rules)
    }

    pub fn check(&self) -> Result<(), String> {
        if self.labels.is_empty() {
            return Err("labels: name at least one, or nothing is ever cut".into());
        }
        for Limit { label, near, bad, certain } in &self.labels {
            let certain = certain.unwrap_or(1.0);
            // Also where one is no number.
            if !(0.0 < *near && near <= bad && *bad <= certain && certain <= 1.0) {
                return Err(format!(
                    "labels: {label:?}: 0 < near <= bad <= certain <= 1; got {near}, {bad}, {certain}"
                ));
            }
        }
        if self.hits < 2 {
            return Err("hits must be at least 2: one stray frame cuts nothing".into());
        }
        if self.window < self.hits || self.window > WIDEST {
            return Err(format!("window must be at least hits ({}), and at most {WIDEST}", self.hits));
        }
        // Also where it is no number.
        if !(0.0..1.0).contains(&self.spoiled) {
            return Err(format!("spoiled is a share, from 0 and below 1; got {}", self.spoiled));
        }
        if self.deadline.is_zero() {
            return Err("deadline must be longer than 0".into());
        }
        if self.fastest > self.slowest || self.slowest > self.deadline / 2 {
            return Err(
                "fastest <= slowest <= deadline / 2, or a calm stream would count as unwatched".into()
            );
        }
        Ok(())
    }

    /// A label that no model gives is no finding here: who starts the service is told of it there.
    pub fn grade(&self, scores: &BTreeMap<String, f32>) -> Grade {
        let of = |limit: &Limit| match worst(&limit.label, scores) {
            Some(score) if limit.certain.is_some_and(|certain| score >= certain) => Grade::Certain,
            Some(score) if score >= limit.bad => Grade::Bad,
            Some(score) if score >= limit.near => Grade::Near,
            _ => Grade::Clean,
        };
        self.labels.iter().map(of).max().unwrap_or(Grade::Clean)
    }

    /// The scores of the labels that count.
    pub fn telling(&self, scores: &BTreeMap<String, f32>) -> BTreeMap<String, f32> {
        let tells = |name: &str| self.labels.iter().any(|limit| is(&limit.label, name));
        scores.iter().filter(|(name, _)| tells(name)).map(|(name, score)| (name.clone(), *score)).collect()
    }
}

fn worst(label: &str, scores: &BTreeMap<String, f32>) -> Option<f32> {
    scores.iter().filter(|(name, _)| is(label, name)).map(|(_, score)| *score).reduce(f32::max)
}

/// Is the label `model.label` the one that is meant?
fn is(meant: &str, name: &str) -> bool {
    meant == name || name.rsplit_once('.').is_some_and(|(_, label)| label == meant)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::streams) fn rules() -> Rules {
        Rules {
            labels: vec![Limit { label: "red".into(), near: 0.4, bad: 0.7, certain: Some(0.99) }],
            window: 5,
            hits: 3,
            calm: Duration::from_secs(5),
            deadline: Duration::from_secs(10),
            spoiled: 0.5,
            tolerate: Kinds::default(),
            fastest: Duration::from_millis(200),
            slowest: Duration::from_secs(1),
        }
    }

    #[test]
    fn the_worst_label_of_any_model_grades_a_frame() {
        let grade = |scores: &[(&str, f32)]| {
            rules().grade(&scores.iter().map(|(name, score)| ((*name).to_owned(), *score)).collect())
        };
        assert_eq!(grade(&[("tiny.red", 0.39), ("tiny.green", 1.0)]), Grade::Clean);
        assert_eq!(grade(&[("tiny.red", 0.4)]), Grade::Near);
        assert_eq!(grade(&[("tiny.red", 0.1), ("other.red", 0.7)]), Grade::Bad);
        assert_eq!(grade(&[("red", 0.99)]), Grade::Certain);
        assert_eq!(grade(&[]), Grade::Clean);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        let refused = |json: &str| rules().tuned(&serde_json::from_str(json).unwrap()).unwrap_err();
        for (json, key) in [
            (r#"{"labels":[]}"#, "labels"),
            (r#"{"labels":[{"label":"a","near":0.8,"bad":0.7}]}"#, "near"),
            (r#"{"labels":[{"label":"a","near":0.0,"bad":0.7}]}"#, "near"),
            (r#"{"labels":[{"label":"a","near":0.1,"bad":0.7,"certain":1.5}]}"#, "certain"),
            (r#"{"hits":1}"#, "hits"),
            (r#"{"window":2}"#, "window"),
            (r#"{"window":100000}"#, "window"),
            (r#"{"deadline":"0s"}"#, "deadline"),
            (r#"{"spoiled":1.0}"#, "spoiled"),
            (r#"{"spoiled":-0.1}"#, "spoiled"),
            (r#"{"fastest":"3s"}"#, "fastest"),
            (r#"{"slowest":"6s"}"#, "slowest"),
        ] {
            assert!(refused(json).contains(key), "{json}");
        }
        assert!(serde_json::from_str::<Tuning>(r#"{"windows":3}"#).is_err());
        let tuned = rules().tuned(&serde_json::from_str(r#"{"hits":2,"calm":"0s"}"#).unwrap()).unwrap();
        assert_eq!(tuned, Rules { hits: 2, calm: Duration::ZERO, ..rules() });
    }
}
