//! Several exchanges with the card in a row, under one lock.

use super::Attachment;
use super::diagnosis;
use super::knowledge::{FileClass, Habits, Knowledge, Reach, Selection};
use super::session::Session;
use crate::abi::constants::Protocol;
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::iso7816::capabilities::Capabilities;
use crate::iso7816::class;
use crate::iso7816::command::{Command, SHORT_DATA, SHORT_RESPONSE};
use crate::iso7816::delivery::{Carrier, Delivered, Extended, Fetching, Limits};
use crate::iso7816::status_word::StatusWord;
use crate::resource_manager::{control_code, features};
use crate::runtime::wait::WaitLimit;

/// The card under a lock. `Attachment::transact` makes it.
pub struct Transaction<'a> {
    attachment: &'a Attachment,
    session: &'a mut Session,
    knowledge: &'a mut Knowledge,
    protocol: Protocol,
    /// An exchange has failed, so a failure from then on is not a refusal by the card.
    has_failed: bool,
    limit: WaitLimit<'a>,
}

/// A function that uses the card under a lock.
type UseCard<'a> = dyn FnMut(&mut Transaction) -> Result<()> + 'a;

impl Attachment {
    /// Takes a lock, waits for it no longer than `timeout_ms`, and calls `use_card` with the card. Gives the lock
    /// back afterwards.
    pub fn transact<T>(&self, timeout_ms: u32, use_card: impl FnOnce(&mut Transaction) -> Result<T>) -> Result<T> {
        let (mut use_card, mut value) = (Some(use_card), None);
        self.transact_dyn(timeout_ms, &mut |card| {
            value = use_card.take().map(|use_card| use_card(card)).transpose()?;
            Ok(())
        })?;
        value.ok_or(Hresult::E_UNEXPECTED)
    }

    /// `transact` without its types: the library has this code once.
    fn transact_dyn(&self, timeout_ms: u32, use_card: &mut UseCard) -> Result<()> {
        let limit = WaitLimit::of_ms(timeout_ms, &self.waker);
        let mut session = self.begin_call_within(&limit)?;
        let session = &mut *session;
        session.knowledge()?;
        self.take_lock(session, &limit)?;
        let used = self.transact_under_lock(session, limit, use_card);
        // The next attachment with the lock uses the buffer.
        session.response.settle(&self.registration.spare);
        self.give_lock_of_call(session, &limit);
        used
    }

    fn transact_under_lock(&self, session: &mut Session, limit: WaitLimit, use_card: &mut UseCard) -> Result<()> {
        let protocol = session.connection.get()?.protocol.ok_or(Hresult::SCARD_E_PROTO_MISMATCH)?;
        // Under the lock no other attachment uses the spare buffer of the reader.
        session.response.reserve(&self.registration.spare)?;
        let mut knowledge = session.take_knowledge()?;
        if self.is_known_to_others() {
            // A user of the same card handle may have selected another file.
            knowledge.forget_selected_file();
        }
        let mut card =
            Transaction { attachment: self, session, knowledge: &mut knowledge, protocol, has_failed: false, limit };
        let used = use_card(&mut card);
        session.return_knowledge(knowledge);
        used
    }

    /// Sets the limits of commands to this card, and the most data of a short command and of its response. None goes by
    /// what the card says of itself.
    pub fn set_limits(&self, limits: Option<Limits>, short: Option<(usize, usize)>) -> Result<()> {
        let mut session = self.begin_call()?;
        let knowledge = session.knowledge()?;
        knowledge.caller_limits = limits;
        knowledge.caller_short_limits = short;
        knowledge.habits.forget_forms();
        knowledge.habits.command = Reach::default();
        knowledge.habits.response = Reach::default();
        Ok(())
    }
}

