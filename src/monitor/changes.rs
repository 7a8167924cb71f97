//! Two looks at the readers of one resource manager, compared: what has happened in between.

use crate::iso7816::atr::Atr;
use crate::resource_manager::IfdState;

/// What happens to a reader or to the card in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    IfdArrived,
    IfdLeft,
    CardInserted,
    CardRemoved,
    CardReset,
}

/// Who is told, with the ATR of the card if it is about one. Answers whether there is still somebody to be told.
pub type Tell<'a> = dyn FnMut(Change, &IfdState, Atr) -> bool + 'a;

/// Tells what has happened between two looks, in an order that could have been: who leaves goes first, so that a reader that
/// comes back under its name is told twice. Stops when `tell` answers false.
pub fn compare(before: &[IfdState], now: &[IfdState], tell: &mut Tell<'_>) -> bool {
    let mut left = before.iter().filter(|ifd| same(now, ifd).is_none());
    left.all(|ifd| leave(ifd, tell))
        && now.iter().all(|ifd| match same(before, ifd) {
            None => arrive(ifd, tell),
            Some(known) => compare_cards(known, ifd, tell),
        })
}

/// Tells that all of it is gone, the last one first.
pub fn lose(before: &[IfdState], tell: &mut Tell<'_>) -> bool {
    before.iter().rev().all(|ifd| leave(ifd, tell))
}

/// The same reader, and not only one of the same name.
fn same<'a>(all: &'a [IfdState], ifd: &IfdState) -> Option<&'a IfdState> {
    all.iter().find(|other| other.id == ifd.id && other.name == ifd.name)
}

fn arrive(ifd: &IfdState, tell: &mut Tell<'_>) -> bool {
    tell(Change::IfdArrived, ifd, Atr::default()) && ifd.card.is_none_or(|atr| tell(Change::CardInserted, ifd, atr))
}

fn leave(ifd: &IfdState, tell: &mut Tell<'_>) -> bool {
    ifd.card.is_none_or(|atr| tell(Change::CardRemoved, ifd, atr)) && tell(Change::IfdLeft, ifd, Atr::default())
}

fn compare_cards(known: &IfdState, ifd: &IfdState, tell: &mut Tell<'_>) -> bool {
    match (known.card, ifd.card) {
        // A card that has come and gone, and that nobody has seen.
        (None, None) if moves(known, ifd) > 1 => {
            tell(Change::CardInserted, ifd, Atr::default()) && tell(Change::CardRemoved, ifd, Atr::default())
        }
        (None, None) => true,
        (None, Some(atr)) => tell(Change::CardInserted, ifd, atr),
        (Some(atr), None) => tell(Change::CardRemoved, ifd, atr),
        (Some(old), Some(new)) if was_changed(known, ifd, old != new) => {
            tell(Change::CardRemoved, ifd, old) && tell(Change::CardInserted, ifd, new)
        }
        (Some(old), Some(new)) if old != new || known.resets != ifd.resets => tell(Change::CardReset, ifd, new),
        (Some(_), Some(_)) => true,
    }
}

/// How often a card has come or gone, where that is counted.
fn moves(known: &IfdState, ifd: &IfdState) -> u16 {
    ifd.events.wrapping_sub(known.events)
}

