//! What libscm needs of a resource manager: the trait that the real one (`system`) implements, and the types that
//! cross it. Nothing is remembered here of a card or a handle, and nothing is sent to a card twice.

pub mod features;
pub mod ifd_name;
pub mod multi_string;
pub mod pcsc;
pub mod r#virtual;

use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::multi_string::{MultiString, texts};
use crate::runtime::fork_count::fork_count;
use crate::runtime::wait::WaitLimit;
use pcsc::Pcsc;
use r#virtual::Virtual;

/// The control code of a function of a reader, as the platform computes it.
pub use pcsc::control_code;

/// A context of the resource manager (`SCARDCONTEXT`), as wide as any platform has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Context(pub usize);

/// A card handle of the resource manager (`SCARDHANDLE`), as wide as any platform has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Icc(pub usize);

/// The longest attribute of a reader that every resource manager carries.
pub(crate) const MAX_ATTRIBUTE: usize = 264;

/// Who is at the other end of a card handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    pub ifd: IfdName,
    /// Empty in direct mode without a card.
    pub atr: Atr,
    pub state: CardState,
    pub protocol: Option<Protocol>,
    /// As in `SlotState`; always 0 where a card handle does not tell.
    pub events: u16,
}

/// What is to be seen of a reader from outside, without a card handle.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotState {
    pub card_present: bool,
    /// Empty when there is no card.
    pub atr: Atr,
    /// Grows whenever a card comes or goes; always 0 where the platform does not count.
    pub events: u16,
    /// The same in the platform's own words, for the next look.
    pub native: u32,
}

/// A reader among all of its resource manager.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IfdState {
    pub name: IfdName,
    /// Another one for each reader that ever had this name; 0 where that cannot be told.
    pub id: usize,
    /// The ATR of the card, if one is in; empty if the card does not answer.
    pub card: Option<Atr>,
    /// As in `SlotState`.
    pub events: u16,
    /// Grows when the card is reset; always 0 where resets are not counted (all platforms).
    pub resets: u16,
    /// As in `SlotState`.
    pub native: u32,
}

impl IfdState {
    /// Whether something has happened between two looks.
    pub fn differ(before: &[IfdState], now: &[IfdState]) -> bool {
        let visible = |ifd: &IfdState| (ifd.name, ifd.id, ifd.card, ifd.events, ifd.resets);
        !before.iter().map(visible).eq(now.iter().map(visible))
    }
}

/// Whose readers they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Service {
    Platform = 1,
    Virtual = 2,
}

impl Service {
    pub(crate) const ALL: [Service; 2] = [Service::Platform, Service::Virtual];

    /// Its place in `ALL`.
    pub fn index(self) -> usize {
        self as usize - 1
    }

    pub fn manager(self) -> &'static dyn ResourceManager {
        match self {
            Service::Platform => &Pcsc,
            Service::Virtual => &Virtual,
        }
    }
}

/// The resource managers of this process: that of the platform, and the one in here.
static ALL: [&dyn ResourceManager; 2] = [&Pcsc, &Virtual];

/// The one that has a reader of this name. A name that nobody knows is one for the platform to say so.
pub fn of_ifd(ifd: &IfdName) -> &'static dyn ResourceManager {
    if r#virtual::has_ifd(ifd) { &Virtual } else { &Pcsc }
}

/// Why a reader of the platform could not be attached to by its name. Where no service runs, the virtual readers are all that there are;
/// where it cannot be asked, nobody knows.
pub fn missed(code: Hresult) -> Hresult {
    match code {
        Hresult::SCARD_E_NO_SERVICE if r#virtual::serves_ifds() && pcsc::can_be_asked() => {
            Hresult::SCARD_E_UNKNOWN_READER
        }
        code => code,
    }
}

/// The one that has given this card handle.
pub fn of_icc(icc: Icc) -> &'static dyn ResourceManager {
    if r#virtual::has_icc(icc) { &Virtual } else { &Pcsc }
}

