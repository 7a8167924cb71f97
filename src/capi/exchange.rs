//! Exchanges with the card and with its reader.

use super::{attached, scm_handle, scm_result};
use crate::capi::boundary::{OutputBytes, guard, input};
use crate::iso7816::command;
use crate::resource_manager;

/// The longest response, in bytes: 65,536 of data and the two status bytes.
pub const SCM_RESPONSE_MAX: usize = 65538;
const _: () = assert!(SCM_RESPONSE_MAX == command::MAX_RESPONSE);

/// The longest command APDU, in bytes: header, extended Lc, 65,535 of data, extended Le.
pub const SCM_COMMAND_MAX: usize = 65544;
const _: () = assert!(SCM_COMMAND_MAX == command::MAX_COMMAND);

/// Sends one command APDU to the card, exactly as it is given and exactly once, and receives its response.
///
/// Nothing is added: no GET RESPONSE, no repetition, no chaining (ISO/IEC 7816-4), for which there is `scm_send`.
/// Whatever the status bytes say, the exchange has succeeded.
///
/// A response that does not fit is not lost: the call answers `SCM_SCARD_E_INSUFFICIENT_BUFFER`, `*response_length` is
/// what is needed, and `scm_get_last_response` gives the bytes without a word to the card. NULL with capacity 0 sends
/// the command and asks for the length only.
///
/// @param handle  the attachment
/// @param command  the command: CLA, INS, P1, P2, and what follows (ISO/IEC 7816-3, clause 12)
/// @param command_length  4 to `SCM_COMMAND_MAX` bytes; from 1 byte with the protocol RAW
/// @param response  [out] the response: data, SW1, SW2. May be the same memory as `command`.
/// @param capacity  the room in `response`; `SCM_RESPONSE_MAX` is always enough
/// @param response_length  [out] the length of the response, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: the card has answered.
/// - `SCM_E_POINTER`: `response_length` is NULL, or `response` is NULL with a capacity. Nothing was sent.
/// - `SCM_E_INVALIDARG`: `command` is NULL, too short or too long. Nothing was sent.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and its answer does not fit.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: no protocol is active (direct mode), or another application speaks
///   `SCM_PROTOCOL_RAW` with the card now, which pcscd allows. Nothing was sent.
/// - `SCM_SCARD_W_RESET_CARD`: someone else reset the card before. Nothing was sent; `scm_reconnect`.
/// - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, before the command or in the middle of it.
/// - `SCM_SCARD_F_COMM_ERROR`, `SCM_SCARD_E_NOT_TRANSACTED`, `SCM_SCARD_E_COMM_DATA_LOST`: the card is there and gave
///   no proper answer. Whether it carried the command out is not known; the generation has grown. The code may come up
///   to a second late, in which the card was given the time to be seen leaving. It may also be a card that was swapped
///   faster than the service looks (400 ms with pcsc-lite).
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
///
/// Blocks until the card answers, and before that while another application, or another attachment, holds a lock on the
/// card: `scm_transmit_ex` has a limit for that. Other threads
/// that use the same handle wait meanwhile. Two threads that share a handle may get each other's last response: an
/// attachment for each is better.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_transmit(
    handle: *mut scm_handle,
    command: *const u8,
    command_length: libc::size_t,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let response = unsafe { OutputBytes::new(response, capacity, response_length) }?;
        let attachment = attached(handle)?;
        // SAFETY: as the header says. The response may lie on the command: it is written when the command is done with.
        let command = unsafe { input(command, command_length) }?;
        attachment.transmit(command, |answer| response.fill(answer))
    })
}

