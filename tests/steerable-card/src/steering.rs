//! What the card has been told, and what happened to it: shared by the thread that reads orders and the card's own.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::order::Order;

/// The wheel both threads hold. It is never locked while the card waits.
#[derive(Default)]
pub struct Steering {
    state: Mutex<State>,
    plugged: Condvar,
}

#[derive(Default)]
struct State {
    delay: Duration,
    answers: Vec<(Vec<u8>, Vec<u8>)>,
    drop: bool,
    out: bool,
    log: Vec<Vec<u8>>,
    events: Events,
}

#[derive(Default)]
struct Events {
    on: u32,
    off: u32,
    reset: u32,
}

/// A signal from the reader that is no command.
pub enum Event {
    PowerOn,
    PowerOff,
    Reset,
}

impl Steering {
    /// Does what `order` asks for; gives what there is to say about it.
    pub fn obey(&self, order: Order) -> Result<String, String> {
        let mut state = self.lock();
        let mut value = String::new();
        match order {
            Order::Delay(delay) => state.delay = delay,
            Order::Answer(prefix, response) => state.answers.push((prefix, response)),
            Order::Forget => state.forget(),
            Order::Log => value = state.log.iter().map(hex::encode_upper).collect::<Vec<_>>().join(" "),
            Order::Count => value = state.log.len().to_string(),
            Order::Clear => state.clear(),
            Order::Drop => state.drop = true,
            Order::Plug => state.out = false,
            Order::Events => value = state.events.to_string(),
        }
        self.plugged.notify_all();
        Ok(value)
    }

    /// Notes that the reader sent `apdu`.
    pub fn received(&self, apdu: &[u8]) {
        self.lock().log.push(apdu.to_vec());
    }

    /// Notes what the reader did to the card.
    pub fn happened(&self, event: Event) {
        let events = &mut self.lock().events;
        match event {
            Event::PowerOn => events.on += 1,
            Event::PowerOff => events.off += 1,
            Event::Reset => events.reset += 1,
        }
    }

    /// The response that was laid down for `apdu`.
    pub fn answer(&self, apdu: &[u8]) -> Option<Vec<u8>> {
        let state = self.lock();
        let (_, response) = state.answers.iter().find(|(prefix, _)| apdu.starts_with(prefix))?;
        Some(response.clone())
    }

    /// How long a command that came at `start` has still to wait for its answer, by the delay of now and not of then.
    pub fn rest_of_delay(&self, start: Instant) -> Duration {
        self.lock().delay.saturating_sub(start.elapsed())
    }

    /// Whether the card must now drop out; if so, it is out from here on.
    pub fn drops_out(&self) -> bool {
        let mut state = self.lock();
        state.out = std::mem::take(&mut state.drop);
        state.out
    }

    /// Waits until the card may be in its reader.
    pub fn wait_to_plug(&self) {
        let state = self.lock();
        drop(self.plugged.wait_while(state, |state| state.out));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with the steering")
    }
}

impl State {
    fn forget(&mut self) {
        self.delay = Duration::ZERO;
        self.answers.clear();
        self.drop = false;
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

    fn steered(lines: &[&str]) -> Steering {
        let steering = Steering::default();
        for line in lines {
            steering.obey(line.parse().unwrap()).unwrap();
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
        assert_eq!(steering.obey(Order::Log), Ok("00A4 FF".into()));
        assert_eq!(steering.obey(Order::Count), Ok("2".into()));
        steering.obey(Order::Clear).unwrap();
        assert_eq!(steering.obey(Order::Log), Ok("".into()));
        assert_eq!(steering.obey(Order::Count), Ok("0".into()));
    }

    #[test]
    fn a_drop_happens_once_and_keeps_the_card_out() {
        let steering = steered(&["drop"]);
        assert!(steering.drops_out());
        assert!(steering.lock().out);
        steering.obey(Order::Plug).unwrap();
        steering.wait_to_plug();
        assert!(!steering.drops_out());
    }

    #[test]
    fn the_delay_of_now_counts() {
        let steering = steered(&["delay 3600000"]);
        let start = Instant::now();
        assert!(!steering.rest_of_delay(start).is_zero());
        steering.obey(Order::Forget).unwrap();
        assert!(steering.rest_of_delay(start).is_zero());
    }
}
