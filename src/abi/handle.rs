//! The handle of an attachment, as C sees it.

/// An attachment to a smart card, made by `scm_attach_by_ifd` or `scm_attach_by_handle`.
///
/// A `scm_handle *` is a token, not an address. It may be used from any thread, and is dead after `scm_detach`: from
/// then on every function answers `SCM_E_HANDLE` for it, for as long as the process lives.
#[allow(non_camel_case_types)]
pub struct scm_handle {
    _opaque: (),
}
