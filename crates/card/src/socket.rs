//! The card in a reader of vpcd.

use std::time::{Duration, Instant};

use scm_card::TestCard;
use scm_card::steering::Event;
use vpcd::{Plug, Wire};
use vpicc::VSmartCard;

/// How often the card looks up from a delay, to see whether it was changed.
const LOOK_UP: Duration = Duration::from_millis(5);

/// What a mute card gives for an ATR: more than fits, which is how vpcd can be made to fail at power and reset. It asks for
/// the ATR also to see whether there is a card, so no ATR at all would be no card.
const NO_ATR: [u8; 34] = [0; 34];

/// The card, and the connection that it is in.
struct Socket<'a> {
    card: &'a TestCard,
    wire: Option<Wire>,
}

/// Keeps `card` in the reader at `port`, except while it was told to be out.
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
    /// Waits as long as a command that came at `start` must; not any longer when its reader went away.
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
            // It fails when the reader was faster, and then the card is out as well.
            let _ = wire.cut();
        }
    }

    fn break_off(&self, answer: &[u8], length: usize) {
        if let Some(wire) = &self.wire {
            // As above.
            let _ = wire.break_off(answer, length);
        }
    }

    /// A card that is mute shows it by its ATR.
    fn power(&self, event: Event) {
        let _ = self.card.power(event);
    }
}

impl VSmartCard for Socket<'_> {
    fn atr(&self) -> &[u8] {
        if self.card.steering().is_mute() { &NO_ATR } else { self.card.atr() }
    }

    /// A daemon that was killed never said "power off": the session ends at the latest here.
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
            // A reader that waits for an empty answer waits for ever: recv(2) for no bytes does not return.
            None if answer.is_empty() => self.tear_out(),
            None => {}
        }
        answer
    }
}
