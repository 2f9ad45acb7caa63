//! Which system calls an application may make: Docker's default list for a container without capabilities
//! (moby, profiles/seccomp/default.json), with socket families cut to those applications use.
//!
//! Two filters, for a filter knows one refusal only: what is not listed answers EPERM; `clone3`, whose arguments no
//! filter can read, answers ENOSYS, upon which C libraries use `clone`.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Length, SeccompCmpOp as Op, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use std::collections::BTreeMap;

macro_rules! calls {
    ($($name:ident)*) => { [$((libc::$name, stringify!($name))),*] };
}

/// New namespaces, in the flags of `clone`.
const NAMESPACES: u64 = 0x7E02_0000;

pub(super) fn filters() -> Result<Vec<BpfProgram>, String> {
    let arch =
        std::env::consts::ARCH.try_into().map_err(|error| format!("no seccomp filter for this processor: {error}"))?;
    let build = |rules, other, listed| {
        let filter =
            SeccompFilter::new(rules, other, listed, arch).map_err(|error| format!("seccomp filter: {error}"))?;
        BpfProgram::try_from(filter).map_err(|error| format!("seccomp filter: {error}"))
    };
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = allowed().map(|(call, _)| (call, Vec::new())).collect();
    let one = |argument, length, op, value| {
        SeccompCondition::new(argument, length, op, value)
            .and_then(|condition| SeccompRule::new(vec![condition]))
            .map_err(|error| error.to_string())
    };
    rules.insert(libc::SYS_clone, vec![one(0, Length::Qword, Op::MaskedEq(NAMESPACES), 0)?]);
    let personalities = [0, 0x0008, 0x2_0000, 0x2_0008, 0xFFFF_FFFF];
    rules.insert(
        libc::SYS_personality,
        personalities.into_iter().map(|value| one(0, Length::Dword, Op::Eq, value)).collect::<Result<_, _>>()?,
    );
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    for call in [libc::SYS_socket, libc::SYS_socketpair] {
        let rule = families.iter().map(|family| one(0, Length::Dword, Op::Eq, u64::from(family.unsigned_abs())));
        rules.insert(call, rule.collect::<Result<_, _>>()?);
    }
    let unknown = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    Ok(vec![
        build(unknown, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS.unsigned_abs()))?,
        build(rules, SeccompAction::Errno(libc::EPERM.unsigned_abs()), SeccompAction::Allow)?,
    ])
}

