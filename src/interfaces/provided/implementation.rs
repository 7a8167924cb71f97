//! Who does the work of an interface.

/// The generic one, for any card that keeps to the standard, or what a provider has created for this one.
pub enum Implementation<Generic, Provided> {
    Generic(Generic),
    Provided(Provided),
}
