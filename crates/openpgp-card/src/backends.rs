//! The parts of trussed that the card needs beyond its core: PINs, wrapped keys, and files larger than a message.

use trussed::backend::BackendId;
use trussed_auth::AuthExtension;
use trussed_auth_backend::{AuthBackend, FilesystemLayout};
use trussed_chunked::ChunkedExtension;
use trussed_core::types::Location;
use trussed_derive::{ExtensionDispatch, ExtensionId};
use trussed_staging::StagingBackend;
use trussed_wrap_key_to_file::WrapKeyToFileExtension;

pub enum Backend {
    Auth,
    Staging,
}

#[derive(ExtensionId)]
pub enum Extension {
    Auth = 0,
    WrapKeyToFile = 1,
    Chunked = 2,
}

#[derive(ExtensionDispatch)]
#[dispatch(backend_id = "Backend", extension_id = "Extension")]
#[extensions(Auth = "AuthExtension", WrapKeyToFile = "WrapKeyToFileExtension", Chunked = "ChunkedExtension")]
pub struct Backends {
    #[extensions("Auth")]
    auth: AuthBackend,
    #[extensions("WrapKeyToFile", "Chunked")]
    staging: StagingBackend,
}

/// The backends in the order of their use.
pub const ORDER: &[BackendId<Backend>] =
    &[BackendId::Custom(Backend::Staging), BackendId::Custom(Backend::Auth), BackendId::Core];

impl Default for Backends {
    fn default() -> Self {
        Backends { auth: AuthBackend::new(Location::Internal, FilesystemLayout::V0), staging: StagingBackend::new() }
    }
}
