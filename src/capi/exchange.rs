//! Exchanges with the card and with its reader.

use super::{attached, attached_inlined, scm_handle, scm_result};
use crate::capi::boundary::{OfArgument, OutputBytes, guard, input, input_inlined};
use crate::iso7816::command;
use crate::resource_manager;

/// The longest response, in bytes: 65,536 bytes of data and the two status bytes.
pub const SCM_RESPONSE_MAX: usize = 65538;
const _: () = assert!(SCM_RESPONSE_MAX == command::MAX_RESPONSE);

/// The longest command APDU, in bytes: header, extended Lc, 65,535 bytes of data, extended Le.
pub const SCM_COMMAND_MAX: usize = 65544;
const _: () = assert!(SCM_COMMAND_MAX == command::MAX_COMMAND);

/// Sends one command APDU to the card, exactly as it is given and exactly once, and receives the response.
///
/// The library adds nothing: no GET RESPONSE, no repetition, no chaining; `scm_send` does these. The exchange succeeds
/// whatever the status bytes say.
///
/// A response that does not fit is not lost: `scm_get_last_response` gives it without asking the card again. NULL with
/// capacity 0 sends the command and asks only for the length of the response.
///
/// @param handle  the attachment
/// @param command  the command: CLA, INS, P1, P2, and what follows (ISO/IEC 7816-3, clause 12)
/// @param command_length  4 to `SCM_COMMAND_MAX` bytes; from 1 byte with `SCM_PROTOCOL_RAW`
/// @param response  [out] the response: data, SW1, SW2. May be the same memory as `command`.
/// @param capacity  the room in `response`; `SCM_RESPONSE_MAX` is always enough
/// @param response_length  [out] the length of the response, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: the card has answered.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the card has answered, and the response does not fit.
/// - `SCM_SCARD_E_PROTO_MISMATCH`: no protocol is active (direct mode), or another application speaks
///   `SCM_PROTOCOL_RAW` with the card, which pcscd allows. Nothing was sent.
/// - `SCM_SCARD_W_RESET_CARD`: another application has reset the card. Nothing was sent; call `scm_reconnect`.
/// - `SCM_SCARD_W_REMOVED_CARD`: the card was taken out, before or during the command.
/// - `SCM_SCARD_F_COMM_ERROR`, `SCM_SCARD_E_NOT_TRANSACTED`, `SCM_SCARD_E_COMM_DATA_LOST`: the card is there, but gave
///   no proper answer. It may have carried out the command; the generation has grown. The code may come a second late,
///   because the library first waits to see whether the card is being removed. The card may also have been replaced
///   faster than the service notices (400 ms with pcsc-lite).
/// - the other codes of a connection
///
/// Blocks until the card answers, and before that while another application or attachment holds a lock on the card;
/// `scm_transmit_ex` has a limit for that.
///
/// @see scm_transmit_ex, scm_send, scm_get_last_response, scm_lock
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_transmit(
    handle: *mut scm_handle,
    command: *const u8,
    command_length: libc::size_t,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_transmit(handle, command, command_length, response, capacity, response_length), || {
        // SAFETY: as the header says.
        let response = unsafe { OutputBytes::new(response, capacity, response_length).of("response") }?;
        let attachment = attached_inlined(handle)?;
        // SAFETY: as the header says. The response may lie on the command: it is written when the command is done with.
        let command = unsafe { input_inlined(command, command_length).of("command") }?;
        attachment.transmit(command, |answer| response.fill(answer))
    })
}

/// Sends one command APDU to the card as `scm_transmit` does, with a limit for the wait before it.
///
/// The card is locked for the exchange unless it is locked already, because a command that waits inside the resource
/// manager cannot be taken back. So this takes three messages to the resource manager instead of one.
///
/// @param handle  the attachment
/// @param command  as for `scm_transmit`
/// @param command_length  as for `scm_transmit`
/// @param timeout_ms  how long to wait for other users of the card, in milliseconds: 0 does not wait, `SCM_INFINITE`
///   has no limit. After the card has received the command, the call waits for the answer without a limit.
/// @param response  [out] as for `scm_transmit`
/// @param capacity  as for `scm_transmit`
/// @param response_length  [out] as for `scm_transmit`
///
/// @return as `scm_transmit`, and
/// - `SCM_SCARD_E_TIMEOUT`: others have used the card all the time, or the resource manager has not answered. Nothing
///   was sent, and nothing will be.
/// - `SCM_SCARD_E_CANCELLED`: `scm_cancel` has ended the wait. Nothing was sent, and nothing will be.
///
/// Blocks until the card answers. The wait before that takes `timeout_ms` at most, and about 200 ms more if the
/// resource manager is slow. If the exchange breaks off, the library waits one second more at most for the report of a
/// removal, however short `timeout_ms` is. To end the lock, a resource manager that does not answer gets the rest of
/// `timeout_ms`, and about a second at least; without a limit it gets that after `scm_cancel`.
///
/// @see scm_transmit, scm_send_ex, scm_cancel, scm_lock_ex
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_transmit_ex(
    handle: *mut scm_handle,
    command: *const u8,
    command_length: libc::size_t,
    timeout_ms: u32,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_transmit_ex(handle, command, command_length, timeout_ms, response, capacity, response_length), || {
        // SAFETY: as the header says.
        let response = unsafe { OutputBytes::new(response, capacity, response_length).of("response") }?;
        let attachment = attached(handle)?;
        // SAFETY: as for `scm_transmit`.
        let command = unsafe { input(command, command_length).of("command") }?;
        attachment.transmit_within(timeout_ms, command, |answer| response.fill(answer))
    })
}

