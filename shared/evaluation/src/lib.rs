//! What an evaluation is and how it goes: no AWS, no HTTP, no clock, no chance.
//!
//! `domain` holds the rules (steps, names, planning, judging), `decide` what is decided at each step, as values, and
//! `run` the steps themselves, against whatever stands behind [`run::ports::Ports`]. A rule and its steps have the
//! same file name in `decide` and `run`.

pub mod decide;
pub mod domain;
pub mod figures;
pub mod run;
pub mod show;
