//! Disk images as read-only byte sources.
//!
//! Every container gives the bytes of the disk that it holds, whatever it does to store them.
//! Nothing is written and nothing outside the folder of the image is opened.
