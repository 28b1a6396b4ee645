//! Landlock (landlock(7)): no path, no TCP port, no signal to and no abstract socket of a process outside.

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError,
    RulesetStatus, Scope, path_beneath_rules,
};

use std::path::Path;

pub(super) enum To<'a> {
    /// Any file may be read.
    Reading,
    Nothing,
    /// This program may be started, and libraries be read.
    Becoming(&'a Path),
}

/// Where they are, the loader among them, and what it finds them by.
const LIBRARIES: [&str; 6] =
    ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache"];

/// The newest of which all rights are handled here; an older kernel handles those that it knows. The first version is
/// enough: it keeps files shut, and what came later (TCP, signals) seccomp forbids as well.
const NEWEST: ABI = ABI::V7;

pub(super) fn restrict(to: To<'_>) -> Result<String, String> {
    let status = apply(to).map_err(|error| error.to_string())?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => Err("it is not enabled".into()),
        (RulesetStatus::NotEnforced, _) => Err("it is not implemented".into()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(said(effective_abi)),
        (_, other) => Err(format!("{other:?}")),
    }
}

fn apply(to: To<'_>) -> Result<landlock::RestrictionStatus, RulesetError> {
    let ruleset = Ruleset::default()
        .handle_access(AccessFs::from_all(NEWEST))?
        .handle_access(AccessNet::from_all(NEWEST))?
        .scope(Scope::from_all(NEWEST))?
        .create()?;
    let ruleset = match to {
        To::Reading => {
            ruleset.add_rules(path_beneath_rules(["/"], AccessFs::ReadFile | AccessFs::ReadDir))?
        }
        To::Nothing => ruleset,
        To::Becoming(program) => {
            let paths = LIBRARIES.map(Path::new).into_iter().chain([program]);
            let rights = AccessFs::ReadFile | AccessFs::ReadDir | AccessFs::Execute;
            ruleset.add_rules(path_beneath_rules(paths, rights))?
        }
    };
    ruleset.restrict_self()
}

fn said(abi: ABI) -> String {
    let mut held = format!("ABI {abi}: no files");
    if abi >= ABI::V4 {
        held += ", no TCP";
    }
    if abi >= ABI::V6 {
        held += ", no signals";
    }
    held
}
