//! The progress of work that takes longer than a second, on a terminal.

use std::cell::RefCell;
use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::session::Session;

const DELAY: Duration = Duration::from_secs(1);

pub struct Progress {
    /// Of the command, because many short parts may take long together.
    begin: Instant,
    done: RefCell<u64>,
    all: u64,
    unit: &'static str,
    /// Nothing is drawn without a terminal.
    can_draw: bool,
    bar: RefCell<Option<ProgressBar>>,
}

impl Progress {
    /// `all` may ask the card, so it is only called if the progress can be shown.
    pub fn of(session: &Session, unit: &'static str, all: impl FnOnce() -> u64) -> Progress {
        Progress::new(session, unit, if can_draw(session) { all() } else { 0 })
    }

    pub fn new(session: &Session, unit: &'static str, all: u64) -> Progress {
        let can_draw = can_draw(session);
        Progress { begin: session.begin, done: RefCell::new(0), all, unit, can_draw, bar: RefCell::new(None) }
    }

    pub fn advance(&self, steps: u64) {
        *self.done.borrow_mut() += steps;
        if !self.can_draw || self.begin.elapsed() < DELAY {
            return;
        }
        let mut bar = self.bar.borrow_mut();
        bar.get_or_insert_with(|| self.bar()).set_position(*self.done.borrow());
    }

    /// Takes the bar away, before other output.
    pub fn end(&self) {
        if let Some(bar) = self.bar.borrow_mut().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> ProgressBar {
        let bar = ProgressBar::with_draw_target(Some(self.all), ProgressDrawTarget::stderr());
        let template = format!("{{bar:40}} {{pos}} of {{len}} {}, {{eta}} left", self.unit);
        match ProgressStyle::with_template(&template) {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }
}

fn can_draw(session: &Session) -> bool {
    !session.output.json && io::stderr().is_terminal()
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
