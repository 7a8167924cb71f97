//! A card held by someone else than the command: by this process, which is another client of the daemon.

use std::ffi::{CStr, CString};
use std::sync::mpsc::{channel, Receiver, Sender};
use std::thread::{self, JoinHandle};

use pcsc::{Disposition, Error, ShareMode};

use crate::resource_manager::{connect, disconnect, text};

/// How a card is held.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Grip {
    Shared,
    Exclusive,
    Transaction,
}

/// A card held until it is released. A thread keeps it, because a transaction borrows its card.
pub struct Hold {
    release: Sender<Disposition>,
    keeper: JoinHandle<Result<(), Error>>,
}

impl Hold {
    /// Takes the card in `reader`; waits while others hold it in a transaction.
    pub fn take(reader: &CStr, grip: Grip) -> Result<Self, String> {
        let (release, released) = channel();
        let (taken, wait) = channel();
        let reader = CString::from(reader);
        let keeper = thread::spawn(move || keep(&reader, grip, taken, released));
        let hold = Hold { release, keeper };
        match wait.recv() {
            Ok(()) => Ok(hold),
            // The keeper ended early, and knows why.
            Err(_) => hold.release(Disposition::LeaveCard).and(Err("the card was not held".into())),
        }
    }

    /// Gives the card back with `disposition`.
    pub fn release(self, disposition: Disposition) -> Result<(), String> {
        // A keeper that is gone says why below.
        let _ = self.release.send(disposition);
        let outcome = self.keeper.join().map_err(|_| "the keeper panicked")?;
        outcome.map_err(text)
    }
}

fn keep(reader: &CStr, grip: Grip, taken: Sender<()>, released: Receiver<Disposition>) -> Result<(), Error> {
    let held = || {
        // Both ends of the channels go away together, at the end of the stack: then the card is left as it is.
        let _ = taken.send(());
        released.recv().unwrap_or(Disposition::LeaveCard)
    };
    let (mut card, _context) = connect(reader, grip.mode())?;
    if grip != Grip::Transaction {
        return disconnect(card, held());
    }
    let transaction = card.transaction()?;
    transaction.end(held()).map_err(|(_, error)| error)?;
    disconnect(card, Disposition::LeaveCard)
}

impl Grip {
    fn mode(self) -> ShareMode {
        match self {
            Grip::Exclusive => ShareMode::Exclusive,
            Grip::Shared | Grip::Transaction => ShareMode::Shared,
        }
    }
}
