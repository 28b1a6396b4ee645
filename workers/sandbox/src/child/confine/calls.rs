//! The calls that a child may make once it is confined, and why. The same on x86_64 and aarch64: only numbers differ.

use libc::{c_long, *};
use seccompiler::{
    BackendError, SeccompCmpArgLen::Dword, SeccompCmpOp, SeccompCmpOp::Eq, SeccompCmpOp::MaskedEq,
    SeccompCondition, SeccompRule,
};
use std::collections::BTreeMap;

/// Whatever their arguments are.
const PLAIN: [c_long; 25] = [
    // The socket to the service, and the file: descriptors come by recvmsg, answers go by writev.
    SYS_recvmsg,
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_lseek,
    SYS_write,
    SYS_writev,
    SYS_fstat,
    SYS_close,
    // Memory. What maps or protects it is below.
    SYS_brk,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    // Time used so far, for the limit of the next request; seeds of hash maps; qsort asks how much memory there is.
    SYS_clock_gettime,
    SYS_getrandom,
    SYS_sysinfo,
    SYS_sched_yield,
    // To end: by return, by abort, by a stack that overflows.
    SYS_exit,
    SYS_exit_group,
    SYS_getpid,
    SYS_gettid,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    // To go on after SIGSTOP and SIGCONT.
    SYS_restart_syscall,
];

/// Calls that libraries make by themselves and can do without: told that the kernel has none. Reading a file to its end
/// asks for its length, the allocator for the number of cores. All take a path or tell of the machine.
pub(super) const REFUSED: [c_long; 3] = [SYS_statx, SYS_newfstatat, SYS_sched_getaffinity];

pub(super) struct Calls {
    /// By number; with rules, one of which must hold.
    pub(super) allowed: BTreeMap<i64, Vec<SeccompRule>>,
}

impl Calls {
    pub(super) fn of_this_process() -> Result<Self, BackendError> {
        let own = u64::from(rustix::process::getpid().as_raw_nonzero().get().unsigned_abs());
        let no_exec = |at| rule(&[(at, MaskedEq(PROT_EXEC as u64), 0)]);
        let futex = |operation| {
            let mask = !((FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME) as u32);
            rule(&[(1, MaskedEq(u64::from(mask)), operation as u64)])
        };
        let ruled = [
            // Memory is never executable.
            (SYS_mmap, vec![no_exec(2)?]),
            (SYS_mprotect, vec![no_exec(2)?]),
            // Waiting for a lock that another thread holds, of which there is none.
            (SYS_futex, vec![futex(FUTEX_WAIT)?, futex(FUTEX_WAKE)?, futex(FUTEX_WAIT_BITSET)?]),
            // How a descriptor was opened, so that one for writing can be refused.
            (SYS_fcntl, vec![rule(&[(1, Eq, F_GETFL as u64)])?, rule(&[(1, Eq, F_GETFD as u64)])?]),
            // The limit of processor time of the next request, and no other limit, of no other process.
            (SYS_prlimit64, vec![rule(&[(0, Eq, 0), (1, Eq, u64::from(RLIMIT_CPU))])?]),
            // Abort: SIGABRT to itself.
            (SYS_tgkill, vec![rule(&[(0, Eq, own), (2, Eq, SIGABRT as u64)])?]),
            (SYS_rt_sigaction, vec![rule(&[(0, Eq, SIGABRT as u64)])?]),
        ];
        let plain = PLAIN.into_iter().chain(REFUSED).map(|call| (call, Vec::new()));
        Ok(Self { allowed: plain.chain(ruled).collect() })
    }
}

/// Which argument, how it is compared, and with what. All that is compared is of 32 bits.
pub(super) type Condition = (u8, SeccompCmpOp, u64);

pub(super) fn rule(conditions: &[Condition]) -> Result<SeccompRule, BackendError> {
    let conditions =
        conditions.iter().map(|(at, how, value)| SeccompCondition::new(*at, Dword, how.clone(), *value));
    SeccompRule::new(conditions.collect::<Result<_, _>>()?)
}
