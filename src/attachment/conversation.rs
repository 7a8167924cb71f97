//! Several exchanges with the card in a row, between which nobody else gets at it.

use zeroize::Zeroize;

use super::session::Session;
use super::{Attachment, Facts, Ownership};
use crate::atr::Atr;
use crate::capabilities::Capabilities;
use crate::command::delivery::{Carrier, Limits};
use crate::command::status_word::StatusWord;
use crate::command::Command;
use crate::features;
use crate::hresult::{Hresult, Result};
use crate::path::Path;
use crate::patience::Patience;
use crate::subsystem::system;
use crate::type_library::{Disposition, Protocol, ShareMode};

/// What an attachment has learned of its card and its reader, and of what is selected.
#[derive(Default)]
pub struct Knowledge {
    /// What is selected on the card, as long as the caller's lock keeps others from selecting something else.
    selection: Option<Selection>,
    /// What the card can do, from its ATR and its EF.ATR/INFO. Another ATR is another card.
    capabilities: Option<Capabilities>,
    /// What the caller says that the card can do.
    given_limits: Option<Limits>,
    /// The most data that the reader carries, if it says so; None when it was not asked.
    reader: Option<Option<usize>>,
    habits: Habits,
    /// Whose application is selected, and what it can be lost by, as that was then.
    application: Option<(Selector, Company)>,
    /// Who is selecting his application now, one inside of the other: what he sends for that does not want it selected.
    selecting: Vec<(Selector, Company)>,
    /// The generation and the events of the reader when the card was last known to be the same.
    seen: Option<(u64, u16)>,
}

/// Who selects an application: a hook with its data, as addresses that are compared and nothing else.
pub type Selector = (usize, usize);

/// Who may use the card, and what has happened to it.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Company {
    generation: u64,
    /// How many have come to the reader in this process.
    arrivals: u64,
    /// The number of the lock, because others can use the card between two of them; 0 where nobody else can.
    lock: u64,
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
    pub knows_no_child: [bool; 2],
    /// It says that its lengths may be extended, and refuses them all the same.
    pub refuses_long_commands: bool,
    pub refuses_long_responses: bool,
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
        *self = Knowledge { given_limits: self.given_limits, reader: self.reader, ..Knowledge::default() };
    }
}

/// The card, locked for as long as this lives in `Attachment::converse`.
pub struct Conversation<'a> {
    attachment: &'a Attachment,
    session: &'a mut Session,
    protocol: Protocol,
    /// What is selected, as far as it is known here. Who knows the card handle could have selected something else past this library
    /// before.
    selection: Option<Selection>,
}

impl Attachment {
    /// Locks the card, if it is not, waiting no longer than so, and lets `talk` have it. The lock of its own is given back after
    /// it; what became of that shows at the next call.
    pub fn converse<T>(&self, timeout_ms: u32, talk: impl FnOnce(&mut Conversation) -> Result<T>) -> Result<T> {
        let patience = Patience::of_ms(timeout_ms, &self.bell);
        let mut session = self.enter(&patience)?;
        let session = &mut *session;
        self.take_lock(session, &patience)?;
        let talked = match session.link.map(|link| link.protocol) {
            Ok(Some(protocol)) => {
                let selection = session.knowledge.selection.filter(|_| !self.is_known_to_others());
                talk(&mut Conversation { attachment: self, session, protocol, selection })
            }
            Ok(None) => Err(Hresult::SCARD_E_PROTO_MISMATCH),
            Err(code) => Err(code),
        };
        let _ = self.give_lock(session, Disposition::Leave);
        talked
    }

    /// Locks the card, and tells whether an application may have to be selected again: there was a loss since `note_application`,
    /// or the lock is another one and somebody else may have used the card in between, or something else was selected.
    pub fn lock_for_application(&self, selector: Selector, timeout_ms: u32) -> Result<bool> {
        let patience = Patience::of_ms(timeout_ms, &self.bell);
        let mut session = self.enter(&patience)?;
        self.take_lock(&mut session, &patience)?;
        let company = self.company(&session);
        let knowledge = &mut session.knowledge;
        let is_selecting = knowledge.selecting.iter().any(|(who, _)| *who == selector);
        let is_due = knowledge.application != Some((selector, company)) && !is_selecting;
        if is_due {
            if let Err(code) = knowledge.selecting.try_reserve(1) {
                let _ = self.give_lock(&mut session, Disposition::Leave);
                return Err(code.into());
            }
            knowledge.selecting.push((selector, company));
        }
        Ok(is_due)
    }

    /// The application is selected, or could not be. What happened to the card meanwhile may have undone it.
    pub fn note_application(&self, selector: Selector, selected: bool) -> Result<()> {
        let mut session = self.enter_at_length()?;
        let company = self.company(&session);
        let knowledge = &mut session.knowledge;
        let before = knowledge.selecting.iter().rposition(|(who, _)| *who == selector);
        let before = before.map(|place| knowledge.selecting.remove(place));
        knowledge.application = Some((selector, company)).filter(|now| selected && before == Some(*now));
        Ok(())
    }

    /// Whether somebody can use the card handle past this library.
    fn is_known_to_others(&self) -> bool {
        let Facts { ownership, lent, .. } = *self.facts();
        lent || ownership == Ownership::Borrowed
    }

    fn company(&self, session: &Session) -> Company {
        let (seats, arrivals) = self.seat.company();
        let is_exclusive = session.link.is_ok_and(|link| link.share_mode == ShareMode::Exclusive);
        let alone = !self.is_known_to_others() && (is_exclusive || seats == 1 && self.subsystem.is_private());
        let lock = if alone { 0 } else { session.lock_number };
        Company { generation: self.generation(), arrivals, lock }
    }

