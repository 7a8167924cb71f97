//! The answers of the world.

use super::{Model, OTHER_ATR, OpenContext, RESPONSE, SPOKEN, Step, World, WorldAnswer, WorldOperation, name};
use crate::abi::constants::{Access, CardState, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::iso7816::atr::Atr;
use crate::iso7816::command::MAX_RESPONSE;
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, Identity, IfdState, MAX_ATTRIBUTE, ResourceManager, SlotState, unlisted};
use crate::runtime::wait::WaitLimit;

impl Model {
    /// Records an operation, and returns the answer that replaces the true one.
    fn step(&mut self, operation: WorldOperation, lent: bool, disposition: Disposition) -> Result<Option<WorldAnswer>> {
        let number = self.steps.len();
        let limited = self.limited.take();
        self.steps.push(Step { operation, lent, disposition, limited });
        if let Some(place) = self.sabotage.iter().position(|(when, _)| *when == operation) {
            return Err(self.sabotage.remove(place).1);
        }
        match self.answers.iter().find(|(when, _)| *when == number) {
            Some((_, WorldAnswer::Failure(code))) => Err(*code),
            planned => Ok(planned.map(|(_, answer)| *answer)),
        }
    }

    fn step_in(&mut self, context: Context, operation: WorldOperation) -> Result<Option<WorldAnswer>> {
        if !self.is_open(context) {
            self.fault("a context is used that is not open");
        }
        let planned = self.step(operation, false, Disposition::Leave)?;
        match self.contexts.get(context.0.wrapping_sub(1)) {
            _ if !self.service_runs => Err(Hresult::SCARD_E_NO_SERVICE),
            Some(known) if known.service != self.era.service => Err(Hresult::SCARD_E_NO_SERVICE),
            None => Err(Hresult::SCARD_E_INVALID_HANDLE),
            _ => Ok(planned),
        }
    }

    fn step_on(
        &mut self,
        icc: Icc,
        operation: WorldOperation,
        disposition: Disposition,
    ) -> Result<Option<WorldAnswer>> {
        let (lent, connected) = self.handle(icc).map_or((false, false), |it| (it.lent, it.connected));
        // A handle that the service does not know can be disconnected again and again.
        let is_unknown = self.handle(icc).is_some_and(|it| it.born != self.era);
        let is_again = is_unknown && operation == WorldOperation::Disconnect;
        if !(connected || is_again) {
            self.fault("a card handle is used that is not connected");
        }
        let planned = self.step(operation, lent, disposition)?;
        self.dead(icc).map_or(Ok(planned), Err)
    }

    /// As most operations, it fails with the signal of the handle.
    fn step_signalled(
        &mut self,
        icc: Icc,
        operation: WorldOperation,
        disposition: Disposition,
    ) -> Result<Option<WorldAnswer>> {
        let planned = self.step_on(icc, operation, disposition)?;
        self.trouble(icc).map_or(Ok(planned), Err)
    }

    /// Why the service does not know a card handle.
    pub fn dead(&self, icc: Icc) -> Option<Hresult> {
        match self.handle(icc) {
            _ if !self.service_runs => Some(Hresult::SCARD_E_NO_SERVICE),
            Some(handle) if handle.born.service != self.era.service => Some(Hresult::SCARD_E_NO_SERVICE),
            _ if !self.reader_there => Some(Hresult::SCARD_E_READER_UNAVAILABLE),
            Some(handle) if handle.connected && handle.born == self.era => None,
            _ => Some(Hresult::SCARD_E_INVALID_HANDLE),
        }
    }

    /// The protocol of a connection with `access`.
    fn negotiate(&self, access: Access) -> Result<Option<Protocol>> {
        match access.share_mode {
            ShareMode::Direct => Ok(None),
            _ if self.card.is_none() => Err(Hresult::SCARD_E_NO_SMARTCARD),
            _ if !access.protocols.accept(SPOKEN) => Err(Hresult::SCARD_E_PROTO_MISMATCH),
            _ => Ok(Some(SPOKEN)),
        }
    }

    fn connect(&mut self, context: Context, access: Access) -> Result<(Icc, Option<Protocol>)> {
        let planned = self.step_in(context, WorldOperation::Connect)?;
        if !self.reader_there {
            return Err(Hresult::SCARD_E_UNKNOWN_READER);
        }
        let protocol = self.negotiate(access)?.filter(|_| planned != Some(WorldAnswer::NoProtocol));
        Ok((self.add_handle(Some(context.0), access.share_mode, protocol), protocol))
    }

