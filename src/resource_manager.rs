//! The needs of libscm of a resource manager: a trait, and the types in its functions. Each implementation is a folder:
//! `pcsc` for the platform, and `virtual` inside this process. They remember nothing of a card, and send no command
//! twice. `managers` lists them; a new one is a folder here and a line there.

mod exchange_log;
pub mod features;
pub mod ifd_name;
#[cfg(test)]
mod loopback;
pub mod managers;
pub mod multi_string;
mod pcsc;
pub mod r#virtual;

use std::ffi::CStr;

use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::runtime::wait::WaitLimit;

/// The control code of a function of a reader, as the platform computes it. All resource managers use the same.
pub use pcsc::control_code;

/// A context of the resource manager (`SCARDCONTEXT`), as wide as on any platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context(pub usize);

/// A card handle of the resource manager (`SCARDHANDLE`), as wide as on any platform.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Icc(pub usize);

/// The longest attribute of a reader that libscm can carry.
pub(crate) const MAX_ATTRIBUTE: usize = 264;

/// The reader and the card behind a card handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    pub ifd: IfdName,
    /// Empty in direct mode without a card.
    pub atr: Atr,
    pub state: CardState,
    pub protocol: Option<Protocol>,
    /// As in `SlotState`; always 0 where a card handle does not report it.
    pub events: u16,
}

/// The state of a reader and its card, as it is known without a card handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotState {
    pub card_present: bool,
    /// Empty when there is no card.
    pub atr: Atr,
    /// Incremented when a card is inserted or removed; always 0 where the platform does not count.
    pub events: u16,
    /// The same state as the platform encodes it, for `wait_for_change`.
    pub native: u32,
}

/// Whether programs use a reader, this one included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Usage {
    Unknown = 0,
    Free = 1,
    Shared = 2,
    Exclusive = 3,
}

/// One of all readers of a resource manager.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IfdState {
    pub name: IfdName,
    /// Different for each reader that has or had this name; 0 where the platform does not tell.
    pub id: usize,
    /// The ATR of the card, if there is one; empty if the card does not answer.
    pub card: Option<Atr>,
    /// As in `SlotState`.
    pub events: u16,
    /// Incremented when the card is reset; always 0 where the platform does not count resets.
    pub resets: u16,
    pub usage: Usage,
    /// As in `SlotState`.
    pub native: u32,
}

impl IfdState {
    /// Whether something has happened between two states. Use of a reader is nothing that happens to it.
    pub fn differ(before: &[IfdState], now: &[IfdState]) -> bool {
        let visible = |ifd: &IfdState| (ifd.name, ifd.id, ifd.card, ifd.events, ifd.resets);
        !before.iter().map(visible).eq(now.iter().map(visible))
    }
}

/// Asks in a context that is released at once: an idle context would keep the daemon from exiting.
pub fn in_context<T>(
    manager: &dyn ResourceManager,
    limit: &WaitLimit,
    ask: impl FnOnce(Context) -> Result<T>,
) -> Result<T> {
    let context = manager.establish_context(limit)?;
    let answer = ask(context);
    manager.release_context(context);
    answer
}

/// Functions of a resource manager in a test that `managers` does not list, and that lists no reader. Its figures are
/// those of pcsc-lite.
#[cfg(test)]
macro_rules! unlisted {
    () => {
        fn service(&self) -> u32 {
            unreachable!()
        }
        fn has_ifd(&self, _: &IfdName) -> Result<bool> {
            unreachable!()
        }
        fn before_fork(&self) {
            unreachable!()
        }
        fn after_fork_in_parent(&self) {
            unreachable!()
        }
        fn after_fork_in_child(&self) {
            unreachable!()
        }
        fn exclusive_use_is_a_transaction(&self) -> bool {
            true
        }
        fn removal_delay_ms(&self) -> u32 {
            1000
        }
        fn poll_interval_ms(&self) -> u32 {
            100
        }
        fn wait_for_ifds_limit_ms(&self) -> u32 {
            4000
        }
        fn wait_for_ifds(&self, _: Context, _: &[IfdState], _: u32) -> Result<Vec<IfdState>> {
            Ok(Vec::new())
        }
        fn cancel_wait_for_ifds(&self, _: Context) {}
        fn list_ifds(&self, _: Context) -> Result<Vec<u8>> {
            Ok(vec![0])
        }
        fn list_ifd_groups(&self, _: Context) -> Result<Vec<u8>> {
            Ok(vec![0])
        }
    };
}
#[cfg(test)]
pub(crate) use unlisted;