    /// Sets what a command to this card may be like, whatever the card says; None believes the card.
    pub fn set_limits(&self, limits: Option<Limits>) -> Result<()> {
        self.enter_at_length()?.knowledge.given_limits = limits;
        Ok(())
    }
}

impl Conversation<'_> {
    /// Sends a command, in as many exchanges as it takes, puts its answer behind `answer`, and gives the status word.
    pub fn send(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let is_long = command.data.len() > crate::command::SHORT_DATA || command.ne > crate::command::SHORT_RESPONSE;
        let limits = if is_long { self.limits() } else { Limits::SHORT };
        command.deliver(self, &limits, answer)
    }

    /// Sends a command of the caller's, and keeps its answer as that of the last exchange. What is selected afterwards, he knows.
    pub fn send_for_caller(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        self.session.knowledge.forget_selection();
        self.send_for_application(command, answer)
    }

    /// The same for who has selected his application for this command.
    pub fn send_for_application(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        self.session.knowledge.selection = None;
        self.selection = None;
        let sent = self.send(command, answer);
        let kept = &mut self.session.response;
        // What is in there is a part of the answer, or what the reader says of itself.
        kept.clear();
        let status = sent?;
        // As long as the longest response at most, for which there is room.
        kept.extend_from_slice(answer);
        kept.extend_from_slice(&status.0.to_be_bytes());
        Ok(status)
    }

    /// What a command may be like.
    pub fn limits(&mut self) -> Limits {
        match self.session.knowledge.given_limits {
            Some(limits) => limits,
            None => {
                let capabilities = self.capabilities();
                let reader = if capabilities.extended == Some(true) { self.reader_limit() } else { None };
                capabilities.limits(reader)
            }
        }
    }

    /// Whether it matters what the card says of its capabilities.
    pub fn believes_card(&self) -> bool {
        self.session.knowledge.given_limits.is_none()
    }

    pub fn capabilities(&mut self) -> Capabilities {
        let atr = self.session.card.atr;
        *self.session.knowledge.capabilities.get_or_insert_with(|| Capabilities::of_atr(&atr))
    }

    pub fn atr(&self) -> Atr {
        self.session.card.atr
    }

    pub fn learn(&mut self, capabilities: Capabilities) {
        self.session.knowledge.capabilities = Some(capabilities);
    }

    /// The most data that the reader carries in one APDU, if it says so (PC/SC part 10).
    fn reader_limit(&mut self) -> Option<usize> {
        if self.session.knowledge.reader.is_none() {
            self.session.knowledge.reader = Some(self.ask_reader_limit());
        }
        self.session.knowledge.reader.flatten()
    }

    fn ask_reader_limit(&mut self) -> Option<usize> {
        let code = self.feature(features::GET_TLV_PROPERTIES)?;
        self.control(code, &[]).ok().and_then(features::max_apdu_data)
    }

    /// The control code of a feature of PC/SC part 10, if the reader has it.
    pub fn feature(&mut self, feature: u8) -> Option<u32> {
        let list = self.control(system::control_code(features::GET_FEATURE_REQUEST), &[]).ok()?;
        features::control_code(list, feature)
    }

    /// Sends a control code to the reader.
    pub fn control(&mut self, code: u32, input: &[u8]) -> Result<&[u8]> {
        let icc = self.session.link?.icc;
        let attachment = self.attachment;
        let sent = attachment.subsystem.control(icc, code, input, &mut self.session.response);
        match sent {
            Ok(()) => Ok(&self.session.response),
            Err(code) => Err(attachment.diagnose(self.session, code)),
        }
    }

    /// Overwrites the answer of the last exchange, and leaves none.
    pub fn wipe_response(&mut self) {
        self.session.response.as_mut_slice().zeroize();
        self.session.response.clear();
    }

    /// What is known to be selected.
    pub fn selection(&self) -> Option<Selection> {
        self.selection
    }

    /// Remembers what is selected, and nothing when it is not known.
    pub fn set_selection(&mut self, selection: Option<Selection>) {
        self.session.knowledge.application = None;
        self.session.knowledge.selection = selection;
        self.selection = selection;
    }

    pub fn generation(&self) -> u64 {
        self.attachment.generation()
    }

    pub fn habits(&mut self) -> &mut Habits {
        &mut self.session.knowledge.habits
    }

    /// Another number for each card that may be another one. A reset leaves it as it is.
    pub fn card_number(&mut self) -> u64 {
        self.attachment.look_for_other_card(self.session)
    }
}

impl Attachment {
    /// The generation says whether anything happened at all. Whether a card came and went with it, the reader counts, and
    /// knows also where one signal has covered another.
    fn look_for_other_card(&self, session: &mut Session) -> u64 {
        let generation = self.generation();
        if session.knowledge.seen.is_none_or(|(seen, _)| seen != generation) {
            let events = self.events(session).unwrap_or_default();
            if session.knowledge.seen.is_some_and(|(_, before)| before != events) {
                self.count_card();
            }
            session.knowledge.seen = Some((generation, events));
        }
        self.card_number()
    }
}

impl Carrier for Conversation<'_> {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]> {
        let attachment = self.attachment;
        match attachment.exchange(self.session, apdu) {
            Ok(()) => Ok(&self.session.response),
            Err(code) => {
                // The card may have been in the middle of anything, and have begun anew.
                self.set_selection(None);
                self.session.response.clear();
                Err(code)
            }
        }
    }
}

impl Limits {
    /// For commands that need nothing else.
    const SHORT: Limits = Limits { chaining: true, extended: None };
}