    fn reconnect(&mut self, icc: Icc, access: Access, initial: Disposition) -> Result<Option<Protocol>> {
        let has_limit = self.limited == Some(true);
        let answer = self.step_on(icc, WorldOperation::Reconnect, initial);
        if has_limit && answer == Err(Hresult::SCARD_E_TIMEOUT) {
            self.abandoned = Some(icc);
        }
        if initial != Disposition::Leave && answer.is_err() {
            // The card may have been reset before the failure.
            self.memory += 1;
        }
        let planned = answer?;
        if self.card.is_none() {
            return Err(Hresult::SCARD_E_NO_SMARTCARD);
        }
        if initial != Disposition::Leave {
            self.reset_card();
        }
        // The active protocol stays, whatever is asked for.
        let active =
            self.handle(icc).and_then(|handle| handle.protocol).filter(|_| access.share_mode != ShareMode::Direct);
        let protocol = if active.is_some() { active } else { self.negotiate(access)? };
        let protocol = protocol.filter(|_| planned != Some(WorldAnswer::NoProtocol));
        let keeps_transactions = self.keeps_transactions;
        let handle = &mut self.handles[icc.0 - 1];
        if !keeps_transactions || handle.mode == ShareMode::Exclusive && access.share_mode != ShareMode::Exclusive {
            handle.transactions = 0;
        }
        (handle.signal, handle.mode, handle.protocol) = (None, access.share_mode, protocol);
        Ok(protocol)
    }

    fn disconnect(&mut self, icc: Icc, disposition: Disposition) -> Result<()> {
        let answer = self.step_on(icc, WorldOperation::Disconnect, disposition).map(|_| ());
        if let Some(handle) = self.handles.get_mut(icc.0.wrapping_sub(1)) {
            // The context ends the handle, whatever was answered.
            if answer.is_ok() || handle.context.is_some() || handle.born != self.era {
                (handle.connected, handle.transactions) = (false, 0);
            }
        }
        answer
    }

    fn end(&mut self, icc: Icc, disposition: Disposition) -> Result<()> {
        let answer = self.step_signalled(icc, WorldOperation::End, disposition);
        let keeps_transactions = self.keeps_transactions;
        let Some(handle) = self.handles.get_mut(icc.0.wrapping_sub(1)) else { return answer.map(|_| ()) };
        let begun = handle.transactions;
        // A false failure leaves the transaction open.
        answer?;
        handle.transactions = begun.saturating_sub(1);
        if begun == 0 {
            return Err(Hresult::SCARD_E_NOT_TRANSACTED);
        }
        if disposition != Disposition::Leave {
            let signal = handle.signal;
            self.reset_card();
            if !keeps_transactions {
                // A manager without transactions that outlive a reconnect signals a reset to the others only.
                self.handles[icc.0 - 1].signal = signal;
            }
        }
        Ok(())
    }

    fn slot(&self, planned: Option<WorldAnswer>) -> SlotState {
        let identity = self.identity(None, planned);
        let card_present = identity.state != CardState::Absent;
        SlotState { card_present, atr: identity.atr, events: identity.events, native: 0 }
    }

    fn identity(&self, protocol: Option<Protocol>, planned: Option<WorldAnswer>) -> Identity {
        let card = self.card.filter(|_| planned != Some(WorldAnswer::NoCard));
        let state = match planned {
            Some(WorldAnswer::NoPower) => CardState::Present,
            _ if card.is_none() => CardState::Absent,
            _ => CardState::SpecificMode,
        };
        Identity {
            ifd: name(),
            atr: if planned == Some(WorldAnswer::OtherAtr) { Atr::new(OTHER_ATR) } else { card.unwrap_or_default() },
            state,
            protocol: protocol.filter(|_| planned != Some(WorldAnswer::NoProtocol) && state != CardState::Absent),
            events: self.events + if planned == Some(WorldAnswer::OtherEvents) { 1 } else { 0 },
        }
    }

    fn identify(&mut self, icc: Icc, operation: WorldOperation) -> Result<Identity> {
        let planned = self.step_signalled(icc, operation, Disposition::Leave)?;
        let protocol = self.handle(icc).and_then(|handle| handle.protocol);
        Ok(self.identity(protocol, planned))
    }

    /// Writes a response that may be too short.
    fn respond(&mut self, planned: Option<WorldAnswer>, answer: &[u8], response: &mut Vec<u8>) {
        if response.capacity() < MAX_RESPONSE {
            self.fault("there is no room for the longest answer");
        }
        let length = if let Some(WorldAnswer::Length(length)) = planned { length } else { answer.len() };
        response.clear();
        response.extend(answer.iter().take(length));
    }
}

impl ResourceManager for World {
    unlisted!();

    fn keeps_transaction_on_reconnect(&self) -> bool {
        self.model().keeps_transactions
    }

    fn is_abandoned(&self, icc: Icc) -> bool {
        self.model().abandoned == Some(icc)
    }

    fn establish_context(&self, limit: &WaitLimit) -> Result<Context> {
        let mut model = self.model_for(limit);
        model.step(WorldOperation::Establish, false, Disposition::Leave)?;
        if !model.service_runs {
            return Err(Hresult::SCARD_E_NO_SERVICE);
        }
        let service = model.era.service;
        model.contexts.push(OpenContext { service, open: true });
        Ok(Context(model.contexts.len()))
    }

    fn release_context(&self, context: Context) {
        let mut model = self.model();
        if !model.is_open(context) {
            return model.fault("a context is released that is not open");
        }
        if model.handles.iter().any(|handle| handle.context == Some(context.0) && handle.connected) {
            model.fault("a context is released before its card handle is disconnected");
        }
        model.contexts[context.0 - 1].open = false;
    }

