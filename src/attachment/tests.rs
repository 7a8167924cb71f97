//! Attachments on a scripted resource manager: answers that no real service gives on demand, and the calls that must,
//! or must not, be made. `c-tests` tests the real services.

mod attach;
mod detach;
mod diagnosis;
mod exchange;
mod lock;
mod reconnect;
mod script;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use super::*;
use crate::abi::constants::{CardState, Protocol, Protocols, ShareMode};
use crate::resource_manager::{Identity, IfdState, MAX_ATTRIBUTE, SlotState, unlisted};
use crate::runtime::wait::SCM_INFINITE;
use script::Script;

const ATR_A: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];
const ATR_B: &[u8] = &[0x3B, 0x00];

/// Another name for each test, because attachments to one reader wait for each other.
fn name() -> IfdName {
    static THREADS: AtomicU64 = AtomicU64::new(0);
    thread_local!(static NUMBER: u64 = THREADS.fetch_add(1, Ordering::Relaxed));
    IfdName::new(format!("Scripted {:02}", NUMBER.with(|number| *number)).as_bytes()).unwrap()
}

fn attach(script: &'static Script, access: Access) -> Result<Attachment> {
    Attachment::by_ifd(script, name(), access, None)
}

/// An attachment, with no operation in the list.
fn attached(script: &'static Script) -> Attachment {
    let attachment = attach(script, Access::default()).unwrap();
    script.take_calls();
    attachment
}

fn borrowed(script: &'static Script) -> Attachment {
    let attachment = Attachment::by_handle(script, Icc(9), Access::default(), None).unwrap();
    script.take_calls();
    attachment
}

fn transmit(attachment: &Attachment) -> Result<Vec<u8>> {
    attachment.transmit(&[0, 0xA4, 0, 0], |answer| Ok(answer.to_vec()))
}

fn reconnect(attachment: &Attachment) -> Result<Reconnected> {
    attachment.reconnect(ReconnectRequest::default())
}

fn in_mode(share_mode: ShareMode) -> Access {
    Access { share_mode, ..Access::default() }
}

fn to_mode(share_mode: ShareMode) -> ReconnectRequest {
    ReconnectRequest { share_mode: Some(share_mode), ..ReconnectRequest::default() }
}

fn last_response(attachment: &Attachment) -> Vec<u8> {
    attachment.last_response(|answer| Ok(answer.to_vec())).unwrap()
}

const RESET: ReconnectRequest =
    ReconnectRequest { share_mode: None, protocols: None, initial: Disposition::Reset, limit_ms: SCM_INFINITE };
