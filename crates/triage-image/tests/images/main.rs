//! Containers against what was put in, against other tools, and against damage.
#![expect(clippy::disallowed_methods, reason = "tests write the images that they read")]
#![expect(clippy::unwrap_used, reason = "a scene that cannot be built fails its test")]

mod damage;
mod ewf;
#[path = "../../../../tests/shared/damage.rs"]
mod limits;
mod one_volume;
mod patched;
mod scene;
mod split;
mod virtual_disks;
