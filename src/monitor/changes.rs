//! Compares two states of the readers of one resource manager, and reports the changes between them.

use crate::iso7816::atr::Atr;
use crate::resource_manager::IfdState;

/// A change of a reader, or of the card in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IfdChange {
    IfdArrived,
    IfdLeft,
    CardInserted,
    CardRemoved,
    CardReset,
}

/// Takes a change, with the ATR of the card if it concerns one. Returns false to end the report.
pub type Report<'a> = dyn FnMut(IfdChange, &IfdState, Atr) -> bool + 'a;

/// Reports what happened between two states, in a possible order. Readers leave before others arrive, so a reader that
/// came back under its name gives two events. Stops when `report` returns false.
pub fn compare(before: &[IfdState], now: &[IfdState], report: &mut Report<'_>) -> bool {
    let mut left = before.iter().filter(|ifd| same(now, ifd).is_none());
    left.all(|ifd| leave(ifd, report))
        && now.iter().all(|ifd| match same(before, ifd) {
            None => arrive(ifd, report),
            Some(known) => compare_cards(known, ifd, report),
        })
}

/// Reports that all readers are gone, the last one first.
pub fn report_all_gone(before: &[IfdState], report: &mut Report<'_>) -> bool {
    before.iter().rev().all(|ifd| leave(ifd, report))
}

/// The same reader, not only one with the same name.
fn same<'a>(all: &'a [IfdState], ifd: &IfdState) -> Option<&'a IfdState> {
    all.iter().find(|other| other.id == ifd.id && other.name == ifd.name)
}

fn arrive(ifd: &IfdState, report: &mut Report<'_>) -> bool {
    report(IfdChange::IfdArrived, ifd, Atr::default())
        && ifd.card.is_none_or(|atr| report(IfdChange::CardInserted, ifd, atr))
}

fn leave(ifd: &IfdState, report: &mut Report<'_>) -> bool {
    ifd.card.is_none_or(|atr| report(IfdChange::CardRemoved, ifd, atr))
        && report(IfdChange::IfdLeft, ifd, Atr::default())
}

fn compare_cards(known: &IfdState, ifd: &IfdState, report: &mut Report<'_>) -> bool {
    match (known.card, ifd.card) {
        // A card was inserted and removed in between.
        (None, None) if moves(known, ifd) > 1 => {
            report(IfdChange::CardInserted, ifd, Atr::default()) && report(IfdChange::CardRemoved, ifd, Atr::default())
        }
        (None, None) => true,
        (None, Some(atr)) => report(IfdChange::CardInserted, ifd, atr),
        (Some(atr), None) => report(IfdChange::CardRemoved, ifd, atr),
        (Some(old), Some(new)) if was_changed(known, ifd, old != new) => {
            report(IfdChange::CardRemoved, ifd, old) && report(IfdChange::CardInserted, ifd, new)
        }
        (Some(old), Some(new)) if old != new || known.resets != ifd.resets => report(IfdChange::CardReset, ifd, new),
        (Some(_), Some(_)) => true,
    }
}

/// How many insertions and removals there were, where they are counted.
fn moves(known: &IfdState, ifd: &IfdState) -> u16 {
    ifd.events.wrapping_sub(known.events)
}

