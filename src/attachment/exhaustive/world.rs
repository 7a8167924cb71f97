//! A small resource manager: one reader, one card, contexts, card handles, transactions and signals. It records the
//! operations that are made, and can be told other answers than the true ones.

mod service;

pub use service::leaves_card_unknown;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard};

use crate::abi::constants::{Disposition, Protocol, ShareMode};
use crate::abi::hresult::Hresult;
use crate::iso7816::atr::Atr;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc};
use crate::runtime::wait::WaitLimit;

pub const ATR: &[u8] = &[0x3B, 0x80, 0x80, 0x01, 0x01];
pub const OTHER_ATR: &[u8] = &[0x3B, 0x00];
pub const RESPONSE: &[u8] = &[0x90, 0x00];
/// The protocol of every card.
pub const SPOKEN: Protocol = Protocol::T1;

/// The operations of a manager. The release of a context cannot fail, so it is not among them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorldOperation {
    Establish,
    Connect,
    Reconnect,
    Disconnect,
    Begin,
    End,
    Probe,
    Status,
    Identify,
    Transmit,
    Control,
    GetAttribute,
    SetAttribute,
    Look,
    Wait,
}

/// An answer in the place of the true one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WorldAnswer {
    Failure(Hresult),
    NoProtocol,
    NoCard,
    NoPower,
    OtherAtr,
    OtherEvents,
    /// A response, or an attribute, of this length.
    Length(usize),
}

/// One operation that was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    pub operation: WorldOperation,
    /// Whether the card handle is the caller's.
    pub lent: bool,
    /// The disposition that was asked for.
    pub disposition: Disposition,
    /// Whether it had a limit; None for an operation that takes none.
    pub limited: Option<bool>,
}

/// A card handle.
pub struct Handle {
    /// None if the caller has connected it in another context.
    context: Option<usize>,
    /// Whether it is the caller's.
    lent: bool,
    /// The service and the reader when it was connected. Later ones do not know it.
    born: Era,
    pub mode: ShareMode,
    protocol: Option<Protocol>,
    /// How many transactions are open.
    pub transactions: u32,
    /// The answer of every call until a reconnect.
    signal: Option<Hresult>,
    pub connected: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Era {
    service: u32,
    reader: u32,
}

struct OpenContext {
    service: u32,
    open: bool,
}

/// The state of the world.
pub struct Model {
    keeps_transactions: bool,
    service_runs: bool,
    reader_there: bool,
    era: Era,
    card: Option<Atr>,
    events: u16,
    /// Incremented whenever the card forgets its state.
    pub memory: u32,
    contexts: Vec<OpenContext>,
    handles: Vec<Handle>,
    /// The operations since `plan`.
    pub steps: Vec<Step>,
    answers: Vec<(usize, WorldAnswer)>,
    /// Whether the next operation has a limit.
    limited: Option<bool>,
    /// Operations that fail once each, whenever they come.
    pub sabotage: Vec<(WorldOperation, Hresult)>,
    /// The handle of a reconnect that has timed out: the service still works on it.
    pub abandoned: Option<Icc>,
    /// Wrong uses of the resource manager.
    pub faults: Vec<&'static str>,
}

pub struct World(Mutex<Model>);

impl World {
    /// Kept where LeakSanitizer finds it.
    pub fn new() -> &'static World {
        static KEPT: Mutex<Vec<&'static World>> = Mutex::new(Vec::new());
        let world = Box::leak(Box::new(World(Mutex::new(Model::new(true)))));
        KEPT.lock().unwrap().push(world);
        world
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.0.lock().unwrap()
    }

    /// The model for an operation that may wait.
    fn model_for(&self, limit: &WaitLimit) -> MutexGuard<'_, Model> {
        let mut model = self.model();
        model.limited = Some(limit.deadline().is_some());
        model
    }
}

impl Model {
    pub fn new(keeps_transactions: bool) -> Model {
        Model {
            keeps_transactions,
            service_runs: true,
            reader_there: true,
            era: Era::default(),
            card: Some(Atr::new(ATR)),
            events: 1,
            memory: 0,
            contexts: Vec::with_capacity(4),
            handles: Vec::with_capacity(4),
            steps: Vec::with_capacity(16),
            answers: Vec::new(),
            limited: None,
            sabotage: Vec::new(),
            abandoned: None,
            faults: Vec::new(),
        }
    }

