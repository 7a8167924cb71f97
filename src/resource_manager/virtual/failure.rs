//! Planned failures of a virtual reader: some of the next calls of an operation fail or take longer.

use std::time::Duration;

use crate::abi::cause::refuse;
use crate::abi::hresult::Result;

/// The operations of a reader that can be planned to fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    Connect,
    Reconnect,
    Disconnect,
    Begin,
    End,
    Status,
    Transmit,
    Control,
    GetAttribute,
    SetAttribute,
}

/// The plan for one operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Failure {
    pub operation: Operation,
    /// The result of the calls; `Ok` if they are only delayed.
    pub answer: Result<()>,
    /// How many calls come before it.
    pub skip: u32,
    /// How many calls it applies to; `u32::MAX` for all.
    pub count: u32,
    /// How much longer each of them takes.
    pub delay: Duration,
}

/// The plans of one reader. Plans for the same operation apply one after the other.
#[derive(Default)]
pub struct Failures {
    plans: Vec<Failure>,
}

impl Failures {
    /// Adds a plan. A plan for no call removes all plans of its operation.
    pub fn plan(&mut self, failure: Failure) -> Result<()> {
        if failure.count == 0 {
            self.plans.retain(|plan| plan.operation != failure.operation);
            return Ok(());
        }
        self.plans.try_reserve(1)?;
        self.plans.push(failure);
        Ok(())
    }

    /// The result and the delay of the next call of `operation`.
    pub fn next(&mut self, operation: Operation) -> (Result<()>, Duration) {
        let Some(index) = self.plans.iter().position(|plan| plan.operation == operation) else {
            return (Ok(()), Duration::ZERO);
        };
        let Some(plan) = self.plans.get_mut(index) else { return (Ok(()), Duration::ZERO) };
        if plan.skip > 0 {
            plan.skip -= 1;
            return (Ok(()), Duration::ZERO);
        }
        let next = (plan.answer, plan.delay);
        match plan.count {
            u32::MAX => {}
            1 => drop(self.plans.remove(index)),
            _ => plan.count -= 1,
        }
        next
    }
}

impl Operation {
    pub fn from_value(value: u32) -> Result<Operation> {
        Ok(match value {
            SCM_VIRTUAL_CONNECT => Operation::Connect,
            SCM_VIRTUAL_RECONNECT => Operation::Reconnect,
            SCM_VIRTUAL_DISCONNECT => Operation::Disconnect,
            SCM_VIRTUAL_BEGIN_TRANSACTION => Operation::Begin,
            SCM_VIRTUAL_END_TRANSACTION => Operation::End,
            SCM_VIRTUAL_STATUS => Operation::Status,
            SCM_VIRTUAL_TRANSMIT => Operation::Transmit,
            SCM_VIRTUAL_CONTROL => Operation::Control,
            SCM_VIRTUAL_GET_ATTRIBUTE => Operation::GetAttribute,
            SCM_VIRTUAL_SET_ATTRIBUTE => Operation::SetAttribute,
            _ => return Err(refuse("is not an operation that the header defines")),
        })
    }
}

/// An attach, or a reconnect that connects again (SCardConnect).
pub const SCM_VIRTUAL_CONNECT: u32 = 1;
/// A reconnect that changes something (SCardReconnect).
pub const SCM_VIRTUAL_RECONNECT: u32 = 2;
/// A detach (SCardDisconnect).
pub const SCM_VIRTUAL_DISCONNECT: u32 = 3;
/// An outermost lock (SCardBeginTransaction).
pub const SCM_VIRTUAL_BEGIN_TRANSACTION: u32 = 4;
/// An outermost unlock (SCardEndTransaction).
pub const SCM_VIRTUAL_END_TRANSACTION: u32 = 5;
/// A request for the state: by `scm_status`, an attach, a reconnect or after a failed exchange (SCardStatus).
pub const SCM_VIRTUAL_STATUS: u32 = 6;
/// An exchange with the card (SCardTransmit).
pub const SCM_VIRTUAL_TRANSMIT: u32 = 7;
/// An exchange with the reader (SCardControl).
pub const SCM_VIRTUAL_CONTROL: u32 = 8;
/// Reading an attribute (SCardGetAttrib).
pub const SCM_VIRTUAL_GET_ATTRIBUTE: u32 = 9;
/// Setting an attribute (SCardSetAttrib).
pub const SCM_VIRTUAL_SET_ATTRIBUTE: u32 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::hresult::Hresult;

    fn failure(operation: Operation, code: Hresult, skip: u32, count: u32) -> Failure {
        Failure { operation, answer: Err(code), skip, count, delay: Duration::ZERO }
    }

    fn answers(failures: &mut Failures, operation: Operation, calls: usize) -> Vec<Result<()>> {
        (0..calls).map(|_| failures.next(operation).0).collect()
    }

    #[test]
    fn plans_of_one_operation_apply_in_turn() {
        use Hresult as H;
        let mut failures = Failures::default();
        failures.plan(failure(Operation::Transmit, H::SCARD_F_COMM_ERROR, 1, 2)).unwrap();
        failures.plan(failure(Operation::Transmit, H::SCARD_E_TIMEOUT, 1, 1)).unwrap();
        assert_eq!(answers(&mut failures, Operation::Status, 1), [Ok(())]);
        let (comm, late) = (Err(H::SCARD_F_COMM_ERROR), Err(H::SCARD_E_TIMEOUT));
        assert_eq!(answers(&mut failures, Operation::Transmit, 6), [Ok(()), comm, comm, Ok(()), late, Ok(())]);
    }

    #[test]
    fn an_unlimited_plan_applies_until_it_is_removed() {
        let mut failures = Failures::default();
        failures.plan(failure(Operation::Begin, Hresult::E_FAIL, 0, u32::MAX)).unwrap();
        assert_eq!(answers(&mut failures, Operation::Begin, 100), [Err(Hresult::E_FAIL); 100]);
        failures.plan(failure(Operation::Begin, Hresult::E_FAIL, 0, 0)).unwrap();
        assert_eq!(answers(&mut failures, Operation::Begin, 1), [Ok(())]);
    }

    #[test]
    fn every_operation_has_a_value() {
        for value in SCM_VIRTUAL_CONNECT..=SCM_VIRTUAL_SET_ATTRIBUTE {
            assert!(Operation::from_value(value).is_ok());
        }
        assert!(Operation::from_value(0).is_err());
        assert!(Operation::from_value(SCM_VIRTUAL_SET_ATTRIBUTE + 1).is_err());
    }
}
