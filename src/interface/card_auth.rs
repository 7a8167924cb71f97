//! Authentication: what ISCardAuth does.

pub struct CardAuth {}
