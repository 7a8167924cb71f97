//! Where threads cannot be cancelled (Windows, Android).

pub struct HeldOff;

pub fn hold_off() -> HeldOff {
    HeldOff
}

pub fn learn() {}

pub fn is_single_threaded() -> bool {
    false
}
