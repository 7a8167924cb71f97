//! The handle of an attachment, as C sees it.

/// An attachment to a card. `scm_attach_by_ifd` or `scm_attach_by_handle` makes it, `scm_detach` ends it.
///
/// After `scm_detach` every function returns `SCM_E_HANDLE` for it, for the rest of the process.
#[allow(non_camel_case_types)]
pub struct scm_handle {
    _opaque: (),
}
