//! Everything in the runtime that depends on the platform. The other platform code of the library is in
//! `resource_manager/pcsc`. A new platform needs one file here for each of these modules.

#[cfg_attr(not(unix), path = "platform/no_environment.rs")]
pub mod environment;
#[cfg_attr(not(unix), path = "platform/no_fork.rs")]
pub mod fork;
pub mod load;
#[cfg_attr(not(unix), path = "platform/no_log_file.rs")]
pub mod log_file;
/// cbindgen:ignore
#[cfg_attr(not(all(unix, not(target_os = "android"))), path = "platform/no_pthread_cancel.rs")]
pub mod pthread_cancel;
#[cfg_attr(not(unix), path = "platform/no_signal.rs")]
pub mod signal;
#[cfg_attr(not(unix), path = "platform/std_thread.rs")]
pub mod thread;
/// cbindgen:ignore
#[cfg_attr(
    not(all(
        target_os = "linux",
        target_env = "gnu",
        any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "x86")
    )),
    path = "platform/no_unwinder.rs"
)]
pub mod unwinder;