/// Whether the platform has a reader of this name. Where it cannot be asked nobody can use it either. The child of a fork does not
/// ask: a program that makes virtual readers there need not want PC/SC, which other threads of the parent may have left unusable.
pub fn has_real_ifd(ifd: &IfdName) -> Result<bool> {
    if fork_count() > 0 {
        return Ok(false);
    }
    match in_context(&Pcsc, &WaitLimit::ENDLESS, |context| Pcsc.list_ifds(context)) {
        Ok(names) => Ok(texts(&names).any(|name| name == ifd.as_c_str().to_bytes())),
        Err(Hresult::E_OUTOFMEMORY) => Err(Hresult::E_OUTOFMEMORY),
        Err(_) => Ok(false),
    }
}

/// What all have together, and `SCARD_S_NO_SERVICE` where that is nothing because a service does not run.
pub type Listing = (MultiString, Hresult);

/// The readers of all, those of the platform first.
pub fn list_ifds() -> Result<Listing> {
    list(|manager, context| manager.list_ifds(context))
}

/// The groups of readers of all.
pub fn list_ifd_groups() -> Result<Listing> {
    let mut groups = MultiString::new()?;
    let (all, code) = list(|manager, context| manager.list_ifd_groups(context))?;
    for group in texts(&all.into_bytes()) {
        if !groups.contains(group) {
            groups.push(group)?;
        }
    }
    Ok((groups, code))
}

fn list(ask: impl Fn(&dyn ResourceManager, Context) -> Result<Vec<u8>>) -> Result<Listing> {
    let mut all = MultiString::new()?;
    let (mut obstacle, mut code) = (None, Hresult::S_OK);
    for manager in ALL {
        match in_context(manager, &WaitLimit::ENDLESS, |context| ask(manager, context)) {
            Ok(names) => texts(&names).try_for_each(|name| all.push(name))?,
            Err(Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_SERVICE_STOPPED) => {
                if manager.reports_absence() {
                    code = Hresult::SCARD_S_NO_SERVICE;
                }
            }
            Err(Hresult::E_OUTOFMEMORY) => return Err(Hresult::E_OUTOFMEMORY),
            Err(code) => obstacle = Some(code),
        }
    }
    // A program with readers of its own needs no service.
    match obstacle {
        _ if !all.is_empty() => Ok((all, Hresult::S_OK)),
        Some(obstacle) => Err(obstacle),
        None => Ok((all, code)),
    }
}

/// Asks in a context for the moment only: an idle one would keep the daemon from exiting.
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

/// A resource manager.
///
/// Codes are those of `hresult`, the same on every platform. `None` as a protocol means that none is active.
/// Callers make one call at a time on a context and its card handles.
///
/// What takes a `WaitLimit` waits no longer than that, and gives `SCARD_E_TIMEOUT` or `SCARD_E_CANCELLED` then: nothing has
/// come about, and what the service grants later is given back at once. If the service is still at it, the card handle is
/// abandoned until then, and other calls on it wait.
pub trait ResourceManager: Send + Sync {
    /// Whether a transaction outlives `reconnect` on the same card handle.
    fn keeps_transaction_on_reconnect(&self) -> bool;
    /// Whether exclusive use and a transaction on the same card handle are one: both end together.
    fn exclusive_use_is_a_transaction(&self) -> bool;
    /// Whether its calls can lead to callbacks of the program, which may call this library again.
    fn calls_back(&self) -> bool {
        false
    }
    /// Whether nobody outside of this process can use its readers.
    fn is_private(&self) -> bool {
        false
    }
    /// How long it can take until a removal is noticed; 0 if it is noticed at once.
    fn removal_delay_ms(&self) -> u32;
    /// How often a thread that waits for a reader may ask `is_locked_by_other`.
    fn poll_interval_ms(&self) -> u32;
    /// How long a survey of all readers lasts at most, because it may miss a cancel.
    fn wait_for_ifds_limit_ms(&self) -> u32;
    /// Whether somebody who knows of no reader wants to hear whether it runs.
    fn reports_absence(&self) -> bool {
        true
    }
    /// Lets who waits here look at his limit again, because it has ended.
    fn recheck_limits(&self) {}
    /// Whether the service is still at a call on this card handle for which nobody waits any more.
    fn is_abandoned(&self, _icc: Icc) -> bool {
        false
    }

