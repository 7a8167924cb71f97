//! The knowledge that an attachment has gathered about its card and its reader, and about the selected file.

use super::application::{Selector, Situation};
use crate::iso7816::capabilities::Capabilities;
use crate::iso7816::class;
use crate::iso7816::command::{Command, SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::delivery::{Extended, Fetched, Limits, LongForm};
use crate::iso7816::path::Path;

#[derive(Default)]
pub struct Knowledge {
    /// The selected file, as long as the lock of the caller keeps others from selecting another one.
    pub selection: Option<Selection>,
    /// From the ATR and EF.ATR/INFO. Another ATR means another card.
    pub capabilities: Option<Capabilities>,
    /// The limits of commands that the caller has set.
    pub caller_limits: Option<Limits>,
    /// The most data of a short command and of a short response, if the caller has set less than the standard allows.
    pub caller_short_limits: Option<(usize, usize)>,
    /// The most data that the reader carries, if it names a limit; None if it was not asked.
    pub reader: Option<Option<usize>>,
    pub habits: Habits,
    pub class: FileClass,
    /// The selector whose application is selected, and the situation of that selection.
    pub application: Option<(Selector, Situation)>,
    /// The selectors that are selecting their applications now, nested. Their own commands do not ask for the
    /// application.
    pub selecting: Vec<(Selector, Situation)>,
    /// The generation, and the count of events of the reader, when the card was last known to be the same.
    pub seen: Option<(u64, u16)>,
}

/// A selected file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    pub file: Path,
    /// The current DF, if it is known whether `file` is a DF.
    pub directory: Option<Path>,
}

/// The class of commands about files and codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum FileClass {
    /// The card has not answered a SELECT yet.
    #[default]
    Unknown,
    /// Class 00 (ISO/IEC 7816-4), also if the card does not know the command.
    Interindustry,
    /// Class A0 (3GPP TS 51.011, 9.2).
    Sim,
}

impl FileClass {
    /// The command in this class. A command of another class than 00 keeps it.
    pub fn command<'a>(self, command: &Command<'a>) -> Command<'a> {
        match self {
            FileClass::Sim if command.cla == 0 => Command { cla: class::SIM, ..*command },
            _ => *command,
        }
    }
}

/// The ways of a card, as far as it has refused other ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Habits {
    /// It refuses SELECT by path, so files are selected one level at a time.
    pub steps: bool,
    /// It refuses SELECT without a response.
    pub tells_always: bool,
    /// It returns no FCP, or no FCI.
    pub tells_no_fcp: bool,
    pub tells_no_fci: bool,
    /// It refuses to select a child DF, or a child EF, as such.
    pub knows_no_child_df: bool,
    pub knows_no_child_ef: bool,
    /// It selects children as such, and refuses a file identifier alone.
    pub knows_no_id: bool,
    /// It names extended lengths in its capabilities, and refuses them.
    pub refuses_long_commands: bool,
    pub refuses_long_responses: bool,
    /// It names command chaining in its capabilities, and refuses it.
    pub refuses_chaining: bool,
    /// It has accepted this form, so another refusal of it has another reason.
    takes_long_commands: bool,
    takes_long_responses: bool,
    takes_chaining: bool,
    /// The classes of commands whose response it has given to GET RESPONSE; and those whose response it did not give in
    /// their own class, in the interindustry class of the channel, and in class 00.
    response_fetched: Classes,
    not_fetched_in_own: Classes,
    not_fetched_in_interindustry: Classes,
    not_fetched_in_basic: Classes,
    /// The most data that it accepts in one command, and returns in one response.
    pub command: Reach,
    pub response: Reach,
    /// The most data that it returns to one GET RESPONSE, after it has refused more.
    pub fetched: Option<usize>,
    /// The length of a record that it has returned, after it has refused a longer one.
    pub record: Option<usize>,
    /// It accepts READ BINARY with the odd instruction.
    pub reads_odd: bool,
}

/// A set of classes, with one bit for each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Classes([u64; 4]);

impl Classes {
    pub fn contains(&self, cla: u8) -> bool {
        let (place, bit) = Classes::place(cla);
        self.0.get(place).is_some_and(|bits| bits & bit != 0)
    }

    pub fn set(&mut self, cla: u8, is_in: bool) {
        let (place, bit) = Classes::place(cla);
        if let Some(bits) = self.0.get_mut(place) {
            *bits = if is_in { *bits | bit } else { *bits & !bit };
        }
    }

    fn place(cla: u8) -> (usize, u64) {
        (usize::from(cla >> 6), 1 << (cla & 0x3F))
    }
}

impl Habits {
    pub fn refuses_form(&mut self, form: LongForm) -> &mut bool {
        match form {
            LongForm::Chained => &mut self.refuses_chaining,
            LongForm::Command => &mut self.refuses_long_commands,
            LongForm::Response => &mut self.refuses_long_responses,
        }
    }

