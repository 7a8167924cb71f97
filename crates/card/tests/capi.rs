//! The C interface, as C calls it.

use std::ffi::{CString, c_char, c_void};
use std::ptr::{null, null_mut};
use std::thread;

use scm_card::capi::*;

const S_OK: i32 = 0;
const S_FALSE: i32 = 1;
const E_POINTER: i32 = 0x8000_4003_u32 as i32;
const E_HANDLE: i32 = 0x8007_0006_u32 as i32;
const E_INVALIDARG: i32 = 0x8007_0057_u32 as i32;
const INSUFFICIENT_BUFFER: i32 = 0x8010_0008_u32 as i32;
const UNRESPONSIVE_CARD: i32 = 0x8010_0066_u32 as i32;
const REMOVED_CARD: i32 = 0x8010_0069_u32 as i32;

const ATR: [u8; 7] = [0x3B, 0x83, 0x01, 0x73, 0x63, 0x6D, 0xFF];
const SELECT_MF: [u8; 4] = [0x00, 0xA4, 0x00, 0x0C];

/// A card that is ended with the test.
struct Held(*mut ScmCard);

impl Held {
    fn new(description: &str) -> Held {
        let (text, mut card) = (CString::new(description).unwrap(), null_mut());
        // SAFETY: text with a NUL, and a place for the card.
        assert_eq!(unsafe { scm_card_create(text.as_ptr(), &mut card) }, S_OK);
        assert!(!card.is_null());
        Held(card)
    }

    fn steerable() -> Held {
        Held::new("steerable")
    }

    fn transmit(&self, command: &[u8]) -> Result<Vec<u8>, i32> {
        transmit(self.0.cast(), command, 0xFFFF)
    }

    fn power(&self, event: u32) -> i32 {
        // SAFETY: a handle is a number.
        unsafe { scm_card_power(self.0.cast(), event) }
    }

    fn tell(&self, line: &str) -> (i32, String) {
        let (text, mut answer, mut length) = (CString::new(line).unwrap(), [1u8; 200], 77);
        // SAFETY: text with a NUL, and a buffer as long as is said.
        let result =
            unsafe { scm_card_tell(self.0, text.as_ptr(), answer.as_mut_ptr().cast(), answer.len(), &mut length) };
        assert_eq!(answer[length - 1], 0);
        (result, String::from_utf8(answer[..length - 1].to_vec()).unwrap())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // SAFETY: a handle is a number.
        assert_eq!(unsafe { scm_card_destroy(self.0) }, S_OK);
    }
}

fn transmit(user: *mut c_void, command: &[u8], capacity: usize) -> Result<Vec<u8>, i32> {
    let (mut response, mut length) = (vec![0; capacity], 77);
    // SAFETY: both buffers are as long as is said.
    let result = unsafe {
        scm_card_transmit(user, command.as_ptr(), command.len(), response.as_mut_ptr(), capacity, &mut length)
    };
    if result != S_OK {
        assert!(length == 0 || result == INSUFFICIENT_BUFFER);
        return Err(result);
    }
    response.truncate(length);
    Ok(response)
}

fn check(description: *const c_char) -> (i32, String) {
    let (mut error, mut length) = ([1u8; 500], 77);
    // SAFETY: NULL or text with a NUL, and a buffer as long as is said.
    let result = unsafe { scm_card_check(description, error.as_mut_ptr().cast(), error.len(), &mut length) };
    (result, String::from_utf8_lossy(&error[..length.saturating_sub(1)]).into())
}

#[test]
fn a_card_answers_and_is_steered() {
    let card = Held::steerable();
    assert_eq!(card.power(1), S_OK);
    assert_eq!(card.transmit(&SELECT_MF), Ok(vec![0x90, 0x00]));
    assert_eq!(card.tell("answer 00A4 6A82"), (S_OK, "ok".into()));
    assert_eq!(card.transmit(&SELECT_MF), Ok(vec![0x6A, 0x82]));
    assert_eq!(card.tell("log"), (S_OK, "ok 00A4000C 00A4000C".into()));
    assert_eq!(card.tell("jump"), (S_FALSE, "error unknown order: jump".into()));
    assert_eq!((card.power(2), card.power(0), card.power(3)), (S_OK, S_OK, E_INVALIDARG));
    assert_eq!(card.tell("events"), (S_OK, "ok on=1 off=1 reset=1".into()));
}

#[test]
fn out_or_mute_it_says_so() {
    let card = Held::steerable();
    card.tell("drop");
    assert_eq!(card.transmit(&SELECT_MF), Err(REMOVED_CARD));
    assert_eq!((card.power(1), card.power(0)), (REMOVED_CARD, S_OK));
    card.tell("plug");
    card.tell("mute");
    assert_eq!((card.power(1), card.power(2), card.power(0)), (UNRESPONSIVE_CARD, UNRESPONSIVE_CARD, S_OK));
    card.tell("unmute");
    assert_eq!(card.power(1), S_OK);
}

#[test]
fn a_command_that_waits_is_let_go_by_another_thread() {
    let card = Held::steerable();
    card.tell("delay 3600000");
    thread::scope(|scope| {
        let token = card.0 as usize;
        let waiting = scope.spawn(move || transmit(token as *mut c_void, &SELECT_MF, 2));
        while card.tell("count").1 != "ok 1" {
            thread::yield_now();
        }
        card.tell("delay 0");
        assert_eq!(waiting.join().unwrap(), Ok(vec![0x90, 0x00]));
    });
}

