//! The search for the greatest length that a card accepts in a command, or gives in a response, after it has refused
//! one. The refusal shows little: cards use the same word for a length that is too great for the card, and for one that
//! is too great for the file.

/// The number of lengths to try.
const TRIES: usize = 8;

/// If the card accepts the longest short command, a longer one is searched for only if the refused length is this many
/// times as long.
const WORTH: usize = 4;

/// A search. "Taken" means that the card has accepted a length.
#[derive(Clone, Debug)]
pub struct Search {
    /// The greatest length that was taken; 0 if none was.
    taken: usize,
    /// The least length that was refused.
    refused: usize,
    /// The greatest length without extended lengths.
    short: usize,
    tries: usize,
    /// Whether the first length to try is one byte.
    begins_with_one: bool,
    has_tried_one: bool,
}

impl Search {
    /// A search below a `refused` length. If the card has `taken` this length before, it does not refuse the length,
    /// but the place: then one byte is tried first.
    pub fn below(refused: usize, taken: usize, short: usize) -> Search {
        let begins_with_one = refused <= taken.max(1);
        let tries = TRIES + usize::from(begins_with_one);
        Search { taken: 0, refused, short, tries, begins_with_one, has_tried_one: false }
    }

    /// The next length to try. None: the search has ended.
    pub fn next(&mut self) -> Option<usize> {
        let length = if self.taken == 0 && self.begins_with_one {
            (!self.has_tried_one).then_some(1)
        } else if self.tries == 0 {
            // The last try shows whether the card takes one byte.
            (self.taken == 0 && !self.has_tried_one).then_some(1)
        } else {
            self.between()
        }?;
        self.tries = self.tries.saturating_sub(1);
        self.has_tried_one |= length == 1;
        Some(length)
    }

    fn between(&self) -> Option<usize> {
        let (taken, refused) = (self.taken, self.refused);
        if refused.saturating_sub(taken) <= 1 {
            return None;
        }
        if taken < self.short && refused > self.short {
            return Some(self.short);
        }
        if taken == self.short && refused < WORTH * self.short {
            return None;
        }
        // For great lengths the logarithm is halved, because limits differ by factors.
        let doublings = (refused / taken.max(1)).ilog2();
        if taken >= self.short && doublings > 1 {
            return Some(taken << (doublings / 2)).filter(|length| *length < refused);
        }
        Some(taken + (refused - taken) / 2)
    }

    /// Notes that the card has taken `length`.
    pub fn take(&mut self, length: usize) {
        self.taken = self.taken.max(length);
    }

    /// Notes that the card has refused `length`.
    pub fn refuse(&mut self, length: usize) {
        self.refused = self.refused.min(length);
    }

    /// The greatest length that was taken; 0 if none was.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// The least length that was refused.
    pub fn refused(&self) -> usize {
        self.refused
    }
}

/// The result of a search. It is the limit of the card if the file has bytes at all refused places. Otherwise it may be
/// all that the file has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Found {
    /// The greatest length that the card takes in an APDU.
    pub length: usize,
    /// The first offset behind all refused places.
    pub behind: u64,
}

impl Found {
    /// The limit of the card, if the file is known to have all bytes before `end`.
    pub fn limit(self, end: u64) -> Option<usize> {
        (end >= self.behind).then_some(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The result of a search with a card that takes `limit`, and the number of tries.
    fn search(mut search: Search, limit: usize) -> (usize, usize) {
        let mut tries = 0;
        while let Some(length) = search.next() {
            tries += 1;
            if length <= limit {
                search.take(length);
            } else {
                search.refuse(length);
            }
        }
        (search.taken(), tries)
    }

    #[test]
    fn a_short_limit_is_found_exactly() {
        for refused in 1..=256 {
            for limit in 0..refused {
                let (found, tries) = search(Search::below(refused, 0, 256), limit);
                assert_eq!(found, limit, "below {refused}");
                assert!(tries <= TRIES, "{tries} tries for {limit} below {refused}");
            }
        }
    }

    #[test]
    fn a_place_without_bytes_needs_one_try() {
        for refused in [1, 2, 44, 256, 65_536] {
            assert_eq!(search(Search::below(refused, 65_536, 256), 0), (0, 1));
            assert_eq!(search(Search::below(refused, 65_536, 256), 1), (1.min(refused), tries_for_one(refused)));
        }
    }

    fn tries_for_one(refused: usize) -> usize {
        search(Search::below(refused, 65_536, 256), 1).1
    }

    #[test]
    fn a_long_limit_is_found_nearly() {
        for limit in (1..65_536).step_by(7).chain([1, 2, 255, 256, 257, 511, 512, 65_535]) {
            let (found, tries) = search(Search::below(65_536, 0, 256), limit);
            assert!((1..=limit).contains(&found), "{found} of {limit}");
            assert!(found * 2 >= limit, "{found} of {limit}");
            assert!(limit < 1024 || found * 100 >= limit * 80, "{found} of {limit}");
            assert!(tries <= TRIES + usize::from(limit == 1), "{tries} tries for {limit}");
        }
    }

    #[test]
    fn a_card_without_extended_lengths_needs_few_tries() {
        assert_eq!(search(Search::below(600, 0, 256), 256), (256, 1));
        assert_eq!(search(Search::below(65_536, 0, 256), 256), (256, 4));
        assert_eq!(search(Search::below(600, 0, 255), 255), (255, 1));
    }
}
