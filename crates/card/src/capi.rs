//! The C interface, `include/scm_card.h`: check, look up, call, translate. A card is known to C by a token, never by its
//! address, so a handle that is stale, foreign or NULL gives `E_HANDLE` and nothing worse.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::profile::{Profile, ProfileError};
use crate::steering::Event;
use crate::test_card::{Silence, TestCard};

/// A result as `scm.h` has it. libscm_card takes only the values from there: it does not link to libscm.
type ScmResult = i32;
type Result<T> = std::result::Result<T, ScmResult>;

const S_OK: ScmResult = 0;
const S_FALSE: ScmResult = 1;
const E_POINTER: ScmResult = 0x8000_4003_u32 as i32;
const E_UNEXPECTED: ScmResult = 0x8000_FFFF_u32 as i32;
const E_HANDLE: ScmResult = 0x8007_0006_u32 as i32;
const E_OUTOFMEMORY: ScmResult = 0x8007_000E_u32 as i32;
const E_INVALIDARG: ScmResult = 0x8007_0057_u32 as i32;
const SCARD_E_INSUFFICIENT_BUFFER: ScmResult = 0x8010_0008_u32 as i32;
const SCARD_W_UNRESPONSIVE_CARD: ScmResult = 0x8010_0066_u32 as i32;
const SCARD_W_REMOVED_CARD: ScmResult = 0x8010_0069_u32 as i32;

const POWER_OFF: u32 = 0;
const POWER_ON: u32 = 1;
const POWER_RESET: u32 = 2;

/// A card, as C knows it.
#[repr(C)]
pub struct ScmCard {
    _opaque: [u8; 0],
}

/// `scm_virtual_card` of `scm_virtual.h`.
#[repr(C)]
pub struct ScmVirtualCard {
    pub struct_size: u32,
    pub protocols: u32,
    pub atr: *const u8,
    pub atr_length: usize,
    pub user_data: *mut c_void,
    pub transmit: Option<unsafe extern "C" fn(*mut c_void, *const u8, usize, *mut u8, usize, *mut usize) -> ScmResult>,
    pub power: Option<unsafe extern "C" fn(*mut c_void, u32) -> ScmResult>,
    pub control:
        Option<unsafe extern "C" fn(*mut c_void, u32, *const u8, usize, *mut u8, usize, *mut usize) -> ScmResult>,
    pub release: Option<unsafe extern "C" fn(*mut c_void)>,
}

/// The cards that C holds.
struct Table {
    cards: BTreeMap<usize, Arc<TestCard>>,
    last: usize,
}

static TABLE: Mutex<Table> = Mutex::new(Table { cards: BTreeMap::new(), last: 0 });

/// No code of ours can panic while it holds the table.
fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    /// Odd numbers, which no aligned pointer is; none comes twice.
    fn insert(&mut self, card: TestCard) -> Result<usize> {
        let token = self.last.checked_add(2).ok_or(E_OUTOFMEMORY)? | 1;
        self.last = token;
        self.cards.insert(token, Arc::new(card));
        Ok(token)
    }
}

fn look_up<T>(card: *const T) -> Result<Arc<TestCard>> {
    table().cards.get(&(card as usize)).cloned().ok_or(E_HANDLE)
}

/// Runs the body of an exported function. No panic crosses the interface.
fn guard(body: impl FnOnce() -> Result<ScmResult>) -> ScmResult {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(Err(E_UNEXPECTED)).unwrap_or_else(|code| code)
}