/// Whether a card that is present in both states was removed in between. A count of 0 means that nothing is counted:
/// then another ATR means another card. Where insertions and removals are counted, another ATR with the same count
/// means a reset.
///
/// A difference of one with a card in both states is not a removal: pcscd reports a card a moment before it counts its
/// insertion.
fn was_changed(known: &IfdState, ifd: &IfdState, other_atr: bool) -> bool {
    match moves(known, ifd) {
        0 => other_atr && ifd.events == 0,
        1 => other_atr,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::IfdChange::*;
    use super::*;
    use crate::resource_manager::Usage;
    use crate::resource_manager::ifd_name::IfdName;

    const A: &[u8] = &[0x3B, 0x00];
    const B: &[u8] = &[0x3B, 0x80, 0x01];

    fn ifd(name: &str, card: Option<&[u8]>, events: u16) -> IfdState {
        let name = IfdName::new(name.as_bytes()).unwrap();
        IfdState { name, id: 0, card: card.map(Atr::new), events, resets: 0, usage: Usage::Unknown, native: 0 }
    }

    /// The reported changes: name, change, ATR.
    fn reported(before: &[IfdState], now: &[IfdState]) -> Vec<(String, IfdChange, Vec<u8>)> {
        let mut all = Vec::new();
        assert!(compare(before, now, &mut |change, ifd, atr| {
            all.push((ifd.name.as_c_str().to_str().unwrap().to_string(), change, atr.as_bytes().to_vec()));
            true
        }));
        all
    }

    fn changes(before: IfdState, now: IfdState) -> Vec<IfdChange> {
        reported(&[before], &[now]).into_iter().map(|(_, change, _)| change).collect()
    }

    fn one(name: &str, change: IfdChange, atr: &[u8]) -> (String, IfdChange, Vec<u8>) {
        (name.to_string(), change, atr.to_vec())
    }

    #[test]
    fn the_first_state_is_reported_as_arrivals() {
        let now = [ifd("R", Some(A), 1), ifd("S", None, 0)];
        let expected = [one("R", IfdArrived, &[]), one("R", CardInserted, A), one("S", IfdArrived, &[])];
        assert_eq!(reported(&[], &now), expected);
        assert_eq!(reported(&now, &now), []);
    }

    #[test]
    fn a_card_comes_and_goes() {
        assert_eq!(reported(&[ifd("R", None, 2)], &[ifd("R", Some(A), 3)]), [one("R", CardInserted, A)]);
        assert_eq!(reported(&[ifd("R", Some(A), 3)], &[ifd("R", None, 4)]), [one("R", CardRemoved, A)]);
        // It was inserted, removed and inserted between the two states.
        assert_eq!(changes(ifd("R", None, 2), ifd("R", Some(A), 5)), [CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 2), ifd("R", None, 5)), [CardRemoved]);
    }

    #[test]
    fn a_card_that_was_removed_in_between_gives_both_events() {
        assert_eq!(changes(ifd("R", Some(A), 1), ifd("R", Some(A), 3)), [CardRemoved, CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 0xFFFF), ifd("R", Some(A), 1)), [CardRemoved, CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 0xFFFE), ifd("R", Some(A), 0)), [CardRemoved, CardInserted]);
        let other = [one("R", CardRemoved, A), one("R", CardInserted, B)];
        assert_eq!(reported(&[ifd("R", Some(A), 1)], &[ifd("R", Some(B), 3)]), other);
        assert_eq!(reported(&[ifd("R", Some(A), 1)], &[ifd("R", Some(B), 2)]), other);
        assert_eq!(changes(ifd("R", None, 2), ifd("R", None, 4)), [CardInserted, CardRemoved]);
    }

    #[test]
    fn without_a_counter_the_atr_tells() {
        assert_eq!(changes(ifd("R", Some(A), 0), ifd("R", Some(B), 0)), [CardRemoved, CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 0), ifd("R", Some(A), 0)), []);
    }

    #[test]
    fn with_a_counter_another_atr_is_a_reset() {
        assert_eq!(reported(&[ifd("R", Some(A), 1)], &[ifd("R", Some(B), 1)]), [one("R", CardReset, B)]);
        let reset = IfdState { resets: 1, ..ifd("R", Some(A), 1) };
        assert_eq!(changes(ifd("R", Some(A), 1), reset), [CardReset]);
        // A new card was not reset.
        let changed = IfdState { resets: 1, ..ifd("R", Some(A), 3) };
        assert_eq!(changes(ifd("R", Some(A), 1), changed), [CardRemoved, CardInserted]);
    }

    #[test]
    fn an_insertion_that_is_not_counted_yet_gives_no_event() {
        assert_eq!(changes(ifd("R", Some(A), 4), ifd("R", Some(A), 5)), []);
        assert_eq!(changes(ifd("R", None, 4), ifd("R", None, 5)), []);
    }

    #[test]
    fn readers_come_and_go() {
        let (r, s, t) = (ifd("R", Some(A), 1), ifd("S", None, 0), ifd("T", None, 0));
        assert_eq!(reported(&[r], &[r, s, t]), [one("S", IfdArrived, &[]), one("T", IfdArrived, &[])]);
        assert_eq!(
            reported(&[s, r, t], &[t]),
            [one("S", IfdLeft, &[]), one("R", CardRemoved, A), one("R", IfdLeft, &[])]
        );
        assert_eq!(reported(&[s], &[t]), [one("S", IfdLeft, &[]), one("T", IfdArrived, &[])]);
        assert_eq!(reported(&[s, t], &[t, s]), []);
    }

    #[test]
    fn a_reader_that_came_back_under_its_name_is_another_one() {
        let (old, new) = (ifd("R", Some(A), 1), IfdState { id: 9, ..ifd("R", Some(A), 1) });
        assert_eq!(changes(old, new), [CardRemoved, IfdLeft, IfdArrived, CardInserted]);
    }

    #[test]
    fn cards_are_gone_before_their_readers() {
        let mut all = Vec::new();
        report_all_gone(&[ifd("R", Some(A), 1), ifd("S", Some(B), 1)], &mut |change, ifd, _| {
            all.push((ifd.name.as_c_str().to_str().unwrap().to_string(), change));
            true
        });
        let names: Vec<_> = all.iter().map(|(name, change)| (name.as_str(), *change)).collect();
        assert_eq!(names, [("S", CardRemoved), ("S", IfdLeft), ("R", CardRemoved), ("R", IfdLeft)]);
    }

    #[test]
    fn a_report_stops_when_its_receiver_wants_no_more() {
        let mut calls = 0;
        let now = [ifd("R", Some(A), 1), ifd("S", Some(A), 1)];
        assert!(!compare(&[], &now, &mut |_, _, _| {
            calls += 1;
            calls < 2
        }));
        assert_eq!(calls, 2);
    }
}
