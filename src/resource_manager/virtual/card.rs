//! A card of a program: its ATR, its protocols, and its callbacks, which are called one at a time.

use std::ffi::c_void;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use super::answer::{self, Control, fill};
use super::callback_lock::{CallbackLock, CallbackState};
use super::log_text::done;
use super::note;
use crate::abi::cause::explain;
use crate::abi::constants::{Protocol, Protocols};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::runtime::callback::{self, THREAD_ENDED};
use crate::runtime::fork_count::fork_count;
use crate::runtime::reentrancy::Callback;

/// The power is turned off: the card was removed, or its power was turned off.
pub const SCM_POWER_OFF: u32 = 0;
/// The power is turned on (cold reset).
pub const SCM_POWER_ON: u32 = 1;
/// The card is reset without loss of power (warm reset).
pub const SCM_POWER_RESET: u32 = 2;

/// A change of the power of a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowerEvent {
    Off,
    On,
    Reset,
}

/// The state after the last event.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    Off,
    On,
    /// The card did not answer to the reset.
    Mute,
}

type Exchange<Code> = unsafe extern "C-unwind" fn(Code, *const u8, usize, *mut u8, usize, *mut usize) -> i32;

/// The callbacks and their argument, as C gave them.
#[derive(Clone, Copy)]
pub struct CardCallbacks {
    pub user: *mut c_void,
    pub transmit: Exchange<*mut c_void>,
    /// None for a card that keeps no state, and always answers to a reset.
    pub power: Option<unsafe extern "C-unwind" fn(*mut c_void, u32) -> i32>,
    pub control: Option<Control>,
    pub release: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
}

pub struct VirtualCard {
    pub atr: Atr,
    /// None if the reader does not understand the card.
    offer: Option<OfferedProtocols>,
    callbacks: CardCallbacks,
    power: AtomicU8,
    /// The reader that has taken the card over from the program, or 0.
    ifd: AtomicUsize,
    /// The fork count of the process that owns the card: another process does not call it.
    forks: usize,
    callback_lock: CallbackLock<PendingEvents>,
}

/// The events of the power while the card was busy.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum PendingEvents {
    #[default]
    Nothing,
    Reset,
    Off,
    On,
    OffAndOn,
}

impl PendingEvents {
    fn and(self, event: PowerEvent) -> PendingEvents {
        match (self, event) {
            (_, PowerEvent::Off) => PendingEvents::Off,
            (PendingEvents::Off | PendingEvents::OffAndOn, _) => PendingEvents::OffAndOn,
            (PendingEvents::On, _) => PendingEvents::On,
            (_, PowerEvent::Reset) => PendingEvents::Reset,
            // The power is on after them.
            (owed, PowerEvent::On) => owed,
        }
    }

    /// The first event, and the remaining ones.
    fn next(self) -> Option<(PowerEvent, PendingEvents)> {
        match self {
            PendingEvents::Nothing => None,
            PendingEvents::Reset => Some((PowerEvent::Reset, PendingEvents::Nothing)),
            PendingEvents::Off => Some((PowerEvent::Off, PendingEvents::Nothing)),
            PendingEvents::On => Some((PowerEvent::On, PendingEvents::Nothing)),
            PendingEvents::OffAndOn => Some((PowerEvent::Off, PendingEvents::On)),
        }
    }
}

// SAFETY: the program guarantees that the callbacks and `user` may be used on any thread, one call at a time; `alone`
// allows no more.
unsafe impl Send for VirtualCard {}
// SAFETY: as above.
unsafe impl Sync for VirtualCard {}

/// The protocols of a card. Every reader can also send raw bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OfferedProtocols {
    pub t0: bool,
    pub t1: bool,
}

impl OfferedProtocols {
    pub fn of(protocols: Protocols) -> OfferedProtocols {
        OfferedProtocols { t0: protocols.accept(Protocol::T0), t1: protocols.accept(Protocol::T1) }
    }

    /// The protocol for an application that accepts `wanted`: T=1 before T=0, as in pcscd.
    pub fn choose(self, wanted: Protocols) -> Option<Protocol> {
        let offered = [(self.t1, Protocol::T1), (self.t0, Protocol::T0), (true, Protocol::Raw)];
        offered
            .into_iter()
            .find(|(offered, protocol)| *offered && wanted.accept(*protocol))
            .map(|(_, protocol)| protocol)
    }
}

impl VirtualCard {
    /// A card without power, which belongs to the caller until `keep`.
    pub fn new(atr: Atr, protocols: Option<Protocols>, callbacks: CardCallbacks) -> VirtualCard {
        let offer = match protocols {
            Some(protocols) => Some(OfferedProtocols::of(protocols)),
            None => atr.protocols().map(|(t0, t1)| OfferedProtocols { t0, t1 }),
        };
        VirtualCard {
            atr,
            offer,
            callbacks,
            power: AtomicU8::new(SCM_POWER_OFF as u8),
            ifd: AtomicUsize::new(0),
            forks: fork_count(),
            callback_lock: CallbackLock::default(),
        }
    }

    /// Takes the card over from the program, which gets it back in its callback `release`.
    pub fn keep(&self, ifd: usize) {
        self.ifd.store(ifd, Ordering::Relaxed);
    }

    pub fn offer(&self) -> Option<OfferedProtocols> {
        self.offer
    }