/// The bytes of an input. NULL is good for nothing but an empty one.
///
/// # Safety
/// `data` is NULL or has `length` readable bytes, which nobody writes during the call.
unsafe fn input<'a>(data: *const u8, length: usize) -> Result<&'a [u8]> {
    if length == 0 {
        return Ok(&[]);
    }
    if data.is_null() || isize::try_from(length).is_err() {
        return Err(E_INVALIDARG);
    }
    // SAFETY: not NULL, and as long as the caller vouches for.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// The text of an input.
///
/// # Safety
/// `text` is NULL or ends with a NUL, and nobody writes it during the call.
unsafe fn text<'a>(text: *const c_char) -> Result<&'a str> {
    if text.is_null() {
        return Err(E_INVALIDARG);
    }
    // SAFETY: not NULL, and ended as the caller vouches for.
    unsafe { CStr::from_ptr(text) }.to_str().map_err(|_| E_INVALIDARG)
}

/// The description that C gives: NULL is the default card, and the name of a built-in profile stands for its text.
///
/// # Safety
/// As for `text`.
unsafe fn profile(description: *const c_char) -> Result<std::result::Result<Profile, ProfileError>> {
    let given = if description.is_null() {
        "default"
    } else {
        // SAFETY: as the caller vouches for.
        unsafe { text(description) }?
    };
    Ok(Profile::from_toml(Profile::built_in(given).unwrap_or(given)))
}

/// An output of bytes: a buffer, its capacity, and where its length goes, which is 0 until something is handed out.
struct Output {
    buffer: *mut u8,
    capacity: usize,
    length: *mut usize,
}

impl Output {
    /// # Safety
    /// `buffer` is NULL or has `capacity` writable bytes, and `length` is NULL or may be written, during the call.
    unsafe fn new(buffer: *mut u8, capacity: usize, length: *mut usize) -> Result<Output> {
        if length.is_null() {
            return Err(E_POINTER);
        }
        // SAFETY: not NULL; the rest the caller vouches for.
        unsafe { length.write(0) };
        if buffer.is_null() && capacity > 0 {
            return Err(E_POINTER);
        }
        Ok(Output { buffer, capacity, length })
    }

    /// Hands out `bytes`, or the length that they need; NULL only asks for that.
    fn fill(self, bytes: &[u8]) -> ScmResult {
        // SAFETY: checked in `new`, and still the same call.
        unsafe { self.length.write(bytes.len()) };
        if self.buffer.is_null() {
            return S_OK;
        }
        if bytes.len() > self.capacity {
            return SCARD_E_INSUFFICIENT_BUFFER;
        }
        // SAFETY: the buffer has room for them, and is no part of this library's memory.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.buffer, bytes.len()) };
        S_OK
    }

    /// Hands out `text` with a NUL.
    fn fill_text(self, text: &str) -> ScmResult {
        self.fill(&[text.as_bytes(), &[0]].concat())
    }
}

fn code(silence: Silence) -> ScmResult {
    match silence {
        Silence::Out => SCARD_W_REMOVED_CARD,
        Silence::Mute => SCARD_W_UNRESPONSIVE_CARD,
    }
}

/// Makes a card; documented in `scm_card.h`, as are all of these.
///
/// # Safety
/// `description` is NULL or text with a NUL; `card` is NULL or may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_create(description: *const c_char, card: *mut *mut ScmCard) -> ScmResult {
    guard(|| {
        if card.is_null() {
            return Err(E_POINTER);
        }
        // SAFETY: not NULL; the rest the caller vouches for.
        unsafe { card.write(std::ptr::null_mut()) };
        // SAFETY: as the caller vouches for.
        let profile = unsafe { profile(description) }?.map_err(|_| E_INVALIDARG)?;
        let token = table().insert(TestCard::new(&profile).map_err(|_| E_INVALIDARG)?)?;
        // SAFETY: as above.
        unsafe { card.write(std::ptr::without_provenance_mut(token)) };
        Ok(S_OK)
    })
}

/// Tells what is wrong with a description.
///
/// # Safety
/// `description` is NULL or text with a NUL; `error` and `error_length` are as `Output::new` needs them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_check(
    description: *const c_char,
    error: *mut c_char,
    capacity: usize,
    error_length: *mut usize,
) -> ScmResult {
    guard(|| {
        // SAFETY: as the caller vouches for.
        let output = unsafe { Output::new(error.cast(), capacity, error_length) }?;
        // SAFETY: as the caller vouches for.
        let made = unsafe { profile(description) }?.and_then(|profile| TestCard::new(&profile));
        let text = made.as_ref().err().map_or("", |error| &error.0);
        match output.fill_text(text) {
            S_OK if made.is_err() => Ok(S_FALSE),
            result => Ok(result),
        }
    })
}

/// Ends a card. A call that is still in it ends as if it were there.
///
/// # Safety
/// None: a handle is a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_destroy(card: *mut ScmCard) -> ScmResult {
    guard(|| {
        let ended = table().cards.remove(&(card as usize)).ok_or(E_HANDLE)?;
        // A command that waits need not wait any longer.
        ended.tell("forget");
        Ok(S_OK)
    })
}

