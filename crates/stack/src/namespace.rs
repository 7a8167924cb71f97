//! The namespaces that make a stack private: its mounts, its TCP ports and, without root, its users.
//!
//! A stack writes only to a tmpfs in these namespaces, so the kernel removes all of it with the last process of the
//! stack.

use std::fs;
use std::io::Result;
use std::path::Path;

use nix::errno::Errno;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};

/// The daemon's directory for its socket; the path is compiled into the daemon and its client library.
pub const RUN_PCSCD: &str = "/run/pcscd";

/// The directory of the drivers of USB readers. Without them the private daemon leaves the readers of the machine
/// alone.
const USB_DRIVERS: &str = "/usr/lib/pcsc/drivers";

/// Moves this process, which must have one thread only, into new namespaces.
pub fn enter() -> Result<()> {
    let private = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET;
    match unshare(private) {
        Err(Errno::EPERM) => become_root_in(private)?,
        outcome => outcome?,
    }
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
    cover_run_pcscd()?;
    if Path::new(USB_DRIVERS).exists() {
        cover(USB_DRIVERS)?;
    }
    bring_loopback_up()
}

/// A user without the right to create namespaces may create a user namespace, and is root there.
fn become_root_in(private: CloneFlags) -> Result<()> {
    let (user, group) = (geteuid(), getegid());
    unshare(private | CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {user} 1"))?;
    fs::write("/proc/self/gid_map", format!("0 {group} 1"))
}

/// The directory may be missing if the daemon never ran, and then only root can create it.
fn cover_run_pcscd() -> Result<()> {
    if fs::create_dir_all(RUN_PCSCD).is_err() {
        cover("/run")?;
        fs::create_dir(RUN_PCSCD)?;
    }
    cover(RUN_PCSCD)
}

fn cover(directory: &str) -> Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some("tmpfs"), directory, Some("tmpfs"), flags, Some("mode=0755"))?)
}

/// A new network namespace has a loopback interface that is down.
fn bring_loopback_up() -> Result<()> {
    // SAFETY: no pointers are passed; the result is checked.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
    Errno::result(socket)?;
    // SAFETY: `ifreq` is plain data, for which zeros are a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[..2].copy_from_slice(&[b'l' as libc::c_char, b'o' as libc::c_char]);
    request.ifr_ifru.ifru_flags = libc::IFF_UP as libc::c_short;
    // SAFETY: SIOCSIFFLAGS reads one `ifreq`, which outlives the call.
    let status = unsafe { libc::ioctl(socket, libc::SIOCSIFFLAGS, &raw const request) };
    let outcome = Errno::result(status);
    // SAFETY: the descriptor was opened above and is used nowhere else.
    unsafe { libc::close(socket) };
    outcome?;
    Ok(())
}