    fn connect(
        &self,
        context: Context,
        _: &IfdName,
        access: Access,
        limit: &WaitLimit,
    ) -> Result<(Icc, Option<Protocol>)> {
        self.model_for(limit).connect(context, access)
    }

    fn reconnect(
        &self,
        icc: Icc,
        now: ShareMode,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Option<Protocol>> {
        let mut model = self.model_for(limit);
        if model.handle(icc).is_some_and(|handle| handle.mode != now) {
            model.fault("a reconnect is wrong about the share mode");
        }
        model.reconnect(icc, access, initial)
    }

    fn disconnect(&self, icc: Icc, disposition: Disposition) -> Result<()> {
        self.model().disconnect(icc, disposition)
    }

    fn begin_transaction(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        let mut model = self.model_for(limit);
        model.step_signalled(icc, WorldOperation::Begin, Disposition::Leave)?;
        model.handles[icc.0 - 1].transactions += 1;
        Ok(())
    }

    fn end_transaction(&self, icc: Icc, disposition: Disposition, limit: &WaitLimit) -> Result<()> {
        self.model_for(limit).end(icc, disposition)
    }

    fn probe(&self, icc: Icc, limit: &WaitLimit) -> Result<()> {
        let mut model = self.model_for(limit);
        if model.handle(icc).is_none_or(|handle| handle.transactions > 0 || handle.lent) {
            model.fault("a probe ends a transaction");
        }
        model.step_signalled(icc, WorldOperation::Probe, Disposition::Leave).map(|_| ())
    }

    fn is_locked_by_other(&self, icc: Icc, _: &WaitLimit) -> Result<bool> {
        // There is no other application.
        self.model().trouble(icc).map_or(Ok(false), Err)
    }

    fn status(&self, icc: Icc, limit: &WaitLimit) -> Result<(CardState, Option<Protocol>)> {
        self.model_for(limit).identify(icc, WorldOperation::Status).map(|identity| (identity.state, identity.protocol))
    }

    fn identify(&self, icc: Icc, limit: &WaitLimit) -> Result<Identity> {
        self.model_for(limit).identify(icc, WorldOperation::Identify)
    }

    fn transmit(&self, icc: Icc, protocol: Protocol, _: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let mut model = self.model();
        let answer = model.step_signalled(icc, WorldOperation::Transmit, Disposition::Leave);
        if answer.is_err_and(leaves_card_unknown) || matches!(answer, Ok(Some(WorldAnswer::Length(_)))) {
            model.memory += 1;
        }
        let planned = answer?;
        if model.handle(icc).is_none_or(|handle| handle.protocol != Some(protocol)) {
            return Err(Hresult::SCARD_E_PROTO_MISMATCH);
        }
        model.respond(planned, RESPONSE, response);
        Ok(())
    }

    fn control(&self, icc: Icc, _: u32, input: &[u8], response: &mut Vec<u8>) -> Result<()> {
        let mut model = self.model();
        let planned = model.step_signalled(icc, WorldOperation::Control, Disposition::Leave)?;
        model.respond(planned, input, response);
        Ok(())
    }

    fn get_attribute(&self, icc: Icc, _: u32, _: &mut [u8; MAX_ATTRIBUTE]) -> Result<usize> {
        let planned = self.model().step_signalled(icc, WorldOperation::GetAttribute, Disposition::Leave)?;
        Ok(if let Some(WorldAnswer::Length(length)) = planned { length } else { 2 })
    }

    fn set_attribute(&self, icc: Icc, _: u32, _: &[u8]) -> Result<()> {
        self.model().step_signalled(icc, WorldOperation::SetAttribute, Disposition::Leave).map(|_| ())
    }

    fn slot_state(&self, context: Context, _: &IfdName, limit: &WaitLimit) -> Result<SlotState> {
        let mut model = self.model_for(limit);
        let planned = model.step_in(context, WorldOperation::Look)?;
        if model.reader_there { Ok(model.slot(planned)) } else { Err(Hresult::SCARD_E_READER_UNAVAILABLE) }
    }

    fn wait_for_change(
        &self,
        context: Context,
        _: &IfdName,
        _: &SlotState,
        _: u32,
        limit: &WaitLimit,
    ) -> Result<SlotState> {
        let mut model = self.model_for(limit);
        match model.step_in(context, WorldOperation::Wait)? {
            None => Err(Hresult::SCARD_E_TIMEOUT),
            planned => Ok(model.slot(planned)),
        }
    }
}

/// After these failures of an exchange nobody knows what the card has done: the documentation of `scm_transmit`.
pub fn leaves_card_unknown(code: Hresult) -> bool {
    matches!(
        code,
        Hresult::SCARD_F_COMM_ERROR
            | Hresult::SCARD_F_INTERNAL_ERROR
            | Hresult::SCARD_F_UNKNOWN_ERROR
            | Hresult::SCARD_E_NOT_TRANSACTED
            | Hresult::SCARD_E_COMM_DATA_LOST
            | Hresult::SCARD_E_INVALID_VALUE
            | Hresult::SCARD_E_PROTO_MISMATCH
    )
}