    fn establish_context(&self, limit: &WaitLimit) -> Result<Context>;
    fn release_context(&self, context: Context);

    /// Connects to the card in a reader, or to the reader alone in direct mode. May succeed without a protocol if the card was reset
    /// and no application has reconnected yet, or if the power of the card is off. May fail with `SCARD_W_UNPOWERED_CARD` if another
    /// application has turned the power off: then a direct connection can turn it on by `reconnect`.
    fn connect(
        &self,
        context: Context,
        ifd: &IfdName,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<(Icc, Option<Protocol>)>;
    /// Reconnects `icc`, which is connected in the mode `now`, and acknowledges its signal. May keep a protocol that is active although
    /// `access` does not allow it. May fail without a card also in direct mode. `Disposition::Leave` turns no power on.
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

    /// Fails with the signal that waits on `icc`, if there is one, or with `SCARD_E_SHARING_VIOLATION` if that cannot be
    /// told because another has the card. To be asked only where no transaction is open on `icc`.
    fn probe(&self, icc: Icc, limit: &WaitLimit) -> Result<()>;
    /// Whether another has a transaction. Fails with the signal that waits on `icc` if nobody has. Waits for nobody, and
    /// ends no transaction that may be open on `icc`.
    fn is_locked_by_other(&self, icc: Icc, limit: &WaitLimit) -> Result<bool>;
    /// Fails with the signal that waits on `icc`, or with the reason why `icc` is dead. A handle from before a restart of the service
    /// may be answered with `SCARD_E_NO_SERVICE`.
    fn status(&self, icc: Icc, limit: &WaitLimit) -> Result<(CardState, Option<Protocol>)>;
    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity>;

    /// Replaces `response` by the card's answer, which is never longer than the capacity that `response` has. All of that capacity has
    /// been written before, so that no old memory shows where the service has written less than it says.
    fn transmit(&self, icc: Icc, protocol: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()>;
    /// Replaces `response` by the reader's answer, as for `transmit`.
    fn control(&self, icc: Icc, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()>;

    /// Writes the attribute to the beginning of `value`, and gives its length.
    fn get_attribute(&self, icc: Icc, id: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize>;
    fn set_attribute(&self, icc: Icc, id: u32, value: &[u8]) -> Result<()>;

    /// The reader as it is now.
    fn slot_state(&self, context: Context, ifd: &IfdName, limit: &WaitLimit) -> Result<SlotState>;
    /// The reader once it is other than `seen`: `SCARD_E_TIMEOUT` when it is not within `timeout_ms`.
    fn wait_for_change(
        &self,
        context: Context,
        ifd: &IfdName,
        seen: &SlotState,
        timeout_ms: u32,
        limit: &WaitLimit,
    ) -> Result<SlotState>;

    /// All readers once something is other than `known`, or the time is up. Nothing else may use `context` meanwhile, but
    /// `cancel_wait_for_ifds`.
    fn wait_for_ifds(&self, context: Context, known: &[IfdState], timeout_ms: u32) -> Result<Vec<IfdState>>;
    /// Ends the survey that is under way in `context`, which is only to be released afterwards. Does nothing when it has
    /// not quite begun, and may hang as long as the service does.
    fn cancel_wait_for_ifds(&self, context: Context);

    /// The readers as a multi-string, in the order of the resource manager; none is an empty multi-string.
    fn list_ifds(&self, context: Context) -> Result<Vec<u8>>;
    /// The groups of readers as a multi-string.
    fn list_ifd_groups(&self, context: Context) -> Result<Vec<u8>>;
}