    pub fn takes_form(&mut self, form: LongForm) -> &mut bool {
        match form {
            LongForm::Chained => &mut self.takes_chaining,
            LongForm::Command => &mut self.takes_long_commands,
            LongForm::Response => &mut self.takes_long_responses,
        }
    }

    /// The classes in which the response to a command of `cla` can be fetched. Those that the card has refused come
    /// last.
    pub fn fetching(&mut self, cla: u8, mut classes: [u8; 3]) -> [u8; 3] {
        classes.sort_by_key(|fetching| self.refusals_of(cla, *fetching).contains(cla));
        classes
    }

    /// Remembers the result of fetching the response to a command of `cla` in these classes. A card may drop its
    /// response at the first class that it does not know. So if no class has ever worked, another one comes first the
    /// next time.
    pub fn note_fetched(&mut self, cla: u8, classes: [u8; 3], fetched: Fetched) {
        let [first, others @ ..] = classes;
        if fetched == Fetched::Nothing || others == [first; 2] {
            return;
        }
        if let Fetched::In(fetched_in) = fetched {
            self.response_fetched.set(cla, true);
            let refused = classes.iter().take_while(|class| **class != fetched_in);
            refused.for_each(|class| self.refusals_of(cla, *class).set(cla, true));
            self.refusals_of(cla, fetched_in).set(cla, false);
        } else if !self.response_fetched.contains(cla) {
            self.refusals_of(cla, first).set(cla, true);
            if classes.iter().all(|class| self.refusals_of(cla, *class).contains(cla)) {
                let others = others.iter().filter(|class| **class != first);
                others.for_each(|class| self.refusals_of(cla, *class).set(cla, false));
            }
        }
    }

    fn refusals_of(&mut self, cla: u8, fetching: u8) -> &mut Classes {
        match fetching {
            _ if class::is_same(cla, fetching) => &mut self.not_fetched_in_own,
            0 => &mut self.not_fetched_in_basic,
            _ => &mut self.not_fetched_in_interindustry,
        }
    }

    /// The forms of commands count as untried again.
    pub fn forget_forms(&mut self) {
        for form in [LongForm::Chained, LongForm::Command, LongForm::Response] {
            (*self.refuses_form(form), *self.takes_form(form)) = (false, false);
        }
    }
}

impl Limits {
    /// The limits without the forms that the card refuses.
    pub fn without(self, habits: &Habits) -> Limits {
        let Limits { chaining, extended } = self;
        let extended = extended.map(|Extended { data, response }| Extended {
            data: if habits.refuses_long_commands { data.min(SHORT_DATA) } else { data },
            response: if habits.refuses_long_responses { response.min(SHORT_RESPONSE) } else { response },
        });
        Limits {
            chaining: chaining && !habits.refuses_chaining,
            extended: extended.filter(Extended::is_longer_than_short),
        }
    }
}

/// The amount of data that a card accepts, or returns, at once, as far as it was tried. `Capabilities` has the amount
/// that the card names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// The largest amount that it has accepted.
    pub taken: usize,
    /// The largest amount that it accepts, if it has refused more.
    pub limit: Option<usize>,
    /// It has accepted so much and refused more. The amounts between were not tried.
    pub at_least: Option<usize>,
}

impl Habits {
    /// The card accepts at most `length` bytes of data.
    pub fn note_command_limit(&mut self, length: usize) {
        self.command.limit = Some(length);
        self.refuses_long_commands |= length <= SHORT_DATA;
    }

    /// The card returns at most `length` bytes at once.
    pub fn note_response_limit(&mut self, length: usize) {
        self.response.limit = Some(length);
        self.refuses_long_responses |= length <= SHORT_RESPONSE;
    }
}

impl Reach {
    /// The card has accepted `length` bytes.
    pub fn note_taken(&mut self, length: usize) {
        self.taken = self.taken.max(length);
    }

    /// The card has accepted `length` bytes and refused more.
    pub fn note_at_least(&mut self, length: usize) {
        self.at_least = self.at_least.max(Some(length));
    }

    /// As `within`, for `wanted` bytes in all. To look for a larger amount than the known one is worth its exchanges
    /// only for much data.
    pub fn within_for(&self, wanted: usize, most: usize) -> usize {
        const WORTH: usize = 8;
        match (self.limit, self.at_least) {
            (None, Some(length)) if wanted <= WORTH * length => most.min(length),
            _ => self.within(most),
        }
    }

    /// At most `most`, and at most the limit of the card.
    pub fn within(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| most.min(limit))
    }
}

impl Knowledge {
    /// The selected file may be selected no more.
    #[inline(always)]
    pub fn forget_selection(&mut self) {
        self.selection = None;
        self.application = None;
    }

    /// Others have used the card meanwhile, or will.
    pub fn forget_selected_file(&mut self) {
        self.selection = None;
    }

