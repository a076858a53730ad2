//! Partition tables against other tools, names of what volumes hold, and damage.
#![expect(clippy::disallowed_methods, reason = "tests write the disks that they read")]
#![expect(clippy::unwrap_used, reason = "a scene that cannot be built fails its test")]

mod damage;
#[path = "../../../../tests/shared/damage.rs"]
mod limits;
mod scene;
mod special;
mod tables;
