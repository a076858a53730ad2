//! The verbs, one file each: help text, arguments, run.

pub(crate) mod batch;
pub(crate) mod custody;
pub(crate) mod custody_add;
pub(crate) mod custody_event;
pub(crate) mod custody_log;
pub(crate) mod custody_prove;
pub(crate) mod custody_repair;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod generate;
pub(crate) mod hash;
pub(crate) mod hash_check;
pub(crate) mod rematch;
pub(crate) mod report;
pub(crate) mod scan;
pub(crate) mod scan_args;
pub(crate) mod scan_close;
pub(crate) mod sets;
pub(crate) mod sets_encrypt;
pub(crate) mod sets_lookup;
pub(crate) mod sets_more;
pub(crate) mod verify;
pub(crate) mod verify_proof;
