//! Partition tables and the volumes of a disk.
//!
//! A volume is a range of a byte source with what its first bytes say that it is.