/// Sends one command APDU to the card, as `scm_transmit` does, if the card can be had in time.
///
/// The card is locked for the exchange, unless it is locked already: a command that waits inside of the resource
/// manager could not be called back. So it takes three messages to the resource manager in place of one.
///
/// @param handle  the attachment
/// @param command  as for `scm_transmit`
/// @param command_length  as for `scm_transmit`
/// @param response  [out] as for `scm_transmit`
/// @param capacity  as for `scm_transmit`
/// @param response_length  [out] as for `scm_transmit`
/// @param timeout_ms  how long to wait for others to give the card back, in milliseconds: 0 not at all, `SCM_INFINITE`
///   without a limit. Once the card has the command, its answer is waited for, however long it takes.
///
/// @return as `scm_transmit`, and
/// - `SCM_SCARD_E_TIMEOUT`: others have had the card all the time, or the resource manager has not answered. Nothing
///   was sent, and nothing will be.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent, and nothing will be.
///
/// Blocks until the card answers, and before that for `timeout_ms` at the most, and some 200 ms more where the resource
/// manager is slow to answer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_transmit_ex(
    handle: *mut scm_handle,
    command: *const u8,
    command_length: libc::size_t,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
    timeout_ms: u32,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let response = unsafe { OutputBytes::new(response, capacity, response_length) }?;
        let attachment = attached(handle)?;
        // SAFETY: as for `scm_transmit`.
        let command = unsafe { input(command, command_length) }?;
        attachment.transmit_within(timeout_ms, command, |answer| response.fill(answer))
    })
}

/// The answer of the last `scm_transmit`, `scm_send` or `scm_control` on this attachment, once more, without asking
/// anyone. That of `scm_send` is all the data, however many exchanges they took, also those that nobody has expected,
/// and the status word. That may be more than `SCM_RESPONSE_MAX`, where the card goes on giving after the first
/// exchanges.
///
/// It is kept until the next exchange, however often it is asked for, so that an answer which did not fit its buffer is
/// not lost. After an exchange that failed, and before the first one, it is empty. Whatever else exchanges something
/// with the card leaves nothing in it that is worth reading.
///
/// @param handle  the attachment
/// @param response  [out] the bytes; NULL with capacity 0 asks for the length
/// @param capacity  the room in `response`
/// @param response_length  [out] the length of the answer
///
/// @return
/// - `SCM_S_OK`: given.
/// - `SCM_E_POINTER`: `response_length` is NULL, or `response` is NULL with a capacity.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; it is still kept.
/// - `SCM_SCARD_E_NOT_READY`: asked by a callback of a virtual card, in the middle of the exchange.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`: as everywhere.
///
/// Waits for a call that another thread is in on the same handle; asks neither card nor service.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_last_response(
    handle: *mut scm_handle,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let response = unsafe { OutputBytes::new(response, capacity, response_length) }?;
        attached(handle)?.last_response(|answer| response.fill(answer))
    })
}

/// Sends a control code to the reader, also without a card in direct mode (PC/SC part 3; features: part 10).
///
/// @param handle  the attachment
/// @param control_code  the code as the platform has it: `scm_ctl_code(function)`, or what the reader named as a
///   feature
/// @param input  what goes with the code; NULL with length 0 for nothing
/// @param input_length  its length, up to `SCM_COMMAND_MAX` bytes
/// @param output  [out] what the reader answers
/// @param capacity  the room in `output`
/// @param output_length  [out] the length of the answer, 0 after a failure
///
/// @return
/// - `SCM_S_OK`: the reader has answered.
/// - `SCM_E_POINTER`: `output_length` is NULL, or `output` is NULL with a capacity. Nothing was sent.
/// - `SCM_E_INVALIDARG`: `input` is NULL with a length, or too long. Nothing was sent.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader does not know this code.
/// - `SCM_SCARD_E_NOT_TRANSACTED`: the reader knows it and failed.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
/// - `SCM_E_HANDLE`, `SCM_E_UNEXPECTED`, and the other codes of a connection (see the top of this file).
///
/// Blocks as long as the reader takes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_control(
    handle: *mut scm_handle,
    control_code: u32,
    input: *const u8,
    input_length: libc::size_t,
    output: *mut u8,
    capacity: libc::size_t,
    output_length: *mut libc::size_t,
) -> scm_result {
    guard(|| {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(output, capacity, output_length) }?;
        let attachment = attached(handle)?;
        // SAFETY: as the header says; the output is written when the input is done with.
        let input = unsafe { self::input(input, input_length) }?;
        attachment.control(control_code, input, |answer| output.fill(answer))
    })
}

/// The control code of this platform for a function number: the macro `SCARD_CTL_CODE` of PC/SC.
///
/// @param function  the number, such as 3400 for CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10)
/// @return the code for `scm_control`
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_ctl_code(function: u32) -> u32 {
    resource_manager::pcsc::control_code(function)
}
