//! NTFS as a whole: fixtures against The Sleuth Kit and against what was put in, made images,
//! damage. The recipes of the fixtures lie beside them.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]
#![expect(clippy::print_stderr, reason = "a test that skips says so")]

mod damage;
mod golden;
#[path = "../../../../tests/shared/damage.rs"]
mod limits;
mod made;
mod patched;
#[path = "../shared/reading.rs"]
mod reading;
mod records;
#[path = "../shared/tools.rs"]
mod tools;
