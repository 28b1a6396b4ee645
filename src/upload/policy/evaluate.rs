//! From what was learnt of a file to an opinion.

use super::Policy;
use crate::upload::{CheckResult, Decision, check::Outcome, filename, verdict::Examined};
use cel::{Context, ExecutionError, Value};
use lazaret_report::{Coverage, Finding};
use std::{collections::HashMap, sync::Arc};

/// What the policy says, before law 2 has its word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opinion {
    pub decision: Decision,
    pub reasons: Vec<String>,
    /// It takes two people to approve it.
    pub second: bool,
}

impl Opinion {
    fn review(reason: &str) -> Self {
        Self { decision: Decision::Review, reasons: vec![reason.to_owned()], second: false }
    }
}

impl Policy {
    /// The first rule that holds gives the opinion. A rule that fails at run time, or whose condition is no boolean,
    /// gives `review` with `policy.error`: what it would have said is not known.
    pub fn judge(&self, examined: &Examined, name: Option<&str>, tenant: &str) -> Opinion {
        let Ok(context) = self.context(examined, name, tenant) else {
            return Opinion::review("policy.error");
        };
        for rule in &self.rules {
            match rule.program.execute(&context) {
                Ok(Value::Bool(false)) => {}
                Ok(Value::Bool(true)) => {
                    return Opinion {
                        decision: rule.decision,
                        reasons: vec![rule.name.clone()],
                        second: rule.second,
                    };
                }
                Ok(other) => {
                    tracing::warn!(policy.rule = rule.name, policy.value = ?other, "a policy rule gave no boolean");
                    return Opinion::review("policy.error");
                }
                Err(error) => {
                    tracing::warn!(policy.rule = rule.name, %error, "a policy rule failed");
                    return Opinion::review("policy.error");
                }
            }
        }
        Opinion::review("policy.no_match")
    }

    fn context<'v>(
        &self,
        examined: &Examined,
        file_name: Option<&str>,
        tenant: &str,
    ) -> Result<Context<'static, 'v>, ExecutionError> {
        let mut context = Context::with_env(Arc::clone(&self.env));
        for name in &self.used {
            match *name {
                "file" => context.add_variable_from_value(*name, file(examined, file_name)),
                "upload" => {
                    let upload = HashMap::from([("tenant".to_owned(), text(tenant))]);
                    context.add_variable_from_value(*name, upload);
                }
                "findings" => context.add_variable_from_value(*name, findings(examined)),
                "coverage" => context.add_variable_from_value(*name, coverage(examined)),
                "labels" => context.add_variable_from_value(*name, labels(examined)),
                "found" => {
                    let codes: Vec<String> = examined.findings().map(|(_, f)| f.code.clone()).collect();
                    add(context.add_function(name, move |code: Arc<String>| is_among(&codes, &code)))?;
                }
                "score" => {
                    let scores = Scores::of(examined);
                    add(context.add_function(name, move |label: Arc<String>| scores.worst(&label)))?;
                }
                other => return Err(ExecutionError::UndeclaredReference(Arc::new(other.to_owned()))),
            }
        }
        Ok(context)
    }
}

fn file(examined: &Examined, name: Option<&str>) -> HashMap<String, Value> {
    HashMap::from([
        ("media_type".to_owned(), text(&examined.media_type)),
        ("declared".to_owned(), text(examined.declared.as_deref().unwrap_or(""))),
        ("extension".to_owned(), text(&name.and_then(filename::extension).unwrap_or_default())),
        ("size".to_owned(), Value::Int(i64::try_from(examined.size).unwrap_or(i64::MAX))),
        ("sha256".to_owned(), text(&examined.sha256)),
    ])
}

fn findings(examined: &Examined) -> Vec<Value> {
    let finding = |(result, finding): (&CheckResult, &Finding)| {
        Value::from(HashMap::from([
            ("check".to_owned(), text(result.check.as_str())),
            ("code".to_owned(), text(&finding.code)),
            ("detail".to_owned(), text(&finding.detail)),
            ("score".to_owned(), Value::Float(f64::from(finding.score.unwrap_or(0.0)))),
        ]))
    };
    examined.findings().map(finding).collect()
}

fn coverage(examined: &Examined) -> HashMap<String, Value> {
    examined.results.iter().map(|r| (r.check.to_string(), text(r.coverage_name()))).collect()
}

fn labels(examined: &Examined) -> HashMap<String, Value> {
    examined.labels.iter().map(|(k, v)| (k.clone(), Value::Float(f64::from(*v)))).collect()
}

/// The very code, or one below it: `a` stands for `a.b` as well.
fn is_among(codes: &[String], code: &str) -> bool {
    codes.iter().any(|c| c == code || c.strip_prefix(code).is_some_and(|rest| rest.starts_with('.')))
}

fn add<E: std::fmt::Display>(added: Result<(), E>) -> Result<(), ExecutionError> {
    added.map_err(|e| ExecutionError::function_error("policy", e.to_string()))
}

fn text(s: &str) -> Value {
    Value::String(Arc::new(s.to_owned()))
}

/// What the models said, for `score(label)`.
struct Scores {
    labels: Vec<(String, f32)>,
    /// A model applies to this file.
    applies: bool,
}

impl Scores {
    fn of(examined: &Examined) -> Self {
        let applies = examined.results.iter().any(|result| {
            matches!(result.check, crate::upload::Check::Image | crate::upload::Check::Video)
                && matches!(&result.outcome, Outcome::Looked(coverage)
                    if !is_without_pictures(result.engine.is_some(), coverage))
        });
        Self { labels: examined.labels.iter().map(|(k, v)| (k.clone(), *v)).collect(), applies }
    }

    /// 0 where no model applies. Where one does but gave no such label, there is no honest number.
    fn worst(&self, label: &str) -> Result<f64, ExecutionError> {
        let worst = self
            .labels
            .iter()
            .filter(|(name, _)| name == label || name.rsplit_once('.').is_some_and(|(_, last)| last == label))
            .map(|(_, score)| f64::from(*score))
            .reduce(f64::max);
        match worst {
            Some(score) => Ok(score),
            None if !self.applies => Ok(0.0),
            None => {
                Err(ExecutionError::function_error("score", format!("no model gave a score for {label:?}")))
            }
        }
    }
}

/// Nobody took pictures out of this file, or it is an archive in which there were none: no model had anything to say.
/// Where nobody took them out, law 2 keeps it from being published.
fn is_without_pictures(by_a_model: bool, coverage: &Coverage) -> bool {
    match coverage {
        Coverage::Complete => !by_a_model,
        Coverage::Partial(why) => why.code == "embedded",
        Coverage::Failed(_) => false,
    }
}
