//! The resource managers, as events name them.

/// The resource manager of the platform.
pub const SCM_SERVICE_PLATFORM: u32 = 1;
/// The resource manager of the virtual readers of this process.
pub const SCM_SERVICE_VIRTUAL: u32 = 2;
