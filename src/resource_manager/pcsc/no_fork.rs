//! Where processes do not fork (Windows).

pub fn before() {}

pub fn after_in_parent() {}

pub fn after_in_child() {}
