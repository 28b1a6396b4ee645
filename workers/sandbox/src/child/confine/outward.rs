//! The calls that a program of others may make which speaks to the network for the service. What it may open Landlock says.

use super::calls::rule;
use libc::{c_long, *};
use seccompiler::{
    BackendError, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, SeccompCmpOp::MaskedEq, SeccompCondition,
    SeccompRule,
};
use std::collections::BTreeMap;

/// Whatever their arguments are.
const PLAIN: [c_long; 56] = [
    // To become the program, and for the loader to find its libraries.
    SYS_execve,
    SYS_openat,
    SYS_newfstatat,
    SYS_readlinkat,
    SYS_faccessat,
    SYS_getcwd,
    SYS_uname,
    // What is open.
    SYS_read,
    SYS_readv,
    SYS_pread64,
    SYS_lseek,
    SYS_write,
    SYS_writev,
    SYS_fstat,
    SYS_close,
    // Memory, which libraries make executable.
    SYS_brk,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    // Threads of its own.
    SYS_set_tid_address,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_futex,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getpid,
    SYS_getppid,
    SYS_gettid,
    SYS_exit,
    SYS_exit_group,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_restart_syscall,
    // Time and chance.
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_getrandom,
    // Datagrams. Which kinds of sockets there are is below; none connects, listens or accepts.
    SYS_bind,
    SYS_sendmsg,
    SYS_sendto,
    SYS_recvmsg,
    SYS_recvfrom,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_getsockname,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_ppoll,
    SYS_pselect6,
];

/// Of x86_64 alone, older forms of the above.
#[cfg(target_arch = "x86_64")]
const OLDER: [c_long; 7] =
    [SYS_access, SYS_arch_prctl, SYS_readlink, SYS_open, SYS_poll, SYS_select, SYS_epoll_wait];
#[cfg(not(target_arch = "x86_64"))]
const OLDER: [c_long; 0] = [];

/// The kind in a socket's type; the rest are flags.
const KIND: u64 = 0xf;

/// By number; with rules, one of which must hold.
pub(super) fn calls() -> Result<BTreeMap<i64, Vec<SeccompRule>>, BackendError> {
    let own = u64::from(rustix::process::getpid().as_raw_nonzero().get().unsigned_abs());
    let datagrams = |family: i32, protocol: i32| {
        let kind = (1, MaskedEq(KIND), SOCK_DGRAM as u64);
        rule(&[(0, Eq, family as u64), kind, (2, Eq, protocol as u64)])
    };
    let named = |call: i32| rule(&[(0, Eq, call as u64)]);
    let of = |at: u8, value: i32| rule(&[(at, Eq, value as u64)]);
    // A whole word: what stands there is a pointer.
    let only_asks = SeccompRule::new(vec![SeccompCondition::new(2, Qword, Eq, 0)?])?;
    let ruled = [
        (
            SYS_socket,
            vec![
                datagrams(AF_INET, 0)?,
                datagrams(AF_INET, IPPROTO_UDP)?,
                datagrams(AF_INET6, 0)?,
                datagrams(AF_INET6, IPPROTO_UDP)?,
            ],
        ),
        // Threads, and no processes. What else may start some takes its flags from memory, where no filter sees them.
        (SYS_clone, vec![rule(&[(0, MaskedEq(CLONE_THREAD as u64), CLONE_THREAD as u64)])?]),
        (SYS_prctl, vec![named(PR_SET_NAME)?, named(PR_GET_NAME)?]),
        (SYS_prlimit64, vec![only_asks]),
        (
            SYS_fcntl,
            [F_GETFL, F_SETFL, F_GETFD, F_SETFD]
                .map(|does| of(1, does))
                .into_iter()
                .collect::<Result<_, _>>()?,
        ),
        (SYS_ioctl, vec![rule(&[(1, Eq, FIONBIO)])?, rule(&[(1, Eq, FIONREAD)])?]),
        // Abort: SIGABRT to itself.
        (SYS_tgkill, vec![rule(&[(0, Eq, own), (2, Eq, SIGABRT as u64)])?]),
    ];
    let plain = PLAIN.into_iter().chain(OLDER).map(|call| (call, Vec::new()));
    Ok(plain.chain(ruled).collect())
}
