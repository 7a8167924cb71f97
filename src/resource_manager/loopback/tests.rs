//! The library works with a resource manager that no other file knows.

use super::{ATR, IFD, Loopback, SERVICE};
use crate::abi::constants::{Access, Disposition};
use crate::abi::hresult::Hresult;
use crate::attachment::Attachment;
use crate::monitor::{EventKind, Monitor};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::texts;
use crate::resource_manager::r#virtual::Virtual;
use crate::resource_manager::{ResourceManager, managers};

fn attach() -> Attachment {
    let ifd = IfdName::new(IFD).unwrap();
    Attachment::by_ifd(managers::of_ifd(&ifd).unwrap(), ifd, Access::default(), None).unwrap()
}

fn transmit(attachment: &Attachment) -> Result<Vec<u8>, Hresult> {
    attachment.transmit(b"\x00\xB0\x00\x00\x00", |answer| Ok(answer.to_vec()))
}

#[test]
fn each_service_has_its_own_number() {
    let mut services: Vec<_> = managers::all().map(ResourceManager::service).collect();
    services.sort();
    services.dedup();
    assert_eq!(services.len(), managers::all().len());
}

#[test]
fn its_reader_is_attached_used_and_locked() {
    let (attachment, other) = (attach(), attach());
    assert_eq!(attachment.atr().as_bytes(), ATR);
    assert_eq!(transmit(&attachment).unwrap(), b"\x00\xB0\x00\x00\x00\x90\x00");
    attachment.lock().unwrap();
    assert_eq!(other.lock_within(0), Err(Hresult::SCARD_E_TIMEOUT));
    attachment.unlock(Disposition::Leave).unwrap();
    let icc = attachment.icc().unwrap();
    let borrowed = Attachment::by_handle(managers::of_icc(icc), icc, Access::default(), None).unwrap();
    assert!(transmit(&borrowed).is_ok());
    assert_eq!(managers::of_icc(icc).service(), SERVICE);
}

#[test]
fn its_reader_is_listed_and_its_name_is_taken() {
    let ifd = IfdName::new(IFD).unwrap();
    let listed = managers::list_ifds().unwrap().0.into_bytes();
    assert!(texts(&listed).any(|name| name == IFD));
    assert_eq!(managers::has_ifd(&ifd), Ok(true));
    assert_eq!(managers::has_ifd(&IfdName::new(b"Loopback 00 01").unwrap()), Ok(false));
}

#[test]
fn a_service_that_is_gone_leaves_a_name_unknown_only_if_another_one_serves() {
    let absent = Hresult::SCARD_E_NO_SERVICE;
    // The loopback does not say that it serves, and no service makes its own reader unknown.
    assert_eq!(managers::attach_error(&Virtual, absent), absent);
    assert_eq!(managers::attach_error(&Loopback, Hresult::SCARD_E_NO_SMARTCARD), Hresult::SCARD_E_NO_SMARTCARD);
}

#[test]
fn a_monitor_reports_its_reader() {
    let monitor = Monitor::open().unwrap();
    let event = loop {
        let event = monitor.wait(60_000).unwrap();
        if event.kind == EventKind::CardInserted && event.service == Some(SERVICE) {
            break event;
        }
    };
    assert_eq!((event.ifd, event.atr.as_bytes()), (Some(IfdName::new(IFD).unwrap()), ATR));
    Monitor::close(&monitor);
}

/// The handles of the test binary are watched as those of the library are: both run the function of `at_load`.
#[cfg(unix)]
#[test]
fn the_child_of_a_fork_has_none_of_its_connections() {
    let attachment = attach();
    let icc = attachment.icc().unwrap();
    // SAFETY: the child uses only what a fork leaves usable, and ends without destructors.
    match unsafe { libc::fork() } {
        -1 => panic!("no fork"),
        0 => {
            // SAFETY: as above. The signal ends a child that hangs.
            unsafe { libc::alarm(60) };
            let is_forgotten = !Loopback.has_icc(icc) && !attachment.is_of_this_process();
            let works = transmit(&attach()).is_ok();
            // SAFETY: as above.
            unsafe { libc::_exit(if is_forgotten && works { 0 } else { 1 }) }
        }
        child => {
            let mut status = -1;
            // SAFETY: a child of this process.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert_eq!(status, 0);
            assert!(Loopback.has_icc(icc) && transmit(&attachment).is_ok());
        }
    }
}
