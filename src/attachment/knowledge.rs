//! What an attachment has learned of its card and its reader, and of what is selected.

use super::application::{Company, Selector};
use crate::capabilities::Capabilities;
use crate::command::delivery::Limits;
use crate::command::{SHORT_DATA, SHORT_RESPONSE};
use crate::path::Path;

#[derive(Default)]
pub struct Knowledge {
    /// What is selected on the card, as long as the caller's lock keeps others from selecting something else.
    pub selection: Option<Selection>,
    /// What the card can do, from its ATR and its EF.ATR/INFO. Another ATR is another card.
    pub capabilities: Option<Capabilities>,
    /// What the caller says that the card can do.
    pub given_limits: Option<Limits>,
    /// The most data of a short command and of a short response, where the caller says that it is less than these can have.
    pub given_short: Option<(usize, usize)>,
    /// The most data that the reader carries, if it says so; None when it was not asked.
    pub reader: Option<Option<usize>>,
    pub habits: Habits,
    /// Whose application is selected, and what it can be lost by, as that was then.
    pub application: Option<(Selector, Company)>,
    /// Who is selecting his application now, one inside of the other: what he sends for that does not want it selected.
    pub selecting: Vec<(Selector, Company)>,
    /// The generation and the events of the reader when the card was last known to be the same.
    pub seen: Option<(u64, u16)>,
}

/// What is selected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    pub file: Path,
    /// The current DF, if it is known whether `file` is one.
    pub directory: Option<Path>,
}

/// How a card wants to be asked, as far as it has refused to be asked otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Habits {
    /// It does not select by path, but only step by step.
    pub steps: bool,
    /// It does not select without telling.
    pub tells_always: bool,
    /// It tells no FCP, or no FCI.
    pub tells_no_fcp: bool,
    pub tells_no_fci: bool,
    /// It does not select a child DF, or a child EF, as such.
    pub knows_no_child_df: bool,
    pub knows_no_child_ef: bool,
    /// It says that its lengths may be extended, and refuses them all the same.
    pub refuses_long_commands: bool,
    pub refuses_long_responses: bool,
    /// How much it takes in one command, and how much it gives in one response.
    pub command: Reach,
    pub response: Reach,
    /// In what length it has given a record, after it has refused a longer one.
    pub record: Option<usize>,
    /// It reads with the odd instruction.
    pub reads_odd: bool,
}

/// How much a card takes, or gives, at once, as far as it was tried. What it says of that is in `Capabilities`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Reach {
    /// The longest that it has taken.
    pub taken: usize,
    /// The longest that it takes, where it has refused a longer one.
    pub limit: Option<usize>,
}

impl Habits {
    /// It takes no longer data than so many bytes.
    pub fn note_command_limit(&mut self, length: usize) {
        self.command.limit = Some(length);
        self.refuses_long_commands |= length <= SHORT_DATA;
    }

    /// It gives no more than so many bytes at once.
    pub fn note_response_limit(&mut self, length: usize) {
        self.response.limit = Some(length);
        self.refuses_long_responses |= length <= SHORT_RESPONSE;
    }
}

impl Reach {
    /// It has taken so much.
    pub fn note_taken(&mut self, length: usize) {
        self.taken = self.taken.max(length);
    }

    /// As much of `most` as it takes.
    pub fn within(&self, most: usize) -> usize {
        self.limit.map_or(most, |limit| most.min(limit))
    }
}

impl Knowledge {
    /// What was selected may be so no more.
    #[inline(always)]
    pub fn forget_selection(&mut self) {
        self.selection = None;
        self.application = None;
    }

    /// The card was others' meanwhile, or will be.
    pub fn forget_selected_file(&mut self) {
        self.selection = None;
    }

    /// Another card answers.
    pub fn forget_card(&mut self) {
        let Knowledge { given_limits, given_short, reader, .. } = *self;
        *self = Knowledge { given_limits, given_short, reader, ..Knowledge::default() };
    }
}
