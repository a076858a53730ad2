//! Renders a finished case; never opens evidence.