    /// Another card answers.
    pub fn forget_card(&mut self) {
        let Knowledge { caller_limits, caller_short_limits, reader, .. } = *self;
        *self = Knowledge { caller_limits, caller_short_limits, reader, ..Knowledge::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::iso7816::delivery::EVERYTHING;

    #[test]
    fn a_sim_is_asked_in_its_class() {
        let cla = |class: FileClass, cla| class.command(&Command { cla, ..Command::new(0xA4, 0, 0) }).cla;
        assert_eq!([0x00, 0x80, 0xA0].map(|given| cla(FileClass::Sim, given)), [0xA0, 0x80, 0xA0]);
        for class in [FileClass::Unknown, FileClass::Interindustry] {
            assert_eq!([0x00, 0x80, 0xA0].map(|given| cla(class, given)), [0x00, 0x80, 0xA0]);
        }
    }

    #[test]
    fn another_card_may_be_no_sim() {
        let mut knowledge = Knowledge { class: FileClass::Sim, ..Knowledge::default() };
        knowledge.forget_selected_file();
        assert_eq!(knowledge.class, FileClass::Sim);
        knowledge.forget_card();
        assert_eq!(knowledge.class, FileClass::Unknown);
    }

    #[test]
    fn a_set_has_every_class_once() {
        let mut classes = Classes::default();
        for cla in 0..=u8::MAX {
            assert!(!classes.contains(cla));
            classes.set(cla, true);
            assert!(classes.contains(cla));
        }
        classes.set(0x80, false);
        assert!((0..=u8::MAX).all(|cla| classes.contains(cla) == (cla != 0x80)));
    }

    #[test]
    fn the_way_that_has_answered_comes_first() {
        let (by_standard, fido) = ([0x00, 0x80, 0x00], [0x80, 0x00, 0x00]);
        let mut habits = Habits::default();
        assert_eq!(habits.fetching(0x80, by_standard), by_standard);
        habits.note_fetched(0x80, by_standard, Fetched::In(0x80));
        assert_eq!(habits.fetching(0x80, by_standard), [0x80, 0x00, 0x00]);
        // The class was refused, not the order.
        assert_eq!(habits.fetching(0x80, fido), fido);
        // Nothing is known of other classes.
        assert_eq!(habits.fetching(0x84, [0x00, 0x84, 0x00]), [0x00, 0x84, 0x00]);
        // Another application on the same card.
        habits.note_fetched(0x80, fido, Fetched::In(0x00));
        assert_eq!(habits.fetching(0x80, by_standard), [0x00, 0x00, 0x80]);
        habits.note_fetched(0x90, [0x90, 0x00, 0x00], Fetched::In(0x00));
        assert_eq!(habits.fetching(0x90, [0x90, 0x00, 0x00]), [0x00, 0x00, 0x90]);
        habits.note_fetched(0x85, [0x01, 0x85, 0x00], Fetched::In(0x00));
        assert_eq!(habits.fetching(0x85, [0x01, 0x85, 0x00]), [0x00, 0x01, 0x85]);
        // All three classes are the same.
        habits.note_fetched(0x00, [0x00; 3], Fetched::In(0x00));
        assert_eq!(habits.fetching(0x00, [0x00; 3]), [0x00; 3]);
        // After a success a refusal has another reason.
        habits.note_fetched(0x85, [0x00, 0x01, 0x85], Fetched::Refused);
        assert_eq!(habits.fetching(0x85, [0x01, 0x85, 0x00]), [0x00, 0x01, 0x85]);
    }

    #[test]
    fn where_none_has_answered_another_one_is_first() {
        let mut habits = Habits::default();
        for (cla, classes) in [(0x85, [0x01, 0x85, 0x00]), (0x80, [0x00, 0x80, 0x00]), (0xB0, [0xB0, 0x00, 0x00])] {
            let mut firsts = Vec::new();
            for _ in 0..6 {
                let order = habits.fetching(cla, classes);
                firsts.push(order[0]);
                habits.note_fetched(cla, order, Fetched::Refused);
            }
            assert!(classes.iter().all(|class| firsts[..3].contains(class)), "{firsts:02X?}");
            assert!(firsts.iter().zip(&firsts[1..]).all(|(first, next)| first != next), "{firsts:02X?}");
            // Classes that the caller has chosen are not remembered.
            let before = habits;
            habits.note_fetched(cla, [0x33; 3], Fetched::Refused);
            assert_eq!(habits, before);
        }
    }

    #[test]
    fn a_refused_length_is_no_limit_any_more() {
        let all = Limits { chaining: true, extended: Some(EVERYTHING) };
        let without = |refused: &[LongForm]| {
            let mut habits = Habits::default();
            refused.iter().for_each(|form| *habits.refuses_form(*form) = true);
            all.without(&habits)
        };
        assert_eq!(without(&[]), all);
        assert_eq!(without(&[LongForm::Chained]), Limits { chaining: false, ..all });
        let short_commands = Extended { data: SHORT_DATA, ..EVERYTHING };
        assert_eq!(without(&[LongForm::Command]).extended, Some(short_commands));
        let short_responses = Extended { response: SHORT_RESPONSE, ..EVERYTHING };
        assert_eq!(without(&[LongForm::Response]).extended, Some(short_responses));
        assert_eq!(without(&[LongForm::Command, LongForm::Response]).extended, None);
    }
}