    pub fn power(&self) -> Power {
        const ON: u8 = SCM_POWER_ON as u8;
        const OFF: u8 = SCM_POWER_OFF as u8;
        match self.power.load(Ordering::Relaxed) {
            ON => Power::On,
            OFF => Power::Off,
            _ => Power::Mute,
        }
    }

    /// Calls the card, once no other thread does; None if the wait was interrupted. Afterwards the card gets the events
    /// that came meanwhile. Call it without a lock of the library. It fails in a callback of this card, and in a
    /// callback of another one if it would have to wait.
    pub fn alone<T>(&self, work: impl FnOnce(&Callee<'_>) -> T) -> Result<Option<T>> {
        Ok(self.callback_lock.free()?.map(|free| self.serve(free, work)))
    }

    /// Calls the card, which no other thread calls, and afterwards reports the events that came meanwhile.
    fn serve<T>(
        &self,
        mut free: MutexGuard<'_, CallbackState<PendingEvents>>,
        work: impl FnOnce(&Callee<'_>) -> T,
    ) -> T {
        free.begin();
        drop(free);
        let _callback = Callback::begin();
        let done = work(&Callee { card: self });
        self.notify_pending();
        done
    }

    /// Reports an event to the card: at once, or after its present callback. It does not wait.
    pub fn notify(&self, event: PowerEvent) {
        let mut callback_lock = self.callback_lock.lock();
        if callback_lock.is_busy() {
            callback_lock.pending = callback_lock.pending.and(event);
        } else if event != PowerEvent::On || self.power() != Power::On {
            self.serve(callback_lock, |card| card.switch(event));
        }
    }

    /// Interrupts the threads that wait for the card: it was removed, or its service has stopped.
    pub fn interrupt(&self) {
        self.callback_lock.interrupt();
    }

    /// Reports the pending events, and unlocks the callbacks.
    fn notify_pending(&self) {
        loop {
            let mut callback_lock = self.callback_lock.lock();
            let Some((event, rest)) = callback_lock.pending.next() else {
                return self.callback_lock.end(callback_lock);
            };
            callback_lock.pending = rest;
            drop(callback_lock);
            Callee { card: self }.switch(event);
        }
    }

    fn is_of_this_process(&self) -> bool {
        self.forks == fork_count()
    }
}

impl Drop for VirtualCard {
    fn drop(&mut self) {
        match self.callbacks.release {
            Some(release) if *self.ifd.get_mut() != 0 && self.is_of_this_process() => {
                let _callback = Callback::begin();
                // SAFETY: the program guarantees its callback; this is the last reference to the card, so it is the
                // last call.
                callback::call(|| unsafe { release(self.callbacks.user) }, ());
            }
            _ => {}
        }
    }
}

/// The card, while only this thread may call it.
pub struct Callee<'a> {
    card: &'a VirtualCard,
}

impl Callee<'_> {
    /// Changes the power where it does not matter now whether the card answers.
    fn switch(&self, event: PowerEvent) {
        // If it is mute, the next use reports that.
        let _ = self.power(event);
    }

    /// A card that does not answer to its reset is mute.
    pub fn power(&self, event: PowerEvent) -> Result<()> {
        if !self.card.is_of_this_process() {
            return Ok(());
        }
        let event = match event {
            PowerEvent::Reset if self.card.power() == Power::Off => PowerEvent::On,
            event => event,
        };
        let result = self.change_power(event);
        note(self.card.ifd.load(Ordering::Relaxed), format_args!("power {event} -> {}", done(&result)));
        result
    }

    fn change_power(&self, event: PowerEvent) -> Result<()> {
        const MUTE: u8 = u8::MAX;
        let CardCallbacks { user, power, .. } = self.card.callbacks;
        let value = match event {
            PowerEvent::Off => SCM_POWER_OFF,
            PowerEvent::On => SCM_POWER_ON,
            PowerEvent::Reset => SCM_POWER_RESET,
        };
        let answered = power.is_none_or(|power| {
            // SAFETY: the program guarantees its callback, and `alone` allows one call at a time.
            callback::call(|| unsafe { power(user, value) }, THREAD_ENDED) >= 0
        });
        let (left, result) = match event {
            PowerEvent::Off => (SCM_POWER_OFF as u8, Ok(())),
            _ if answered => (SCM_POWER_ON as u8, Ok(())),
            _ => (MUTE, Err(mute())),
        };
        self.card.power.store(left, Ordering::Relaxed);
        result
    }

    /// Replaces `response` by the card's answer. After an error of the callback the card has failed to answer.
    pub fn transmit(&self, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let CardCallbacks { user, transmit, .. } = self.card.callbacks;
        fill(response, |room, capacity, length| {
            // SAFETY: the program guarantees its callback, and `alone` allows one call at a time; the buffers have the
            // given lengths.
            callback::call(
                || unsafe { transmit(user, command.as_ptr(), command.len(), room, capacity, length) },
                THREAD_ENDED,
            )
        })
    }

    /// Replaces `response` by the answer to a control code.
    pub fn control(&self, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let CardCallbacks { user, control, .. } = self.card.callbacks;
        answer::control(control, user, code, input, response)
    }
}

/// The card does not answer to a reset.
#[cold]
pub fn mute() -> Hresult {
    explain(Hresult::SCARD_W_UNRESPONSIVE_CARD, "The callback power of the virtual card has failed.", "")
}
