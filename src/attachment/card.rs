//! The card behind an attachment: which one it is, and its state.

use std::sync::atomic::Ordering;

use super::Attachment;
use super::connection::{Connection, TRIES};
use super::session::Session;
use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::resource_manager::Identity;
use crate::runtime::wait::WaitLimit;

impl Identity {
    /// The reconnect that the card needs before it can be used over `connection`, if any.
    pub(super) fn needed_reconnect(&self, connection: Connection) -> Option<Disposition> {
        match self.state {
            _ if connection.share_mode == ShareMode::Direct => None,
            CardState::Present | CardState::Swallowed => Some(Disposition::Unpower),
            _ if self.protocol.is_none() || connection.protocol.is_none() => Some(Disposition::Leave),
            _ => None,
        }
    }

    pub(super) fn card(&self) -> CardIdentity {
        CardIdentity { atr: self.atr, events: self.events }
    }
}

/// A card as the resource manager describes it: its ATR, and how often cards had come and gone in its reader.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct CardIdentity {
    pub atr: Atr,
    pub events: u16,
}

impl Attachment {
    /// The state of the card, and the active protocol. A removed card is a state, not an error.
    pub fn status(&self) -> Result<(CardState, Option<Protocol>)> {
        let mut session = self.begin_call()?;
        match self.ask_status(&mut session) {
            Err(Hresult::SCARD_W_REMOVED_CARD) => Ok((CardState::Absent, None)),
            status => status,
        }
    }

    fn ask_status(&self, session: &mut Session) -> Result<(CardState, Option<Protocol>)> {
        let _turn = self.turn(session)?;
        let connection = self.ready(session, &WaitLimit::ENDLESS)?;
        let status = match self.manager.status(connection.icc, &WaitLimit::ENDLESS) {
            Ok((state, _)) if connection.share_mode == ShareMode::Direct => return Ok((state, None)),
            // A removal is a loss. A card without its protocol was reset, even if there was no signal.
            Ok((CardState::Absent, _)) => Err(Hresult::SCARD_W_REMOVED_CARD),
            Ok((_, None)) => Err(Hresult::SCARD_W_RESET_CARD),
            status => status,
        };
        match status {
            Ok(status) => {
                self.note_success(session);
                Ok(status)
            }
            Err(code) => Err(self.diagnose(session, code, &WaitLimit::ENDLESS)),
        }
    }

    /// Another number after each event that may have brought another card.
    pub(super) fn card_number(&self) -> u64 {
        self.cards.load(Ordering::Acquire) + self.registration.doubts()
    }

    pub(super) fn count_card(&self) {
        self.cards.fetch_add(1, Ordering::AcqRel);
    }

    /// Remembers the card that answers.
    pub(super) fn note_card(&self, session: &mut Session, identity: &Identity) {
        session.forget_selection();
        if session.connection.card().atr != identity.atr {
            if let Some(knowledge) = session.known() {
                knowledge.forget_card();
            }
            self.count_card();
        }
        session.connection.set_card(identity.card());
    }

    /// Reads which card the connection leads to, and remembers it. Other applications may reset the card meanwhile. And
    /// a connection may have been made to a card whose power another application has turned off: until it is turned on,
    /// nobody can use the card. Tells whether the card had to be reconnected for such a reason.
    pub(super) fn identify_usable_card(
        &self,
        session: &mut Session,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<bool> {
        for disturbances in 0..TRIES {
            let connection = session.connection.get()?;
            let initial = match self.manager.identify(connection.icc, limit) {
                Ok(identity) => match identity.needed_reconnect(connection) {
                    None => {
                        connection.check(access)?;
                        self.note_card(session, &identity);
                        return Ok(disturbances > 0);
                    }
                    Some(initial) => initial,
                },
                Err(Hresult::SCARD_W_RESET_CARD) => Disposition::Leave,
                Err(Hresult::SCARD_W_REMOVED_CARD) => return Err(Hresult::SCARD_E_NO_SMARTCARD),
                Err(code) => return Err(code),
            };
            let connection = connection.reconnect(self.manager, access, initial, limit)?;
            session.connection.renew(connection);
        }
        Err(Hresult::SCARD_E_NOT_READY)
    }
}