/// `scm_card_destroy` with the signature of `scm_virtual_card.release`.
///
/// # Safety
/// None: a handle is a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_release(user: *mut c_void) {
    // SAFETY: nothing is asked of a handle.
    unsafe { scm_card_destroy(user.cast()) };
}

/// The ATR.
///
/// # Safety
/// `atr` and `atr_length` are as `Output::new` needs them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_get_atr(
    card: *mut ScmCard,
    atr: *mut u8,
    capacity: usize,
    atr_length: *mut usize,
) -> ScmResult {
    guard(|| {
        // SAFETY: as the caller vouches for.
        let output = unsafe { Output::new(atr, capacity, atr_length) }?;
        Ok(output.fill(look_up(card)?.atr()))
    })
}

/// Sends a command to the card.
///
/// # Safety
/// `command` has `command_length` readable bytes; `response` and `response_length` are as `Output::new` needs them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_transmit(
    user: *mut c_void,
    command: *const u8,
    command_length: usize,
    response: *mut u8,
    capacity: usize,
    response_length: *mut usize,
) -> ScmResult {
    guard(|| {
        // SAFETY: as the caller vouches for.
        let output = unsafe { Output::new(response, capacity, response_length) }?;
        let card = look_up(user)?;
        if response.is_null() {
            return Err(E_POINTER);
        }
        // SAFETY: as the caller vouches for.
        let command = unsafe { input(command, command_length) }?;
        Ok(output.fill(&card.transmit(command).map_err(code)?))
    })
}

/// Switches the card on or off, or resets it.
///
/// # Safety
/// None: a handle is a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_power(user: *mut c_void, event: u32) -> ScmResult {
    guard(|| {
        let card = look_up(user)?;
        let event = match event {
            POWER_OFF => Event::PowerOff,
            POWER_ON => Event::PowerOn,
            POWER_RESET => Event::Reset,
            _ => return Err(E_INVALIDARG),
        };
        card.power(event).map_err(code)?;
        Ok(S_OK)
    })
}

/// Steers the card.
///
/// # Safety
/// `line` is NULL or text with a NUL; `answer` and `answer_length` are as `Output::new` needs them.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_tell(
    card: *mut ScmCard,
    line: *const c_char,
    answer: *mut c_char,
    capacity: usize,
    answer_length: *mut usize,
) -> ScmResult {
    guard(|| {
        // SAFETY: as the caller vouches for.
        let output = unsafe { Output::new(answer.cast(), capacity, answer_length) }?;
        let card = look_up(card)?;
        // SAFETY: as the caller vouches for.
        let told = card.tell(unsafe { text(line) }?);
        match output.fill_text(&told) {
            S_OK if told.starts_with("error") => Ok(S_FALSE),
            result => Ok(result),
        }
    })
}

/// Describes the card to `scm_virtual_ifd_insert`.
///
/// # Safety
/// `virtual_card` is NULL or points to a structure of the size it says, which may be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn scm_card_plug(card: *mut ScmCard, virtual_card: *mut ScmVirtualCard) -> ScmResult {
    guard(|| {
        if virtual_card.is_null() {
            return Err(E_POINTER);
        }
        // SAFETY: the structure begins with its size.
        let size = unsafe { virtual_card.cast::<u32>().read_unaligned() };
        let known = size_of::<ScmVirtualCard>();
        if (size as usize) < known {
            return Err(E_INVALIDARG);
        }
        // SAFETY: as large as its size says, and all zeroes are a value of it.
        unsafe { virtual_card.cast::<u8>().write_bytes(0, known) };
        let found = look_up(card)?;
        let plugged = ScmVirtualCard {
            struct_size: known as u32,
            protocols: 0,
            atr: found.atr().as_ptr(),
            atr_length: found.atr().len(),
            user_data: card.cast(),
            transmit: Some(scm_card_transmit),
            power: Some(scm_card_power),
            control: None,
            release: None,
        };
        // SAFETY: as large as checked.
        unsafe { virtual_card.write_unaligned(plugged) };
        Ok(S_OK)
    })
}
