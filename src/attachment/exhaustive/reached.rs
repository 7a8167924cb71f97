//! The states that are reached, each as a pair: the connection and the locks. The types allow 48 pairs. 22 of them
//! exist, and `every_two_answers` reaches them all. Before the connection was a type, nine flags and the locks allowed
//! 2,048 combinations, of which this test reached 35 before a detach.

use super::states::Case;
use crate::attachment::Ownership;
use crate::attachment::connection_state::{ConnectionPhase, Health};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ConnectionKind {
    Sound,
    Doubtful,
    DoubtfulSinceLoss,
    Interrupted,
    /// The first four, after an unlock has reset the card.
    SoundAfterReset,
    DoubtfulAfterReset,
    DoubtfulSinceLossAfterReset,
    InterruptedAfterReset,
    SetAside,
    Deferred,
    Lost,
    Closed,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum LockKind {
    Free,
    Held,
    Lost,
    Stuck,
}

pub type Reached = (ConnectionKind, LockKind);

pub fn of(case: &Case) -> Reached {
    let session = case.attachment.try_begin_call().unwrap();
    let connection = match session.connection.state() {
        ConnectionPhase::Connected { health, own_reset: false, .. } => match health {
            Health::Sound => ConnectionKind::Sound,
            Health::Doubtful => ConnectionKind::Doubtful,
            Health::DoubtfulSinceLoss => ConnectionKind::DoubtfulSinceLoss,
            Health::Interrupted => ConnectionKind::Interrupted,
        },
        ConnectionPhase::Connected { health, own_reset: true, .. } => match health {
            Health::Sound => ConnectionKind::SoundAfterReset,
            Health::Doubtful => ConnectionKind::DoubtfulAfterReset,
            Health::DoubtfulSinceLoss => ConnectionKind::DoubtfulSinceLossAfterReset,
            Health::Interrupted => ConnectionKind::InterruptedAfterReset,
        },
        ConnectionPhase::SetAside { .. } => ConnectionKind::SetAside,
        ConnectionPhase::Deferred { .. } => ConnectionKind::Deferred,
        ConnectionPhase::Lost { .. } => ConnectionKind::Lost,
        ConnectionPhase::Closed => ConnectionKind::Closed,
    };
    let locks = match (session.locks.is_held(), &session.locks.reader) {
        (false, None) => LockKind::Free,
        (true, Some(_)) => LockKind::Held,
        (true, None) => LockKind::Lost,
        (false, Some(_)) => LockKind::Stuck,
    };
    (connection, locks)
}

/// Whether the tables of `connection_state` and `lock_state` have this pair.
pub fn exists((connection, locks): Reached, ownership: Ownership) -> bool {
    use ConnectionKind::*;
    match connection {
        Sound | Doubtful | DoubtfulSinceLoss => matches!(locks, LockKind::Free | LockKind::Held),
        Interrupted => locks != LockKind::Stuck,
        // A lock acknowledges the reset.
        SoundAfterReset | DoubtfulAfterReset | DoubtfulSinceLossAfterReset | InterruptedAfterReset => {
            locks == LockKind::Free
        }
        SetAside => ownership == Ownership::Borrowed,
        Deferred => ownership == Ownership::Owned && locks == LockKind::Free,
        Lost => ownership == Ownership::Owned && matches!(locks, LockKind::Free | LockKind::Lost),
        Closed => matches!(locks, LockKind::Free | LockKind::Lost),
    }
}
