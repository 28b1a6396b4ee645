//! seccomp (seccomp(2)): a list of the calls that may be made; any other one ends the process with SIGSYS.

use super::calls::{self, Calls};
use super::outward;
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter_all_threads,
};

/// Puts every thread under the filters.
pub(super) fn restrict() -> Result<String, String> {
    let arch = std::env::consts::ARCH;
    let target = TargetArch::try_from(arch).map_err(|_| format!("there is no list of calls for {arch}"))?;
    let calls = Calls::of_this_process().map_err(|e| e.to_string())?;
    let count = calls.allowed.len() - calls::REFUSED.len();
    for program in programs(calls, target).map_err(|e| e.to_string())? {
        apply_filter_all_threads(&program).map_err(|e| e.to_string())?;
    }
    Ok(format!("{count} calls; any other one kills"))
}

/// Puts this process, and what it becomes, under a filter that tells whoever asks for more that the kernel has no such call:
/// libraries of other versions try some that they can do without.
pub(super) fn restrict_outpost() -> Result<String, String> {
    let arch = std::env::consts::ARCH;
    let target = TargetArch::try_from(arch).map_err(|_| format!("there is no list of calls for {arch}"))?;
    let calls = outward::calls().map_err(|e| e.to_string())?;
    let count = calls.len();
    let nosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let filter = SeccompFilter::new(calls, nosys, SeccompAction::Allow, target).map_err(|e| e.to_string())?;
    let program = BpfProgram::try_from(filter).map_err(|e| e.to_string())?;
    apply_filter_all_threads(&program).map_err(|e| e.to_string())?;
    Ok(format!("{count} calls; there is no other one"))
}

/// Two filters, of which the stricter answer counts: one kills for what is on no list, one refuses politely.
pub(super) fn programs(calls: Calls, target: TargetArch) -> Result<[BpfProgram; 2], BackendError> {
    let refused = calls::REFUSED.map(|call| (call, Vec::new())).into_iter().collect();
    let nosys = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let polite = SeccompFilter::new(refused, SeccompAction::Allow, nosys, target)?;
    let strict = SeccompFilter::new(calls.allowed, SeccompAction::KillProcess, SeccompAction::Allow, target)?;
    // Installing the second filter needs a call that the strict one forbids.
    Ok([polite.try_into()?, strict.try_into()?])
}

#[cfg(test)]
mod tests;
