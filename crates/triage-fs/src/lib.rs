//! File systems as entries and streams; here: the live directory.