    /// Sets the answers to the operations from now on, by their number.
    pub fn plan(&mut self, answers: &[(usize, WorldAnswer)]) {
        self.steps.clear();
        self.answers.clear();
        self.answers.extend(answers);
    }

    /// A card handle that the caller has connected. The caller keeps it, or lets the attachment own it.
    pub fn lend(&mut self, mode: ShareMode, lent: bool) -> Icc {
        let icc = self.add_handle(None, mode, Some(SPOKEN).filter(|_| mode != ShareMode::Direct));
        self.handles[icc.0 - 1].lent = lent;
        icc
    }

    pub fn reset_card(&mut self) {
        self.memory += 1;
        for handle in self.handles.iter_mut().filter(|handle| handle.mode != ShareMode::Direct) {
            handle.signal = handle.signal.or(Some(Hresult::SCARD_W_RESET_CARD));
        }
    }

    pub fn remove_card(&mut self) {
        if self.card.take().is_none() {
            return;
        }
        self.memory += 1;
        self.events += 1;
        // A direct connection is to the reader: cards come and go.
        for handle in self.handles.iter_mut().filter(|handle| handle.mode != ShareMode::Direct) {
            (handle.transactions, handle.signal) = (0, Some(Hresult::SCARD_W_REMOVED_CARD));
        }
    }

    pub fn put_card(&mut self, atr: &[u8]) {
        self.remove_card();
        if self.reader_there {
            self.card = Some(Atr::new(atr));
            self.events += 1;
        }
    }

    pub fn take_reader(&mut self) {
        self.remove_card();
        self.reader_there = false;
        self.era.reader += 1;
        self.forget_transactions();
    }

    pub fn put_reader(&mut self) {
        self.reader_there = true;
    }

    pub fn stop_service(&mut self) {
        self.memory += 1;
        self.service_runs = false;
        self.era.service += 1;
        self.forget_transactions();
    }

    fn forget_transactions(&mut self) {
        self.handles.iter_mut().for_each(|handle| handle.transactions = 0);
    }

    pub fn start_service(&mut self) {
        self.service_runs = true;
    }

    /// All answers are true from now on.
    pub fn end_plan(&mut self) {
        self.answers.clear();
    }

    /// Brings back whatever went, and makes all answers true.
    pub fn heal(&mut self) {
        self.plan(&[]);
        self.sabotage.clear();
        self.abandoned = None;
        self.start_service();
        self.put_reader();
        if self.card.is_none() {
            self.put_card(ATR);
        }
    }

    /// Whether there is a service, and a reader that it knows.
    pub fn has_reader(&self) -> bool {
        self.service_runs && self.reader_there
    }

    /// Whether the service knows the handle of the caller.
    pub fn knows_lent(&self) -> bool {
        self.handles.iter().filter(|handle| handle.lent).all(|handle| handle.born == self.era)
    }

    pub fn handle(&self, icc: Icc) -> Option<&Handle> {
        self.handles.get(icc.0.checked_sub(1)?)
    }

    /// The failure that most calls on a card handle answer.
    pub fn trouble(&self, icc: Icc) -> Option<Hresult> {
        self.dead(icc).or_else(|| self.handle(icc).and_then(|handle| handle.signal))
    }

    pub fn is_open(&self, context: Context) -> bool {
        self.contexts.get(context.0.wrapping_sub(1)).is_some_and(|context| context.open)
    }

    /// Whether all contexts, connections and transactions were ended, except the handle of the caller.
    pub fn is_tidy(&self) -> bool {
        let mut left = self.handles.iter().filter(|handle| handle.connected != handle.lent || handle.transactions > 0);
        self.contexts.iter().all(|context| !context.open) && left.next().is_none()
    }

    fn add_handle(&mut self, context: Option<usize>, mode: ShareMode, protocol: Option<Protocol>) -> Icc {
        let (born, transactions, signal) = (self.era, 0, None);
        self.handles.push(Handle { context, lent: false, born, mode, protocol, transactions, signal, connected: true });
        Icc(self.handles.len())
    }

    fn fault(&mut self, what: &'static str) {
        self.faults.push(what);
    }
}

/// Another name for each thread: the tests run at once, and attachments to one reader wait for each other.
pub fn name() -> IfdName {
    static THREADS: AtomicU32 = AtomicU32::new(0);
    thread_local!(static NUMBER: u32 = THREADS.fetch_add(1, Ordering::Relaxed));
    IfdName::new(format!("World {:02}", NUMBER.with(|number| *number)).as_bytes()).unwrap()
}
