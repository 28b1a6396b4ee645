//! What `lazaret doctor` says of the sandbox.

use super::Line;
use crate::config::{Config, sections::Sandbox};
use lazaret_sandbox::{SelfTest, Unavailable};

/// Which layers confine the children, and what children did who tried to get out.
pub(super) fn lines(config: &Config, test: Result<SelfTest, Unavailable>) -> Vec<Line> {
    let Ok(test) = test else {
        return vec![Line::new(
            "sandbox",
            Err("no child comes up that could be tried: see media".to_owned()),
        )];
    };
    let tolerant = config.media.sandbox == Sandbox::BestEffort;
    let layer = |name: &str, held: &Result<String, String>| match held {
        Err(why) if tolerant => Line {
            advice: format!("NOT ENFORCED, which media.sandbox = \"best-effort\" allows: {why}"),
            ..Line::new(name, Ok("-".to_owned()))
        },
        held => Line::new(name, held.clone()),
    };
    let media = &config.media;
    let limits = format!(
        "{} of memory, {:?} of processor time a request, no file written, no other process",
        media.memory, media.cpu.0
    );
    vec![
        layer("sandbox landlock", &test.layers.landlock),
        layer("sandbox seccomp", &test.layers.seccomp),
        Line::new("sandbox limits", Ok(limits)),
        layer("sandbox self-test", &held(&test)),
    ]
}

/// The same in one line, of children that are confined alike.
pub(super) fn proof(config: &Config, name: &str, test: Result<SelfTest, Unavailable>) -> Line {
    let tolerant = config.media.sandbox == Sandbox::BestEffort;
    match test.map_err(|trouble| trouble.why).and_then(|test| held(&test)) {
        Err(why) if tolerant => Line {
            advice: format!("NOT ENFORCED, which media.sandbox = \"best-effort\" allows: {why}"),
            ..Line::new(name, Ok("-".to_owned()))
        },
        held => Line::new(name, held),
    }
}

fn held(test: &SelfTest) -> Result<String, String> {
    let holes = test.holes();
    match holes.is_empty() {
        true => Ok(format!("{} children tried to get out, none did", test.attempts.len())),
        false => Err(holes.join("; ")),
    }
}
