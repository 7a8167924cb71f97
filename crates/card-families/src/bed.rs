//! The readers that cards are played in: virtual ones of libscm, and one of vpcd in a private stack (`crates/stack`).

use std::ffi::{CString, c_void};
use std::io::{BufRead, BufReader, Write};
use std::mem::zeroed;
use std::os::unix::net::UnixStream;
use std::ptr::{null, null_mut};
use std::slice;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use scm::abi::hresult::scm_result;
use scm::capi::virtual_ifd::{
    scm_virtual_card, scm_virtual_ifd, scm_virtual_ifd_create, scm_virtual_ifd_destroy, scm_virtual_ifd_insert,
};
use vpcd::{Plug, Wire};
use vpicc::VSmartCard;

use crate::actor::Actor;

/// A card that somebody may look at while it is in its reader.
pub type SharedActor = Arc<Mutex<Actor>>;

pub fn locked(actor: &SharedActor) -> MutexGuard<'_, Actor> {
    actor.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Bed {
    Virtual,
    Pcscd,
}

/// A card in a reader. Dropping it takes the card out.
pub enum Inserted {
    Virtual { name: String, ifd: *mut scm_virtual_ifd },
    Pcscd { name: String, wire: Wire, card: Option<JoinHandle<()>> },
}

impl Bed {
    pub fn insert(self, actor: &SharedActor, atr: &[u8]) -> Result<Inserted, String> {
        match self {
            Bed::Virtual => insert_virtually(actor, atr),
            Bed::Pcscd => insert_really(actor, atr),
        }
    }
}

impl Inserted {
    pub fn ifd(&self) -> &str {
        match self {
            Inserted::Virtual { name, .. } | Inserted::Pcscd { name, .. } => name,
        }
    }
}

impl Drop for Inserted {
    fn drop(&mut self) {
        match self {
            // SAFETY: it is a handle.
            Inserted::Virtual { ifd, .. } => unsafe {
                scm_virtual_ifd_destroy(*ifd);
            },
            Inserted::Pcscd { wire, card, .. } => {
                // It fails where the reader has gone, and then the card is out.
                let _ = wire.cut();
                let _ = card.take().map(JoinHandle::join);
                // The next card would not be seen as another one.
                let _ = order("await 0 empty");
            }
        }
    }
}

fn insert_virtually(actor: &SharedActor, atr: &[u8]) -> Result<Inserted, String> {
    static READERS: AtomicUsize = AtomicUsize::new(0);
    let name = format!("Cards {}", READERS.fetch_add(1, Ordering::Relaxed));
    let c_name = CString::new(&*name).map_err(|error| error.to_string())?;
    let mut ifd = null_mut();
    // SAFETY: the structure is filled in as the header says, and `release` gives back what `user` holds.
    let code = unsafe {
        let mut card: scm_virtual_card = zeroed();
        card.struct_size = size_of::<scm_virtual_card>() as u32;
        (card.atr, card.atr_length) = (atr.as_ptr(), atr.len());
        card.user_data = Arc::into_raw(Arc::clone(actor)).cast_mut().cast();
        card.transmit = Some(transmit);
        card.power = Some(power);
        card.release = Some(release);
        match scm_virtual_ifd_create(c_name.as_ptr(), null(), &mut ifd) {
            0 => scm_virtual_ifd_insert(ifd, &card),
            code => code,
        }
    };
    match code {
        0 => Ok(Inserted::Virtual { name, ifd }),
        code => Err(format!("the card cannot be put in: {}", crate::code::name(code))),
    }
}

unsafe extern "C-unwind" fn transmit(
    user: *mut c_void,
    command: *const u8,
    command_length: usize,
    response: *mut u8,
    capacity: usize,
    response_length: *mut usize,
) -> scm_result {
    // SAFETY: the header says what the arguments are; `user` is from `insert_virtually`.
    unsafe {
        let actor: &Mutex<Actor> = &*user.cast();
        let command = slice::from_raw_parts(command, command_length);
        let answer = actor.lock().unwrap_or_else(PoisonError::into_inner).answer(command);
        let length = answer.len().min(capacity);
        response.copy_from_nonoverlapping(answer.as_ptr(), length);
        *response_length = length;
    }
    0
}

unsafe extern "C-unwind" fn power(user: *mut c_void, _event: u32) -> scm_result {
    // SAFETY: `user` is from `insert_virtually`.
    let actor: &Mutex<Actor> = unsafe { &*user.cast() };
    actor.lock().unwrap_or_else(PoisonError::into_inner).reset();
    0
}

unsafe extern "C-unwind" fn release(user: *mut c_void) {
    // SAFETY: `user` is from `insert_virtually`, and this is called once.
    drop(unsafe { Arc::from_raw(user.cast::<Mutex<Actor>>()) });
}

/// The card in a reader of vpcd.
struct Socket {
    actor: SharedActor,
    atr: Vec<u8>,
}

impl VSmartCard for Socket {
    fn atr(&self) -> &[u8] {
        &self.atr
    }

    fn power_on(&mut self) {
        locked(&self.actor).reset();
    }

    fn power_off(&mut self) {
        locked(&self.actor).reset();
    }

    fn reset(&mut self) {
        locked(&self.actor).reset();
    }

    fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
        locked(&self.actor).answer(apdu)
    }
}

fn insert_really(actor: &SharedActor, atr: &[u8]) -> Result<Inserted, String> {
    let port = order("port 0")?.parse().map_err(|_| "the stack does not tell the port of its reader")?;
    let plug = Plug::insert(port).map_err(|error| error.to_string())?;
    let wire = plug.wire().map_err(|error| error.to_string())?;
    let mut socket = Socket { actor: Arc::clone(actor), atr: atr.to_vec() };
    let card = Some(thread::spawn(move || plug.run(&mut socket)));
    order("await 0 present")?;
    Ok(Inserted::Pcscd { name: order("ifd 0")?, wire, card })
}

/// Tells the stack something, and gives its answer.
fn order(line: &str) -> Result<String, String> {
    let path = std::env::var_os("SCM_STACK").ok_or("SCM_STACK is not set: run me by scm-stack")?;
    let mut answer = String::new();
    let mut ask = || {
        let mut stack = UnixStream::connect(&path)?;
        writeln!(stack, "{line}")?;
        BufReader::new(stack).read_line(&mut answer)
    };
    ask().map_err(|error| format!("the stack, told \"{line}\": {error}"))?;
    match answer.trim_end().split_at_checked(2) {
        Some(("ok", value)) => Ok(value.trim_start().into()),
        _ => Err(format!("the stack, told \"{line}\": {answer}")),
    }
}
