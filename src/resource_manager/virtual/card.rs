//! A card of a program: its ATR, its protocols, and the callbacks that are its behaviour. They are called one at a time.

use std::ffi::c_void;
use std::sync::MutexGuard;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use super::answer::{self, Control, fill};
use super::desk::{Desk, State};
use super::note;
use super::words::done;
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

/// What happens to the power of a card.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PowerEvent {
    Off,
    On,
    Reset,
}

/// What the last event left.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    Off,
    On,
    /// The card did not answer to the reset.
    Mute,
}

type Exchange<Code> = unsafe extern "C-unwind" fn(Code, *const u8, usize, *mut u8, usize, *mut usize) -> i32;

/// The callbacks as C gave them, with the pointer that goes with them.
#[derive(Clone, Copy)]
pub struct Callbacks {
    pub user: *mut c_void,
    pub transmit: Exchange<*mut c_void>,
    /// None for a card that has nothing to forget, and always answers to a reset.
    pub power: Option<unsafe extern "C-unwind" fn(*mut c_void, u32) -> i32>,
    pub control: Option<Control>,
    pub release: Option<unsafe extern "C-unwind" fn(*mut c_void)>,
}

pub struct Card {
    pub atr: Atr,
    /// None for a card that its reader does not understand.
    offer: Option<Offer>,
    callbacks: Callbacks,
    power: AtomicU8,
    /// The reader that has taken the card over from the program, or 0.
    ifd: AtomicUsize,
    /// That of the process whose card it is: the card of another one is not called.
    forks: usize,
    desk: Desk<Owed>,
}

/// What happened to the power of a card while it was busy.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
enum Owed {
    #[default]
    Nothing,
    Reset,
    Off,
    On,
    OffAndOn,
}

impl Owed {
    fn and(self, event: PowerEvent) -> Owed {
        match (self, event) {
            (_, PowerEvent::Off) => Owed::Off,
            (Owed::Off | Owed::OffAndOn, _) => Owed::OffAndOn,
            (Owed::On, _) => Owed::On,
            (_, PowerEvent::Reset) => Owed::Reset,
            // It has power, or is getting it.
            (owed, PowerEvent::On) => owed,
        }
    }

    /// The first event, and what is owed then.
    fn next(self) -> Option<(PowerEvent, Owed)> {
        match self {
            Owed::Nothing => None,
            Owed::Reset => Some((PowerEvent::Reset, Owed::Nothing)),
            Owed::Off => Some((PowerEvent::Off, Owed::Nothing)),
            Owed::On => Some((PowerEvent::On, Owed::Nothing)),
            Owed::OffAndOn => Some((PowerEvent::Off, Owed::On)),
        }
    }
}

// SAFETY: whoever gives the callbacks vouches that they and `user` may be used on any thread, one call at a time, which
// `alone` sees to.
unsafe impl Send for Card {}
// SAFETY: as above.
unsafe impl Sync for Card {}

/// The protocols of a card. Every reader can also pass bytes on raw.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
    pub t0: bool,
    pub t1: bool,
}

impl Offer {
    pub fn of(protocols: Protocols) -> Offer {
        Offer { t0: protocols.accept(Protocol::T0), t1: protocols.accept(Protocol::T1) }
    }

    /// What is spoken with who accepts `wanted`: T=1 before T=0, as pcscd has it.
    pub fn choose(self, wanted: Protocols) -> Option<Protocol> {
        let offered = [(self.t1, Protocol::T1), (self.t0, Protocol::T0), (true, Protocol::Raw)];
        offered
            .into_iter()
            .find(|(offered, protocol)| *offered && wanted.accept(*protocol))
            .map(|(_, protocol)| protocol)
    }
}

impl Card {
    /// A card without power, which is the caller's until `keep`.
    pub fn new(atr: Atr, protocols: Option<Protocols>, callbacks: Callbacks) -> Card {
        let offer = match protocols {
            Some(protocols) => Some(Offer::of(protocols)),
            None => atr.protocols().map(|(t0, t1)| Offer { t0, t1 }),
        };
        Card {
            atr,
            offer,
            callbacks,
            power: AtomicU8::new(SCM_POWER_OFF as u8),
            ifd: AtomicUsize::new(0),
            forks: fork_count(),
            desk: Desk::default(),
        }
    }