/// Numbers and names (`SYS_…`).
pub(super) fn allowed() -> impl Iterator<Item = (i64, &'static str)> {
    let everywhere = calls! {
        SYS_accept SYS_accept4 SYS_adjtimex SYS_bind SYS_brk SYS_capget SYS_capset SYS_chdir SYS_clock_adjtime SYS_clock_getres
        SYS_clock_gettime SYS_clock_nanosleep SYS_clone3 SYS_close SYS_close_range SYS_connect SYS_copy_file_range SYS_dup SYS_dup3
        SYS_epoll_create1 SYS_epoll_ctl SYS_epoll_pwait SYS_epoll_pwait2 SYS_eventfd2 SYS_execve SYS_execveat SYS_exit SYS_exit_group
        SYS_faccessat SYS_faccessat2 SYS_fadvise64 SYS_fallocate SYS_fanotify_mark SYS_fchdir SYS_fchmod SYS_fchmodat SYS_fchown
        SYS_fchownat SYS_fcntl SYS_fdatasync SYS_fgetxattr SYS_flistxattr SYS_flock SYS_fremovexattr SYS_fsetxattr SYS_fstat
        SYS_fstatfs SYS_fsync SYS_ftruncate SYS_futex SYS_futex_waitv SYS_getcpu SYS_getcwd SYS_getdents64 SYS_getegid SYS_geteuid
        SYS_getgid SYS_getgroups SYS_getitimer SYS_getpeername SYS_getpgid SYS_getpid SYS_getppid SYS_getpriority SYS_getrandom
        SYS_getresgid SYS_getresuid SYS_getrlimit SYS_get_robust_list SYS_getrusage SYS_getsid SYS_getsockname SYS_getsockopt
        SYS_gettid SYS_gettimeofday SYS_getuid SYS_getxattr SYS_inotify_add_watch SYS_inotify_init1 SYS_inotify_rm_watch SYS_io_cancel
        SYS_ioctl SYS_io_destroy SYS_io_getevents SYS_ioprio_get SYS_ioprio_set SYS_io_setup SYS_io_submit SYS_kill
        SYS_landlock_add_rule SYS_landlock_create_ruleset SYS_landlock_restrict_self SYS_lgetxattr SYS_linkat SYS_listen SYS_listxattr
        SYS_llistxattr SYS_lremovexattr SYS_lseek SYS_lsetxattr SYS_madvise SYS_membarrier SYS_memfd_create SYS_mincore SYS_mkdirat
        SYS_mlock SYS_mlock2 SYS_mlockall SYS_mmap SYS_mprotect SYS_mq_getsetattr SYS_mq_notify SYS_mq_open SYS_mq_timedreceive
        SYS_mq_timedsend SYS_mq_unlink SYS_mremap SYS_msgctl SYS_msgget SYS_msgrcv SYS_msgsnd SYS_msync SYS_munlock SYS_munlockall
        SYS_munmap SYS_name_to_handle_at SYS_nanosleep SYS_newfstatat SYS_openat SYS_openat2 SYS_pidfd_open SYS_pidfd_send_signal
        SYS_pipe2 SYS_pkey_alloc SYS_pkey_free SYS_pkey_mprotect SYS_ppoll SYS_prctl SYS_pread64 SYS_preadv SYS_preadv2 SYS_prlimit64
        SYS_process_mrelease SYS_pselect6 SYS_ptrace SYS_pwrite64 SYS_pwritev SYS_pwritev2 SYS_read SYS_readahead SYS_readlinkat
        SYS_readv SYS_recvfrom SYS_recvmmsg SYS_recvmsg SYS_remap_file_pages SYS_removexattr SYS_renameat SYS_renameat2
        SYS_restart_syscall SYS_rseq SYS_rt_sigaction SYS_rt_sigpending SYS_rt_sigprocmask SYS_rt_sigqueueinfo SYS_rt_sigreturn
        SYS_rt_sigsuspend SYS_rt_sigtimedwait SYS_rt_tgsigqueueinfo SYS_sched_getaffinity SYS_sched_getattr SYS_sched_getparam
        SYS_sched_get_priority_max SYS_sched_get_priority_min SYS_sched_getscheduler SYS_sched_rr_get_interval SYS_sched_setaffinity
        SYS_sched_setattr SYS_sched_setparam SYS_sched_setscheduler SYS_sched_yield SYS_seccomp SYS_semctl SYS_semget SYS_semop
        SYS_semtimedop SYS_sendfile SYS_sendmmsg SYS_sendmsg SYS_sendto SYS_setfsgid SYS_setfsuid SYS_setgid SYS_setgroups
        SYS_setitimer SYS_setpgid SYS_setpriority SYS_setregid SYS_setresgid SYS_setresuid SYS_setreuid SYS_setrlimit
        SYS_set_robust_list SYS_setsid SYS_setsockopt SYS_set_tid_address SYS_setuid SYS_setxattr SYS_shmat SYS_shmctl SYS_shmdt
        SYS_shmget SYS_shutdown SYS_sigaltstack SYS_signalfd4 SYS_splice SYS_statfs SYS_statx SYS_symlinkat SYS_sync
        SYS_sync_file_range SYS_syncfs SYS_sysinfo SYS_tee SYS_tgkill SYS_timer_create SYS_timer_delete SYS_timer_getoverrun
        SYS_timer_gettime SYS_timer_settime SYS_timerfd_create SYS_timerfd_gettime SYS_timerfd_settime SYS_times SYS_tkill
        SYS_truncate SYS_umask SYS_uname SYS_unlinkat SYS_utimensat SYS_vmsplice SYS_wait4 SYS_waitid SYS_write SYS_writev
    };
    #[cfg(target_arch = "x86_64")]
    let older = calls! {
        SYS_access SYS_alarm SYS_arch_prctl SYS_chmod SYS_chown SYS_creat SYS_dup2 SYS_epoll_create SYS_epoll_ctl_old SYS_epoll_wait
        SYS_epoll_wait_old SYS_eventfd SYS_fork SYS_futimesat SYS_getdents SYS_getpgrp SYS_get_thread_area SYS_inotify_init SYS_lchown
        SYS_link SYS_lstat SYS_memfd_secret SYS_mkdir SYS_mknod SYS_mknodat SYS_modify_ldt SYS_open SYS_pause SYS_pipe SYS_poll SYS_readlink SYS_rename
        SYS_rmdir SYS_select SYS_set_thread_area SYS_signalfd SYS_stat SYS_symlink SYS_time SYS_unlink SYS_utime SYS_utimes SYS_ustat SYS_vfork
    };
    #[cfg(not(target_arch = "x86_64"))]
    let older = calls! { SYS_mknodat SYS_memfd_secret };
    everywhere.into_iter().chain(older)
}
