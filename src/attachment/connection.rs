//! A connection to the card: a card handle, the protocol that is active on it, and its context.

use crate::abi::constants::{Access, Disposition, Protocol, ShareMode};
use crate::abi::hresult::{Hresult, Result};
use crate::resource_manager::ifd_name::IfdName;
use crate::resource_manager::{Context, Icc, ResourceManager};
use crate::runtime::wait::WaitLimit;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Connection {
    /// None when the context is the caller's.
    pub context: Option<Context>,
    pub icc: Icc,
    pub share_mode: ShareMode,
    /// None in direct mode.
    pub protocol: Option<Protocol>,
}

/// How often a call is repeated that other applications can disturb. If they reset the card at the same moment, the
/// protocol is gone again, or the card seems not to support it.
pub(super) const TRIES: u32 = 3;

impl Connection {
    /// Opens a new connection to the card in `ifd`, in a new context.
    pub fn open(manager: &dyn ResourceManager, ifd: &IfdName, access: Access, limit: &WaitLimit) -> Result<Connection> {
        Connection::open_when_free(manager, ifd, access, limit, &|| Err(Hresult::SCARD_E_SHARING_VIOLATION))
    }

    /// The same, but while others use the card, `pause` decides whether to ask again. All questions go through one
    /// context, because each new one costs the service a thread.
    pub fn open_when_free(
        manager: &dyn ResourceManager,
        ifd: &IfdName,
        access: Access,
        limit: &WaitLimit,
        pause: &dyn Fn() -> Result<()>,
    ) -> Result<Connection> {
        loop {
            let context = manager.establish_context(limit)?;
            let (opened, has_waited) = connect_when_free(manager, context, ifd, access, limit, pause);
            if opened.is_err() {
                manager.release_context(context);
            }
            match opened {
                // A service that stops during a call breaks the connection. The next call tells that there is no
                // service.
                Err(Hresult::SCARD_F_COMM_ERROR) => {
                    manager.release_context(manager.establish_context(limit)?);
                    return opened;
                }
                // The context has died with its service, and another service may run by now.
                Err(
                    Hresult::SCARD_E_NO_SERVICE | Hresult::SCARD_E_SERVICE_STOPPED | Hresult::SCARD_E_INVALID_HANDLE,
                ) if has_waited => {}
                opened => return opened,
            }
        }
    }

    /// Reconnects the same card handle, which acknowledges a reset or a removal. A failure has changed nothing. After a
    /// success, `check` tells whether the connection is as it was asked for.
    pub fn reconnect(
        self,
        manager: &dyn ResourceManager,
        access: Access,
        initial: Disposition,
        limit: &WaitLimit,
    ) -> Result<Connection> {
        let mut initial = initial;
        let mut outcome = Err(Hresult::SCARD_E_NOT_READY);
        for _ in 0..TRIES {
            let now = outcome.unwrap_or(self);
            match manager.reconnect(self.icc, now.share_mode, access, initial, limit) {
                Ok(protocol) => {
                    let connection = Connection { share_mode: access.share_mode, ..self }.with_protocol(protocol);
                    outcome = Ok(connection);
                    if connection.is_complete() {
                        break;
                    }
                }
                // An earlier try has changed the connection.
                Err(_) if outcome.is_ok() => {}
                Err(Hresult::SCARD_E_PROTO_MISMATCH) => outcome = Err(Hresult::SCARD_E_PROTO_MISMATCH),
                Err(code) => return Err(code),
            }
            initial = Disposition::Leave;
        }
        outcome
    }

    /// In direct mode there is no protocol: the connection is to the reader, and not to its card.
    pub fn with_protocol(self, protocol: Option<Protocol>) -> Connection {
        let protocol = protocol.filter(|_| self.share_mode != ShareMode::Direct);
        Connection { protocol, ..self }
    }

    pub fn is_complete(&self) -> bool {
        self.share_mode == ShareMode::Direct || self.protocol.is_some()
    }

    /// Fails if the connection is not as it was asked for. A reconnect may keep another protocol that is active
    /// already, or succeed without a protocol.
    pub fn check(self, access: Access) -> Result<Connection> {
        match self.protocol {
            Some(protocol) if !access.protocols.accept(protocol) => Err(Hresult::SCARD_E_PROTO_MISMATCH),
            None if !self.is_complete() => Err(Hresult::SCARD_E_NOT_READY),
            _ => Ok(self),
        }
    }

    fn disconnect_again(self, manager: &dyn ResourceManager) {
        for _ in 1..TRIES {
            if manager.disconnect(self.icc, Disposition::Leave).is_ok() {
                return;
            }
        }
    }

    /// Closes the connection, whatever the service answers. A failure is told only if the card was to be disposed of.
    pub fn close(self, manager: &dyn ResourceManager, disposition: Disposition) -> Result<()> {
        let result = manager.disconnect(self.icc, disposition);
        match self.context {
            Some(context) => manager.release_context(context),
            // The release of a context would end the card handle too, but this context belongs to the caller.
            None if result.is_err() => self.disconnect_again(manager),
            None => {}
        }
        if disposition == Disposition::Leave { Ok(()) } else { result }
    }
}

/// The connection in this context, and whether others have used the card meanwhile.
fn connect_when_free(
    manager: &dyn ResourceManager,
    context: Context,
    ifd: &IfdName,
    access: Access,
    limit: &WaitLimit,
    pause: &dyn Fn() -> Result<()>,
) -> (Result<Connection>, bool) {
    let mut has_waited = false;
    loop {
        match connect(manager, context, ifd, access, limit) {
            Err(Hresult::SCARD_E_SHARING_VIOLATION) => match pause() {
                Ok(()) => has_waited = true,
                Err(code) => return (Err(code), has_waited),
            },
            connected => return (connected, has_waited),
        }
    }
}

fn connect(
    manager: &dyn ResourceManager,
    context: Context,
    ifd: &IfdName,
    access: Access,
    limit: &WaitLimit,
) -> Result<Connection> {
    let connect = |access: Access| {
        let (icc, protocol) = manager.connect(context, ifd, access, limit)?;
        let connection = Connection { context: Some(context), icc, share_mode: access.share_mode, protocol: None };
        Ok(connection.with_protocol(protocol))
    };
    let mut connected = connect(access);
    for _ in 1..TRIES {
        if connected == Err(Hresult::SCARD_E_PROTO_MISMATCH) {
            connected = connect(access);
        }
    }
    match connected {
        Ok(connection) if connection.is_complete() => Ok(connection),
        // The card was reset, and no application has reconnected yet.
        Ok(connection) => complete(manager, connection, access, Disposition::Leave, limit),
        // Another application has turned the power of the card off. A connection to the reader can turn it on.
        Err(Hresult::SCARD_W_UNPOWERED_CARD) => {
            let reader = connect(Access { share_mode: ShareMode::Direct, ..access })?;
            complete(manager, reader, access, Disposition::Unpower, limit)
        }
        Err(code) => Err(code),
    }
}

/// Reconnects a connection that cannot be used yet. If that fails, it is disconnected.
fn complete(
    manager: &dyn ResourceManager,
    connection: Connection,
    access: Access,
    initial: Disposition,
    limit: &WaitLimit,
) -> Result<Connection> {
    connection.reconnect(manager, access, initial, limit).and_then(|connection| connection.check(access)).inspect_err(
        |_| {
            // The first failure is the one to tell.
            let _ = manager.disconnect(connection.icc, Disposition::Leave);
        },
    )
}
