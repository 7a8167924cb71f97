//! The orders to the card and its events, shared by the thread that gives orders and the thread of the card.

mod log;
pub mod order;

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use log::Log;
use order::Order;

/// The state that both threads share. It is never locked while the card waits.
#[derive(Default)]
pub struct Steering {
    state: Mutex<State>,
    told: Condvar,
}

#[derive(Default)]
struct State {
    delay: Duration,
    answers: Vec<(Vec<u8>, Vec<u8>)>,
    /// The part of the next response before the card drops out, if it is to.
    drop: Option<usize>,
    out: bool,
    mute: bool,
    log: Log,
    events: Events,
}

#[derive(Default)]
struct Events {
    on: u32,
    off: u32,
    reset: u32,
}

/// A signal from the reader that is no command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    PowerOn,
    PowerOff,
    Reset,
}

impl Steering {
    /// Executes `order`, and returns its answer.
    pub fn execute(&self, order: Order) -> String {
        let mut state = self.lock();
        let mut value = String::new();
        match order {
            Order::Delay(delay) => state.delay = delay,
            Order::Answer(prefix, response) => state.answers.push((prefix, response)),
            Order::Forget => state.forget(),
            Order::Log => value = state.log.to_string(),
            Order::Take => value = state.log.take(),
            Order::Count => value = state.log.count().to_string(),
            Order::Clear => state.clear(),
            Order::Drop => state.drop = Some(0),
            Order::Half(length) => state.drop = Some(length),
            Order::Plug => state.out = false,
            Order::Events => value = state.events.to_string(),
            Order::Mute => state.mute = true,
            Order::Unmute => state.mute = false,
        }
        self.told.notify_all();
        value
    }

    /// Records that the reader sent `apdu`.
    pub fn received(&self, apdu: &[u8]) {
        self.lock().log.note(apdu);
    }

    /// Records an action of the reader on the card.
    pub fn happened(&self, event: Event) {
        let events = &mut self.lock().events;
        match event {
            Event::PowerOn => events.on = events.on.saturating_add(1),
            Event::PowerOff => events.off = events.off.saturating_add(1),
            Event::Reset => events.reset = events.reset.saturating_add(1),
        }
    }

    /// The ordered response to `apdu`.
    pub fn answer(&self, apdu: &[u8]) -> Option<Vec<u8>> {
        let state = self.lock();
        let (_, response) = state.answers.iter().find(|(prefix, _)| apdu.starts_with(prefix))?;
        Some(response.clone())
    }

    /// The remaining delay of a command that came at `start`, by the present order.
    pub fn rest_of_delay(&self, start: Instant) -> Duration {
        self.lock().rest_of_delay(start)
    }

    /// Waits for the delay of a command that came at `start`; ends early if the delay changes.
    pub fn wait_out(&self, start: Instant) {
        let mut state = self.lock();
        loop {
            let rest = state.rest_of_delay(start);
            if rest.is_zero() {
                return;
            }
            let woken = self.told.wait_timeout(state, rest);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Tells whether the card must drop out now, and after how many bytes of its response; then it is out.
    pub fn drops_out(&self) -> Option<usize> {
        let mut state = self.lock();
        let drops = state.drop.take();
        state.out |= drops.is_some();
        drops
    }

    pub fn is_out(&self) -> bool {
        self.lock().out
    }

    pub fn is_mute(&self) -> bool {
        self.lock().mute
    }

    /// Waits until the card may be in its reader.
    pub fn wait_to_plug(&self) {
        let state = self.lock();
        drop(self.told.wait_while(state, |state| state.out));
    }

    /// No code under this mutex leaves a state half changed, so a panic elsewhere does not matter.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn rest_of_delay(&self, start: Instant) -> Duration {
        self.delay.saturating_sub(start.elapsed())
    }

    fn forget(&mut self) {
        self.delay = Duration::ZERO;
        self.answers.clear();
        self.drop = None;
    }

    fn clear(&mut self) {
        self.log.clear();
        self.events = Events::default();
    }
}

impl std::fmt::Display for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "on={} off={} reset={}", self.on, self.off, self.reset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::thread;

    fn steered(lines: &[&str]) -> Steering {
        let steering = Steering::default();
        for line in lines {
            steering.execute(line.parse().unwrap());
        }
        steering
    }

    #[test]
    fn the_first_answer_that_matches_wins() {
        let steering = steered(&["answer 00A404 6A82", "answer 00A4 9000"]);
        assert_eq!(steering.answer(&[0, 0xA4, 4, 0]), Some(vec![0x6A, 0x82]));
        assert_eq!(steering.answer(&[0, 0xA4, 0, 0]), Some(vec![0x90, 0]));
        assert_eq!(steering.answer(&[0, 0xA5, 0, 0]), None);
    }

    #[test]
    fn the_log_counts_until_it_is_cleared() {
        let steering = steered(&[]);
        steering.received(&[0, 0xA4]);
        steering.received(&[0xFF]);
        assert_eq!(steering.execute(Order::Log), "00A4 FF");
        assert_eq!(steering.execute(Order::Count), "2");
        assert_eq!(steering.execute(Order::Take), "00A4 FF");
        assert_eq!(steering.execute(Order::Take), "");
        steering.execute(Order::Clear);
        assert_eq!(steering.execute(Order::Log), "");
        assert_eq!(steering.execute(Order::Count), "0");
    }

    #[test]
    fn a_drop_happens_once_and_keeps_the_card_out() {
        let steering = steered(&["drop"]);
        assert_eq!(steering.drops_out(), Some(0));
        assert_eq!(steering.drops_out(), None);
        assert!(steering.is_out());
        steering.execute(Order::Plug);
        steering.wait_to_plug();
        assert!(!steering.is_out());
    }

    #[test]
    fn a_half_answer_is_the_last_one() {
        let steering = steered(&["drop", "half 1"]);
        assert_eq!(steering.drops_out(), Some(1));
        assert!(steering.is_out());
        assert_eq!(steered(&["half 1", "forget"]).drops_out(), None);
    }

    #[test]
    fn a_wait_ends_when_the_delay_does() {
        let steering = Arc::new(steered(&["delay 3600000"]));
        let waiting = Arc::clone(&steering);
        let thread = thread::spawn(move || waiting.wait_out(Instant::now()));
        steering.execute(Order::Count);
        steering.execute(Order::Forget);
        thread.join().unwrap();
    }
}