impl Transaction<'_> {
    /// Sends a command in as many exchanges as it needs, appends the wanted part of the response data to `answer`, and
    /// returns the status word. A failure has no data. A proactive status (91XX) counts as 9000. A command of class 00
    /// is sent in the class that the card uses for its files, and the status words of a SIM are translated to those of
    /// ISO/IEC 7816-4.
    pub fn send(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let limits = self.limits_for(command);
        self.send_within(command, &limits, answer)
    }

    /// Sends a command without extended lengths.
    pub fn send_short(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        self.send_within(command, &Limits::SHORT, answer)
    }

    /// Sends a command, and sends it in another form if the card refuses the first one.
    pub fn send_in_any_form(&mut self, command: &Command, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let command = &self.class().command(command);
        let begin = answer.len();
        let sent = self.try_forms(command, &self.fetching(command), answer);
        wanted(command, sent, begin, answer)
    }

    fn send_within(&mut self, command: &Command, limits: &Limits, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let command = &self.class().command(command);
        let begin = answer.len();
        let sent = self.deliver(command, limits, &self.fetching(command), answer);
        wanted(command, sent.map(|delivered| delivered.status), begin, answer)
    }

    fn fetching(&self, command: &Command) -> Fetching {
        Fetching { takes_length_of_67xx: command.cla == class::SIM, ..Fetching::of(command, false) }
    }

    /// Sends a command of the caller, and keeps its response as that of the last exchange. Only the caller knows what
    /// is selected afterwards.
    pub fn send_for_caller(
        &mut self,
        command: &Command,
        fetching: &Fetching,
        answer: &mut Vec<u8>,
    ) -> Result<StatusWord> {
        self.knowledge.forget_selection();
        self.send_for_application(command, fetching, answer)
    }

    /// Sends a command of a provider that has selected its application for it. `answer` gets Ne bytes at most; all of
    /// the response is kept.
    pub fn send_for_application(
        &mut self,
        command: &Command,
        fetching: &Fetching,
        answer: &mut Vec<u8>,
    ) -> Result<StatusWord> {
        self.knowledge.forget_selected_file();
        answer.clear();
        let sent = self.try_forms(command, fetching, answer);
        let Ok(status) = sent else {
            // It holds a part of the response, or an answer of the reader.
            self.session.response.clear();
            return sent;
        };
        self.session.response.replace(answer, status)?;
        answer.truncate(command.ne);
        Ok(status)
    }

    /// Sends a command, and sends it in another form if the card refuses the first one: some cards name a form in their
    /// capabilities and refuse it. The refusal is remembered if the card accepts another form. If it does not, the form
    /// was not the reason.
    fn try_forms(&mut self, command: &Command, fetching: &Fetching, answer: &mut Vec<u8>) -> Result<StatusWord> {
        let begin = answer.len();
        let limits = self.limits_for(command);
        let Delivered { status, form, is_refused, .. } = self.deliver(command, &limits, fetching, answer)?;
        let Some(form) = form else { return Ok(status) };
        // Once the card has accepted this form, only a status word about the form itself refuses it.
        if !is_refused || *self.habits().takes_form(form) && !status.is_about_form() {
            *self.habits().takes_form(form) |= !status.refuses_form();
            return Ok(status);
        }
        *self.habits().refuses_form(form) = true;
        let limits = self.limits_for(command);
        if command.is_carried(self.protocol, &limits) {
            let end = answer.len();
            let again = self.deliver(command, &limits, fetching, answer)?;
            if again.status == status && !status.refuses_form() {
                // The card has accepted both forms.
                answer.truncate(end);
                *self.habits().refuses_form(form) = false;
                *self.habits().takes_form(form) = true;
                return Ok(status);
            }
            if !again.status.refuses_form() || !again.is_refused && again.status != status {
                // Data that came with the refusal are no response.
                answer.drain(begin..end);
                return Ok(again.status);
            }
            answer.truncate(end);
        }
        *self.habits().refuses_form(form) = false;
        Ok(status)
    }

    /// Sends a command, and fetches the response in the class that has worked for this card before.
    fn deliver(
        &mut self,
        command: &Command,
        limits: &Limits,
        fetching: &Fetching,
        answer: &mut Vec<u8>,
    ) -> Result<Delivered> {
        let classes = fetching.classes.map(|classes| self.habits().fetching(command.cla, classes));
        let most = self.habits().fetched.map_or(fetching.most, |most| most.min(fetching.most));
        let delivered = command.deliver(self, limits, &Fetching { classes, most, ..*fetching }, answer)?;
        self.habits().fetched = Some(delivered.most).filter(|most| *most < fetching.most);
        if let Some(classes) = classes {
            self.habits().note_fetched(command.cla, classes, delivered.fetched);
        }
        Ok(delivered)
    }

    fn limits_for(&mut self, command: &Command) -> Limits {
        let is_long = command.data.len() > SHORT_DATA || command.ne > SHORT_RESPONSE;
        if is_long { self.limits() } else { Limits::SHORT }
    }

    /// The limits of a command to this card.
    pub fn limits(&mut self) -> Limits {
        let habits = *self.habits();
        let limits = match self.knowledge.caller_limits {
            Some(limits) => limits,
            None => {
                let capabilities = match habits.refuses_chaining {
                    true => self.capabilities().without_chaining(),
                    false => self.capabilities(),
                };
                let reader = if capabilities.extended == Some(true) { self.reader_limit() } else { None };
                capabilities.limits(reader)
            }
        };
        limits.without(&habits)
    }

    /// The most data of an extended command about a file, and of its response; None if short lengths are the limit. A
    /// SIM knows short lengths only (3GPP TS 51.011, 9.1).
    pub fn extended_for_files(&mut self) -> Option<Extended> {
        match self.is_sim() {
            true => None,
            false => self.limits().extended,
        }
    }

    /// The most data of a short command, and of a short response.
    pub fn short_limits(&self) -> (usize, usize) {
        self.knowledge.caller_short_limits.unwrap_or((SHORT_DATA, SHORT_RESPONSE))
    }

    /// Whether the capabilities that the card names are used.
    pub fn uses_card_capabilities(&self) -> bool {
        self.knowledge.caller_limits.is_none()
    }

    pub fn capabilities(&mut self) -> Capabilities {
        let atr = self.session.connection.card().atr;
        *self.knowledge.capabilities.get_or_insert_with(|| Capabilities::of_atr(&atr))
    }

    pub fn atr(&self) -> Atr {
        self.session.connection.card().atr
    }

    pub fn set_capabilities(&mut self, capabilities: Capabilities) {
        self.knowledge.capabilities = Some(capabilities);
    }

    /// The most data that the reader carries in one APDU, if it names a limit (PC/SC part 10).
    fn reader_limit(&mut self) -> Option<usize> {
        if self.knowledge.reader.is_none() {
            // After a failure the reader is asked again the next time.
            self.knowledge.reader = self.ask_reader_limit().ok();
        }
        self.knowledge.reader.flatten()
    }

    fn ask_reader_limit(&mut self) -> Result<Option<usize>> {
        let Some(code) = self.feature(features::GET_TLV_PROPERTIES)? else { return Ok(None) };
        Ok(self.ask_reader(code)?.and_then(features::max_apdu_data))
    }

    /// The control code of a feature of PC/SC part 10, if the reader has the feature.
    pub fn feature(&mut self, feature: u8) -> Result<Option<u32>> {
        let list = self.ask_reader(control_code(features::GET_FEATURE_REQUEST))?;
        Ok(list.and_then(|list| features::control_code(list, feature)))
    }

    /// The answer of the reader to a control code; None if the reader refuses it. A broken connection is a failure.
    pub fn ask_reader(&mut self, code: u32) -> Result<Option<&[u8]>> {
        match self.control(code, &[]) {
            Ok(_) => Ok(Some(self.session.response.bytes())),
            Err(code) if diagnosis::is_lasting(code) => Err(code),
            Err(_) => Ok(None),
        }
    }

    /// Sends a control code to the reader.
    pub fn control(&mut self, code: u32, input: &[u8]) -> Result<&[u8]> {
        let icc = self.session.connection.get()?.icc;
        let attachment = self.attachment;
        let sent = attachment.manager.control(icc, code, input, self.session.response.next_buffer());
        match sent {
            Ok(()) => {
                self.session.response.note_used();
                self.session.connection.succeed_at_reader();
                Ok(self.session.response.bytes())
            }
            Err(code) => {
                self.session.response.clear();
                Err(attachment.diagnose(self.session, code, &self.limit))
            }
        }
    }

    /// The length of the data of the last exchange, with the part that was not wanted.
    pub fn response_length(&self) -> usize {
        self.session.response.bytes().len().saturating_sub(size_of::<StatusWord>())
    }

    /// Overwrites the last response, and all that a failed exchange has left in the buffer.
    pub fn wipe_response(&mut self) {
        self.session.response.wipe();
    }

    /// None if the card has refused. A failure of the connection stays a failure.
    pub fn unless_refused<T>(&self, outcome: Result<T>) -> Result<Option<T>> {
        match outcome {
            Ok(given) => Ok(Some(given)),
            Err(code) if self.has_failed || code == Hresult::E_OUTOFMEMORY => Err(code),
            Err(_) => Ok(None),
        }
    }

    /// The selected file, if it is known.
    pub fn selection(&self) -> Option<Selection> {
        self.knowledge.selection
    }

    /// Remembers the selected file; None if it is not known.
    pub fn set_selection(&mut self, selection: Option<Selection>) {
        self.knowledge.application = None;
        self.knowledge.selection = selection;
    }

    /// The class of commands about files.
    pub fn class(&self) -> FileClass {
        self.knowledge.class
    }

    pub fn set_class(&mut self, class: FileClass) {
        self.knowledge.class = class;
    }

    pub fn is_sim(&self) -> bool {
        self.class() == FileClass::Sim
    }

    pub fn habits(&mut self) -> &mut Habits {
        &mut self.knowledge.habits
    }

    /// Another number after each event that may have brought another card. A reset keeps the number.
    pub fn card_number(&mut self) -> u64 {
        let attachment = self.attachment;
        let generation = attachment.generation();
        // The generation tells whether anything has happened. The reader counts removals also if one signal has hidden
        // another.
        if self.knowledge.seen.is_none_or(|(seen, _)| seen != generation) {
            match attachment.events(self.session, &self.limit) {
                Ok(events) => {
                    if self.knowledge.seen.is_some_and(|(_, before)| before != events) {
                        attachment.count_card();
                    }
                    self.knowledge.seen = Some((generation, events));
                }
                // That is no other card. The next call asks again.
                Err(code) => self.limit.keep_cancel(code),
            }
        }
        attachment.card_number()
    }
}

impl Carrier for Transaction<'_> {
    fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn exchange(&mut self, apdu: &[u8]) -> Result<&[u8]> {
        let attachment = self.attachment;
        match attachment.exchange(self.session, apdu, &self.limit) {
            Ok(()) => {
                self.session.response.note_used();
                Ok(self.session.response.bytes())
            }
            Err(code) => {
                self.has_failed = true;
                // The card may have been reset in the middle of the command.
                self.set_selection(None);
                self.session.response.clear();
                Err(code)
            }
        }
    }
}

/// Keeps the wanted part of a response: Ne bytes at most, and nothing after a failure.
fn wanted(command: &Command, sent: Result<StatusWord>, begin: usize, answer: &mut Vec<u8>) -> Result<StatusWord> {
    let sent = match command.cla {
        class::SIM => sent.map(|status| status.of_sim(command.ins)),
        _ => sent,
    };
    let length = match sent {
        Ok(status) if status.is_done() => command.ne,
        _ => 0,
    };
    answer.truncate(begin.saturating_add(length));
    sent.map(|status| if status.is_normal() { StatusWord::OK } else { status })
}

impl Limits {
    /// Enough for most commands.
    const SHORT: Limits = Limits { chaining: true, extended: None };
}