/// Gets the answer to the last `scm_transmit`, `scm_send` or `scm_control` of this attachment again.
///
/// The library keeps the answer until the next exchange, so an answer that did not fit into its buffer is not lost.
/// After `scm_send` it has all data of the response, also beyond `expected` and beyond `SCM_RESPONSE_MAX`, and then the
/// status word. It is empty before the first exchange and after a failed one. After other functions that use the card
/// its content is not defined.
///
/// @param handle  the attachment
/// @param response  [out] the bytes; NULL with capacity 0 asks for the length
/// @param capacity  the room in `response`
/// @param response_length  [out] the length of the answer, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: copied.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; it is still kept.
/// - `SCM_SCARD_E_NOT_READY`: called by a callback of a virtual card, during the exchange.
///
/// Does not block: asks neither card nor service.
///
/// @see scm_transmit, scm_send, scm_control
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_last_response(
    handle: *mut scm_handle,
    response: *mut u8,
    capacity: libc::size_t,
    response_length: *mut libc::size_t,
) -> scm_result {
    guard!(scm_get_last_response(handle, response, capacity, response_length), || {
        // SAFETY: as the header says.
        let response = unsafe { OutputBytes::new(response, capacity, response_length).of("response") }?;
        attached(handle)?.last_response(|answer| response.fill(answer))
    })
}

/// Sends a control code to the reader, in direct mode also without a card (PC/SC part 3).
///
/// The documentation of the reader or its driver tells the codes. A code for a feature of PC/SC part 10, such as a PIN
/// pad, comes from the reader: send `scm_ctl_code(3400)` without data. The answer has six bytes for each feature: its
/// number, 4, and its control code, the most significant byte first.
///
/// @param handle  the attachment
/// @param control_code  the code of this platform: `scm_ctl_code(function)`, or one that the reader gave for a feature
/// @param input  the data for the reader; NULL with length 0 for none
/// @param input_length  their length, up to `SCM_COMMAND_MAX` bytes
/// @param output  [out] the answer of the reader
/// @param capacity  the room in `output`
/// @param output_length  [out] the length of the answer, also if it does not fit; 0 after another failure
///
/// @return
/// - `SCM_S_OK`: the reader has answered.
/// - `SCM_SCARD_E_INSUFFICIENT_BUFFER`: the answer does not fit; `scm_get_last_response` gives it.
/// - `SCM_SCARD_E_UNSUPPORTED_FEATURE`: the reader does not know this code.
/// - `SCM_SCARD_E_NOT_TRANSACTED`: the reader knows the code, and failed.
/// - `SCM_SCARD_E_SHARING_VIOLATION`: another application holds a lock on the card.
/// - the other codes of a connection
///
/// Blocks as long as the reader takes.
///
/// @see scm_ctl_code, scm_get_last_response, scm_get_attribute
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
    guard!(scm_control(handle, control_code, input, input_length, output, capacity, output_length), || {
        // SAFETY: as the header says.
        let output = unsafe { OutputBytes::new(output, capacity, output_length).of("output") }?;
        let attachment = attached(handle)?;
        // SAFETY: as the header says; the output is written when the input is done with.
        let input = unsafe { self::input(input, input_length).of("input") }?;
        attachment.control(control_code, input, |answer| output.fill(answer))
    })
}

/// The control code of this platform for a function number, as the macro `SCARD_CTL_CODE` of PC/SC.
///
/// @param function  the number, such as 3400 for CM_IOCTL_GET_FEATURE_REQUEST (PC/SC part 10)
/// @return the code for `scm_control`
///
/// Never blocks, and never fails.
///
/// @see scm_control
#[unsafe(no_mangle)]
pub extern "C-unwind" fn scm_ctl_code(function: u32) -> u32 {
    resource_manager::control_code(function)
}