/// Whether a card that was there and is there was out in between. A counter of 0 does not count, so that only another ATR
/// tells. With a counter that does, another ATR is that of the same card after a reset.
///
/// A card that moved once, and is there before and after, was seen in mid-change: pcscd says that it is there a moment before
/// it counts that.
fn was_changed(known: &IfdState, ifd: &IfdState, other_atr: bool) -> bool {
    match moves(known, ifd) {
        0 => other_atr && ifd.events == 0,
        1 => other_atr,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::Change::*;
    use super::*;
    use crate::resource_manager::ifd_name::IfdName;

    const A: &[u8] = &[0x3B, 0x00];
    const B: &[u8] = &[0x3B, 0x80, 0x01];

    fn ifd(name: &str, card: Option<&[u8]>, events: u16) -> IfdState {
        let name = IfdName::new(name.as_bytes()).unwrap();
        IfdState { name, id: 0, card: card.map(Atr::new), events, resets: 0, native: 0 }
    }

    /// What is told, as "name change".
    fn told(before: &[IfdState], now: &[IfdState]) -> Vec<(String, Change, Vec<u8>)> {
        let mut all = Vec::new();
        assert!(compare(before, now, &mut |change, ifd, atr| {
            all.push((ifd.name.as_c_str().to_str().unwrap().to_string(), change, atr.as_bytes().to_vec()));
            true
        }));
        all
    }

    fn changes(before: IfdState, now: IfdState) -> Vec<Change> {
        told(&[before], &[now]).into_iter().map(|(_, change, _)| change).collect()
    }

    fn one(name: &str, change: Change, atr: &[u8]) -> (String, Change, Vec<u8>) {
        (name.to_string(), change, atr.to_vec())
    }

    #[test]
    fn what_is_there_at_first_has_arrived() {
        let now = [ifd("R", Some(A), 1), ifd("S", None, 0)];
        let expected = [one("R", IfdArrived, &[]), one("R", CardInserted, A), one("S", IfdArrived, &[])];
        assert_eq!(told(&[], &now), expected);
        assert_eq!(told(&now, &now), []);
    }

    #[test]
    fn a_card_comes_and_goes() {
        assert_eq!(told(&[ifd("R", None, 2)], &[ifd("R", Some(A), 3)]), [one("R", CardInserted, A)]);
        assert_eq!(told(&[ifd("R", Some(A), 3)], &[ifd("R", None, 4)]), [one("R", CardRemoved, A)]);
        // In a moment in which nobody looked it came, went and came.
        assert_eq!(changes(ifd("R", None, 2), ifd("R", Some(A), 5)), [CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 2), ifd("R", None, 5)), [CardRemoved]);
    }

    #[test]
    fn a_card_that_was_out_between_two_looks_gives_both_events() {
        assert_eq!(changes(ifd("R", Some(A), 1), ifd("R", Some(A), 3)), [CardRemoved, CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 0xFFFF), ifd("R", Some(A), 1)), [CardRemoved, CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 0xFFFE), ifd("R", Some(A), 0)), [CardRemoved, CardInserted]);
        let other = [one("R", CardRemoved, A), one("R", CardInserted, B)];
        assert_eq!(told(&[ifd("R", Some(A), 1)], &[ifd("R", Some(B), 3)]), other);
        assert_eq!(told(&[ifd("R", Some(A), 1)], &[ifd("R", Some(B), 2)]), other);
        assert_eq!(changes(ifd("R", None, 2), ifd("R", None, 4)), [CardInserted, CardRemoved]);
    }

    #[test]
    fn without_a_counter_the_atr_tells() {
        assert_eq!(changes(ifd("R", Some(A), 0), ifd("R", Some(B), 0)), [CardRemoved, CardInserted]);
        assert_eq!(changes(ifd("R", Some(A), 0), ifd("R", Some(A), 0)), []);
    }

    #[test]
    fn with_a_counter_another_atr_is_a_reset() {
        assert_eq!(told(&[ifd("R", Some(A), 1)], &[ifd("R", Some(B), 1)]), [one("R", CardReset, B)]);
        let reset = IfdState { resets: 1, ..ifd("R", Some(A), 1) };
        assert_eq!(changes(ifd("R", Some(A), 1), reset), [CardReset]);
        // Who is new was not reset.
        let changed = IfdState { resets: 1, ..ifd("R", Some(A), 3) };
        assert_eq!(changes(ifd("R", Some(A), 1), changed), [CardRemoved, CardInserted]);
    }

    #[test]
    fn a_look_in_mid_change_tells_nothing_twice() {
        assert_eq!(changes(ifd("R", Some(A), 4), ifd("R", Some(A), 5)), []);
        assert_eq!(changes(ifd("R", None, 4), ifd("R", None, 5)), []);
    }

    #[test]
    fn readers_come_and_go() {
        let (r, s, t) = (ifd("R", Some(A), 1), ifd("S", None, 0), ifd("T", None, 0));
        assert_eq!(told(&[r], &[r, s, t]), [one("S", IfdArrived, &[]), one("T", IfdArrived, &[])]);
        assert_eq!(told(&[s, r, t], &[t]), [one("S", IfdLeft, &[]), one("R", CardRemoved, A), one("R", IfdLeft, &[])]);
        assert_eq!(told(&[s], &[t]), [one("S", IfdLeft, &[]), one("T", IfdArrived, &[])]);
        assert_eq!(told(&[s, t], &[t, s]), []);
    }

    #[test]
    fn a_reader_that_came_back_under_its_name_is_another_one() {
        let (old, new) = (ifd("R", Some(A), 1), IfdState { id: 9, ..ifd("R", Some(A), 1) });
        assert_eq!(changes(old, new), [CardRemoved, IfdLeft, IfdArrived, CardInserted]);
    }

    #[test]
    fn all_is_lost_from_the_inside_out() {
        let mut all = Vec::new();
        lose(&[ifd("R", Some(A), 1), ifd("S", Some(B), 1)], &mut |change, ifd, _| {
            all.push((ifd.name.as_c_str().to_str().unwrap().to_string(), change));
            true
        });
        let names: Vec<_> = all.iter().map(|(name, change)| (name.as_str(), *change)).collect();
        assert_eq!(names, [("S", CardRemoved), ("S", IfdLeft), ("R", CardRemoved), ("R", IfdLeft)]);
    }

    #[test]
    fn telling_stops_when_nobody_listens_any_more() {
        let mut calls = 0;
        let now = [ifd("R", Some(A), 1), ifd("S", Some(A), 1)];
        assert!(!compare(&[], &now, &mut |_, _, _| {
            calls += 1;
            calls < 2
        }));
        assert_eq!(calls, 2);
    }
}
