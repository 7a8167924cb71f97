//! The scripted resource manager.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use super::*;

/// A resource manager that succeeds at everything, except where a test sets the next answer.
#[derive(Default)]
pub struct Script {
    /// The next failures of an operation, by its name. Then it succeeds again.
    pub failures: Mutex<HashMap<&'static str, VecDeque<Hresult>>>,
    /// All operations so far.
    pub calls: Mutex<Vec<&'static str>>,
    pub card: Mutex<Scene>,
    pub loses_transactions: bool,
    /// Whether the end of a transaction heeds its limit.
    pub ends_within_limit: bool,
    /// How long the last end of a transaction could have taken.
    pub rest_ms_at_end: AtomicU32,
    /// How long a wait for a change takes.
    pub wait_ms: AtomicU32,
    /// Whether the end of a transaction takes until its limit.
    pub hangs: AtomicBool,
    /// Whether another application keeps this one from each new connection.
    pub is_crowded: AtomicBool,
    /// Whether another attachment has a transaction.
    pub is_locked_by_other: AtomicBool,
}

/// The card that the manager describes.
#[derive(Clone)]
pub struct Scene {
    pub atr: Atr,
    pub state: CardState,
    pub events: u16,
    pub protocol: Option<Protocol>,
    pub answer: Vec<u8>,
}

impl Default for Scene {
    fn default() -> Self {
        Scene {
            atr: Atr::new(ATR_A),
            state: CardState::SpecificMode,
            events: 1,
            protocol: Some(Protocol::T1),
            answer: vec![0x90, 0x00],
        }
    }
}

impl Script {
    pub fn new() -> &'static Script {
        Script::default().keep()
    }

    /// Kept where LeakSanitizer finds it.
    pub fn keep(self) -> &'static Script {
        static KEPT: Mutex<Vec<&'static Script>> = Mutex::new(Vec::new());
        let script = Box::leak(Box::new(self));
        KEPT.lock().unwrap().push(script);
        script
    }

    pub fn fail(&self, operation: &'static str, codes: &[Hresult]) {
        self.failures.lock().unwrap().entry(operation).or_default().extend(codes);
    }

    /// The service does not know the card handle of the next reconnect any more.
    pub fn lose_service(&self) {
        for operation in ["probe", "reconnect"] {
            self.fail(operation, &[Hresult::SCARD_E_NO_SERVICE]);
        }
    }

    pub fn scene(&self, change: impl FnOnce(&mut Scene)) {
        change(&mut self.card.lock().unwrap());
    }

    fn step(&self, operation: &'static str) -> Result<Scene> {
        self.calls.lock().unwrap().push(operation);
        match self.failures.lock().unwrap().get_mut(operation).and_then(VecDeque::pop_front) {
            Some(code) => Err(code),
            None => Ok(self.card.lock().unwrap().clone()),
        }
    }

    /// The operations since the last call of this function.
    pub fn take_calls(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn slot(&self, operation: &'static str) -> Result<SlotState> {
        let scene = self.step(operation)?;
        let card_present = scene.state != CardState::Absent;
        Ok(SlotState { card_present, atr: scene.atr, events: scene.events, native: 0 })
    }
}

impl ResourceManager for Script {
    unlisted!();

    fn keeps_transaction_on_reconnect(&self) -> bool {
        !self.loses_transactions
    }
    fn establish_context(&self, _: &WaitLimit) -> Result<Context> {
        self.step("establish").map(|_| Context(7))
    }
    fn release_context(&self, _: Context) {
        self.calls.lock().unwrap().push("release");
    }
    fn connect(&self, _: Context, _: &IfdName, access: Access, _: &WaitLimit) -> Result<(Icc, Option<Protocol>)> {
        let operation = if access.share_mode == ShareMode::Direct { "connect direct" } else { "connect" };
        let scene = self.step(operation)?;
        match self.is_crowded.load(Ordering::Relaxed) {
            true => Err(Hresult::SCARD_E_SHARING_VIOLATION),
            false => Ok((Icc(9), scene.protocol)),
        }
    }
    fn reconnect(
        &self,
        _: Icc,
        _: ShareMode,
        _: Access,
        initial: Disposition,
        _: &WaitLimit,
    ) -> Result<Option<Protocol>> {
        let operation = if initial == Disposition::Leave { "reconnect" } else { "reconnect with a reset" };
        let scene = self.step(operation)?;
        if initial != Disposition::Leave {
            self.scene(|scene| scene.state = CardState::SpecificMode);
        }
        Ok(scene.protocol)
    }
    fn disconnect(&self, _: Icc, _: Disposition) -> Result<()> {
        self.step("disconnect").map(|_| ())
    }
    fn begin_transaction(&self, _: Icc, _: &WaitLimit) -> Result<()> {
        self.step("begin").map(|_| ())
    }
    fn end_transaction(&self, _: Icc, _: Disposition, limit: &WaitLimit) -> Result<()> {
        self.rest_ms_at_end.store(limit.rest_ms(SCM_INFINITE), Ordering::Relaxed);
        if self.ends_within_limit {
            limit.check()?;
        }
        while self.hangs.load(Ordering::Relaxed) {
            limit.check()?;
            std::thread::yield_now();
        }
        self.step("end").map(|_| ())
    }
    fn probe(&self, _: Icc, _: &WaitLimit) -> Result<()> {
        self.step("probe").map(|_| ())
    }
    fn is_locked_by_other(&self, _: Icc, _: &WaitLimit) -> Result<bool> {
        self.step("is taken").map(|_| self.is_locked_by_other.load(Ordering::Relaxed))
    }
    fn status(&self, _: Icc, _: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        self.step("status").map(|scene| (scene.state, scene.protocol))
    }
    fn identify(&self, _: Icc, _: &WaitLimit) -> Result<Identity> {
        let scene = self.step("identify")?;
        let Scene { atr, state, events, protocol, .. } = scene;
        Ok(Identity { ifd: name(), atr, state, protocol, events })
    }
    fn transmit(&self, _: Icc, _: Protocol, command: &[u8], response: &mut Vec<u8>) -> Result<()> {
        assert_ne!(command, b"panic", "as the test asks");
        *response = self.step("transmit")?.answer;
        Ok(())
    }
    fn control(&self, _: Icc, _: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        self.step("control")?;
        *response = input.to_vec();
        Ok(())
    }
    fn get_attribute(&self, _: Icc, _: u32, value: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        self.step("get attribute")?;
        value[..2].copy_from_slice(b"ok");
        Ok(2)
    }
    fn set_attribute(&self, _: Icc, _: u32, _: &[u8]) -> Result<()> {
        self.step("set attribute").map(|_| ())
    }
    fn slot_state(&self, _: Context, _: &IfdName, _: &WaitLimit) -> Result<SlotState> {
        self.slot("look")
    }
    fn wait_for_change(&self, _: Context, _: &IfdName, _: &SlotState, _: u32, _: &WaitLimit) -> Result<SlotState> {
        std::thread::sleep(Duration::from_millis(self.wait_ms.load(Ordering::Relaxed).into()));
        self.slot("wait")
    }
}
