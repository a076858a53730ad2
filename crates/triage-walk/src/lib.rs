//! Opens evidence and walks every entry in one order, within a scope.
