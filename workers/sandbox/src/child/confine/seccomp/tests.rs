//! The filters, run as the kernel would run them (seccomp(2), "struct seccomp_data"; bpf(4)), on both architectures.

use super::*;
use libc::*;

const KILL: u32 = SECCOMP_RET_KILL_PROCESS;
const ALLOW: u32 = SECCOMP_RET_ALLOW;
const REFUSE: u32 = SECCOMP_RET_ERRNO | ENOSYS as u32;
/// linux/audit.h: AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64.
const ARCHITECTURES: [(TargetArch, u32); 2] =
    [(TargetArch::x86_64, 0xc000_003e), (TargetArch::aarch64, 0xc000_00b7)];

fn words(arch: u32, call: c_long, arguments: &[u64]) -> [u32; 16] {
    let mut words = [0; 16];
    (words[0], words[1]) = (call as u32, arch);
    for (at, argument) in arguments.iter().enumerate() {
        (words[4 + 2 * at], words[5 + 2 * at]) = (*argument as u32, (argument >> 32) as u32);
    }
    words
}

fn run(program: &BpfProgram, words: &[u32; 16]) -> u32 {
    let (mut at, mut held) = (0, 0u32);
    loop {
        let step = &program[at];
        let jump = |holds| usize::from(if holds { step.jt } else { step.jf });
        at += 1;
        match step.code {
            0x20 => held = words[step.k as usize / 4],
            0x05 => at += step.k as usize,
            0x15 => at += jump(held == step.k),
            0x25 => at += jump(held > step.k),
            0x35 => at += jump(held >= step.k),
            0x54 => held &= step.k,
            0x06 => return step.k,
            other => panic!("what is {other:#x}?"),
        }
    }
}

/// What the kernel does about a call: of the two filters' answers the stricter one.
fn answer(target: TargetArch, arch: u32, call: c_long, arguments: &[u64]) -> u32 {
    let programs = programs(Calls::of_this_process().unwrap(), target).unwrap();
    let answers = programs.map(|program| run(&program, &words(arch, call, arguments)));
    let strictness = [KILL, REFUSE, ALLOW];
    answers.into_iter().min_by_key(|answer| strictness.iter().position(|known| known == answer)).unwrap()
}

#[test]
fn what_is_allowed_and_what_is_not() {
    let own = u64::from(std::process::id());
    let (write, exec) = ((PROT_READ | PROT_WRITE) as u64, PROT_EXEC as u64);
    let cases: &[(c_long, &[u64], u32)] = &[
        (SYS_read, &[0, 1, 2], ALLOW),
        (SYS_recvmsg, &[0], ALLOW),
        (SYS_exit_group, &[], ALLOW),
        (SYS_mmap, &[0, 4096, write], ALLOW),
        (SYS_mmap, &[0, 4096, write | exec], KILL),
        (SYS_mmap, &[0, 4096, exec], KILL),
        (SYS_mprotect, &[0, 4096, write], ALLOW),
        (SYS_mprotect, &[0, 4096, exec], KILL),
        (SYS_pkey_mprotect, &[0, 4096, write], KILL),
        (SYS_tgkill, &[own, own, SIGABRT as u64], ALLOW),
        (SYS_tgkill, &[own, own, SIGSTOP as u64], KILL),
        (SYS_tgkill, &[1, 1, SIGABRT as u64], KILL),
        (SYS_rt_sigaction, &[SIGABRT as u64], ALLOW),
        (SYS_rt_sigaction, &[SIGXCPU as u64], KILL),
        (SYS_prlimit64, &[0, RLIMIT_CPU as u64], ALLOW),
        (SYS_prlimit64, &[0, RLIMIT_AS as u64], KILL),
        (SYS_prlimit64, &[1, RLIMIT_CPU as u64], KILL),
        (SYS_fcntl, &[3, F_GETFL as u64], ALLOW),
        (SYS_fcntl, &[3, F_SETFL as u64], KILL),
        (SYS_fcntl, &[3, F_SETOWN as u64], KILL),
        (SYS_futex, &[0, (FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG) as u64], ALLOW),
        (SYS_futex, &[0, FUTEX_CMP_REQUEUE_PI as u64], KILL),
        (SYS_statx, &[], REFUSE),
        (SYS_newfstatat, &[], REFUSE),
        (SYS_sched_getaffinity, &[], REFUSE),
    ];
    for (target, arch) in ARCHITECTURES {
        for (call, arguments, expected) in cases {
            let answered = answer(target, arch, *call, arguments);
            assert_eq!(answered, *expected, "{target:?}: call {call} with {arguments:?}");
        }
    }
}

#[test]
fn what_gets_out_of_a_sandbox_kills() {
    let calls = [
        SYS_openat,
        SYS_openat2,
        SYS_open_by_handle_at,
        SYS_memfd_create,
        SYS_memfd_secret,
        SYS_dup,
        SYS_dup3,
        SYS_socket,
        SYS_socketpair,
        SYS_connect,
        SYS_bind,
        SYS_listen,
        SYS_accept4,
        SYS_sendto,
        SYS_sendmsg,
        SYS_clone,
        SYS_clone3,
        SYS_execve,
        SYS_execveat,
        SYS_unshare,
        SYS_setns,
        SYS_ptrace,
        SYS_process_vm_readv,
        SYS_process_vm_writev,
        SYS_process_madvise,
        SYS_pidfd_open,
        SYS_pidfd_getfd,
        SYS_pidfd_send_signal,
        SYS_kill,
        SYS_tkill,
        SYS_rt_sigqueueinfo,
        SYS_rt_tgsigqueueinfo,
        SYS_io_uring_setup,
        SYS_io_uring_enter,
        SYS_io_uring_register,
        SYS_bpf,
        SYS_userfaultfd,
        SYS_perf_event_open,
        SYS_keyctl,
        SYS_add_key,
        SYS_mount,
        SYS_pivot_root,
        SYS_chroot,
        SYS_ioctl,
        SYS_prctl,
        SYS_seccomp,
        SYS_personality,
        SYS_ftruncate,
        SYS_fallocate,
        SYS_unlinkat,
        SYS_mkdirat,
        SYS_shmget,
        SYS_shmat,
        SYS_remap_file_pages,
        SYS_splice,
        SYS_vmsplice,
        SYS_sendfile,
        SYS_pwrite64,
        SYS_name_to_handle_at,
        SYS_setuid,
        SYS_capset,
        SYS_inotify_init1,
        SYS_landlock_restrict_self,
    ];
    for (target, arch) in ARCHITECTURES {
        for call in calls {
            assert_eq!(answer(target, arch, call, &[]), KILL, "{target:?}: call {call}");
        }
        // The other architecture's calls have other numbers, and so have those of 32 bits and of x32.
        assert_eq!(answer(target, 0x4000_0003, SYS_read, &[]), KILL);
        assert_eq!(answer(target, arch, SYS_read | 0x4000_0000, &[]), KILL);
    }
}
