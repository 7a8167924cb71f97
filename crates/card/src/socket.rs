//! The card in a reader of vpcd.

use std::time::{Duration, Instant};

use scm_card::TestCard;
use scm_card::steering::Event;
use vpcd::{Plug, Wire};
use vpicc::VSmartCard;

/// The interval at which a waiting card checks for a changed delay.
const LOOK_UP: Duration = Duration::from_millis(5);

/// The ATR of a mute card: it is too long, which makes vpcd fail at power and reset. vpcd also asks for the ATR to see
/// whether there is a card, so an empty ATR would mean no card.
const NO_ATR: [u8; 34] = [0; 34];

/// The card and its connection.
struct Socket<'a> {
    card: &'a TestCard,
    wire: Option<Wire>,
}

/// Keeps `card` in the reader at `port`, unless it was told to be out.
pub fn serve(card: &TestCard, port: u16) -> ! {
    loop {
        card.steering().wait_to_plug();
        let Ok(plug) = Plug::insert(port) else { continue };
        let wire = plug.wire().ok();
        plug.run(&mut Socket { card, wire });
        // Out of its reader a card has no power.
        card.lose_power();
    }
}

impl Socket<'_> {
    /// Waits until the response to a command that came at `start` is due, or until the reader is gone.
    fn wait(&self, start: Instant) {
        loop {
            let rest = self.card.steering().rest_of_delay(start).min(LOOK_UP);
            if rest.is_zero() || self.sleep(rest) {
                return;
            }
        }
    }

    fn sleep(&self, duration: Duration) -> bool {
        self.wire.as_ref().is_some_and(|wire| wire.wait_for_end(duration))
    }

    fn tear_out(&self) {
        if let Some(wire) = &self.wire {
            // It fails if the reader was faster, and then the card is out as well.
            let _ = wire.cut();
        }
    }

    fn break_off(&self, answer: &[u8], length: usize) {
        if let Some(wire) = &self.wire {
            // As above.
            let _ = wire.break_off(answer, length);
        }
    }

    /// A mute card shows by its ATR.
    fn power(&self, event: Event) {
        let _ = self.card.power(event);
    }
}

impl VSmartCard for Socket<'_> {
    fn atr(&self) -> &[u8] {
        if self.card.steering().is_mute() { &NO_ATR } else { self.card.atr() }
    }

    /// A killed daemon never says "power off": the session ends here at the latest.
    fn power_on(&mut self) {
        self.power(Event::PowerOn);
    }

    fn power_off(&mut self) {
        self.power(Event::PowerOff);
    }

    fn reset(&mut self) {
        self.power(Event::Reset);
    }

    fn execute(&mut self, apdu: &[u8]) -> Vec<u8> {
        let start = Instant::now();
        let answer = self.card.answer(apdu);
        self.wait(start);
        match self.card.steering().drops_out() {
            Some(length) if length > 0 => self.break_off(&answer, length),
            Some(_) => self.tear_out(),
            // A reader that waits for an empty response waits forever: recv(2) for no bytes does not return.
            None if answer.is_empty() => self.tear_out(),
            None => {}
        }
        answer
    }
}
