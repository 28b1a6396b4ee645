//! From TOML to compiled rules, with errors that name the line.

use crate::upload::{Decision, verdict::PolicyVersion};
use cel::{Env, Program};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Compiled rules, cheap to share and to evaluate from many threads.
pub struct Policy {
    pub(super) rules: Vec<Rule>,
    pub(super) env: Arc<Env>,
    /// Those of [`FIELDS`] and [`FUNCTIONS`] that some rule names, or may name: no other is made for a file.
    pub(super) used: Vec<&'static str>,
    version: PolicyVersion,
    text: String,
}

pub(super) struct Rule {
    pub(super) name: String,
    pub(super) about: String,
    pub(super) decision: Decision,
    /// Who approves what it flags needs a second person to agree.
    pub(super) second: bool,
    pub(super) program: Program,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PolicyError {
    #[error("the policy is {0} bytes long; the most is {max}", max = super::MAX_BYTES)]
    TooLong(usize),
    #[error("the policy is not valid TOML, or has a key that is not known: {0}")]
    Toml(String),
    #[error("line {line}: rule {name:?}: the condition does not compile: {why}")]
    Condition { line: usize, name: String, why: String },
    #[error("line {line}: rule {name:?}: {why}")]
    Rule { line: usize, name: String, why: String },
    #[error("the policy has no rule; every upload would go to review")]
    Empty,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    #[serde(default)]
    rule: Vec<RuleText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleText {
    name: toml::Spanned<String>,
    #[serde(default)]
    about: String,
    when: toml::Spanned<String>,
    verdict: Decision,
    second: Option<toml::Spanned<bool>>,
}

/// What a condition may name.
const FIELDS: [&str; 5] = ["file", "upload", "findings", "coverage", "labels"];
const FUNCTIONS: [&str; 2] = ["found", "score"];

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> = self.rules.iter().map(|rule| rule.name.as_str()).collect();
        f.debug_struct("Policy")
            .field("version", &self.version)
            .field("rules", &names)
            .finish_non_exhaustive()
    }
}

impl Policy {
    /// Compiles `text`, to be known as `version`.
    pub fn compile(text: &str, version: u32) -> Result<Self, PolicyError> {
        if text.len() > super::MAX_BYTES {
            return Err(PolicyError::TooLong(text.len()));
        }
        let parsed: Text = toml::from_str(text).map_err(|e| PolicyError::Toml(e.to_string()))?;
        if parsed.rule.is_empty() {
            return Err(PolicyError::Empty);
        }
        let env = Arc::new(Env::stdlib());
        let mut rules: Vec<Rule> = Vec::with_capacity(parsed.rule.len());
        let mut used = Vec::new();
        for rule in parsed.rule {
            let line = |offset: usize| text[..offset].matches('\n').count() + 1;
            let name = rule.name.get_ref().clone();
            let at_name = line(rule.name.span().start);
            if name.is_empty() || name.len() > 64 || !name.bytes().all(is_code_byte) {
                let why =
                    "a name is 1 to 64 of a-z, 0-9, '.', '_' and '-': it becomes the reason code".to_owned();
                return Err(PolicyError::Rule { line: at_name, name, why });
            }
            if rules.iter().any(|other| other.name == name) {
                let why = "another rule has this name".to_owned();
                return Err(PolicyError::Rule { line: at_name, name, why });
            }
            let at_when = line(rule.when.span().start);
            let program = condition(&env, rule.when.get_ref()).map_err(|why| PolicyError::Condition {
                line: at_when,
                name: name.clone(),
                why,
            })?;
            // Of the condition as it is compiled, which in TOML may be written with escapes.
            let names = FIELDS.into_iter().chain(FUNCTIONS);
            used.extend(
                names
                    .filter(|name| rule.when.get_ref().contains(name) && !used.contains(name))
                    .collect::<Vec<_>>(),
            );
            if let Some(second) = rule.second.as_ref().filter(|_| rule.verdict == Decision::Publish) {
                let why =
                    "what it publishes nobody approves: `second` is for review and quarantine".to_owned();
                return Err(PolicyError::Rule { line: line(second.span().start), name, why });
            }
            let second = rule.second.is_some_and(toml::Spanned::into_inner);
            rules.push(Rule { name, about: rule.about, decision: rule.verdict, second, program });
        }
        let version = PolicyVersion { version, digest: crate::hex(&Sha256::digest(text)) };
        Ok(Self { rules, env, used, version, text: text.to_owned() })
    }

    pub fn version(&self) -> &PolicyVersion {
        &self.version
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// Name, decision and explanation of each rule, in order.
    pub fn rules(&self) -> impl Iterator<Item = (&str, Decision, &str)> {
        self.rules.iter().map(|rule| (rule.name.as_str(), rule.decision, rule.about.as_str()))
    }
}

fn is_code_byte(b: u8) -> bool {
    matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-')
}

fn condition(env: &Env, source: &str) -> Result<Program, String> {
    let program = env.compile(source).map_err(|e| e.to_string())?;
    let references = program.references();
    if let Some(variable) = super::scope::unbound(program.expression(), &FIELDS) {
        return Err(format!("no such field: {variable}; fields are {}", FIELDS.join(", ")));
    }
    for function in references.functions() {
        // Operators have names that are no identifiers, such as `_&&_`; what the library knows by name it resolves
        // at run time, so names that neither we nor the library know are refused here.
        let is_name = function.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && function.bytes().any(|b| b.is_ascii_alphabetic());
        if is_name && !FUNCTIONS.contains(&function) && !is_standard(function) {
            return Err(format!(
                "no such function: {function}; beside CEL's own there are {}",
                FUNCTIONS.join(", ")
            ));
        }
    }
    Ok(program)
}

fn is_standard(function: &str) -> bool {
    const STANDARD: [&str; 21] = [
        "size",
        "contains",
        "startsWith",
        "endsWith",
        "matches",
        "max",
        "min",
        "string",
        "int",
        "uint",
        "double",
        "bool",
        "has",
        "all",
        "exists",
        "exists_one",
        "map",
        "filter",
        "type",
        "dyn",
        "in",
    ];
    STANDARD.contains(&function) || function.starts_with("_") || function.starts_with('@')
}