/// A resource manager.
///
/// Codes are those of `hresult`, the same on every platform. `None` as a protocol means that none is active. Callers
/// make one call at a time on a context and its card handles.
///
/// A function with a `WaitLimit` waits no longer than that. Then it fails with `SCARD_E_TIMEOUT` or
/// `SCARD_E_CANCELLED`, and has no effect: if the service grants the request later, the grant is given back at once. If
/// the service has not answered yet, the card handle is abandoned until it does, and other calls on it wait.
pub trait ResourceManager: Send + Sync {
    /// The number by which events name it (`SCM_SERVICE_PLATFORM`, ...).
    fn service(&self) -> u32;
    /// Whether it has a reader of this name. A name that is taken is refused to a new reader of another resource
    /// manager, and an attach asks each but the first of `managers`. False if nobody can use its readers now.
    fn has_ifd(&self, ifd: &IfdName) -> Result<bool>;
    /// Whether this is one of its card handles. The first of `managers` gets all others, and is not asked.
    fn has_icc(&self, _icc: Icc) -> bool {
        false
    }
    /// Whether a program can use readers here now, as far as that is known without a call to a service.
    fn serves_ifds(&self) -> bool {
        false
    }
    /// Whether this process can call it at all.
    fn can_be_called(&self) -> bool {
        true
    }
    /// Whether a transaction survives `reconnect` on the same card handle.
    fn keeps_transaction_on_reconnect(&self) -> bool;
    /// Whether exclusive use and a transaction on the same card handle are one: both end together.
    fn exclusive_use_is_a_transaction(&self) -> bool;
    /// Whether its calls can lead to callbacks of the program, which may call this library again.
    fn calls_back(&self) -> bool {
        false
    }
    /// Whether only this process can use its readers.
    fn is_private(&self) -> bool {
        false
    }
    /// The longest time from the removal of a card until the resource manager knows of it; 0 if it is noticed at once.
    fn removal_delay_ms(&self) -> u32;
    /// How often a waiting thread may call `is_locked_by_other`, for its cost.
    fn poll_interval_ms(&self) -> u32;
    /// The longest wait in `wait_for_ifds` after which a monitor checks whether it was closed: a cancel may come too
    /// early.
    fn wait_for_ifds_limit_ms(&self) -> u32;
    /// If no program can call the service on this machine: what to install, as one English sentence for a person.
    fn advice(&self) -> Option<&'static CStr> {
        None
    }
    /// Advice for a person about a code, if this resource manager has its own.
    fn remedy(&self, _code: Hresult) -> Option<&'static str> {
        None
    }
    /// Whether a program that uses none of its readers wants to know whether its service runs.
    fn reports_absence(&self) -> bool {
        true
    }
    /// Makes the threads that wait here check their limits again, because a wait was cancelled.
    fn recheck_limits(&self) {}
    /// Whether the service still works on a call on this card handle whose caller has given up.
    fn is_abandoned(&self, _icc: Icc) -> bool {
        false
    }

    /// Before a fork: takes its locks, so that no child inherits data in the middle of a change. It allocates no
    /// memory. One of the next two functions releases the locks, on the same thread.
    fn before_fork(&self);
    fn after_fork_in_parent(&self);
    /// Forgets everything without a call to a service or a program: it belongs to the parent.
    fn after_fork_in_child(&self);

    fn establish_context(&self, limit: &WaitLimit) -> Result<Context>;
    fn release_context(&self, context: Context);

    /// Connects to the card in a reader, or to the reader alone in direct mode. May succeed without a protocol if the
    /// card was reset and no application has reconnected yet, or if the power of the card is off. May fail with
    /// `SCARD_W_UNPOWERED_CARD` if another application has turned the power off: then a direct connection can turn it
    /// on by `reconnect`.
    fn connect(
        &self,
        context: Context,
        ifd: &IfdName,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<(Icc, Option<Protocol>)>;
    /// Reconnects a card handle that has the share mode `now`, and acknowledges its signal. May keep a protocol that is
    /// active although `access` does not allow it. May fail without a card also in direct mode. `Disposition::Leave`
    /// turns no power on.
    fn reconnect(
        &self,
        icc: Icc,
        now: ShareMode,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Option<Protocol>>;
    fn disconnect(&self, icc: Icc, disposition: Disposition) -> Result<()>;

    fn begin_transaction(&self, icc: Icc, limit: &WaitLimit) -> Result<()>;
    /// A disposition that resets the card may signal the reset to `icc` too.
    fn end_transaction(&self, icc: Icc, disposition: Disposition, limit: &WaitLimit) -> Result<()>;

    /// Fails with the signal that waits on the card handle, or with `SCARD_E_SHARING_VIOLATION` if another card handle
    /// has a transaction. Call it only while `icc` has no transaction.
    fn probe(&self, icc: Icc, limit: &WaitLimit) -> Result<()>;
    /// Whether another card handle has a transaction. If not, it fails with the signal that waits on `icc`. It waits
    /// for nobody, and keeps a transaction of `icc`.
    fn is_locked_by_other(&self, icc: Icc, limit: &WaitLimit) -> Result<bool>;
    /// Fails with the signal that waits on `icc`, or with the reason why `icc` is dead. For a handle from before a
    /// restart of the service that may be `SCARD_E_NO_SERVICE`.
    fn status(&self, icc: Icc, limit: &WaitLimit) -> Result<(CardState, Option<Protocol>)>;
    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity>;

    /// Replaces `response` by the answer of the card. The answer is never longer than the capacity of `response`. The
    /// caller has written to the whole capacity before, so that no old memory is exposed if the service writes less
    /// than it says.
    fn transmit(&self, icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()>;
    /// Replaces `response` by the answer of the reader, as `transmit` does.
    fn control(&self, icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()>;

    /// Writes the attribute to the beginning of `value`. Returns its length.
    fn get_attribute(&self, icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize>;
    fn set_attribute(&self, icc: Icc, id: u32, value: &[u8]) -> Result<()>;

    /// The present state of a reader.
    fn slot_state(&self, context: Context, ifd: &IfdName, limit: &WaitLimit) -> Result<SlotState>;
    /// The state of a reader, once it differs from `seen`. `SCARD_E_TIMEOUT` after `timeout_ms` without a change.
    fn wait_for_change(
        &self,
        context: Context,
        ifd: &IfdName,
        seen: &SlotState,
        timeout_ms: u32,
        limit: &WaitLimit,
    ) -> Result<SlotState>;

    /// All readers, once they differ from `known` or the time is up. Meanwhile only `cancel_wait_for_ifds` may use the
    /// context.
    fn wait_for_ifds(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>>;
    /// Ends the present wait in `context`, which may only be released afterwards. Has no effect if the wait has not
    /// quite begun. It blocks as long as the service hangs.
    fn cancel_wait_for_ifds(&self, context: Context);

    /// The readers as a multi-string, in the order of the resource manager; an empty multi-string if there is none.
    fn list_ifds(&self, context: Context) -> Result<Vec<u8>>;
    /// The groups of readers as a multi-string.
    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>>;
}
