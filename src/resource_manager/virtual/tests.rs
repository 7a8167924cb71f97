//! Attachments on virtual readers with cards in Rust. The C tests check the same from outside, and the conformance test
//! compares with a real service.

mod callbacks;
mod cards;
mod service;
mod sharing;

use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::*;
use crate::abi::constants::Protocols;
use crate::arbiter::registry;
use crate::attachment::{Attachment, ReconnectRequest, Reconnected};
use crate::iso7816::atr::Atr;
use crate::resource_manager::managers;
use crate::runtime::fallible::Arc;

/// T=0 and T=1.
const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];
const OTHER_ATR: &[u8] = &[0x3B, 0x00];

/// There is one virtual service, so a test that stops it runs alone.
static SERVICE: Mutex<()> = Mutex::new(());

fn service() -> MutexGuard<'static, ()> {
    SERVICE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A reader with a name of its own, unplugged at the end of its test.
struct TestReader {
    ifd: IfdNumber,
    name: IfdName,
    _service: MutexGuard<'static, ()>,
}

fn make() -> Make {
    driven_by(None, std::ptr::null_mut())
}

fn driven_by(control: Option<answer::Control>, user: *mut c_void) -> Make {
    let callbacks = DriverCallbacks { user, control, release: None };
    let driver = Arc::try_new(Driver::new(callbacks)).unwrap();
    Make { vendor: IfdName::new(b"Vendor").unwrap(), attributes: Attributes::default(), driver, log_capacity: 1 << 16 }
}

impl TestReader {
    fn new() -> TestReader {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let service = service();
        let text = format!("TestReader {}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let name = IfdName::new(text.as_bytes()).unwrap();
        let ifd = create(name, make()).unwrap();
        TestReader { ifd, name, _service: service }
    }

    fn with_card() -> (TestReader, &'static Behaviour) {
        let bench = TestReader::new();
        let behaviour = bench.insert(ATR);
        (bench, behaviour)
    }

    fn insert(&self, atr: &[u8]) -> &'static Behaviour {
        let behaviour = Behaviour::new();
        insert(self.ifd, behaviour.card(atr, None)).unwrap();
        behaviour
    }

    fn attach(&self) -> Attachment {
        self.attach_with(Access::default()).unwrap()
    }

    fn attach_with(&self, access: Access) -> Result<Attachment> {
        Attachment::by_ifd(managers::of_ifd(&self.name)?, self.name, access, None)
    }

    fn log(&self) -> String {
        let mut text = log(self.ifd).unwrap();
        assert_eq!(text.pop(), Some(0));
        String::from_utf8(text).unwrap()
    }
}

impl Drop for TestReader {
    fn drop(&mut self) {
        let _ = destroy(self.ifd);
    }
}

const EXCLUSIVE: Access = Access { share_mode: ShareMode::Exclusive, protocols: Protocols::Any };
const DIRECT: Access = Access { share_mode: ShareMode::Direct, protocols: Protocols::Any };

type During = Box<dyn FnMut() + Send>;

/// How a card behaves, and the calls that it got.
#[derive(Default)]
struct Behaviour {
    events: Mutex<Vec<u32>>,
    released: AtomicU32,
    mute: AtomicU32,
    fails: AtomicU32,
    /// Runs in the middle of each exchange.
    during: Mutex<Option<During>>,
}

impl Behaviour {
    /// A reference for LeakSanitizer.
    fn new() -> &'static Behaviour {
        static KEPT: Mutex<Vec<&'static Behaviour>> = Mutex::new(Vec::new());
        let behaviour: &'static Behaviour = Box::leak(Box::default());
        KEPT.lock().unwrap().push(behaviour);
        behaviour
    }

    fn card(&'static self, atr: &[u8], protocols: Option<Protocols>) -> VirtualCard {
        let user = std::ptr::from_ref(self).cast_mut().cast();
        let callbacks = CardCallbacks {
            user,
            transmit: answer,
            power: Some(power_changed),
            control: Some(control),
            release: Some(release),
        };
        VirtualCard::new(Atr::new(atr), protocols, callbacks)
    }

    fn during_exchange(&self, act: impl FnMut() + Send + 'static) {
        *self.during.lock().unwrap() = Some(Box::new(act));
    }

    fn events(&self) -> Vec<u32> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

fn behaviour(user: *mut c_void) -> &'static Behaviour {
    // SAFETY: all cards of these tests have a Behaviour that is never freed.
    unsafe { &*user.cast::<Behaviour>() }
}

/// Answers with the last byte of the command and 9000.
unsafe extern "C-unwind" fn answer(
    user: *mut c_void,
    command: *const u8,
    length: usize,
    response: *mut u8,
    capacity: usize,
    response_length: *mut usize,
) -> i32 {
    let behaviour = behaviour(user);
    let act = behaviour.during.lock().unwrap().take();
    if let Some(mut act) = act {
        act();
    }
    if behaviour.fails.load(Ordering::Relaxed) > 0 {
        return Hresult::E_FAIL.0;
    }
    assert!(capacity >= 3 && length > 0);
    // SAFETY: the buffers have the given lengths.
    unsafe {
        std::ptr::copy_nonoverlapping([*command.add(length - 1), 0x90, 0x00].as_ptr(), response, 3);
        *response_length = 3;
    }
    0
}

unsafe extern "C-unwind" fn power_changed(user: *mut c_void, event: u32) -> i32 {
    let behaviour = behaviour(user);
    behaviour.events.lock().unwrap().push(event);
    match behaviour.mute.load(Ordering::Relaxed) {
        0 => 0,
        _ => Hresult::E_FAIL.0,
    }
}

unsafe extern "C-unwind" fn control(
    _: *mut c_void,
    code: u32,
    _: *const u8,
    _: usize,
    output: *mut u8,
    capacity: usize,
    output_length: *mut usize,
) -> i32 {
    match code {
        1 => {
            // SAFETY: there is room for one byte.
            unsafe { (*output, *output_length) = (0x42, 1) };
            0
        }
        2 => {
            // SAFETY: the length is ours to write; it is wrong on purpose.
            unsafe { *output_length = capacity + 1 };
            0
        }
        3 => Hresult::E_FAIL.0,
        5 => Hresult::SCARD_E_UNSUPPORTED_FEATURE.0,
        _ => Hresult::E_NOTIMPL.0,
    }
}

unsafe extern "C-unwind" fn release(user: *mut c_void) {
    behaviour(user).released.fetch_add(1, Ordering::Relaxed);
}

fn transmit(attachment: &Attachment) -> Result<Vec<u8>> {
    attachment.transmit(&[0, 0xEC, 0, 7], |answer| Ok(answer.to_vec()))
}

fn answered() -> Result<Vec<u8>> {
    Ok(vec![7, 0x90, 0x00])
}

const RESET: ReconnectRequest =
    ReconnectRequest { share_mode: None, protocols: None, initial: Disposition::Reset, limit_ms: SCM_INFINITE };

fn failure(operation: Operation, code: Hresult) -> Failure {
    Failure { operation, answer: Err(code), skip: 0, count: 1, delay: Duration::ZERO }
}
