//! Codes: what ISCardVerify does.

pub struct ChVerification {}
