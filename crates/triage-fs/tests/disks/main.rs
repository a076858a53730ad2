//! ext, FAT and exFAT as a whole: fixtures against The Sleuth Kit and against what was put in, made
//! images, patched images, damage. The recipes of the fixtures lie beside them.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]
#![expect(clippy::disallowed_methods, reason = "a test measures how long damage takes")]
#![expect(clippy::print_stderr, reason = "a test that skips says so")]

mod damage;
mod golden;
mod made;
#[path = "../shared/overlay.rs"]
mod overlay;
mod patched;
#[path = "../shared/reading.rs"]
mod reading;
#[path = "../shared/tools.rs"]
mod tools;
mod volumes;