    /// Takes the card over from the program, which gets it back by its callback `release`.
    pub fn keep(&self, ifd: usize) {
        self.ifd.store(ifd, Ordering::Relaxed);
    }

    pub fn offer(&self) -> Option<Offer> {
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

    /// Calls the card, once no other thread does; None when it was disturbed while it waited. Afterwards the card hears
    /// what happened to it meanwhile. Not to be called with a lock of ours held; from a callback of this card it is
    /// refused, and where it would have to wait from a callback of another one.
    pub fn alone<T>(&self, work: impl FnOnce(&Callee<'_>) -> T) -> Result<Option<T>> {
        Ok(self.desk.free()?.map(|free| self.serve(free, work)))
    }

    /// Calls the card, which is free, and lets it hear afterwards what happened meanwhile.
    fn serve<T>(&self, mut free: MutexGuard<'_, State<Owed>>, work: impl FnOnce(&Callee<'_>) -> T) -> T {
        free.begin();
        drop(free);
        let _callback = Callback::begin();
        let done = work(&Callee { card: self });
        self.settle();
        done
    }

    /// Tells the card of an event, at once or as soon as it is done with what it is in. Waits for nobody.
    pub fn tell(&self, event: PowerEvent) {
        let mut desk = self.desk.lock();
        if desk.is_busy() {
            desk.debt = desk.debt.and(event);
        } else if event != PowerEvent::On || self.power() != Power::On {
            self.serve(desk, |card| card.switch(event));
        }
    }

    /// Lets those who wait for the card look again: it has left, or its service has.
    pub fn disturb(&self) {
        self.desk.disturb();
    }

    /// Pays what is owed, and lets the next one in.
    fn settle(&self) {
        loop {
            let mut desk = self.desk.lock();
            let Some((event, rest)) = desk.debt.next() else { return self.desk.end(desk) };
            desk.debt = rest;
            drop(desk);
            Callee { card: self }.switch(event);
        }
    }

    fn is_of_this_process(&self) -> bool {
        self.forks == fork_count()
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        match self.callbacks.release {
            Some(release) if *self.ifd.get_mut() != 0 && self.is_of_this_process() => {
                let _callback = Callback::begin();
                // SAFETY: the program vouches for its callback; nobody has the card any more, so it is the last one.
                callback::call(|| unsafe { release(self.callbacks.user) }, ());
            }
            _ => {}
        }
    }
}

/// The card, while this thread alone may call it.
pub struct Callee<'a> {
    card: &'a Card,
}

impl Callee<'_> {
    /// Changes the power where it does not matter now whether the card answers.
    fn switch(&self, event: PowerEvent) {
        // It is mute then, which is what the next one hears who wants to use it.
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
        let Callbacks { user, power, .. } = self.card.callbacks;
        let value = match event {
            PowerEvent::Off => SCM_POWER_OFF,
            PowerEvent::On => SCM_POWER_ON,
            PowerEvent::Reset => SCM_POWER_RESET,
        };
        let answered = power.is_none_or(|power| {
            // SAFETY: the program vouches for its callback, and `alone` for one call at a time.
            callback::call(|| unsafe { power(user, value) }, THREAD_ENDED) >= 0
        });
        let (left, result) = match event {
            PowerEvent::Off => (SCM_POWER_OFF as u8, Ok(())),
            _ if answered => (SCM_POWER_ON as u8, Ok(())),
            _ => (MUTE, Err(Hresult::SCARD_W_UNRESPONSIVE_CARD)),
        };
        self.card.power.store(left, Ordering::Relaxed);
        result
    }

    /// Replaces `response` by the card's answer. An error of the callback is a card that failed to answer.
    pub fn transmit(&self, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let Callbacks { user, transmit, .. } = self.card.callbacks;
        fill(response, |room, capacity, length| {
            // SAFETY: the program vouches for its callback, and `alone` for one call at a time; the buffers are as long
            // as is said.
            callback::call(
                || unsafe { transmit(user, command.as_ptr(), command.len(), room, capacity, length) },
                THREAD_ENDED,
            )
        })
    }

    /// Replaces `response` by the answer to a control code.
    pub fn control(&self, code: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let Callbacks { user, control, .. } = self.card.callbacks;
        answer::control(control, user, code, input, response)
    }
}