#[test]
fn a_card_is_described_to_a_virtual_reader() {
    let card = Held::steerable();
    let mut plug = [0usize; 16];
    let size = size_of::<ScmVirtualCard>() as u32;
    let place = plug.as_mut_ptr();
    // SAFETY: the structure is no larger than the array, and begins with its size.
    unsafe {
        place.cast::<u32>().write(size);
        assert_eq!(scm_card_plug(card.0, place.cast()), S_OK);
        let virtual_card = &*place.cast::<ScmVirtualCard>();
        assert_eq!((virtual_card.struct_size, virtual_card.protocols), (size, 0));
        assert_eq!(std::slice::from_raw_parts(virtual_card.atr, virtual_card.atr_length), ATR);
        assert_eq!(virtual_card.power.unwrap()(virtual_card.user_data, 1), S_OK);
        assert!(virtual_card.transmit.is_some() && virtual_card.control.is_none() && virtual_card.release.is_none());
        place.cast::<u32>().write(size - 1);
        assert_eq!(scm_card_plug(card.0, place.cast()), E_INVALIDARG);
        assert_eq!(scm_card_plug(card.0, null_mut()), E_POINTER);
    }
}

#[test]
fn a_handle_that_is_none_is_told() {
    let ended = Held::steerable().0;
    let on_the_stack = 0u64;
    for card in [null_mut(), ended, (&raw const on_the_stack).cast_mut().cast()] {
        assert_eq!(transmit(card.cast(), &SELECT_MF, 9), Err(E_HANDLE));
        let (mut length, mut byte) = (77, 0u8);
        // SAFETY: a handle is a number, and the buffers are as long as is said.
        unsafe {
            assert_eq!(scm_card_destroy(card), E_HANDLE);
            scm_card_release(card.cast());
            assert_eq!(scm_card_power(card.cast(), 0), E_HANDLE);
            assert_eq!(scm_card_get_atr(card, &mut byte, 1, &mut length), E_HANDLE);
            assert_eq!(scm_card_tell(card, c"log".as_ptr(), null_mut(), 0, &mut length), E_HANDLE);
        }
        assert_eq!(length, 0);
    }
}

#[test]
fn lengths_are_asked_for_and_buffers_too_small() {
    let card = Held::steerable();
    let (mut atr, mut length) = ([0; 7], 0);
    // SAFETY: the buffers are as long as is said.
    unsafe {
        assert_eq!((scm_card_get_atr(card.0, null_mut(), 0, &mut length), length), (S_OK, 7));
        assert_eq!((scm_card_get_atr(card.0, atr.as_mut_ptr(), 6, &mut length), length), (INSUFFICIENT_BUFFER, 7));
        assert_eq!((scm_card_get_atr(card.0, atr.as_mut_ptr(), 7, &mut length), length, atr), (S_OK, 7, ATR));
        assert_eq!(scm_card_get_atr(card.0, null_mut(), 1, &mut length), E_POINTER);
        assert_eq!(scm_card_get_atr(card.0, null_mut(), 0, null_mut()), E_POINTER);
        assert_eq!((scm_card_tell(card.0, c"count".as_ptr(), null_mut(), 0, &mut length), length), (S_OK, 5));
        assert_eq!(scm_card_tell(card.0, null(), null_mut(), 0, &mut length), E_INVALIDARG);
        let user = card.0.cast();
        assert_eq!(scm_card_transmit(user, SELECT_MF.as_ptr(), 4, null_mut(), 0, &mut length), E_POINTER);
        assert_eq!(scm_card_transmit(user, null(), 4, atr.as_mut_ptr(), 7, &mut length), E_INVALIDARG);
        assert_eq!(scm_card_transmit(user, null(), 0, atr.as_mut_ptr(), 7, &mut length), S_OK);
    }
    assert_eq!((length, &atr[..2]), (2, &[0x67, 0x00][..]));
    assert_eq!(transmit(card.0.cast(), &SELECT_MF, 1), Err(INSUFFICIENT_BUFFER));
}

#[test]
fn a_description_is_checked() {
    assert_eq!(check(null()), (S_OK, String::new()));
    assert_eq!(check(c"channels = 3".as_ptr()), (S_OK, String::new()));
    let (result, error) = check(c"chanels = 3".as_ptr());
    assert!(result == S_FALSE && error.contains("chanels") && error.contains("line 1"), "{error}");
    assert_eq!(check(c"channels = 0".as_ptr()), (S_FALSE, "channels: there are 1 to 20 channels".into()));
    assert_eq!(check(c"\xFF".as_ptr()), (E_INVALIDARG, String::new()));
    let mut card = std::ptr::dangling_mut();
    // SAFETY: text with a NUL, and a place for the card.
    assert_eq!(unsafe { scm_card_create(c"channels = 0".as_ptr(), &mut card) }, E_INVALIDARG);
    assert!(card.is_null());
    // SAFETY: NULL is refused.
    assert_eq!(unsafe { scm_card_create(null(), null_mut()) }, E_POINTER);
}
