//! The commands that a card takes.

use super::{attached, scm_handle, scm_result};
use crate::abi::cause::refuse;
use crate::abi::hresult::{Hresult, Result};
use crate::capi::boundary::{OfArgument, Options, OutputStructure, guard, options};
use crate::interfaces::generic::information;
use crate::iso7816::command::{SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::delivery::{EVERYTHING, Extended, Limits};
use crate::runtime::wait::SCM_INFINITE;

/// `scm_card_capabilities.flags`: the card takes a command in parts (command chaining).
pub const SCM_CARD_CHAINING: u32 = 1;
/// `scm_card_capabilities.flags`: the card takes extended lengths.
pub const SCM_CARD_EXTENDED: u32 = 2;

/// The commands that the card takes. Initialise with `SCM_CARD_CAPABILITIES_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct scm_card_capabilities {
    /// `sizeof(scm_card_capabilities)`
    pub struct_size: u32,
    /// `SCM_CARD_CHAINING`, `SCM_CARD_EXTENDED`, both, or 0
    pub flags: u32,
    /// The most data of one command APDU, in bytes: 255 without extended lengths, or less after
    /// `scm_set_card_capabilities`.
    pub command_data_max: u32,
    /// The most data of one response APDU, in bytes: 256 without extended lengths, or less.
    pub response_data_max: u32,
    /// How many logical channels the card has, with the basic one: 8 means eight or more, 0 that the card does not say.
    /// `scm_set_card_capabilities` ignores it.
    pub channel_count: u32,
}

// SAFETY: repr(C), five u32, the first of them the size.
unsafe impl Options for scm_card_capabilities {
    const FIRST_SIZE: usize = 20;
    const DEFAULT: Self = scm_card_capabilities {
        struct_size: size_of::<Self>() as u32,
        flags: 0,
        command_data_max: 0,
        response_data_max: 0,
        channel_count: 0,
    };
}

/// Finds out which commands the card takes, and remembers it for `scm_send` and for files.
///
/// The ATR tells whether extended lengths and chaining are possible. The file EF.ATR/INFO tells the longest commands
/// and responses. Only this function selects and reads that file, because to select it ends the current selection, and
/// with it codes that were verified for one directory. The reader has a limit, too (PC/SC part 10,
/// dwMaxAPDUDataSize). A form that the card has refused before (`scm_send`) is left out. The result holds for this
/// attachment as long as the card has the same ATR. `scm_set_card_capabilities` overrides all of this.
///
/// Call it once after attaching, before you send long data. Until then a card whose ATR refers to the file gets long
/// data in parts, if it takes parts.
///
/// @param handle  the attachment
/// @param capabilities  [out] the capabilities; set its `struct_size` before, as `SCM_CARD_CAPABILITIES_INIT` does
///
/// @return
/// - `SCM_S_OK`: found, also if the card has no such file.
/// - the codes of a connection
///
/// Blocks as `scm_send`.
///
/// @see scm_set_card_capabilities, scm_send
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_get_card_capabilities(
    handle: *mut scm_handle,
    capabilities: *mut scm_card_capabilities,
) -> scm_result {
    guard!(scm_get_card_capabilities(handle, capabilities), || {
        // SAFETY: as the header says.
        let capabilities = unsafe { OutputStructure::new(capabilities).within("capabilities") }?;
        let (limits, short, channels) = attached(handle)?.transact(SCM_INFINITE, |card| {
            information::read(card)?;
            Ok((card.limits(), card.short_limits(), card.capabilities().channels))
        })?;
        capabilities.set(&scm_card_capabilities::new(&limits, short, channels));
        Ok(Hresult::S_OK)
    })
}

/// Sets the commands that the card takes, whatever the card and the reader say. The library forgets what it has found
/// out by trying.
///
/// The setting holds for this attachment, also after a reconnect and for another card. Without `SCM_CARD_EXTENDED` the
/// lengths are those of short commands, for cards that cannot give 256 bytes at once or cannot take 255. The functions
/// of files read and write in pieces of this size. `scm_send` does not split short commands.
///
/// @param handle  the attachment
/// @param capabilities  the capabilities; 0 as a length is the greatest. NULL: believe card and reader again.
///
/// @return
/// - `SCM_S_OK`: set.
/// - `SCM_E_INVALIDARG`: also a length that is out of range: with `SCM_CARD_EXTENDED` 255 to 65,535 for commands and
///   256 to 65,536 for responses, without it 1 to 255 and 1 to 256.
///
/// Does not block: asks neither card nor service.
///
/// @see scm_get_card_capabilities, scm_send
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn scm_set_card_capabilities(
    handle: *mut scm_handle,
    capabilities: *const scm_card_capabilities,
) -> scm_result {
    guard!(scm_set_card_capabilities(handle, capabilities), || {
        let attachment = attached(handle)?;
        // SAFETY: as the header says.
        let given = unsafe { options(capabilities).within("capabilities") }?;
        let (limits, short) = (given.limits().within("capabilities")?, given.short_limits().within("capabilities")?);
        let is_given = !capabilities.is_null();
        attachment.set_limits(is_given.then_some(limits), is_given.then_some(short))?;
        Ok(Hresult::S_OK)
    })
}

impl scm_card_capabilities {
    fn new(limits: &Limits, (data, response): (usize, usize), channels: Option<u32>) -> scm_card_capabilities {
        let chaining = if limits.chaining { SCM_CARD_CHAINING } else { 0 };
        let extended = if limits.extended.is_some() { SCM_CARD_EXTENDED } else { 0 };
        let lengths = limits.extended.unwrap_or(Extended { data, response });
        scm_card_capabilities {
            flags: chaining | extended,
            command_data_max: lengths.data as u32,
            response_data_max: lengths.response as u32,
            channel_count: channels.unwrap_or(0),
            ..Self::DEFAULT
        }
    }

    fn limits(&self) -> Result<Limits> {
        if self.flags & !(SCM_CARD_CHAINING | SCM_CARD_EXTENDED) != 0 {
            return Err(refuse("has a bit that the header does not define")).of("flags");
        }
        let extended = match self.flags & SCM_CARD_EXTENDED {
            0 => None,
            _ => Some(Extended {
                data: length(self.command_data_max, SHORT_DATA, EVERYTHING.data).of("command_data_max")?,
                response: length(self.response_data_max, SHORT_RESPONSE, EVERYTHING.response)
                    .of("response_data_max")?,
            }),
        };
        Ok(Limits { chaining: self.flags & SCM_CARD_CHAINING != 0, extended })
    }

    /// The most data of a short command, and of a short response.
    fn short_limits(&self) -> Result<(usize, usize)> {
        if self.flags & SCM_CARD_EXTENDED != 0 {
            return Ok((SHORT_DATA, SHORT_RESPONSE));
        }
        let data = length(self.command_data_max, 1, SHORT_DATA).of("command_data_max")?;
        Ok((data, length(self.response_data_max, 1, SHORT_RESPONSE).of("response_data_max")?))
    }
}

/// A length of 0 is the greatest one.
fn length(given: u32, shortest: usize, longest: usize) -> Result<usize> {
    match given as usize {
        0 => Ok(longest),
        length if (shortest..=longest).contains(&length) => Ok(length),
        _ => Err(refuse("is too small, or too large for this form of commands")),
    }
}
