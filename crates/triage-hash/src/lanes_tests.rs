//! Lanes against one stream.
